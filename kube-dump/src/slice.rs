//! The endpoints of each Service's port, gathered from all its endpoint slices.

use crate::port::Family;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use lab_core::cluster::Protocol;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// The label that names a slice's Service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// What a port is found by: namespace, Service, port name, protocol, family. As in kube-proxy's `endpointslicecache.go`.
type Key = (String, String, String, Protocol, Family);

/// Every Service's endpoints.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    of: BTreeMap<Key, Behind>,
}

/// What is behind a port.
#[derive(Debug, Clone, Default)]
struct Behind {
    ready: BTreeSet<SocketAddr>,
    going: BTreeSet<SocketAddr>,
}

impl Endpoints {
    /// Adds a slice. One without the name of a Service, or of names instead of addresses, is nothing to kube-proxy.
    ///
    /// # Errors
    /// When an address or a port is none.
    pub(crate) fn add(&mut self, slice: &EndpointSlice) -> Result<(), String> {
        let metadata = &slice.metadata;
        let service = metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME));
        let (Some(service), family) = (service, slice.address_type.as_str()) else { return Ok(()) };
        let family = match family {
            "IPv4" => Family::V4,
            "IPv6" => Family::V6,
            _ => return Ok(()),
        };
        for port in slice.ports.iter().flatten() {
            // A slice's port without a number stands for all ports, which kube-proxy passes over.
            let Some(number) = port.port else { continue };
            let number = u16::try_from(number).map_err(|_| format!("{number} is no port"))?;
            let key = (
                metadata.namespace.clone().unwrap_or_default(),
                service.clone(),
                port.name.clone().unwrap_or_default(),
                protocol(port.protocol.as_deref())?,
                family,
            );
            let behind = self.of.entry(key).or_default();
            for endpoint in slice.endpoints.iter().flatten() {
                behind.add(endpoint, number)?;
            }
        }
        Ok(())
    }

    /// The endpoints behind a port, and whether they are ready.
    pub(crate) fn behind(
        &self,
        namespace: &str,
        service: &str,
        port: &str,
        protocol: Protocol,
        family: Family,
    ) -> (Vec<SocketAddr>, bool) {
        let key = (namespace.to_owned(), service.to_owned(), port.to_owned(), protocol, family);
        let behind = self.of.get(&key).cloned().unwrap_or_default();
        let ready = !behind.ready.is_empty();
        (if ready { behind.ready } else { behind.going }.into_iter().collect(), ready)
    }
}

impl Behind {
    fn add(&mut self, endpoint: &Endpoint, port: u16) -> Result<(), String> {
        let conditions = endpoint.conditions.clone().unwrap_or_default();
        // What is not said counts as yes, for `terminating` as no (`EndpointConditions` in discovery/v1).
        let ready = conditions.ready.unwrap_or(true);
        let going = conditions.serving.unwrap_or(true) && conditions.terminating.unwrap_or(false);
        for address in &endpoint.addresses {
            let address: IpAddr = address.parse().map_err(|_| format!("\"{address}\" is no address"))?;
            let endpoint = SocketAddr::new(address, port);
            if ready {
                self.ready.insert(endpoint);
            } else if going {
                self.going.insert(endpoint);
            }
        }
        Ok(())
    }
}

/// A protocol as Kubernetes spells it; TCP where it says nothing.
pub(crate) fn protocol(name: Option<&str>) -> Result<Protocol, String> {
    match name.unwrap_or("TCP") {
        "TCP" => Ok(Protocol::Tcp),
        "UDP" => Ok(Protocol::Udp),
        "SCTP" => Ok(Protocol::Sctp),
        other => Err(format!("\"{other}\" is no protocol")),
    }
}
