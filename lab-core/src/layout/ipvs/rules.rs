//! The iptables rules of ipvs mode. Their number is fixed, because ipsets say which packets they match.
//!
//! The order is that of `createAndLinkKubeChain` and `writeIptablesRules` in kube-proxy's
//! `pkg/proxy/ipvs/proxier.go`.

use super::sets;
use crate::cluster::Family;
use crate::layout::iptables::{
    Chain, ConnectionState, Jump, LOOPBACK, Match, Rule, Sink, Table, Target, Tools, jump, says,
};
use crate::layout::{Action, Count, Invocation, Part};
use ipnet::{IpNet, Ipv4Net};

/// Every chain, in kube-proxy's order (`iptablesChains`).
const CHAINS: [(Table, Chain); 11] = [
    (Table::Nat, Chain::KubeServices),
    (Table::Nat, Chain::KubePostrouting),
    (Table::Nat, Chain::KubeNodePort),
    (Table::Nat, Chain::KubeLoadBalancer),
    (Table::Nat, Chain::KubeMarkMasq),
    (Table::Filter, Chain::KubeForward),
    (Table::Filter, Chain::KubeNodePort),
    (Table::Filter, Chain::KubeProxyFirewall),
    (Table::Filter, Chain::KubeSourceRangesFirewall),
    (Table::Filter, Chain::KubeIpvsFilter),
    (Table::Filter, Chain::KubeIpvsOutFilter),
];

/// How the tools are called.
pub(super) const TOOLS: Tools = Tools::patient(Family::V4);

/// The default bit of the packet mark that asks for masquerading.
const MARK: u32 = 1 << 14;

