//! What one sync of ipvs mode does, in each of its ways.
//!
//! kube-proxy's way, with its order, is that of `syncProxyRules` in `pkg/proxy/ipvs/proxier.go`.

use super::rules::{self, Found};
use super::sets::{self, Creating, Entries, Entry};
use super::{DEVICE, Ipvs};
use crate::change::{Change, Step};
use crate::cluster::{Cluster, Endpoint, ServicePort};
use crate::layout::{
    Action, Count, FAMILY, Invocation, Pace, Part, RealServer, Request, ServerKey, Tool, VirtualServer,
};
use crate::vocabulary::{Forwarding, Way};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

/// The weight of all real servers in kube-proxy.
const WEIGHT: u32 = 1;

/// What a sync starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// A node that was only prepared.
    Empty,
    /// A node with a cluster in force, which had Services or none.
    InForce { had_services: bool },
}

/// One sync: what happens to each virtual server and address.
pub(super) struct Sync<'a> {
    layout: &'a Ipvs,
    start: Start,
    has_services: bool,
    steps: Vec<Step<ServicePort<'a>>>,
    /// The addresses of added Services that are bound.
    bound: HashSet<IpAddr>,
    /// The addresses to bind, each once.
    new_addresses: Vec<IpAddr>,
    /// The addresses to remove: no Service has them any more.
    stale_addresses: Vec<IpAddr>,
}

impl<'a> Sync<'a> {
    /// From an empty node to `cluster`.
    pub(super) fn full(layout: &'a Ipvs, cluster: &'a Cluster) -> Self {
        let steps = cluster.ports(FAMILY).map(Step::Added).collect();
        Self::new(layout, Start::Empty, steps, &Cluster::default(), cluster)
    }

    /// From `change.before` to `change.after`.
    pub(super) fn partial(layout: &'a Ipvs, change: &'a Change) -> Self {
        let start = Start::InForce { had_services: has_services(&change.before) };
        let all = !matches!(layout.way, Way::Batched | Way::Ipvsadm);
        Self::new(layout, start, steps(change, all), &change.before, &change.after)
    }

    fn new(
        layout: &'a Ipvs,
        start: Start,
        steps: Vec<Step<ServicePort<'a>>>,
        before: &Cluster,
        after: &Cluster,
    ) -> Self {
        let added = steps.iter().filter_map(|step| if let Step::Added(service) = step { Some(service) } else { None });
        let (new_addresses, bound) = outside(added, before);
        let gone = steps.iter().filter_map(|step| if let Step::Removed(service) = step { Some(service) } else { None });
        let (stale_addresses, _) = outside(gone, after);
        let has_services = has_services(after);
        Self { layout, start, has_services, steps, bound, new_addresses, stale_addresses }
    }

    /// The actions, in the layout's way.
    pub(super) fn actions(&self) -> Vec<Action> {
        match self.layout.way {
            Way::Batched => self.batched(),
            Way::Ipvsadm => self.ipvsadm(),
            _ => self.as_kube_proxy(),
        }
    }

    fn as_kube_proxy(&self) -> Vec<Action> {
        let found = if self.start == Start::Empty { Found::Nothing } else { Found::Everything };
        let mut actions = rules::ensure(found);
        actions.push(Action::Ask(Pace::OneByOne, vec![Request::GetDevice(DEVICE)]));
        actions.extend(sets::ensure());

        let endpoints: usize = self.added().map(ServicePort::endpoint_count).sum();
        let mut requests = Vec::with_capacity(16 + 6 * self.steps.len() + endpoints);
        requests.push(Request::ListAddresses(DEVICE));
        for step in &self.steps {
            self.ask_as_kube_proxy(step, &mut requests);
        }
        actions.push(Action::Ask(Pace::OneByOne, requests));

        actions.extend(sets::sync(&self.entries()));
        actions.push(rules::write(self.layout.cluster_cidr, self.has_services));

        let mut requests = Vec::new();
        for &address in &self.stale_addresses {
            requests.extend([Request::GetDevice(DEVICE), Request::RemoveAddress(DEVICE, address)]);
        }
        requests.push(Request::ListVirtualServers);
        requests.extend(self.removed().map(|service| Request::RemoveVirtualServer(key(service))));
        actions.push(Action::Ask(Pace::OneByOne, requests));
        actions
    }

