//! How many rules of iptables a packet is tried against before its endpoint is chosen.

use super::finding::{Effect, Finding};
use lab_core::cluster::{Cluster, Family};
use lab_core::layout::{Action, Layout, Tool};
use lab_core::units;
use serde::Serialize;
use std::collections::HashMap;

/// So many rules are worth a word: a new connection then waits some tens of microseconds for them.
const MANY: u64 = 1_000;
/// The chain that every new connection walks.
const SERVICES: &str = "KUBE-SERVICES";

/// The most rules of a release, and of which Service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Tried {
    pub(super) release: String,
    pub(super) object: String,
    /// All of them.
    pub(super) rules: u64,
    /// Of these, those of the chain that leads to Services.
    pub(super) dispatch: u64,
}

impl Tried {
    /// The most that `layout` makes of `cluster` in `family`; `None` without any Service that has endpoints.
    ///
    /// A Service's place in KUBE-SERVICES is that of a Go map's order: at worst it is the last.
    pub(super) fn most(release: &str, layout: &dyn Layout, cluster: &Cluster, family: Family) -> Option<Self> {
        let tool = if family == Family::V4 { Tool::IptablesRestore } else { Tool::Ip6tablesRestore };
        let calls = layout.full_sync(cluster);
        let input = calls.iter().filter_map(Action::call).find(|call| call.tool == tool)?;
        let input = std::str::from_utf8(&input.stdin).ok()?;
        let mut sizes: HashMap<&str, u64> = HashMap::new();
        let (mut dispatched, mut last): (Vec<(&str, &str)>, HashMap<&str, &str>) = (Vec::new(), HashMap::new());
        let mut dispatch = 0;
        let of_nat = input.split_once("*nat").map_or("", |(_, nat)| nat);
        for rule in of_nat.lines().take_while(|line| *line != "COMMIT") {
            let Some((chain, rest)) = rule.strip_prefix("-A ").and_then(|rule| rule.split_once(' ')) else { continue };
            let size = sizes.entry(chain).or_default();
            *size += 1;
            let Some((_, target)) = rest.rsplit_once("-j ") else { continue };
            let target = target.split(' ').next().unwrap_or_default();
            if chain == SERVICES && target.starts_with("KUBE-SV") {
                dispatch = *size;
                dispatched.push((target, rest));
            }
            last.insert(chain, target);
        }
        let size = |chain: &str| sizes.get(chain).copied().unwrap_or_default();
        // Its own chain to the end, and then the chain of its last endpoint.
        let own = |chain: &str| size(chain) + last.get(chain).map_or(0, |endpoint| size(endpoint));
        let (chain, rule) = dispatched.into_iter().max_by_key(|(chain, _)| own(chain))?;
        let object = port_of(rule, cluster, family).unwrap_or_else(|| chain.to_owned());
        Some(Self { release: release.to_owned(), object, rules: dispatch + own(chain), dispatch })
    }

    /// That these are many.
    pub(super) fn finding(&self) -> Option<Finding> {
        let number = usize::try_from(self.rules).ok().filter(|_| self.rules > MANY)?;
        let what = format!(
            "at worst {} rules are tried before an endpoint of it is chosen: {} in {SERVICES}, where its place is left to \
             chance, and {} in its own chains",
            units::count(self.rules),
            units::count(self.dispatch),
            units::count(self.rules - self.dispatch)
        );
        Some(Finding::new(Effect::Costly, self.object.clone(), number, what))
    }
}

/// The port that a rule of KUBE-SERVICES is for. A large cluster has no comments that say it.
fn port_of(rule: &str, cluster: &Cluster, family: Family) -> Option<String> {
    let words: Vec<&str> = rule.split(' ').collect();
    let after = |option: &str| words.windows(2).find(|pair| pair[0] == option).map(|pair| pair[1]);
    let address = after("-d")?.split('/').next()?.parse().ok()?;
    let (number, protocol) = (after("--dport")?.parse().ok()?, after("-p")?);
    let is_it = |port: &lab_core::cluster::ServicePort<'_>| {
        (port.cluster_ip(), port.socket().port(), port.protocol().name()) == (address, number, protocol)
    };
    cluster.ports(family).find(is_it).map(|port| format!("Service {port}"))
}
