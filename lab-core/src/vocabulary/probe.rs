//! The probes by name: what each asks, and the metric it is named after.

use super::word::{Word, words};
use crate::metric::Metric;

/// What is asked of a programmed node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeName {
    /// Empty node to N Services by the backend's bulk method.
    SyncFull,
    /// One Service with its endpoints added to N.
    SyncChange,
    /// One endpoint of one Service replaced.
    EndpointChange,
    /// One of N Services removed.
    RemoveService,
    /// One rule appended by the command-line tool.
    AppendRule,
    /// A new connection: to established and to the first byte.
    Connect,
    /// Connect, request, response, close, as often as possible.
    ConnectionsPerSecond,
    /// One iperf3 stream.
    Bandwidth,
    /// Endpoints change all the time, and the backend syncs as often as kube-proxy would.
    Churn,
    /// The node is emptied and loaded again at once.
    Reload,
    /// What programs the node starts anew, where its rules are there already.
    Restart,
    /// kube-proxy is made to write everything again.
    Resync,
    /// Nothing changes for as long as kube-proxy's period.
    Idle,
    /// New connections at a fixed rate, whatever became of those before, and others that stay open.
    OpenLoop,
    /// The whole table built rule by rule.
    BuildOneByOne,
    /// An endpoint of a UDP Service goes away while a client sends to it.
    UdpStale,
    /// A UDP Service is scaled to zero while a client sends to it.
    UdpBlackhole,
    /// An endpoint is removed while connections lead to it, and their ports are used again.
    RemovedEndpoint,
    /// Empty node to N Services, after a load that the kernel refused half-way.
    LoadAfterFailure,
    /// The cluster IPs bound to a dummy device.
    BindDummy,
    /// The cluster IPs bound to the device that the neighbours are on.
    BindAlias,
    /// A local route for each cluster IP.
    BindRoutes,
    /// A single local route for the whole range of cluster IPs.
    BindRange,
    /// Many connections to one Service: how evenly they reach its endpoints.
    Spread,
    /// Clients that come back to a Service with session affinity: whether they reach the endpoint they had.
    Affinity,
}

words!("probe", ProbeName {
    SyncFull = "sync_full",
    SyncChange = "sync_change",
    EndpointChange = "endpoint_change",
    RemoveService = "remove_service",
    AppendRule = "append_rule",
    Connect = "connect",
    ConnectionsPerSecond = "connections_per_second",
    Bandwidth = "bandwidth",
    Churn = "churn",
    Reload = "reload",
    Restart = "restart",
    Resync = "resync",
    Idle = "idle",
    OpenLoop = "open_loop",
    BuildOneByOne = "build_one_by_one",
    UdpStale = "udp_stale",
    UdpBlackhole = "udp_blackhole",
    RemovedEndpoint = "removed_endpoint",
    LoadAfterFailure = "load_after_failure",
    BindDummy = "bind_dummy",
    BindAlias = "bind_alias",
    BindRoutes = "bind_routes",
    BindRange = "bind_range",
    Spread = "spread",
    Affinity = "affinity",
});

impl ProbeName {
    /// The default probes of a scenario: all but the long ones.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let long = |probe: &Self| {
            matches!(
                probe,
                Self::Churn
                    | Self::Reload
                    | Self::Restart
                    | Self::Idle
                    | Self::OpenLoop
                    | Self::BuildOneByOne
                    | Self::UdpStale
                    | Self::UdpBlackhole
                    | Self::RemovedEndpoint
                    | Self::LoadAfterFailure
                    | Self::Spread
                    | Self::Affinity
            ) || probe.binds()
        };
        Self::ALL.iter().copied().filter(|probe| !long(probe)).collect()
    }

    /// Whether it can be asked where the lab programs the node itself.
    #[must_use]
    pub fn is_of_lab(self) -> bool {
        !matches!(self, Self::Resync | Self::Idle)
    }

    /// Whether it binds cluster IPs to a node of its own, which nothing else programs.
    #[must_use]
    pub fn binds(self) -> bool {
        matches!(self, Self::BindDummy | Self::BindAlias | Self::BindRoutes | Self::BindRange)
    }

    /// Whether it can be asked where a kube-proxy binary programs the node. It adds no single rule, and
    /// nothing that the kernel refuses.
    #[must_use]
    pub fn is_of_kube_proxy(self) -> bool {
        !matches!(self, Self::AppendRule | Self::BuildOneByOne | Self::LoadAfterFailure) && !self.binds()
    }

    /// Whether the probe programs the node. Such a probe has no cells for `direct`.
    #[must_use]
    pub fn programs(self) -> bool {
        matches!(
            self,
            Self::SyncFull
                | Self::SyncChange
                | Self::EndpointChange
                | Self::RemoveService
                | Self::AppendRule
                | Self::Churn
                | Self::Reload
                | Self::Restart
                | Self::Resync
                | Self::Idle
                | Self::BuildOneByOne
                | Self::UdpStale
                | Self::UdpBlackhole
                | Self::RemovedEndpoint
                | Self::LoadAfterFailure
        )
    }
}

impl Metric {
    /// The metric that a probe is named after. Every cell of the probe has it.
    #[must_use]
    pub fn of(probe: ProbeName) -> Self {
        match probe {
            ProbeName::SyncFull => Self::SyncFull,
            ProbeName::SyncChange => Self::SyncChange,
            ProbeName::EndpointChange => Self::EndpointChange,
            ProbeName::RemoveService => Self::RemoveService,
            ProbeName::AppendRule => Self::AppendRule,
            ProbeName::Connect => Self::Connect,
            ProbeName::ConnectionsPerSecond => Self::ConnectionsPerSecond,
            ProbeName::Bandwidth => Self::Bandwidth,
            ProbeName::Churn => Self::CpuSync,
            ProbeName::Reload => Self::Reload,
            ProbeName::Restart => Self::Restart,
            ProbeName::Resync => Self::Resync,
            ProbeName::Idle => Self::IdleCpu,
            ProbeName::OpenLoop => Self::OpenLoop,
            ProbeName::BuildOneByOne => Self::BuildOneByOne,
            ProbeName::UdpStale => Self::UdpLost,
            ProbeName::UdpBlackhole => Self::BlackholeCpu,
            ProbeName::RemovedEndpoint => Self::ReusedPort,
            ProbeName::LoadAfterFailure => Self::LoadAfterFailure,
            ProbeName::BindDummy => Self::BindDummy,
            ProbeName::BindAlias => Self::BindAlias,
            ProbeName::BindRoutes => Self::BindRoutes,
            ProbeName::BindRange => Self::BindRange,
            ProbeName::Spread => Self::Spread,
            ProbeName::Affinity => Self::Affinity,
        }
    }
}
