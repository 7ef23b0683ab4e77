//! A hundred draws from each of several laws: how often the intervals hold the truth, and how often a law is named rightly.
//!
//! What was achieved stands in METHODOLOGY.md, printed by `cargo test -p analysis --test capacity truth -- --nocapture`.

use super::synthetic::{Draws, Noise, SIZES};
use analysis::capacity::{Capacity, Doubt, Objective, Question, Relation, answer, crossovers, laws, laws_of};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Clock, ProbeName, Word};

const DRAWS: u32 = 100;

/// Of a hundred intervals, how many must hold the truth.
const ENOUGH: u32 = 90;

/// Samples a round, their noise, and how many draws of them there are: without noise all are the same.
const KINDS: [(usize, Noise, u32); 4] = [(1, HOST, DRAWS), (5, HOST, DRAWS), (5, BUSY, DRAWS), (1, NONE, 1)];

/// Whether `count` of `draws` are at least `percent`.
fn reaches(count: u32, draws: u32, percent: u32) -> bool {
    100 * count >= percent * draws
}

/// As on the host: a tenth between the samples of a cell and between its rounds, a few percent for all cells of a round.
const HOST: Noise = Noise { within: 0.10, between: 0.10, drift: 0.03 };

/// As in a run on a machine that others use.
const BUSY: Noise = Noise { within: 0.10, between: 0.20, drift: 0.05 };

/// As in the target exact.
const NONE: Noise = Noise { within: 0.0, between: 0.0, drift: 0.0 };

/// A law, a limit on what follows it, and the size from which on it breaks that.
struct Truth {
    law: fn(f64) -> f64,
    limit: f64,
    breaks: f64,
}

/// How many draws came out right.
#[derive(Debug, Default)]
struct Score {
    /// The capacity's interval holds the size at which the law breaks the limit.
    capacity: u32,
    /// The interval of the metric at 4,000 Services, between two sizes, holds the law's.
    inside: u32,
    /// At 9,000, beyond the last.
    beyond: u32,
    /// The law has the right shape.
    shape: u32,
}

impl Truth {
    fn score(&self, name: &str, shape: &str, samples: usize, noise: Noise, count: u32) -> Score {
        let mut score = Score::default();
        for seed in 0..count {
            let mut draws = Draws::new(seed.into(), Clock::Wall);
            draws.measure(BackendName::Nftables, ProbeName::SyncChange, &SIZES, samples, noise, self.law);
            let answer = answer(&draws.dataset, &question(self.limit), None).unwrap();
            let variant = &answer.variants[0];
            score.capacity += u32::from(self.is_held_by(&variant.capacity));
            let curve = variant.parts[0].fitted.as_ref().unwrap().curve.as_ref().unwrap();
            let holds = |services: f64| {
                let (estimate, truth) = (curve.at(services), (self.law)(services));
                // Without noise the interval is as narrow as the arithmetic.
                u32::from(estimate.low <= truth * (1.0 + 1e-9) && truth * (1.0 - 1e-9) <= estimate.high)
            };
            score.inside += holds(4000.0);
            score.beyond += holds(9000.0);
            score.shape += u32::from(curve.law().shape.name() == shape);
        }
        let Score { capacity, inside, beyond, shape } = score;
        println!(
            "| {name} | {samples} | {} | {} | {count} | {capacity} | {inside} | {beyond} | {shape} |",
            noise.within, noise.between
        );
        score
    }

    fn is_held_by(&self, capacity: &Capacity) -> bool {
        match *capacity {
            Capacity::UpTo { low, high, .. } => {
                f64::from(low) <= self.breaks && high.is_none_or(|high| self.breaks <= f64::from(high) + 1.0)
            }
            // It says that the limit holds so far, or that it may break somewhere before.
            Capacity::Throughout { services, low, .. } => {
                self.breaks >= f64::from(services) || low.is_some_and(|low| f64::from(low) <= self.breaks)
            }
            Capacity::Unsettled { doubt: Doubt::Wide { low, high }, .. } => {
                f64::from(low) <= self.breaks && high.is_none_or(|high| self.breaks <= f64::from(high) + 1.0)
            }
            Capacity::Unsettled { .. } | Capacity::Unknown { .. } => false,
        }
    }

