//! Clusters that repeat the Services of a base, with fresh names and addresses.

use super::address::{AddressPlan, NODE_PORT_COUNT, OverCapacity, Range};
use super::base::Base;
use super::endpoint::in_picking_order;
use super::family::Family;
use super::service::{ClusterIps, Ingress, Service};
use super::supply::Supply;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// The longest name of a Service (a DNS label).
const LONGEST_NAME: usize = 63;
/// How many addresses there are for external IPs, and for load balancers.
const OUTER: u32 = 1 << 20;

/// A base, and where the addresses of each copy of it are.
///
/// Services of the base that share an endpoint's address are a group: they share it in every copy. A group is in one
/// server pod, which another copy of it need not be in:
///
/// ```text
/// block of pod 0 | copy 0: group 0, group 4 | copy 1: group 3 | copy 2: group 2 | copy 3: group 1 | copy 4: group 0 …
/// ```
///
/// So every `server_pods` copies, a cycle, each pod has had each group, and the next cycle's addresses follow.
#[derive(Debug, Clone)]
pub struct Repeated {
    base: Arc<Base>,
    addresses: AddressPlan,
    /// Of each Service: its group, and its place among the spare addresses of the group.
    member: Vec<(usize, u32)>,
    /// Of each endpoint's address: its place in its group.
    place: HashMap<IpAddr, u32>,
    /// How many endpoint addresses each group has.
    size: Vec<u32>,
    /// Where each group begins in its pod's block, for each copy of a cycle.
    start: Vec<Vec<u32>>,
    /// How many addresses a cycle takes in each block.
    cycle: u32,
    /// How many node ports the Services before each one have; one more number for those of all.
    node_ports: Vec<u32>,
    /// What tells the names of copies from all names of the base.
    marker: String,
    /// Of each external IP and load balancer's address: its place among those.
    outer: HashMap<IpAddr, u32>,
}

impl Repeated {
    /// Of `base`, behind the usual number of server pods.
    #[must_use]
    pub fn of(base: Arc<Base>) -> Self {
        let addresses = AddressPlan::new(base.spec(0).endpoints);
        let (member, place, size) = groups(&base);
        let mut spares = vec![0; size.len()];
        member.iter().for_each(|&(group, spare): &(usize, u32)| spares[group] = spares[group].max(spare + 1));
        let pods = addresses.server_pods as usize;
        let mut ends = vec![0_u32; pods];
        let mut start = Vec::new();
        for copy in 0..pods {
            let mut starts = Vec::with_capacity(size.len());
            for (group, size) in size.iter().enumerate() {
                let end = &mut ends[(group + copy) % pods];
                starts.push(*end);
                *end = end.saturating_add(size + spares[group]);
            }
            start.push(starts);
        }
        let mut node_ports = vec![0];
        let mut outer = HashMap::new();
        for service in &base.services {
            let own = service.ports.iter().filter(|port| port.node_port.is_some()).count();
            let own = own + usize::from(service.health_check_node_port.is_some());
            node_ports.push(node_ports[node_ports.len() - 1] + u32::try_from(own).unwrap_or(u32::MAX));
            for &address in service.external_ips.iter().chain(service.ingress.iter().map(|ingress| &ingress.address)) {
                let next = u32::try_from(outer.len()).unwrap_or(u32::MAX);
                outer.entry(address).or_insert(next);
            }
        }
        let marker = marker(&base);
        let cycle = ends.into_iter().max().unwrap_or_default();
        Self { base, addresses, member, place, size, start, cycle, node_ports, marker, outer }
    }

    /// The copy and the place in the base of Service `index`.
    fn at(&self, index: u32) -> (u32, usize) {
        let count = self.base.count();
        (index / count, (index % count) as usize)
    }

    /// Address `place` of `group` in `copy`.
    fn endpoint(&self, copy: u32, group: usize, place: u32, family: Family) -> IpAddr {
        let pods = self.addresses.server_pods;
        let (cycle, copy) = (copy / pods, copy % pods);
        let pod = (group as u32 + copy) % pods;
        let offset = cycle * self.cycle + self.start[copy as usize][group] + place;
        self.addresses.in_block(pod, offset, family)
    }

    /// The external or load balancer's address that stands for `address` in `copy`.
    fn outer(&self, copy: u32, address: IpAddr, balancer: bool) -> IpAddr {
        let place = copy * self.outer.len() as u32 + self.outer[&address];
        match (Family::of(address), balancer) {
            (Family::V4, false) => self.addresses.external_ip(place).into(),
            (Family::V4, true) => self.addresses.balancer_address(place).into(),
            (Family::V6, _) => self.addresses.balancer_address_v6(place).into(),
        }
    }

    /// The name in `copy` of the Service at `place`. The first copy keeps its names.
    fn name(&self, name: &str, copy: u32, place: usize) -> String {
        if copy == 0 {
            return name.to_owned();
        }
        let suffix = format!("{}{copy}", self.marker);
        if name.len() + suffix.len() <= LONGEST_NAME {
            return format!("{name}{suffix}");
        }
        let suffix = format!("{suffix}-{place}");
        let kept: String = name.chars().take(LONGEST_NAME.saturating_sub(suffix.len())).collect();
        kept + &suffix
    }

