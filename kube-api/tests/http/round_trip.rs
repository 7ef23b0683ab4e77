//! What the server lists is the cluster that it was given: kube-dump, which reads what kubectl prints, reads it back.

use super::client::{get, listener};
use ipnet::IpNet;
use kube_api::{Resource, Server};
use kube_dump::{Dump, Input};
use lab_core::cluster::{
    AddressPlan, Cluster, ClusterIps, Conditions, Endpoint, Ingress, IpMode, Node, Place, Port, Protocol, Repeated,
    Service, ServiceType, Shape, TrafficPolicy, in_picking_order,
};
use lab_core::vocabulary::Mix;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

const LISTS: [&str; 4] = [
    "/api/v1/nodes",
    "/api/v1/services",
    "/apis/discovery.k8s.io/v1/endpointslices",
    "/apis/networking.k8s.io/v1/servicecidrs",
];

/// What kube-dump makes of these lists.
fn listed(address: SocketAddr, lists: [&str; 4]) -> Dump {
    let inputs = lists.map(|path| {
        let answer = get(address, path);
        assert_eq!(answer.status, 200, "{path}");
        Input::named(path, answer.text())
    });
    Dump::read(&inputs).unwrap()
}

fn assert_same(dump: Dump, cluster: &Cluster) {
    let mut expected = cluster.services.clone();
    expected.sort_by(|one, other| one.key().cmp(&other.key()));
    assert_eq!(dump.cluster.services.len(), expected.len());
    for (listed, expected) in dump.cluster.services.iter().zip(&expected) {
        assert_eq!(listed, expected);
    }
    assert_eq!(dump.cluster.service_cidrs, cluster.service_cidrs);
    assert_eq!(dump.nodes, std::slice::from_ref(&cluster.node));
}

fn assert_comes_back(cluster: Cluster) {
    let cluster = Arc::new(cluster);
    let server = Server::start(listener(), &cluster).unwrap();
    assert_same(listed(server.address(), LISTS), &cluster);
}

#[test]
fn every_mix_comes_back() {
    for mix in [Mix::Uniform, Mix::NodePort, Mix::LoadBalancer, Mix::ExternalIp, Mix::Mixed] {
        assert_comes_back(Cluster::generate(200, &AddressPlan::new(3).of(mix)));
    }
    let realistic = Repeated::of(Arc::new(Shape::realistic().base(Shape::REALISTIC)));
    assert_comes_back(Cluster::generate(400, &realistic));
}

#[test]
fn the_reference_clusters_come_back() {
    for name in ["plain-1x2", "mix-3", "mix-50"] {
        let path = format!("{}/../ci/fidelity/reference/clusters/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let dump = Dump::read(&[Input::named(&path, std::fs::read(&path).unwrap())]).unwrap();
        assert_comes_back(dump.cluster);
    }
}

#[test]
fn slices_of_v1beta1_say_the_same() {
    let mut cluster = Cluster::generate(40, &AddressPlan::new(3).of(Mix::Mixed));
    let place = Place { node: "node-b".to_owned(), zone: "zone-b".to_owned(), ..Place::default() };
    cluster.service_mut(0).ports[0].endpoints[0].place = Some(Arc::new(place));
    let cluster = Arc::new(cluster);
    let server = Server::start(listener(), &cluster).unwrap();
    let old = "/apis/discovery.k8s.io/v1beta1/endpointslices";
    let text = get(server.address(), old).text();
    assert!(text.contains(r#""topology":{"kubernetes.io/hostname":"node-b","topology.kubernetes.io/zone":"zone-b"}"#));
    assert!(!text.contains("discovery.k8s.io/v1\""));
    assert_same(listed(server.address(), [LISTS[0], LISTS[1], old, LISTS[3]]), &cluster);
    assert_eq!(server.served().of(Resource::EndpointSlices).unwrap().lists, 2);
}

fn conditions() -> impl Strategy<Value = Conditions> {
    any::<[bool; 3]>().prop_map(|[ready, serving, terminating]| Conditions { ready, serving, terminating })
}

fn place() -> impl Strategy<Value = Option<Arc<Place>>> {
    let name = |names: &'static [&'static str]| select(names).prop_map(str::to_owned);
    let place = (
        name(&["", "node", "node-b"]),
        name(&["", "zone-a"]),
        vec(name(&["zone-a", "zone-b"]), 0..2),
        vec(name(&["node"]), 0..2),
    );
    place.prop_map(|(node, zone, for_zones, for_nodes)| {
        let place = Place { node, zone, for_zones, for_nodes };
        (place != Place::default()).then(|| Arc::new(place))
    })
}

/// Endpoints by address; some of IPv6.
fn endpoints() -> impl Strategy<Value = Vec<Endpoint>> {
    let behind = || (select(vec![8080_u16, 8443]), conditions(), place());
    let some = |count: std::ops::Range<usize>| btree_map(0..300_u32, behind(), count);
    prop_oneof![4 => some(0..4), 1 => some(90..230)].prop_map(|endpoints| {
        let endpoint = |(number, (port, conditions, place)): (u32, (u16, Conditions, Option<Arc<Place>>))| {
            let address: IpAddr = if number % 3 == 0 {
                Ipv6Addr::from_bits((0xfd00 << 112) + 1 + u128::from(number)).into()
            } else {
                Ipv4Addr::from_bits(0x0a80_0001 + number).into()
            };
            Endpoint { address, port, conditions, place }
        };
        in_picking_order(endpoints.into_iter().map(endpoint).collect())
    })
}

fn ports() -> impl Strategy<Value = Vec<Port>> {
    let protocol = select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Sctp]);
    vec((protocol, option::of(30_000..32_767_u16), endpoints()), 0..4).prop_map(|ports| {
        let port = |(place, (protocol, node_port, endpoints)): (usize, _)| {
            let place = u16::try_from(place).unwrap();
            let name = if place == 0 { String::new() } else { format!("port-{place}") };
            Port { name, protocol, number: 80 + place, node_port, endpoints }
        };
        ports.into_iter().enumerate().map(port).collect()
    })
}

