//! iptables rules as values, and how the tools spell them.

use crate::cluster::{Endpoint, Protocol, ServicePort};
use crate::layout::hash::Hash;
use crate::layout::text::Text;
use ipnet::Ipv4Net;
use std::io::Write;
use std::net::IpAddr;

/// The bit of the packet mark that requests masquerading, in kube-proxy's spelling.
const MASQUERADE_MARK: &str = "0x00004000";

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Where packets are accepted, dropped and rejected.
    Filter,
    /// Where packets are altered. kube-proxy only has its canary there.
    Mangle,
    /// Where a new connection's addresses are rewritten.
    Nat,
}

impl Table {
    /// Its spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Mangle => "mangle",
            Self::Nat => "nat",
        }
    }
}

/// A chain: a built-in one, one of kube-proxy's fixed ones, or one of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "Chain::put_name spells them")]
pub enum Chain {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    KubeServices,
    KubeExternalServices,
    KubeForward,
    KubeNodePorts,
    KubeProxyFirewall,
    KubeFirewall,
    KubePostrouting,
    KubeMarkMasq,
    /// The canary: if it is gone, somebody flushed the rules.
    KubeProxyCanary,
    KubeNodePort,
    KubeLoadBalancer,
    KubeSourceRangesFirewall,
    KubeIpvsFilter,
    KubeIpvsOutFilter,
    /// A Service's endpoints to pick among.
    Service(Hash<16>),
    /// An endpoint to go to.
    Endpoint(Hash<16>),
}

impl Chain {
    fn put_name(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        let fixed = match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
            Self::KubeServices => "KUBE-SERVICES",
            Self::KubeExternalServices => "KUBE-EXTERNAL-SERVICES",
            Self::KubeForward => "KUBE-FORWARD",
            Self::KubeNodePorts => "KUBE-NODEPORTS",
            Self::KubeProxyFirewall => "KUBE-PROXY-FIREWALL",
            Self::KubeFirewall => "KUBE-FIREWALL",
            Self::KubePostrouting => "KUBE-POSTROUTING",
            Self::KubeMarkMasq => "KUBE-MARK-MASQ",
            Self::KubeProxyCanary => "KUBE-PROXY-CANARY",
            Self::KubeNodePort => "KUBE-NODE-PORT",
            Self::KubeLoadBalancer => "KUBE-LOAD-BALANCER",
            Self::KubeSourceRangesFirewall => "KUBE-SOURCE-RANGES-FIREWALL",
            Self::KubeIpvsFilter => "KUBE-IPVS-FILTER",
            Self::KubeIpvsOutFilter => "KUBE-IPVS-OUT-FILTER",
            Self::Service(hash) => return out.put("KUBE-SVC-").put(hash.letters()),
            Self::Endpoint(hash) => return out.put("KUBE-SEP-").put(hash.letters()),
        };
        out.put(fixed)
    }

    /// Its spelling.
    #[must_use]
    pub fn name(self) -> String {
        let mut name = Vec::new();
        self.put_name(&mut name);
        String::from_utf8(name).expect("chain names are ASCII")
    }
}

/// A state of a connection that conntrack knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionState {
    /// Its first packet.
    New,
    /// It belongs to no connection.
    Invalid,
    /// The connection was answered, or belongs to one that was.
    RelatedOrEstablished,
    /// Neither of these, and the destination was not rewritten.
    NeitherEstablishedNorRewritten,
}

/// What a rule's comment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comment<'a> {
    /// A sentence.
    Says(&'static str),
    /// The Service, in an endpoint's chain. It is the only comment without quotes.
    Service(ServicePort<'a>),
    /// The Service's cluster IP.
    ClusterIp(ServicePort<'a>),
    /// From the Service to this endpoint.
    Endpoint(ServicePort<'a>, &'a Endpoint),
    /// The Service has no endpoints.
    NoEndpoints(ServicePort<'a>),
}

/// What a packet must be for a rule to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match<'a> {
    /// Anything: a comment matches every packet.
    Comment(Comment<'a>),
    /// Of this transport protocol.
    Protocol(Protocol),
    /// To this address.
    To(IpAddr),
    /// To this network.
    ToNetwork(Ipv4Net),
    /// To this port.
    ToPort(u16),
    /// To one of the node's addresses.
    ToLocal,
    /// From this address.
    From(IpAddr),
    /// From this network.
    FromNetwork(Ipv4Net),
    /// From outside this network.
    NotFrom(Ipv4Net),
    /// Of a connection in this state.
    Connection(ConnectionState),
    /// Marked for masquerading.
    Marked,
    /// Not marked for masquerading.
    NotMarked,
    /// In the ipset of this name. The second text says which addresses and ports are looked up: `dst,dst`.
    InSet(&'static str, &'static str),
    /// With probability one in this number.
    OneIn(u32),
}

/// What happens to a packet that a rule applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// It goes through another chain.
    Jump(Chain),
    /// It is accepted.
    Accept,
    /// It is dropped.
    Drop,
    /// It returns to the calling chain.
    Return,
    /// It is answered with an error.
    Reject,
    /// It is marked for masquerading.
    Mark,
    /// Its mark for masquerading is removed.
    Unmark,
    /// Its source becomes the node's address.
    Masquerade,
    /// Its destination becomes this endpoint.
    Dnat(&'a Endpoint),
}

/// One rule of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule<'a> {
    /// The chain it is in.
    pub chain: Chain,
    /// The conditions, all of which must hold, in the order of their spelling.
    pub matches: &'a [Match<'a>],
    /// What happens then.
    pub target: Target<'a>,
}

impl Rule<'_> {
    /// Its matches and target as arguments of `iptables`, without the chain.
    #[must_use]
    pub fn args(&self) -> Vec<String> {
        let mut line = Vec::new();
        self.put_specification(&mut line);
        words(&String::from_utf8(line).expect("rules are ASCII"))
    }

    fn put_specification(&self, out: &mut Vec<u8>) {
        for condition in self.matches {
            condition.put(out);
        }
        self.target.put(out);
    }
}