    /// `syncService`, then `syncEndpoint`.
    fn ask_as_kube_proxy(&self, step: &Step<ServicePort<'_>>, requests: &mut Vec<Request>) {
        let (before, after) = match *step {
            Step::Kept(service) => (Some(service), service),
            Step::Altered { before, after } => (Some(before), after),
            Step::Added(service) => (None, service),
            // Only seen in the list of all virtual servers, at the end.
            Step::Removed(_) => return,
        };
        let key = key(after);
        requests.push(Request::GetVirtualServer(key));
        if before.is_none() {
            requests.push(Request::AddVirtualServer(self.virtual_server(after)));
        }
        if before.is_none() && !self.bound.contains(&after.cluster_ip()) {
            requests.extend([Request::GetDevice(DEVICE), Request::AddAddress(DEVICE, after.cluster_ip())]);
        }
        requests.extend([Request::GetVirtualServer(key), Request::ListRealServers(key)]);
        if let Step::Kept(_) = step {
            return;
        }
        requests.extend(self.new_real_servers(before, after));
        for address in self.stale_real_servers(before, after) {
            // It is listed once more to see whether it still has connections.
            requests.extend([Request::ListRealServers(key), Request::RemoveRealServer(key, address)]);
        }
    }

    fn batched(&self) -> Vec<Action> {
        let mut requests = self.address_requests();
        requests.extend(self.server_requests());
        requests.extend(self.stale_address_requests());
        self.around([ask(requests)])
    }

    fn ipvsadm(&self) -> Vec<Action> {
        let mut text = String::new();
        for request in self.server_requests() {
            writeln!(text, "{}", request.ipvsadm()).expect("writing to memory does not fail");
        }
        let args = vec!["--restore".to_owned()];
        let restore = Invocation { tool: Tool::Ipvsadm, args, stdin: text.into_bytes() };
        let restore = (!restore.stdin.is_empty()).then_some(Action::Call(Part::VirtualServers, restore));
        self.around([ask(self.address_requests()), restore, ask(self.stale_address_requests())])
    }

    /// Counts what a full sync installs.
    pub(super) fn count(&self, count: &mut Count) {
        rules::count(self.layout.cluster_cidr, self.has_services, count);
        count.installed.set_elements += self.entries().new.len() as u64;
        self.address_requests().iter().for_each(|request| count.request(request));
        self.server_requests().for_each(|request| count.request(&request));
    }

    /// The sets before `actions`, and the rules after them. Rules only change with the first and the last Service.
    fn around<const N: usize>(&self, actions: [Option<Action>; N]) -> Vec<Action> {
        let creating = if self.start == Start::Empty { Creating::All } else { Creating::None };
        let in_force = Start::InForce { had_services: self.has_services };
        let rules = (self.start != in_force).then(|| rules::write(self.layout.cluster_cidr, self.has_services));
        let sets = sets::restore(creating, &self.entries());
        sets.into_iter().chain(actions.into_iter().flatten()).chain(rules).collect()
    }

    fn address_requests(&self) -> Vec<Request> {
        self.new_addresses.iter().map(|&address| Request::AddAddress(DEVICE, address)).collect()
    }

    fn stale_address_requests(&self) -> Vec<Request> {
        self.stale_addresses.iter().map(|&address| Request::RemoveAddress(DEVICE, address)).collect()
    }

    /// What changes about virtual and real servers, and nothing else.
    fn server_requests(&self) -> impl Iterator<Item = Request> {
        self.steps.iter().flat_map(move |step| {
            let (head, before, after) = match *step {
                Step::Kept(_) => (None, None, None),
                Step::Added(service) => {
                    (Some(Request::AddVirtualServer(self.virtual_server(service))), None, Some(service))
                }
                Step::Altered { before, after } => (None, Some(before), Some(after)),
                Step::Removed(service) => (Some(Request::RemoveVirtualServer(key(service))), None, None),
            };
            let real = after.into_iter().flat_map(move |after| {
                let key = key(after);
                let stale = self.stale_real_servers(before, after);
                let removed = stale.map(move |address| Request::RemoveRealServer(key, address));
                self.new_real_servers(before, after).chain(removed)
            });
            head.into_iter().chain(real)
        })
    }

    /// What changes in the sets.
    fn entries(&self) -> Entries {
        let service = |service| Entry::Service(key(service));
        let address = |&address: &IpAddr| Entry::Address(address);
        Entries {
            stale: self.removed().map(service).chain(self.stale_addresses.iter().map(address)).collect(),
            new: self.added().map(service).chain(self.new_addresses.iter().map(address)).collect(),
        }
    }

