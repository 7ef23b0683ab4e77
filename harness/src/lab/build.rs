//! What a lab's node is built with: its pods, what is outside, one family or both.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use lab_core::cluster::{
    AddressPlan, BALANCER_RANGE, BALANCER_RANGE_V6, CLIENT_ADDRESS, CLIENT_ADDRESS_V6, Cluster, EXTERNAL_RANGE, Family,
    NODE_ADDRESS, NODE_ADDRESS_V6, OUTSIDE_ADDRESS, OUTSIDE_ADDRESS_V6, OUTSIDE_GATEWAY, OUTSIDE_GATEWAY_V6, POD_RANGE,
    POD_RANGE_V6, SERVICE_RANGE,
};
use lab_core::vocabulary::{BackendName, Forwarding, Origin};
use netns_topology::{Addresses, Delivery, Outside, Server, Wiring};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What is around a node, beside its pods. What nothing asks for is left out, so that it costs nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    /// Whether there is a machine outside, which the node has its default route to.
    outside: bool,
    /// Whether that has a route to pods, too: without Services, it dials endpoints.
    pods: bool,
    /// Whether there is IPv6.
    ipv6: bool,
}

impl Surroundings {
    /// For `cluster`, dialled from `origins`. If it `scales`, a Service loses all its endpoints on the way.
    pub(super) fn of(
        cluster: &Cluster,
        backend: BackendName,
        origins: impl IntoIterator<Item = Origin>,
        scales: bool,
    ) -> Self {
        // A packet to a Service without endpoints is refused only on its way through the node: that needs a route.
        let refuses = || {
            scales || Family::ALL.into_iter().flat_map(|family| cluster.ports(family)).any(|port| !port.has_endpoints())
        };
        Self {
            outside: origins.into_iter().any(|origin| origin != Origin::Pod) || refuses(),
            pods: backend == BackendName::Direct,
            ipv6: cluster.ports(Family::V6).next().is_some(),
        }
    }

    /// The node's own address.
    pub(super) fn node(self) -> Addresses {
        self.addresses(NODE_ADDRESS, NODE_ADDRESS_V6)
    }

    fn addresses(self, v4: Ipv4Addr, v6: Ipv6Addr) -> Addresses {
        Addresses { v4, v6: self.ipv6.then_some(v6) }
    }

    /// The addresses of the node, its pods and what is outside.
    pub(super) fn wiring(self, addresses: &AddressPlan, delivery: Delivery) -> Wiring {
        let server = |pod| {
            let v6 = self.ipv6.then(|| addresses.block_v6(pod).into());
            let blocks = [addresses.block(pod).into()].into_iter().chain(v6).collect();
            let address = self.addresses(addresses.server_address(pod), addresses.server_address_v6(pod));
            Server { address, blocks }
        };
        Wiring {
            node: self.node(),
            client: self.addresses(CLIENT_ADDRESS, CLIENT_ADDRESS_V6),
            servers: (0..addresses.server_pods).map(server).collect(),
            outside: self.outside.then(|| self.outside()),
            delivery,
        }
    }

    fn outside(self) -> Outside {
        let mut reaches = vec![
            Ipv4Net::from(NODE_ADDRESS).into(),
            EXTERNAL_RANGE.into(),
            BALANCER_RANGE.into(),
            Ipv6Net::from(NODE_ADDRESS_V6).into(),
            BALANCER_RANGE_V6.into(),
        ];
        if self.pods {
            reaches.extend([IpNet::V4(POD_RANGE), IpNet::V6(POD_RANGE_V6)]);
        }
        Outside {
            address: self.addresses(OUTSIDE_ADDRESS, OUTSIDE_ADDRESS_V6),
            gateway: self.addresses(OUTSIDE_GATEWAY, OUTSIDE_GATEWAY_V6),
            reaches,
        }
    }
}

/// As what packets reach servers, by how IPVS hands them on.
pub(super) fn delivery(forwarding: Forwarding) -> Delivery {
    match forwarding {
        Forwarding::Masquerading => Delivery::Rewritten,
        Forwarding::DirectRouting => Delivery::Unaltered(SERVICE_RANGE),
        Forwarding::Tunnel => Delivery::Tunnelled(SERVICE_RANGE),
    }
}
