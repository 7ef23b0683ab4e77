//! Verdicts for every cell and metric, and what they come to.

use super::cause::{Cause, causes};
use super::compared::{Basis, Compared, Delta, Side};
use super::comparison::{Comparison, Runs};
use super::difference::Difference;
use super::evidence::{Evidence, beside};
use super::exact;
use super::layouts::aligned;
use super::policy::{Consequence, Gating, Policy};
use super::times::Times;
use super::verdict::Verdict;
use lab_core::cell::Cell;
use lab_core::dataset::{Dataset, Unmet, unmet};
use lab_core::metric::{Better, Metric};
use lab_core::stats;
use lab_core::vocabulary::{BackendName, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// What a gate says of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The runs beside each other.
    pub comparison: Comparison,
    /// Differences that make the runs not comparable: nothing is judged where there are any.
    pub incomparable: Vec<Difference>,
    /// A verdict for every row of the comparison, those that decide first.
    pub judged: Vec<Judged>,
    /// Backends that the policy or the run's plan requires, and of which cells were skipped: each fails the gate.
    pub unmet: Vec<Unmet>,
    /// The policy that it was judged by.
    pub policy: Policy,
}

/// A cell's metric with its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// In both runs.
    pub compared: Compared,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether it has a say in what the gate comes to.
    pub gating: Gating,
    /// What the verdict leads to.
    pub consequence: Consequence,
    /// By how much it might be worse, as a share: the tolerance or the minimum effect.
    pub allowance: f64,
    /// What led to the verdict, in a sentence.
    pub why: String,
    /// What a regression is made of, what contributes most first; empty for any other verdict.
    pub causes: Vec<Cause>,
    /// Whether it looks worse on a wall clock, surely or not, so that its cell is worth running again.
    pub suspicious: bool,
}

/// How many verdicts there are of each kind.
pub type Tally = BTreeMap<Verdict, usize>;

impl Judgement {
    /// Whether the gate passes; `None` where the runs cannot be compared, or have nothing in common that gates.
    #[must_use]
    pub fn passes(&self) -> Option<bool> {
        let fails = |judged: &Judged| judged.gating == Gating::Gates && judged.consequence == Consequence::Fail;
        match () {
            () if !self.incomparable.is_empty() => None,
            () if !self.unmet.is_empty() => Some(false),
            () if self.nothing_gates() => None,
            () => Some(!self.judged.iter().any(fails)),
        }
    }

    /// Whether the runs can be compared and yet have no figure that gates: a gate that has nothing to judge must not pass.
    #[must_use]
    pub fn nothing_gates(&self) -> bool {
        let gates = |judged: &Judged| judged.gating == Gating::Gates && judged.compared.is_measured();
        self.incomparable.is_empty() && !self.judged.iter().any(gates)
    }

    /// The cells that are to be run again before the verdict on them is believed, on a wall clock, in the order of the plan:
    /// those that look worse, sure or not, with what they are held against in the same rounds.
    #[must_use]
    pub fn suspicious(&self) -> Vec<Cell> {
        let mut cells = BTreeSet::new();
        for judged in self.judged.iter().filter(|judged| judged.suspicious) {
            cells.insert(judged.compared.cell);
            cells.extend(beside(judged.compared.cell));
        }
        cells.into_iter().collect()
    }

    /// How many of those that gate came to each verdict.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::new();
        for judged in self.judged.iter().filter(|judged| judged.gating == Gating::Gates) {
            *tally.entry(judged.verdict).or_default() += 1;
        }
        tally
    }
}

/// Judges `after` against `before`. `again` are later runs of cells that were suspicious: their rounds count with those of
/// `after`, and by themselves they must show the same.
///
/// Nothing is judged where the runs differ in what the policy does not allow.
#[must_use]
pub fn judge(before: &Dataset, after: &Dataset, again: &[Dataset], policy: &Policy) -> Judgement {
    let (was, is) = (Evidence::of(&aligned(before, after)), Evidence::of(after));
    let comparison = Runs { before: &was, after: &is }.compare(before, after, policy);
    let differences = comparison.differences.iter();
    let incomparable: Vec<Difference> = differences.filter(|difference| policy.bars(difference)).cloned().collect();
    let mut judged = Vec::new();
    if incomparable.is_empty() {
        let bench = Bench {
            before: was,
            after: is,
            again: again.iter().map(Evidence::of).collect(),
            same_guests: comparison.same_guests(),
            same_software: comparison.same_software(),
            policy,
        };
        judged.extend(comparison.rows.iter().map(|row| bench.judge(row)));
        for one in judged.iter_mut().filter(|one| one.verdict == Verdict::Regressed) {
            one.causes = causes(&one.compared, &comparison.rows);
        }
        // Stable: within a verdict the comparison's order stays.
        judged.sort_by_key(|one| (one.gating, one.consequence != Consequence::Fail, one.verdict));
    }
    let required: BTreeSet<BackendName> = policy.require.iter().chain(&after.header.plan.require).copied().collect();
    let unmet = unmet(required, after);
    Judgement { comparison, incomparable, judged, unmet, policy: policy.clone() }
}

/// The runs that verdicts are made from.
struct Bench<'a> {
    before: Evidence,
    after: Evidence,
    again: Vec<Evidence>,
    same_guests: bool,
    same_software: bool,
    policy: &'a Policy,
}

