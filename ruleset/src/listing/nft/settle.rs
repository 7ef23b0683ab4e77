//! Tables that were read find their place among those that other listings held.

use super::remark::Remarks;
use lab_core::node::{Chain, Families, Hook, Maker, Rule, Set, Statement, Table};

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

/// Puts a table that starts at `line` among `tables`, of which the first `earlier` ones are of other listings.
pub(super) fn settle(
    mut table: Table,
    line: usize,
    tables: &mut Vec<Table>,
    earlier: usize,
    remarks: &mut Remarks<'_>,
) {
    table.maker = maker(&table);
    mark_dynamic(&mut table);
    let is_same = |held: &Table| {
        let same_kernel = held.maker != Maker::IptablesLegacy || table.maker == Maker::Nft;
        held.families == table.families && held.name == table.name && table.families != Families::Other && same_kernel
    };
    let Some(place) = tables.iter().position(is_same) else {
        tables.push(table);
        return;
    };
    if place < earlier && tables[place].maker.is_iptables() && table.maker.is_iptables() {
        // The save of iptables says more about the same table.
        return;
    }
    if tables[place].maker == table.maker && continues(&tables[place], &table) {
        add(&mut tables[place], table);
        return;
    }
    let name = title(&table);
    remarks.say(
        line,
        format!(
            "table {name} comes a second time; it would be another node's, and is left out; explain one node at a time"
        ),
    );
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
    let rules = |chain: &'_ Chain| chain.rules.iter().map(|rule: &Rule| rule.statements.clone()).collect::<Vec<_>>();
    held.hook == chain.hook && held.drops == chain.drops && rules(held) == rules(chain)
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
