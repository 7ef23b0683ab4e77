//! Times and rates: how much they changed, and how sure that is.
//!
//! Whatever else a machine does only ever adds to a time, by half on a busy one and by other halves an hour later. So
//!
//! - what is compared is the *fastest tenth* of all rounds' samples: the geometric mean of the tenth with the least cost,
//!   which is what comes back when the machine is busy otherwise;
//! - it is held against a *yardstick* for the machine's speed: traffic against `direct`, asked the same in the same rounds; a
//!   sync against what starting tools took in them, as long as the kernel and the tools are the same;
//! - a sync is judged by the *processor time* of its tools, as a share of its time: how long they waited in line for the
//!   processor says nothing of them. As a whole, waiting included, it is judged, too, but it must have got a lot worse.
//!
//! ```text
//!         ─────┼────────1────────┼─────────────► after / before
//!   improved ├─┤   ├── unchanged ┤   ├─ regressed
//!              │        ├────────┼──┤  inconclusive
//!     1/(1+minimum effect)  1+minimum effect
//! ```
//!
//! An interval comes from drawing whole rounds, with Student's quantile for their number; a side of few rounds is taken to
//! be as noisy as the other. It is never narrower than the policy's `noise`: what runs of the same thing differ in that no
//! run can know of by itself.

use super::compared::Delta;
use super::verdict::Verdict;
use lab_core::metric::Metric;
use lab_core::stats::{Dice, size};

/// How often rounds are drawn.
const RESAMPLES: usize = 200;

/// The bootstrap's seed: fixed, so that two runs have one comparison.
const SEED: u64 = 0;

/// The share of samples, those that cost least, that is compared.
const FASTEST: f64 = 0.1;

/// Where that would be fewer samples than these, it is so many, or a quarter: the very least are a matter of luck.
const FEW_SAMPLES: usize = 5;

/// Rounds that tell how much rounds differ.
const ENOUGH_ROUNDS: usize = 5;

/// What processor time differs by from run to run, as a share of a sync's time: caches are shared with whatever else runs.
const PROCESSOR_NOISE: f64 = 0.02;

/// A round of one side of a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Round {
    /// The samples as costs, so that less is better.
    pub(super) costs: Vec<f64>,
    /// The processor time of the tools in each of them; empty where it is not known.
    pub(super) processor: Vec<f64>,
    /// What each of the yardsticks took meanwhile; none where there are none.
    pub(super) yardsticks: Vec<Vec<f64>>,
}

/// What is compared of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Figure {
    Cost,
    CostToYardstick,
    Processor,
    ProcessorToYardstick,
}

/// `samples` of `metric` as costs.
pub(super) fn costs(metric: Metric, samples: &[f64]) -> Vec<f64> {
    samples.iter().filter(|sample| **sample > 0.0).map(|sample| metric.cost(*sample)).collect()
}

/// What the fastest tenth of all rounds' samples costs; `None` without samples.
pub(super) fn figure(rounds: &[Round]) -> Option<f64> {
    Figure::Cost.of(rounds).map(f64::exp)
}

/// How many times as much a row costs, with its interval; `related` to its yardsticks.
pub(super) fn cost(before: &[Round], after: &[Round], related: bool, noise: f64) -> Option<Delta> {
    let figure = if related { Figure::CostToYardstick } else { Figure::Cost };
    let (was, is) = (figure.of(before)?, figure.of(after)?);
    let error = error(figure, before, after)?.hypot(noise) * student(before.len() + after.len());
    let ratio = is - was;
    Some(Delta { ratio: ratio.exp(), low: (ratio - error).exp(), high: (ratio + error).exp() })
}

/// How many times as much a sync would cost, had nothing changed but its tools' processor time; with its interval.
pub(super) fn processor(before: &[Round], after: &[Round], related: bool) -> Option<Delta> {
    let figure = if related { Figure::ProcessorToYardstick } else { Figure::Processor };
    let whole = if related { Figure::CostToYardstick } else { Figure::Cost };
    let (was, is) = (figure.of(before)?, figure.of(after)?);
    // More than the whole it cannot be, but where samples of other rounds make up either's fastest tenth.
    let share = (was - whole.of(before)?).exp().min(1.0);
    let error = error(figure, before, after)? * share * (is - was).exp().max(1.0);
    let error = error.hypot(PROCESSOR_NOISE) * student(before.len() + after.len());
    let ratio = 1.0 + share * ((is - was).exp() - 1.0);
    Some(Delta { ratio, low: (ratio - error).max(0.0), high: ratio + error })
}

/// What a change in cost comes to: worse only if all of its interval is beyond the least effect that matters.
pub(super) fn judge(change: Delta, minimum_effect: f64) -> Verdict {
    let limit = 1.0 + minimum_effect;
    match () {
        () if change.low > limit => Verdict::Regressed,
        () if change.high < 1.0 / limit => Verdict::Improved,
        () if change.high < limit && change.low > 1.0 / limit => Verdict::Unchanged,
        () => Verdict::Inconclusive,
    }
}

/// A change in cost as one of `metric`, or the other way around.
pub(super) fn turned(metric: Metric, change: Delta) -> Delta {
    let [ratio, low, high] = [change.ratio, change.low, change.high].map(|ratio| metric.cost(ratio));
    Delta { ratio, low: low.min(high), high: low.max(high) }
}

