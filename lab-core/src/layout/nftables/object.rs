//! nftables chains, rules, sets and elements as values, and how `nft` spells them.
//!
//! The spelling is that of kube-proxy's library (`objects.go` in `kubernetes-sigs/knftables`).

use crate::cluster::{Endpoint, Protocol, ServicePort};
use crate::layout::hash::Hash;
use crate::layout::text::Text;
use ipnet::Ipv4Net;
use std::net::IpAddr;

/// The family and name of the table.
pub(super) const TABLE: &str = "ip kube-proxy";
/// The bit of the packet mark that requests masquerading, in kube-proxy's spelling.
const MASQUERADE_MARK: &str = "0x00004000";

/// A chain: a base chain, one of kube-proxy's fixed ones, or one of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "Chain::put_name spells them")]
pub enum Chain<'a> {
    FilterPrerouting,
    FilterInput,
    FilterForward,
    FilterOutput,
    FilterOutputPostDnat,
    NatPrerouting,
    NatOutput,
    NatPostrouting,
    NodePortEndpointsCheck,
    ServiceEndpointsCheck,
    FirewallCheck,
    Services,
    Masquerading,
    ClusterIpsCheck,
    MarkForMasquerade,
    Reject,
    /// A Service's endpoints to pick among.
    Service(ServicePort<'a>, Hash<8>),
    /// An endpoint to go to.
    Endpoint(ServicePort<'a>, &'a Endpoint, Hash<8>),
}

impl Chain<'_> {
    pub(super) fn put_name(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        let fixed = match self {
            Self::FilterPrerouting => "filter-prerouting",
            Self::FilterInput => "filter-input",
            Self::FilterForward => "filter-forward",
            Self::FilterOutput => "filter-output",
            Self::FilterOutputPostDnat => "filter-output-post-dnat",
            Self::NatPrerouting => "nat-prerouting",
            Self::NatOutput => "nat-output",
            Self::NatPostrouting => "nat-postrouting",
            Self::NodePortEndpointsCheck => "nodeport-endpoints-check",
            Self::ServiceEndpointsCheck => "service-endpoints-check",
            Self::FirewallCheck => "firewall-check",
            Self::Services => "services",
            Self::Masquerading => "masquerading",
            Self::ClusterIpsCheck => "cluster-ips-check",
            Self::MarkForMasquerade => "mark-for-masquerade",
            Self::Reject => "reject-chain",
            Self::Service(service, hash) => {
                return out.put("service-").put(hash.letters()).put("-").service_path(service);
            }
            Self::Endpoint(service, endpoint, hash) => {
                out.put("endpoint-").put(hash.letters()).put("-").service_path(service);
                return out.put("__").address(endpoint.address).put("/").number(endpoint.port.into());
            }
        };
        out.put(fixed)
    }

    /// The text in braces when it is added: a base chain's hook, or a comment.
    fn properties(self) -> Option<&'static str> {
        Some(match self {
            Self::FilterPrerouting => "type filter hook prerouting priority -110 ;",
            Self::FilterInput => "type filter hook input priority -110 ;",
            Self::FilterForward => "type filter hook forward priority -110 ;",
            Self::FilterOutput => "type filter hook output priority -110 ;",
            Self::FilterOutputPostDnat => "type filter hook output priority -90 ;",
            Self::NatPrerouting => "type nat hook prerouting priority -100 ;",
            Self::NatOutput => "type nat hook output priority -100 ;",
            Self::NatPostrouting => "type nat hook postrouting priority 100 ;",
            Self::Reject => r#"comment "helper for @no-endpoint-services / @no-endpoint-nodeports" ;"#,
            _ => return None,
        })
    }
}

/// A named set or verdict map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "Set::name spells them")]
pub enum Set {
    ClusterIps,
    NodePortIps,
    NoEndpointServices,
    NoEndpointNodePorts,
    FirewallIps,
    ServiceIps,
    ServiceNodePorts,
}

