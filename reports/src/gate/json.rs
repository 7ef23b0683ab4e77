//! A comparison and a judgement as JSON. Numbers are in base units on their clock; what is not there is `null`.

use super::table::{Line, columns, judged_columns};
use crate::formats::json::pretty;
use crate::table::{Column, Value as Written};
use analysis::gate::{Bearing, Cause, Comparison, Difference, Judgement, Policy, Rule};
use serde_json::{Map, Value, json};

/// The version of the objects' shape: it changes when a key goes, or means something else.
const FORMAT: u32 = 1;

/// A comparison as one JSON object; its keys are in reports/FORMATS.md.
#[must_use]
pub fn compared(comparison: &Comparison) -> String {
    let columns = columns();
    let rows = Line::compared(comparison).map(|line| Value::Object(row(&columns, &line)));
    pretty(&json!({
        "format": FORMAT,
        "version": env!("CARGO_PKG_VERSION"),
        "kind": "comparison",
        "before": comparison.before,
        "after": comparison.after,
        "clock": comparison.clock,
        "differences": comparison.differences.iter().map(difference).collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    }))
}

/// A judgement as one JSON object; its keys are in reports/FORMATS.md.
#[must_use]
pub fn judged(judgement: &Judgement) -> String {
    let Judgement { comparison, incomparable, policy, .. } = judgement;
    let columns = judged_columns();
    let rows = Line::judged(judgement).map(|line| {
        let mut row = row(&columns, &line);
        let causes = line.judged.map(|judged| judged.causes.iter().map(cause).collect::<Vec<_>>());
        row.insert("causes".to_owned(), causes.unwrap_or_default().into());
        Value::Object(row)
    });
    let tally: Map<String, Value> =
        judgement.tally().into_iter().map(|(verdict, count)| (verdict.to_string(), count.into())).collect();
    pretty(&json!({
        "format": FORMAT,
        "version": env!("CARGO_PKG_VERSION"),
        "kind": "judgement",
        "passes": judgement.passes(),
        "before": comparison.before,
        "after": comparison.after,
        "clock": comparison.clock,
        "differences": comparison.differences.iter().map(difference).collect::<Vec<_>>(),
        "incomparable": incomparable.iter().map(difference).collect::<Vec<_>>(),
        "unmet": judgement.unmet.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "tally": tally,
        "policy": self::policy(policy),
        "rows": rows.collect::<Vec<_>>(),
    }))
}

/// A row by column. A ratio from zero, which is infinite, is `null`.
fn row<'a>(columns: &[Column<Line<'a>>], line: &Line<'a>) -> Map<String, Value> {
    let value = |column: &Column<Line<'a>>| match column.value(line) {
        Written::Nothing => Value::Null,
        Written::Text(text) => text.into(),
        Written::Whole(number) => number.into(),
        Written::Number(number) => number.into(),
    };
    columns.iter().map(|column| (column.name.to_owned(), value(column))).collect()
}

fn cause(cause: &Cause) -> Value {
    let Cause { metric, before, after, share } = cause;
    json!({"metric": metric, "unit": metric.unit(), "before": before, "after": after, "share": share})
}

fn difference(difference: &Difference) -> Value {
    let Difference { aspect, name, before, after, bearing } = difference;
    let bearing = match bearing {
        Bearing::Forbids => "forbids",
        Bearing::Asks => "asks",
        Bearing::Explains => "explains",
    };
    json!({"aspect": aspect, "name": name, "before": before, "after": after, "bearing": bearing})
}

fn policy(policy: &Policy) -> Value {
    let Policy { tolerance, minimum_effect, noise, reruns, inconclusive, missing, require, allow, rules } = policy;
    let rule = |rule: &Rule| {
        let Rule { metrics, probes, backends, numbers, gating, tolerance, minimum_effect, noise, why } = rule;
        json!({
            "metric": metrics, "probe": probes, "backend": backends, "numbers": numbers, "gating": gating, "tolerance": tolerance,
            "minimum_effect": minimum_effect, "noise": noise, "why": why,
        })
    };
    json!({
        "tolerance": tolerance, "minimum_effect": minimum_effect, "noise": noise, "reruns": reruns, "inconclusive": inconclusive,
        "missing": missing, "require": require, "allow": allow, "rules": rules.iter().map(rule).collect::<Vec<_>>(),
    })
}
