//! Compares what iptables mode comes to with what `iptables-save` and `ip6tables-save` listed, and 1.36's calls with the
//! timeline of its capture.

use fidelity::{Capture, STATES, config};
use lab_core::change::Change;
use lab_core::cluster::{Cluster, Service};
use lab_core::layout::iptables::Version;
use lab_core::layout::{Action, Iptables, Layout, Tool};
use ruleset::iptables::{Family, Tables};
use ruleset::{Comparison, Order, difference};
use std::sync::Arc;

const CLUSTERS: [&str; 3] = ["plain-1x2", "mix-3", "mix-50"];
const MODES: [&str; 2] = ["iptables-legacy", "iptables-nft"];

/// What a node holds in both families.
struct Held([Tables; 2]);

impl Held {
    fn apply(&mut self, actions: &[Action]) {
        for action in actions {
            let Some(call) = action.call() else { continue };
            let tables = &mut self.0[usize::from(call.tool.name().starts_with("ip6"))];
            let done = match call.tool {
                Tool::IptablesRestore | Tool::Ip6tablesRestore => {
                    let text = std::str::from_utf8(&call.stdin).unwrap();
                    tables.apply(text).map_err(|error| error.to_string())
                }
                Tool::Iptables | Tool::Ip6tables if !asks(&call.args) => tables.call(&call.args),
                _ => Ok(()),
            };
            if let (Action::Call(..), Err(error)) = (action, done) {
                panic!("{error}: {action}");
            }
        }
    }
}

/// Whether a call only looks.
fn asks(args: &[String]) -> bool {
    args.iter().any(|word| word == "--version" || word == "-S")
}

#[test]
fn every_state_is_what_iptables_save_listed() {
    let how = Comparison { order: Order::Loose, without: &["KUBE-PROXY-CANARY", "KUBE-FIREWALL"] };
    for (name, version) in [("1.20.2", Version::V1_20), ("1.30.5", Version::V1_30), ("1.36.3", Version::V1_36)] {
        for (mode, cluster) in MODES.into_iter().flat_map(|mode| CLUSTERS.map(|cluster| (mode, cluster))) {
            let capture = Capture::of(name, mode, cluster);
            let (layout, states) = (Iptables::new(version, &config()), capture.states());
            let mut held = Held([Tables::new(Family::V4), Tables::new(Family::V6)]);
            held.apply(&layout.prepare());
            held.apply(&layout.full_sync(&states[0]));
            for (place, state) in STATES.into_iter().enumerate() {
                if place > 0 {
                    let (before, after) = (Arc::clone(&states[place - 1]), Arc::clone(&states[place]));
                    held.apply(&layout.partial_sync(&Change { before, after }));
                }
                let files: &[&str] =
                    if version == Version::V1_20 { &["iptables-save"] } else { &["iptables-save", "ip6tables-save"] };
                for (file, tables) in files.iter().zip(&held.0) {
                    let listed = Tables::read(tables.family, &capture.saved(file, state)).unwrap();
                    let differences: Vec<String> =
                        difference(&listed, tables, how).iter().map(ToString::to_string).collect();
                    assert_eq!(differences, [""; 0], "{name} {mode} {cluster}{state}: {file}");
                }
            }
        }
    }
}

fn commands(actions: &[Action]) -> Vec<String> {
    let calls = actions.iter().filter_map(Action::call);
    calls.map(|call| format!("{} {}", call.tool.name(), call.args.join(" "))).collect()
}

/// The states of 1.36's captures: the Service comes before its endpoints, and goes after them.
fn states(capture: &Capture) -> Vec<Arc<Cluster>> {
    let [plain, added, third, without_first, _] = capture.states();
    let mut empty = Cluster::clone(&added);
    let service: &mut Service = Arc::make_mut(empty.services.last_mut().unwrap());
    service.ports[0].endpoints.clear();
    let empty = Arc::new(empty);
    vec![Arc::clone(&plain), Arc::clone(&empty), added, third, without_first, empty, plain]
}

#[test]
fn the_calls_of_1_36_with_its_reads_come_in_kube_proxys_order() {
    for (mode, cluster) in MODES.into_iter().flat_map(|mode| CLUSTERS.map(|cluster| (mode, cluster))) {
        let capture = Capture::of("1.36.3", mode, cluster);
        let layout = Iptables::new(Version::V1_36, &config());
        let states = states(&capture);
        let (mut start, mut syncs) = (commands(&layout.prepare()), commands(&layout.full_sync(&states[0])));
        for pair in states.windows(2) {
            let change = Change { before: Arc::clone(&pair[0]), after: Arc::clone(&pair[1]) };
            syncs.extend(commands(&layout.partial_sync(&change)));
        }
        let started = capture.started();
        let begun = started.iter().position(|call| call.command.contains("-N KUBE-EXTERNAL-SERVICES")).unwrap();
        let captured = |calls: &[fidelity::Started]| {
            calls.iter().map(|call| call.command.trim_end().to_owned()).collect::<Vec<String>>()
        };
        // The canaries are looked at once a sync period, whatever else happens.
        let mut after = captured(&started[begun..]);
        after.retain(|command| !command.contains("-S KUBE-PROXY-CANARY"));
        assert_eq!(syncs, after, "{mode} {cluster}");
        // Both families make their canaries at once.
        let mut before = captured(&started[..begun]);
        before.sort_unstable();
        start.sort_unstable();
        assert_eq!(start, before, "{mode} {cluster}");
    }
}
