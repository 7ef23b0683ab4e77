//! The part of nftables mode that does not depend on the Services: hooks, checks, sets.
//!
//! The order is that of `setupNFTables` in kube-proxy's `pkg/proxy/nftables/proxier.go`.

use super::object::{Chain, Element, Match, Object, Rule, Set, Sink, Statement, Verb};
use crate::cluster::Node;
use crate::layout::FAMILY;

/// The chains that hang on a hook.
const BASE_CHAINS: [Chain<'static>; 8] = [
    Chain::FilterPrerouting,
    Chain::FilterInput,
    Chain::FilterForward,
    Chain::FilterOutput,
    Chain::FilterOutputPostDnat,
    Chain::NatPrerouting,
    Chain::NatOutput,
    Chain::NatPostrouting,
];

/// A chain that base chains jump to, on which condition, and from which base chains.
type Jumps = (Chain<'static>, &'static [Match], &'static [Chain<'static>]);

const JUMPS: [Jumps; 6] = [
    (Chain::NodePortEndpointsCheck, &[Match::New], &[Chain::FilterInput]),
    (Chain::ServiceEndpointsCheck, &[Match::New], &[Chain::FilterInput, Chain::FilterForward, Chain::FilterOutput]),
    (Chain::FirewallCheck, &[Match::New], &[Chain::FilterPrerouting, Chain::FilterOutput]),
    (Chain::Services, &[], &[Chain::NatOutput, Chain::NatPrerouting]),
    (Chain::Masquerading, &[], &[Chain::NatPostrouting]),
    (Chain::ClusterIpsCheck, &[Match::New], &[Chain::FilterForward, Chain::FilterOutputPostDnat]),
];

/// The rules of the chain `services`.
pub(super) const SERVICES_RULES: [Rule<'static>; 2] = [
    rule(Chain::Services, &[], Statement::Lookup(Set::ServiceIps)),
    rule(Chain::Services, &[Match::ToOneOf(Set::NodePortIps)], Statement::Lookup(Set::ServiceNodePorts)),
];

const fn rule(chain: Chain<'static>, matches: &'static [Match], statement: Statement<'static>) -> Rule<'static> {
    Rule { chain, matches, statement, comment: None }
}

/// Sets up the table from scratch.
pub(super) fn set_up(node: &Node, sink: &mut impl Sink) {
    sink.command(Verb::Add, &Object::Table);
    // A base chain left over with another priority could not be added again.
    for chain in BASE_CHAINS {
        sink.command(Verb::Add, &Object::Chain(chain));
        sink.command(Verb::Delete, &Object::Chain(chain));
    }
    for chain in BASE_CHAINS {
        ensure(chain, sink);
    }
    for (to, matches, from) in JUMPS {
        ensure(to, sink);
        for &chain in from {
            add_rule(rule(chain, matches, Statement::Jump(to)), sink);
        }
    }
    ensure(Chain::MarkForMasquerade, sink);
    add_rule(rule(Chain::MarkForMasquerade, &[], Statement::Mark), sink);
    add_rule(rule(Chain::Masquerading, &[Match::NotMarked], Statement::Return), sink);
    add_rule(rule(Chain::Masquerading, &[], Statement::Unmark), sink);
    add_rule(rule(Chain::Masquerading, &[], Statement::Masquerade), sink);

    sink.command(Verb::Add, &Object::Set(Set::ClusterIps));
    let stray = rule(Chain::ClusterIpsCheck, &[Match::ToOneOf(Set::ClusterIps)], Statement::Reject);
    add_rule(Rule { comment: Some("Reject traffic to invalid ports of ClusterIPs"), ..stray }, sink);
    sink.command(Verb::Add, &Object::Set(Set::NodePortIps));
    sink.command(Verb::Flush, &Object::Set(Set::NodePortIps));
    if let Some(address) = node.address(FAMILY) {
        sink.command(Verb::Add, &Object::Element(Element::NodePortIp(address)));
    }
    sink.command(Verb::Add, &Object::Set(Set::NoEndpointServices));
    sink.command(Verb::Add, &Object::Set(Set::NoEndpointNodePorts));
    ensure(Chain::Reject, sink);
    add_rule(rule(Chain::Reject, &[], Statement::Reject), sink);
    add_rule(rule(Chain::ServiceEndpointsCheck, &[], Statement::Lookup(Set::NoEndpointServices)), sink);
    let to_node = &[Match::ToOneOf(Set::NodePortIps)];
    add_rule(rule(Chain::NodePortEndpointsCheck, to_node, Statement::Lookup(Set::NoEndpointNodePorts)), sink);
    sink.command(Verb::Add, &Object::Set(Set::FirewallIps));
    add_rule(rule(Chain::FirewallCheck, &[], Statement::Lookup(Set::FirewallIps)), sink);
    sink.command(Verb::Add, &Object::Set(Set::ServiceIps));
    sink.command(Verb::Add, &Object::Set(Set::ServiceNodePorts));
    for rule in SERVICES_RULES {
        add_rule(rule, sink);
    }
    for set in [
        Set::ClusterIps,
        Set::FirewallIps,
        Set::NoEndpointServices,
        Set::NoEndpointNodePorts,
        Set::ServiceIps,
        Set::ServiceNodePorts,
    ] {
        sink.command(Verb::Flush, &Object::Set(set));
    }
}

/// The chain exists, and is empty.
pub(super) fn ensure(chain: Chain<'_>, sink: &mut impl Sink) {
    sink.command(Verb::Add, &Object::Declaration(chain));
    sink.command(Verb::Flush, &Object::Chain(chain));
}

/// The rule comes last in its chain.
pub(super) fn add_rule(rule: Rule<'_>, sink: &mut impl Sink) {
    sink.command(Verb::Add, &Object::Rule(rule));
}
