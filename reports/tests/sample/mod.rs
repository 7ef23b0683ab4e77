//! Small hand-made datasets in which everything happens that a report must tell: figures that differ and figures that do
//! not, a cell that ran over its budget, one that failed in one round, one that could not run, one with fewer samples.

use lab_core::axes::Axes;
use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, Dataset, End, Header, Split, Splits};
use lab_core::metric::{Metric, Unit};
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, Clock, Outcome, Position, ProbeName, TargetName, Way, Word};
use std::collections::BTreeMap;
use std::time::Duration;

const ROUNDS: u32 = 3;

/// Three rounds on a wall clock.
pub(crate) fn dataset() -> Dataset {
    dataset_at(&[1, 1000, 20_000])
}

/// The same at other sizes.
pub(crate) fn dataset_at(services: &[u32]) -> Dataset {
    let header = header(services);
    let mut cells = Vec::new();
    for round in 0..ROUNDS {
        cells.extend(header.plan.cells.iter().flat_map(|cell| records(*cell, TargetName::Host, round, 0)));
    }
    let counts = [(Outcome::Measured, 105), (Outcome::Skipped, 6), (Outcome::Failed, 1), (Outcome::OverBudget, 1)];
    let counts = BTreeMap::from(counts);
    let end = "2026-03-01T09:42:07.5Z".parse().unwrap();
    let end = End { end, peak_rss: 48 << 20, interrupted: false, cells: counts, boots: Vec::new() };
    Dataset { header, cells, end: Some(end) }
}

/// The same three rounds as an emulated guest would have taken them.
pub(crate) fn emulated() -> Dataset {
    let mut dataset = dataset();
    dataset.header.clock = Clock::WallEmulated;
    dataset.header.plan.target = TargetName::Vm;
    dataset.header.guest = facts(&[("kernel", "6.1.0-guest")]);
    dataset
}

/// Two replicas counted in instructions: ipvs in two ways, with published figures beside what was measured.
pub(crate) fn counted() -> Dataset {
    let Dataset { mut header, end, .. } = dataset();
    header.id = "2026-03-01-0930-exact".to_owned();
    header.clock = Clock::Instructions;
    header.guest = facts(&[
        ("kernel", "6.1.0-guest"),
        ("memory", "4096 MiB"),
        ("package", "linux-image-6.1.0-guest 6.1.1-1"),
        ("qemu", "7.2.0"),
        ("sha256", "00112233"),
    ]);
    let backends = [BackendName::Direct, BackendName::IptablesLegacy, BackendName::Ipvs, BackendName::Nftables];
    let mut probes = ProbeName::usual();
    probes.push(ProbeName::Churn);
    let services = [1, 1000, 20_000].to_vec();
    header.plan.cells = Axes { services, backends: backends.to_vec(), probes, ..Axes::default() }.expand();
    header.plan.target = TargetName::Exact;
    header.plan.rounds = 1;
    header.plan.replicas = 2;
    let references =
        ["huawei-add-rule", "huawei-bandwidth", "huawei-memory", "huawei-cpu", "ipvs-deep-dive-static-rules"];
    header.references = references.map(str::to_owned).to_vec();
    let cells = (0..header.plan.replicas)
        .flat_map(|replica| {
            header.plan.cells.iter().flat_map(move |cell| records(*cell, TargetName::Exact, 0, replica))
        })
        .collect();
    let boots = (0..24).map(|boot| 2_100_000_000 + boot * 40_000_000).collect();
    Dataset { cells, end: end.map(|end| End { boots, cells: BTreeMap::new(), ..end }), header }
}

/// `original` as a run of every backend at two small sizes.
pub(crate) fn smoke(mut original: Dataset) -> Dataset {
    let Header { plan, references, .. } = &mut original.header;
    references.clear();
    plan.cells = Axes { services: vec![1, 100], ..Axes::default() }.expand();
    let (target, rounds, replicas) = (plan.target, plan.rounds, plan.replicas);
    let passes = (0..rounds).flat_map(|round| (0..replicas).map(move |replica| (round, replica)));
    let cells = &plan.cells;
    let records =
        passes.flat_map(|(round, replica)| cells.iter().flat_map(move |cell| records(*cell, target, round, replica)));
    original.cells = records.collect();
    original
}

