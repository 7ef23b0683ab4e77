//! Every metric: its unit, whether more or less is better, and its meaning.

mod better;
mod unit;

pub use better::Better;
pub use unit::Unit;

use crate::vocabulary::words;

/// A quantity the lab measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "Metric::meaning documents each one, for users too")]
pub enum Metric {
    SyncFull,
    SyncChange,
    EndpointChange,
    RemoveService,
    AppendRule,
    Reload,
    CpuSync,
    SyncVirtualServers,
    SyncAddresses,
    SyncSets,
    SyncRules,
    SyncRead,
    SyncWrite,
    SyncConntrack,
    ToolUser,
    ToolSystem,
    ToolExec,
    ToolPeakRss,
    Connect,
    FirstByte,
    ConnectionsPerSecond,
    Bandwidth,
    CpuUser,
    CpuSystem,
    CpuSoftirq,
    KernelMemory,
    Rules,
    Chains,
    SetElements,
    VirtualServers,
    RealServers,
    Addresses,
    ScriptBytes,
    Restart,
    InForce,
    DriverSync,
    DriverStart,
    DriverList,
    DriverCpu,
    DriverMemory,
    Resync,
    IdleCpu,
    ToolRuns,
    ToolRunsIptables,
    ToolRunsRestore,
    ToolRunsSave,
    ToolRunsNft,
    ToolRunsIpset,
    ToolRunsConntrack,
    BuildOneByOne,
    BuildCalls,
    OpenLoop,
    OpenLoopLost,
    OpenLoopReset,
    HeldReply,
    HeldLost,
    SyncBeside,
    FullSyncBeside,
    WriterCall,
    WriterTried,
    WriterRefused,
    ConntrackDropped,
    ConntrackEvicted,
    UdpDark,
    UdpSent,
    UdpLost,
    LoadAfterFailure,
    FailedLoad,
    FailureMemory,
    BindDummy,
    BindAlias,
    BindRoutes,
    BindRange,
    BindOne,
    Unbind,
    BindMemory,
    ArpAnswered,
    ArpAnsweredStrict,
    PingAnswered,
    StrayAnswered,
    Spread,
    SpreadConnections,
    SpreadLeast,
    SpreadMost,
    Affinity,
    AffinityNew,
    AffinityReturned,
    AffinityMoved,
    AffinityExpired,
    AffinityKept,
    AffinityCrowd,
    AffinityForgotten,
}

