//! The jumps from built-in chains to kube-proxy's, and how a sync makes sure of them.

use super::Version;
use super::calls::Tools;
use super::chain::{Chain, Table};
use super::rule::{Comment, ConnectionState, Match, Rule, Target};
use crate::layout::{Action, Part};

/// A jump from a built-in chain to one of kube-proxy's.
pub(in crate::layout) struct Jump {
    pub(in crate::layout) table: Table,
    pub(in crate::layout) from: Chain,
    pub(super) to: Chain,
    matches: &'static [Match<'static>],
}

impl Jump {
    pub(in crate::layout) fn rule(&self) -> Rule<'static> {
        Rule { chain: self.from, matches: self.matches, target: Target::Jump(self.to) }
    }
}

pub(in crate::layout) const fn jump(table: Table, from: Chain, to: Chain, matches: &'static [Match<'static>]) -> Jump {
    Jump { table, from, to, matches }
}

pub(in crate::layout) const fn says(text: &'static str) -> Match<'static> {
    Match::Comment(Comment::Says(text))
}

const NEW: Match<'static> = Match::Connection(ConnectionState::New);
const EXTERNAL: &[Match<'static>] = &[NEW, says("kubernetes externally-visible service portals")];
const HEALTH_CHECKS: &[Match<'static>] = &[says("kubernetes health check service ports")];
const NEW_TO_SERVICES: &[Match<'static>] = &[NEW, says("kubernetes service portals")];
const FORWARDING: &[Match<'static>] = &[says("kubernetes forwarding rules")];
const FIREWALL: &[Match<'static>] = &[NEW, says("kubernetes load balancer firewall")];
const TO_SERVICES: &[Match<'static>] = &[says("kubernetes service portals")];
const POSTROUTING: &[Match<'static>] = &[says("kubernetes postrouting rules")];

/// Those of 1.20, in its order. Each is inserted at the top of its chain, so in the kernel their order is reversed.
const JUMPS_1_20: [Jump; 8] = [
    jump(Table::Filter, Chain::Input, Chain::KubeExternalServices, EXTERNAL),
    jump(Table::Filter, Chain::Forward, Chain::KubeExternalServices, EXTERNAL),
    jump(Table::Filter, Chain::Forward, Chain::KubeServices, NEW_TO_SERVICES),
    jump(Table::Filter, Chain::Output, Chain::KubeServices, NEW_TO_SERVICES),
    jump(Table::Filter, Chain::Forward, Chain::KubeForward, FORWARDING),
    jump(Table::Nat, Chain::Output, Chain::KubeServices, TO_SERVICES),
    jump(Table::Nat, Chain::Prerouting, Chain::KubeServices, TO_SERVICES),
    jump(Table::Nat, Chain::Postrouting, Chain::KubePostrouting, POSTROUTING),
];

/// Those of 1.30 and later, in their order (`iptablesJumpChains`, then `iptablesKubeletJumpChains`).
const JUMPS: [Jump; 14] = [
    jump(Table::Filter, Chain::Input, Chain::KubeExternalServices, EXTERNAL),
    jump(Table::Filter, Chain::Forward, Chain::KubeExternalServices, EXTERNAL),
    jump(Table::Filter, Chain::Input, Chain::KubeNodePorts, HEALTH_CHECKS),
    jump(Table::Filter, Chain::Forward, Chain::KubeServices, NEW_TO_SERVICES),
    jump(Table::Filter, Chain::Output, Chain::KubeServices, NEW_TO_SERVICES),
    jump(Table::Filter, Chain::Forward, Chain::KubeForward, FORWARDING),
    jump(Table::Filter, Chain::Input, Chain::KubeProxyFirewall, FIREWALL),
    jump(Table::Filter, Chain::Output, Chain::KubeProxyFirewall, FIREWALL),
    jump(Table::Filter, Chain::Forward, Chain::KubeProxyFirewall, FIREWALL),
    jump(Table::Nat, Chain::Output, Chain::KubeServices, TO_SERVICES),
    jump(Table::Nat, Chain::Prerouting, Chain::KubeServices, TO_SERVICES),
    jump(Table::Nat, Chain::Postrouting, Chain::KubePostrouting, POSTROUTING),
    jump(Table::Filter, Chain::Input, Chain::KubeFirewall, &[]),
    jump(Table::Filter, Chain::Output, Chain::KubeFirewall, &[]),
];

/// The jumps of a release.
pub(super) fn jumps(version: Version) -> &'static [Jump] {
    if version == Version::V1_20 { &JUMPS_1_20 } else { &JUMPS }
}

/// The chains that a release makes but leaves to the kubelet to fill (`iptablesEnsureChains` in 1.20).
pub(super) fn kubelet_chains(version: Version) -> &'static [(Table, Chain)] {
    if version == Version::V1_20 { &[(Table::Nat, Chain::KubeMarkDrop)] } else { &[] }
}

/// Which chains and jumps exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
}

/// Makes sure of the jumps and the chains that they lead to, as kube-proxy does before it writes everything.
///
/// It makes each chain; if the tool refuses, the chain exists. It checks each jump, and makes it if it is missing.
pub(super) fn ensure(version: Version, tools: Tools, found: Found) -> Vec<Action> {
    let try_to = |call| Action::Try(Part::Rules, call);
    let make = |table, chain: Chain| try_to(tools.call("-N", &chain.name(), table, Vec::new()));
    let mut actions = Vec::new();
    for jump in jumps(version) {
        let on_jump = |operation| tools.call(operation, &jump.from.name(), jump.table, jump.rule().args());
        actions.push(make(jump.table, jump.to));
        match found {
            Found::Nothing => actions.extend([try_to(on_jump("-C")), on_jump("-I").into()]),
            Found::Everything => actions.push(on_jump("-C").into()),
        }
    }
    actions.extend(kubelet_chains(version).iter().map(|&(table, chain)| make(table, chain)));
    actions
}