fn facts(facts: &[(&str, &str)]) -> BTreeMap<String, String> {
    facts.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn header(services: &[u32]) -> Header {
    use BackendName::{Direct, IptablesLegacy, IptablesNft, Nftables};
    let backends = vec![Direct, IptablesLegacy, IptablesNft, Nftables];
    Header {
        id: "2026-03-01-0930-scale".to_owned(),
        revision: "0123abc".to_owned(),
        command: ["svclab", "scenario", "scale", "--note", "it's a test"].map(str::to_owned).to_vec(),
        scenario: "question: What does a Service cost?\n".to_owned(),
        question: "What does a Service cost, & where <is> it | paid?".to_owned(),
        host: facts(&[("cpu", "Example CPU @ 2.0 GHz, 2 cores"), ("kernel", "6.1.0-example"), ("memory", "3.8 GiB")]),
        tools: facts(&[("iperf3", "3.12"), ("iptables-legacy", "1.8.9"), ("iptables-nft", "1.8.9"), ("nft", "1.0.6")]),
        start: "2026-03-01T09:30:00Z".parse().unwrap(),
        ..Header::example(Plan {
            scenario: "scale".to_owned(),
            seed: 7,
            rounds: ROUNDS,
            budget: Duration::from_secs(60),
            dials: 20,
            traffic: Duration::from_secs(2),
            cells: Axes { services: services.to_vec(), backends, ..Axes::default() }.expand(),
            ..Plan::example(TargetName::Host)
        })
    }
}

/// The lines of one cell in one round, or in one replica.
pub(crate) fn records(cell: Cell, target: TargetName, round: u32, replica: u32) -> Vec<CellRecord> {
    let record = |metric, samples: &[f64]| record(cell, target, round, replica, metric, samples);
    let short = |outcome, reason: &str| {
        vec![CellRecord { outcome, reason: reason.to_owned(), ..record(Metric::of(cell.probe), &[]) }]
    };
    if cell.variant.backend == BackendName::Ipvs
        && cell.cluster.services == 20_000
        && cell.variant.way == Way::KubeProxy
    {
        match cell.probe {
            ProbeName::SyncFull => {
                return short(
                    Outcome::OverBudget,
                    "12,000 of 20,000 Services were installed when 60 G instr were used up",
                );
            }
            ProbeName::Churn => {
                return short(Outcome::Skipped, "a node of 20,000 Services does not load within the budget");
            }
            _ => {}
        }
    }
    match (cell.variant.backend, cell.probe, cell.cluster.services, round) {
        (BackendName::IptablesNft, ProbeName::SyncFull, 20_000, _) => {
            short(Outcome::OverBudget, "one sync had not ended after 60 s")
        }
        (BackendName::Nftables, ProbeName::AppendRule, 1000, 1) => {
            short(Outcome::Failed, "nft refused line 1 of 1: \"No such file or directory\"")
        }
        (BackendName::IptablesLegacy, ProbeName::Bandwidth, ..) => {
            short(Outcome::Skipped, "iperf3 is missing; install it with: apt-get install iperf3")
        }
        (BackendName::IptablesLegacy, ProbeName::EndpointChange, 20_000, 2) => {
            short(Outcome::Skipped, "2 of 3 rounds used up the cell's 60 s")
        }
        _ => metrics(cell)
            .into_iter()
            .map(|metric| record(metric, &samples(cell, target, round + replica, metric)))
            .collect(),
    }
}

fn record(cell: Cell, target: TargetName, round: u32, replica: u32, metric: Metric, samples: &[f64]) -> CellRecord {
    CellRecord {
        scenario: "scale".to_owned(),
        target,
        cell,
        round,
        replica,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric,
        unit: metric.unit(),
        samples: samples.to_vec(),
        split: split(target, metric, samples),
    }
}

/// Where the samples' time went, of what is timed in the target `exact`.
fn split(target: TargetName, metric: Metric, samples: &[f64]) -> Splits {
    if !target.is_exact() || ![Metric::SyncFull, Metric::SyncChange, Metric::Connect].contains(&metric) {
        return Splits::default();
    }
    let of = |sample: &f64| Split { user: *sample as u64 / 2, kernel: *sample as u64 / 3, entries: 9, waited: 7 };
    Splits(samples.iter().map(of).collect())
}

/// What a cell's lines are of.
fn metrics(cell: Cell) -> Vec<Metric> {
    let mut metrics = [&[Metric::of(cell.probe)], beside(cell.probe)].concat();
    if cell.variant.backend == BackendName::Ipvs && cell.probe == ProbeName::SyncFull {
        metrics.extend([Metric::SyncVirtualServers, Metric::SyncAddresses, Metric::SyncSets, Metric::SyncRules]);
        metrics.extend([Metric::VirtualServers, Metric::RealServers, Metric::Addresses]);
    }
    metrics
}

/// What else than the metric that it is named after.
fn beside(probe: ProbeName) -> &'static [Metric] {
    match probe {
        ProbeName::SyncFull => &[
            Metric::ToolUser,
            Metric::ToolSystem,
            Metric::ToolExec,
            Metric::ToolPeakRss,
            Metric::KernelMemory,
            Metric::Rules,
            Metric::Chains,
            Metric::SetElements,
            Metric::ScriptBytes,
        ],
        ProbeName::SyncChange => &[Metric::ToolUser, Metric::ToolSystem, Metric::ScriptBytes],
        ProbeName::Connect => &[Metric::FirstByte],
        ProbeName::ConnectionsPerSecond => &[Metric::CpuSoftirq],
        ProbeName::Bandwidth => &[Metric::CpuSoftirq],
        ProbeName::Churn => &[Metric::CpuUser, Metric::CpuSystem],
        _ => &[],
    }
}

