//! What capacity must not claim.

use super::synthetic::{Draws, Noise, SIZES};
use analysis::capacity::{
    Answer, Basis, Calibration, Capacity, Doubt, End, Question, Rates, Unanswerable, Uncalibrated, VariantAnswer,
    Verdict, answer, laws,
};
use lab_core::dataset::{Dataset, Header, Merged, Split, Splits};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Clock, LayoutName, Outcome, ProbeName, Quantile};

const LITTLE: Noise = Noise { within: 0.02, between: 0.02, drift: 0.0 };
const NONE: Noise = Noise { within: 0.0, between: 0.0, drift: 0.0 };

/// 3 ms and 20 µs a Service: 1 s at 49,850.
fn linear(services: f64) -> f64 {
    3e6 + 2e4 * services
}

fn measured(sizes: &[u32]) -> Draws {
    let mut draws = Draws::new(1, Clock::Wall);
    draws.measure(BackendName::Nftables, ProbeName::SyncChange, sizes, 5, LITTLE, linear);
    draws
}

fn question(objectives: &[&str]) -> Question {
    let objectives = objectives.iter().map(|text| text.parse().unwrap()).collect();
    Question {
        objectives,
        headroom: 0.0,
        sizes: vec![4000, 9000, 20_000],
        cluster: Vec::new(),
        endpoints: None,
        extrapolate: false,
    }
}

fn ask(draws: &Draws, objectives: &[&str]) -> Answer {
    answer(&draws.dataset, &question(objectives), None).unwrap()
}

fn only(answer: &Answer) -> &VariantAnswer {
    assert_eq!(answer.variants.len(), 1);
    &answer.variants[0]
}

#[test]
fn past_twice_the_largest_size_nothing_is_claimed() {
    let answer = ask(&measured(&SIZES), &["sync_change=1s"]);
    let variant = only(&answer);
    let end = End::Reach(5000);
    assert_eq!(
        variant.capacity,
        Capacity::Throughout { services: 10_000, low: None, end, basis: Basis::Law },
        "{variant:?}"
    );
    assert_eq!(variant.verdicts, [Verdict::Holds, Verdict::Holds, Verdict::Beyond(end)]);
    assert_eq!(variant.parts[0].verdicts[2].1, None, "no value is given there either");
}

#[test]
fn asked_to_extrapolate_it_does_and_marks_it() {
    let question = Question { extrapolate: true, ..question(&["sync_change=1s"]) };
    let answer = answer(&measured(&SIZES).dataset, &question, None).unwrap();
    let Capacity::UpTo { services, low, high, basis } = only(&answer).capacity else { panic!("{answer:?}") };
    assert_eq!(basis, Basis::Extrapolated);
    assert!((45_000..55_000).contains(&services), "{services}");
    assert!(low <= 49_850 && high.is_some_and(|high| high >= 49_850), "{low} {high:?}");
}

#[test]
fn what_is_broken_within_reach_is_broken_beyond_it_too() {
    let answer = ask(&measured(&SIZES), &["sync_change=20ms"]);
    assert_eq!(only(&answer).verdicts, [Verdict::Breaks; 3]);
}

#[test]
fn a_limit_within_the_interval_is_neither_held_nor_broken() {
    let answer = ask(&measured(&SIZES), &["sync_change=83ms"]);
    assert_eq!(only(&answer).verdicts[0], Verdict::Unsure);
}

#[test]
fn a_size_that_went_over_its_budget_ends_every_claim() {
    let mut draws = measured(&SIZES);
    draws.lose(BackendName::Nftables, ProbeName::SyncChange, 8000, Outcome::OverBudget, "3 of 8,000 after 3 min");
    for extrapolate in [false, true] {
        let question = Question { extrapolate, ..question(&["sync_change=1s"]) };
        let answer = answer(&draws.dataset, &question, None).unwrap();
        let variant = only(&answer);
        let end = End::OverBudget(8000);
        assert!(matches!(variant.capacity, Capacity::Throughout { services: 7999, end: over, .. } if over == end));
        assert_eq!(variant.verdicts, [Verdict::Holds, Verdict::Beyond(end), Verdict::Beyond(end)]);
        assert_eq!(variant.parts[0].missing.len(), 1);
    }
}