words!("metric", Metric {
    SyncFull = "sync_full",
    SyncChange = "sync_change",
    EndpointChange = "endpoint_change",
    RemoveService = "remove_service",
    AppendRule = "append_rule",
    Reload = "reload",
    CpuSync = "cpu_sync",
    SyncVirtualServers = "sync_virtual_servers",
    SyncAddresses = "sync_addresses",
    SyncSets = "sync_sets",
    SyncRules = "sync_rules",
    SyncRead = "sync_read",
    SyncWrite = "sync_write",
    SyncConntrack = "sync_conntrack",
    ToolUser = "tool_user",
    ToolSystem = "tool_system",
    ToolExec = "tool_exec",
    ToolPeakRss = "tool_peak_rss",
    Connect = "connect",
    FirstByte = "first_byte",
    ConnectionsPerSecond = "connections_per_second",
    Bandwidth = "bandwidth",
    CpuUser = "cpu_user",
    CpuSystem = "cpu_system",
    CpuSoftirq = "cpu_softirq",
    KernelMemory = "kernel_memory",
    Rules = "rules",
    Chains = "chains",
    SetElements = "set_elements",
    VirtualServers = "virtual_servers",
    RealServers = "real_servers",
    Addresses = "addresses",
    ScriptBytes = "script_bytes",
    Restart = "restart",
    InForce = "in_force",
    DriverSync = "driver_sync",
    DriverStart = "driver_start",
    DriverList = "driver_list",
    DriverCpu = "driver_cpu",
    DriverMemory = "driver_memory",
    Resync = "resync",
    IdleCpu = "idle_cpu",
    ToolRuns = "tool_runs",
    ToolRunsIptables = "tool_runs_iptables",
    ToolRunsRestore = "tool_runs_restore",
    ToolRunsSave = "tool_runs_save",
    ToolRunsNft = "tool_runs_nft",
    ToolRunsIpset = "tool_runs_ipset",
    ToolRunsConntrack = "tool_runs_conntrack",
    BuildOneByOne = "build_one_by_one",
    BuildCalls = "build_calls",
    OpenLoop = "open_loop",
    OpenLoopLost = "open_loop_lost",
    OpenLoopReset = "open_loop_reset",
    HeldReply = "held_reply",
    HeldLost = "held_lost",
    SyncBeside = "sync_beside",
    FullSyncBeside = "full_sync_beside",
    WriterCall = "writer_call",
    WriterTried = "writer_tried",
    WriterRefused = "writer_refused",
    ConntrackDropped = "conntrack_dropped",
    ConntrackEvicted = "conntrack_evicted",
    UdpDark = "udp_dark",
    UdpSent = "udp_sent",
    UdpLost = "udp_lost",
    LoadAfterFailure = "load_after_failure",
    FailedLoad = "failed_load",
    FailureMemory = "failure_memory",
    BindDummy = "bind_dummy",
    BindAlias = "bind_alias",
    BindRoutes = "bind_routes",
    BindRange = "bind_range",
    BindOne = "bind_one",
    Unbind = "unbind",
    BindMemory = "bind_memory",
    ArpAnswered = "arp_answered",
    ArpAnsweredStrict = "arp_answered_strict",
    PingAnswered = "ping_answered",
    StrayAnswered = "stray_answered",
    Spread = "spread",
    SpreadConnections = "spread_connections",
    SpreadLeast = "spread_least",
    SpreadMost = "spread_most",
    Affinity = "affinity",
    AffinityNew = "affinity_new",
    AffinityReturned = "affinity_returned",
    AffinityMoved = "affinity_moved",
    AffinityExpired = "affinity_expired",
    AffinityKept = "affinity_kept",
    AffinityCrowd = "affinity_crowd",
    AffinityForgotten = "affinity_forgotten",
});

