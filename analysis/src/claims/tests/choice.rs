//! Which endpoint is chosen, and for whom.

use super::super::*;
use super::made::{Made, at, cell};
use lab_core::cell::{Activity, Cell, Churn};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Position, ProbeName};

#[test]
fn endpoints_are_chosen_evenly_or_not_and_what_is_in_turn_is_said() {
    let chosen = |chi_squared: f64, (least, most): (f64, f64)| {
        let of = |backend| at(Position::First, cell(backend, 100, ProbeName::Spread));
        let mut made = Made::of("balances-unequally");
        for (cell, chi_squared, least, most) in
            [(of(BackendName::IptablesLegacy), chi_squared, least, most), (of(BackendName::Ipvs), 0.0, 5000.0, 5000.0)]
        {
            made = made
                .samples(cell, Metric::Spread, &[chi_squared])
                .samples(cell, Metric::SpreadConnections, &[10_000.0])
                .samples(cell, Metric::SpreadLeast, &[least])
                .samples(cell, Metric::SpreadMost, &[most]);
        }
        made.finding("balances-unequally")
    };
    let even = chosen(1.0, (4950.0, 5050.0));
    assert_eq!(even.verdict, Verdict::NotReproduced);
    let said = even.sentences.join(" ");
    assert!(said.contains("so in turn: ipvs with rr.") && !said.contains("Missing"), "{said}");
    assert_eq!(chosen(400.0, (4000.0, 6000.0)).verdict, Verdict::MeansSomethingElse);
}

#[test]
fn endpoints_that_come_and_go_are_judged_too_and_what_is_lost_is_a_figure() {
    let chosen = |chi_squared: f64, lost: f64| {
        let asked = at(Position::Middle, cell(BackendName::Nftables, 100, ProbeName::Spread));
        let asked = Cell { activity: Activity { churn: Some(Churn::USUAL), ..Activity::default() }, ..asked };
        let made = Made::of("balances-unequally")
            .samples(asked, Metric::Spread, &[chi_squared])
            .samples(asked, Metric::SpreadConnections, &[10_000.0 - lost])
            .samples(asked, Metric::SpreadLost, &[lost]);
        made.finding("balances-unequally")
    };
    let even = chosen(1.0, 100.0);
    assert_eq!(even.verdict, Verdict::NotReproduced);
    assert!(even.figures.iter().any(|figure| figure.what.starts_with("connections lost")), "{even:?}");
    assert_eq!(chosen(400.0, 0.0).verdict, Verdict::Reproduced);
}

#[test]
fn clients_of_a_crowd_are_forgotten_or_are_not() {
    let crowd = |forgotten: f64| {
        let mut made = Made::of("recent-forgets");
        for (backend, forgotten) in [(BackendName::IptablesNft, forgotten), (BackendName::Nftables, 0.0)] {
            let cell = at(Position::First, cell(backend, 100, ProbeName::Affinity));
            made = made
                .samples(cell, Metric::AffinityForgotten, &[forgotten])
                .samples(cell, Metric::AffinityCrowd, &[1500.0])
                .samples(cell, Metric::AffinityMoved, &[0.0])
                .samples(cell, Metric::AffinityReturned, &[100.0]);
        }
        made.finding("recent-forgets")
    };
    let many = crowd(1350.0);
    assert_eq!(many.verdict, Verdict::Reproduced);
    assert!(many.sentences.join(" ").contains("Of others: It does not hold of nftables."), "{many:?}");
    assert_eq!(crowd(0.0).verdict, Verdict::NotReproduced);
}
