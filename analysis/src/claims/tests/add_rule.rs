//! What adding a rule, or a Service to IPVS, takes.

use super::super::*;
use super::made::{Made, cell, legacy};
use lab_core::cell::{Cell, Variant};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, ProbeName, TargetName, Way};

/// A table of 8 rules a Service, of which one takes `one` nanoseconds and `growth` more for each that is there; built in full
/// at 250.
fn table(one: f64, growth: f64) -> Made {
    let mut made = Made::of("iptables-add-rule");
    for services in [1, 1000, 5000, 20_000] {
        let rules = 8.0 * f64::from(services);
        made = made.with(legacy(services, ProbeName::AppendRule), Metric::AppendRule, one + growth * rules).samples(
            legacy(services, ProbeName::SyncFull),
            Metric::Rules,
            &[rules],
        );
    }
    let built = 2000.0 * one + growth * 2000.0 * 1999.0 / 2.0;
    made.with(legacy(250, ProbeName::BuildOneByOne), Metric::BuildOneByOne, built).samples(
        legacy(250, ProbeName::BuildOneByOne),
        Metric::Rules,
        &[2000.0],
    )
}

#[test]
fn hours_for_one_rule_are_those_of_the_whole_table_where_its_projection_comes_to_them() {
    let finding = table(4e6, 1400.0).finding("iptables-add-rule");
    assert_eq!(finding.verdict, Verdict::MeansSomethingElse);
    let said = finding.sentences.join(" ");
    assert!(said.contains("misses what was built in full by") && said.contains("at 250 Services"), "{said}");
    let projected = finding.figures.iter().find(|figure| figure.what.contains("projected for 20,000")).unwrap();
    let sum = 160_000.0 * 4e6 + 1400.0 * 160_000.0 * 159_999.0 / 2.0;
    assert!((projected.estimate.value / sum - 1.0).abs() < 0.01, "{projected}");
    assert!(projected.what.contains("160,000 calls"), "{projected}");
}

/// What `add-one-rule` gave of iptables-legacy in `exact`: Services, one more rule, and the calls that built the table in full
/// with what they took.
type Built = (u32, f64, Option<(f64, f64)>);
const SMALL: [Built; 4] = [
    (1, 3_152_534.0, Some((131.0, 361_421_669.0))),
    (50, 6_553_434.0, Some((670.0, 2_811_569_734.0))),
    (100, 9_995_304.0, Some((1220.0, 7_091_752_731.0))),
    (250, 20_428_314.0, Some((2870.0, 30_681_825_990.0))),
];
const WHOLE: [Built; 6] = [
    (1, 3_171_145.0, Some((131.0, 362_045_499.0))),
    (100, 9_962_504.0, Some((1220.0, 7_081_393_807.0))),
    (250, 20_466_654.0, Some((2870.0, 30_665_397_366.0))),
    (1000, 56_498_085.0, None),
    (5000, 267_887_619.0, None),
    (20_000, 1_062_662_150.0, None),
];

#[test]
fn a_table_of_2_000_rules_is_projected_within_5_percent_in_exact() {
    for (tables, misses) in [(&SMALL[..], "by −3.2 % at 250 Services"), (&WHOLE[..], "by −2.6 % at 250 Services")] {
        let mut made = Made::on("iptables-add-rule", TargetName::Exact);
        for &(services, one, built) in tables {
            made = made.samples(legacy(services, ProbeName::AppendRule), Metric::AppendRule, &[one]);
            if let Some((calls, took)) = built {
                let cell = legacy(services, ProbeName::BuildOneByOne);
                made = made.samples(cell, Metric::BuildOneByOne, &[took]).samples(cell, Metric::BuildCalls, &[calls]);
            }
        }
        let said = made.finding("iptables-add-rule").sentences.join(" ");
        assert!(said.contains("at 100 Services") && said.contains(misses), "{said}");
    }
}

#[test]
fn hours_for_one_rule_come_out_where_it_takes_them_and_not_where_not_even_the_table_does() {
    let hours = Made::of("iptables-add-rule")
        .with(legacy(5000, ProbeName::AppendRule), Metric::AppendRule, 700e9)
        .with(legacy(20_000, ProbeName::AppendRule), Metric::AppendRule, 17_000e9);
    assert_eq!(hours.verdict("iptables-add-rule"), Verdict::Reproduced);
    assert_eq!(table(1e4, 0.001).verdict("iptables-add-rule"), Verdict::NotReproduced);
}

fn batched(services: u32, ns: f64) -> impl Fn(Made) -> Made {
    let usual = cell(BackendName::Ipvs, services, ProbeName::SyncChange);
    let cell = Cell { variant: Variant { way: Way::Batched, ..usual.variant }, ..usual };
    move |made| made.with(cell, Metric::SyncChange, ns)
}

#[test]
fn ipvs_adds_in_about_the_same_time_or_in_one_that_grows() {
    let grown = |small, large| batched(20_000, large)(batched(1, small)(Made::of("ipvs-add-service")));
    assert_eq!(grown(50e3, 100e3).verdict("ipvs-add-service"), Verdict::Reproduced);
    assert_eq!(grown(50e3, 500e3).verdict("ipvs-add-service"), Verdict::NotReproduced);
    assert_eq!(grown(900e3, 1000e3).verdict("ipvs-add-service"), Verdict::MeansSomethingElse);
    assert_eq!(batched(1, 50e3)(Made::of("ipvs-add-service")).verdict("ipvs-add-service"), Verdict::CannotBeTold);
}
