//! Every metric: its unit, which way it gets better, and its meaning.

mod better;
mod unit;

pub use better::Better;
pub use unit::Unit;

use crate::vocabulary::words;

/// Makes [`Metric`] of a table: a metric a row, with its word, its unit, which way it gets better, and its meaning, in a sentence
/// fit for a report on any clock.
macro_rules! metrics {
    ($($metric:ident = $word:literal, $unit:ident, $better:ident, $meaning:literal;)+) => {
        /// A quantity the lab measures.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $(#[doc = $meaning] $metric,)+
        }

        words!("metric", Metric { $($metric = $word,)+ });

        impl Metric {
            /// The base unit of its samples.
            #[must_use]
            pub fn unit(self) -> Unit {
                match self { $(Self::$metric => Unit::$unit),+ }
            }

            /// Which way it gets better. More of a count that only describes what is installed or was done is neither.
            #[must_use]
            pub fn better(self) -> Better {
                match self { $(Self::$metric => Better::$better),+ }
            }

            /// What it means, in a sentence fit for a report on any clock.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$metric => $meaning),+ }
            }
        }
    };
}

metrics! {
    SyncFull = "sync_full", Ns, Lower,
        "empty node to N Services, the release's reads included (cold start)";
    SyncChange = "sync_change", Ns, Lower,
        "one Service with its endpoints added to N: the release's reads, then its writes";
    EndpointChange = "endpoint_change", Ns, Lower,
        "one endpoint of the middle Service replaced: reads, then writes";
    RemoveService = "remove_service", Ns, Lower,
        "the middle Service removed: reads, then writes";
    AppendRule = "append_rule", Ns, Lower,
        "one rule added by the command-line tool";
    Reload = "reload", Ns, Lower,
        "emptied and loaded again at once, as after a restart that cleans up";
    CpuSync = "cpu_sync", Share, Lower,
        "CPU spent while an endpoint changes ten times a second, as a share of one core";
    SyncVirtualServers = "sync_virtual_servers", Ns, Lower,
        "the part of a full load that is virtual and real servers";
    SyncAddresses = "sync_addresses", Ns, Lower,
        "the part of a full load that is cluster IPs bound to kube-ipvs0";
    SyncSets = "sync_sets", Ns, Lower,
        "the part of a full load that is ipsets and their entries";
    SyncRules = "sync_rules", Ns, Lower,
        "the part of a full load that is iptables chains and rules";
    SyncRead = "sync_read", Ns, Lower,
        "the part of a sync that lists what is installed before anything is written";
    SyncWrite = "sync_write", Ns, Lower,
        "the part of a sync that writes: rules, sets, addresses, virtual servers";
    SyncConntrack = "sync_conntrack", Ns, Lower,
        "the part of a sync that removes entries of conntrack";
    ToolUser = "tool_user", Ns, Lower,
        "what the tool's run spent in user mode";
    ToolSystem = "tool_system", Ns, Lower,
        "what the tool's run spent in the kernel";
    ToolExec = "tool_exec", Ns, Lower,
        "process start of the tool: what it takes to print its version";
    ToolPeakRss = "tool_peak_rss", Bytes, Lower,
        "largest resident memory of the tool's run";
    Connect = "connect", Ns, Lower,
        "a new connection, SYN to established";
    FirstByte = "first_byte", Ns, Lower,
        "a new connection, SYN to the first byte of the answer";
    ConnectionsPerSecond = "connections_per_second", PerSecond, Higher,
        "connect, request, response, close, over and over";
    Bandwidth = "bandwidth", BitsPerSecond, Higher,
        "one iperf3 stream";
    CpuUser = "cpu_user", Share, Lower,
        "user time of the whole machine meanwhile, by ticks, as a share of one core";
    CpuSystem = "cpu_system", Share, Lower,
        "system time of the whole machine meanwhile, by ticks, as a share of one core";
    CpuSoftirq = "cpu_softirq", Share, Lower,
        "softirqs of the whole machine while the traffic ran, as a share of one core";
    KernelMemory = "kernel_memory", Bytes, Lower,
        "what the installed rules hold in the kernel";
    Rules = "rules", Count, Neither,
        "rules installed";
    Chains = "chains", Count, Neither,
        "chains installed";
    SetElements = "set_elements", Count, Neither,
        "elements of named sets and maps installed";
    VirtualServers = "virtual_servers", Count, Neither,
        "IPVS virtual servers installed";
    RealServers = "real_servers", Count, Neither,
        "IPVS real servers installed";
    Addresses = "addresses", Count, Neither,
        "cluster IPs bound to kube-ipvs0";
    ScriptBytes = "script_bytes", Bytes, Neither,
        "size of the text that the tool was given";
    Restart = "restart", Ns, Lower,
        "a start anew on a node that holds its rules, until the first sync is over; of a kube-proxy the start of its process, too";
    InForce = "in_force", Ns, Lower,
        "a Service added at the API server until a connection to it succeeds";
    DriverSync = "driver_sync", Ns, Lower,
        "what kube-proxy itself says that its sync took";
    DriverStart = "driver_start", Ns, Lower,
        "start of kube-proxy until its first sync begins, without the lists of its objects";
    DriverList = "driver_list", Ns, Lower,
        "the first request for Services or endpoints until all of them are sent";
    DriverCpu = "driver_cpu", Ns, Lower,
        "CPU time of kube-proxy itself, without the tools that it starts";
    DriverMemory = "driver_memory", Bytes, Lower,
        "largest resident memory of kube-proxy so far";
    Resync = "resync", Ns, Lower,
        "a full sync where nothing changed, as kube-proxy makes once an hour";
    IdleCpu = "idle_cpu", Share, Lower,
        "CPU of kube-proxy and its tools while nothing changes, as a share of one core";
    ToolRuns = "tool_runs", Count, Lower,
        "processes that kube-proxy started";
    ToolRunsIptables = "tool_runs_iptables", Count, Lower,
        "of these, iptables and ip6tables";
    ToolRunsRestore = "tool_runs_restore", Count, Lower,
        "of these, iptables-restore and ip6tables-restore";
    ToolRunsSave = "tool_runs_save", Count, Lower,
        "of these, iptables-save and ip6tables-save";
    ToolRunsNft = "tool_runs_nft", Count, Lower,
        "of these, nft";
    ToolRunsIpset = "tool_runs_ipset", Count, Lower,
        "of these, ipset";
    ToolRunsConntrack = "tool_runs_conntrack", Count, Lower,
        "of these, conntrack";
    BuildOneByOne = "build_one_by_one", Ns, Lower,
        "the table of N Services built rule by rule, one call of the tool for each";
    BuildCalls = "build_calls", Count, Neither,
        "calls of the tool for a table that is built rule by rule";
    OpenLoop = "open_loop", Ns, Lower,
        "a new connection at a fixed rate: from the moment it was due to the first byte";
    OpenLoopLost = "open_loop_lost", Count, Lower,
        "connections at a fixed rate that got no answer in time";
    OpenLoopReset = "open_loop_reset", Count, Lower,
        "connections at a fixed rate that were reset or refused";
    HeldReply = "held_reply", Ns, Lower,
        "an answer on a connection that stays open: from the moment its request was due";
    HeldLost = "held_lost", Count, Lower,
        "connections that were open, and broke";
    SyncBeside = "sync_beside", Ns, Lower,
        "a sync of a changed endpoint that ran beside the probe";
    FullSyncBeside = "full_sync_beside", Ns, Lower,
        "a sync of everything that ran beside the probe";
    WriterCall = "writer_call", Ns, Lower,
        "a call of somebody else's tool beside the probe, which waits for the xtables lock";
    WriterTried = "writer_tried", Count, Neither,
        "calls of somebody else's tool that do not wait for the xtables lock";
    WriterRefused = "writer_refused", Count, Lower,
        "of these, calls that were refused because the xtables lock was held";
    ConntrackDropped = "conntrack_dropped", Count, Lower,
        "packets of new connections that were dropped because the conntrack table was full";
    ConntrackEvicted = "conntrack_evicted", Count, Lower,
        "entries of the conntrack table that made room for a new one";
    UdpDark = "udp_dark", Ns, Lower,
        "an endpoint of UDP gone until a client of it is answered by another one";
    UdpSent = "udp_sent", Count, Neither,
        "datagrams of a client whose endpoint is gone";
    UdpLost = "udp_lost", Count, Lower,
        "of these, datagrams that got no answer";
    BlackholeCpu = "blackhole_cpu", Share, Lower,
        "CPU while a client sends at a fixed rate to a UDP Service scaled to zero, as a share of one core";
    BlackholeSoftirq = "blackhole_softirq", Share, Lower,
        "of this, softirqs, by ticks, as a share of one core; not in the target exact";
    BlackholeCpuBefore = "blackhole_cpu_before", Share, Lower,
        "the same CPU while the Service has its endpoints";
    BlackholeSoftirqBefore = "blackhole_softirq_before", Share, Lower,
        "of this, softirqs, by ticks, as a share of one core; not in the target exact";
    BlackholeSent = "blackhole_sent", Count, Neither,
        "datagrams sent to a UDP Service scaled to zero";
    BlackholeRefused = "blackhole_refused", Count, Neither,
        "of these, datagrams after which the client was told that nobody is there";
    ReusedPort = "reused_port", Ns, Lower,
        "a new connection from the port of one that a removed endpoint had, to the first byte";
    RemovedOpen = "removed_open", Count, Neither,
        "connections that an endpoint had when it was removed";
    RemovedBroken = "removed_broken", Count, Lower,
        "of these, connections that broke";
    ReusedLost = "reused_lost", Count, Lower,
        "new connections from the ports of these that got no answer";
    ReusedStale = "reused_stale", Count, Lower,
        "new connections from the ports of these that reached the removed endpoint";
    LoadAfterFailure = "load_after_failure", Ns, Lower,
        "empty node to N Services, right after a load that the kernel refused half-way";
    FailedLoad = "failed_load", Ns, Lower,
        "a load that the kernel refuses half-way, until the tool says so";
    FailureMemory = "failure_memory", Bytes, Lower,
        "what a refused load leaves in the kernel";
    BindDummy = "bind_dummy", Ns, Lower,
        "cluster IPs bound to a dummy device, one request for each";
    BindAlias = "bind_alias", Ns, Lower,
        "cluster IPs bound to the device that the neighbours are on, one request for each";
    BindRoutes = "bind_routes", Ns, Lower,
        "a local route for each cluster IP, one request for each";
    BindRange = "bind_range", Ns, Lower,
        "a single local route for the whole range of cluster IPs";
    BindOne = "bind_one", Ns, Lower,
        "one cluster IP more, bound beside those that are";
    Unbind = "unbind", Ns, Lower,
        "all that was bound taken away again, one request for each";
    BindMemory = "bind_memory", Bytes, Lower,
        "what bound cluster IPs hold in the kernel";
    ArpAnswered = "arp_answered", Count, Neither,
        "of two bound cluster IPs, those for which the node answers a neighbour's ARP";
    ArpAnsweredStrict = "arp_answered_strict", Count, Neither,
        "the same with arp_ignore 1 and arp_announce 2, which strictARP sets";
    PingAnswered = "ping_answered", Count, Neither,
        "of two bound cluster IPs, those that answer a ping from a pod";
    StrayAnswered = "stray_answered", Count, Neither,
        "of one address of the range that no Service has, whether it answers a ping";
    Spread = "spread", Count, Neither,
        "how unevenly many connections reach the endpoints of a Service: chi-squared over them";
    SpreadConnections = "spread_connections", Count, Neither,
        "connections whose endpoints were counted";
    SpreadLeast = "spread_least", Count, Neither,
        "of these, those that reached the endpoint with the fewest";
    SpreadLost = "spread_lost", Count, Lower,
        "connections that reached no endpoint, because one went away";
    SpreadMost = "spread_most", Count, Neither,
        "of these, those that reached the endpoint with the most";
    Affinity = "affinity", Ns, Lower,
        "a client that comes back within the time of its session affinity, to the first byte";
    AffinityNew = "affinity_new", Ns, Lower,
        "the first connection of a client to a Service with session affinity, to the first byte";
    AffinityReturned = "affinity_returned", Count, Neither,
        "connections of clients that come back in time";
    AffinityMoved = "affinity_moved", Count, Lower,
        "connections of clients that come back in time, and reach another endpoint";
    AffinityExpired = "affinity_expired", Count, Neither,
        "clients that come back when the time of their affinity is over";
    AffinityKept = "affinity_kept", Count, Neither,
        "clients that come back when that time is over, and reach the endpoint they had";
    AffinityCrowd = "affinity_crowd", Count, Neither,
        "clients of a crowd, each of which comes back in time";
    AffinityForgotten = "affinity_forgotten", Count, Lower,
        "clients of a crowd that come back in time, and reach another endpoint";
}

impl Metric {
    /// Turns a figure into a cost, of which less is better: the reciprocal if more is better. Works both ways, and for
    /// ratios.
    #[must_use]
    pub fn cost(self, figure: f64) -> f64 {
        if self.better() == Better::Higher { 1.0 / figure } else { figure }
    }
}