#[test]
fn two_sizes_are_no_law_but_say_between_which_a_limit_breaks() {
    let draws = measured(&[1, 5000]);
    assert!(laws(&draws.dataset)[0].curve.is_none());
    assert_eq!(laws(&draws.dataset)[0].words(), "no law: measured at two sizes only");
    let answer = ask(&draws, &["sync_change=50ms"]);
    let Capacity::Unsettled { held: 1, doubt: Doubt::Wide { low, high: Some(high) }, .. } = only(&answer).capacity
    else {
        panic!("{answer:?}")
    };
    assert!(low <= 2 && high > 4000, "{low} {high}");
    let answer = ask(&draws, &["sync_change=1s"]);
    let Capacity::Unsettled { held: 5000, doubt: Doubt::FewSizes(2), .. } = only(&answer).capacity else {
        panic!("{answer:?}")
    };
    assert_eq!(only(&answer).verdicts[1], Verdict::Beyond(End::NoLaw));
}

#[test]
fn three_sizes_are_no_quadratic_law() {
    let mut draws = Draws::new(1, Clock::Instructions);
    draws.measure(BackendName::Nftables, ProbeName::SyncChange, &[10, 1000, 5000], 1, NONE, |n| 1e6 + n * n);
    let law = laws(&draws.dataset)[0].curve.as_ref().unwrap().law();
    assert_eq!(law.bend, 0.0, "{law}");
}

#[test]
fn a_variant_that_failed_everywhere_is_unknown_and_says_why() {
    let mut draws = measured(&SIZES);
    for services in SIZES {
        let (backend, probe) = (BackendName::IptablesLegacy, ProbeName::SyncChange);
        draws.lose(backend, probe, services, Outcome::Failed, "the wrong endpoint answered");
    }
    let answer = ask(&draws, &["sync_change=1s"]);
    let failed = &answer.variants[0];
    assert_eq!(failed.name, "iptables-legacy");
    let Capacity::Unknown { why } = &failed.capacity else { panic!("{failed:?}") };
    assert_eq!(why, "sync_change: nothing was measured (failed: the wrong endpoint answered)");
    assert_eq!(failed.verdicts, [Verdict::NoData; 3]);
    assert!(answer.comparisons.is_empty(), "it is compared with nothing");
}

#[test]
fn a_failed_size_is_no_figure() {
    let mut draws = measured(&SIZES);
    draws.lose(BackendName::Nftables, ProbeName::SyncChange, 5000, Outcome::Failed, "the wrong endpoint answered");
    let answer = ask(&draws, &["sync_change=1s"]);
    let variant = only(&answer);
    assert!(matches!(variant.capacity, Capacity::Throughout { services: 5000, end: End::Reach(2500), .. }));
}

#[test]
fn an_objective_that_was_not_measured_is_refused_with_what_was() {
    let refused = answer(&measured(&SIZES).dataset, &question(&["bandwidth=5Gbit/s"]), None).unwrap_err();
    assert_eq!(refused.to_string(), "bandwidth: the run synthetic-wall has no figure of it; it has sync_change");
}

#[test]
fn a_tail_of_few_samples_is_refused() {
    let refused = answer(&measured(&SIZES).dataset, &question(&["sync_change_p99=1s"]), None).unwrap_err();
    assert!(matches!(refused, Unanswerable::TooFewSamples { needed: 100, samples: 25, .. }), "{refused}");
    assert!(refused.to_string().contains("a p99 needs 100 samples a size"), "{refused}");
}

#[test]
fn a_time_is_not_held_against_instructions_nor_the_other_way_round() {
    let mut counted = Draws::new(1, Clock::Instructions);
    counted.measure(BackendName::Nftables, ProbeName::SyncChange, &SIZES, 1, NONE, linear);
    for (dataset, objective) in [(&counted.dataset, "sync_change=1s"), (&measured(&SIZES).dataset, "sync_change=60M")] {
        let refused = answer(dataset, &question(&[objective]), None).unwrap_err();
        assert!(matches!(refused, Unanswerable::Misfitting(_)), "{refused}");
    }
}

#[test]
fn nothing_asked_is_nothing_answered() {
    assert_eq!(answer(&measured(&SIZES).dataset, &question(&[]), None), Err(Unanswerable::NoObjective));
}

/// A shard that ran on a machine of its own.
fn on(cpu: &str, header: &Header) -> Merged {
    Merged { host: [("cpu".to_owned(), cpu.to_owned())].into(), ..Merged::of(header) }
}

