//! Compares iptables mode with what real kube-proxy binaries sent to the tools.
//!
//! kube-proxy writes Services in the random order of a Go map. So the rules of the chains that all Services share are
//! compared as multisets (but the last rule of KUBE-SERVICES), those of every other chain in order, and chains as sets.

use fidelity::{Call, Capture, config};
use lab_core::change::Change;
use lab_core::cluster::{Cluster, Service};
use lab_core::layout::iptables::Version;
use lab_core::layout::{Action, Invocation, Iptables, Layout};
use std::collections::BTreeMap;
use std::sync::Arc;

const CLUSTERS: [&str; 3] = ["plain-1x2", "mix-3", "mix-50"];
const MODES: [&str; 2] = ["iptables-legacy", "iptables-nft"];
const RELEASES: [(&str, Version); 3] =
    [("1.20.2", Version::V1_20), ("1.30.5", Version::V1_30), ("1.36.3", Version::V1_36)];

/// Chains that all Services share.
const SHARED: [&str; 4] = ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"];

/// What a restore does to one table.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    declared: Vec<String>,
    deleted: Vec<String>,
    rules: BTreeMap<String, Vec<String>>,
}

fn tables(text: &str) -> BTreeMap<String, Table> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        let table = tables.entry(name.clone()).or_default();
        if let Some(next) = line.strip_prefix('*') {
            name = next.to_owned();
        } else if let Some(chain) = line.strip_prefix(':') {
            table.declared.push(chain.to_owned());
        } else if let Some(chain) = line.strip_prefix("-X ") {
            table.deleted.push(chain.to_owned());
        } else if let Some((chain, rule)) = line.strip_prefix("-A ").and_then(|line| line.split_once(' ')) {
            table.rules.entry(chain.to_owned()).or_default().push(rule.to_owned());
        } else {
            assert_eq!(line, "COMMIT");
        }
    }
    tables.remove("");
    for table in tables.values_mut() {
        table.declared.sort_unstable();
        table.deleted.sort_unstable();
        for (chain, rules) in &mut table.rules {
            let last = usize::from(rules.last().is_some_and(|rule| rule.contains("must be the last rule")));
            let free = rules.len() - last;
            if SHARED.contains(&chain.as_str()) {
                rules[..free].sort_unstable();
            }
        }
    }
    tables
}

#[track_caller]
fn same(rendered: &Invocation, captured: &Call, what: &str) {
    assert_eq!(rendered.tool.name(), captured.tool, "{what}");
    assert_eq!(rendered.args.join(" "), captured.args, "{what}");
    let text = std::str::from_utf8(&rendered.stdin).unwrap();
    let (ours, theirs) = (tables(text), tables(&captured.stdin));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{what}");
    for (name, table) in &ours {
        let other = &theirs[name];
        assert_eq!(table.declared, other.declared, "{what}: chains of {name}");
        assert_eq!(table.deleted, other.deleted, "{what}: deleted chains of {name}");
        for chain in table.rules.keys().chain(other.rules.keys()) {
            assert_eq!(table.rules.get(chain), other.rules.get(chain), "{what}: {chain} in {name}");
        }
    }
}

fn restores(actions: &[Action]) -> Vec<&Invocation> {
    actions.iter().filter_map(Action::call).filter(|call| call.tool.name().ends_with("tables-restore")).collect()
}

fn captured(capture: &Capture) -> Vec<Call> {
    capture.calls().into_iter().filter(|call| call.tool.ends_with("tables-restore")).collect()
}

fn each(mut check: impl FnMut(&str, &Iptables, &Capture)) {
    for (version, release) in RELEASES {
        for mode in MODES {
            for cluster in CLUSTERS {
                let layout = Iptables::new(release, &config());
                check(&format!("{version} {mode} {cluster}"), &layout, &Capture::of(version, mode, cluster));
            }
        }
    }
}

#[test]
fn full_syncs_are_kube_proxys() {
    each(|what, layout, capture| {
        let actions = layout.full_sync(&capture.states()[0]);
        let (rendered, captured) = (restores(&actions), captured(capture));
        for (place, restore) in rendered.iter().enumerate() {
            same(restore, &captured[place], &format!("{what}, family {place}"));
        }
    });
}

/// The added Service is created before its endpoints are, and deleted before or after them. kube-proxy may sync in between.
fn states(capture: &Capture) -> Vec<Arc<Cluster>> {
    let [plain, added, third, without_first, _] = capture.states();
    let without = |state: &Arc<Cluster>| {
        let mut cluster = Cluster::clone(state);
        let service: &mut Service = Arc::make_mut(cluster.services.last_mut().unwrap());
        service.ports[0].endpoints.clear();
        Arc::new(cluster)
    };
    let empty = without(&added);
    vec![Arc::clone(&plain), Arc::clone(&empty), added, third, without_first, empty, plain]
}

/// Whether `call` writes no more than the fixed chains of `cluster`: endpoints of a Service that is not there change
/// nothing, but kube-proxy syncs.
fn is_unchanged(layout: &Iptables, cluster: &Cluster, call: &Call) -> bool {
    let fixed = |text: &str| {
        let mut tables = tables(text);
        let own = |name: &str| ["-SVC-", "-SVL-", "-EXT-", "-FW-", "-SEP-"].iter().any(|kind| name.contains(kind));
        for table in tables.values_mut() {
            table.declared.retain(|chain| !own(chain));
            table.rules.retain(|chain, _| !own(chain));
        }
        tables
    };
    let actions = layout.full_sync(cluster);
    let full = std::str::from_utf8(&restores(&actions)[0].stdin).unwrap();
    let all = layout.version == Version::V1_20;
    if all { tables(full) == tables(&call.stdin) } else { fixed(full) == tables(&call.stdin) }
}

/// From the states in turn, some of which kube-proxy may have passed over.
fn matches(layout: &Iptables, states: &[Arc<Cluster>], captured: &[Call], what: &str) {
    let mut current = 0;
    for (place, call) in captured.iter().enumerate() {
        let mut refusals = Vec::new();
        let next = (current + 1..states.len()).find(|&next| {
            let change = Change { before: Arc::clone(&states[current]), after: Arc::clone(&states[next]) };
            let actions = layout.partial_sync(&change);
            let tried = std::panic::catch_unwind(|| {
                let rendered = restores(&actions);
                assert_eq!(rendered.len(), 1);
                same(rendered[0], call, what);
            });
            if tried.is_err() {
                refusals.push(next);
            }
            tried.is_ok()
        });
        match next {
            Some(next) => current = next,
            None => assert!(
                is_unchanged(layout, &states[current], call),
                "{what}: call {place} is none of the syncs from state {current} to {refusals:?}"
            ),
        }
    }
    assert_eq!(current, states.len() - 1, "{what}: not every change was synced");
}

#[test]
fn partial_syncs_are_kube_proxys() {
    each(|what, layout, capture| {
        let states = states(capture);
        let families = restores(&layout.full_sync(&states[0])).len();
        let captured = captured(capture);
        matches(layout, &states, &captured[families..], what);
    });
}
