//! iptables rules as values, and how the tools spell them.

use super::chain::{Chain, Table};
use crate::cluster::{Endpoint, Protocol, ServicePort};
use crate::layout::hash::Hash;
use crate::layout::text::Text;
use ipnet::IpNet;
use std::io::Write;
use std::net::IpAddr;

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
    /// The Service. It is the only comment without quotes.
    Service(ServicePort<'a>),
    /// What comes before the Service, the Service, and what comes after it.
    About(&'static str, ServicePort<'a>, &'static str),
    /// From the Service to this endpoint.
    Endpoint(ServicePort<'a>, &'a Endpoint),
    /// The Service's firewall chain does not accept this.
    NotAccepted(ServicePort<'a>, Hash<16>),
    /// The rule of this number among those that pick one of the Service's endpoints.
    Balancing(u32, ServicePort<'a>),
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
    /// To this address, written as a network: `10.96.0.11/32`.
    ToHost(IpAddr),
    /// To this network.
    ToNetwork(IpNet),
    /// To anywhere but this network.
    NotTo(IpNet),
    /// To this port.
    ToPort(u16),
    /// To one of the node's addresses.
    ToLocal,
    /// From this address.
    From(IpAddr),
    /// From this address, written as a network.
    FromHost(IpAddr),
    /// From this network.
    FromNetwork(IpNet),
    /// From outside this network.
    NotFrom(IpNet),
    /// From one of the node's addresses.
    FromLocal,
    /// From none of the node's addresses.
    NotFromLocal,
    /// Not come in over a bridge.
    NotBridged,
    /// Of a connection in this state.
    Connection(ConnectionState),
    /// Has this bit of the packet mark.
    Marked(u32),
    /// Lacks this bit of the packet mark.
    NotMarked(u32),
    /// Anything: the packet is counted by the nfacct counter of this name.
    CountedBy(&'static str),
    /// From a client that was sent to this endpoint's chain in the last so many seconds.
    SentTo(Hash<16>, u64),
    /// Anything: the client is noted as sent to this endpoint's chain.
    NoteSentTo(Hash<16>),
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
    /// It goes on to the next rule.
    Continue,
    /// It gets this bit of the packet mark.
    Mark(u32),
    /// It loses this bit of the packet mark, which it has.
    Unmark(u32),
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
    /// The same once more of the chain before.
    fn same_chain(&mut self, _: Chain) {}
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

    fn same_chain(&mut self, chain: Chain) {
        self.chain(chain);
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
    pub(super) fn put(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::Says(text) => out.put("\"").put(text).put("\""),
            Self::Service(service) => out.service_name(service),
            Self::About(before, service, after) => out.put("\"").put(before).service_name(service).put(after).put("\""),
            Self::Endpoint(service, endpoint) => {
                out.put("\"").service_name(service).put(" -> ").endpoint(endpoint).put("\"")
            }
            Self::NotAccepted(service, firewall) => {
                out.put("\"").service_name(service).put(" traffic not accepted by ");
                Chain::Firewall(firewall).put_name(out).put("\"")
            }
            Self::Balancing(number, service) => {
                out.put("\"Balancing rule ").number(number).put(" for ").service_name(service).put("\"")
            }
        }
    }
}

impl Match<'_> {
    fn put(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::Comment(comment) => comment.put(out.put(" -m comment --comment ")),
            Self::Protocol(protocol) => out.put(" -m ").put(protocol.name()).put(" -p ").put(protocol.name()),
            Self::To(address) => out.put(" -d ").address(address),
            Self::ToHost(address) => out.put(" -d ").network(IpNet::from(address)),
            Self::ToNetwork(network) => out.put(" -d ").network(network),
            Self::NotTo(network) => out.put(" ! -d ").network(network),
            Self::ToPort(port) => out.put(" --dport ").number(port.into()),
            Self::ToLocal => out.put(" -m addrtype --dst-type LOCAL"),
            Self::From(address) => out.put(" -s ").address(address),
            Self::FromHost(address) => out.put(" -s ").network(IpNet::from(address)),
            Self::FromNetwork(network) => out.put(" -s ").network(network),
            Self::NotFrom(network) => out.put(" ! -s ").network(network),
            Self::FromLocal => out.put(" -m addrtype --src-type LOCAL"),
            Self::NotFromLocal => out.put(" -m addrtype ! --src-type LOCAL"),
            Self::NotBridged => out.put(" -m physdev ! --physdev-is-in"),
            Self::Connection(state) => out.put(" -m conntrack ").put(match state {
                ConnectionState::New => "--ctstate NEW",
                ConnectionState::Invalid => "--ctstate INVALID",
                ConnectionState::RelatedOrEstablished => "--ctstate RELATED,ESTABLISHED",
                ConnectionState::NeitherEstablishedNorRewritten => "! --ctstate RELATED,ESTABLISHED,DNAT",
            }),
            Self::Marked(bit) => mark(mark(out.put(" -m mark --mark "), bit).put("/"), bit),
            Self::NotMarked(bit) => mark(mark(out.put(" -m mark ! --mark "), bit).put("/"), bit),
            Self::CountedBy(counter) => out.put(" -m nfacct --nfacct-name ").put(counter),
            Self::SentTo(endpoint, seconds) => {
                Chain::Endpoint(endpoint).put_name(out.put(" -m recent --name "));
                let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
                out.put(" --rcheck --seconds ").number(seconds).put(" --reap")
            }
            Self::NoteSentTo(endpoint) => {
                Chain::Endpoint(endpoint).put_name(out.put(" -m recent --name ")).put(" --set")
            }
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
            Self::Continue => out,
            Self::Mark(bit) => mark(out.put(" -j MARK --or-mark "), bit),
            Self::Unmark(bit) => mark(out.put(" -j MARK --xor-mark "), bit),
            Self::Masquerade => out.put(" -j MASQUERADE --random-fully"),
            Self::Dnat(endpoint) => out.put(" -j DNAT --to-destination ").endpoint(endpoint),
        }
    }
}

/// A packet mark in kube-proxy's spelling: `0x00004000`.
fn mark(out: &mut Vec<u8>, bits: u32) -> &mut Vec<u8> {
    write!(out, "{bits:#010x}").expect("writing to memory does not fail");
    out
}

/// A line as words, split as `iptables-restore` does: at spaces outside quotes.
pub(in crate::layout) fn words(line: &str) -> Vec<String> {
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
