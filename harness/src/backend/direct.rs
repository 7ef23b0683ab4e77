//! `direct`: no Service. The client connects to an endpoint. All other backends are compared with it.

use super::Backend;
use crate::cell_error::CellError;
use crate::tool::Runner;
use lab_core::cluster::{Endpoint, Node, ServicePort};
use lab_core::layout::{Installed, Tool};
use lab_core::vocabulary::{Access, BackendName};
use std::net::SocketAddr;

pub(super) struct Direct;

impl Backend for Direct {
    fn name(&self) -> BackendName {
        BackendName::Direct
    }
    fn program(&self, _: Tool) -> &'static str {
        "none"
    }
    fn tools(&self) -> &'static [Tool] {
        &[]
    }
    fn modules(&self) -> &'static [&'static str] {
        &[]
    }
    fn installed(&self, _: &dyn Runner) -> Result<Installed, CellError> {
        Ok(Installed::default())
    }
    fn address(&self, service: ServicePort<'_>, _: Access, _: &Node, attempt: usize) -> Option<SocketAddr> {
        let place = attempt.checked_rem(service.endpoint_count())?;
        service.endpoints().nth(place).map(Endpoint::socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::cluster::{AddressPlan, Cluster, Family};

    #[test]
    fn endpoints_take_turns_and_without_any_there_is_nothing_to_connect_to() {
        for (endpoints, expected) in [(0, [None, None]), (1, [Some(1), Some(1)]), (2, [Some(2), Some(1)])] {
            let cluster = Cluster::generate(1, &AddressPlan::new(endpoints));
            let service = cluster.ports(Family::V4).next().unwrap();
            let address = |host: u8| SocketAddr::from(([10, 192, 0, host], 8080));
            let dialed = [1, 2].map(|attempt| Direct.address(service, Access::ClusterIp, &cluster.node, attempt));
            assert_eq!(dialed, expected.map(|host| host.map(address)));
        }
    }
}
