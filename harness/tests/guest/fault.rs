//! Faults in guests: they change what they are injected into, and nothing else.

use super::{EVERYTHING, coordinates, dataset, ended, samples, scenario, workplace};
use anyhow::{Context, Result, ensure};
use lab_core::dataset::{CellRecord, Dataset};
use lab_core::metric::Metric;
use lab_core::slowdown::{Means, Slowdown};
use lab_core::vocabulary::{BackendName, Position, ProbeName};
use std::fs;
use std::time::Duration;

/// A guest depends only on its own visits: not on other guests of the plan, and not on a slowdown before its cell's
/// turn.
pub(super) fn a_guest_is_the_same_whatever_fault_is_injected_later_on() -> Result<()> {
    const DELAY: u32 = 200_000;
    let folder = workplace(EVERYTHING)?;
    let run = |out: &str, options: &[&str]| -> Result<Dataset> {
        ended(&scenario(folder.path(), out, options).output()?, 0)?;
        dataset(folder.path(), out)
    };
    let plain = run("plain", &["--backend", "iptables-legacy", "--backend", "nftables"])?;
    let cell = |probe, position| {
        let found = plain.header.plan.cells.iter().find(|cell| {
            (cell.variant.backend, cell.probe, cell.position) == (BackendName::IptablesLegacy, probe, position)
        });
        found.copied().context("the plan has no such cell")
    };
    let delayed =
        Slowdown { cell: cell(ProbeName::AppendRule, None)?, means: Means::Delay(Duration::from_nanos(DELAY.into())) };
    let ruled = Slowdown { cell: cell(ProbeName::Connect, Some(Position::Last))?, means: Means::Rules(100) };
    fs::write(folder.path().join("plant.json"), serde_json::to_vec(&[delayed, ruled])?)?;
    let faulty = run("faulty", &["--backend", "iptables-legacy", "--plant", "plant.json"])?;

    let places = |slowdown: Slowdown| faulty.header.plan.cells.iter().position(|cell| *cell == slowdown.cell);
    let first = places(delayed).context("the cell with the fault is not in the plan")?;
    let (was, is) = (samples(&plain)?, samples(&faulty)?);
    let ahead = faulty.cells.iter().filter(|record| faulty.header.plan.cells[..first].contains(&record.cell));
    let mut compared = 0;
    for record in ahead {
        let coordinates = coordinates(record);
        ensure!(was.contains_key(&coordinates), "not there before: {record:?}");
        ensure!(was.get(&coordinates) == is.get(&coordinates), "another guest: {record:?}");
        compared += 1;
    }
    ensure!(compared > 10, "only {compared} records come before the cell with the fault");
    let figure = |run: &Dataset, cell| {
        let own = |record: &&CellRecord| record.cell == cell && record.metric == Metric::of(cell.probe);
        run.cells.iter().find(own).and_then(|record| record.samples.first().copied()).context("no sample")
    };
    let grown = figure(&faulty, delayed.cell)? - figure(&plain, delayed.cell)?;
    ensure!((0.5..2.0).contains(&(grown / f64::from(DELAY))), "a delay of {DELAY} took {grown}");
    ensure!(figure(&faulty, ruled.cell)? > 1.05 * figure(&plain, ruled.cell)?, "the rules took nothing");
    Ok(())
}
