//! One port of a Service on one node: its chains, elements and rules.
//!
//! The order is that of the loop over Services in `syncProxyRules` of kube-proxy's `pkg/proxy/nftables/proxier.go`.

use super::Version;
use super::base::{MARK_FOR_MASQUERADE, REJECT};
use super::chain::{Chain, Names};
use super::object::{Object, Sink, Verb};
use super::rule::{Match, Rule, Statement};
use super::set::{Comment, Element, Key, Set, Verdict};
use super::store::Store;
use crate::cluster::{Endpoint, Family, Node, Reach, ServicePort};
use crate::proxy_config::ProxyConfig;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A port of a Service, with what a release makes of it.
pub(super) struct View<'a> {
    version: Version,
    port: ServicePort<'a>,
    node: &'a Node,
    reach: Reach<'a>,
    names: Names,
    /// Where traffic to the cluster IP goes, and traffic to node ports, external IPs and load balancers. `None` if
    /// there is no endpoint for it.
    internal: bool,
    external: bool,
    source_ranges: Vec<IpNet>,
}

impl<'a> View<'a> {
    pub(super) fn new(version: Version, port: ServicePort<'a>, node: &'a Node) -> Self {
        let choice = version.choice();
        let reach = port.reach(node, choice);
        let has_chains = version == Version::V1_30 || port.service.affinity.is_some();
        let names = Names::new(port, if has_chains { &reach.all } else { &[] });
        let here = !reach.local.is_empty();
        let family = port.family();
        let own = |network: &&IpNet| Family::of(network.addr()) == family;
        let firewall = !port.service.source_ranges.is_empty() && port.balancer_addresses().next().is_some();
        let source_ranges =
            if firewall { port.service.source_ranges.iter().filter(own).copied().collect() } else { Vec::new() };
        Self {
            version,
            port,
            node,
            internal: reach.has_any && (here || !port.is_internal_local(choice)),
            external: reach.has_any && (here || !port.is_external_local()),
            reach,
            names,
            source_ranges,
        }
    }

    /// Whether each endpoint has a chain of its own.
    fn has_endpoint_chains(&self) -> bool {
        self.version == Version::V1_30 || self.port.service.affinity.is_some()
    }

    fn has_external_chain(&self) -> bool {
        self.reach.has_any && self.port.is_external()
    }

