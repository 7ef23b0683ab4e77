//! A described mix of Services: shares and distributions, and the Services that have them.

use super::base::{Base, spread_evenly};
use super::endpoint::{Endpoint, Place, in_picking_order};
use super::mix::{AFFINITY, SOURCE_RANGES};
use super::node::Node;
use super::service::{ClusterIps, Ingress, IpMode, Port, Protocol, Service, ServiceType, TrafficPolicy};
use super::{ENDPOINT_PORT, SERVICE_PORT};
use crate::cell::Source;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// How many Services a described mix has before it repeats them: a share is at least one of them.
const SERVICES: usize = 1000;

/// A share, in thousandths: 0 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
pub struct Share(pub u32);

/// How a number spreads over Services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Counts {
    /// Each value with its weight: `{1: 999, 5000: 1}` is one Service of 5,000 among 999 of one. Some weight is not 0.
    Weighted(Vec<(u32, u32)>),
    /// Half of the Services have at most the median, nine of ten the p90, and one has the most. Between these, and from 1
    /// on, the logarithm grows evenly.
    Quantiles {
        /// The median, from 1.
        median: u32,
        /// From the median.
        p90: u32,
        /// From the p90.
        max: u32,
    },
}

/// What the Services of a mix are like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shape {
    /// Services of type `NodePort`.
    pub node_port: Share,
    /// Services of type `LoadBalancer`; with the above at most all.
    pub load_balancer: Share,
    /// Services with an external IP.
    pub external_ip: Share,
    /// Of the Services of type `LoadBalancer`, those that accept two networks only.
    pub source_ranges: Share,
    /// Of the Services of types `NodePort` and `LoadBalancer`, those with external traffic policy `Local`.
    pub local_policy: Share,
    /// Services with session affinity `ClientIP`.
    pub affinity: Share,
    /// Services whose ports are UDP.
    pub udp: Share,
    /// Services without endpoints.
    pub without_endpoints: Share,
    /// Services with an IPv6 cluster IP beside the IPv4 one.
    pub dual_stack: Share,
    /// Services with an IPv6 cluster IP only; with the above at most all.
    pub ipv6: Share,
    /// Ports a Service, from 1.
    pub ports: Counts,
    /// Endpoints a Service.
    pub endpoints: Counts,
    /// Decides which Services have what together.
    pub seed: u64,
}

impl Default for Shape {
    /// Plain Services: one TCP port on an IPv4 cluster IP, with two endpoints.
    fn default() -> Self {
        let none = Share(0);
        Self {
            node_port: none,
            load_balancer: none,
            external_ip: none,
            source_ranges: none,
            local_policy: none,
            affinity: none,
            udp: none,
            without_endpoints: none,
            dual_stack: none,
            ipv6: none,
            ports: Counts::constant(1),
            endpoints: Counts::constant(2),
            seed: 1,
        }
    }
}

impl Shape {
    /// The name of [`Self::realistic`].
    pub const REALISTIC: &'static str = "realistic";

    /// A cluster of ordinary applications.
    ///
    /// Endpoints a Service are those of Kubernetes' own scalability test (perf-tests, `clusterloader2/testing/load/
    /// config.yaml`: of 165 Services, 150 have 5 pods, 13 have 30 and 2 have 250). It has plain Services only. No census
    /// of the rest was found in public: these shares are the lab's choice.
    #[must_use]
    pub fn realistic() -> Self {
        Self {
            node_port: Share(40),
            load_balancer: Share(40),
            source_ranges: Share(250),
            local_policy: Share(250),
            affinity: Share(20),
            udp: Share(10),
            without_endpoints: Share(50),
            ports: Counts::Weighted(vec![(1, 80), (2, 15), (3, 5)]),
            endpoints: Counts::Weighted(vec![(5, 150), (30, 13), (250, 2)]),
            ..Self::default()
        }
    }

