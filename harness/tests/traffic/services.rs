//! The Services that are asked: one of each kind, each with endpoints of its own.

use ipnet::IpNet;
use lab_core::cluster::{
    AddressPlan, Cluster, ENDPOINT_PORT, Endpoint, Ingress, IpMode, NODE_ADDRESS_V6, Node, Place, Port, Protocol,
    SERVICE_PORT, Service, ServiceType, TrafficPolicy, in_picking_order,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Endpoints behind each Service, half of them on the node where its traffic policy is `Local`.
pub(crate) const ENDPOINTS: u32 = 4;
/// How long affinity lasts.
pub(crate) const AFFINITY: Duration = Duration::from_secs(2);

pub(crate) const PLAIN: &str = "plain";
pub(crate) const NODE_PORT: &str = "node-port";
pub(crate) const NODE_PORT_LOCAL: &str = "node-port-local";
pub(crate) const BALANCER: &str = "balancer";
pub(crate) const BALANCER_LOCAL: &str = "balancer-local";
pub(crate) const ALLOWED: &str = "balancer-allowed";
pub(crate) const REFUSED: &str = "balancer-refused";
pub(crate) const EXTERNAL: &str = "external";
pub(crate) const STICKY: &str = "sticky";
pub(crate) const NONE: &str = "none";
pub(crate) const ALONE: &str = "alone";
pub(crate) const UDP: &str = "udp";
pub(crate) const SCTP: &str = "sctp";
/// A load balancer with policy `Local` whose endpoints are all on another node.
pub(crate) const FAR: &str = "balancer-far";
/// A load balancer without endpoints.
pub(crate) const BALANCER_NONE: &str = "balancer-none";

/// All of them, on a node of both families.
pub(crate) fn cluster(plan: &AddressPlan) -> Cluster {
    let names = [
        PLAIN,
        NODE_PORT,
        NODE_PORT_LOCAL,
        BALANCER,
        BALANCER_LOCAL,
        ALLOWED,
        REFUSED,
        EXTERNAL,
        STICKY,
        NONE,
        ALONE,
        UDP,
        SCTP,
        FAR,
        BALANCER_NONE,
    ];
    let services = (0..).zip(names).map(|(index, name)| Arc::new(service(index, name, plan))).collect();
    let mut cluster = Cluster { services, ..Cluster::default() };
    cluster.node.addresses.push(NODE_ADDRESS_V6.into());
    cluster
}

fn service(index: u32, name: &str, plan: &AddressPlan) -> Service {
    let local = [NODE_PORT_LOCAL, BALANCER_LOCAL, FAR].contains(&name);
    let balanced = [BALANCER, BALANCER_LOCAL, ALLOWED, REFUSED, FAR, BALANCER_NONE].contains(&name);
    let count = match name {
        NONE | BALANCER_NONE => 0,
        ALONE => 1,
        _ => ENDPOINTS,
    };
    let place = |on: &str| Some(Arc::new(Place { node: on.to_owned(), ..Place::default() }));
    let endpoint = |number: u32| {
        let node = if number < ENDPOINTS / 2 && name != FAR { Node::default().name } else { "node-b".to_owned() };
        let addresses = [(*plan.endpoint(index, number).ip()).into(), plan.endpoint_v6(index, number).into()];
        let at = move |address| Endpoint::ready(SocketAddr::new(address, ENDPOINT_PORT));
        addresses.map(|address| Endpoint { place: place(&node), ..at(address) })
    };
    let port = Port {
        name: "http".to_owned(),
        protocol: match name {
            UDP => Protocol::Udp,
            SCTP => Protocol::Sctp,
            _ => Protocol::Tcp,
        },
        number: SERVICE_PORT,
        node_port: (balanced || local || [NODE_PORT, UDP].contains(&name)).then(|| plan.node_port(index)),
        endpoints: in_picking_order((0..count).flat_map(endpoint).collect()),
    };
    let ranges = |range: &str| -> Vec<IpNet> { vec![range.parse().expect("a network")] };
    Service {
        namespace: "default".to_owned(),
        name: name.to_owned(),
        kind: match port.node_port {
            _ if balanced => ServiceType::LoadBalancer,
            Some(_) => ServiceType::NodePort,
            None => ServiceType::ClusterIp,
        },
        cluster_ips: [plan.cluster_ip(index).into(), plan.cluster_ip_v6(index).into()].into_iter().collect(),
        external_ips: if name == EXTERNAL { vec![plan.external_ip(index).into()] } else { Vec::new() },
        ingress: [plan.balancer_address(index).into(), plan.balancer_address_v6(index).into()]
            .into_iter()
            .filter(|_| balanced)
            .map(|address| Ingress { address, mode: IpMode::Vip })
            .collect(),
        source_ranges: match name {
            ALLOWED => ranges("192.0.2.0/24"),
            REFUSED => ranges("203.0.113.0/24"),
            _ => Vec::new(),
        },
        affinity: (name == STICKY).then_some(AFFINITY),
        external_policy: if local { TrafficPolicy::Local } else { TrafficPolicy::Cluster },
        health_check_node_port: (name == BALANCER_LOCAL).then(|| plan.node_port(100)),
        ports: vec![port],
        ..Service::default()
    }
}
