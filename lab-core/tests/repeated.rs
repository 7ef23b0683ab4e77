//! Clusters that repeat the Services of others: sizes are comparable, shares are kept, nothing is given twice.

use lab_core::cell::Source;
use lab_core::cluster::{
    AddressPlan, Base, Cluster, Counts, Endpoint, Family, Place, Repeated, Service, Shape, Share, Supply, TrafficPolicy,
};
use lab_core::vocabulary::Mix;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

fn imported() -> Source {
    Source::Imported { name: "dump.json".to_owned().into(), digest: "0123abc".to_owned().into() }
}

/// The Services of a real cluster: here a generated one of many kinds.
fn base(services: u32) -> Arc<Base> {
    let cluster = Cluster::generate(services, &AddressPlan::new(3).of(Mix::Mixed));
    Arc::new(Base::of(&cluster, None, imported()).expect("it has Services"))
}

fn share(services: &[Arc<Service>], has: impl Fn(&Service) -> bool) -> f64 {
    services.iter().filter(|service| has(service)).count() as f64 / services.len() as f64
}

#[test]
fn shares_of_300_services_at_20000_are_within_one_percent() {
    let base = base(300);
    let cluster = Cluster::generate(20_000, &Repeated::of(Arc::clone(&base)));
    let kinds: [fn(&Service) -> bool; 8] = [
        |service| service.kind == lab_core::cluster::ServiceType::ClusterIp,
        |service| service.kind == lab_core::cluster::ServiceType::LoadBalancer,
        |service| service.ports.len() == 2,
        |service| service.ports[0].endpoints.is_empty(),
        |service| service.affinity.is_some(),
        |service| service.cluster_ips.v6.is_some(),
        |service| service.external_policy == TrafficPolicy::Local,
        |service| !service.source_ranges.is_empty(),
    ];
    for (number, kind) in kinds.into_iter().enumerate() {
        let (was, is) = (share(&base.services, kind), share(&cluster.services, kind));
        assert!(was > 0.0 && (is / was - 1.0).abs() < 0.01, "{number}: {was} became {is}");
    }
    let endpoints = |services: &[Arc<Service>]| {
        let all: usize = services.iter().flat_map(|service| &service.ports).map(|port| port.endpoints.len()).sum();
        all as f64 / services.len() as f64
    };
    let (was, is) = (endpoints(&base.services), endpoints(&cluster.services));
    assert!((is / was - 1.0).abs() < 0.01, "{was} became {is}");
}

#[test]
fn a_service_is_the_same_at_every_size_and_no_name_or_address_is_given_twice() {
    let supply = Repeated::of(base(37));
    supply.check(1_000).unwrap();
    let (small, large) = (Cluster::generate(500, &supply), Cluster::generate(1_000, &supply));
    assert_eq!(small.services, large.services[..500]);
    let (mut names, mut addresses, mut node_ports) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut endpoints: BTreeMap<IpAddr, &str> = BTreeMap::new();
    for (index, service) in large.services.iter().enumerate() {
        assert!(service.name.len() <= 63 && names.insert(&service.name), "{}", service.name);
        let own = Family::ALL.into_iter().filter_map(|family| service.cluster_ips.of(family));
        let outer = service.external_ips.iter().copied();
        for address in own.chain(outer).chain(service.ingress.iter().map(|ingress| ingress.address)) {
            assert!(addresses.insert(address), "{address}");
        }
        let ports = service.ports.iter().filter_map(|port| port.node_port);
        for port in ports.chain(service.health_check_node_port) {
            assert!(port >= 30_000 && node_ports.insert(port), "{port}");
        }
        let pods: BTreeSet<_> = service
            .ports
            .iter()
            .flat_map(|port| &port.endpoints)
            .map(|endpoint| {
                let known = *endpoints.entry(endpoint.address).or_insert(&service.name);
                assert_eq!(known, service.name, "{}", endpoint.address);
                supply.addresses().server_pod(endpoint.address).expect("a pod of the lab")
            })
            .collect();
        assert!(pods.len() <= 1, "a Service's endpoints are in one pod");
        for family in Family::ALL {
            let spare = supply.spare(index as u32, family);
            assert!(supply.addresses().server_pod(spare).is_some_and(|pod| pods.iter().all(|&known| known == pod)));
            assert!(!endpoints.contains_key(&spare), "{spare}");
        }
    }
}

#[test]
fn services_that_share_endpoints_share_them_in_every_copy() {
    let mut cluster = Cluster::generate(3, &AddressPlan::new(2));
    let shared = cluster.services[0].ports[0].endpoints.clone();
    cluster.service_mut(1).ports[0].endpoints = shared;
    let copies = Cluster::generate(6, &Repeated::of(Arc::new(Base::of(&cluster, None, imported()).unwrap())));
    let of = |name: &str| {
        let service = copies.services.iter().find(|service| service.name == name).expect("it is there");
        service.ports[0].endpoints.clone()
    };
    assert_eq!(of("svc-00001"), of("svc-00002"));
    assert_eq!(of("svc-00001-c1"), of("svc-00002-c1"));
    assert_ne!(of("svc-00001"), of("svc-00001-c1"));
    assert_ne!(of("svc-00001"), of("svc-00003"));
}

