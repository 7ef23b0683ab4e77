//! The part of nftables mode that does not depend on the Services: hooks, checks, sets.
//!
//! The order is that of `setupNFTables` in kube-proxy's `pkg/proxy/nftables/proxier.go`.

use super::Version;
use super::chain::Chain;
use super::object::{Object, Sink, Verb};
use super::rule::{Match, Rule, Statement};
use super::set::{Element, Key, Set};
use crate::cluster::{Cluster, Family};
use crate::proxy_config::{NodePortAddresses, ProxyConfig};
use ipnet::IpNet;
use std::net::IpAddr;

const FILTER_INPUT: Chain<'static> = Chain::Fixed("filter-input");
const FILTER_FORWARD: Chain<'static> = Chain::Fixed("filter-forward");
const FILTER_OUTPUT: Chain<'static> = Chain::Fixed("filter-output");
const NAT_PREROUTING: Chain<'static> = Chain::Fixed("nat-prerouting");
const NAT_OUTPUT: Chain<'static> = Chain::Fixed("nat-output");
const NAT_POSTROUTING: Chain<'static> = Chain::Fixed("nat-postrouting");

const NODE_PORT_ENDPOINTS_CHECK: Chain<'static> = Chain::Fixed("nodeport-endpoints-check");
const SERVICE_ENDPOINTS_CHECK: Chain<'static> = Chain::Fixed("service-endpoints-check");
const FIREWALL_CHECK: Chain<'static> = Chain::Fixed("firewall-check");
const CLUSTER_IPS_CHECK: Chain<'static> = Chain::Fixed("cluster-ips-check");
const MASQUERADING: Chain<'static> = Chain::Fixed("masquerading");
pub(super) const SERVICES: Chain<'static> = Chain::Fixed("services");
pub(super) const REJECT: Chain<'static> = Chain::Fixed("reject-chain");
/// Only in 1.30: later releases mark where they decide to.
pub(super) const MARK_FOR_MASQUERADE: Chain<'static> = Chain::Fixed("mark-for-masquerade");

/// A chain that hangs on a hook, and that hook.
type BaseChain = (Chain<'static>, &'static str);

/// A chain that base chains jump to, on which condition, and from which base chains.
type Jumps = (Chain<'static>, &'static [Match<'static>], &'static [Chain<'static>]);

/// What differs between releases.
struct Hooks {
    base_chains: &'static [BaseChain; 8],
    jumps: &'static [Jumps; 6],
}

const NAT_CHAINS: [BaseChain; 3] = [
    (NAT_PREROUTING, "type nat hook prerouting priority -100 ;"),
    (NAT_OUTPUT, "type nat hook output priority -100 ;"),
    (NAT_POSTROUTING, "type nat hook postrouting priority 100 ;"),
];
const TO_NODE_PORTS: Jumps = (NODE_PORT_ENDPOINTS_CHECK, &[Match::New], &[FILTER_INPUT]);
const TO_ENDPOINTS: Jumps = (SERVICE_ENDPOINTS_CHECK, &[Match::New], &[FILTER_INPUT, FILTER_FORWARD, FILTER_OUTPUT]);
const TO_SERVICES: Jumps = (SERVICES, &[], &[NAT_OUTPUT, NAT_PREROUTING]);
const TO_MASQUERADING: Jumps = (MASQUERADING, &[], &[NAT_POSTROUTING]);

const HOOKS_1_30: Hooks = Hooks {
    base_chains: &[
        (Chain::Fixed("filter-prerouting"), "type filter hook prerouting priority -110 ;"),
        (FILTER_INPUT, "type filter hook input priority -110 ;"),
        (FILTER_FORWARD, "type filter hook forward priority -110 ;"),
        (FILTER_OUTPUT, "type filter hook output priority -110 ;"),
        (Chain::Fixed("filter-output-post-dnat"), "type filter hook output priority -90 ;"),
        NAT_CHAINS[0],
        NAT_CHAINS[1],
        NAT_CHAINS[2],
    ],
    jumps: &[
        TO_NODE_PORTS,
        TO_ENDPOINTS,
        (FIREWALL_CHECK, &[Match::New], &[Chain::Fixed("filter-prerouting"), FILTER_OUTPUT]),
        TO_SERVICES,
        TO_MASQUERADING,
        (CLUSTER_IPS_CHECK, &[Match::New], &[FILTER_FORWARD, Chain::Fixed("filter-output-post-dnat")]),
    ],
};

const HOOKS_1_36: Hooks = Hooks {
    base_chains: &[
        (Chain::Fixed("filter-prerouting-pre-dnat"), "type filter hook prerouting priority -110 ;"),
        (Chain::Fixed("filter-output-pre-dnat"), "type filter hook output priority -110 ;"),
        (FILTER_INPUT, "type filter hook input priority 0 ;"),
        (FILTER_FORWARD, "type filter hook forward priority 0 ;"),
        (FILTER_OUTPUT, "type filter hook output priority 0 ;"),
        NAT_CHAINS[0],
        NAT_CHAINS[1],
        NAT_CHAINS[2],
    ],
    jumps: &[
        TO_NODE_PORTS,
        TO_ENDPOINTS,
        (
            FIREWALL_CHECK,
            &[Match::New],
            &[Chain::Fixed("filter-prerouting-pre-dnat"), Chain::Fixed("filter-output-pre-dnat")],
        ),
        TO_SERVICES,
        TO_MASQUERADING,
        (CLUSTER_IPS_CHECK, &[Match::New], &[FILTER_FORWARD, FILTER_OUTPUT]),
    ],
};

/// Where the fixed part is set up.
pub(super) struct Base<'a> {
    pub(super) version: Version,
    pub(super) config: &'a ProxyConfig,
    pub(super) cluster: &'a Cluster,
    pub(super) family: Family,
}

const fn rule<'a>(chain: Chain<'a>, matches: &'a [Match<'a>], statements: &'a [Statement<'a>]) -> Rule<'a> {
    Rule { chain, matches, statements, comment: None }
}

