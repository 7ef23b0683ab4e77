//! Rules of ipvs mode as values, and how kube-proxy spells them.

use crate::cluster::{Family, Protocol};
use crate::layout::ServerKey;
use crate::layout::iptables::{Table, words};
use crate::layout::text::Text;
use ipnet::IpNet;

/// A chain, by its name.
pub(super) type Chain = &'static str;

/// What a packet must be for a rule to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    /// Anything: a comment matches every packet.
    Comment(&'static str),
    /// Of this transport protocol.
    Protocol(Protocol),
    /// In the ipset of this name. The second text says which addresses and ports are looked up: `dst,dst`.
    InSet(&'static str, &'static str),
    /// From this network.
    From(IpNet),
    /// From outside this network.
    NotFrom(IpNet),
    /// To one of the node's addresses.
    ToLocal,
    /// Not from one of the node's addresses.
    NotFromLocal,
    /// Not from a port of a bridge.
    NotFromBridge,
    /// With this bit of the mark.
    Marked(u32),
    /// Without it.
    NotMarked(u32),
    /// The first one of its connection.
    New,
    /// Of a connection that was answered, or that belongs to one that was.
    RelatedOrEstablished,
    /// From the address of a virtual server, of a connection to it.
    FromVirtualServer(ServerKey),
}

/// What happens to a packet that a rule applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// It goes through another chain.
    Jump(Chain),
    Accept,
    Drop,
    /// It returns to the calling chain.
    Return,
    /// It is answered with an error.
    Reject,
    /// It gets this bit of the mark.
    Mark(u32),
    /// It loses it.
    Unmark(u32),
    /// Its source becomes the node's address.
    Masquerade,
    /// The same, with a port at random.
    MasqueradeFully,
}

/// One rule of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule<'a> {
    pub(super) chain: Chain,
    /// The conditions, all of which must hold, in the order of their spelling.
    pub(super) matches: &'a [Match],
    pub(super) target: Target,
}

impl Rule<'_> {
    /// Its matches and target as arguments of `iptables`, without the chain.
    pub(super) fn args(&self) -> Vec<String> {
        let mut line = Vec::new();
        self.put(&mut line);
        words(&String::from_utf8(line).expect("rules are ASCII"))
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.matches.iter().for_each(|condition| condition.put(out));
        self.target.put(out);
    }
}

impl Match {
    fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Comment(text) => out.put(" -m comment --comment \"").put(text).put("\""),
            Self::Protocol(protocol) => out.put(" -p ").put(protocol.name()),
            Self::InSet(set, fields) => out.put(" -m set --match-set ").put(set).put(" ").put(fields),
            Self::From(network) => put_network(network, out.put(" -s ")),
            Self::NotFrom(network) => put_network(network, out.put(" ! -s ")),
            Self::ToLocal => out.put(" -m addrtype --dst-type LOCAL"),
            Self::NotFromLocal => out.put(" -m addrtype ! --src-type LOCAL"),
            Self::NotFromBridge => out.put(" -m physdev ! --physdev-is-in"),
            Self::Marked(mark) => put_mark(mark, put_mark(mark, out.put(" -m mark --mark ")).put("/")),
            Self::NotMarked(mark) => put_mark(mark, put_mark(mark, out.put(" -m mark ! --mark ")).put("/")),
            Self::New => out.put(" -m conntrack --ctstate NEW"),
            Self::RelatedOrEstablished => out.put(" -m conntrack --ctstate RELATED,ESTABLISHED"),
            Self::FromVirtualServer(ServerKey { protocol, address }) => {
                out.put(" -s ").address(address.ip()).put(" -m ipvs --vaddr ").address(address.ip());
                out.put(" --vproto ").put(protocol.name()).put(" --vport ").number(address.port().into())
            }
        };
    }
}

impl Target {
    fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::Jump(chain) => out.put(" -j ").put(chain),
            Self::Accept => out.put(" -j ACCEPT"),
            Self::Drop => out.put(" -j DROP"),
            Self::Return => out.put(" -j RETURN"),
            Self::Reject => out.put(" -j REJECT"),
            Self::Mark(mark) => put_mark(mark, out.put(" -j MARK --or-mark ")),
            Self::Unmark(mark) => put_mark(mark, out.put(" -j MARK --xor-mark ")),
            Self::Masquerade => out.put(" -j MASQUERADE"),
            Self::MasqueradeFully => out.put(" -j MASQUERADE --random-fully"),
        };
    }
}

fn put_network(network: IpNet, out: &mut Vec<u8>) -> &mut Vec<u8> {
    out.address(network.addr()).put("/").number(network.prefix_len().into())
}

/// As kube-proxy writes the mark's bit: `0x00004000`.
fn put_mark(mark: u32, out: &mut Vec<u8>) -> &mut Vec<u8> {
    out.put(format!("{mark:#010x}"))
}

/// Takes what a sync writes of one family, piece by piece. One sink prints it, another counts it.
pub(super) trait Sink {
    /// What follows is about this table.
    fn table(&mut self, table: Table);
    /// The chain exists, and is empty.
    fn chain(&mut self, chain: Chain);
    /// The rule comes last in its chain.
    fn rule(&mut self, rule: &Rule<'_>);
    /// The table is complete.
    fn commit(&mut self);
}

/// The sink that prints the input of `iptables-restore`.
impl Sink for Vec<u8> {
    fn table(&mut self, table: Table) {
        self.put("*").put(table.name()).put("\n");
    }

    fn chain(&mut self, chain: Chain) {
        self.put(":").put(chain).put(" - [0:0]\n");
    }

    fn rule(&mut self, rule: &Rule<'_>) {
        self.put("-A ").put(rule.chain);
        rule.put(self);
        self.put("\n");
    }

    fn commit(&mut self) {
        self.put("COMMIT\n");
    }
}

/// The node's own network for packets to itself.
pub(super) fn loopback(family: Family) -> IpNet {
    match family {
        Family::V4 => IpNet::V4(ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8)),
        Family::V6 => IpNet::V6(ipnet::Ipv6Net::new_assert(std::net::Ipv6Addr::LOCALHOST, 128)),
    }
}
