//! Where a generated cluster's addresses come from.

use super::family::Family;
use super::{
    BALANCER_RANGE, BALANCER_RANGE_V6, ENDPOINT_PORT, ENDPOINT_RANGE, ENDPOINT_RANGE_V6, EXTERNAL_RANGE, POD_RANGE,
    POD_RANGE_V6, SERVER_PODS, SERVICE_RANGE, SERVICE_RANGE_V6,
};
use crate::vocabulary::Mix;
use ipnet::{Ipv4Net, Ipv6Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4};

/// After how many Services the kinds of [`Mix::Mixed`] come again.
pub(super) const PERIOD: u32 = 20;
/// How many node ports these take.
pub(super) const NODE_PORTS: u32 = 7;
/// The place of the first generated cluster IP in its range. Those before it are for the API server and DNS.
const FIRST_CLUSTER_IP: u32 = 11;
/// The first node port: the API server's default range begins with it.
pub(super) const FIRST_NODE_PORT: u16 = 30_000;
/// How many node ports there are from it on.
pub(super) const NODE_PORT_COUNT: u32 = u16::MAX as u32 - FIRST_NODE_PORT as u32 + 1;
/// The place of the first server pod's own address in the pod range.
const FIRST_SERVER_POD: u32 = 3;

/// The addresses of a generated cluster's Services and endpoints, and the server pod of each endpoint.
///
/// ```text
/// endpoint range  | block of pod 0          | block of pod 1 | …          Service s is in pod s mod server_pods,
///                 | - | s=0: e0 e1 spare | s=4: e0 e1 spare | …           with its endpoints side by side
/// ```
///
/// IPv6 addresses stand at the same places of ranges of their own. All endpoints of a Service are in one pod. An iperf3 client has a control and a data connection, which may go to
/// different endpoints but must reach the same server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPlan {
    /// The number of server pods, from 1 to 2^20.
    pub server_pods: u32,
    /// The number of endpoints behind each Service.
    pub endpoints: u32,
    /// What the Services are like.
    pub mix: Mix,
}

impl AddressPlan {
    /// The addresses for uniform Services with `endpoints` endpoints each, behind [`SERVER_PODS`] pods.
    #[must_use]
    pub fn new(endpoints: u32) -> Self {
        Self { server_pods: SERVER_PODS, endpoints, mix: Mix::Uniform }
    }

    /// The same for Services of `mix`.
    #[must_use]
    pub fn of(self, mix: Mix) -> Self {
        Self { mix, ..self }
    }

    /// The cluster IP of Service `service`, counted from 0.
    #[must_use]
    pub fn cluster_ip(&self, service: u32) -> Ipv4Addr {
        nth(SERVICE_RANGE, FIRST_CLUSTER_IP + service)
    }

    /// Its IPv6 cluster IP.
    #[must_use]
    pub fn cluster_ip_v6(&self, service: u32) -> Ipv6Addr {
        nth_v6(SERVICE_RANGE_V6, FIRST_CLUSTER_IP + service)
    }

    /// Its external IP.
    #[must_use]
    pub fn external_ip(&self, service: u32) -> Ipv4Addr {
        nth(EXTERNAL_RANGE, 1 + service)
    }

    /// The address of its load balancer.
    #[must_use]
    pub fn balancer_address(&self, service: u32) -> Ipv4Addr {
        nth(BALANCER_RANGE, 1 + service)
    }

    /// The IPv6 address of its load balancer.
    #[must_use]
    pub fn balancer_address_v6(&self, service: u32) -> Ipv6Addr {
        nth_v6(BALANCER_RANGE_V6, 1 + service)
    }

    /// Node port `place`, counted from 0; up to 65535, which the API server's default range does not reach.
    #[must_use]
    pub fn node_port(&self, place: u32) -> u16 {
        FIRST_NODE_PORT.saturating_add(u16::try_from(place).unwrap_or(u16::MAX))
    }

    /// The address that server pod `pod` itself has, counted from 0.
    #[must_use]
    pub fn server_address(&self, pod: u32) -> Ipv4Addr {
        nth(POD_RANGE, FIRST_SERVER_POD + pod)
    }

    /// Its IPv6 address.
    #[must_use]
    pub fn server_address_v6(&self, pod: u32) -> Ipv6Addr {
        nth_v6(POD_RANGE_V6, FIRST_SERVER_POD + pod)
    }

    /// The part of the endpoint range that is routed to server pod `pod`.
    #[must_use]
    pub fn block(&self, pod: u32) -> Ipv4Net {
        Ipv4Net::new_assert(nth(ENDPOINT_RANGE, pod * self.block_size()), self.block_prefix())
    }

