//! The policy that a run was judged by, and how to read verdicts.

use crate::report::{Column, Point, Section, Table, TableCell};
use analysis::gate::{Policy, Rule, Verdict};
use lab_core::units;
use lab_core::vocabulary::Word;
use std::collections::BTreeSet;

/// The policy and what verdicts mean, as a part of a page.
pub(super) fn section(policy: &Policy) -> Section {
    let mut tables = vec![settings(policy)];
    if !policy.rules.is_empty() {
        tables.push(rules(policy));
    }
    let point = |verdict: &Verdict| Point::new(verdict.name(), meaning(*verdict));
    Section {
        title: "The policy, and what verdicts mean".to_owned(),
        points: Verdict::ALL.iter().map(point).collect(),
        tables,
        ..Section::default()
    }
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Regressed => {
            "worse by more than is allowed: an exact number also by more than replicas of one run are apart, a time or rate \
             with its whole 95 % interval, and again when it is run again. Worse is more, but less of a bandwidth or a rate \
             of connections; more rules or bytes count as worse."
        }
        Verdict::Missing => "measured in the baseline and not now.",
        Verdict::Inconclusive => {
            "perhaps worse by more than is allowed, perhaps not: the noise does not let it be told."
        }
        Verdict::Improved => "better by more than is allowed the other way.",
        Verdict::Unchanged => "neither.",
        Verdict::New => "not in the baseline.",
    }
}

fn settings(policy: &Policy) -> Table {
    let or_nothing = |words: String| if words.is_empty() { "nothing".to_owned() } else { words };
    let settings = [
        ("tolerance", units::percent(policy.tolerance), "of exact numbers: counts, and all of the target exact"),
        ("minimum_effect", units::percent(policy.minimum_effect), "of times and rates"),
        ("noise", units::percent(policy.noise), "of times and rates: no interval is narrower"),
        ("reruns", policy.reruns.to_string(), "rounds in which suspicious times and rates are measured again"),
        ("inconclusive", policy.inconclusive.to_string(), "what becomes of what cannot be told"),
        ("missing", policy.missing.to_string(), "what becomes of what is no longer measured"),
        ("require", or_nothing(words(&policy.require)), "backends of which nothing may be skipped"),
        ("allow", or_nothing(words(&policy.allow)), "what runs may differ in"),
    ];
    let row = |(key, value, what): (&str, String, &str)| {
        vec![TableCell::text(key), TableCell::text(value), TableCell::text(what)]
    };
    let columns = Column::row(&["key"], &[], &["value", "of what"]);
    Table { title: "Policy".to_owned(), columns, rows: settings.map(row).to_vec(), ..Table::default() }
}

fn rules(policy: &Policy) -> Table {
    let any = |words: String| if words.is_empty() { "any".to_owned() } else { words };
    let row = |rule: &Rule| {
        let Rule { metrics, probes, backends, numbers, gating, tolerance, minimum_effect, noise, why } = rule;
        let said = [
            numbers.map(|numbers| format!("{numbers} numbers")),
            gating.map(|gating| gating.to_string()),
            tolerance.map(|share| format!("tolerance {}", units::percent(share))),
            minimum_effect.map(|share| format!("minimum effect {}", units::percent(share))),
            noise.map(|share| format!("noise {}", units::percent(share))),
        ];
        vec![
            TableCell::text(any(words(metrics))),
            TableCell::text(any(words(probes))),
            TableCell::text(any(words(backends))),
            TableCell::text(said.into_iter().flatten().collect::<Vec<_>>().join(", ")),
            TableCell::text(why),
        ]
    };
    Table {
        title: "Rules".to_owned(),
        about: "of several that match, the first that says something decides it".to_owned(),
        columns: Column::row(&[], &[], &["metric", "probe", "backend", "rule", "why"]),
        rows: policy.rules.iter().map(row).collect(),
        ..Table::default()
    }
}

fn words<W: Word>(words: &BTreeSet<W>) -> String {
    words.iter().map(|word| word.name()).collect::<Vec<_>>().join(", ")
}