impl Bench<'_> {
    fn judge(&self, row: &Compared) -> Judged {
        let allowed = self.policy.of(&row.cell, row.metric, row.numbers());
        let mut compared = row.clone();
        let (verdict, told, looks_worse) = self.verdict(&mut compared, allowed.allowance);
        let own = row.metric == Metric::of(row.cell.probe);
        let gating = match verdict {
            Verdict::New => Gating::Explains,
            // Of a cell that ended badly, one row says so.
            Verdict::Missing if !own && ended_badly(row) => Gating::Explains,
            _ => allowed.gating,
        };
        let consequence = match verdict {
            _ if gating == Gating::Explains => Consequence::Pass,
            Verdict::Regressed => Consequence::Fail,
            Verdict::Missing => self.policy.missing,
            Verdict::Inconclusive => self.policy.inconclusive,
            Verdict::Improved | Verdict::Unchanged | Verdict::New => Consequence::Pass,
        };
        let why = match (told.is_empty(), allowed.why.is_empty()) {
            (_, true) => told,
            (true, false) => allowed.why,
            (false, false) => format!("{told} ({})", allowed.why),
        };
        Judged {
            compared,
            verdict,
            gating,
            consequence,
            allowance: allowed.allowance,
            why,
            causes: Vec::new(),
            suspicious: looks_worse && gating == Gating::Gates,
        }
    }

    /// The verdict, why, and whether to run it again; a timed row gets the change that led to it.
    fn verdict(&self, row: &mut Compared, allowance: f64) -> (Verdict, String, bool) {
        let measured = |side: &Option<Side>| side.as_ref().is_some_and(Side::is_measured);
        let (verdict, why) = match (measured(&row.before), measured(&row.after)) {
            (true, true) if row.basis != Basis::Exact => return self.timed(row, allowance),
            (true, true) => {
                let repeats = self.same_guests || row.metric.better() == Better::Neither;
                let noise = (!repeats).then(|| self.policy.luck_of(&row.cell, row.metric));
                match (exact::judge(row, allowance, noise), self.hidden(row)) {
                    ((Verdict::Unchanged, _), Some(change)) if change.ratio > 1.0 + allowance => {
                        (row.change, row.basis) = (Some(change), Basis::Processor);
                        (
                            Verdict::Regressed,
                            "its tools have more to do, while the whole waits as long as before".to_owned(),
                        )
                    }
                    (judged, _) => judged,
                }
            }
            (true, false) => self.gone(row),
            (false, true) => (Verdict::New, ended(row.before.as_ref(), "not in the baseline")),
            (false, false) => {
                let neither = ended(row.after.as_ref(), "measured in neither run");
                (Verdict::Unchanged, format!("as before: {neither}"))
            }
        };
        (verdict, why, false)
    }

    /// How many times as long a sync would take, had nothing changed but its tools' processor time: of guests that repeat each
    /// other's digits. Where a tool waits for the kernel's next tick, what it does more is not seen in the whole.
    fn hidden(&self, row: &Compared) -> Option<Delta> {
        if !self.same_guests {
            return None;
        }
        let key = (row.cell, row.metric);
        let spent = |run: &Evidence| {
            stats::median(
                &run.rounds(key, &BTreeSet::new())
                    .iter()
                    .flat_map(|round| &round.processor)
                    .copied()
                    .collect::<Vec<_>>(),
            )
        };
        let whole = row.before.as_ref()?.median?;
        let more = spent(&self.after)? - spent(&self.before)?;
        let ratio = 1.0 + more / whole;
        Some(Delta { ratio, low: ratio, high: ratio })
    }

    fn timed(&self, row: &mut Compared, minimum_effect: f64) -> (Verdict, String, bool) {
        let key = (row.cell, row.metric);
        let noise = self.policy.noise_of(&row.cell, row.metric);
        let judged = |after: &[&Evidence]| {
            let times = Times::of(&self.before, after, key, self.same_software);
            times.judge(minimum_effect, noise)
        };
        let together: Vec<&Evidence> = [&self.after].into_iter().chain(&self.again).collect();
        let Some(ruling) = judged(&together) else {
            return (Verdict::Inconclusive, "too few rounds: two of either run at the least".to_owned(), true);
        };
        (row.change, row.basis) = (Some(ruling.change), ruling.basis);
        let later: Vec<&Evidence> = self.again.iter().filter(|run| run.passes(key).is_some()).collect();
        let repeated = judged(&later).filter(|_| !later.is_empty());
        let (verdict, told) = match (ruling.verdict, repeated) {
            (Verdict::Regressed, None) => (Verdict::Regressed, "not run again"),
            (Verdict::Regressed, Some(again)) if again.cost > 1.0 + minimum_effect => {
                (Verdict::Regressed, "and so it was when run again")
            }
            (Verdict::Regressed, Some(_)) => (Verdict::Inconclusive, "but not when run again"),
            (verdict, _) => (verdict, ""),
        };
        let why =
            [ruling.why.as_str(), told].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
        let undecided = matches!(verdict, Verdict::Regressed | Verdict::Inconclusive);
        (verdict, why, undecided && ruling.cost > 1.0 + minimum_effect / 2.0)
    }

    /// Of what was measured before and is not now. What the run was not to measure is not missed.
    fn gone(&self, row: &Compared) -> (Verdict, String) {
        if !self.after.plans(row.cell) {
            return (Verdict::Unchanged, "no longer in the plan, so not compared".to_owned());
        }
        (Verdict::Missing, ended(row.after.as_ref(), "this run has no such metric of the cell"))
    }
}

fn ended_badly(row: &Compared) -> bool {
    row.after.as_ref().is_some_and(|side| side.outcome != Outcome::Measured)
}

/// How a side ended, with its reason; `nothing` where there is no such side.
fn ended(side: Option<&Side>, nothing: &str) -> String {
    match side {
        None => nothing.to_owned(),
        Some(side) if side.reason.is_empty() => side.outcome.to_string(),
        Some(side) => format!("{}: {}", side.outcome, side.reason),
    }
}