    /// What runs out before there are `services` Services, if anything does.
    fn scarce(&self, services: u32) -> Option<Range> {
        let (copies, place) = self.at(services);
        let all = *self.node_ports.last().expect("it has one more number than Services");
        let node_ports = u64::from(copies) * u64::from(all) + u64::from(self.node_ports[place]);
        let copies = u64::from(copies) + u64::from(place > 0);
        let cycles = copies.div_ceil(self.addresses.server_pods.into());
        match () {
            () if services > self.addresses.cluster_ips() => Some(Range::Services),
            () if node_ports > NODE_PORT_COUNT.into() => Some(Range::NodePorts),
            // The first and the last address of a block are no endpoint's.
            () if cycles * u64::from(self.cycle) + 2 > self.addresses.block_size().into() => Some(Range::Endpoints),
            () if copies * self.outer.len() as u64 >= OUTER.into() => Some(Range::External),
            () => None,
        }
    }
}

impl Supply for Repeated {
    fn addresses(&self) -> &AddressPlan {
        &self.addresses
    }

    fn zone(&self) -> &str {
        &self.base.zone
    }

    fn service(&self, index: u32) -> Service {
        let (copy, place) = self.at(index);
        let mut service = (*self.base.services[place]).clone();
        let group = self.member[place].0;
        service.name = self.name(&service.name, copy, place);
        let v6 = service.cluster_ips.v6.map(|_| self.addresses.cluster_ip_v6(index));
        service.cluster_ips = ClusterIps { v4: service.cluster_ips.v4.map(|_| self.addresses.cluster_ip(index)), v6 };
        service.external_ips.iter_mut().for_each(|address| *address = self.outer(copy, *address, false));
        for Ingress { address, .. } in &mut service.ingress {
            *address = self.outer(copy, *address, true);
        }
        let all = self.node_ports[self.base.services.len()];
        let mut node_port = copy.saturating_mul(all).saturating_add(self.node_ports[place]);
        let mut next = || {
            node_port = node_port.saturating_add(1);
            self.addresses.node_port(node_port - 1)
        };
        service.health_check_node_port = service.health_check_node_port.map(|_| next());
        for port in &mut service.ports {
            port.node_port = port.node_port.map(|_| next());
            for endpoint in &mut port.endpoints {
                let place = self.place[&endpoint.address];
                endpoint.address = self.endpoint(copy, group, place, Family::of(endpoint.address));
            }
            port.endpoints = in_picking_order(std::mem::take(&mut port.endpoints));
        }
        service
    }

    fn spare(&self, index: u32, family: Family) -> IpAddr {
        let (copy, place) = self.at(index);
        let (group, spare) = self.member[place];
        self.endpoint(copy, group, self.size[group] + spare, family)
    }

    fn check(&self, services: u32) -> Result<(), OverCapacity> {
        let Some(range) = self.scarce(services.saturating_add(1)) else { return Ok(()) };
        // The most that fit: each more takes as much or more.
        let (mut fits, mut fails) = (0, services);
        while fails - fits > 1 {
            let middle = fits + (fails - fits) / 2;
            if self.scarce(middle + 1).is_some() { fails = middle } else { fits = middle }
        }
        Err(OverCapacity { asked: services, limit: fits, range, plan: self.addresses })
    }
}

/// Which group each Service is in, with its place among the Services of the group; each address's place in its group;
/// the number of addresses of each group.
#[allow(clippy::type_complexity, reason = "three columns of one table, taken apart at once")]
fn groups(base: &Base) -> (Vec<(usize, u32)>, HashMap<IpAddr, u32>, Vec<u32>) {
    let addresses = |place: usize| {
        let ports = base.services[place].ports.iter();
        ports.flat_map(|port: &super::service::Port| &port.endpoints).map(|endpoint| endpoint.address)
    };
    // Each Service points towards the first one of its group.
    let mut towards: Vec<usize> = (0..base.services.len()).collect();
    let mut seen: HashMap<IpAddr, usize> = HashMap::new();
    for place in 0..base.services.len() {
        for address in addresses(place) {
            let other = *seen.entry(address).or_insert(place);
            let (one, two) = (first(&mut towards, place), first(&mut towards, other));
            towards[one.max(two)] = one.min(two);
        }
    }
    let mut number: HashMap<usize, usize> = HashMap::new();
    let (mut member, mut place_of, mut size, mut spares) = (Vec::new(), HashMap::new(), Vec::new(), Vec::new());
    let mut ends: Vec<[u32; 2]> = Vec::new();
    for place in 0..base.services.len() {
        let next = number.len();
        let group = *number.entry(first(&mut towards, place)).or_insert(next);
        if group == ends.len() {
            ends.push([0, 0]);
            spares.push(0);
        }
        member.push((group, spares[group]));
        spares[group] += 1;
        for address in addresses(place) {
            let end = &mut ends[group][Family::of(address) as usize];
            place_of.entry(address).or_insert_with(|| {
                *end += 1;
                *end - 1
            });
        }
    }
    size.extend(ends.into_iter().map(|[v4, v6]| v4.max(v6)));
    (member, place_of, size)
}

/// The first Service of the group of `place`.
fn first(towards: &mut [usize], mut place: usize) -> usize {
    while towards[place] != place {
        towards[place] = towards[towards[place]];
        place = towards[place];
    }
    place
}

/// A mark that no name of the base has before a digit.
fn marker(base: &Base) -> String {
    let mut marker = "-c".to_owned();
    let has = |name: &str, marker: &str| {
        let after = |(place, _): (usize, &str)| name[place + marker.len()..].starts_with(|c: char| c.is_ascii_digit());
        name.match_indices(marker).any(after)
    };
    while base.services.iter().any(|service| has(&service.name, &marker)) {
        marker.push('c');
    }
    marker
}
