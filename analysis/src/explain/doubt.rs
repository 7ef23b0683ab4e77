//! What is odd about a node's rules.

use lab_core::node::{Chain, Maker, NodeState, Outcome, SetRef, Statement, Table, Verdict};
use lab_core::units;
use std::collections::{BTreeSet, HashSet};

/// Sets that are fuller than this share of their `maxelem` are said.
const NEARLY_FULL: f64 = 0.8;
/// So many names are listed of each kind of doubt.
const LISTED: usize = 5;

/// Something odd about a node's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What it is, in a few words.
    pub head: String,
    /// What was seen, and what it means.
    pub text: String,
}

/// Names of the chains of all tables that start so.
pub(super) fn chains<'a>(state: &'a NodeState, start: &'a str) -> impl Iterator<Item = &'a Chain> {
    state.tables.iter().flat_map(Table::chains).filter(move |chain| chain.name.starts_with(start))
}

/// A doubt about some names, if there are any: what one is called, and several.
pub(super) fn listed([one, many]: [&str; 2], meaning: &str, names: &[String]) -> Option<Doubt> {
    let unique: BTreeSet<&String> = names.iter().collect();
    let count = unique.len();
    let shown: Vec<&str> = unique.iter().take(LISTED).map(|name| name.as_str()).collect();
    let more = if count > shown.len() { format!(" and {} more", count - shown.len()) } else { String::new() };
    (count > 0).then(|| Doubt {
        head: units::agreeing(count as u64, one, many),
        text: format!("{meaning}: {}{more}", shown.join(", ")),
    })
}

pub(super) fn full_sets(state: &NodeState) -> Option<Doubt> {
    let full = state.ipsets.iter().filter_map(|(name, set)| {
        let maximum = set.maximum.filter(|&maximum| maximum > 0)?;
        let held = set.elements().len();
        (held as f64 >= maximum as f64 * NEARLY_FULL).then(|| format!("{name} ({held} of {maximum})"))
    });
    listed(
        ["set near its maxelem", "sets near their maxelem"],
        "further entries are refused once it is reached",
        &full.collect::<Vec<_>>(),
    )
}

/// The chains that a statement leads to.
fn led_to<'a>(statement: &'a Statement, table: &'a Table, found: &mut HashSet<&'a str>) {
    let mut verdict = |verdict: &'a Verdict| {
        if let Verdict::Jump(name) | Verdict::Goto(name) = verdict {
            found.insert(name);
        }
    };
    match statement {
        Statement::Go(go) => verdict(go),
        Statement::Look(_, set) => {
            let set = match set {
                SetRef::Named(name) => table.sets.get(name),
                SetRef::Written(set) => Some(&**set),
            };
            for element in set.into_iter().flat_map(|set| set.elements()) {
                if let Some(Outcome::Verdict(go)) = &element.outcome {
                    verdict(go);
                }
            }
        }
        Statement::Spread { map, .. } => {
            for (.., outcome) in map {
                if let Outcome::Verdict(go) = outcome {
                    verdict(go);
                }
            }
        }
        _ => {}
    }
}

/// Chains that nothing leads to. Canaries are meant to be so.
pub(super) fn unreferenced(state: &NodeState) -> Option<Doubt> {
    let mut names = Vec::new();
    for table in &state.tables {
        let mut found = HashSet::new();
        let statements = table.chains().iter().flat_map(|chain| &chain.rules).flat_map(|rule| &rule.statements);
        statements.for_each(|statement| led_to(statement, table, &mut found));
        let is_called = table.chains().iter().any(|chain| chain.hook.is_some() && !chain.rules.is_empty());
        let idle = |chain: &&Chain| chain.hook.is_none() && is_called && !found.contains(&*chain.name);
        let is_meant = |chain: &&Chain| {
            matches!(
                &*chain.name,
                "KUBE-PROXY-CANARY" | "KUBE-KUBELET-CANARY" | "KUBE-MARK-DROP" | "KUBE-MARK-MASQ" | "reject-chain"
            ) || BUILT_IN.contains(&&*chain.name)
        };
        names.extend(
            table.chains().iter().filter(idle).filter(|chain| !is_meant(chain)).map(|chain| chain.name.to_string()),
        );
    }
    listed(["chain that nothing leads to", "chains that nothing leads to"], "no packet meets what is in", &names)
}

const BUILT_IN: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// Rules that stand twice in a chain.
pub(super) fn duplicates(state: &NodeState) -> Option<Doubt> {
    let mut names = Vec::new();
    for chain in state.tables.iter().flat_map(Table::chains) {
        let mut seen = HashSet::new();
        let twice =
            chain.rules.iter().enumerate().filter(|(_, rule)| !rule.text.is_empty() && !seen.insert(&*rule.text));
        names.extend(twice.map(|(place, _)| format!("rule {} of {}", place + 1, chain.name)));
    }
    listed(["rule that stands twice", "rules that stand twice"], "the second of two never decides", &names)
}

/// Rules of others that packets meet ahead of kube-proxy's jump, in the base chains of nat and filter.
pub(super) fn strangers(state: &NodeState) -> Option<Doubt> {
    let mut names = Vec::new();
    for table in state.tables.iter().filter(|table| table.maker.is_iptables()) {
        for chain in table.chains().iter().filter(|chain| chain.hook.is_some()) {
            let is_kube = |verdict: &Statement| matches!(verdict, Statement::Go(Verdict::Jump(name)) if name.starts_with("KUBE-"));
            let Some(place) = chain.rules.iter().position(|rule| rule.statements.iter().any(is_kube)) else { continue };
            if place > 0 {
                let first = &chain.rules[0];
                names.push(format!("{} {} ({})", table.name, chain.name, shortened(&first.text)));
            }
        }
    }
    listed(
        [
            "base chain with rules of others ahead of kube-proxy's",
            "base chains with rules of others ahead of kube-proxy's",
        ],
        "packets meet those first",
        &names,
    )
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

/// What another mode, or the other variant of iptables, left behind.
pub(super) fn leftovers(state: &NodeState) -> Option<Doubt> {
    let mut found = Vec::new();
    let has = |start| chains(state, start).next().is_some();
    if has("KUBE-IPVS-FILTER") && has("KUBE-SVC-") {
        found.push("chains of ipvs mode beside those of iptables mode".to_owned());
    }
    let nft = state.tables.iter().any(|table| table.maker == Maker::Nft && &*table.name == "kube-proxy");
    if nft && (has("KUBE-SVC-") || has("KUBE-SERVICES")) {
        found.push("chains of iptables mode beside nftables' table kube-proxy".to_owned());
    }
    let of = |maker: Maker| state.tables.iter().any(|table| table.maker == maker && table.rules() > 0);
    if of(Maker::IptablesLegacy) && of(Maker::IptablesNft) {
        found.push("rules of iptables-legacy beside rules of iptables-nft: packets meet both".to_owned());
    }
    (!found.is_empty()).then(|| Doubt { head: "leftovers of another mode".to_owned(), text: found.join("; ") })
}