#[test]
fn names_of_copies_are_no_names_of_the_base() {
    let mut cluster = Cluster::generate(2, &AddressPlan::new(1));
    cluster.service_mut(0).name = "web".to_owned();
    cluster.service_mut(1).name = "web-c1".to_owned();
    let copies = Cluster::generate(6, &Repeated::of(Arc::new(Base::of(&cluster, None, imported()).unwrap())));
    let names: BTreeSet<_> = copies.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["web", "web-c1", "web-cc1", "web-c1-cc1", "web-cc2", "web-c1-cc2"].into());
    let long = "a".repeat(63);
    cluster.service_mut(0).name.clone_from(&long);
    let copies = Cluster::generate(4, &Repeated::of(Arc::new(Base::of(&cluster, None, imported()).unwrap())));
    assert!(copies.services.iter().all(|service| service.name.len() <= 63));
    assert!(copies.services.iter().any(|service| service.name == long));
}

#[test]
fn the_lab_plays_the_node_with_the_most_endpoints_or_the_one_that_is_named() {
    let on = |node: &str, last: u8| Endpoint {
        place: Some(Arc::new(Place { node: node.to_owned(), zone: format!("zone-of-{node}"), ..Place::default() })),
        ..Endpoint::ready(([10, 0, 0, last], 80).into())
    };
    let mut cluster = Cluster::generate(1, &AddressPlan::new(0));
    cluster.service_mut(0).ports[0].endpoints = vec![on("a", 1), on("b", 2), on("b", 3), on("node", 4)];
    let local = |node| {
        let supply = Repeated::of(Arc::new(Base::of(&cluster, node, imported()).unwrap()));
        let made = Cluster::generate(1, &supply);
        let endpoints = &made.services[0].ports[0].endpoints;
        (endpoints.iter().filter(|endpoint| endpoint.is_on(&made.node)).count(), made.node.zone.clone())
    };
    assert_eq!(local(None), (2, "zone-of-b".to_owned()));
    assert_eq!(local(Some("a")), (1, "zone-of-a".to_owned()));
    assert_eq!(local(Some("node")), (1, "zone-of-node".to_owned()));
}

#[test]
fn a_described_mix_has_its_shares_and_its_seed_decides_the_rest() {
    let shape = Shape {
        node_port: Share(100),
        load_balancer: Share(50),
        local_policy: Share(500),
        udp: Share(31),
        dual_stack: Share(200),
        ipv6: Share(10),
        endpoints: Counts::Weighted(vec![(1, 999), (5_000, 1)]),
        ..Shape::default()
    };
    let base = shape.base("described");
    let count = |has: fn(&Service) -> bool| base.services.iter().filter(|service| has(service)).count();
    assert_eq!(base.services.len(), 1_000);
    assert_eq!(count(|service| service.kind == lab_core::cluster::ServiceType::NodePort), 100);
    assert_eq!(count(|service| service.kind == lab_core::cluster::ServiceType::LoadBalancer), 50);
    assert_eq!(count(|service| service.external_policy == TrafficPolicy::Local), 75);
    assert_eq!(count(|service| service.ports[0].protocol == lab_core::cluster::Protocol::Udp), 31);
    assert_eq!(count(|service| service.cluster_ips.v4.is_none()), 10);
    assert_eq!(count(|service| service.ports_of(Family::V4).any(|port| port.endpoint_count() == 5_000)), 1);
    assert_eq!(base, shape.base("described"));
    let other = Shape { seed: 2, ..shape.clone() }.base("described");
    assert_ne!(base.source, other.source);
    assert_ne!(base.services, other.services);
    // The first ones are like all of them.
    let first = &base.services[..100];
    let node_ports = first.iter().filter(|service| service.kind == lab_core::cluster::ServiceType::NodePort).count();
    assert!((9..=11).contains(&node_ports), "{node_ports}");
    Repeated::of(Arc::new(base)).check(20_000).unwrap();
}

#[test]
fn quantiles_are_met() {
    let shape = Shape { endpoints: Counts::Quantiles { median: 3, p90: 20, max: 500 }, ..Shape::default() };
    let base = shape.base("described");
    let mut counts: Vec<usize> = base.services.iter().map(|service| service.ports[0].endpoints.len()).collect();
    counts.sort_unstable();
    assert_eq!([counts[0], counts[499], counts[899], counts[999]], [1, 3, 20, 500]);
}

#[test]
fn realistic_services_reach_20000_and_what_runs_out_is_said() {
    let supply = Repeated::of(Arc::new(Shape::realistic().base(Shape::REALISTIC)));
    supply.check(20_000).unwrap();
    let full = supply.check(1_000_000).unwrap_err();
    assert_eq!(supply.check(full.limit), Ok(()));
    assert!(supply.check(full.limit + 1).is_err());
    assert!(full.to_string().contains("run"), "{full}");
}
