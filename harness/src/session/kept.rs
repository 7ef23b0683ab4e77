//! What of a run that broke off is kept when it goes on, and which visits are left.
//!
//! ```text
//!   plan's boots:   AAAA BBBB CCCC DDDD        a boot is a guest with its visits; on a wall clock there is one for all
//!   recorded:       AAAA BB   CCCC             B was cut off: its guest is started again, and its records are dropped
//!   left:           BBBB DDDD
//! ```
//!
//! A visit's records are written at once. So only where a file ends within a line may its last visit lack some, and is made
//! again. What was skipped or failed is, too: the machine may have been mended.

use super::record::Tail;
use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, Dataset, End};
use lab_core::metric::Metric;
use lab_core::plan::{Plan, Visit};
use lab_core::vocabulary::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// What there is of a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Kept {
    /// The end of the run, if it had one.
    pub(crate) end: Option<End>,
    /// The records of visits that are done, in the order of the file.
    pub(crate) records: Vec<CellRecord>,
    /// The visits that are left, by boot.
    pub(crate) left: Vec<Vec<Visit>>,
}

impl Kept {
    /// Nothing: all of `plan` is left.
    pub(crate) fn nothing(plan: &Plan) -> Self {
        Self { left: plan.boots(), ..Self::default() }
    }

    /// What `recorded`, a run of `plan` whose file ends so, has of it.
    pub(super) fn of(recorded: &Dataset, tail: Tail, plan: &Plan) -> Self {
        let mut found: BTreeMap<Visit, bool> = BTreeMap::new();
        for record in &recorded.cells {
            let again = matches!(record.outcome, Outcome::Failed | Outcome::Skipped);
            *found.entry(record.visit()).or_insert(true) &= !again;
        }
        if let (Tail::Torn, Some(last)) = (tail, recorded.cells.last()) {
            found.insert(last.visit(), false);
        }
        let over = closed(recorded, &[Outcome::OverBudget]);
        let is_done = |visit: &Visit| match found.get(visit) {
            Some(&good) => good,
            None => over.contains(&visit.cell),
        };
        let (mut done, mut left) = (BTreeSet::new(), Vec::new());
        for boot in plan.boots() {
            // A guest's later samples depend on its earlier ones: it is made as a whole or not at all.
            let (made, rest): (Vec<Visit>, Vec<Visit>) = match plan.target.is_exact() {
                true if boot.iter().all(is_done) => (boot, Vec::new()),
                true => (Vec::new(), boot),
                false => boot.into_iter().partition(is_done),
            };
            done.extend(made);
            left.extend(Some(rest).filter(|rest| !rest.is_empty()));
        }
        let records = recorded.cells.iter().filter(|record| done.contains(&record.visit())).cloned().collect();
        Self { end: recorded.end.clone(), records, left }
    }
}

/// Cells of which later rounds were not made, since a round came to one of `outcomes`: it has a single record, of the probe's
/// own metric. In the target `exact` each guest has one round.
pub(crate) fn closed(recorded: &Dataset, outcomes: &[Outcome]) -> BTreeSet<Cell> {
    if recorded.header.plan.target.is_exact() {
        return BTreeSet::new();
    }
    let mut rounds: BTreeMap<(Cell, u32), Vec<&CellRecord>> = BTreeMap::new();
    for record in &recorded.cells {
        rounds.entry((record.cell, record.round)).or_default().push(record);
    }
    let ended = |records: &[&CellRecord]| {
        let [only] = records else { return false };
        only.metric == Metric::of(only.cell.probe) && outcomes.contains(&only.outcome)
    };
    rounds.into_iter().filter(|(_, records)| ended(records)).map(|((cell, _), _)| cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::unmeasured;
    use lab_core::axes::Axes;
    use lab_core::dataset::Header;
    use lab_core::vocabulary::TargetName;

    fn plan(target: TargetName) -> Plan {
        let cells = Axes { services: vec![1, 10], ..Axes::default() }.expand();
        Plan { rounds: if target.is_exact() { 1 } else { 2 }, cells, ..Plan::example(target) }
    }

    /// A run of `plan` with these visits, each measured.
    fn recorded(plan: &Plan, visits: &[Visit]) -> Dataset {
        let records = visits.iter().map(|visit| unmeasured(plan, visit, Outcome::Measured, "")).collect();
        Dataset { header: Header::example(plan.clone()), cells: records, end: None }
    }

    #[test]
    fn a_guest_that_was_cut_off_is_made_again_and_every_other_kept() {
        let plan = plan(TargetName::Exact);
        let boots = plan.boots();
        let visits = [&boots[0][..], &boots[1][..1], &boots[2]].concat();
        let kept = Kept::of(&recorded(&plan, &[&visits[..], &boots[3][..1]].concat()), Tail::Whole, &plan);
        assert_eq!(kept.left[0], boots[1]);
        assert_eq!(kept.left.len(), boots.len() - 2);
        assert_eq!(kept.records.len(), boots[0].len() + boots[2].len());
        // Where the file is torn, the last visit may lack something, and its guest goes with it.
        let whole = recorded(&plan, &visits);
        assert_eq!(Kept::of(&whole, Tail::Torn, &plan).records.len(), boots[0].len());
        // What is kept once is kept again.
        let again = Dataset { cells: kept.records.clone(), ..whole };
        assert_eq!(Kept::of(&again, Tail::Whole, &plan).records, kept.records);
    }

    #[test]
    fn on_a_wall_clock_only_what_is_not_there_is_made() {
        let plan = plan(TargetName::Host);
        let visits = plan.boots().concat();
        let run = recorded(&plan, &visits[..5]);
        let kept = Kept::of(&run, Tail::Torn, &plan);
        assert_eq!((kept.left, kept.records.len()), (vec![visits[4..].to_vec()], 4));
        let kept = Kept::of(&run, Tail::Whole, &plan);
        assert_eq!((kept.left, kept.records.len()), (vec![visits[5..].to_vec()], 5));
    }

    #[test]
    fn what_failed_is_made_again_and_what_went_over_its_budget_is_not() {
        let plan = plan(TargetName::Host);
        let visits = plan.boots().concat();
        let mut run = recorded(&plan, &visits[..3]);
        run.cells[0].outcome = Outcome::Failed;
        run.cells[1].outcome = Outcome::OverBudget;
        // What runs beside a probe may have come to nothing, and the probe goes on.
        let beside = CellRecord { outcome: Outcome::OverBudget, metric: Metric::OpenLoop, ..run.cells[2].clone() };
        run.cells.push(beside);
        let kept = Kept::of(&run, Tail::Whole, &plan);
        let later = kept.left[0].iter().any(|visit| visit.cell == visits[2].cell);
        assert!(later, "its second round is left");
        assert!(kept.left[0].contains(&visits[0]));
        assert!(!kept.left[0].iter().any(|visit| visit.cell == visits[1].cell));
    }

    #[test]
    fn a_run_that_is_whole_has_nothing_left() {
        for target in [TargetName::Exact, TargetName::Host] {
            let plan = plan(target);
            let mut run = recorded(&plan, &plan.boots().concat());
            run.end = Some(End::example());
            let kept = Kept::of(&run, Tail::Whole, &plan);
            assert!(kept.left.is_empty() && kept.records == run.cells);
        }
    }
}
