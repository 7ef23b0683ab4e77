//! Compares the layouts of nftables mode with what kube-proxy 1.30.5 and 1.36.3 sent to nft.
//!
//! kube-proxy goes through Services in a random order, so the lines of a transaction are compared as a multiset, and in
//! their order within each chain.

#[path = "nftables/transaction.rs"]
mod transaction;

use fidelity::{Call, Capture, STATES, config};
use lab_core::change::Change;
use lab_core::cluster::Cluster;
use lab_core::layout::nftables::Version;
use lab_core::layout::{Action, Layout, Nftables, Part};
use ruleset::nft::Ruleset;
use ruleset::{Comparison, difference};
use std::sync::Arc;
use transaction::assert_same;

const CLUSTERS: [&str; 3] = ["plain-1x2", "mix-3", "mix-50"];

fn layout(version: Version) -> Nftables {
    Nftables::new(version, &config())
}

/// The transactions of `actions`.
fn written(actions: &[Action]) -> Vec<String> {
    let text = |action: &Action| match action {
        Action::Call(Part::Rules, call) => Some(String::from_utf8(call.stdin.clone()).unwrap()),
        _ => None,
    };
    actions.iter().filter_map(text).collect()
}

/// The captured transactions, without the checks whether nft works.
fn captured(capture: &Capture) -> Vec<Call> {
    let calls = capture.calls().into_iter();
    calls.filter(|call| call.tool == "nft" && !call.args.contains("--check")).collect()
}

/// The added Service without its endpoints: the API server sends it first.
fn without_endpoints(cluster: &Cluster) -> Arc<Cluster> {
    let mut cluster = cluster.clone();
    let last = cluster.services.len() - 1;
    cluster.service_mut(last).ports[0].endpoints.clear();
    Arc::new(cluster)
}

/// The states that a capture's syncs went through. Its Service came alone or with its endpoints, and went so.
fn states(capture: &Capture, comes_alone: bool, goes_alone: bool) -> Vec<Arc<Cluster>> {
    let [first, added, more, fewer, last] = capture.states();
    let mut states = vec![first];
    states.extend(comes_alone.then(|| without_endpoints(&added)));
    states.extend([added, more, Arc::clone(&fewer)]);
    states.extend(goes_alone.then(|| without_endpoints(&fewer)));
    states.push(last);
    states
}

fn changes(states: &[Arc<Cluster>]) -> Vec<Change> {
    let pairs = states.windows(2);
    pairs.map(|pair| Change { before: Arc::clone(&pair[0]), after: Arc::clone(&pair[1]) }).collect()
}

#[test]
fn the_full_sync_is_that_of_each_release_in_both_families() {
    for (name, version) in [("1.30.5", Version::V1_30), ("1.36.3", Version::V1_36)] {
        for cluster in CLUSTERS {
            let capture = Capture::of(name, "nftables", cluster);
            let texts = written(&layout(version).full_sync(&capture.states()[0]));
            let captured = captured(&capture);
            for (text, captured) in texts.iter().zip(&captured) {
                assert_same(text, &captured.stdin, &format!("{name} {cluster}"));
            }
            assert_eq!(texts.len(), 2);
        }
    }
}

#[test]
fn every_sync_of_1_36_writes_what_changed_and_deletes_stale_chains_later() {
    for cluster in CLUSTERS {
        let capture = Capture::of("1.36.3", "nftables", cluster);
        let calls = captured(&capture);
        let mut rest = calls[2..].iter().filter(|call| !call.stdin.is_empty());
        let layout = layout(Version::V1_36);
        let comes_alone = calls[2].stdin.contains("no-endpoint-services");
        for change in changes(&states(&capture, comes_alone, false)) {
            let what = format!("{cluster} to {} Services", change.after.services.len());
            let mut texts = written(&layout.partial_sync(&change));
            assert_eq!(texts.len(), 1, "only IPv4 is synced");
            texts.extend(written(&layout.cleanup(&change)));
            for text in texts {
                assert_same(&text, &rest.next().expect("another call").stdin, &what);
            }
        }
        assert_eq!(rest.next(), None);
    }
}

#[test]
fn every_sync_of_1_30_writes_everything() {
    for cluster in CLUSTERS {
        let capture = Capture::of("1.30.5", "nftables", cluster);
        let calls = captured(&capture);
        // In between, it syncs IPv6 because its period is over.
        let of_changes: Vec<&Call> = calls[2..].iter().filter(|call| !call.stdin.contains("table ip6 ")).collect();
        let layout = layout(Version::V1_30);
        let mut emptied: Vec<String> = Vec::new();
        // The Service comes and goes without its endpoints, or a sync beside it finds that nothing changed.
        let is_alone = |call: &Call| call.stdin.contains("no-endpoint-services { 10.111.222.1 ");
        let comes_alone = is_alone(of_changes[0]);
        let goes_alone = of_changes[1..].iter().any(|call| is_alone(call));
        let mut states = states(&capture, comes_alone, goes_alone);
        states.splice(..0, (!comes_alone).then(|| Arc::clone(&capture.states()[0])));
        states.extend((!goes_alone).then(|| Arc::clone(&capture.states()[0])));
        let mut rest = of_changes.into_iter();
        for change in changes(&states) {
            let what = format!("{cluster} to {} Services", change.after.services.len());
            let mut next = rest.next().expect("another call");
            if next.stdin.starts_with("delete chain") {
                let deleted: Vec<&str> = next.stdin.lines().map(|line| line.strip_prefix("delete ").unwrap()).collect();
                assert!(deleted.iter().all(|chain| emptied.contains(&format!("flush {chain}\n"))), "{deleted:?}");
                emptied.retain(|line| !deleted.contains(&line.strip_prefix("flush ").unwrap().trim_end()));
                next = rest.next().expect("another call");
            }
            let text = &written(&layout.partial_sync(&change))[0];
            // What is not yet deleted is emptied again.
            let text = format!("{text}{}", emptied.concat());
            assert_same(&text, &next.stdin, &what);
            let stale = written(&layout.cleanup(&change)).concat();
            emptied.extend(stale.lines().map(|line| format!("{}\n", line.replacen("delete", "flush", 1))));
        }
        assert_eq!(rest.next(), None);
    }
}

