//! A cold start: its input is counted, and it does not cost less than that grows. And when there is no number at all.

use super::synthetic::{Draws, Noise, record};
use analysis::capacity::{Answer, Capacity, Doubt, End, Question, Shape, VariantAnswer, Verdict, answer};
use lab_core::dataset::CellRecord;
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Clock, Outcome, ProbeName};

/// As on the host, in one round of one sample.
const HOST: Noise = Noise { within: 0.05, between: 0.05, drift: 0.02 };
const NONE: Noise = Noise { within: 0.0, between: 0.0, drift: 0.0 };

/// A load of `backend` that costs what `law` says, at `sizes`, and counts `rules` a Service.
fn loads(seed: u64, backend: BackendName, sizes: &[u32], noise: Noise, law: impl Fn(f64) -> f64) -> Draws {
    let mut draws = Draws::new(seed, Clock::Wall);
    draws.measure(backend, ProbeName::SyncFull, sizes, 1, noise, law);
    draws
}

/// Adds what is counted beside each load.
fn count(draws: &mut Draws, metric: Metric, counted: impl Fn(f64) -> f64) {
    let counts = draws.dataset.cells.iter().filter(|record| record.metric == Metric::SyncFull).map(|load| {
        let samples = vec![counted(load.cell.cluster.services.into())];
        CellRecord { metric, unit: metric.unit(), ..record(&load.cell, load.round, Outcome::Measured, "", samples) }
    });
    let counts: Vec<CellRecord> = counts.collect();
    draws.dataset.cells.extend(counts);
}

fn ask(draws: &Draws, objective: &str, sizes: &[u32]) -> Answer {
    let objectives = vec![objective.parse().unwrap()];
    let question = Question {
        objectives,
        headroom: 0.0,
        sizes: sizes.to_vec(),
        cluster: Vec::new(),
        endpoints: None,
        extrapolate: true,
    };
    answer(&draws.dataset, &question, None).unwrap()
}

fn only(answer: &Answer) -> &VariantAnswer {
    assert_eq!(answer.variants.len(), 1);
    &answer.variants[0]
}

fn shape(variant: &VariantAnswer) -> Shape {
    variant.parts[0].fitted.as_ref().unwrap().curve.as_ref().unwrap().law().shape
}

/// What iptables-legacy took for 25, 50 and 100 Services of 200 endpoints was said to grow with their logarithm, for ever.
#[test]
fn three_sizes_of_large_services_give_no_number_and_the_sizes_to_add() {
    for law in [|n: f64| 4e7 + 6e6 * n.ln(), |n: f64| 3e7 + 6e5 * n, |n: f64| 3e7 + 4e5 * n + 900.0 * n * n] {
        let draws = loads(1, BackendName::IptablesLegacy, &[25, 50, 100], HOST, law);
        let answer = ask(&draws, "sync_full=5s", &[1000]);
        let Capacity::Unsettled { held: 100, doubt: Doubt::FewSizes(3), add } = &only(&answer).capacity else {
            panic!("{answer:?}")
        };
        assert_eq!(add, &[180, 300, 500]);
        assert_eq!(only(&answer).verdicts, [Verdict::Beyond(End::NoLaw)]);
        assert_ne!(shape(only(&answer)), Shape::Logarithmic);
    }
}

/// nft took 1,004 s for 44,125 Services, for which three sizes up to 2,000 foretold a headline of 65,100.
#[test]
fn three_sizes_do_not_foretell_twenty_times_as_many() {
    let draws = loads(2, BackendName::Nftables, &[500, 1000, 2000], HOST, |n| 2e7 + 3.5e5 * n + 40.0 * n * n);
    let answer = ask(&draws, "sync_full=30s", &[44_125]);
    let Capacity::Unsettled { held: 2000, doubt: Doubt::FewSizes(3), add } = &only(&answer).capacity else {
        panic!("{answer:?}")
    };
    assert_eq!(add, &[3700, 6700, 13_000, 23_000]);
}

#[test]
fn a_limit_that_breaks_between_measured_sizes_needs_no_law() {
    let draws = loads(3, BackendName::IptablesLegacy, &[500, 1000, 2000], HOST, |n| 3e6 + 7e5 * n);
    let answer = ask(&draws, "sync_full=1s", &[]);
    let Capacity::UpTo { services, low, high: Some(high), .. } = only(&answer).capacity else { panic!("{answer:?}") };
    assert!(low <= services && services <= high && 1000 < services && high <= 2000, "{low} {services} {high}");
}