#[test]
fn sizes_of_different_machines_have_no_law_and_no_answer() {
    let mut dataset = measured(&SIZES).dataset;
    dataset.header.merged = ["a", "b"].map(|cpu| on(cpu, &dataset.header)).into();
    let refused = answer(&dataset, &question(&["sync_change=1s"]), None).unwrap_err();
    assert_eq!(refused, Unanswerable::SeveralMachines { run: "synthetic-wall".to_owned(), machines: 2 });
    let laws = laws(&dataset);
    assert!(laws.iter().all(|fitted| fitted.words().contains("different machines")), "{:?}", laws[0].words());
    dataset.header.merged.pop();
    assert!(answer(&dataset, &question(&["sync_change=1s"]), None).is_ok());
}

#[test]
fn endpoints_that_were_not_measured_are_refused() {
    let question = Question { endpoints: Some(50), ..question(&["sync_change=1s"]) };
    let refused = answer(&measured(&SIZES).dataset, &question, None).unwrap_err();
    assert_eq!(refused.to_string(), "--endpoints 50: the run synthetic-wall was measured with 2");
}

/// A run of three backends, counted, and the same timed: half a nanosecond an instruction, but for one of them.
fn counted_and_timed(factors: &[(BackendName, f64)]) -> (Draws, Draws) {
    let (mut counted, mut timed) = (Draws::new(1, Clock::Instructions), Draws::new(2, Clock::Wall));
    for &(backend, factor) in factors {
        counted.measure(backend, ProbeName::SyncChange, &SIZES, 1, NONE, linear);
        timed.measure(backend, ProbeName::SyncChange, &SIZES, 5, LITTLE, |n| factor * linear(n));
    }
    (counted, timed)
}

const WANTED: [(Metric, Quantile); 1] = [(Metric::SyncChange, Quantile::P50)];

#[test]
fn one_backend_calibrates_nothing() {
    let (counted, timed) = counted_and_timed(&[(BackendName::Nftables, 0.5)]);
    let refused = Calibration::fit(&counted.dataset, &timed.dataset, &WANTED).unwrap_err();
    assert!(matches!(refused, Uncalibrated::TooFew { .. }), "{refused}");
}

#[test]
fn a_run_is_calibrated_by_a_timed_one_only() {
    let (counted, timed) = counted_and_timed(&[(BackendName::Nftables, 0.5)]);
    let refused = Calibration::fit(&counted.dataset, &counted.dataset, &WANTED).unwrap_err();
    assert!(matches!(refused, Uncalibrated::NotTimed(..)), "{refused}");
    let refused = Calibration::fit(&timed.dataset, &timed.dataset, &WANTED).unwrap_err();
    assert!(matches!(refused, Uncalibrated::NotExact(..)), "{refused}");

    let mut several = timed.dataset;
    several.header.merged = ["a", "b"].map(|cpu| on(cpu, &several.header)).into();
    let refused = Calibration::fit(&counted.dataset, &several, &WANTED).unwrap_err();
    assert!(matches!(refused, Uncalibrated::SeveralMachines { machines: 2, .. }), "{refused}");
}

#[test]
fn a_calibrated_answer_is_in_time_and_as_wide_as_the_left_out_error() {
    use BackendName::{IptablesLegacy, IptablesNft, Nftables};
    let like = [(IptablesLegacy, 0.5), (IptablesNft, 0.5), (Nftables, 0.5)];
    let unlike = [(IptablesLegacy, 0.5), (IptablesNft, 0.5), (Nftables, 1.0)];
    let width = |factors: &[(BackendName, f64)]| {
        let (counted, timed) = counted_and_timed(factors);
        let calibration = Calibration::fit(&counted.dataset, &timed.dataset, &WANTED).unwrap();
        let answer = answer(&counted.dataset, &question(&["sync_change=30ms"]), Some(&calibration)).unwrap();
        assert_eq!(answer.clock, Clock::Wall);
        let (low, high) = match answer.variants[0].capacity {
            Capacity::UpTo { low, high, .. } | Capacity::Unsettled { doubt: Doubt::Wide { low, high }, .. } => {
                (low, high)
            }
            _ => panic!("{answer:?}"),
        };
        (low, high, calibration)
    };
    // 30 ms at half a nanosecond an instruction are 60 M: 2,850 Services.
    let (low, high, calibration) = width(&like);
    assert!((2500..=2850).contains(&low) && high.is_some_and(|high| (2850..3300).contains(&high)), "{low} {high:?}");
    let Rates::One(rate) = calibration.factors[0].rates else { panic!("nothing was split") };
    assert!((rate - 0.5).abs() < 0.01);
    let (low, high, calibration) = width(&unlike);
    assert!(low < 1000 && high.is_none_or(|high| high > 5000), "{low} {high:?}");
    let left_out = calibration.factors[0].left_out.iter().find(|left| left.backend == Nftables).unwrap();
    assert!((left_out.off - 2.0).abs() < 0.1, "{left_out:?}");
    assert!(calibration.factors[0].worst().1 > 1.95);
}

