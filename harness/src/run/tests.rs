//! The loop with a fake bench: no kernel, no clock.

use super::*;
use lab_core::plan::expand;
use lab_core::vocabulary::{BackendName, ProbeName, TargetName};

/// A bench that answers from a script: what the nth visit to a cell gives.
struct Fake<F: FnMut(&Cell, u32) -> Result<Measured, Ended>> {
    visits: BTreeMap<Cell, u32>,
    limits: Vec<Duration>,
    answer: F,
}

impl<F: FnMut(&Cell, u32) -> Result<Measured, Ended>> Bench for Fake<F> {
    fn measure(&mut self, cell: &Cell, limit: Duration) -> Result<Measured, Ended> {
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
    Plan {
        scenario: "test".to_owned(),
        target: TargetName::Host,
        seed: 1,
        rounds: 3,
        budget: Duration::from_secs(60),
        dials: 1,
        traffic: Duration::from_secs(1),
        cells: expand(&[1], 2, &[BackendName::IptablesLegacy, BackendName::Nftables], &[ProbeName::SyncFull]),
    }
}

fn seconds(seconds: u64) -> Result<Measured, Ended> {
    let cost = Duration::from_secs(seconds);
    Ok(Measured { readings: vec![Reading { metric: Metric::SyncFull, samples: vec![cost.as_nanos() as f64] }], cost })
}

fn run_with(answer: impl FnMut(&Cell, u32) -> Result<Measured, Ended>) -> (Tally, Vec<CellRecord>, Vec<Duration>) {
    let mut fake = Fake { visits: BTreeMap::new(), limits: Vec::new(), answer };
    let mut records = Records::default();
    let tally = run(&plan(), &mut fake, &mut [&mut records]).unwrap();
    (tally, records.0, fake.limits)
}

fn of(records: &[CellRecord], backend: BackendName) -> Vec<&CellRecord> {
    records.iter().filter(|record| record.backend == backend).collect()
}

#[test]
fn every_cell_is_measured_in_every_round() {
    let (tally, records, _) = run_with(|_, _| seconds(1));
    assert_eq!(records.len(), 6);
    assert!(records.iter().all(|record| record.outcome == Outcome::Measured && record.samples == [1e9]));
    let mut rounds: Vec<_> = of(&records, BackendName::Nftables).iter().map(|record| record.round).collect();
    rounds.sort_unstable();
    assert_eq!(rounds, [0, 1, 2]);
    assert_eq!(tally, Tally { interrupted: false, cells: BTreeMap::from([(Outcome::Measured, 2)]) });
}

#[test]
fn a_cell_that_would_go_past_its_budget_is_measured_less_often_and_says_so() {
    let (tally, records, limits) =
        run_with(|cell, _| seconds(if cell.backend == BackendName::Nftables { 40 } else { 1 }));
    let slow = of(&records, BackendName::Nftables);
    assert_eq!(slow.len(), 2);
    assert_eq!(slow[0].outcome, Outcome::Measured);
    assert_eq!(slow[1].outcome, Outcome::OverBudget);
    assert_eq!(slow[1].reason, "1 of 3 rounds: one more would go past the budget of 60 s");
    assert_eq!(tally.cells, BTreeMap::from([(Outcome::Measured, 2)]));
    assert!(limits.iter().all(|limit| *limit >= Duration::from_secs(58)), "{limits:?}");
}

#[test]
fn what_is_missing_or_too_slow_is_tried_once() {
    let (tally, records, _) = run_with(|cell, _| match cell.backend {
        BackendName::Nftables => Err(Ended::Skipped("nft is not installed".to_owned())),
        _ => Err(Ended::OverBudget("it had read half".to_owned())),
    });
    assert_eq!(records.len(), 2);
    assert_eq!(of(&records, BackendName::Nftables)[0].reason, "nft is not installed");
    assert_eq!(tally.cells, BTreeMap::from([(Outcome::Skipped, 1), (Outcome::OverBudget, 1)]));
}

#[test]
fn a_failure_is_tried_again_and_the_cell_stays_failed() {
    let (tally, records, _) = run_with(|cell, visit| match (cell.backend, visit) {
        (BackendName::Nftables, 2) => Err(Ended::Failed("refused".to_owned())),
        _ => seconds(1),
    });
    let outcomes: Vec<_> = of(&records, BackendName::Nftables).iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Measured, Outcome::Failed, Outcome::Measured]);
    assert_eq!(tally.cells, BTreeMap::from([(Outcome::Measured, 1), (Outcome::Failed, 1)]));
}

#[test]
fn an_interrupt_ends_the_run_without_a_record_of_the_cell() {
    let (tally, records, limits) = run_with(|_, _| Err(Ended::Interrupted));
    assert!(tally.interrupted && records.is_empty());
    assert_eq!(limits.len(), 1);
}

#[test]
fn a_listener_that_cannot_go_on_ends_the_run() {
    let mut fake = Fake { visits: BTreeMap::new(), limits: Vec::new(), answer: |_: &Cell, _| seconds(1) };
    let error = run(&plan(), &mut fake, &mut [&mut Full(2)]).unwrap_err();
    assert_eq!(error.to_string(), "no space left");
    assert_eq!(fake.limits.len(), 3);
}
