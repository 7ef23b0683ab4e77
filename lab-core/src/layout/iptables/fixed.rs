//! The chains that every sync rewrites, and those of their rules that are not about a Service.

use super::Version;
use super::chain::Chain;
use super::jumps::says;
use super::rule::{ConnectionState, Match, Rule, Sink, Target};
use super::sync::Sync;
use crate::cluster::Family;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

/// IPv4's loopback network.
pub(in crate::layout) const LOOPBACK: IpNet = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8));
/// IPv6's loopback address.
pub(super) const LOOPBACK_V6: IpNet = IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128));

/// The nfacct counter of packets that belong to no connection (`IPTablesCTStateInvalidDroppedNFAcctCounter`).
pub(super) const INVALID_COUNTER: &str = "ct_state_invalid_dropped_pkts";
/// The nfacct counter of packets to node ports on 127.0.0.1 (`LocalhostNodePortAcceptedNFAcctCounter`).
pub(super) const LOCALHOST_COUNTER: &str = "localhost_nps_accepted_pkts";

/// The filter table's chains, and the kubelet's rule there, which kube-proxy sets up too.
pub(super) fn filter_chains(sync: &Sync<'_>, sink: &mut impl Sink) {
    for chain in [Chain::KubeServices, Chain::KubeExternalServices, Chain::KubeForward] {
        sink.chain(chain);
    }
    if sync.version == Version::V1_20 {
        return;
    }
    sink.chain(Chain::KubeNodePorts);
    sink.chain(Chain::KubeProxyFirewall);
    if sync.node_ports.on_localhost {
        sink.chain(Chain::KubeFirewall);
        sink.rule(&Rule {
            chain: Chain::KubeFirewall,
            matches: &[
                says("block incoming localnet connections"),
                Match::ToNetwork(LOOPBACK),
                Match::NotFrom(LOOPBACK),
                Match::Connection(ConnectionState::NeitherEstablishedNorRewritten),
            ],
            target: Target::Drop,
        });
    }
}

/// The rules of KUBE-FORWARD.
pub(super) fn forwarding(sync: &Sync<'_>, sink: &mut impl Sink) {
    let chain = Chain::KubeForward;
    let invalid = [Match::Connection(ConnectionState::Invalid), Match::CountedBy(INVALID_COUNTER)];
    let invalid = if sync.counted { &invalid[..] } else { &invalid[..1] };
    sink.rule(&Rule { chain, matches: invalid, target: Target::Drop });
    let marked = [says("kubernetes forwarding rules"), Match::Marked(sync.mark)];
    sink.rule(&Rule { chain, matches: &marked, target: Target::Accept });
    let answered = Match::Connection(ConnectionState::RelatedOrEstablished);
    let comments: &[&'static str] = match sync.version {
        Version::V1_20 => {
            &["kubernetes forwarding conntrack pod source rule", "kubernetes forwarding conntrack pod destination rule"]
        }
        _ => &["kubernetes forwarding conntrack rule"],
    };
    for comment in comments {
        sink.rule(&Rule { chain, matches: &[says(comment), answered], target: Target::Accept });
    }
}

/// The nat table's chains.
pub(super) fn nat_chains(sink: &mut impl Sink) {
    for chain in [Chain::KubeServices, Chain::KubeNodePorts, Chain::KubePostrouting, Chain::KubeMarkMasq] {
        sink.chain(chain);
    }
}

/// The rules of KUBE-POSTROUTING and KUBE-MARK-MASQ.
pub(super) fn masquerading(sync: &Sync<'_>, sink: &mut impl Sink) {
    let chain = Chain::KubePostrouting;
    sink.rule(&Rule { chain, matches: &[Match::NotMarked(sync.mark)], target: Target::Return });
    sink.rule(&Rule { chain, matches: &[], target: Target::Unmark(sync.mark) });
    let comment = says("kubernetes service traffic requiring SNAT");
    sink.rule(&Rule { chain, matches: &[comment], target: Target::Masquerade });
    sink.rule(&Rule { chain: Chain::KubeMarkMasq, matches: &[], target: Target::Mark(sync.mark) });
}

/// The last rules of KUBE-SERVICES.
pub(super) fn to_node_ports(sync: &Sync<'_>, sink: &mut impl Sink) {
    let comment = says("kubernetes service nodeports; NOTE: this must be the last rule in this chain");
    let (chain, target) = (Chain::KubeServices, Target::Jump(Chain::KubeNodePorts));
    if let Some(addresses) = &sync.node_ports.at {
        for &address in addresses {
            sink.rule(&Rule { chain, matches: &[comment, Match::To(address)], target });
        }
        return;
    }
    let but = match sync.family {
        _ if sync.version == Version::V1_20 || sync.node_ports.on_localhost => None,
        Family::V4 => Some(LOOPBACK),
        Family::V6 => Some(LOOPBACK_V6),
    };
    let matches = [comment, Match::ToLocal, Match::NotTo(but.unwrap_or(LOOPBACK))];
    let matches = if but.is_some() { &matches[..] } else { &matches[..2] };
    sink.rule(&Rule { chain, matches, target });
}