impl Metric {
    /// The base unit of its samples.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::ToolPeakRss
            | Self::KernelMemory
            | Self::ScriptBytes
            | Self::DriverMemory
            | Self::FailureMemory
            | Self::BindMemory => Unit::Bytes,
            Self::ConnectionsPerSecond => Unit::PerSecond,
            Self::Bandwidth => Unit::BitsPerSecond,
            Self::CpuSync | Self::CpuUser | Self::CpuSystem | Self::CpuSoftirq | Self::IdleCpu => Unit::Share,
            Self::Rules
            | Self::Chains
            | Self::SetElements
            | Self::VirtualServers
            | Self::RealServers
            | Self::Addresses
            | Self::ToolRuns
            | Self::ToolRunsIptables
            | Self::ToolRunsRestore
            | Self::ToolRunsSave
            | Self::ToolRunsNft
            | Self::ToolRunsIpset
            | Self::ToolRunsConntrack
            | Self::BuildCalls
            | Self::OpenLoopLost
            | Self::OpenLoopReset
            | Self::HeldLost
            | Self::WriterTried
            | Self::WriterRefused
            | Self::ConntrackDropped
            | Self::ConntrackEvicted
            | Self::UdpSent
            | Self::UdpLost
            | Self::ArpAnswered
            | Self::ArpAnsweredStrict
            | Self::PingAnswered
            | Self::StrayAnswered
            | Self::Spread
            | Self::SpreadConnections
            | Self::SpreadLeast
            | Self::SpreadMost
            | Self::AffinityReturned
            | Self::AffinityMoved
            | Self::AffinityExpired
            | Self::AffinityKept
            | Self::AffinityCrowd
            | Self::AffinityForgotten => Unit::Count,
            _ => Unit::Ns,
        }
    }

    /// Which way it gets better.
    #[must_use]
    pub fn better(self) -> Better {
        match self {
            Self::ConnectionsPerSecond | Self::Bandwidth => Better::Higher,
            // Work that is done, and not always the same.
            Self::ToolRuns
            | Self::ToolRunsIptables
            | Self::ToolRunsRestore
            | Self::ToolRunsSave
            | Self::ToolRunsNft
            | Self::ToolRunsIpset
            | Self::ToolRunsConntrack
            | Self::OpenLoopLost
            | Self::OpenLoopReset
            | Self::HeldLost
            | Self::WriterRefused
            | Self::ConntrackDropped
            | Self::ConntrackEvicted
            | Self::UdpLost
            | Self::AffinityMoved
            | Self::AffinityForgotten => Better::Lower,
            metric if metric.unit() == Unit::Count => Better::Neither,
            Self::ScriptBytes => Better::Neither,
            _ => Better::Lower,
        }
    }

    /// Turns a figure into a cost, of which less is better: the reciprocal if more is better. Works both ways, and for
    /// ratios.
    #[must_use]
    pub fn cost(self, figure: f64) -> f64 {
        if self.better() == Better::Higher { 1.0 / figure } else { figure }
    }

    /// What it means, in a sentence fit for a report on any clock.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::SyncFull => "empty node to N Services, the release's reads included (cold start)",
            Self::SyncChange => "one Service with its endpoints added to N: the release's reads, then its writes",
            Self::EndpointChange => "one endpoint of the middle Service replaced: reads, then writes",
            Self::RemoveService => "the middle Service removed: reads, then writes",
            Self::AppendRule => "one rule added by the command-line tool",
            Self::Reload => "emptied and loaded again at once, as after a restart that cleans up",
            Self::CpuSync => "CPU spent while an endpoint changes ten times a second, as a share of one core",
            Self::SyncVirtualServers => "the part of a full load that is virtual and real servers",
            Self::SyncAddresses => "the part of a full load that is cluster IPs bound to kube-ipvs0",
            Self::SyncSets => "the part of a full load that is ipsets and their entries",
            Self::SyncRules => "the part of a full load that is iptables chains and rules",
            Self::SyncRead => "the part of a sync that lists what is installed before anything is written",
            Self::SyncWrite => "the part of a sync that writes: rules, sets, addresses, virtual servers",
            Self::SyncConntrack => "the part of a sync that removes entries of conntrack",
            Self::ToolUser => "what the tool's run spent in user mode",
            Self::ToolSystem => "what the tool's run spent in the kernel",
            Self::ToolExec => "process start of the tool: what it takes to print its version",
            Self::ToolPeakRss => "largest resident memory of the tool's run",
            Self::Connect => "a new connection, SYN to established",
            Self::FirstByte => "a new connection, SYN to the first byte of the answer",
            Self::ConnectionsPerSecond => "connect, request, response, close, over and over",
            Self::Bandwidth => "one iperf3 stream",
            Self::CpuUser => "user time of the whole machine meanwhile, by ticks, as a share of one core",
            Self::CpuSystem => "system time of the whole machine meanwhile, by ticks, as a share of one core",
            Self::CpuSoftirq => "softirqs of the whole machine while the traffic ran, as a share of one core",
            Self::KernelMemory => "what the installed rules hold in the kernel",
            Self::Rules => "rules installed",
            Self::Chains => "chains installed",
            Self::SetElements => "elements of named sets and maps installed",
            Self::VirtualServers => "IPVS virtual servers installed",
            Self::RealServers => "IPVS real servers installed",
            Self::Addresses => "cluster IPs bound to kube-ipvs0",
            Self::ScriptBytes => "size of the text that the tool was given",
            Self::Restart => {
                "a start anew on a node that holds its rules, until the first sync is over; of a kube-proxy the start of its process, too"
            }
            Self::InForce => "a Service added at the API server until a connection to it succeeds",
            Self::DriverSync => "what kube-proxy itself says that its sync took",
            Self::DriverStart => "start of kube-proxy until its first sync begins, without the lists of its objects",
            Self::DriverList => "the first request for Services or endpoints until all of them are sent",
            Self::DriverCpu => "CPU time of kube-proxy itself, without the tools that it starts",
            Self::DriverMemory => "largest resident memory of kube-proxy so far",
            Self::Resync => "a full sync where nothing changed, as kube-proxy makes once an hour",
            Self::IdleCpu => "CPU of kube-proxy and its tools while nothing changes, as a share of one core",
            Self::ToolRuns => "processes that kube-proxy started",
            Self::ToolRunsIptables => "of these, iptables and ip6tables",
            Self::ToolRunsRestore => "of these, iptables-restore and ip6tables-restore",
            Self::ToolRunsSave => "of these, iptables-save and ip6tables-save",
            Self::ToolRunsNft => "of these, nft",
            Self::ToolRunsIpset => "of these, ipset",
            Self::ToolRunsConntrack => "of these, conntrack",
            Self::BuildOneByOne => "the table of N Services built rule by rule, one call of the tool for each",
            Self::BuildCalls => "calls of the tool for a table that is built rule by rule",
            Self::OpenLoop => "a new connection at a fixed rate: from the moment it was due to the first byte",
            Self::OpenLoopLost => "connections at a fixed rate that got no answer in time",
            Self::OpenLoopReset => "connections at a fixed rate that were reset or refused",
            Self::HeldReply => "an answer on a connection that stays open: from the moment its request was due",
            Self::HeldLost => "connections that were open, and broke",
            Self::SyncBeside => "a sync of a changed endpoint that ran beside the probe",
            Self::FullSyncBeside => "a sync of everything that ran beside the probe",
            Self::WriterCall => "a call of somebody else's tool beside the probe, which waits for the xtables lock",
            Self::WriterTried => "calls of somebody else's tool that do not wait for the xtables lock",
            Self::WriterRefused => "of these, calls that were refused because the xtables lock was held",
            Self::ConntrackDropped => {
                "packets of new connections that were dropped because the conntrack table was full"
            }
            Self::ConntrackEvicted => "entries of the conntrack table that made room for a new one",
            Self::UdpDark => "an endpoint of UDP gone until a client of it is answered by another one",
            Self::UdpSent => "datagrams of a client whose endpoint is gone",
            Self::UdpLost => "of these, datagrams that got no answer",
            Self::LoadAfterFailure => "empty node to N Services, right after a load that the kernel refused half-way",
            Self::FailedLoad => "a load that the kernel refuses half-way, until the tool says so",
            Self::FailureMemory => "what a refused load leaves in the kernel",
            Self::BindDummy => "cluster IPs bound to a dummy device, one request for each",
            Self::BindAlias => "cluster IPs bound to the device that the neighbours are on, one request for each",
            Self::BindRoutes => "a local route for each cluster IP, one request for each",
            Self::BindRange => "a single local route for the whole range of cluster IPs",
            Self::BindOne => "one cluster IP more, bound beside those that are",
            Self::Unbind => "all that was bound taken away again, one request for each",
            Self::BindMemory => "what bound cluster IPs hold in the kernel",
            Self::ArpAnswered => "of two bound cluster IPs, those for which the node answers a neighbour's ARP",
            Self::ArpAnsweredStrict => "the same with arp_ignore 1 and arp_announce 2, which strictARP sets",
            Self::PingAnswered => "of two bound cluster IPs, those that answer a ping from a pod",
            Self::StrayAnswered => "of one address of the range that no Service has, whether it answers a ping",
            Self::Spread => "how unevenly many connections reach the endpoints of a Service: chi-squared over them",
            Self::SpreadConnections => "connections whose endpoints were counted",
            Self::SpreadLeast => "of these, those that reached the endpoint with the fewest",
            Self::SpreadMost => "of these, those that reached the endpoint with the most",
            Self::Affinity => "a client that comes back within the time of its session affinity, to the first byte",
            Self::AffinityNew => {
                "the first connection of a client to a Service with session affinity, to the first byte"
            }
            Self::AffinityReturned => "connections of clients that come back in time",
            Self::AffinityMoved => "connections of clients that come back in time, and reach another endpoint",
            Self::AffinityExpired => "clients that come back when the time of their affinity is over",
            Self::AffinityKept => "clients that come back when that time is over, and reach the endpoint they had",
            Self::AffinityCrowd => "clients of a crowd, each of which comes back in time",
            Self::AffinityForgotten => "clients of a crowd that come back in time, and reach another endpoint",
        }
    }
}
