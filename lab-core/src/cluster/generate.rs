//! A generated cluster, and the changes that the lab makes to it.

use super::endpoint::{Endpoint, in_picking_order};
use super::family::Family;
use super::supply::Supply;
use super::{Cluster, ENDPOINT_PORT, NODE_ADDRESS_V6};
use crate::vocabulary::Position;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

impl Cluster {
    /// The first `services` Services of `supply`. An address plan's are called from `default/svc-00001` on.
    ///
    /// Call [`Supply::check`] first: beyond the capacity, addresses are outside their ranges.
    #[must_use]
    pub fn generate(services: u32, supply: &dyn Supply) -> Self {
        let services: Vec<_> = (0..services).map(|index| Arc::new(supply.service(index))).collect();
        let mut cluster = Self { services, ..Self::default() };
        supply.zone().clone_into(&mut cluster.node.zone);
        if cluster.ports(Family::V6).next().is_some() {
            cluster.node.addresses.push(NODE_ADDRESS_V6.into());
        }
        cluster
    }

    /// The place of the Service that changes are made to; `None` in an empty cluster.
    #[must_use]
    pub fn middle(&self) -> Option<usize> {
        let count = self.count();
        (count > 0).then(|| Position::Middle.index(count) as usize)
    }

    fn count(&self) -> u32 {
        u32::try_from(self.services.len()).expect("Services number less than 2^32")
    }

    /// With one more Service at the end, which `supply` has in reserve.
    #[must_use]
    pub fn with_service_added(&self, supply: &dyn Supply) -> Self {
        let mut after = self.clone();
        let mut service = supply.service(self.count());
        service.affinity = service.affinity.or(self.services.first().and_then(|first| first.affinity));
        after.services.push(Arc::new(service));
        after
    }

    /// With this session affinity of every Service; without any, as it is.
    #[must_use]
    pub fn with_affinity(mut self, affinity: Option<Duration>) -> Self {
        let affinity @ Some(_) = affinity else { return self };
        for place in 0..self.services.len() {
            if self.services[place].affinity != affinity {
                self.service_mut(place).affinity = affinity;
            }
        }
        self
    }

    /// Without its middle Service; an empty cluster stays as it is.
    #[must_use]
    pub fn with_middle_removed(&self) -> Self {
        let mut after = self.clone();
        if let Some(middle) = self.middle() {
            after.services.remove(middle);
        }
        after
    }

    /// With a middle Service without endpoints; an empty cluster stays as it is.
    #[must_use]
    pub fn with_middle_at_zero(&self) -> Self {
        let mut after = self.clone();
        if let Some(middle) = self.middle() {
            after.service_mut(middle).ports.iter_mut().for_each(|port| port.endpoints.clear());
        }
        after
    }

    /// With the last endpoint of its middle Service replaced by the spare one of `supply`; an empty cluster stays as it is.
    #[must_use]
    pub fn with_endpoint_replaced(&self, supply: &dyn Supply) -> Self {
        let mut after = self.clone();
        if let Some(middle) = self.middle() {
            let spare = |family| supply.spare(Position::Middle.index(self.count()), family);
            let service = after.service_mut(middle);
            let first = if service.cluster_ips.v4.is_some() { Family::V4 } else { Family::V6 };
            for port in &mut service.ports {
                let number = port.endpoints.first().map_or(ENDPOINT_PORT, |endpoint| endpoint.port);
                if port.endpoints.is_empty() {
                    port.endpoints.push(Endpoint::ready(SocketAddr::new(spare(first), number)));
                }
                for family in Family::ALL {
                    let of_family = |endpoint: &&mut Endpoint| Family::of(endpoint.address) == family;
                    if let Some(last) = port.endpoints.iter_mut().rfind(of_family) {
                        last.address = spare(family);
                    }
                }
                port.endpoints = in_picking_order(std::mem::take(&mut port.endpoints));
            }
        }
        after
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AddressPlan, Service};
    use super::*;

    fn endpoints(service: &Service) -> Vec<String> {
        service.ports[0].endpoints.iter().map(|endpoint| endpoint.socket().to_string()).collect()
    }

    #[test]
    fn the_first_service_has_the_names_and_addresses_that_the_captures_use() {
        let cluster = Cluster::generate(1, &AddressPlan::new(2));
        let service = cluster.ports(Family::V4).next().unwrap();
        assert_eq!(service.to_string(), "default/svc-00001:http");
        assert_eq!(service.socket().to_string(), "10.96.0.11:80");
        assert_eq!(endpoints(service.service), ["10.192.0.1:8080", "10.192.0.2:8080"]);
    }

    #[test]
    fn the_added_service_is_the_one_after_the_last() {
        let plan = AddressPlan::new(2);
        let after = Cluster::generate(4, &plan).with_service_added(&plan);
        assert_eq!(after, Cluster::generate(5, &plan));
    }

    #[test]
    fn the_middle_service_is_the_one_removed() {
        let after = Cluster::generate(5, &AddressPlan::new(1)).with_middle_removed();
        let names: Vec<&str> = after.services.iter().map(|service| service.name.as_str()).collect();
        assert_eq!(names, ["svc-00001", "svc-00002", "svc-00004", "svc-00005"]);
    }

    #[test]
    fn the_spare_takes_the_last_endpoints_place() {
        let plan = AddressPlan::new(2);
        let after = Cluster::generate(3, &plan).with_endpoint_replaced(&plan);
        assert_eq!(endpoints(&after.services[1]), ["10.208.0.1:8080", "10.208.0.3:8080"]);
    }

    #[test]
    fn an_empty_cluster_has_no_middle_to_change() {
        let empty = Cluster::default();
        assert_eq!(empty.with_middle_removed(), empty);
        assert_eq!(empty.with_middle_at_zero(), empty);
        assert_eq!(empty.with_endpoint_replaced(&AddressPlan::new(1)), empty);
    }
}