#[test]
fn a_load_whose_input_grows_follows_no_law_that_is_slower() {
    // What small sizes look like where most of the cost is the tool's start.
    let sizes = [10, 20, 40, 80, 160];
    for seed in 0..20 {
        let mut draws = loads(seed, BackendName::IptablesLegacy, &sizes, HOST, |n| 1e7 + 8e5 * n.ln() + 5e4 * n);
        count(&mut draws, Metric::Rules, |n| 8.0 * n + 7.0);
        let answer = ask(&draws, "sync_full=10s", &[1_000_000]);
        let variant = only(&answer);
        assert_ne!(shape(variant), Shape::Logarithmic);
        // By its logarithm it would hold for ever; 50 µs a Service are 10 s at 200,000.
        assert_ne!(variant.verdicts, [Verdict::Holds], "{answer:?}");
        if let Capacity::UpTo { high, .. } = variant.capacity {
            assert!(high.is_some_and(|high| high < 1_000_000), "{answer:?}");
        }
    }
}

#[test]
fn what_does_not_grow_at_the_measured_sizes_is_claimed_no_farther() {
    let draws = loads(4, BackendName::Nftables, &[1, 2, 5, 10], HOST, |n| 2e7 + 1e4 * n);
    let answer = ask(&draws, "sync_full=1s", &[5000]);
    let variant = only(&answer);
    assert!(
        matches!(variant.capacity, Capacity::Throughout { services: 10, end: End::NotShown(10), .. }),
        "{answer:?}"
    );
    assert_eq!(variant.verdicts, [Verdict::Beyond(End::NotShown(10))]);
}

#[test]
fn a_load_whose_input_is_counted_and_does_not_grow_may_cost_the_same() {
    let sizes = [1, 100, 1000, 5000];
    let mut draws = loads(5, BackendName::Ipvs, &sizes, NONE, |_| 5e6);
    for record in &mut draws.dataset.cells {
        (record.metric, record.unit) = (Metric::SyncRules, Metric::SyncRules.unit());
    }
    let answer = ask(&draws, "sync_rules=1s", &[]);
    assert!(matches!(only(&answer).capacity, Capacity::Throughout { services: 1_000_000, .. }), "{answer:?}");
}

#[test]
fn an_interval_wider_than_a_factor_of_ten_is_no_number() {
    // Two laws about as good, of which one breaks the limit early and the other late.
    let noise = Noise { within: 0.3, between: 0.3, drift: 0.0 };
    let mut wide = 0;
    for seed in 0..20 {
        let draws = loads(seed, BackendName::Nftables, &[500, 1000, 1500, 2000], noise, |n| 2e8 + 2e5 * n);
        match only(&ask(&draws, "sync_full=30s", &[])).capacity {
            Capacity::UpTo { low, high, .. } => {
                assert!(high.unwrap_or(1_000_000) <= 10 * low.max(1), "{low} {high:?}");
            }
            Capacity::Throughout { services, low, .. } => assert!(low.is_none_or(|low| services <= 10 * low)),
            Capacity::Unsettled { ref add, .. } => {
                wide += 1;
                assert!(!add.is_empty());
            }
            Capacity::Unknown { ref why } => panic!("{why}"),
        }
    }
    assert!(wide > 3, "{wide} of 20");
}

/// The size at which a load breaks its limit lies within the interval, wherever a number or an interval is given.
#[test]
fn the_interval_of_a_load_holds_the_truth() {
    const SIZES: [u32; 6] = [100, 250, 500, 1000, 2500, 5000];
    type Law = fn(f64) -> f64;
    let laws: [(Law, f64, f64); 3] = [
        (|n| 3e6 + 7e4 * n, 3e6 + 7e4 * 8000.0, 8000.0),
        (|n| 2e7 + 1.2e5 * n + 266.0 * n * n, 2e7 + 1.2e5 * 3000.0 + 266.0 * 9e6, 3000.0),
        (|n| 2e7 + 3.5e5 * n + 5.0 * n * n, 2e7 + 3.5e5 * 20_000.0 + 5.0 * 4e8, 20_000.0),
    ];
    for (law, limit, breaks) in laws {
        let mut held = 0;
        for seed in 0..100 {
            let draws = loads(seed, BackendName::Nftables, &SIZES, HOST, law);
            let (low, high) = match only(&ask(&draws, &format!("sync_full={limit}ns"), &[])).capacity {
                Capacity::UpTo { low, high, .. } | Capacity::Unsettled { doubt: Doubt::Wide { low, high }, .. } => {
                    (low, high)
                }
                ref other => panic!("{other:?}"),
            };
            held += u32::from(f64::from(low) <= breaks && high.is_none_or(|high| breaks <= f64::from(high) + 1.0));
        }
        println!("| load that breaks at {breaks} | {held} of 100 |");
        assert!(held >= 90, "{breaks}: {held}");
    }
}
