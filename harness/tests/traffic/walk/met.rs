//! Which rules a connection's first packet meets: by iptables' counters and by nft's trace.

use super::case::{Case, Client};
use super::trace::Trace;
use super::{judge, listed};
use crate::cases;
use crate::lab::{self, Lab};
use crate::services::{
    ALLOWED, ALONE, BALANCER, BALANCER_LOCAL, EXTERNAL, NODE_PORT, NODE_PORT_LOCAL, NONE, PLAIN, STICKY,
};
use crate::tool;
use anyhow::{Result, ensure};
use lab_core::cluster::Family;
use lab_core::layout::Tool;
use lab_core::node::{Chain, Families, NatKind, NodeState, Outcome, Set, SetRef, Statement, Table, Verdict};
use lab_core::path::{Assumption, Ending, Event, Walk, Walker};
use lab_core::vocabulary::{Access, BackendName, Origin};
use std::collections::BTreeSet;

/// A rule: whether its table is of IPv4 alone, that table, its chain, and its place there.
pub(super) type Met = (bool, String, String, usize);

const ASKED: [(&str, Access, Origin); 12] = [
    (PLAIN, Access::ClusterIp, Origin::Pod),
    (PLAIN, Access::ClusterIp, Origin::Node),
    (STICKY, Access::ClusterIp, Origin::Pod),
    (NODE_PORT, Access::NodePort, Origin::Pod),
    (NODE_PORT, Access::NodePort, Origin::Outside),
    (NODE_PORT_LOCAL, Access::NodePort, Origin::Outside),
    (BALANCER, Access::LoadBalancer, Origin::Node),
    (BALANCER_LOCAL, Access::LoadBalancer, Origin::Pod),
    (BALANCER_LOCAL, Access::LoadBalancer, Origin::Outside),
    (ALLOWED, Access::LoadBalancer, Origin::Outside),
    (EXTERNAL, Access::ExternalIp, Origin::Outside),
    (NONE, Access::ClusterIp, Origin::Pod),
];

/// What is wrong with the rules that the walk says are met, a line each.
pub(super) fn check(lab: &Lab, walker: &Walker<'_>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut trace = (lab.backend == BackendName::Nftables).then(|| Trace::begin(lab)).transpose()?;
    for &family in cases::families(lab) {
        for case in asked(lab, family)? {
            wrong.extend(compare(lab, &case, walker, trace.as_mut()).err().map(|error| format!("{error:#}")));
        }
    }
    Ok(wrong)
}

fn asked(lab: &Lab, family: Family) -> Result<Vec<Case>> {
    let case = |name: &str, access, client| -> Result<Case> {
        let to = lab.address(name, access, family)?;
        Ok(Case { target: format!("{name} by {access}"), client, protocol: lab.service(name, family)?.protocol(), to })
    };
    let fits = |&&(_, access, _): &&(&str, Access, Origin)| access != Access::ExternalIp || family == Family::V4;
    let asked = ASKED.iter().filter(fits);
    let mut cases =
        asked.map(|&(name, access, origin)| case(name, access, Client::Of(origin))).collect::<Result<Vec<_>>>()?;
    for endpoint in lab.service(ALONE, family)?.endpoints() {
        cases.push(case(ALONE, Access::ClusterIp, Client::Endpoint(endpoint.address))?);
    }
    Ok(cases)
}

/// Makes the connection of `case`: in the chains of nat the kernel applies the rules that the walk says, and no others. In
/// other chains it meets those and, for further packets, more.
fn compare(lab: &Lab, case: &Case, walker: &Walker<'_>, trace: Option<&mut Trace<'_>>) -> Result<()> {
    let state = walker.state();
    let walk = case.walk(lab, walker)?;
    let (ending, met) = if let Some(trace) = trace {
        trace.during(state, || judge::judge(lab, case, &walk, walker))?
    } else {
        zero(lab)?;
        let ending = judge::judge(lab, case, &walk, walker)?;
        (ending, counted(&listed::state(lab, &["-c"])?))
    };
    // A client with a history may have come to the same end by another way.
    let same = |other: &&Ending| {
        let is_usual = other.assuming.iter().all(|taken| matches!(taken, Assumption::SeenBefore { .. }));
        is_usual && (other.destination, other.source) == (ending.destination, ending.source) && other.end == ending.end
    };
    let differences = walk.endings.iter().filter(same).map(|way| difference(state, &met, &applied(state, &walk, way)));
    let differences: Vec<String> = differences.collect();
    ensure!(differences.iter().any(String::is_empty), "{case}:\n{}", differences.join("or\n"));
    Ok(())
}

