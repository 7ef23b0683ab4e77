//! How a Service is reached, from where, and what the Services of a generated cluster are like.

use super::word::words;

/// As what a Service is dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Access {
    /// At its cluster IP.
    #[default]
    ClusterIp,
    /// At the node's address, on its node port.
    NodePort,
    /// At its load balancer's address.
    LoadBalancer,
    /// At an external IP.
    ExternalIp,
}

words!("access", Access {
    ClusterIp = "cluster-ip",
    NodePort = "node-port",
    LoadBalancer = "load-balancer",
    ExternalIp = "external-ip",
});

/// Where a Service is dialled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Origin {
    /// From a pod on the node.
    #[default]
    Pod,
    /// From the node itself.
    Node,
    /// From a machine outside the cluster.
    Outside,
}

words!("place to dial from", Origin { Pod = "pod", Node = "node", Outside = "outside" });

/// What the Services of a generated cluster are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Mix {
    /// All alike: one TCP port on a cluster IP, and the same number of endpoints.
    #[default]
    Uniform,
    /// The same, each on a node port, too.
    NodePort,
    /// The same, each on a node port and an address of a load balancer, too.
    LoadBalancer,
    /// The same, each on an external IP, too.
    ExternalIp,
    /// Of many kinds, as in a real cluster: every type, policies, affinity, UDP, several ports, both families, and
    /// Services without endpoints. What the one at an index is like depends on its index alone.
    Mixed,
}

words!("mix", Mix {
    Uniform = "uniform",
    NodePort = "node-port",
    LoadBalancer = "load-balancer",
    ExternalIp = "external-ip",
    Mixed = "mixed",
});

impl Mix {
    /// Whether some of its Services can be reached by `access`.
    #[must_use]
    pub fn offers(self, access: Access) -> bool {
        match self {
            Self::Mixed => true,
            Self::Uniform => access == Access::ClusterIp,
            Self::NodePort => matches!(access, Access::ClusterIp | Access::NodePort),
            Self::LoadBalancer => access != Access::ExternalIp,
            Self::ExternalIp => matches!(access, Access::ClusterIp | Access::ExternalIp),
        }
    }

    /// This mix or, if it is uniform and does not offer `access`, the uniform one that does.
    #[must_use]
    pub fn reached_by(self, access: Access) -> Self {
        match (self, access) {
            (Self::Uniform, Access::NodePort) => Self::NodePort,
            (Self::Uniform, Access::LoadBalancer) => Self::LoadBalancer,
            (Self::Uniform, Access::ExternalIp) => Self::ExternalIp,
            _ => self,
        }
    }
}

impl Origin {
    /// As the end of a sentence, or in a name: `from the node`.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Pod => "from a pod",
            Self::Node => "from the node",
            Self::Outside => "from outside",
        }
    }
}

impl Access {
    /// Why a Service cannot be reached so from `origin`; `None` if it can.
    #[must_use]
    pub fn impossible(self, origin: Origin) -> Option<&'static str> {
        let outside = (self, origin) == (Self::ClusterIp, Origin::Outside);
        outside.then_some("cluster IPs are routed inside the cluster only")
    }
}
