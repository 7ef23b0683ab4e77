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

/// What `add-one-rule` gave of iptables-legacy in `exact`: Services, calls, one more rule, and the table built in full.
const BUILT: [(u32, f64, f64, f64); 4] = [
    (1, 131.0, 3_152_534.0, 361_421_669.0),
    (50, 670.0, 6_553_434.0, 2_811_569_734.0),
    (100, 1220.0, 9_995_304.0, 7_091_752_731.0),
    (250, 2870.0, 20_428_314.0, 30_681_825_990.0),
];

#[test]
fn a_table_of_2_000_rules_is_projected_within_5_percent_in_exact() {
    let mut made = Made::on("iptables-add-rule", TargetName::Exact);
    for (services, calls, one, built) in BUILT {
        let cell = legacy(services, ProbeName::BuildOneByOne);
        made = made
            .samples(legacy(services, ProbeName::AppendRule), Metric::AppendRule, &[one])
            .samples(cell, Metric::BuildOneByOne, &[built])
            .samples(cell, Metric::BuildCalls, &[calls]);
    }
    let said = made.finding("iptables-add-rule").sentences.join(" ");
    assert!(said.contains("at 100 Services") && said.contains("at 250 Services"), "{said}");
    assert!(said.contains("by +0.20 % at 250 Services"), "{said}");
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