/// Samples around a value of the right size, off by a few percent that depend on the cell, the round and their number; in
/// the exact target by hardly anything.
fn samples(cell: Cell, target: TargetName, round: u32, metric: Metric) -> Vec<f64> {
    let count = match metric {
        _ if target == TargetName::Exact && metric != Metric::Connect => 1,
        Metric::Connect | Metric::FirstByte => 8,
        Metric::SyncChange | Metric::EndpointChange | Metric::RemoveService => 4,
        _ => 1,
    };
    let value = value(cell, metric);
    let exact = metric.unit() == Unit::Count || metric == Metric::ScriptBytes;
    // A number of the metric's own that stays when metrics are added.
    let own: usize = metric.name().bytes().map(usize::from).sum();
    let salt = cell.cluster.services as usize + 31 * cell.variant.backend as usize + 7 * own + 13 * round as usize;
    let width = if target == TargetName::Exact { 0.02 } else { 0.08 };
    let noise = |index: usize| (((salt + index * 37) % 19) as f64 / 19.0 - 0.5) * width;
    let rounded = |value: f64| if metric.unit() == Unit::Share { (value * 1e4).round() / 1e4 } else { value.round() };
    (0..count).map(|index| if exact { value } else { rounded(value * (1.0 + noise(index))) }).collect()
}

