//! A small hand-made dataset in which everything happens that a report must tell: figures that differ and figures that do
//! not, a cell that ran over its budget, one that failed in one round, one that could not run, one with fewer samples.

use lab_core::dataset::{CellRecord, Dataset, End, FORMAT, Header};
use lab_core::metric::Metric;
use lab_core::plan::{Cell, Plan, expand};
use lab_core::vocabulary::{BackendName, Clock, Outcome, Position, ProbeName, TargetName, Word};
use std::collections::BTreeMap;
use std::time::Duration;

const ROUNDS: u32 = 3;

/// The dataset.
pub(crate) fn dataset() -> Dataset {
    let header = header(&[1, 1000, 20_000]);
    let mut cells = Vec::new();
    for round in 0..ROUNDS {
        cells.extend(header.plan.cells.iter().flat_map(|cell| records(*cell, round)));
    }
    let counts = [(Outcome::Measured, 105), (Outcome::Skipped, 6), (Outcome::Failed, 1), (Outcome::OverBudget, 1)];
    let counts = BTreeMap::from(counts);
    let end = "2026-03-01T09:42:07.5Z".parse().unwrap();
    Dataset { header, cells, end: Some(End { end, peak_rss: 48 << 20, interrupted: false, cells: counts }) }
}

fn header(services: &[u32]) -> Header {
    let facts = |facts: &[(&str, &str)]| facts.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Header {
        format: FORMAT,
        id: "2026-03-01-0930-scale".to_owned(),
        version: "0.1.0".to_owned(),
        revision: "0123abc".to_owned(),
        command: ["svclab", "scenario", "scale", "--note", "it's a test"].map(str::to_owned).to_vec(),
        scenario: "question: What does a Service cost?\n".to_owned(),
        question: "What does a Service cost, & where <is> it | paid?".to_owned(),
        plan: Plan {
            scenario: "scale".to_owned(),
            target: TargetName::Host,
            seed: 7,
            rounds: ROUNDS,
            budget: Duration::from_secs(60),
            dials: 20,
            traffic: Duration::from_secs(2),
            cells: expand(services, 2, BackendName::ALL, ProbeName::ALL),
        },
        clock: Clock::Wall,
        host: facts(&[("cpu", "Example CPU @ 2.0 GHz, 2 cores"), ("kernel", "6.1.0-example"), ("memory", "3.8 GiB")]),
        tools: facts(&[("iperf3", "3.12"), ("iptables-legacy", "1.8.9"), ("iptables-nft", "1.8.9"), ("nft", "1.0.6")]),
        start: "2026-03-01T09:30:00Z".parse().unwrap(),
    }
}

/// The lines of one cell in one round.
fn records(cell: Cell, round: u32) -> Vec<CellRecord> {
    let short = |outcome, reason: &str| {
        vec![CellRecord { outcome, reason: reason.to_owned(), ..record(cell, round, Metric::of(cell.probe), &[]) }]
    };
    match (cell.backend, cell.probe, cell.services, round) {
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
        _ => metrics(cell.probe)
            .iter()
            .map(|&metric| record(cell, round, metric, &samples(cell, round, metric)))
            .collect(),
    }
}

fn record(cell: Cell, round: u32, metric: Metric, samples: &[f64]) -> CellRecord {
    let direct = cell.backend == BackendName::Direct;
    CellRecord {
        scenario: "scale".to_owned(),
        target: TargetName::Host,
        backend: cell.backend,
        layout: if direct { "none" } else { "kube-proxy-1.30" }.to_owned(),
        way: if direct { "none" } else { "partial" }.to_owned(),
        services: cell.services,
        endpoints: cell.endpoints,
        position: cell.position,
        probe: cell.probe,
        round,
        replica: 0,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric,
        unit: metric.unit(),
        samples: samples.to_vec(),
    }
}

/// What a probe's lines are of.
fn metrics(probe: ProbeName) -> &'static [Metric] {
    match probe {
        ProbeName::SyncFull => &[
            Metric::SyncFull,
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
        ProbeName::SyncChange => &[Metric::SyncChange, Metric::ToolUser, Metric::ToolSystem, Metric::ScriptBytes],
        ProbeName::EndpointChange => &[Metric::EndpointChange],
        ProbeName::RemoveService => &[Metric::RemoveService],
        ProbeName::AppendRule => &[Metric::AppendRule],
        ProbeName::Connect => &[Metric::Connect, Metric::FirstByte],
        ProbeName::ConnectionsPerSecond => &[Metric::ConnectionsPerSecond, Metric::CpuSoftirq],
        ProbeName::Bandwidth => &[Metric::Bandwidth, Metric::CpuSoftirq],
    }
}

/// Samples around a value of the right size, off by a few percent that depend on the cell, the round and their number.
fn samples(cell: Cell, round: u32, metric: Metric) -> Vec<f64> {
    let count = match metric {
        Metric::Connect | Metric::FirstByte => 8,
        Metric::SyncChange | Metric::EndpointChange | Metric::RemoveService => 4,
        _ => 1,
    };
    let value = value(cell, metric);
    let exact = matches!(metric, Metric::Rules | Metric::Chains | Metric::SetElements | Metric::ScriptBytes);
    let salt = cell.services as usize + 31 * cell.backend as usize + 7 * metric as usize + 13 * round as usize;
    let noise = |index: usize| ((salt + index * 37) % 19) as f64 / 19.0 * 0.08 - 0.04;
    let rounded = |value: f64| if metric == Metric::CpuSoftirq { (value * 1e4).round() / 1e4 } else { value.round() };
    (0..count).map(|index| if exact { value } else { rounded(value * (1.0 + noise(index))) }).collect()
}

/// The right size: what a busy two-core machine gave, roughly.
fn value(cell: Cell, metric: Metric) -> f64 {
    let services = f64::from(cell.services);
    let walked = f64::from(cell.position.unwrap_or(Position::Last).index(cell.services));
    let per_service = match cell.backend {
        BackendName::Direct => 0.0,
        BackendName::IptablesLegacy => 1.0,
        BackendName::IptablesNft => 4.0,
        BackendName::Nftables => 0.8,
    };
    let linear = f64::from(u8::from(matches!(cell.backend, BackendName::IptablesLegacy | BackendName::IptablesNft)));
    match metric {
        Metric::SyncFull => 6e6 + services * 4e4 * per_service,
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
        Metric::Rules => 5.0 + services * 8.0,
        Metric::Chains => 3.0 + services * 3.0,
        Metric::SetElements => services * (1.0 - linear),
        Metric::ScriptBytes => 900.0 + services * 700.0,
    }
}