/// What is wrong with the rules `said` to be met, a line each.
fn difference(state: &NodeState, met: &BTreeSet<Met>, said: &BTreeSet<Met>) -> String {
    if said.is_empty() {
        return "the walk meets no rule\n".to_owned();
    }
    let nat = nat_chains(state);
    let is_nat = |(is_v4, table, chain, _): &&Met| nat.contains(&(*is_v4, table.clone(), chain.clone()));
    let unsaid = met.difference(said).filter(is_nat).map(|rule| format!("met, not said: {}\n", text(state, rule)));
    let unmet = said.difference(met).map(|rule| format!("said, not met: {}\n", text(state, rule)));
    unsaid.chain(unmet).collect()
}

fn zero(lab: &Lab) -> Result<()> {
    for tool in [Tool::Iptables, Tool::Ip6tables] {
        for table in ["nat", "filter"] {
            let program = lab::program(lab.backend, tool);
            tool::output(lab.origin(Origin::Node)?, &program, &["-w", "-t", table, "-Z"])?;
        }
    }
    Ok(())
}

/// The rules that counted a packet.
fn counted(state: &NodeState) -> BTreeSet<Met> {
    let mut met = BTreeSet::new();
    for table in &state.tables {
        for chain in table.chains() {
            for (place, rule) in chain.rules.iter().enumerate() {
                if rule.counters.is_some_and(|(packets, _)| packets > 0) {
                    met.insert(rule_of(table, chain, place));
                }
            }
        }
    }
    met
}

pub(super) fn rule_of(table: &Table, chain: &Chain, place: usize) -> Met {
    (table.families == Families::V4, table.name.to_string(), chain.name.to_string(), place)
}

/// The rules that apply on the way to `ending`.
fn applied(state: &NodeState, walk: &Walk, ending: &Ending) -> BTreeSet<Met> {
    let mut met = BTreeSet::new();
    let mut at = Some(ending.step);
    while let Some(step) = at.map(|at| &walk.steps[at]) {
        let applies = !matches!(step.event, Event::Passed { .. } | Event::Missed | Event::Assume(_) | Event::Gap);
        if let Some((place, rule)) = step.place.and_then(|place| Some((place, place.rule?))).filter(|_| applies) {
            let table = &state.tables[place.table];
            met.insert(rule_of(table, &table.chains()[place.chain], rule));
        }
        at = step.before;
    }
    met
}

/// Chains that only the first packet of a connection meets: those that base chains of nat lead to, and no others do.
fn nat_chains(state: &NodeState) -> BTreeSet<(bool, String, String)> {
    let mut found = BTreeSet::new();
    for table in &state.tables {
        let is_nat = |chain: &&Chain| chain.hook.is_some_and(|hook| hook.kind == NatKind::Nat);
        let is_other = |chain: &&Chain| chain.hook.is_some_and(|hook| hook.kind != NatKind::Nat);
        let others = reached(table, table.chains().iter().filter(is_other).collect());
        let nat = reached(table, table.chains().iter().filter(is_nat).collect());
        let names = nat
            .difference(&others)
            .map(|name| (table.families == Families::V4, table.name.to_string(), (*name).to_owned()));
        found.extend(names);
    }
    found
}

/// The chains `from`, and those that their rules lead to.
fn reached<'a>(table: &'a Table, from: Vec<&'a Chain>) -> BTreeSet<&'a str> {
    let (mut found, mut left) = (BTreeSet::new(), from);
    while let Some(chain) = left.pop() {
        if found.insert(&*chain.name) {
            let statements = chain.rules.iter().flat_map(|rule| &rule.statements);
            left.extend(statements.flat_map(|statement| led_to(table, statement)).filter_map(|name| table.chain(name)));
        }
    }
    found
}

fn led_to<'a>(table: &'a Table, statement: &'a Statement) -> Vec<&'a str> {
    let name = |verdict: &'a Verdict| match verdict {
        Verdict::Jump(name) | Verdict::Goto(name) => Some(&**name),
        _ => None,
    };
    let of = |outcome: &'a Outcome| match outcome {
        Outcome::Verdict(verdict) => name(verdict),
        Outcome::To(_) | Outcome::Other(_) => None,
    };
    match statement {
        Statement::Go(verdict) => name(verdict).into_iter().collect(),
        Statement::Spread { map, .. } => map.iter().filter_map(|(_, _, outcome)| of(outcome)).collect(),
        Statement::Look(_, set) => {
            let set: Option<&Set> = match set {
                SetRef::Written(set) => Some(set),
                SetRef::Named(name) => table.sets.get(name),
            };
            let elements = set.into_iter().flat_map(Set::elements);
            elements.filter_map(|element| element.outcome.as_ref().and_then(of)).collect()
        }
        _ => Vec::new(),
    }
}

/// A rule as its listing has it.
fn text(state: &NodeState, (is_v4, table, chain, place): &Met) -> String {
    let same = |other: &&Table| (other.families == Families::V4, &*other.name) == (*is_v4, table.as_str());
    let rule = state.tables.iter().find(same).and_then(|table| table.chain(chain)?.rules.get(*place));
    format!("{table} {chain} {}: {}", place + 1, rule.map_or("", |rule| &rule.text))
}