/// Instructions of processes and of the kernel in other parts for each backend, and one that waits as long as it runs.
#[test]
fn what_was_split_has_two_rates_and_waiting_is_not_made_time() {
    use BackendName::{IptablesLegacy, IptablesNft, Nftables};
    let (mut counted, mut timed) = (Draws::new(1, Clock::Instructions), Draws::new(2, Clock::Wall));
    for (backend, user, waits) in [(IptablesLegacy, 0.2, 0.0), (IptablesNft, 0.5, 1.0), (Nftables, 0.8, 0.0)] {
        let before = counted.dataset.cells.len();
        counted.measure(backend, ProbeName::SyncChange, &SIZES, 1, NONE, |n| (1.0 + waits) * linear(n));
        for record in &mut counted.dataset.cells[before..] {
            let executed = record.samples[0] / (1.0 + waits);
            let part = |share: f64| (share * executed) as u64;
            let split = Split { user: part(user), kernel: part(1.0 - user), entries: 1, waited: part(waits) };
            record.split = Splits(vec![split]);
        }
        let rate = 0.25 * user + 1.0 * (1.0 - user);
        timed.measure(backend, ProbeName::SyncChange, &SIZES, 5, LITTLE, |n| rate * linear(n));
    }
    let fit = |counted: &Dataset| Calibration::fit(counted, &timed.dataset, &WANTED).unwrap();
    let calibration = fit(&counted.dataset);
    let Rates::Two { user, kernel } = calibration.factors[0].rates else { panic!("every sample was split") };
    assert!((user - 0.25).abs() < 0.03 && (kernel - 1.0).abs() < 0.03, "{user} {kernel}");
    assert!(calibration.factors[0].worst().1 < 1.1, "{calibration:?}");
    let answer = answer(&counted.dataset, &question(&["sync_change=30ms"]), Some(&calibration)).unwrap();
    for variant in &answer.variants {
        let figures = &variant.parts[0].fitted.as_ref().unwrap().series.figures;
        assert!(figures.iter().all(|figure| figure.value < 1.1 * linear(figure.services.into())), "{figures:?}");
    }
    // One sample that is not split, and the metric has one rate.
    counted.dataset.cells[0].split = Splits::default();
    let one = fit(&counted.dataset);
    assert!(matches!(one.factors[0].rates, Rates::One(_)) && one.factors[0].worst().1 > 1.5, "{one:?}");
}

#[test]
fn the_same_run_is_answered_the_same_way_twice() {
    let draws = measured(&SIZES);
    assert_eq!(ask(&draws, &["sync_change=50ms"]), ask(&draws, &["sync_change=50ms"]));
}

#[test]
fn a_dataset_without_a_cell_is_refused_and_has_no_laws() {
    let empty = Draws::new(1, Clock::Wall);
    assert!(laws(&empty.dataset).is_empty());
    let refused = answer(&empty.dataset, &question(&["sync_change=1s"]), None).unwrap_err();
    assert!(refused.to_string().ends_with("it has nothing at all"), "{refused}");
}

#[test]
fn two_layouts_of_one_backend_are_answered_apart() {
    let mut draws = measured(&SIZES);
    let mut other = measured(&SIZES).dataset.cells;
    for record in &mut other {
        record.cell.variant.layout = LayoutName::None;
        record.samples.iter_mut().for_each(|sample| *sample *= 3.0);
    }
    draws.dataset.cells.extend(other);
    let answer = ask(&draws, &["sync_change=50ms"]);
    let names: Vec<&str> = answer.variants.iter().map(|variant| variant.name.as_str()).collect();
    let usual = LayoutName::of(BackendName::Nftables)[0];
    assert_eq!(names, ["nftables (none)".to_owned(), format!("nftables ({usual})")]);
    assert_ne!(answer.variants[0].capacity, answer.variants[1].capacity);
}

/// A damaged file has such a cell. There is no way from no Service to one by equal factors.
#[test]
fn a_cell_without_services_is_none() {
    let mut damaged = measured(&[1, 1000, 5000, 10_000]);
    let clean = ask(&damaged, &["sync_change=100ms"]);
    damaged.measure(BackendName::Nftables, ProbeName::SyncChange, &[0], 5, LITTLE, linear);
    let answer = ask(&damaged, &["sync_change=100ms"]);
    assert_eq!((&answer.sizes, &only(&answer).capacity), (&clean.sizes, &only(&clean).capacity));
}
