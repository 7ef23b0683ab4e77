//! The addresses and ports by which a node's rules reach Services.

use lab_core::node::{KeyPart, NodeState, Outcome, Rule, Set, Side, Statement, Table, Test, Value, Verdict};
use lab_core::vocabulary::Access;
use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

/// Where a Service is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reached {
    /// At this address.
    At(IpAddr),
    /// At each of the node's addresses; of IPv4 (`true`) or IPv6.
    AtNode(bool),
}

/// One way to a Service's port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// The Service's port as rules name it: `namespace/name` or `namespace/name:port`; empty where they do not.
    pub name: Box<str>,
    /// As what it is reached; `None` where the rules do not tell whether it is a load balancer's address or an external IP.
    pub access: Option<Access>,
    /// The transport protocol's number.
    pub protocol: u8,
    /// Where.
    pub at: Reached,
    /// The port.
    pub port: u16,
}

impl Entry {
    /// The address that is dialled; `node` is the node's address of IPv4 (`true`) or IPv6.
    #[must_use]
    pub fn dialled(&self, node: impl Fn(bool) -> IpAddr) -> SocketAddr {
        match self.at {
            Reached::At(address) => SocketAddr::new(address, self.port),
            Reached::AtNode(is_v4) => SocketAddr::new(node(is_v4), self.port),
        }
    }
}

/// The name of a Service's port at the start of a comment, and what comes after it.
fn named(comment: &str) -> Option<(&str, &str)> {
    let (name, rest) = comment.split_once(' ').unwrap_or((comment, ""));
    // Up to 1.14 a port without a name leaves its colon.
    let name = name.trim_end_matches(':');
    let is_name = name.split_once('/').is_some_and(|(namespace, name)| !namespace.is_empty() && !name.is_empty());
    is_name.then_some((name, rest))
}

/// The name in a chain of nftables, such as `service-ULMVA6XW-ns1/svc1/tcp/p80`.
fn named_by_chain(chain: &str) -> Option<Box<str>> {
    let mut parts = chain.splitn(3, '-').nth(2)?.split("__").next()?.split('/');
    let (namespace, name, _, port) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(if port.is_empty() { format!("{namespace}/{name}") } else { format!("{namespace}/{name}:{port}") }.into())
}

/// All entries of a node, sorted, each once.
#[must_use]
pub fn entries(state: &NodeState) -> Vec<Entry> {
    let mut found = BTreeSet::new();
    for table in &state.tables {
        for chain in ["KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-NODEPORTS"] {
            let rules = table.chain(chain).into_iter().flat_map(|chain| &chain.rules);
            found.extend(rules.filter_map(|rule| of_rule(rule, chain, table)));
        }
        of_maps(table, &mut found);
    }
    of_servers(state, &mut found);
    // A rule for the Service and one for its lack of endpoints may disagree only in what they call it.
    let mut by_place: HashMap<(u8, Reached, u16), Entry> = HashMap::new();
    for entry in found {
        let place = (entry.protocol, entry.at, entry.port);
        match by_place.get_mut(&place) {
            Some(held) if held.name.is_empty() || held.access.is_none() => {
                let name = if held.name.is_empty() { entry.name } else { held.name.clone() };
                *held = Entry { name, access: held.access.or(entry.access), ..entry };
            }
            Some(_) => {}
            None => drop(by_place.insert(place, entry)),
        }
    }
    let mut entries: Vec<Entry> = by_place.into_values().collect();
    entries.sort_unstable();
    entries
}

/// The entry of a rule of one of kube-proxy's dispatching chains.
fn of_rule(rule: &Rule, chain: &str, table: &Table) -> Option<Entry> {
    let (name, said) = named(rule.comment.as_deref()?)?;
    let (mut protocol, mut address, mut port, mut is_local) = (None, None, None, false);
    for statement in &rule.statements {
        match statement {
            Statement::If(true, Test::Protocol(number)) => protocol = Some(*number),
            Statement::If(true, Test::Address(Side::Destination, span)) if span.is_one() => address = Some(span.first),
            Statement::If(true, Test::Port(Side::Destination, low, high)) if low == high => port = Some(*low),
            Statement::If(true, Test::Kind(Side::Destination, _)) => is_local = true,
            _ => {}
        }
    }
    let access = match said {
        _ if said.starts_with("cluster IP") => Some(Access::ClusterIp),
        _ if said.starts_with("load") => Some(Access::LoadBalancer),
        _ if said.starts_with("external IP") => Some(Access::ExternalIp),
        _ if said.starts_with("health check") => return None,
        _ if chain == "KUBE-NODEPORTS" || is_local => Some(Access::NodePort),
        _ if chain == "KUBE-SERVICES" && said.starts_with("has no endpoints") => Some(Access::ClusterIp),
        _ => None,
    };
    let is_v4 = table.families.includes(true);
    let at = match address {
        Some(address) if access != Some(Access::NodePort) => Reached::At(address),
        None if access == Some(Access::NodePort) => Reached::AtNode(is_v4),
        _ => return None,
    };
    Some(Entry { name: name.into(), access, protocol: protocol?, at, port: port? })
}