    fn added(&self) -> impl Iterator<Item = ServicePort<'a>> {
        self.steps.iter().filter_map(|step| if let Step::Added(service) = *step { Some(service) } else { None })
    }

    fn removed(&self) -> impl Iterator<Item = ServicePort<'a>> {
        self.steps.iter().filter_map(|step| if let Step::Removed(service) = *step { Some(service) } else { None })
    }

    fn virtual_server(&self, service: ServicePort<'_>) -> VirtualServer {
        VirtualServer { key: key(service), scheduler: self.layout.scheduler, persistence: service.service.affinity }
    }

    fn new_real_servers<'s>(
        &'s self,
        before: Option<ServicePort<'s>>,
        after: ServicePort<'s>,
    ) -> impl Iterator<Item = Request> + 's {
        let new = after.endpoints().filter(move |endpoint| !before.is_some_and(|before| before.has(endpoint)));
        let key = key(after);
        new.map(move |endpoint| {
            let address = self.real_address(after, endpoint);
            Request::AddRealServer(key, RealServer { address, forwarding: self.layout.forwarding, weight: WEIGHT })
        })
    }

    fn stale_real_servers<'s>(
        &'s self,
        before: Option<ServicePort<'s>>,
        after: ServicePort<'s>,
    ) -> impl Iterator<Item = SocketAddr> + 's {
        let known = before.into_iter().flat_map(ServicePort::endpoints);
        let stale = known.filter(move |endpoint| !after.has(endpoint));
        stale.map(move |endpoint| self.real_address(after, endpoint))
    }

    fn real_address(&self, service: ServicePort<'_>, endpoint: &Endpoint) -> SocketAddr {
        let port = match self.layout.forwarding {
            Forwarding::Masquerading => endpoint.port,
            Forwarding::DirectRouting | Forwarding::Tunnel => service.port.number,
        };
        SocketAddr::new(endpoint.address, port)
    }
}

fn ask(requests: Vec<Request>) -> Option<Action> {
    (!requests.is_empty()).then_some(Action::Ask(Pace::Batched, requests))
}

/// The addresses of `services`, each once: those that `cluster` does not have, in order, and those that it has.
fn outside<'a>(
    services: impl Iterator<Item = &'a ServicePort<'a>>,
    cluster: &Cluster,
) -> (Vec<IpAddr>, HashSet<IpAddr>) {
    let mut addresses: Vec<IpAddr> = services.map(|service| service.cluster_ip()).collect();
    let mut seen = HashSet::with_capacity(addresses.len());
    addresses.retain(|&address| seen.insert(address));
    if addresses.is_empty() {
        return (addresses, seen);
    }
    let held = cluster.ports(FAMILY).map(ServicePort::cluster_ip);
    let held: HashSet<IpAddr> = held.filter(|address| seen.contains(address)).collect();
    addresses.retain(|address| !held.contains(address));
    (addresses, held)
}

fn has_services(cluster: &Cluster) -> bool {
    cluster.ports(FAMILY).next().is_some()
}

/// The virtual server of `service`.
fn key(service: ServicePort<'_>) -> ServerKey {
    ServerKey { protocol: service.protocol(), address: service.socket() }
}

/// What happens to every virtual server; to those that are kept only if `kept`.
///
/// A virtual server is known by its address, port and protocol alone: a Service that moves to another address is one
/// removed and one added, and one that takes over the address of another is that one altered.
fn steps(change: &Change, kept: bool) -> Vec<Step<ServicePort<'_>>> {
    let services = change.services().into_iter().filter(|step| kept || !matches!(step, Step::Kept(_)));
    let steps: Vec<_> = services.flat_map(|step| step.ports(FAMILY)).collect();
    let leaves = |step: &Step<ServicePort<'_>>| match *step {
        Step::Removed(_) => true,
        Step::Altered { before, after } => key(before) != key(after),
        Step::Kept(_) | Step::Added(_) => false,
    };
    let gone: Vec<ServicePort<'_>> = steps.iter().copied().filter(leaves).filter_map(Step::before).collect();
    if gone.is_empty() {
        return steps;
    }
    let mut left: HashMap<ServerKey, ServicePort<'_>> = gone.iter().map(|&service| (key(service), service)).collect();
    let mut virtual_steps = Vec::with_capacity(steps.len() + gone.len());
    for step in steps {
        virtual_steps.push(match step {
            Step::Removed(_) => continue,
            Step::Altered { before, after } if key(before) == key(after) => step,
            Step::Added(after) | Step::Altered { after, .. } => match left.remove(&key(after)) {
                Some(before) => Step::Altered { before, after },
                None => Step::Added(after),
            },
            Step::Kept(_) => step,
        });
    }
    virtual_steps.extend(gone.into_iter().filter_map(|service| left.remove(&key(service))).map(Step::Removed));
    virtual_steps
}