impl Set {
    /// Its spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterIps => "cluster-ips",
            Self::NodePortIps => "nodeport-ips",
            Self::NoEndpointServices => "no-endpoint-services",
            Self::NoEndpointNodePorts => "no-endpoint-nodeports",
            Self::FirewallIps => "firewall-ips",
            Self::ServiceIps => "service-ips",
            Self::ServiceNodePorts => "service-nodeports",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::ClusterIps | Self::NodePortIps => "set",
            _ => "map",
        }
    }

    fn key_type(self) -> &'static str {
        match self {
            Self::ClusterIps | Self::NodePortIps => "ipv4_addr",
            Self::NoEndpointServices | Self::FirewallIps | Self::ServiceIps => {
                "ipv4_addr . inet_proto . inet_service : verdict"
            }
            Self::NoEndpointNodePorts | Self::ServiceNodePorts => "inet_proto . inet_service : verdict",
        }
    }

    fn comment(self) -> &'static str {
        match self {
            Self::ClusterIps => "Active ClusterIPs",
            Self::NodePortIps => "IPs that accept NodePort traffic",
            Self::NoEndpointServices => "vmap to drop or reject packets to services with no endpoints",
            Self::NoEndpointNodePorts => "vmap to drop or reject packets to service nodeports with no endpoints",
            Self::FirewallIps => "destinations that are subject to LoadBalancerSourceRanges",
            Self::ServiceIps => "ClusterIP, ExternalIP and LoadBalancer IP traffic",
            Self::ServiceNodePorts => "NodePort traffic",
        }
    }
}

/// What a packet must be for a rule to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The first of its connection.
    New,
    /// To this address.
    To(IpAddr),
    /// To one of this set's addresses.
    ToOneOf(Set),
    /// To this port.
    ToPort(Protocol, u16),
    /// From this address.
    From(IpAddr),
    /// From outside this network.
    NotFrom(Ipv4Net),
    /// Not marked for masquerading.
    NotMarked,
}

/// What a rule does with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement<'a> {
    /// It goes through another chain.
    Jump(Chain<'a>),
    /// It continues in another chain and does not return.
    Goto(Chain<'a>),
    /// It goes where the verdict map says, if it has an entry.
    Lookup(Set),
    /// It goes to one of these chains, by chance.
    Pick(&'a [Chain<'a>]),
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
    /// Its destination becomes this endpoint, if it is of this protocol.
    Dnat(Protocol, &'a Endpoint),
}

/// One rule of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule<'a> {
    /// The chain it is in.
    pub chain: Chain<'a>,
    /// The conditions, all of which must hold.
    pub matches: &'a [Match],
    /// What happens then.
    pub statement: Statement<'a>,
    /// The rule's comment.
    pub comment: Option<&'static str>,
}

