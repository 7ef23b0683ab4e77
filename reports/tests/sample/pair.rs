//! Two runs beside each other, made by hand from the sample, in which there is every verdict.

use crate::sample::{counted, dataset, records, smoke};
use lab_core::dataset::{CellRecord, Dataset};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome, Position, ProbeName};
use std::time::Duration;

use BackendName::{Direct, IptablesLegacy, IptablesNft, Ipvs, Nftables};

/// Eight rounds before and eight after on a wall clock. Since then, with another kernel: nftables adds a Service more
/// slowly, iptables-legacy perhaps; a new connection through nftables is faster; iptables-nft does not load in time;
/// ipvs installs a rule more; direct is faster, and nothing else with it; and the last Service's bandwidth was not measured before.
pub(crate) fn timed() -> (Dataset, Dataset) {
    let before = at_hundred(dataset(), 8);
    let mut after = before.clone();
    after.header.id = "2026-03-02-0930-scale".to_owned();
    after.header.revision = "89abcde".to_owned();
    after.header.host.insert("kernel".to_owned(), "6.18.0-example".to_owned());
    after.header.tools.insert("nft".to_owned(), "1.1.3".to_owned());
    multiply(&mut after, Nftables, ProbeName::SyncChange, |metric| match metric {
        Metric::SyncChange => 1.4,
        Metric::ToolSystem => 3.0,
        _ => 1.0,
    });
    multiply(&mut after, IptablesLegacy, ProbeName::SyncChange, |_| 1.09);
    multiply(&mut after, Nftables, ProbeName::Connect, |_| 0.7);
    multiply(&mut after, Direct, ProbeName::Bandwidth, |metric| if metric == Metric::Bandwidth { 1.3 } else { 1.0 });
    for record in cells(&mut after, Ipvs, ProbeName::SyncFull).filter(|record| record.metric == Metric::Rules) {
        record.samples.iter_mut().for_each(|sample| *sample += 1.0);
    }
    end(&mut after, IptablesNft, ProbeName::SyncFull, Outcome::OverBudget, "one sync had not ended after 60 s");
    let mut before = before;
    let last =
        |record: &CellRecord| record.cell.probe == ProbeName::Bandwidth && record.cell.position == Some(Position::Last);
    before.cells.retain(|record| !last(record));
    (before, after)
}

/// Two replicas before and two after in counted instructions; since then loading ipvs has become 1 % dearer, which is in
/// the kernel, the script of nftables longer, and a connection through ipvs cheaper.
pub(crate) fn exact() -> (Dataset, Dataset) {
    let before = at_hundred(counted(), 1);
    let mut after = before.clone();
    after.header.id = "2026-03-02-0930-exact".to_owned();
    after.header.revision = "89abcde".to_owned();
    multiply(&mut after, Ipvs, ProbeName::SyncFull, |metric| match metric {
        Metric::SyncFull => 1.01,
        Metric::ToolSystem => 1.2,
        Metric::SyncVirtualServers => 1.08,
        _ => 1.0,
    });
    multiply(
        &mut after,
        Nftables,
        ProbeName::SyncChange,
        |metric| if metric == Metric::ScriptBytes { 1.5 } else { 1.0 },
    );
    multiply(&mut after, Ipvs, ProbeName::Connect, |_| 0.97);
    (before, after)
}

/// `original` at 100 Services, in `rounds` rounds.
fn at_hundred(original: Dataset, rounds: u32) -> Dataset {
    let mut dataset = smoke(original);
    let plan = &mut dataset.header.plan;
    let wanted = [Direct, IptablesLegacy, IptablesNft, Ipvs, Nftables];
    plan.cells.retain(|cell| cell.cluster.services == 100 && wanted.contains(&cell.variant.backend));
    plan.rounds = rounds;
    plan.budget = Duration::from_secs(60);
    let (target, replicas) = (plan.target, plan.replicas);
    let passes = (0..rounds).flat_map(|round| (0..replicas).map(move |replica| (round, replica)));
    let cells = &plan.cells;
    let all =
        passes.flat_map(|(round, replica)| cells.iter().flat_map(move |cell| records(*cell, target, round, replica)));
    dataset.cells = all.collect();
    dataset
}

fn cells(dataset: &mut Dataset, backend: BackendName, probe: ProbeName) -> impl Iterator<Item = &mut CellRecord> {
    dataset.cells.iter_mut().filter(move |record| record.cell.variant.backend == backend && record.cell.probe == probe)
}

fn multiply(dataset: &mut Dataset, backend: BackendName, probe: ProbeName, by: fn(Metric) -> f64) {
    for record in cells(dataset, backend, probe) {
        let factor = by(record.metric);
        record.samples.iter_mut().for_each(|sample| *sample = (*sample * factor).round());
    }
}

fn end(dataset: &mut Dataset, backend: BackendName, probe: ProbeName, outcome: Outcome, reason: &str) {
    for record in cells(dataset, backend, probe) {
        record.outcome = outcome;
        reason.clone_into(&mut record.reason);
        record.samples.clear();
    }
    let own = Metric::of(probe);
    dataset
        .cells
        .retain(|record| record.cell.variant.backend != backend || record.cell.probe != probe || record.metric == own);
}
