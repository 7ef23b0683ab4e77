//! Known answers and invariants, on synthetic runs.

mod baselines;
mod comparing;
mod drifting;
mod judging;
mod policies;
mod timing;

use super::*;
use lab_core::axes::Axes;
use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, Dataset, End, Header, Splits};
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, Clock, Outcome, ProbeName, TargetName};
use std::collections::BTreeMap;

/// A run without lines, on `target`, of a few cells of four backends.
fn run(target: TargetName, rounds: u32) -> Dataset {
    let axes = Axes {
        services: vec![1, 100],
        probes: vec![ProbeName::SyncFull, ProbeName::SyncChange, ProbeName::Connect, ProbeName::Bandwidth],
        ..Axes::default()
    };
    let exact = target.is_exact();
    let (rounds, replicas) = if exact { (1, rounds) } else { (rounds, 1) };
    let facts = |facts: &[(&str, &str)]| facts.iter().map(|&(name, fact)| (name.to_owned(), fact.to_owned())).collect();
    let guest = [("kernel", "6.1.0"), ("initramfs_sha256", "aa"), ("qemu", "7.2"), ("jobs", "2"), ("cpus", "1")];
    Dataset {
        header: Header {
            id: "run".to_owned(),
            revision: "abc".to_owned(),
            host: facts(&[("kernel", "6.18"), ("cpu", "EPYC"), ("cpus", "2"), ("memory_bytes", "1000000000")]),
            guest: if exact { facts(&guest) } else { BTreeMap::new() },
            tools: facts(&[("nft", "1.0.6"), ("ipset", "7.17")]),
            start: "2026-01-01T00:00:00Z".parse().unwrap(),
            ..Header::example(Plan { rounds, replicas, cells: axes.expand(), ..Plan::example(target) })
        },
        cells: Vec::new(),
        end: Some(End {
            end: "2026-01-01T00:01:00Z".parse().unwrap(),
            peak_rss: 1,
            interrupted: false,
            cells: BTreeMap::new(),
            boots: Vec::new(),
        }),
    }
}

fn record(
    dataset: &Dataset,
    cell: Cell,
    metric: Metric,
    (round, replica): (u32, u32),
    samples: Vec<f64>,
) -> CellRecord {
    CellRecord {
        scenario: "test".to_owned(),
        target: dataset.header.plan.target,
        cell,
        outcome: Outcome::Measured,
        reason: String::new(),
        unit: metric.unit(),
        round,
        replica,
        metric,
        samples,
        split: Splits::default(),
    }
}

fn metrics(probe: ProbeName) -> &'static [Metric] {
    match probe {
        ProbeName::SyncFull => &[
            Metric::SyncFull,
            Metric::ToolUser,
            Metric::ToolSystem,
            Metric::ToolExec,
            Metric::Rules,
            Metric::ScriptBytes,
        ],
        ProbeName::SyncChange => &[Metric::SyncChange, Metric::ToolUser, Metric::ToolSystem, Metric::ToolExec],
        ProbeName::Connect => &[Metric::Connect, Metric::FirstByte],
        _ => &[Metric::Bandwidth],
    }
}

/// A run with lines: `samples` of each cell, metric, round and replica.
fn filled(target: TargetName, rounds: u32, mut samples: impl FnMut(Cell, Metric, (u32, u32)) -> Vec<f64>) -> Dataset {
    let mut dataset = run(target, rounds);
    for visit in dataset.header.plan.boots().concat() {
        for &metric in metrics(visit.cell.probe) {
            let pass = (visit.round, visit.replica);
            let line = record(&dataset, visit.cell, metric, pass, samples(visit.cell, metric, pass));
            dataset.cells.push(line);
        }
    }
    dataset
}

fn usual(cell: Cell, metric: Metric) -> f64 {
    let base = match metric {
        Metric::SyncFull => 8e6,
        Metric::SyncChange => 9e6,
        Metric::ToolUser => 3e6,
        Metric::ToolSystem => 4e6,
        Metric::ToolExec => 1e6,
        Metric::Rules => 8.0,
        Metric::Bandwidth => 7e9,
        _ => 5e4,
    };
    // A tool starts as fast whatever is installed.
    let services = if metric == Metric::ToolExec { 0.0 } else { f64::from(cell.cluster.services) };
    base * (1.0 + services / 100.0) * (1.0 + f64::from(cell.variant.backend as u8))
}

fn cell(backend: BackendName, probe: ProbeName, services: u32) -> Cell {
    let cells = run(TargetName::Host, 1).header.plan.cells;
    let wanted = |cell: &&Cell| (cell.variant.backend, cell.probe, cell.cluster.services) == (backend, probe, services);
    *cells.iter().find(wanted).unwrap()
}

/// Multiplies the samples of a cell's metric.
fn plant(dataset: &mut Dataset, cell: Cell, metric: Metric, factor: f64) {
    for record in dataset.cells.iter_mut().filter(|record| record.cell == cell && record.metric == metric) {
        record.samples.iter_mut().for_each(|sample| *sample *= factor);
    }
}

fn exact_run() -> Dataset {
    filled(TargetName::Exact, 1, |cell, metric, _| vec![usual(cell, metric).round()])
}
