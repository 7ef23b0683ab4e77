//! What it takes to add one rule, and to build a table by adding one rule after the other.
//!
//! The published figures of iptables are of the second, under the name of the first. A table of some ten thousand rules is not
//! built that way here: what one call takes, `a + b·n` after `n` calls, is fitted to what was measured, and summed up. The
//! rule that is appended costs more than others of the table, and many calls are of a smaller one, so that both terms of the
//! sum are corrected by what small tables took that were built in full. How far that misses another one is said.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::{Evidence, is, is_iptables};
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{Line, from_to, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::{Metric, Unit};
use lab_core::units;
use lab_core::vocabulary::{BackendName, Clock, ProbeName, Way};

pub(super) const IPTABLES: Claim = Claim {
    id: "iptables-add-rule",
    says: "Adding one iptables rule takes 11 minutes at 5,000 Services and 5 hours at 20,000",
    source: "huawei-add-rule",
    judge: iptables,
};

pub(super) const IPVS: Claim = Claim {
    id: "ipvs-add-service",
    says: "IPVS adds in 30, 50 and 70 µs at 1, 5,000 and 20,000 Services, almost the same at any size",
    source: "huawei-add-rule",
    judge: ipvs,
};

/// Services, and the published nanoseconds.
const PUBLISHED: [(u32, f64); 2] = [(5000, 660e9), (20_000, 18_000e9)];
/// Within this factor a figure is the published one: other machines are slower.
const NEAR: f64 = 5.0;
/// No machine in use takes more nanoseconds than this for an instruction.
const SLOWEST: f64 = 10.0;
/// The published growth of IPVS from 1 to 20,000 Services is 2.3.
const ALMOST_THE_SAME: f64 = 3.0;

fn iptables(evidence: &Evidence) -> Option<Finding> {
    let lines = evidence.lines(Metric::AppendRule, is_iptables);
    if lines.is_empty() {
        return None;
    }
    let lacks = evidence.lacks(Metric::AppendRule, is_iptables);
    let (mut figures, mut sentences) = (Vec::new(), Vec::new());
    let (mut one, mut all) = (Votes::default(), Votes::default());
    for line in &lines {
        let growth = Growth::of(evidence, line);
        if let Some(growth) = &growth {
            sentences.extend(growth.checked(evidence));
        }
        for (services, published) in PUBLISHED {
            let Some(estimate) = line.at(services) else { continue };
            figures.push(line.figure(services, estimate));
            one.cast(&line.name, is_near(line.clock, estimate, published));
            let projected = growth.as_ref().and_then(|growth| growth.projected(evidence, services, None));
            let Some((calls, sum)) = projected else {
                continue;
            };
            let what = format!(
                "{} projected for {} ({} calls) of {}",
                Metric::BuildOneByOne,
                services_of(services),
                units::count(calls as u64),
                line.name
            );
            figures.push(Figure { what, estimate: sum, measure: Measure::Of(Unit::Ns, line.clock) });
            all.cast(&line.name, is_near(line.clock, sum, published));
        }
    }
    let (verdict, says) = match (one.verdict(), all.verdict()) {
        (Verdict::NotReproduced, Verdict::Reproduced | Verdict::MeansSomethingElse) => (
            Verdict::MeansSomethingElse,
            "One rule takes a small part of that. The published figures are those of the whole table built by adding one rule \
             after the other.",
        ),
        (Verdict::NotReproduced, Verdict::CannotBeTold) => (
            Verdict::NotReproduced,
            "One rule takes a small part of that. Whether the figures are those of the whole table, built rule by rule, the data \
             do not say.",
        ),
        (Verdict::NotReproduced, _) => {
            (Verdict::NotReproduced, "Neither one rule takes that, nor the whole table built rule by rule.")
        }
        (verdict @ (Verdict::Reproduced | Verdict::MeansSomethingElse), _) => (verdict, "One rule takes about that."),
        (Verdict::CannotBeTold, _) => {
            (Verdict::CannotBeTold, "No rule was appended at 5,000 or 20,000 Services often enough to say.")
        }
    };
    let finding = sentences.into_iter().fold(Finding::new(verdict, figures).say(says), Finding::say);
    Some(finding.lacking(&lacks))
}

/// Whether an estimate is about `published` nanoseconds; instructions are none, and only what no machine could take is not.
fn is_near(clock: Clock, estimate: Estimate, published: f64) -> Option<bool> {
    let slack = if clock == Clock::Instructions { NEAR * SLOWEST } else { NEAR };
    match (estimate.is_above(published / slack), estimate.is_above(published * slack)) {
        (Some(false), _) | (_, Some(true)) => Some(false),
        (Some(true), Some(false)) => Some(true),
        _ => None,
    }
}

/// How the cost of one rule grows with the rules that are there: `a + b·n`, fitted so that all sizes count alike.
struct Growth<'a> {
    line: &'a Line<'a>,
    /// How many calls make a table, and what one more takes.
    points: Vec<(f64, Estimate)>,
}