    /// The part of the IPv6 endpoint range that is routed to server pod `pod`.
    #[must_use]
    pub fn block_v6(&self, pod: u32) -> Ipv6Net {
        let prefix = self.block_prefix() - ENDPOINT_RANGE.prefix_len() + ENDPOINT_RANGE_V6.prefix_len();
        Ipv6Net::new_assert(nth_v6(ENDPOINT_RANGE_V6, pod * self.block_size()), prefix)
    }

    /// The server pod that has `address`; `None` when none has it.
    #[must_use]
    pub fn server_pod(&self, address: IpAddr) -> Option<u32> {
        let offset = match address {
            IpAddr::V4(address) => {
                ENDPOINT_RANGE.contains(&address).then(|| address.to_bits() - ENDPOINT_RANGE.network().to_bits())
            }
            IpAddr::V6(address) => ENDPOINT_RANGE_V6
                .contains(&address)
                .then(|| u32::try_from(address.to_bits() - ENDPOINT_RANGE_V6.network().to_bits()).ok())
                .flatten(),
        };
        offset.map(|offset| offset / self.block_size()).filter(|&pod| pod < self.server_pods)
    }

    /// Endpoint `place` of Service `service`, both counted from 0.
    #[must_use]
    pub fn endpoint(&self, service: u32, place: u32) -> SocketAddrV4 {
        let (row, pod) = (service / self.server_pods, service % self.server_pods);
        SocketAddrV4::new(nth(self.block(pod), row * (self.endpoints + 1) + place + 1), ENDPOINT_PORT)
    }

    /// Its IPv6 address.
    #[must_use]
    pub fn endpoint_v6(&self, service: u32, place: u32) -> Ipv6Addr {
        let offset = self.endpoint(service, place).ip().to_bits() - ENDPOINT_RANGE.network().to_bits();
        nth_v6(ENDPOINT_RANGE_V6, offset)
    }

    /// The address of `family` in the block of server pod `pod`, `offset` behind the first that an endpoint can have.
    pub(super) fn in_block(&self, pod: u32, offset: u32, family: Family) -> IpAddr {
        let offset = pod * self.block_size() + 1 + offset;
        match family {
            Family::V4 => nth(ENDPOINT_RANGE, offset).into(),
            Family::V6 => nth_v6(ENDPOINT_RANGE_V6, offset).into(),
        }
    }

    /// The address of `family` that takes the last endpoint's place when Service `service` changes.
    #[must_use]
    pub fn spare(&self, service: u32, family: Family) -> IpAddr {
        match family {
            Family::V4 => (*self.endpoint(service, self.endpoints).ip()).into(),
            Family::V6 => self.endpoint_v6(service, self.endpoints).into(),
        }
    }

    /// How many Services the plan has addresses for, without the one in reserve for the change that adds a Service.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.scarcest().0.saturating_sub(1)
    }

    /// Whether `services` Services can be generated.
    ///
    /// # Errors
    /// If they cannot. The error says which range runs out, and at how many Services.
    pub fn check(&self, services: u32) -> Result<(), OverCapacity> {
        let (limit, range) = (self.capacity(), self.scarcest().1);
        if services <= limit { Ok(()) } else { Err(OverCapacity { asked: services, limit, range, plan: *self }) }
    }

    /// How many Services there is something for, and what runs out first.
    fn scarcest(&self) -> (u32, Range) {
        let node_ports = match self.mix {
            Mix::Uniform | Mix::ExternalIp => u32::MAX,
            Mix::NodePort | Mix::LoadBalancer => NODE_PORT_COUNT,
            Mix::Mixed => NODE_PORT_COUNT / NODE_PORTS * PERIOD,
        };
        let ranges = [
            (self.cluster_ips(), Range::Services),
            (self.endpoint_slots(), Range::Endpoints),
            (node_ports, Range::NodePorts),
        ];
        ranges.into_iter().min_by_key(|(limit, _)| *limit).expect("there are three")
    }

    /// How many Services can have a cluster IP, without the last address of the range.
    pub(super) fn cluster_ips(&self) -> u32 {
        size(SERVICE_RANGE) - 1 - FIRST_CLUSTER_IP
    }

    /// How many Services can have endpoints, without the first and last address of each block.
    fn endpoint_slots(&self) -> u32 {
        self.block_size().saturating_sub(2) / (self.endpoints + 1) * self.server_pods
    }

    fn block_prefix(&self) -> u8 {
        let doublings = self.server_pods.next_power_of_two().trailing_zeros();
        ENDPOINT_RANGE.prefix_len() + u8::try_from(doublings).expect("a u32 doubles at most 31 times")
    }

    pub(super) fn block_size(&self) -> u32 {
        size(ENDPOINT_RANGE) / self.server_pods.next_power_of_two()
    }
}

/// A range that addresses are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// [`SERVICE_RANGE`].
    Services,
    /// [`ENDPOINT_RANGE`].
    Endpoints,
    /// Node ports.
    NodePorts,
    /// [`EXTERNAL_RANGE`] or [`BALANCER_RANGE`].
    External,
}