    /// Asks for enough truth with each noise, and for a rightly named law in `named` of 100 draws on the host.
    fn check(&self, name: &str, shape: &str, named: u32) {
        for (samples, noise, count) in KINDS {
            let score = self.score(name, shape, samples, noise, count);
            for held in [score.capacity, score.inside, score.beyond] {
                assert!(reaches(held, count, ENOUGH), "{name}, {noise:?}: {score:?}");
            }
            let quiet = noise.between <= HOST.between;
            assert!(!quiet || reaches(score.shape, count, named), "{name}, {noise:?}: {score:?}");
        }
    }
}

fn question(limit: f64) -> Question {
    let objective = Objective { limit, ..objective("sync_change=1s") };
    Question {
        objectives: vec![objective],
        headroom: 0.0,
        sizes: Vec::new(),
        cluster: Vec::new(),
        endpoints: None,
        extrapolate: false,
    }
}

fn objective(text: &str) -> Objective {
    text.parse().unwrap()
}

#[test]
fn a_constant_cost_is_held_throughout() {
    let truth = Truth { law: |_| 5e6, limit: 1e7, breaks: f64::INFINITY };
    truth.check("constant", "constant", 85);
}

#[test]
fn a_logarithmic_law_breaks_where_it_does() {
    let truth = Truth { law: |n| 2e6 + 1e6 * n.ln(), limit: 9e6, breaks: 7_f64.exp() };
    truth.check("logarithmic", "logarithmic", 85);
}

#[test]
fn a_linear_law_breaks_where_it_does() {
    let truth = Truth { law: |n| 3e6 + 2e4 * n, limit: 4.3e7, breaks: 2000.0 };
    truth.check("linear", "linear", 85);
}

#[test]
fn a_linear_law_breaks_where_it_does_beyond_the_last_size() {
    let truth = Truth { law: |n| 3e6 + 2e4 * n, limit: 1.63e8, breaks: 8000.0 };
    truth.check("linear, beyond", "linear", 85);
}

#[test]
fn a_gentle_law_is_mostly_seen_and_always_within_the_interval() {
    let truth = Truth { law: |n| 5e7 + 5e3 * n, limit: 6.75e7, breaks: 3500.0 };
    truth.check("gentle", "linear", 70);
}

#[test]
fn a_quadratic_law_breaks_where_it_does() {
    let truth = Truth { law: |n| 5e6 + 1e4 * n + 20.0 * n * n, limit: 2.15e8, breaks: 3000.0 };
    truth.check("quadratic", "quadratic", 85);
}

#[test]
fn a_law_that_changes_on_the_way_is_followed_where_it_was_measured() {
    let law = |n: f64| 3e6 + 2e4 * n + 40.0 * (n - 1000.0).max(0.0).powi(2);
    let truth = Truth { law, limit: 2.23e8, breaks: 3000.0 };
    for (samples, noise, count) in KINDS {
        let score = truth.score("changes at 1,000", "", samples, noise, count);
        let held = [score.capacity, score.inside].iter().all(|held| reaches(*held, count, ENOUGH));
        // It is none of the four laws, so that beyond the last size less can be promised.
        assert!(held && reaches(score.beyond, count, 80), "{noise:?}: {score:?}");
    }
}

