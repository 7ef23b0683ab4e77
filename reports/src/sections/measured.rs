//! Which metrics stand together, in the shape of the tables that were published before.

use crate::report::Section;
use crate::results::Results;
use crate::results::clock;
use crate::sections::grid::{Show, grid};
use lab_core::metric::Metric;

/// The sections of measured figures; those that nothing was asked of are left out.
pub(crate) fn sections(results: &Results) -> Vec<Section> {
    use Show::{Exact, Median, Tail};
    let (pass, spread) = (results.pass(), format!("below it {}", results.spread()));
    let medians = &format!("Beside a median stands its ratio to direct in the same {pass} (×), {spread}.");
    let of = |what: &str| format!("{what} Of each figure the median stands here, {spread}.");
    let section = |title: &str, about: &str, metrics: &[(Metric, Show)]| Section {
        title: clock::label(results.clock(), title),
        about: about.to_owned(),
        tables: metrics.iter().filter_map(|&(metric, show)| grid(results, metric, show)).collect(),
        ..Section::default()
    };
    let sections = [
        section(
            "Control plane",
            &of("What a change of Services costs."),
            &[
                (Metric::SyncFull, Median),
                (Metric::SyncChange, Median),
                (Metric::EndpointChange, Median),
                (Metric::RemoveService, Median),
                (Metric::AppendRule, Median),
                (Metric::BuildOneByOne, Median),
                (Metric::Reload, Median),
                (Metric::Restart, Median),
                (Metric::LoadAfterFailure, Median),
                (Metric::FailedLoad, Median),
                (Metric::SyncRead, Median),
                (Metric::SyncWrite, Median),
                (Metric::SyncConntrack, Median),
                (Metric::SyncVirtualServers, Median),
                (Metric::SyncAddresses, Median),
                (Metric::SyncSets, Median),
                (Metric::SyncRules, Median),
            ],
        ),
        section(
            "kube-proxy itself",
            &of("What a real kube-proxy takes beside its rules."),
            &[
                (Metric::Resync, Median),
                (Metric::DriverSync, Median),
                (Metric::InForce, Median),
                (Metric::DriverStart, Median),
                (Metric::DriverList, Median),
                (Metric::DriverCpu, Median),
                (Metric::IdleCpu, Median),
                (Metric::DriverMemory, Median),
                (Metric::ToolRuns, Median),
                (Metric::ToolRunsIptables, Median),
                (Metric::ToolRunsRestore, Median),
                (Metric::ToolRunsSave, Median),
                (Metric::ToolRunsNft, Median),
                (Metric::ToolRunsIpset, Median),
                (Metric::ToolRunsConntrack, Median),
            ],
        ),
        section(
            "Cluster IPs as addresses of the node",
            &of("What it takes to make them the node's own, and what a neighbour is answered."),
            &[
                (Metric::BindDummy, Median),
                (Metric::BindAlias, Median),
                (Metric::BindRoutes, Median),
                (Metric::BindRange, Median),
                (Metric::BindOne, Median),
                (Metric::Unbind, Median),
                (Metric::BindMemory, Median),
                (Metric::ArpAnswered, Exact),
                (Metric::ArpAnsweredStrict, Exact),
                (Metric::PingAnswered, Exact),
                (Metric::StrayAnswered, Exact),
            ],
        ),
        section("Bandwidth", medians, &[(Metric::Bandwidth, Median)]),
        section(
            "Connections",
            medians,
            &[
                (Metric::Connect, Median),
                (Metric::Connect, Tail),
                (Metric::FirstByte, Median),
                (Metric::FirstByte, Tail),
                (Metric::ConnectionsPerSecond, Median),
                (Metric::CpuSoftirq, Median),
            ],
        ),
        section(
            "Which endpoint is chosen",
            &of("How many connections reached which endpoint, and which clients the one they had."),
            &[
                (Metric::Spread, Exact),
                (Metric::SpreadConnections, Exact),
                (Metric::SpreadLeast, Exact),
                (Metric::SpreadMost, Exact),
                (Metric::Affinity, Median),
                (Metric::AffinityNew, Median),
                (Metric::AffinityReturned, Exact),
                (Metric::AffinityMoved, Exact),
                (Metric::AffinityExpired, Exact),
                (Metric::AffinityKept, Exact),
                (Metric::AffinityCrowd, Exact),
                (Metric::AffinityForgotten, Exact),
            ],
        ),
        section(
            "Connections at a fixed rate",
            &of("Latency is counted from the moment that a connection or a request was due."),
            &[
                (Metric::OpenLoop, Median),
                (Metric::OpenLoop, Tail),
                (Metric::OpenLoopLost, Exact),
                (Metric::OpenLoopReset, Exact),
                (Metric::HeldReply, Median),
                (Metric::HeldReply, Tail),
                (Metric::HeldLost, Exact),
            ],
        ),
        section(
            "Datagrams to an endpoint that is gone",
            &of("A client of UDP that goes on sending from the same port."),
            &[(Metric::UdpDark, Median), (Metric::UdpSent, Exact), (Metric::UdpLost, Exact)],
        ),
        section(
            "Beside the probe",
            &of("What ran beside it."),
            &[
                (Metric::SyncBeside, Median),
                (Metric::FullSyncBeside, Median),
                (Metric::WriterCall, Median),
                (Metric::WriterCall, Tail),
                (Metric::WriterTried, Exact),
                (Metric::WriterRefused, Exact),
                (Metric::ConntrackDropped, Exact),
                (Metric::ConntrackEvicted, Exact),
            ],
        ),
        section(
            "CPU and memory",
            &of("What the backend's tool and the kernel spent."),
            &[
                (Metric::CpuSync, Median),
                (Metric::CpuUser, Median),
                (Metric::CpuSystem, Median),
                (Metric::ToolUser, Median),
                (Metric::ToolSystem, Median),
                (Metric::ToolExec, Median),
                (Metric::ToolPeakRss, Median),
                (Metric::KernelMemory, Median),
                (Metric::FailureMemory, Median),
            ],
        ),
        section(
            "Exact counts",
            "Properties of the installed state: the same every time, or the range is given.",
            &[
                (Metric::Rules, Exact),
                (Metric::Chains, Exact),
                (Metric::SetElements, Exact),
                (Metric::VirtualServers, Exact),
                (Metric::RealServers, Exact),
                (Metric::Addresses, Exact),
                (Metric::ScriptBytes, Exact),
                (Metric::BuildCalls, Exact),
            ],
        ),
    ];
    sections.into_iter().filter(|section| !section.tables.is_empty()).collect()
}