/// More Services were asked for than there are addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverCapacity {
    /// Services asked for.
    pub asked: u32,
    /// Services there are addresses for.
    pub limit: u32,
    /// What runs out first.
    pub range: Range,
    /// The plan that was asked.
    pub plan: AddressPlan,
}

impl std::error::Error for OverCapacity {}

impl fmt::Display for OverCapacity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, limit, range, plan } = self;
        let AddressPlan { server_pods, endpoints, .. } = plan;
        write!(out, "{asked} services asked for, but there are addresses for {limit}: ")?;
        match range {
            Range::Services => write!(out, "the service range {SERVICE_RANGE} runs out"),
            Range::NodePorts => write!(out, "the node ports from {FIRST_NODE_PORT} run out"),
            Range::External => write!(out, "the range {EXTERNAL_RANGE} or {BALANCER_RANGE} runs out"),
            Range::Endpoints => write!(
                out,
                "the endpoint range {ENDPOINT_RANGE} runs out at {endpoints} endpoints a service in {server_pods} pods"
            ),
        }
    }
}

/// Address `offset` of `range`.
fn nth(range: Ipv4Net, offset: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(range.network().to_bits() + offset)
}

fn nth_v6(range: Ipv6Net, offset: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(range.network().to_bits() + u128::from(offset))
}

/// How many addresses `range` has.
fn size(range: Ipv4Net) -> u32 {
    1 << (32 - range.prefix_len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn three_pods_get_a_quarter_of_the_range_each() {
        let plan = AddressPlan { server_pods: 3, ..AddressPlan::new(1) };
        assert_eq!(plan.block(0).to_string(), "10.192.0.0/12");
        assert_eq!(plan.block(2).to_string(), "10.224.0.0/12");
        assert_eq!(plan.server_address(2), Ipv4Addr::new(10, 128, 0, 5));
    }

    #[test]
    fn an_address_outside_every_block_is_no_server_pods() {
        let plan = AddressPlan { server_pods: 3, ..AddressPlan::new(1) };
        let pods =
            ["10.224.0.1", "10.240.0.1", "10.96.0.11", "fd00::1"].map(|text| plan.server_pod(text.parse().unwrap()));
        assert_eq!(pods, [Some(2), None, None, None]);
    }

    #[test]
    fn asking_for_too_much_says_which_range_runs_out() {
        let services = AddressPlan::new(1).check(2_000_000).unwrap_err().to_string();
        assert_eq!(
            services,
            "2000000 services asked for, but there are addresses for 1048563: the service range 10.96.0.0/12 runs out"
        );
        let endpoints = AddressPlan::new(99).check(50_000).unwrap_err().to_string();
        assert_eq!(
            endpoints,
            "50000 services asked for, but there are addresses for 41939: \
             the endpoint range 10.192.0.0/10 runs out at 99 endpoints a service in 4 pods"
        );
    }

    proptest! {
        #[test]
        fn addresses_stay_in_their_ranges_up_to_the_capacity(server_pods in 1u32..=64, endpoints in 1u32..=200) {
            let plan = AddressPlan { server_pods, ..AddressPlan::new(endpoints) };
            prop_assert_eq!(plan.check(plan.capacity()), Ok(()));
            let reserve = plan.capacity();
            for service in [0, 1, server_pods, reserve / 2, reserve] {
                prop_assert!(SERVICE_RANGE.contains(&plan.cluster_ip(service)));
                prop_assert!(SERVICE_RANGE_V6.contains(&plan.cluster_ip_v6(service)));
                let block = plan.block(service % server_pods);
                prop_assert!(ENDPOINT_RANGE.contains(&block));
                let endpoint = plan.endpoint_v6(service, 0);
                prop_assert_eq!(plan.server_pod(endpoint.into()), Some(service % server_pods));
                prop_assert!(plan.block_v6(service % server_pods).contains(&endpoint));
                for endpoint in [plan.endpoint(service, 0), plan.endpoint(service, plan.endpoints)] {
                    prop_assert_eq!(plan.server_pod((*endpoint.ip()).into()), Some(service % server_pods));
                    prop_assert!(block.contains(endpoint.ip()));
                    prop_assert!(*endpoint.ip() != block.network() && *endpoint.ip() != block.broadcast());
                }
            }
        }

        #[test]
        fn no_address_is_given_twice(server_pods in 1u32..=9, endpoints in 0u32..=5, services in 1u32..=60) {
            let plan = AddressPlan { server_pods, ..AddressPlan::new(endpoints) };
            let mut given = HashSet::new();
            for service in 0..services {
                prop_assert!(given.insert(plan.cluster_ip(service)));
                for place in 0..=endpoints {
                    prop_assert!(given.insert(*plan.endpoint(service, place).ip()));
                }
            }
        }
    }
}