/// The right size: what a busy two-core machine gave, roughly.
fn value(cell: Cell, metric: Metric) -> f64 {
    let services = f64::from(cell.cluster.services);
    let walked = f64::from(cell.position.unwrap_or(Position::Last).index(cell.cluster.services));
    let per_service = match cell.variant.backend {
        BackendName::Direct => 0.0,
        BackendName::IptablesLegacy => 1.0,
        BackendName::IptablesNft => 4.0,
        BackendName::Ipvs if cell.variant.way == Way::KubeProxy => 6.0,
        BackendName::Ipvs => 0.5,
        BackendName::Nftables => 0.8,
    };
    let linear =
        f64::from(u8::from(matches!(cell.variant.backend, BackendName::IptablesLegacy | BackendName::IptablesNft)));
    match metric {
        Metric::SyncFull | Metric::Reload => 6e6 + services * 4e4 * per_service,
        Metric::SyncChange | Metric::EndpointChange | Metric::RemoveService => 6e6 + services * 9e3 * linear,
        Metric::AppendRule => 3e6 + services * 15e3 * linear,
        Metric::ToolUser => 1e6 + services * 2e3 * per_service,
        Metric::ToolSystem => 4e5 + services * 1e3 * per_service,
        Metric::ToolExec => 2.1e6,
        Metric::ToolPeakRss => 4e6 + services * 1500.0,
        Metric::Connect => 22e3 + 2e3 * per_service.min(1.0) + walked * 9.0 * linear,
        Metric::FirstByte => 41e3 + 2e3 * per_service.min(1.0) + walked * 9.0 * linear,
        Metric::ConnectionsPerSecond => 2e4 - walked * 0.4 * linear,
        Metric::Bandwidth => 21e9,
        Metric::CpuSoftirq => 0.4 + walked / 1e5 * linear,
        Metric::KernelMemory => services * 3000.0,
        Metric::SyncVirtualServers => services * 5e3 * per_service,
        Metric::SyncAddresses | Metric::SyncSets => 1e6 + services * 2e3 * per_service,
        Metric::SyncRules | Metric::SyncConntrack => 4e6,
        Metric::SyncRead => services * 2e5 * f64::from(u8::from(cell.variant.backend == BackendName::Nftables)),
        Metric::SyncWrite => 6e6 + services * 9e3 * linear,
        Metric::CpuSync => 0.02 + services / 2e5 * (linear + 0.1),
        Metric::CpuUser | Metric::CpuSystem => 0.01 + services / 4e5 * (linear + 0.1),
        Metric::Rules if cell.variant.backend == BackendName::Ipvs => 22.0,
        Metric::Chains if cell.variant.backend == BackendName::Ipvs => 9.0,
        Metric::VirtualServers | Metric::Addresses => services,
        Metric::RealServers => services * f64::from(cell.cluster.endpoints),
        Metric::Rules => 5.0 + services * 8.0,
        Metric::Chains => 3.0 + services * 3.0,
        Metric::SetElements => services * (1.0 - linear),
        Metric::ScriptBytes => 900.0 + services * 700.0,
        Metric::Restart | Metric::Resync | Metric::InForce | Metric::DriverSync => 9e6 + services * 4e4 * per_service,
        Metric::DriverStart | Metric::DriverList | Metric::DriverCpu => 5e6 + services * 1e4,
        Metric::DriverMemory => 6e7 + services * 4000.0,
        Metric::IdleCpu => 0.001,
        Metric::ToolRuns
        | Metric::ToolRunsIptables
        | Metric::ToolRunsRestore
        | Metric::ToolRunsSave
        | Metric::ToolRunsNft
        | Metric::ToolRunsIpset
        | Metric::ToolRunsConntrack => 2.0,
        Metric::BuildOneByOne => services * 8.0 * (3e6 + services * 7e3 * linear),
        Metric::OpenLoop | Metric::HeldReply => 90e3 + walked * 9.0 * linear,
        Metric::OpenLoopLost | Metric::OpenLoopReset | Metric::HeldLost => 0.0,
        Metric::SyncBeside | Metric::WriterCall => 6e6 + services * 9e3 * linear,
        Metric::FullSyncBeside => 6e6 + services * 4e4 * per_service,
        Metric::BuildCalls => 3.0 + services * 11.0,
        Metric::WriterTried => 20.0,
        Metric::WriterRefused => 3.0,
        Metric::ConntrackDropped => 12.0,
        Metric::ConntrackEvicted => 1.0,
        Metric::UdpDark => 8e6 + services * 9e3 * linear,
        Metric::UdpSent => 50.0,
        Metric::UdpLost => 2.0,
        Metric::BlackholeCpu | Metric::BlackholeCpuBefore => 0.05,
        Metric::BlackholeSoftirq | Metric::BlackholeSoftirqBefore => 0.02,
        Metric::BlackholeSent => 10_000.0,
        Metric::BlackholeRefused => 9_000.0 * linear,
        Metric::ReusedPort => 41e3 + walked * 9.0 * linear,
        Metric::RemovedOpen => 8.0,
        Metric::RemovedBroken | Metric::ReusedLost | Metric::ReusedStale | Metric::SpreadLost => 0.0,
        Metric::LoadAfterFailure | Metric::FailedLoad => 6e6 + services * 4e4 * per_service,
        Metric::FailureMemory | Metric::BindMemory => services * 20.0,
        Metric::BindDummy | Metric::BindAlias | Metric::BindRoutes | Metric::Unbind => services * 3e4,
        Metric::BindRange | Metric::BindOne => 3e4,
        Metric::ArpAnswered | Metric::ArpAnsweredStrict | Metric::PingAnswered => 2.0,
        Metric::StrayAnswered => 1.0,
        Metric::Spread => 9.0,
        Metric::SpreadConnections => 1000.0,
        Metric::SpreadLeast => 90.0,
        Metric::SpreadMost => 110.0,
        Metric::Affinity | Metric::AffinityNew => 41e3,
        Metric::AffinityReturned | Metric::AffinityExpired => 50.0,
        Metric::AffinityMoved => 0.0,
        Metric::AffinityKept => 5.0,
        Metric::AffinityCrowd => 1500.0,
        Metric::AffinityForgotten => 1350.0 * linear,
    }
}