    /// Services like these, called `name`.
    #[must_use]
    pub fn base(&self, name: &str) -> Base {
        let written = serde_json::to_vec(self).expect("a shape has no map, and all of it can be written");
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(written));
        let source = Source::Shaped { name: name.to_owned().into(), digest: digest.into() };
        let mut services: Vec<Arc<Service>> = self.services().into_iter().map(Arc::new).collect();
        spread_evenly(&mut services);
        for (index, service) in services.iter_mut().enumerate() {
            Arc::make_mut(service).name = format!("svc-{:05}", index + 1);
        }
        Base { source, services, zone: String::new() }
    }

    fn services(&self) -> Vec<Service> {
        let mut lots = Lots { seed: self.seed, drawn: 0 };
        let all: Vec<usize> = (0..SERVICES).collect();
        let published = lots.draw(&all, &[self.node_port, self.load_balancer]);
        let balanced: Vec<usize> = all.iter().copied().filter(|&index| published[index] == 2).collect();
        let outside: Vec<usize> = all.iter().copied().filter(|&index| published[index] > 0).collect();
        let ranges = lots.draw(&balanced, &[self.source_ranges]);
        let local = lots.draw(&outside, &[self.local_policy]);
        let families = lots.draw(&all, &[self.dual_stack, self.ipv6]);
        let [external, affinity, udp, empty] =
            [self.external_ip, self.affinity, self.udp, self.without_endpoints].map(|share| lots.draw(&all, &[share]));
        let (ports, endpoints) = (lots.deal(&self.ports), lots.deal(&self.endpoints));
        let mut fresh = Fresh::default();
        let service = |index: usize| {
            let (v4, v6) = (families[index] < 2, families[index] > 0);
            let endpoints = if empty[index] > 0 { 0 } else { endpoints[index] };
            let behind = fresh.endpoints(endpoints, [v4, v6], local[index] > 0);
            let addresses: Vec<IpAddr> = fresh.addresses([v4, v6]).collect();
            let protocol = if udp[index] > 0 { Protocol::Udp } else { Protocol::Tcp };
            let node_port = (published[index] > 0).then_some(1);
            let port = |place: u16| Port {
                name: if place == 0 { "http".to_owned() } else { format!("port-{place}") },
                protocol,
                number: SERVICE_PORT + place,
                node_port,
                endpoints: behind
                    .iter()
                    .map(|endpoint| Endpoint { port: ENDPOINT_PORT + place, ..endpoint.clone() })
                    .collect(),
            };
            let local = local[index] > 0;
            Service {
                namespace: "default".to_owned(),
                kind: [ServiceType::ClusterIp, ServiceType::NodePort, ServiceType::LoadBalancer][published[index]],
                cluster_ips: addresses.iter().copied().collect::<ClusterIps>(),
                external_ips: if external[index] > 0 { addresses.clone() } else { Vec::new() },
                ingress: match published[index] {
                    2 => addresses.iter().map(|&address| Ingress { address, mode: IpMode::Vip }).collect(),
                    _ => Vec::new(),
                },
                source_ranges: match ranges[index] {
                    0 => Vec::new(),
                    _ => SOURCE_RANGES.iter().map(|range| range.parse().expect("a network")).collect(),
                },
                affinity: (affinity[index] > 0).then_some(AFFINITY),
                external_policy: if local { TrafficPolicy::Local } else { TrafficPolicy::Cluster },
                health_check_node_port: (local && published[index] == 2).then_some(1),
                ports: (0..ports[index].min(1000) as u16).map(port).collect(),
                ..Service::default()
            }
        };
        all.iter().copied().map(service).collect()
    }
}

impl Counts {
    /// The same for every Service.
    #[must_use]
    pub fn constant(value: u32) -> Self {
        Self::Weighted(vec![(value, 1)])
    }

    /// The largest value.
    #[must_use]
    pub fn most(&self) -> u32 {
        match self {
            Self::Weighted(values) => {
                values.iter().filter(|(_, weight)| *weight > 0).map(|(value, _)| *value).max().unwrap_or_default()
            }
            Self::Quantiles { max, .. } => *max,
        }
    }