prop_compose! {
    fn service()(
        namespace in select(vec!["default", "shop"]),
        kind in select(vec![ServiceType::ClusterIp, ServiceType::NodePort, ServiceType::LoadBalancer, ServiceType::ExternalName]),
        [other_proxy, topology_aware] in any::<[bool; 2]>(),
        v4 in option::of(1..60_000_u32),
        v6 in option::of(1..60_000_u128),
        outside in vec((1..1_000_u32, any::<bool>()), 0..3),
        ranges in vec(select(vec!["192.0.2.0/24", "203.0.113.7/32", "fd00::/8"]), 0..3),
        affinity in option::of(1..86_400_u64),
        policies in any::<[bool; 2]>(),
        health_check_node_port in option::of(1..65_535_u16),
        ports in ports(),
    ) -> Service {
        let policy = |is_local| if is_local { TrafficPolicy::Local } else { TrafficPolicy::Cluster };
        let address = |number: u32| IpAddr::from(Ipv4Addr::from_bits(0x6440_0000 + number));
        let is_named = kind == ServiceType::ExternalName;
        Service {
            namespace: namespace.to_owned(),
            name: String::new(),
            kind,
            other_proxy,
            cluster_ips: ClusterIps {
                v4: v4.map(|number| Ipv4Addr::from_bits(0x0a60_0000 + number)).filter(|_| !is_named),
                v6: v6.map(|number| Ipv6Addr::from_bits((0xfd00_0010 << 96) + number)).filter(|_| !is_named),
            },
            external_ips: outside.iter().map(|&(number, _)| address(number)).collect(),
            ingress: outside
                .iter()
                .map(|&(number, is_proxy)| Ingress { address: address(number), mode: if is_proxy { IpMode::Proxy } else { IpMode::Vip } })
                .collect(),
            source_ranges: ranges.iter().map(|range| range.parse::<IpNet>().unwrap()).collect(),
            affinity: affinity.map(Duration::from_secs),
            topology_aware,
            internal_policy: policy(policies[0]),
            external_policy: policy(policies[1]),
            health_check_node_port,
            ports,
        }
    }
}

prop_compose! {
    fn cluster()(
        mut services in vec(service(), 1..6),
        zone in select(vec!["", "zone-a"]),
        service_cidrs in vec(select(vec!["10.96.0.0/12", "fd00:10:96::/108", "10.200.0.0/16"]), 0..4),
    ) -> Cluster {
        for (number, service) in services.iter_mut().enumerate() {
            service.name = format!("web-{number}");
        }
        let addresses = vec!["10.11.0.1".parse().unwrap(), "fd00:10:11::1".parse().unwrap()];
        Cluster {
            node: Node { name: "node".to_owned(), addresses, zone: zone.to_owned() },
            services: services.into_iter().map(Arc::new).collect(),
            service_cidrs: service_cidrs.iter().map(|range| range.parse().unwrap()).collect(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cluster_comes_back(cluster in cluster()) {
        assert_comes_back(cluster);
    }

    #[test]
    fn a_changed_cluster_is_listed_as_it_is_now(before in cluster(), after in cluster()) {
        let (before, after) = (Arc::new(before), Arc::new(after));
        let server = Server::start(listener(), &before).unwrap();
        server.apply(&lab_core::change::Change { before, after: Arc::clone(&after) });
        assert_same(listed(server.address(), LISTS), &after);
    }
}