/// Takes what a sync writes, piece by piece. One sink prints it, another counts it.
pub trait Sink {
    /// What follows is about this table.
    fn table(&mut self, table: Table);
    /// The chain exists, and is empty.
    fn chain(&mut self, chain: Chain);
    /// The rule comes last in its chain.
    fn rule(&mut self, rule: &Rule<'_>);
    /// The chain, which is empty, is deleted.
    fn delete(&mut self, chain: Chain);
    /// The table is complete.
    fn commit(&mut self);
}

/// The sink that prints the input of `iptables-restore`.
impl Sink for Vec<u8> {
    fn table(&mut self, table: Table) {
        self.put("*").put(table.name()).put("\n");
    }

    fn chain(&mut self, chain: Chain) {
        chain.put_name(self.put(":")).put(" - [0:0]\n");
    }

    fn rule(&mut self, rule: &Rule<'_>) {
        rule.chain.put_name(self.put("-A "));
        rule.put_specification(self);
        self.put("\n");
    }

    fn delete(&mut self, chain: Chain) {
        chain.put_name(self.put("-X ")).put("\n");
    }

    fn commit(&mut self) {
        self.put("COMMIT\n");
    }
}

impl Comment<'_> {
    fn put(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::Says(text) => out.put("\"").put(text).put("\""),
            Self::Service(service) => out.service_name(service),
            Self::ClusterIp(service) => out.put("\"").service_name(service).put(" cluster IP\""),
            Self::Endpoint(service, endpoint) => {
                out.put("\"").service_name(service).put(" -> ").endpoint(endpoint).put("\"")
            }
            Self::NoEndpoints(service) => out.put("\"").service_name(service).put(" has no endpoints\""),
        }
    }
}

impl Match<'_> {
    fn put(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::Comment(comment) => comment.put(out.put(" -m comment --comment ")),
            Self::Protocol(protocol) => out.put(" -m ").put(protocol.name()).put(" -p ").put(protocol.name()),
            Self::To(address) => out.put(" -d ").address(address),
            Self::ToNetwork(network) => out.put(" -d ").network(network),
            Self::ToPort(port) => out.put(" --dport ").number(port.into()),
            Self::ToLocal => out.put(" -m addrtype --dst-type LOCAL"),
            Self::From(address) => out.put(" -s ").address(address),
            Self::FromNetwork(network) => out.put(" -s ").network(network),
            Self::NotFrom(network) => out.put(" ! -s ").network(network),
            Self::Connection(state) => out.put(" -m conntrack ").put(match state {
                ConnectionState::New => "--ctstate NEW",
                ConnectionState::Invalid => "--ctstate INVALID",
                ConnectionState::RelatedOrEstablished => "--ctstate RELATED,ESTABLISHED",
                ConnectionState::NeitherEstablishedNorRewritten => "! --ctstate RELATED,ESTABLISHED,DNAT",
            }),
            Self::Marked => out.put(" -m mark --mark ").put(MASQUERADE_MARK).put("/").put(MASQUERADE_MARK),
            Self::NotMarked => out.put(" -m mark ! --mark ").put(MASQUERADE_MARK).put("/").put(MASQUERADE_MARK),
            Self::InSet(set, fields) => out.put(" -m set --match-set ").put(set).put(" ").put(fields),
            Self::OneIn(count) => {
                write!(out, " -m statistic --mode random --probability {:.10}", 1.0 / f64::from(count))
                    .expect("writing to memory does not fail");
                out
            }
        }
    }
}

impl Target<'_> {
    fn put(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::Jump(chain) => chain.put_name(out.put(" -j ")),
            Self::Accept => out.put(" -j ACCEPT"),
            Self::Drop => out.put(" -j DROP"),
            Self::Return => out.put(" -j RETURN"),
            Self::Reject => out.put(" -j REJECT"),
            Self::Mark => out.put(" -j MARK --or-mark ").put(MASQUERADE_MARK),
            Self::Unmark => out.put(" -j MARK --xor-mark ").put(MASQUERADE_MARK),
            Self::Masquerade => out.put(" -j MASQUERADE --random-fully"),
            Self::Dnat(endpoint) => out.put(" -j DNAT --to-destination ").endpoint(endpoint),
        }
    }
}

/// A line as words, split as `iptables-restore` does: at spaces outside quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (place, part) in line.split('"').enumerate() {
        if place % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_comment_is_one_argument() {
        let matches = [Match::Comment(Comment::Says("kubernetes service portals")), Match::ToPort(80)];
        let rule = Rule { chain: Chain::Input, matches: &matches, target: Target::Accept };
        let expected = ["-m", "comment", "--comment", "kubernetes service portals", "--dport", "80", "-j", "ACCEPT"];
        assert_eq!(rule.args(), expected);
    }

    #[test]
    fn a_probability_has_ten_digits() {
        let mut text = Vec::new();
        Match::OneIn(3).put(&mut text);
        assert_eq!(text, b" -m statistic --mode random --probability 0.3333333333");
    }
}