    fn service_chain(&self) -> Chain<'_> {
        Chain::Service(self.names.service())
    }

    fn local_chain(&self) -> Chain<'_> {
        Chain::Local(self.names.service())
    }

    fn external_chain(&self) -> Chain<'_> {
        Chain::External(self.names.service())
    }

    /// Where traffic to the cluster IP goes.
    pub(super) fn internal_chain(&self) -> Option<Chain<'_>> {
        let local = self.port.is_internal_local(self.version.choice());
        self.internal.then(|| if local { self.local_chain() } else { self.service_chain() })
    }

    /// The chains that it has.
    pub(super) fn chains(&self) -> impl Iterator<Item = Chain<'_>> {
        let of_endpoints = if self.has_endpoint_chains() { self.reach.all.len() } else { 0 };
        let endpoints = (0..of_endpoints).map(|place| Chain::Endpoint(self.names.endpoint(place)));
        let service = (!self.reach.cluster.is_empty()).then(|| self.service_chain());
        let local = (!self.reach.local.is_empty()).then(|| self.local_chain());
        let external = self.has_external_chain().then(|| self.external_chain());
        let firewall = (!self.source_ranges.is_empty()).then(|| Chain::Firewall(self.names.service()));
        endpoints.chain(service).chain(local).chain(external).chain(firewall)
    }

    /// The affinity sets that it has, by what follows their prefix.
    pub(super) fn affinity_sets(&self) -> impl Iterator<Item = &[u8]> {
        let count = if self.port.service.affinity.is_some() { self.reach.all.len() } else { 0 };
        (0..count).map(|place| self.names.endpoint(place))
    }

    /// What the endpoint at `place` has in the set of hairpin connections.
    fn hairpin(&self, place: usize) -> Option<Element<'_>> {
        let endpoint = self.reach.all[place];
        let local = self.version >= Version::V1_36 && endpoint.is_on(self.node);
        let key = Key::Hairpin(endpoint.address, self.port.protocol(), endpoint.port);
        local.then_some(Element { set: Set::HairpinConnections, key, verdict: None, comment: None })
    }

    /// Its elements in all sets and maps.
    pub(super) fn elements(&self, each: &mut impl FnMut(Element<'_>)) {
        for place in 0..self.reach.all.len() {
            self.hairpin(place).into_iter().for_each(&mut *each);
        }
        self.own_elements(each);
        self.balancer_elements(each);
    }

    fn comment(&self) -> Comment<'a> {
        Comment { port: self.port, cut: self.version >= Version::V1_37 }
    }

    fn goto<'e>(&self, set: Set, key: Key, chain: Chain<'e>) -> Element<'e> {
        Element { set, key, verdict: Some(Verdict::Goto(chain)), comment: None }
    }

    /// An element for traffic that has no endpoint: rejected without any at all, dropped with some elsewhere.
    fn without_endpoints(&self, set: Set, key: Key) -> Element<'_> {
        let verdict = if self.reach.has_any { Verdict::Drop } else { Verdict::Goto(REJECT) };
        Element { set, key, verdict: Some(verdict), comment: Some(self.comment()) }
    }

    fn key(&self, address: IpAddr) -> Key {
        Key::Socket(address, self.port.protocol(), self.port.port.number)
    }

    /// Those of the cluster IP and the external IPs.
    fn own_elements(&self, each: &mut impl FnMut(Element<'_>)) {
        let address = self.port.cluster_ip();
        each(Element { set: Set::ClusterIps, key: Key::Address(address), verdict: None, comment: None });
        match self.internal_chain() {
            Some(chain) => each(self.goto(Set::ServiceIps, self.key(address), chain)),
            None => each(self.without_endpoints(Set::NoEndpointServices, self.key(address))),
        }
        for address in self.port.external_ips() {
            if self.reach.has_any {
                each(self.goto(Set::ServiceIps, self.key(address), self.external_chain()));
            }
            if !self.external {
                each(self.without_endpoints(Set::NoEndpointServices, self.key(address)));
            }
        }
    }

    /// Those of the load balancer and the node port.
    fn balancer_elements(&self, each: &mut impl FnMut(Element<'_>)) {
        for address in self.port.balancer_addresses() {
            if self.reach.has_any {
                each(self.goto(Set::ServiceIps, self.key(address), self.external_chain()));
            }
            if !self.source_ranges.is_empty() {
                let chain = Chain::Firewall(self.names.service());
                let comment = (self.version == Version::V1_30).then(|| self.comment());
                each(Element { comment, ..self.goto(Set::FirewallIps, self.key(address), chain) });
            }
        }
        if !self.external {
            for address in self.port.balancer_addresses() {
                each(self.without_endpoints(Set::NoEndpointServices, self.key(address)));
            }
        }
        if let Some(number) = self.port.node_port() {
            let key = Key::Port(self.port.protocol(), number);
            if self.reach.has_any {
                each(self.goto(Set::ServiceNodePorts, key, self.external_chain()));
            }
            if !self.external {
                each(self.without_endpoints(Set::NoEndpointNodePorts, key));
            }
        }
    }

    /// Writes all of it, elements as `store` has it.
    pub(super) fn write(&self, config: &ProxyConfig, store: &mut Store, sink: &mut impl Sink) {
        for place in 0..self.reach.all.len() {
            if self.has_endpoint_chains() {
                sink.ensure(Chain::Endpoint(self.names.endpoint(place)));
            }
            self.hairpin(place).into_iter().for_each(|element| store.ensure(element, sink));
        }
        if !self.reach.cluster.is_empty() {
            sink.ensure(self.service_chain());
        }
        if !self.reach.local.is_empty() {
            sink.ensure(self.local_chain());
        }
        if self.has_external_chain() {
            sink.ensure(self.external_chain());
        }
        self.own_elements(&mut |element| store.ensure(element, sink));
        if !self.source_ranges.is_empty() {
            sink.ensure(Chain::Firewall(self.names.service()));
            if self.version == Version::V1_30 {
                self.write_firewall(sink);
            }
        }
        self.balancer_elements(&mut |element| store.ensure(element, sink));
        if self.version == Version::V1_30 {
            self.write_masquerading(config, sink);
        }
        self.write_external(config, sink);
        if self.version >= Version::V1_36 && !self.source_ranges.is_empty() {
            self.write_firewall(sink);
        }
        self.write_endpoints(sink);
    }

    fn write_firewall(&self, sink: &mut impl Sink) {
        let loopback: IpAddr = match self.port.family() {
            Family::V4 => Ipv4Addr::LOCALHOST.into(),
            Family::V6 => Ipv6Addr::LOCALHOST.into(),
        };
        let node = self.node.address(self.port.family()).unwrap_or(loopback);
        // A request from the node to its own balancer's address comes from that address.
        let from_node = self.source_ranges.iter().any(|network| network.contains(&node));
        let own: Vec<IpAddr> = if from_node { self.port.balancer_addresses().collect() } else { Vec::new() };
        let matches = [Match::NotFromAny(&self.source_ranges, &own)];
        let chain = Chain::Firewall(self.names.service());
        sink.rule(Rule { chain, matches: &matches, statements: &[Statement::Drop], comment: None });
    }

    /// The rule of 1.30 that marks traffic to the cluster IP from outside the cluster.
    fn write_masquerading(&self, config: &ProxyConfig, sink: &mut impl Sink) {
        let Some(chain) = self.internal_chain() else { return };
        let outside = match config.cluster_cidr(self.port.family()) {
            _ if config.masquerade_all => None,
            Some(pods) => Some(Match::NotFrom(pods)),
            None => return,
        };
        let to = Match::To(self.port.cluster_ip());
        let to_port = Match::ToPort(self.port.protocol(), self.port.port.number);
        let matches = [to, to_port, outside.unwrap_or(to)];
        let matches = &matches[..if outside.is_some() { 3 } else { 2 }];
        sink.rule(Rule { chain, matches, statements: &[Statement::Jump(MARK_FOR_MASQUERADE)], comment: None });
    }

    fn write_external(&self, config: &ProxyConfig, sink: &mut impl Sink) {
        if !self.has_external_chain() {
            return;
        }
        let chain = self.external_chain();
        let (mark, to_all) = match self.version {
            Version::V1_30 => (Statement::Jump(MARK_FOR_MASQUERADE), None),
            _ => (Statement::Mark(config.masquerade_mark()), Some("masquerade")),
        };
        let mut add = |matches: &[Match<'_>], statement: Statement<'_>, comment| {
            sink.rule(Rule { chain, matches, statements: &[statement], comment });
        };
        let to_cluster = Statement::Goto(self.service_chain());
        let policy_chain = if self.port.is_external_local() {
            if let Some(pods) = config.cluster_cidr(self.port.family()) {
                add(&[Match::FromWithin(pods)], to_cluster, Some("short-circuit pod traffic"));
            }
            add(&[Match::FromNode], mark, Some("masquerade local traffic"));
            add(&[Match::FromNode], to_cluster, Some("short-circuit local traffic"));
            self.local_chain()
        } else {
            add(&[], mark, to_all);
            self.service_chain()
        };
        if self.external {
            add(&[], Statement::Goto(policy_chain), None);
        }
    }

    /// The rules that choose an endpoint, and those of its own chain.
    fn write_endpoints(&self, sink: &mut impl Sink) {
        if let Some(timeout) = self.port.service.affinity {
            for base in self.affinity_sets() {
                sink.command(Verb::Add, &Object::Affinity(base, timeout));
            }
        }
        for (endpoints, chain) in [(&self.reach.cluster, self.service_chain()), (&self.reach.local, self.local_chain())]
        {
            if self.has_endpoint_chains() {
                self.write_jumps(chain, endpoints, sink);
            } else {
                self.write_dnat(chain, endpoints, sink);
            }
        }
        if !self.has_endpoint_chains() {
            return;
        }
        let protocol = self.port.protocol();
        for (place, endpoint) in self.reach.all.iter().enumerate() {
            let base = self.names.endpoint(place);
            let mut add = |matches: &[Match<'_>], statement: Statement<'_>| {
                sink.rule(Rule { chain: Chain::Endpoint(base), matches, statements: &[statement], comment: None });
            };
            if self.version == Version::V1_30 {
                add(&[Match::From(endpoint.address)], Statement::Jump(MARK_FOR_MASQUERADE));
            }
            if self.port.service.affinity.is_some() {
                add(&[], Statement::Remember(base));
            }
            add(&[], Statement::Dnat(protocol, endpoint));
        }
    }

    fn write_jumps(&self, chain: Chain<'_>, endpoints: &[&Endpoint], sink: &mut impl Sink) {
        if endpoints.is_empty() {
            return;
        }
        // Each list is a part of all endpoints, in their order.
        let mut rest = endpoints.iter().peekable();
        let chosen = self
            .reach
            .all
            .iter()
            .enumerate()
            .filter(|(_, endpoint)| rest.next_if(|next| std::ptr::eq(**next, **endpoint)).is_some());
        let bases: Vec<&[u8]> = chosen.map(|(place, _)| self.names.endpoint(place)).collect();
        if self.port.service.affinity.is_some() {
            for &base in &bases {
                let statements = [Statement::Goto(Chain::Endpoint(base))];
                let matches = [Match::Remembered(base)];
                sink.rule(Rule { chain, matches: &matches, statements: &statements, comment: None });
            }
        }
        sink.rule(Rule { chain, matches: &[], statements: &[Statement::Pick(&bases)], comment: None });
    }

    fn write_dnat(&self, chain: Chain<'_>, endpoints: &[&Endpoint], sink: &mut impl Sink) {
        let protocol = self.port.protocol();
        let statement = match endpoints {
            [] => return,
            [only] if self.version >= Version::V1_37 => Statement::Dnat(protocol, only),
            _ => Statement::DnatToAny(protocol, endpoints),
        };
        sink.rule(Rule { chain, matches: &[], statements: &[statement], comment: None });
    }
}
