//! Listings as people paste them: what is read, what is noted, and that nothing makes the reader fail.

mod captures;
mod forms;
mod mixed;
mod noise;

use lab_core::node::{Rule, Statement, Table, Test};
use ruleset::listing::{Listing, Reading, read};

/// Reads one listing.
fn reading(name: &str, text: &str) -> Reading {
    read(&[Listing { name, text }])
}

/// What the notes say, without the listing's name.
fn notes(reading: &Reading) -> Vec<&str> {
    reading.notes.iter().map(|note| note.says.as_str()).collect()
}

/// The table of this name, of which there is one.
fn table<'a>(reading: &'a Reading, name: &str) -> &'a Table {
    let mut tables = reading.state.tables.iter().filter(|table| &*table.name == name);
    let table = tables.next().unwrap_or_else(|| panic!("no table {name}"));
    assert!(tables.next().is_none(), "two tables {name}");
    table
}

/// The rules of a chain.
fn rules<'a>(table: &'a Table, chain: &str) -> &'a [Rule] {
    &table.chain(chain).unwrap_or_else(|| panic!("no chain {chain}")).rules
}

/// Whether a statement is one that is not known.
fn is_unknown(statement: &Statement) -> bool {
    matches!(statement, Statement::Unknown(_) | Statement::If(_, Test::Unknown(_)))
}