impl<'a> Growth<'a> {
    /// `None` where there are not two sizes whose rules are known.
    fn of(evidence: &Evidence, line: &'a Line<'a>) -> Option<Self> {
        let points: Vec<(f64, Estimate)> = line
            .medians()
            .into_iter()
            .filter_map(|(services, estimate)| Some((calls(evidence, line, services)?, estimate)))
            .collect();
        (points.len() > 1).then_some(Self { line, points })
    }

    /// The calls that build the table of `services` and what they take, corrected by the tables that were built in full, other
    /// than the one of `except`.
    fn projected(&self, evidence: &Evidence, services: u32, except: Option<u32>) -> Option<(f64, Estimate)> {
        let calls = calls(evidence, self.line, services)?;
        Some((calls, self.sum(calls, self.correction(evidence, except))?))
    }

    /// What the terms of the sum are to be multiplied by: those of `a` and those of `b`. One factor for both where a single
    /// table was built in full, or two do not tell them apart.
    fn correction(&self, evidence: &Evidence, except: Option<u32>) -> (f64, f64) {
        const NONE: (f64, f64) = (1.0, 1.0);
        let others =
            self.built(evidence).into_iter().filter(|(size, built)| Some(*size) != except && built.value > 0.0);
        // Each table's terms as shares of what it took.
        let shares: Vec<(u32, f64, f64)> = others
            .filter_map(|(size, built)| {
                let calls = calls(evidence, self.line, size)?;
                let [a, b] = [(1.0, 0.0), (0.0, 1.0)].map(|only| Some(self.sum(calls, only)?.value / built.value));
                Some((size, a?, b?))
            })
            .collect();
        // Least squares of relative errors: both terms of each table make 1.
        let sum = |of: fn(f64, f64) -> f64| shares.iter().map(|&(_, a, b)| of(a, b)).sum::<f64>();
        let (aa, ab, bb) = (sum(|a, _| a * a), sum(|a, b| a * b), sum(|_, b| b * b));
        let (a, b, determinant) = (sum(|a, _| a), sum(|_, b| b), aa * bb - ab * ab);
        let both = ((a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant);
        if shares.len() > 1 && [both.0, both.1].iter().all(|factor| factor.is_finite() && *factor > 0.0) {
            return both;
        }
        let largest = shares.iter().max_by_key(|(size, ..)| *size);
        largest.map(|(_, a, b)| 1.0 / (a + b)).filter(|factor| factor.is_finite()).map_or(NONE, |one| (one, one))
    }

    /// The tables of this variant that were built in full, by their Services, and what they took.
    fn built(&self, evidence: &Evidence) -> Vec<(u32, Estimate)> {
        let lines = evidence.lines(Metric::BuildOneByOne, is(self.line.contender.backend));
        let same = |built: &&Line| built.is_beside(self.line) || built.same_rules(self.line);
        lines.iter().find(same).map(|built| built.medians()).unwrap_or_default()
    }

    /// The sum of what `calls` take, one after the other, its terms multiplied by `factors`.
    fn sum(&self, calls: f64, factors: (f64, f64)) -> Option<Estimate> {
        // The sum of a + b·n over n = 0 … calls-1 is a·calls + b·calls·(calls-1)/2.
        let (of_a, of_b) = (factors.0 * calls, factors.1 * calls * (calls - 1.0) / 2.0);
        let weights = self.fit().into_iter().map(|(a, b)| a * of_a + b * of_b);
        Estimate::weighted(weights.zip(self.points.iter().map(|(_, estimate)| *estimate)))
    }

    /// How much of each point's cost is in `a`, and how much in `b`: least squares of relative errors.
    fn fit(&self) -> Vec<(f64, f64)> {
        let weight = |estimate: &Estimate| 1.0 / estimate.value.max(f64::MIN_POSITIVE).powi(2);
        let sum = |of: fn(f64) -> f64| self.points.iter().map(|(n, cost)| weight(cost) * of(*n)).sum::<f64>();
        let (ones, ns, squares) = (sum(|_| 1.0), sum(|n| n), sum(|n| n * n));
        let determinant = ones * squares - ns * ns;
        let share = |(n, cost): &(f64, Estimate)| {
            let weight = weight(cost) / determinant;
            (weight * (squares - ns * n), weight * (ones * n - ns))
        };
        self.points.iter().map(share).collect()
    }

    /// By how much the projection misses the tables that were built, each corrected by the others, in a sentence; `None` where
    /// none was. One of a few Services is mostly what every table has.
    fn checked(&self, evidence: &Evidence) -> Option<String> {
        const ENOUGH: u32 = 10;
        let built = self.built(evidence).into_iter().filter(|(services, _)| *services >= ENOUGH);
        let clauses: Vec<String> = built
            .filter_map(|(services, measured)| {
                let (_, projected) = self.projected(evidence, services, Some(services))?;
                let error = units::change(projected.value / measured.value - 1.0);
                Some(format!("by {error} at {}", services_of(services)))
            })
            .collect();
        let check =
            format!("Of {} the projection misses what was built in full {}.", self.line.name, clauses.join(", "));
        (!clauses.is_empty()).then_some(check)
    }
}

/// How many calls build the table of a line's variant at `services`: as many as were counted, or one for each rule and chain.
fn calls(evidence: &Evidence, line: &Line, services: u32) -> Option<f64> {
    let count = |metric| counted(evidence, metric, line, services);
    count(Metric::BuildCalls).or_else(|| Some(count(Metric::Rules)? + count(Metric::Chains).unwrap_or_default()))
}

/// What a line's variant has of `metric` at `services`: that of any cell of it, or what the smallest and the largest size that
/// say so come to there: every table has some, and each Service as many as the next.
fn counted(evidence: &Evidence, metric: Metric, line: &Line, services: u32) -> Option<f64> {
    let counted = evidence.lines(metric, is(line.contender.backend));
    let same = |counted: &&Line| counted.same_rules(line);
    let known: Vec<(u32, f64)> = counted
        .iter()
        .filter(same)
        .flat_map(|counted| counted.medians())
        .map(|(size, count)| (size, count.value))
        .collect();
    let exactly = known.iter().find(|(size, _)| *size == services);
    exactly.map(|(_, count)| *count).or_else(|| {
        let by_size = || known.iter().map(|(size, count)| (f64::from(*size), *count));
        let (first, last) =
            (by_size().min_by(|a, b| a.0.total_cmp(&b.0))?, by_size().max_by(|a, b| a.0.total_cmp(&b.0))?);
        let each = if last.0 > first.0 { (last.1 - first.1) / (last.0 - first.0) } else { last.1 / last.0 };
        Some(last.1 + each * (f64::from(services) - last.0))
    })
}

fn ipvs(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| is(BackendName::Ipvs)(cell) && cell.variant.way == Way::Batched;
    let lines = evidence.lines(Metric::SyncChange, which);
    if lines.is_empty() {
        return None;
    }
    let (mut votes, mut figures, mut starts) = (Votes::default(), Vec::new(), Vec::new());
    for line in &lines {
        let Some([(few, small), (many, large)]) = line.ends() else { continue };
        let growth = large.over(small);
        figures.extend([line.figure(few, small), line.figure(many, large)]);
        figures.extend(growth.map(|growth| line.ratio(&from_to(few, many), growth)));
        votes.cast(&line.name, growth.and_then(|growth| growth.is_above(ALMOST_THE_SAME)).map(|grows| !grows));
    }
    for line in
        evidence.lines(Metric::ToolExec, |cell| is(BackendName::Ipvs)(cell) && cell.probe == ProbeName::AppendRule)
    {
        starts.extend(line.medians().first().map(|(services, start)| line.figure(*services, *start)));
    }
    let slow = lines.iter().filter(|line| line.clock == Clock::Wall).find_map(|line| {
        let (_, small) = *line.medians().first()?;
        (small.is_above(30e3 * 10.0) == Some(true)).then_some(())
    });
    let mut verdict = votes.verdict();
    let mut says = match verdict {
        Verdict::CannotBeTold => "The data do not say how a change grows with the number of Services.",
        Verdict::Reproduced => "A change costs almost the same at any number of Services.",
        _ => "A change costs more the more Services there are.",
    };
    if verdict == Verdict::Reproduced && slow.is_some() {
        verdict = Verdict::MeansSomethingElse;
        says = "A change costs almost the same at any number of Services. The published microseconds are of one request to the \
                kernel; a Service takes several, an address and entries of sets.";
    }
    let start = if starts.is_empty() {
        ""
    } else {
        "The start of a process (tool_exec) is no part of a change that is batched."
    };
    figures.extend(starts);
    let finding = Finding::new(verdict, figures).say(says).say(start);
    Some(finding.lacking(&evidence.lacks(Metric::SyncChange, which)))
}