#[test]
fn a_tail_breaks_where_it_does() {
    // The 99th percentile of all rounds together: 2.326 deviations above the middle.
    let deviation = (HOST.within.powi(2) + HOST.between.powi(2) + HOST.drift.powi(2)).sqrt();
    let tail = (2.326 * deviation).exp();
    let breaks = 2500.0;
    let limit = (3e4 + 10.0 * breaks) * tail;
    let mut held = 0;
    for seed in 0..DRAWS {
        let mut draws = Draws::new(seed.into(), Clock::Wall);
        let law = |n: f64| 3e4 + 10.0 * n;
        draws.measure(BackendName::IptablesLegacy, ProbeName::Connect, &SIZES, 100, HOST, law);
        let objective = Objective { limit, ..objective("connect_p99=1ms") };
        let question = Question { objectives: vec![objective], ..question(limit) };
        let answer = answer(&draws.dataset, &question, None).unwrap();
        let truth = Truth { law, limit, breaks };
        held += u32::from(truth.is_held_by(&answer.variants[0].capacity));
    }
    println!("| linear, p99 | 100 | {} | {} | {DRAWS} | {held} | | | |", HOST.within, HOST.between);
    // A few rounds seldom hold the worst one: the tail of all of them is taken too low, and METHODOLOGY.md says so.
    assert!(held >= 75, "{held}");
}

#[test]
fn two_laws_cross_where_they_do() {
    // 20e6 + 5e3·N meets 2e6 + 20e3·N at 1,200.
    for (samples, noise, count) in KINDS {
        let (mut held, mut found) = (0, 0);
        for seed in 0..count {
            let mut draws = Draws::new(seed.into(), Clock::Wall);
            let probe = ProbeName::SyncChange;
            draws.measure(BackendName::IptablesLegacy, probe, &SIZES, samples, noise, |n| 20e6 + 5e3 * n);
            draws.measure(BackendName::Nftables, probe, &SIZES, samples, noise, |n| 2e6 + 20e3 * n);
            let comparisons = crossovers(&laws_of(&draws.dataset, &[Metric::SyncChange]));
            assert_eq!(comparisons.len(), 1);
            let Relation::Crosses(crossings) = &comparisons[0].relation else { continue };
            let [crossing] = &crossings[..] else { continue };
            found += 1;
            assert_eq!((crossing.below.as_str(), crossing.above.as_str()), ("nftables", "iptables-legacy"));
            held += u32::from(crossing.low <= 1200 && 1200 <= crossing.high);
        }
        println!("| crossover | {samples} | {} | {} | {count} | {held} | | | |", noise.within, noise.between);
        assert!(reaches(held, count, ENOUGH), "{noise:?}: found {found}, held {held}");
    }
}

#[test]
fn equal_laws_are_seldom_told_apart() {
    let mut apart = 0;
    for seed in 0..DRAWS {
        let mut draws = Draws::new(seed.into(), Clock::Wall);
        for backend in [BackendName::IptablesLegacy, BackendName::Nftables] {
            draws.measure(backend, ProbeName::SyncChange, &SIZES, 5, HOST, |n| 3e6 + 2e4 * n);
        }
        let comparisons = crossovers(&laws_of(&draws.dataset, &[Metric::SyncChange]));
        apart += u32::from(comparisons[0].relation != Relation::Alike);
    }
    println!("| equal laws told apart | 5 | {} | {} | {DRAWS} | {apart} | | | |", HOST.within, HOST.between);
    assert!(apart <= 100 - ENOUGH, "{apart}");
}

#[test]
fn the_numbers_of_a_law_lie_within_their_intervals() {
    let mut held = [0; 2];
    for seed in 0..DRAWS {
        let mut draws = Draws::new(seed.into(), Clock::Wall);
        draws.measure(BackendName::Nftables, ProbeName::SyncChange, &SIZES, 5, HOST, |n| 3e6 + 2e4 * n);
        let laws = laws(&draws.dataset);
        let [fixed, growth, _] = laws[0].curve.as_ref().unwrap().numbers();
        for (held, (number, truth)) in held.iter_mut().zip([(fixed, 3e6), (growth, 2e4)]) {
            *held += u32::from(number.low <= truth && truth <= number.high);
        }
    }
    println!(
        "| fixed part and growth | 5 | {} | {} | {DRAWS} | {} and {} | | | |",
        HOST.within, HOST.between, held[0], held[1]
    );
    assert!(held.iter().all(|held| *held >= ENOUGH), "{held:?}");
}