/// The commands of `actions`, as the timeline has them.
fn commands(actions: &[Action]) -> Vec<String> {
    actions.iter().filter_map(Action::call).map(|call| format!("nft {}", call.args.join(" "))).collect()
}

#[test]
fn the_calls_of_1_36_with_its_reads_come_in_kube_proxys_order() {
    for cluster in CLUSTERS {
        let capture = Capture::of("1.36.3", "nftables", cluster);
        let calls = capture.calls();
        let started = capture.started();
        let from = started.iter().position(|call| call.command == "nft --version").expect("nft is looked at");
        let layout = layout(Version::V1_36);
        let states = capture.states();
        let mut expected = commands(&layout.prepare());
        expected.extend(commands(&layout.full_sync(&states[0])));
        let is_alone = |stdin: &str| stdin.lines().count() == 2 && stdin.contains("no-endpoint");
        let comes_alone = calls.iter().any(|call| is_alone(&call.stdin));
        for change in changes(&self::states(&capture, comes_alone, false)) {
            // The Service and its endpoints come and go one after the other, and the second may change nothing.
            expected.extend(commands(&layout.partial_sync(&change)));
            expected.extend(commands(&layout.cleanup(&change)));
        }
        let nothing = Change { before: Arc::clone(&states[0]), after: Arc::clone(&states[0]) };
        let empty: Vec<String> = commands(&layout.partial_sync(&nothing)).into_iter().take(2).collect();
        expected.extend(empty.clone());
        let mut actual: Vec<String> = started[from..].iter().map(|call| call.command.trim_end().to_owned()).collect();
        if !comes_alone {
            // The sync before the Service is known.
            let first = actual.iter().rposition(|call| call.contains("ip6")).expect("both families") + 2;
            assert_eq!(actual.drain(first..first + 2).collect::<Vec<_>>(), empty);
        }
        assert_eq!(expected, actual, "{cluster}");
    }
}

#[test]
fn a_sync_of_nothing_is_empty_and_still_read_before() {
    let states = Capture::of("1.36.3", "nftables", "mix-3").states();
    let nothing = Change { before: Arc::clone(&states[0]), after: Arc::clone(&states[0]) };
    let actions = layout(Version::V1_36).partial_sync(&nothing);
    assert_eq!(written(&actions), ["", ""]);
    assert_eq!(commands(&actions)[0], "nft --json --terse list table ip kube-proxy");
}

/// Does `actions` to `held`.
fn apply(held: &mut Ruleset, actions: &[Action]) {
    for text in written(actions) {
        held.apply(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
}

#[test]
fn every_state_is_what_nft_listed() {
    for (name, version) in [("1.30.5", Version::V1_30), ("1.36.3", Version::V1_36)] {
        for cluster in CLUSTERS {
            let capture = Capture::of(name, "nftables", cluster);
            let (layout, states) = (layout(version), capture.states());
            let mut held = Ruleset::default();
            apply(&mut held, &layout.full_sync(&states[0]));
            let mut stale = Vec::new();
            for (place, state) in STATES.into_iter().enumerate() {
                if place > 0 {
                    let (before, after) = (Arc::clone(&states[place - 1]), Arc::clone(&states[place]));
                    let change = Change { before, after };
                    apply(&mut held, &std::mem::take(&mut stale));
                    apply(&mut held, &layout.partial_sync(&change));
                    stale = layout.cleanup(&change);
                }
                let listed = ["nft-ruleset", "nft-ruleset6"].map(|file| capture.saved(file, state)).concat();
                // Stale chains are deleted by the next sync, which may come before or after the listing.
                if !differences(&held, &listed).is_empty() {
                    apply(&mut held, &std::mem::take(&mut stale));
                }
                assert_eq!(differences(&held, &listed), NONE, "{name} {cluster}{state}");
            }
        }
    }
}

#[test]
fn networks_of_cluster_ips_are_dropped_as_1_36_drops_them() {
    let capture = Capture::of("1.36.3", "nftables", "plain-1x2-servicecidr");
    let mut held = Ruleset::default();
    apply(&mut held, &layout(Version::V1_36).full_sync(&capture.states()[0]));
    held.tables.retain(|name, _| name.starts_with("ip "));
    assert_eq!(differences(&held, &capture.saved("nft-ruleset", "")), NONE);
}

const NONE: [String; 0] = [];

fn differences(held: &Ruleset, listing: &str) -> Vec<String> {
    let listed = Ruleset::read(listing).unwrap();
    difference(held, &listed, Comparison::default()).iter().map(ToString::to_string).collect()
}
