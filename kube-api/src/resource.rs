//! The kinds of objects that the server has, and their names in paths.

use std::fmt;

/// A kind of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Namespaces: those of the Services, `default` and `kube-system`.
    Namespaces,
    /// The node.
    Nodes,
    /// Services.
    Services,
    /// Their endpoint slices.
    EndpointSlices,
    /// The ranges of cluster IPs.
    ServiceCidrs,
}

/// A version of an API group. Objects are kept as v1 and converted for who asks for v1beta1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    V1,
    /// Of endpoint slices up to Kubernetes 1.20, and of ServiceCIDRs from 1.31 to 1.33.
    V1Beta1,
}

impl Resource {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Namespaces, Self::Nodes, Self::Services, Self::EndpointSlices, Self::ServiceCidrs];

    /// Its name in paths, such as `endpointslices`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "namespaces",
            Self::Nodes => "nodes",
            Self::Services => "services",
            Self::EndpointSlices => "endpointslices",
            Self::ServiceCidrs => "servicecidrs",
        }
    }

    /// Its API group; empty for the core group.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Namespaces | Self::Nodes | Self::Services => "",
            Self::EndpointSlices => "discovery.k8s.io",
            Self::ServiceCidrs => "networking.k8s.io",
        }
    }

    /// The kind of its objects, such as `EndpointSlice`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Namespaces => "Namespace",
            Self::Nodes => "Node",
            Self::Services => "Service",
            Self::EndpointSlices => "EndpointSlice",
            Self::ServiceCidrs => "ServiceCIDR",
        }
    }

    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Namespaces => "namespace",
            Self::Nodes => "node",
            Self::Services => "service",
            Self::EndpointSlices => "endpointslice",
            Self::ServiceCidrs => "servicecidr",
        }
    }

    /// What kubectl takes for it, too.
    pub(crate) fn short_names(self) -> &'static [&'static str] {
        match self {
            Self::Namespaces => &["ns"],
            Self::Nodes => &["no"],
            Self::Services => &["svc"],
            Self::EndpointSlices => &[],
            Self::ServiceCidrs => &[],
        }
    }

    pub(crate) fn is_namespaced(self) -> bool {
        matches!(self, Self::Services | Self::EndpointSlices)
    }

    /// The `apiVersion` of its objects.
    pub(crate) fn api_version(self, version: ApiVersion) -> String {
        let version = version.name();
        match self.group() {
            "" => version.to_owned(),
            group => format!("{group}/{version}"),
        }
    }

    /// Its place in [`Self::ALL`].
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl ApiVersion {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1Beta1 => "v1beta1",
        }
    }
}

/// As in paths.
impl fmt::Display for Resource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
