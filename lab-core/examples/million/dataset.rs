//! A run of five backends at six sizes with as many samples as are asked for, most of them connections.

use lab_core::axes::Axes;
use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, Dataset, End, Header, Splits};
use lab_core::metric::{Metric, Unit};
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, Outcome, Position, ProbeName, TargetName, Word};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Samples a round of everything but a connection, unless there are so many rounds that there are fewer of all.
const FEW: usize = 3;

/// A dataset with exactly `samples` samples, spread over `rounds` rounds.
pub(crate) fn of(samples: usize, rounds: u32) -> Dataset {
    let axes = Axes {
        services: vec![1, 100, 1000, 5000, 10_000, 20_000],
        backends: BackendName::ALL.to_vec(),
        ..Axes::default()
    };
    let plan = Plan { scenario: "million".to_owned(), rounds, cells: axes.expand(), ..Plan::example(TargetName::Host) };
    let mut cells: Vec<CellRecord> =
        (0..rounds).flat_map(|round| plan.cells.iter().flat_map(move |cell| records(*cell, round))).collect();

    let many: Vec<bool> = cells.iter().map(|record| record.cell.probe == ProbeName::Connect).collect();
    let connections = many.iter().filter(|many| **many).count();
    let few = FEW.min(samples / cells.len());
    let rest = samples - few * (cells.len() - connections);
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    let mut seen = 0;
    for (record, many) in cells.iter_mut().zip(many) {
        let mut count = few;
        if many {
            count = rest / connections + usize::from(seen < rest % connections);
            seen += 1;
        }
        let typical = typical(record);
        record.samples = (0..count).map(|_| noisy(typical, record.metric.unit(), &mut chance)).collect();
    }
    let outcomes = BTreeMap::from([(Outcome::Measured, u32::try_from(plan.cells.len()).expect("some hundred cells"))]);
    let time = |text: &str| text.parse().expect("a point in time");
    let end = End {
        end: time("2026-01-01T01:00:00Z"),
        peak_rss: 1 << 26,
        interrupted: false,
        cells: outcomes,
        boots: vec![],
    };
    Dataset { header: header(plan, time("2026-01-01T00:00:00Z")), cells, end: Some(end) }
}

fn header(plan: Plan, start: jiff::Timestamp) -> Header {
    let facts = |facts: &[(&str, &str)]| facts.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Header {
        id: "million".to_owned(),
        command: ["svclab", "scenario", "million"].map(str::to_owned).to_vec(),
        question: "How long does a report on a million samples take?".to_owned(),
        host: facts(&[("kernel", "made up"), ("cpu", "made up")]),
        references: vec!["huawei-add-rule".to_owned(), "huawei-bandwidth".to_owned()],
        start,
        ..Header::example(plan)
    }
}

/// The records of a cell in a round, without samples yet.
fn records(cell: Cell, round: u32) -> impl Iterator<Item = CellRecord> {
    let own = Metric::of(cell.probe);
    let beside: &[Metric] = match cell.probe {
        ProbeName::Connect => &[Metric::FirstByte],
        ProbeName::SyncFull => &[Metric::ToolUser, Metric::ToolSystem, Metric::ToolPeakRss, Metric::Rules],
        ProbeName::Bandwidth | ProbeName::ConnectionsPerSecond => &[Metric::CpuSoftirq],
        _ => &[],
    };
    [own].into_iter().chain(beside.iter().copied()).map(move |metric| CellRecord {
        scenario: "million".to_owned(),
        target: TargetName::Host,
        cell,
        round,
        replica: 0,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric,
        unit: metric.unit(),
        samples: Vec::new(),
        split: Splits::default(),
    })
}

/// A value of about the right size.
fn typical(record: &CellRecord) -> f64 {
    let walked = record.cell.position.unwrap_or(Position::Last).index(record.cell.cluster.services);
    let cost = f64::from(1 + record.cell.variant.backend as u8);
    match record.metric.unit() {
        Unit::Ns if record.cell.probe == ProbeName::Connect => 3e4 + cost * 10.0 * f64::from(walked),
        Unit::Ns => 2e6 + cost * 1e4 * f64::from(record.cell.cluster.services),
        Unit::Bytes => 4e6 + 1e3 * f64::from(record.cell.cluster.services),
        Unit::BitsPerSecond => 1.2e10,
        Unit::PerSecond => 2e4,
        Unit::Count => f64::from(5 + 8 * record.cell.cluster.services),
        Unit::Share => 0.4,
    }
}

/// `typical` with a tail to the right, as times have.
fn noisy(typical: f64, unit: Unit, chance: &mut ChaCha8Rng) -> f64 {
    let uniform = (f64::from(chance.next_u32()) + 0.5) / 4_294_967_296.0;
    let value = typical * (1.0 - 0.05 * uniform.ln());
    match unit {
        Unit::Share => value,
        Unit::Count => typical,
        _ => value.round(),
    }
}
