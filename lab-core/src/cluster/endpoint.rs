//! An endpoint: a pod's address and port behind a Service, and whether it may be sent to.

use super::node::Node;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What an endpoint slice says of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Conditions {
    /// New connections may go to it.
    pub ready: bool,
    /// It answers, though it may be terminating.
    pub serving: bool,
    /// Its pod is being deleted.
    pub terminating: bool,
}

/// If a slice says nothing: ready and serving.
impl Default for Conditions {
    fn default() -> Self {
        Self { ready: true, serving: true, terminating: false }
    }
}

/// What an endpoint may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Use {
    /// It is ready.
    Ready,
    /// It is terminating, and still serves: used while its Service has no ready endpoint.
    Fallback,
    /// Nothing is sent to it.
    Unused,
}

/// Where an endpoint's pod runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The node's name; empty when it is unknown.
    pub node: String,
    /// The node's zone; empty when it is unknown.
    pub zone: String,
    /// The zones whose nodes are to send to it (topology hints); empty for none given.
    pub for_zones: Vec<String>,
    /// The nodes that are to send to it (topology hints); empty for none given.
    pub for_nodes: Vec<String>,
}

/// One endpoint of a Service's port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// Whether it may be sent to.
    pub conditions: Conditions,
    /// Where it runs; `None` if unknown, which counts as another node.
    pub place: Option<Arc<Place>>,
}

impl Endpoint {
    /// A ready endpoint on another node.
    #[must_use]
    pub fn ready(address: SocketAddr) -> Self {
        Self { address: address.ip(), port: address.port(), conditions: Conditions::default(), place: None }
    }

    /// Its address and port.
    #[must_use]
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Whether it runs on `node`.
    #[must_use]
    pub fn is_on(&self, node: &Node) -> bool {
        self.place.as_ref().is_some_and(|place| !place.node.is_empty() && place.node == node.name)
    }

    /// The hints of one kind.
    pub(super) fn hints(&self, of: impl Fn(&Place) -> &Vec<String>) -> &[String] {
        self.place.as_deref().map_or(&[], |place| of(place))
    }

    /// What it may be used for (`IsReady`, `IsServing` and `IsTerminating` in `categorizeEndpoints`).
    #[must_use]
    pub fn usage(&self) -> Use {
        let Conditions { ready, serving, terminating } = self.conditions;
        if ready {
            Use::Ready
        } else if serving && terminating {
            Use::Fallback
        } else {
            Use::Unused
        }
    }
}

/// Endpoints in the order in which kube-proxy picks among them: sorted as text (`byEndpoint` in its `endpoints.go`).
#[must_use]
pub fn in_picking_order(mut endpoints: Vec<Endpoint>) -> Vec<Endpoint> {
    endpoints.sort_by_cached_key(|endpoint| endpoint.socket().to_string());
    endpoints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_picked_in_the_order_of_their_text() {
        let endpoint = |text: &str| Endpoint::ready(text.parse().unwrap());
        let sorted = in_picking_order(vec![endpoint("10.192.0.9:8080"), endpoint("10.192.0.10:8080")]);
        assert_eq!(sorted, [endpoint("10.192.0.10:8080"), endpoint("10.192.0.9:8080")]);
    }

    #[test]
    fn a_terminating_endpoint_is_a_fallback_as_long_as_it_serves() {
        let with = |ready, serving, terminating| {
            let endpoint = Endpoint::ready("127.0.0.1:1".parse().unwrap());
            Endpoint { conditions: Conditions { ready, serving, terminating }, ..endpoint }.usage()
        };
        assert_eq!(with(true, true, false), Use::Ready);
        assert_eq!(with(false, true, true), Use::Fallback);
        assert_eq!(with(false, false, true), Use::Unused);
        assert_eq!(with(false, true, false), Use::Unused);
    }
}