impl Figure {
    /// Its logarithm over all `rounds`; `None` where they do not have it.
    fn of(self, rounds: &[Round]) -> Option<f64> {
        Pools::of(self, rounds).figure(&vec![1; rounds.len()])
    }
}

/// What a figure is made of, ready to be drawn from many times.
struct Pools {
    own: Pool,
    yardsticks: Vec<Pool>,
}

impl Pools {
    fn of(figure: Figure, rounds: &[Round]) -> Self {
        let own = match figure {
            Figure::Cost | Figure::CostToYardstick => Pool::of(rounds, |round| &round.costs),
            Figure::Processor | Figure::ProcessorToYardstick => Pool::of(rounds, |round| &round.processor),
        };
        let related = matches!(figure, Figure::CostToYardstick | Figure::ProcessorToYardstick);
        let yardsticks = if related { rounds.iter().map(|round| round.yardsticks.len()).min().unwrap_or(0) } else { 0 };
        Self { own, yardsticks: (0..yardsticks).map(|one| Pool::of(rounds, |round| &round.yardsticks[one])).collect() }
    }

    /// The figure's logarithm, with each round counted so many times.
    fn figure(&self, times: &[usize]) -> Option<f64> {
        let own = self.own.fastest(times)?;
        let beside: Option<Vec<f64>> = self.yardsticks.iter().map(|yardstick| yardstick.fastest(times)).collect();
        let beside = beside?;
        Some(own - beside.iter().sum::<f64>() / size(beside.len().max(1)))
    }
}

/// All rounds' samples in ascending order.
struct Pool {
    /// The logarithm of each, and its round.
    sorted: Vec<(f64, usize)>,
    /// How many each round has.
    sizes: Vec<usize>,
}

impl Pool {
    fn of(rounds: &[Round], part: impl Fn(&Round) -> &Vec<f64>) -> Self {
        let samples = rounds.iter().enumerate();
        let mut sorted: Vec<(f64, usize)> =
            samples.flat_map(|(index, round)| part(round).iter().map(move |sample| (sample.ln(), index))).collect();
        sorted.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        Self { sorted, sizes: rounds.iter().map(|round| part(round).len()).collect() }
    }

    /// The logarithm of the geometric mean of the fastest samples; `None` without any.
    fn fastest(&self, times: &[usize]) -> Option<f64> {
        let samples: usize = self.sizes.iter().zip(times).map(|(size, times)| size * times).sum();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of the samples' number")]
        let tenth = (FASTEST * size(samples)).ceil() as usize;
        let fastest = tenth.max(samples.div_ceil(4).min(FEW_SAMPLES));
        let (mut left, mut sum) = (fastest, 0.0);
        for &(sample, round) in &self.sorted {
            let taken = times[round].min(left);
            sum += sample * size(taken);
            left -= taken;
            if left == 0 {
                break;
            }
        }
        (fastest > 0).then(|| sum / size(fastest))
    }
}

/// The standard error of the difference between two sides.
fn error(figure: Figure, before: &[Round], after: &[Round]) -> Option<f64> {
    let deviation = |rounds, seed| Some(deviation(figure, rounds, seed)? / size(rounds.len()).sqrt());
    let (was, is) = (deviation(before, SEED), deviation(after, SEED + 1));
    let as_noisy = |other: f64, others: usize, own: usize| other * (size(others) / size(own)).sqrt();
    let (was, is) = match (was, is) {
        (Some(was), Some(is)) => {
            let few = |rounds: &[Round]| rounds.len() < ENOUGH_ROUNDS;
            let was_at_least = if few(before) { as_noisy(is, after.len(), before.len()) } else { 0.0 };
            let is_at_least = if few(after) { as_noisy(was, before.len(), after.len()) } else { 0.0 };
            (was.max(was_at_least), is.max(is_at_least))
        }
        (Some(was), None) => (was, as_noisy(was, before.len(), after.len())),
        (None, Some(is)) => (as_noisy(is, after.len(), before.len()), is),
        (None, None) => return None,
    };
    Some(was.hypot(is))
}

/// How far a single round is off, by how far `rounds` drawn again are; `None` for fewer than two.
fn deviation(figure: Figure, rounds: &[Round], seed: u64) -> Option<f64> {
    if rounds.len() < 2 {
        return None;
    }
    let mut dice = Dice::seeded(seed);
    let pools = Pools::of(figure, rounds);
    let draw = |_| {
        let mut times = vec![0; rounds.len()];
        rounds.iter().for_each(|_| times[dice.throw(rounds.len())] += 1);
        pools.figure(&times)
    };
    let drawn: Vec<f64> = (0..RESAMPLES).filter_map(draw).collect();
    let mean = drawn.iter().sum::<f64>() / size(drawn.len());
    let variance = drawn.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / size(drawn.len());
    // Drawn with replacement, n rounds vary by (n-1)/n of what they should.
    Some((variance * size(rounds.len()) / size(rounds.len() - 1) * size(rounds.len())).sqrt())
}

/// Student's quantile that leaves 2.5 % above it, for the rounds of two sides together; of three rounds at least.
fn student(rounds: usize) -> f64 {
    const SMALL: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    let freedom = rounds.saturating_sub(2).max(1);
    if let Some(&quantile) = SMALL.get(freedom - 1) {
        return quantile;
    }
    // Cornish and Fisher's expansion from the normal quantile 1.96; off by less than 0.3 % from ten degrees on.
    let freedom = size(freedom);
    1.959_964 + 2.372 / freedom + 2.823 / (freedom * freedom)
}