const TO_SERVICES: &[Match<'static>] = &[says("kubernetes service portals")];
const POSTROUTING: &[Match<'static>] = &[says("kubernetes postrouting rules")];
const FORWARDING: &[Match<'static>] = &[says("kubernetes forwarding rules")];
const HEALTH_CHECKS: &[Match<'static>] = &[says("kubernetes health check rules")];
const FIREWALL: &[Match<'static>] = &[says("kube-proxy firewall rules")];
const ACCESS: &[Match<'static>] = &[says("kubernetes ipvs access filter")];

/// In kube-proxy's order (`iptablesJumpChain`). Each is inserted at the top of its chain.
const JUMPS: [Jump; 9] = [
    jump(Table::Nat, Chain::Output, Chain::KubeServices, TO_SERVICES),
    jump(Table::Nat, Chain::Prerouting, Chain::KubeServices, TO_SERVICES),
    jump(Table::Nat, Chain::Postrouting, Chain::KubePostrouting, POSTROUTING),
    jump(Table::Filter, Chain::Forward, Chain::KubeForward, FORWARDING),
    jump(Table::Filter, Chain::Input, Chain::KubeNodePort, HEALTH_CHECKS),
    jump(Table::Filter, Chain::Input, Chain::KubeProxyFirewall, FIREWALL),
    jump(Table::Filter, Chain::Forward, Chain::KubeProxyFirewall, FIREWALL),
    jump(Table::Filter, Chain::Input, Chain::KubeIpvsFilter, ACCESS),
    jump(Table::Filter, Chain::Output, Chain::KubeIpvsOutFilter, ACCESS),
];

/// Which chains and jumps exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// None of them.
    Nothing,
    /// All of them.
    Everything,
}

/// Makes the chains and jumps, which do not exist yet.
pub(super) fn make() -> impl Iterator<Item = Action> {
    let chains = CHAINS.into_iter().map(|(table, chain)| TOOLS.call("-N", chain, table, Vec::new()));
    chains.chain(JUMPS.iter().map(|jump| on_jump("-I", jump))).map(Action::from)
}

/// Makes sure of the chains and jumps, as kube-proxy does before every sync.
///
/// It makes each chain; if the tool refuses, the chain exists. It checks each jump, and makes it if it is missing.
pub(super) fn ensure(found: Found) -> Vec<Action> {
    let chains = CHAINS.into_iter().map(|(table, chain)| TOOLS.call("-N", chain, table, Vec::new()));
    let check = |jump| on_jump("-C", jump);
    let try_to = |call| Action::Try(Part::Rules, call);
    match found {
        Found::Nothing => {
            let jumps = JUMPS.iter().flat_map(|jump| [try_to(check(jump)), on_jump("-I", jump).into()]);
            chains.map(Action::from).chain(jumps).collect()
        }
        Found::Everything => chains.map(try_to).chain(JUMPS.iter().map(check).map(Action::from)).collect(),
    }
}

fn on_jump(operation: &str, jump: &Jump) -> Invocation {
    TOOLS.call(operation, jump.from, jump.table, jump.rule().args())
}

/// Rewrites every chain of both tables at once.
pub(super) fn write(cluster_cidr: Ipv4Net, has_services: bool) -> Action {
    let mut text = Vec::with_capacity(4096);
    walk(cluster_cidr.into(), has_services, &mut text);
    TOOLS.restore(text).into()
}

/// Writes the same as [`write()`] to `sink`.
fn walk(cluster_cidr: IpNet, has_services: bool, sink: &mut impl Sink) {
    walk_nat(cluster_cidr, has_services, sink);
    walk_filter(sink);
}

/// Counts all chains and rules, with the jumps.
pub(super) fn count(cluster_cidr: Ipv4Net, has_services: bool, count: &mut Count) {
    walk(cluster_cidr.into(), has_services, count);
    JUMPS.iter().for_each(|jump| count.rule(&jump.rule()));
}

fn walk_nat(cluster_cidr: IpNet, has_services: bool, sink: &mut impl Sink) {
    declare(Table::Nat, sink);
    let chain = Chain::KubeServices;
    sink.rule(&Rule { chain, matches: &[Match::FromNetwork(LOOPBACK)], target: Target::Return });
    if has_services {
        sink.rule(&Rule {
            chain,
            matches: &[
                says("Kubernetes service cluster ip + port for masquerade purpose"),
                Match::InSet(sets::CLUSTER_IP, "dst,dst"),
                Match::NotFrom(cluster_cidr),
            ],
            target: Target::Jump(Chain::KubeMarkMasq),
        });
    }
    sink.rule(&Rule { chain, matches: &[Match::ToLocal], target: Target::Jump(Chain::KubeNodePort) });
    let to_mark = Target::Jump(Chain::KubeMarkMasq);
    sink.rule(&Rule { chain: Chain::KubeLoadBalancer, matches: &[], target: to_mark });
    if has_services {
        sink.rule(&Rule { chain, matches: &[Match::InSet(sets::CLUSTER_IP, "dst,dst")], target: Target::Accept });
    }

    let chain = Chain::KubePostrouting;
    sink.rule(&Rule { chain, matches: &[Match::NotMarked(MARK)], target: Target::Return });
    sink.rule(&Rule { chain, matches: &[], target: Target::Unmark(MARK) });
    let comment = says("kubernetes service traffic requiring SNAT");
    sink.rule(&Rule { chain, matches: &[comment], target: Target::Masquerade });
    sink.rule(&Rule { chain: Chain::KubeMarkMasq, matches: &[], target: Target::Mark(MARK) });
    sink.commit();
}

fn walk_filter(sink: &mut impl Sink) {
    declare(Table::Filter, sink);
    sink.rule(&Rule { chain: Chain::KubeSourceRangesFirewall, matches: &[], target: Target::Drop });
    let chain = Chain::KubeForward;
    let marked = [says("kubernetes forwarding rules"), Match::Marked(MARK)];
    sink.rule(&Rule { chain, matches: &marked, target: Target::Accept });
    let answered =
        [says("kubernetes forwarding conntrack rule"), Match::Connection(ConnectionState::RelatedOrEstablished)];
    sink.rule(&Rule { chain, matches: &answered, target: Target::Accept });
    let health_check = Match::InSet(sets::HEALTH_CHECK_NODE_PORT, "dst");
    sink.rule(&Rule {
        chain: Chain::KubeNodePort,
        matches: &[says("Kubernetes health check node port"), health_check],
        target: Target::Accept,
    });
    let chain = Chain::KubeIpvsFilter;
    for served in [
        Match::InSet(sets::LOAD_BALANCER, "dst,dst"),
        Match::InSet(sets::CLUSTER_IP, "dst,dst"),
        Match::InSet(sets::EXTERNAL_IP, "dst,dst"),
        Match::InSet(sets::EXTERNAL_IP_LOCAL, "dst,dst"),
        health_check,
    ] {
        sink.rule(&Rule { chain, matches: &[served], target: Target::Return });
    }
    let to_no_service = [Match::Connection(ConnectionState::New), Match::InSet(sets::IPVS_IPS, "dst")];
    sink.rule(&Rule { chain, matches: &to_no_service, target: Target::Reject });
    sink.commit();
}

fn declare(table: Table, sink: &mut impl Sink) {
    sink.table(table);
    for (_, chain) in CHAINS.into_iter().filter(|&(of, _)| of == table) {
        sink.chain(chain);
    }
}
