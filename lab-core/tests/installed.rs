//! What a layout says is installed is what counting the printed text gives, at any size.

use lab_core::cluster::{AddressPlan, Cluster};
use lab_core::layout::{Action, Installed, Iptables, Layout, Nftables, iptables, nftables};
use proptest::prelude::*;
use std::collections::HashSet;

/// Counts what was printed for `iptables` and `iptables-restore`.
fn count_iptables(cluster: &Cluster) -> Installed {
    let layout = Iptables::default();
    let mut installed = Installed::default();
    let mut chains = HashSet::new();
    for call in layout.prepare().iter().filter_map(Action::call) {
        match call.args[4].as_str() {
            "-N" => assert!(chains.insert((call.args[7].clone(), call.args[5].clone()))),
            "-I" => installed.rules += 1,
            other => panic!("{other}"),
        }
    }
    let mut table = "";
    let text = String::from_utf8(text(layout.full_sync(cluster))).unwrap();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        } else if let Some(chain) = line.strip_prefix(':') {
            chains.insert((table.to_owned(), chain.split_once(' ').unwrap().0.to_owned()));
        } else if line.starts_with("-A ") {
            installed.rules += 1;
        }
    }
    installed.chains = chains.len() as u64;
    installed
}

/// What the one call of a sync reads.
fn text(actions: Vec<Action>) -> Vec<u8> {
    let [Action::Call(_, call)] = &actions[..] else { panic!("a sync of one call") };
    call.stdin.clone()
}

/// Counts what was printed for `nft -f -`.
fn count_nftables(cluster: &Cluster) -> Installed {
    let text = String::from_utf8(text(Nftables::default().full_sync(cluster))).unwrap();
    let (mut chains, mut elements, mut rules) = (HashSet::new(), HashSet::new(), 0);
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..2] {
            ["add", "chain"] => _ = chains.insert(words[4]),
            ["add", "element"] => assert!(elements.insert(line), "{line} twice"),
            ["add", "rule"] => rules += 1,
            _ => {}
        }
    }
    Installed { rules, chains: chains.len() as u64, set_elements: elements.len() as u64, ..Installed::default() }
}

/// A sink that counts what the walk says, without printing it.
#[derive(Default)]
struct Count {
    rules: u64,
    chains: u64,
}

impl iptables::Sink for Count {
    fn table(&mut self, _: iptables::Table) {}
    fn chain(&mut self, _: iptables::Chain) {
        self.chains += 1;
    }
    fn rule(&mut self, _: &iptables::Rule<'_>) {
        self.rules += 1;
    }
    fn delete(&mut self, _: iptables::Chain) {
        self.chains -= 1;
    }
    fn commit(&mut self) {}
}

impl nftables::Sink for Count {
    fn command(&mut self, verb: nftables::Verb, object: &nftables::Object<'_>) {
        match (verb, object) {
            (nftables::Verb::Add, nftables::Object::Rule(_)) => self.rules += 1,
            (nftables::Verb::Add, nftables::Object::Declaration(_)) => self.chains += 1,
            _ => {}
        }
    }
}

#[test]
fn one_service_with_two_endpoints_has_kube_proxys_thirteen_nat_rules() {
    let cluster = Cluster::generate(1, &AddressPlan::new(2));
    let jumps_and_filter = 14 + 4;
    let expected = Installed { rules: jumps_and_filter + 13, chains: 13 + 3, ..Installed::default() };
    assert_eq!(Iptables::default().installed(&cluster), expected);
}

#[test]
fn walking_and_printing_see_the_same_rules() {
    let cluster = Cluster::generate(7, &AddressPlan::new(3));
    let (mut walked, layout) = (Count::default(), Iptables::default());
    iptables::Sync::full(&cluster, layout.cluster_cidr).walk(&mut walked);
    let jumps = 14;
    assert_eq!(walked.rules + jumps, layout.installed(&cluster).rules);

    let (mut walked, layout) = (Count::default(), Nftables::default());
    layout.walk(&cluster, &mut walked);
    let installed = layout.installed(&cluster);
    assert_eq!((walked.rules, walked.chains), (installed.rules, installed.chains));
}

proptest! {
    #[test]
    fn installed_is_what_counting_the_text_gives(
        services in 0u32..120,
        endpoints in 0u32..6,
        without in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
    ) {
        let mut cluster = Cluster::generate(services, &AddressPlan::new(endpoints));
        for index in without {
            if services > 0 {
                let place = index.index(cluster.services.len());
                cluster.services[place].endpoints.clear();
            }
        }
        prop_assert_eq!(Iptables::default().installed(&cluster), count_iptables(&cluster));
        prop_assert_eq!(Nftables::default().installed(&cluster), count_nftables(&cluster));
    }
}