/// An element of a named set or verdict map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element<'a> {
    /// The Service's cluster IP, in the set of them.
    ClusterIp(ServicePort<'a>),
    /// An address of the node that accepts node port traffic, in the set of these.
    NodePortIp(IpAddr),
    /// The Service's cluster IP and port lead to this chain of the Service.
    Service(ServicePort<'a>, Chain<'a>),
    /// The Service's cluster IP and port lead to a rejection.
    NoEndpoints(ServicePort<'a>),
}

impl Element<'_> {
    /// Where it is.
    #[must_use]
    pub fn set(self) -> Set {
        match self {
            Self::ClusterIp(_) => Set::ClusterIps,
            Self::NodePortIp(_) => Set::NodePortIps,
            Self::Service(..) => Set::ServiceIps,
            Self::NoEndpoints(_) => Set::NoEndpointServices,
        }
    }

    /// Whether `other` has the same key in the same set. The values may differ.
    pub(super) fn is_at(self, other: Element<'_>) -> bool {
        self.set() == other.set() && self.key() == other.key()
    }

    fn key(self) -> (IpAddr, Option<(Protocol, u16)>) {
        match self {
            Self::ClusterIp(service) => (service.cluster_ip(), None),
            Self::NodePortIp(address) => (address, None),
            Self::Service(service, _) | Self::NoEndpoints(service) => {
                (service.cluster_ip(), Some((service.protocol(), service.port.number)))
            }
        }
    }

    fn put_key(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        let (address, port) = self.key();
        match port {
            None => out.address(address),
            Some((protocol, port)) => {
                out.address(address).put(" . ").put(protocol.name()).put(" . ").number(port.into())
            }
        }
    }

    fn put_value(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::ClusterIp(_) | Self::NodePortIp(_) => out,
            Self::Service(_, chain) => chain.put_name(out.put(" : goto ")),
            Self::NoEndpoints(service) => {
                out.put(" comment \"").service_name(service).put("\"");
                Chain::Reject.put_name(out.put(" : goto "))
            }
        }
    }
}

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object<'a> {
    /// The table, which holds all the others.
    Table,
    /// A chain, by its name alone.
    Chain(Chain<'a>),
    /// A chain with its hook or comment.
    Declaration(Chain<'a>),
    /// A named set or verdict map.
    Set(Set),
    /// An element of one.
    Element(Element<'a>),
    /// A rule, which comes last in its chain.
    Rule(Rule<'a>),
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// It is added, if it does not exist.
    Add,
    /// It is emptied.
    Flush,
    /// It is deleted.
    Delete,
}

/// Takes the commands of a transaction. One sink prints them, another counts them.
pub trait Sink {
    /// One command.
    fn command(&mut self, verb: Verb, object: &Object<'_>);
}

/// The sink that prints the input of `nft -f -`.
impl Sink for Vec<u8> {
    fn command(&mut self, verb: Verb, object: &Object<'_>) {
        self.put(match verb {
            Verb::Add => "add ",
            Verb::Flush => "flush ",
            Verb::Delete => "delete ",
        });
        match *object {
            Object::Table if verb == Verb::Delete => self.put("table ").put(TABLE),
            Object::Table => self.put("table ").put(TABLE).put(r#" { comment "rules for kube-proxy" ; }"#),
            Object::Chain(chain) => chain.put_name(self.put("chain ").put(TABLE).put(" ")),
            Object::Declaration(chain) => {
                chain.put_name(self.put("chain ").put(TABLE).put(" "));
                match chain.properties() {
                    Some(properties) => self.put(" { ").put(properties).put(" }"),
                    None => self,
                }
            }
            Object::Set(set) => {
                self.put(set.kind()).put(" ").put(TABLE).put(" ").put(set.name());
                if verb == Verb::Add {
                    self.put(" { type ").put(set.key_type()).put(" ; comment \"").put(set.comment()).put("\" ; }");
                }
                self
            }
            Object::Element(element) => {
                self.put("element ").put(TABLE).put(" ").put(element.set().name()).put(" { ");
                element.put_key(self);
                if verb == Verb::Add {
                    element.put_value(self);
                }
                self.put(" }")
            }
            Object::Rule(rule) => rule.put(self.put("rule ").put(TABLE).put(" ")),
        }
        .put("\n");
    }
}

impl Rule<'_> {
    fn put<'o>(&self, out: &'o mut Vec<u8>) -> &'o mut Vec<u8> {
        self.chain.put_name(out);
        for condition in self.matches {
            condition.put(out);
        }
        self.statement.put(out);
        match self.comment {
            Some(comment) => out.put(" comment \"").put(comment).put("\""),
            None => out,
        }
    }
}

impl Match {
    fn put(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::New => out.put(" ct state new"),
            Self::To(address) => out.put(" ip daddr ").address(address),
            Self::ToOneOf(set) => out.put(" ip daddr @").put(set.name()),
            Self::ToPort(protocol, port) => out.put(" ").put(protocol.name()).put(" dport ").number(port.into()),
            Self::From(address) => out.put(" ip saddr ").address(address),
            Self::NotFrom(network) => out.put(" ip saddr != ").network(network),
            Self::NotMarked => out.put(" mark and ").put(MASQUERADE_MARK).put(" == 0"),
        }
    }
}

impl Statement<'_> {
    fn put(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::Jump(chain) => chain.put_name(out.put(" jump ")),
            Self::Goto(chain) => chain.put_name(out.put(" goto ")),
            Self::Lookup(set) => {
                let address = if set.key_type().starts_with("ipv4_addr") { " ip daddr ." } else { "" };
                out.put(address).put(" meta l4proto . th dport vmap @").put(set.name())
            }
            Self::Pick(chains) => {
                let count = u32::try_from(chains.len()).expect("a Service's endpoints number less than 2^32");
                out.put(" numgen random mod ").number(count).put(" vmap {");
                for (place, chain) in (0..).zip(chains) {
                    out.put(if place == 0 { " " } else { " , " });
                    chain.put_name(out.number(place).put(" : goto "));
                }
                out.put(" }")
            }
            Self::Return => out.put(" return"),
            Self::Reject => out.put(" reject"),
            Self::Mark => out.put(" mark set mark or ").put(MASQUERADE_MARK),
            Self::Unmark => out.put(" mark set mark xor ").put(MASQUERADE_MARK),
            Self::Masquerade => out.put(" masquerade fully-random"),
            Self::Dnat(protocol, endpoint) => {
                out.put(" meta l4proto ").put(protocol.name()).put(" dnat to ").endpoint(endpoint)
            }
        }
    }
}