    /// So many values, spread so.
    fn values(&self, count: usize) -> Vec<u32> {
        match self {
            Self::Weighted(values) => {
                let all: u64 = values.iter().map(|(_, weight)| u64::from(*weight)).sum();
                let (mut given, mut sum) = (Vec::with_capacity(count), 0);
                for (value, weight) in values {
                    sum += u64::from(*weight);
                    // Rounded at the ends, so that the parts are as many as there are to be.
                    let end = (sum * count as u64 * 2 + all) / (all * 2).max(1);
                    given.resize((end as usize).min(count), *value);
                }
                given
            }
            Self::Quantiles { median, p90, max } => {
                let [one, median, p90, max] = [1.0, f64::from(*median), f64::from(*p90), f64::from(*max)];
                let at = |place: usize| {
                    let quantile = (place + 1) as f64 / count as f64;
                    let (from, to, low, high) = match quantile {
                        quantile if quantile <= 0.5 => (0.0, 0.5, one, median),
                        quantile if quantile <= 0.9 => (0.5, 0.9, median, p90),
                        _ => (0.9, 1.0, p90, max),
                    };
                    (low * (high / low).powf((quantile - from) / (to - from))).round() as u32
                };
                (0..count).map(at).collect()
            }
        }
    }
}

/// Deals out what Services have. What it does depends on the seed alone, not on what was asked before.
struct Lots {
    seed: u64,
    drawn: u64,
}

impl Lots {
    fn shuffled<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(self.drawn);
        self.drawn += 1;
        let mut items = items.to_vec();
        items.shuffle(&mut rng);
        items
    }

    /// For each Service the number, from 1, of the share of `among` that it is in; 0 for none.
    fn draw(&mut self, among: &[usize], shares: &[Share]) -> Vec<usize> {
        let mut drawn = vec![0; SERVICES];
        let shuffled = self.shuffled(among);
        let mut left = shuffled.iter();
        for (number, share) in shares.iter().enumerate() {
            let count = (among.len() * share.0 as usize + 500) / 1000;
            left.by_ref().take(count).for_each(|&index| drawn[index] = number + 1);
        }
        drawn
    }

    /// A number for each Service.
    fn deal(&mut self, counts: &Counts) -> Vec<u32> {
        self.shuffled(&counts.values(SERVICES))
    }
}

/// Addresses that nothing else has. Those of copies take their places.
#[derive(Default)]
struct Fresh {
    given: u32,
}

impl Fresh {
    /// An address of each family that is asked for, both at the same place.
    fn addresses(&mut self, families: [bool; 2]) -> impl Iterator<Item = IpAddr> + use<> {
        self.given += 1;
        let v4 = Ipv4Addr::from_bits(0x0a00_0000 + self.given);
        let v6 = Ipv6Addr::from_bits((0xfd00 << 112) + u128::from(self.given));
        [families[0].then_some(v4.into()), families[1].then_some(v6.into())].into_iter().flatten()
    }

    /// Ready endpoints. If it matters, the first half of them are on the lab's node.
    fn endpoints(&mut self, count: u32, families: [bool; 2], placed: bool) -> Vec<Endpoint> {
        let place = |node: String| Some(Arc::new(Place { node, ..Place::default() }));
        let (here, elsewhere) = (place(Node::default().name), place("node-b".to_owned()));
        let mut endpoints = Vec::new();
        for number in 0..count {
            let place = match placed {
                true if number < count.div_ceil(2) => here.clone(),
                true => elsewhere.clone(),
                false => None,
            };
            let ready = |address| Endpoint { place: place.clone(), ..Endpoint::ready((address, ENDPOINT_PORT).into()) };
            endpoints.extend(self.addresses(families).map(ready));
        }
        in_picking_order(endpoints)
    }
}