/// The entries of kube-proxy's maps in a table of nftables.
fn of_maps(table: &Table, found: &mut BTreeSet<Entry>) {
    let is_v4 = table.families.includes(true);
    let is_cluster_ip = |address: IpAddr| {
        table.sets.get("cluster-ips").is_some_and(|set| set.find(&[Value::Address(address)]).is_some())
    };
    for (map, is_node_port) in [
        ("service-ips", false),
        ("no-endpoint-services", false),
        ("service-nodeports", true),
        ("no-endpoint-nodeports", true),
    ] {
        for element in table.sets.get(map).into_iter().flat_map(Set::elements) {
            let name = match &element.outcome {
                Some(Outcome::Verdict(Verdict::Goto(chain) | Verdict::Jump(chain))) => named_by_chain(chain),
                _ => None,
            };
            let name = name.or_else(|| Some(named(element.comment.as_deref()?)?.0.into())).unwrap_or_default();
            let number = |part: &KeyPart| match part {
                KeyPart::One(Value::Number(number)) => u16::try_from(*number).ok(),
                _ => None,
            };
            let entry = match (&*element.key, is_node_port) {
                ([KeyPart::One(Value::Address(address)), protocol, port], false) => {
                    let access = is_cluster_ip(*address).then_some(Access::ClusterIp);
                    number(protocol).zip(number(port)).map(|numbers| (access, Reached::At(*address), numbers))
                }
                ([protocol, port], true) => number(protocol)
                    .zip(number(port))
                    .map(|numbers| (Some(Access::NodePort), Reached::AtNode(is_v4), numbers)),
                _ => None,
            };
            found.extend(entry.and_then(|(access, at, (protocol, port))| {
                Some(Entry { name, access, protocol: u8::try_from(protocol).ok()?, at, port })
            }));
        }
    }
}

/// The virtual servers of IPVS. What they are, kube-proxy's sets tell.
fn of_servers(state: &NodeState, found: &mut BTreeSet<Entry>) {
    let holds = |set: &str, key: &[Value]| state.ipsets.get(set).is_some_and(|set| set.find(key).is_some());
    for server in &state.servers {
        let (address, port) = (server.address.ip(), server.address.port());
        let suffix = if address.is_ipv4() { "" } else { "6-" };
        let set = |name: &str| match suffix {
            "" => format!("KUBE-{name}"),
            suffix => format!("KUBE-{suffix}{name}"),
        };
        let key = [Value::Address(address), Value::Number(server.protocol.into()), Value::Number(port.into())];
        let port_alone = [Value::Number(port.into())];
        let any = |names: &[&str], key: &[Value]| names.iter().any(|name| holds(&set(name), key));
        let (access, at) = match () {
            () if any(&["CLUSTER-IP"], &key) => (Some(Access::ClusterIp), Reached::At(address)),
            () if any(&["LOAD-BALANCER"], &key) => (Some(Access::LoadBalancer), Reached::At(address)),
            () if any(&["EXTERNAL-IP", "EXTERNAL-IP-LOCAL"], &key) => (Some(Access::ExternalIp), Reached::At(address)),
            () if any(&["NODE-PORT-TCP", "NODE-PORT-UDP"], &port_alone) || any(&["NODE-PORT-SCTP-HASH"], &key) => {
                (Some(Access::NodePort), Reached::At(address))
            }
            () => (None, Reached::At(address)),
        };
        found.insert(Entry { name: "".into(), access, protocol: server.protocol, at, port });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_off_comments_and_chains() {
        assert_eq!(named("default/testsvc: cluster IP"), Some(("default/testsvc", "cluster IP")));
        assert_eq!(named("ns1/svc1:p80"), Some(("ns1/svc1:p80", "")));
        assert_eq!(named("kubernetes service portals"), None);
        assert_eq!(named_by_chain("service-ULMVA6XW-ns1/svc-1/tcp/p80").as_deref(), Some("ns1/svc-1:p80"));
        assert_eq!(named_by_chain("external-OYPBPQ3O-a-b/c-d/tcp/").as_deref(), Some("a-b/c-d"));
        assert_eq!(named_by_chain("reject-chain"), None);
    }
}
