//! Tables that were read find their place among those that other listings held.

use super::remark::Remarks;
use lab_core::node::{Chain, Families, Hook, Maker, Set, Statement, Table};
use std::collections::HashMap;

/// The name of a table with its family, as nft says it.
pub(super) fn title(table: &Table) -> String {
    let family = match table.families {
        Families::V4 => "ip",
        Families::V6 => "ip6",
        Families::Both => "inet",
        Families::Other => "other",
    };
    format!("{family} {}", table.name)
}

/// Lets the kernel call none of a table's chains, as those of a dormant one.
pub(super) fn unhook(table: &mut Table) {
    let names: Vec<Box<str>> = table.chains().iter().map(|chain| chain.name.clone()).collect();
    names.iter().for_each(|name| table.chain_mut(name).hook = None);
}

/// The tables of a node, and what tells one from another.
pub(super) struct Tables<'a> {
    held: &'a mut Vec<Table>,
    /// Where each is: the tables of iptables-legacy and of nft are not of one kernel's subsystem.
    places: HashMap<(Families, Box<str>, bool), usize>,
    /// How many of them are of other listings.
    earlier: usize,
}

impl<'a> Tables<'a> {
    /// The tables that other listings held.
    pub(super) fn new(held: &'a mut Vec<Table>) -> Self {
        let places = held.iter().enumerate().map(|(place, table)| (key(table), place)).collect();
        let earlier = held.len();
        Self { held, places, earlier }
    }

    /// Puts a table that starts at `line` among them.
    pub(super) fn settle(&mut self, mut table: Table, line: usize, remarks: &mut Remarks<'_>) {
        table.maker = maker(&table);
        mark_dynamic(&mut table);
        let Some(&place) = self.places.get(&key(&table)).filter(|_| table.families != Families::Other) else {
            self.places.insert(key(&table), self.held.len());
            self.held.push(table);
            return;
        };
        let held = &mut self.held[place];
        if place < self.earlier && held.maker.is_iptables() && table.maker.is_iptables() {
            // The save of iptables says more about the same table.
            return;
        }
        if held.maker == table.maker && continues(held, &table) {
            add(held, table);
            return;
        }
        let says = "comes a second time; it would be another node's, and is left out; explain one node at a time";
        remarks.say(line, format!("table {} {says}", title(&table)));
    }
}

fn key(table: &Table) -> (Families, Box<str>, bool) {
    (table.families, table.name.clone(), table.maker == Maker::IptablesLegacy)
}

/// What made a table. iptables-nft names its base chains in capitals, and nothing else of that table's name does.
fn maker(table: &Table) -> Maker {
    let is_its_name = matches!(&*table.name, "nat" | "filter" | "mangle" | "raw" | "security");
    if !is_its_name || !matches!(table.families, Families::V4 | Families::V6) {
        return Maker::Nft;
    }
    let mut base = table.chains().iter().filter(|chain| chain.hook.is_some()).peekable();
    let is_iptables = match base.peek() {
        Some(_) => base.all(|chain| {
            let hook = Hook::of_iptables(&table.name, &chain.name);
            hook.zip(chain.hook).is_some_and(|(own, hook)| own.point == hook.point && own.kind == hook.kind)
        }),
        None => table.chains().iter().any(|chain| chain.name.starts_with("KUBE-")),
    };
    if is_iptables { Maker::IptablesNft } else { Maker::Nft }
}

/// A set that rules add to is dynamic, whether it is flagged so or not.
fn mark_dynamic(table: &mut Table) {
    let statements = table.chains().iter().flat_map(|chain| &chain.rules).flat_map(|rule| &rule.statements);
    let noted: Vec<Box<str>> = statements
        .filter_map(|statement| match statement {
            Statement::Note(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    for name in noted {
        if let Some(set) = table.sets.get_mut(&name) {
            set.is_dynamic = true;
        }
    }
}

/// Whether two tables may be parts of one, as several `nft list chain` print it: what both have is the same.
fn continues(held: &Table, table: &Table) -> bool {
    let same_sets = table.sets.iter().all(|(name, set)| held.sets.get(name).is_none_or(|held| is_same_set(held, set)));
    same_sets
        && table.chains().iter().all(|chain| held.chain(&chain.name).is_none_or(|held| is_same_chain(held, chain)))
}

fn is_same_set(held: &Set, set: &Set) -> bool {
    // Packets add to it between two listings.
    held.kind == set.kind && (held.is_dynamic || set.is_dynamic || held.elements() == set.elements())
}

fn is_same_chain(held: &Chain, chain: &Chain) -> bool {
    let same_rules = held.rules.len() == chain.rules.len()
        && held.rules.iter().zip(&chain.rules).all(|(held, rule)| held.statements == rule.statements);
    held.hook == chain.hook && held.drops == chain.drops && same_rules
}

fn add(held: &mut Table, table: Table) {
    for chain in table.chains() {
        if held.chain(&chain.name).is_none() {
            *held.chain_mut(&chain.name) = chain.clone();
        }
    }
    for (name, set) in table.sets {
        held.sets.entry(name).or_insert(set);
    }
}
