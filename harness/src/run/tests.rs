//! The loop with a fake bench: no kernel, no clock.

use super::*;
use crate::run::event::Everyone;
use lab_core::axes::Axes;
use lab_core::vocabulary::{BackendName, ProbeName, TargetName};

/// A bench that answers from a script: what the nth visit to a cell gives.
struct Fake<F: FnMut(&Cell, u32) -> Result<Measured, CellError>> {
    visits: BTreeMap<Cell, u32>,
    limits: Vec<Duration>,
    answer: F,
}

impl<F: FnMut(&Cell, u32) -> Result<Measured, CellError>> Bench for Fake<F> {
    fn measure(&mut self, cell: &Cell, limit: Duration) -> Result<Measured, CellError> {
        let visit = self.visits.entry(*cell).or_default();
        *visit += 1;
        self.limits.push(limit);
        (self.answer)(cell, *visit)
    }
}

#[derive(Default)]
struct Records(Vec<CellRecord>);

impl Listener for Records {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        if let Event::CellEnded { records, .. } = event {
            self.0.extend_from_slice(records);
        }
        Ok(())
    }
}

/// A disk that is full after so many records.
struct Full(usize);

impl Listener for Full {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        if let Event::CellEnded { .. } = event {
            self.0 = self.0.checked_sub(1).ok_or_else(|| anyhow::anyhow!("no space left"))?;
        }
        Ok(())
    }
}

fn plan() -> Plan {
    let backends = vec![BackendName::IptablesLegacy, BackendName::Nftables];
    let axes = Axes { services: vec![1], backends, probes: vec![ProbeName::SyncFull], ..Axes::default() };
    Plan { rounds: 3, cells: axes.expand(), ..Plan::example(TargetName::Host) }
}

fn seconds(seconds: u64) -> Result<Measured, CellError> {
    let cost = Duration::from_secs(seconds);
    Ok(Measured { readings: vec![Reading::new(Metric::SyncFull, vec![cost.as_nanos() as f64])], cost })
}

/// The result of a run: whether it was interrupted, the outcomes, the records, and the limits that the bench got.
struct Given {
    interrupted: bool,
    outcomes: BTreeMap<Outcome, u32>,
    records: Vec<CellRecord>,
    limits: Vec<Duration>,
}

fn run_with(answer: impl FnMut(&Cell, u32) -> Result<Measured, CellError>) -> Given {
    let mut fake = Fake { visits: BTreeMap::new(), limits: Vec::new(), answer };
    let (mut records, mut tally) = (Records::default(), Tally::default());
    let visits = plan().boots().concat();
    let mut everyone = Everyone(vec![&mut records, &mut tally]);
    let Interrupted(interrupted) = run(&plan(), &visits, &mut fake, &mut everyone).unwrap();
    Given { interrupted, outcomes: tally.outcomes(), records: records.0, limits: fake.limits }
}

fn of(records: &[CellRecord], backend: BackendName) -> Vec<&CellRecord> {
    records.iter().filter(|record| record.cell.variant.backend == backend).collect()
}

#[test]
fn every_cell_is_measured_in_every_round() {
    let Given { outcomes, records, interrupted, .. } = run_with(|_, _| seconds(1));
    assert_eq!(records.len(), 6);
    assert!(records.iter().all(|record| record.outcome == Outcome::Measured && record.samples == [1e9]));
    let mut rounds: Vec<_> = of(&records, BackendName::Nftables).iter().map(|record| record.round).collect();
    rounds.sort_unstable();
    assert_eq!(rounds, [0, 1, 2]);
    assert!(!interrupted);
    assert_eq!(outcomes, BTreeMap::from([(Outcome::Measured, 2)]));
}

#[test]
fn a_cell_that_would_go_past_its_budget_is_measured_less_often_and_says_so() {
    let Given { outcomes, records, limits, .. } =
        run_with(|cell, _| seconds(if cell.variant.backend == BackendName::Nftables { 40 } else { 1 }));
    let slow = of(&records, BackendName::Nftables);
    assert_eq!(slow.len(), 2);
    assert_eq!(slow[0].outcome, Outcome::Measured);
    assert_eq!(slow[1].outcome, Outcome::OverBudget);
    assert_eq!(slow[1].reason, "1 of 3 rounds: one more would go past the budget of 60.0 s");
    assert_eq!(outcomes, BTreeMap::from([(Outcome::Measured, 2)]));
    assert!(limits.iter().all(|limit| *limit >= Duration::from_secs(58)), "{limits:?}");
}

#[test]
fn what_is_missing_or_too_slow_is_tried_once() {
    let Given { outcomes, records, .. } = run_with(|cell, _| match cell.variant.backend {
        BackendName::Nftables => Err(CellError::Skipped("nft is not installed".to_owned())),
        _ => Err(CellError::OverBudget("it had read half".to_owned())),
    });
    assert_eq!(records.len(), 2);
    assert_eq!(of(&records, BackendName::Nftables)[0].reason, "nft is not installed");
    assert_eq!(outcomes, BTreeMap::from([(Outcome::Skipped, 1), (Outcome::OverBudget, 1)]));
}

#[test]
fn what_ran_and_was_never_answered_is_unanswered_and_not_over_its_budget() {
    let Given { outcomes, records, .. } = run_with(|cell, _| {
        let mut measured = seconds(1)?;
        if cell.variant.backend == BackendName::Nftables {
            let nobody = |reading: &mut Reading| {
                reading.samples.clear();
                "none of 3 connections got an answer in time".clone_into(&mut reading.said);
            };
            measured.readings.iter_mut().for_each(nobody);
        }
        Ok(measured)
    });
    let asked = of(&records, BackendName::Nftables);
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|record| record.outcome == Outcome::Unanswered), "{asked:?}");
    assert_eq!(asked[0].reason, "none of 3 connections got an answer in time");
    assert_eq!(outcomes, BTreeMap::from([(Outcome::Measured, 1), (Outcome::Unanswered, 1)]));
}

#[test]
fn a_failure_is_tried_again_and_the_cell_stays_failed() {
    let Given { outcomes, records, .. } = run_with(|cell, visit| match (cell.variant.backend, visit) {
        (BackendName::Nftables, 2) => Err(CellError::Failed("refused".to_owned())),
        _ => seconds(1),
    });
    let nftables: Vec<_> = of(&records, BackendName::Nftables).iter().map(|record| record.outcome).collect();
    assert_eq!(nftables, [Outcome::Measured, Outcome::Failed, Outcome::Measured]);
    assert_eq!(outcomes, BTreeMap::from([(Outcome::Measured, 1), (Outcome::Failed, 1)]));
}

#[test]
fn an_interrupt_ends_the_run_without_a_record_of_the_cell() {
    let Given { interrupted, records, limits, .. } = run_with(|_, _| Err(CellError::Interrupted));
    assert!(interrupted && records.is_empty());
    assert_eq!(limits.len(), 1);
}

#[test]
fn a_listener_that_cannot_go_on_ends_the_run() {
    let mut fake = Fake { visits: BTreeMap::new(), limits: Vec::new(), answer: |_: &Cell, _| seconds(1) };
    let visits = plan().boots().concat();
    let error = run(&plan(), &visits, &mut fake, &mut Full(2)).unwrap_err();
    assert_eq!(error.to_string(), "no space left");
    assert_eq!(fake.limits.len(), 3);
}