impl Base<'_> {
    /// Sets up the table. At kube-proxy's first sync it makes the base chains anew: one left over with another priority
    /// could not be added again.
    pub(super) fn set_up(&self, first: bool, sink: &mut impl Sink) {
        let hooks = if self.version == Version::V1_30 { HOOKS_1_30 } else { HOOKS_1_36 };
        sink.command(Verb::Add, &Object::Table);
        if first {
            for &(chain, _) in hooks.base_chains {
                sink.command(Verb::Add, &Object::Chain(chain));
                sink.command(Verb::Delete, &Object::Chain(chain));
            }
        }
        for &(chain, hook) in hooks.base_chains {
            sink.declare(chain, hook);
        }
        for &(to, matches, from) in hooks.jumps {
            sink.ensure(to);
            for &chain in from {
                sink.rule(rule(chain, matches, &[Statement::Jump(to)]));
            }
        }
        self.masquerading(sink);
        self.cluster_ips(sink);
        let node_ports = self.node_ports();
        sink.command(Verb::Add, &Object::Set(Set::NodePortIps));
        match &node_ports {
            None => sink.command(Verb::Delete, &Object::Set(Set::NodePortIps)),
            Some(addresses) => {
                sink.command(Verb::Flush, &Object::Set(Set::NodePortIps));
                for &address in addresses {
                    let key = Key::Address(address);
                    sink.element(Element { set: Set::NodePortIps, key, verdict: None, comment: None });
                }
            }
        }
        sink.command(Verb::Add, &Object::Set(Set::NoEndpointServices));
        sink.command(Verb::Add, &Object::Set(Set::NoEndpointNodePorts));
        sink.declare(REJECT, r#"comment "helper for @no-endpoint-services / @no-endpoint-nodeports" ;"#);
        sink.rule(rule(REJECT, &[], &[Statement::Reject]));
        sink.rule(rule(SERVICE_ENDPOINTS_CHECK, &[], &[Statement::Lookup(Set::NoEndpointServices)]));
        let to_node: &[Match<'_>] = match node_ports {
            None => &[Match::NotToLoopback],
            Some(_) => &[Match::ToOneOf(Set::NodePortIps)],
        };
        sink.rule(rule(NODE_PORT_ENDPOINTS_CHECK, to_node, &[Statement::Lookup(Set::NoEndpointNodePorts)]));
        sink.command(Verb::Add, &Object::Set(Set::FirewallIps));
        sink.rule(rule(FIREWALL_CHECK, &[], &[Statement::Lookup(Set::FirewallIps)]));
        sink.command(Verb::Add, &Object::Set(Set::ServiceIps));
        sink.command(Verb::Add, &Object::Set(Set::ServiceNodePorts));
        self.services(sink);
        if self.version == Version::V1_30 {
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
    }

    fn masquerading(&self, sink: &mut impl Sink) {
        let mark = self.config.masquerade_mark();
        if self.version == Version::V1_30 {
            sink.ensure(MARK_FOR_MASQUERADE);
            sink.rule(rule(MARK_FOR_MASQUERADE, &[], &[Statement::Mark(mark)]));
            sink.rule(rule(MASQUERADING, &[Match::NotMarked(mark)], &[Statement::Return]));
            sink.rule(rule(MASQUERADING, &[], &[Statement::Unmark(mark)]));
            sink.rule(rule(MASQUERADING, &[], &[Statement::Masquerade]));
        } else {
            sink.command(Verb::Add, &Object::Set(Set::HairpinConnections));
            let turn = [Statement::Unmark(mark), Statement::Masquerade];
            sink.rule(rule(MASQUERADING, &[Match::Marked(mark)], &turn));
            sink.rule(rule(MASQUERADING, &[Match::Hairpin], &[Statement::Masquerade]));
        }
    }

    fn cluster_ips(&self, sink: &mut impl Sink) {
        sink.command(Verb::Add, &Object::Set(Set::ClusterIps));
        let stray = rule(CLUSTER_IPS_CHECK, &[Match::ToOneOf(Set::ClusterIps)], &[Statement::Reject]);
        sink.rule(Rule { comment: Some("Reject traffic to invalid ports of ClusterIPs"), ..stray });
        // 1.30 does not watch ServiceCIDRs by default.
        let known = if self.version == Version::V1_30 { &[] } else { &self.cluster.service_cidrs[..] };
        let networks: Vec<IpNet> =
            known.iter().copied().filter(|network| Family::of(network.addr()) == self.family).collect();
        if !networks.is_empty() {
            let matches = [Match::ToAny(&networks)];
            let unallocated = rule(CLUSTER_IPS_CHECK, &matches, &[Statement::Drop]);
            sink.rule(Rule { comment: Some("Drop traffic to unallocated ClusterIPs"), ..unallocated });
        }
    }

    /// The rules of the chain `services`.
    pub(super) fn services(&self, sink: &mut impl Sink) {
        if self.version != Version::V1_30 {
            let mark = [Statement::Mark(self.config.masquerade_mark())];
            let to_cluster_ip = Match::ToOneOf(Set::ClusterIps);
            if self.config.masquerade_all {
                let all = rule(SERVICES, std::slice::from_ref(&to_cluster_ip), &mark);
                sink.rule(Rule { comment: Some("masquerade all clusterIP traffic"), ..all });
            } else if let Some(pods) = self.config.cluster_cidr(self.family) {
                let matches = [to_cluster_ip, Match::NotFrom(pods)];
                let outside = rule(SERVICES, &matches, &mark);
                sink.rule(Rule { comment: Some("masquerade clusterIP traffic from outside cluster"), ..outside });
            }
        }
        sink.rule(rule(SERVICES, &[], &[Statement::Lookup(Set::ServiceIps)]));
        let to_node: &[Match<'_>] = match self.node_ports() {
            None => &[Match::ToNode, Match::NotToLoopback],
            Some(_) => &[Match::ToOneOf(Set::NodePortIps)],
        };
        sink.rule(rule(SERVICES, to_node, &[Statement::Lookup(Set::ServiceNodePorts)]));
    }

    /// The addresses that node ports are open on; `None` for all of the node's.
    fn node_ports(&self) -> Option<Vec<IpAddr>> {
        let node = &self.cluster.node;
        match &self.config.node_port_addresses {
            NodePortAddresses::Usual | NodePortAddresses::Primary => match node.address(self.family) {
                Some(address) => Some(vec![address]),
                // 1.30 takes the loopback address for the missing one, and then leaves it out.
                None => (self.version == Version::V1_30).then(Vec::new),
            },
            NodePortAddresses::In(networks) => {
                let own: Vec<&IpNet> =
                    networks.iter().filter(|network| Family::of(network.addr()) == self.family).collect();
                if own.is_empty() || own.iter().any(|network| network.prefix_len() == 0) {
                    return None;
                }
                let known = node.addresses.iter().copied();
                let within = |address: &IpAddr| own.iter().any(|network| network.contains(address));
                Some(known.filter(|address| !address.is_loopback() && within(address)).collect())
            }
        }
    }
}
