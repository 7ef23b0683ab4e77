//! An answer as JSON. Numbers are in base units on the answer's clock; what is not known is `null`.

use super::{Answered, words};
use crate::formats::json::pretty;
use analysis::capacity::{
    Answer, Basis, Calibration, Capacity, Comparison, Crossing, Doubt, End, Estimate, Fitted, ObjectiveAnswer, Rates,
    Relation, VariantAnswer, Verdict,
};
use lab_core::cell::Settings;
use lab_core::metric::Better;
use serde_json::{Value, json};

/// The version of the object's shape: it changes when a key goes, or means something else.
const FORMAT: u32 = 1;

/// Answers as one JSON object; its fields are in reports/FORMATS.md.
#[must_use]
pub fn render(answers: &[Answered]) -> String {
    pretty(&json!({
        "format": FORMAT,
        "version": env!("CARGO_PKG_VERSION"),
        "answers": answers.iter().map(answered).collect::<Vec<_>>(),
    }))
}

fn answered(Answered { label, run, answer, cluster }: &Answered) -> Value {
    let question = &answer.question;
    let objective = |objective: &analysis::capacity::Objective| {
        json!({
            "objective": objective.name(),
            "metric": objective.metric,
            "quantile": objective.quantile,
            "probe": objective.probe,
            "unit": objective.metric.unit(),
            "limit": objective.limit,
            "limit_with_headroom": objective.tightened(question.headroom),
            "bound": if objective.metric.better() == Better::Higher { "lower" } else { "upper" },
        })
    };
    json!({
        "run": run,
        "label": label,
        "clock": answer.clock,
        "endpoints": answer.endpoints,
        "measured_services": answer.sizes,
        "headroom": question.headroom,
        "extrapolate": question.extrapolate,
        "objectives": question.objectives.iter().map(objective).collect::<Vec<_>>(),
        "cluster": cluster,
        "variants": answer.variants.iter().map(|one| variant(answer, one)).collect::<Vec<_>>(),
        "comparisons": answer.comparisons.iter().map(comparison).collect::<Vec<_>>(),
        "calibration": answer.calibration.as_ref().map(calibration),
    })
}

fn variant(answer: &Answer, variant: &VariantAnswer) -> Value {
    let part = |(objective, part): (&analysis::capacity::Objective, &ObjectiveAnswer)| {
        let verdict = |(services, (verdict, value)): (&u32, &(Verdict, Option<Estimate>))| json!({"services": services, "verdict": word(*verdict), "value": value.map(estimate)});
        let missing = part.missing.iter().map(|one| json!({"services": one.services, "why": one.why.to_string()}));
        json!({
            "objective": objective.name(),
            "probe": part.place().map(|(probe, _)| probe),
            "position": part.place().and_then(|(_, position)| position),
            "capacity": capacity(&part.capacity),
            "figures": part.fitted.as_ref().map(figures),
            "law": part.fitted.as_ref().and_then(law),
            "at": answer.question.sizes.iter().zip(&part.verdicts).map(verdict).collect::<Vec<_>>(),
            "at_cluster": part.at_cluster.map(|at| {
                json!({"services": at.services, "verdict": word(at.verdict), "value": at.value.map(estimate)})
            }),
            "missing": missing.collect::<Vec<_>>(),
        })
    };
    let at = |(services, verdict): (&u32, &Verdict)| json!({"services": services, "verdict": word(*verdict)});
    let mut value = json!({
        "name": variant.name,
        "backend": variant.variant.backend,
        "layout": variant.variant.layout,
        "way": variant.variant.way,
        "driver": variant.variant.driver,
        "kernel_name": variant.variant.kernel,
        "capacity": capacity(&variant.capacity),
        "binding": variant.binding.map(|place| answer.question.objectives[place].name()),
        "why": words::why(answer, variant),
        "at": answer.question.sizes.iter().zip(&variant.verdicts).map(at).collect::<Vec<_>>(),
        "at_cluster": variant.at_cluster.map(word),
        "objectives": answer.question.objectives.iter().zip(&variant.parts).map(part).collect::<Vec<_>>(),
    });
    for (name, word) in Settings::NAMES.into_iter().zip(variant.variant.settings.words()) {
        value[name] = json!(word);
    }
    value
}

fn capacity(capacity: &Capacity) -> Value {
    match capacity {
        Capacity::Unsettled { held, doubt, add } => {
            let (why, low, high) = match doubt {
                Doubt::FewSizes(_) => ("too few sizes for a law", None, None),
                Doubt::Wide { low, high } => ("the interval is wider than a factor of ten", Some(low), *high),
            };
            json!({"kind": "unknown", "why": why, "held": held, "low": low, "high": high, "sizes_to_add": add})
        }
        Capacity::UpTo { services, low, high, basis } => json!({
            "kind": "up-to", "services": services, "low": low, "high": high, "basis": self::basis(*basis),
        }),
        Capacity::Throughout { services, low, end, basis } => json!({
            "kind": "throughout",
            "services": services,
            "low": low,
            "high": null,
            "basis": self::basis(*basis),
            "end": match end {
                End::Reach(_) => "twice the largest measured size",
                End::OverBudget(_) => "over budget",
                End::NoLaw => "too few sizes for a law",
                End::NotShown(_) => "growth does not show",
                End::Most => "the most that anything is said of",
            },
        }),
        Capacity::Unknown { why } => json!({"kind": "unknown", "why": why}),
    }
}

fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Measured => "measured",
        Basis::Law => "law",
        Basis::Extrapolated => "extrapolated",
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Breaks => "breaks",
        Verdict::Unsure | Verdict::Beyond(_) | Verdict::NoData => "not-known",
    }
}

fn estimate(Estimate { value, low, high }: Estimate) -> Value {
    json!({"value": value, "low": low, "high": high})
}

fn figures(fitted: &Fitted) -> Value {
    let figure = |figure: &analysis::capacity::Figure| json!({"services": figure.services, "value": figure.value, "samples": figure.samples});
    fitted.series.figures.iter().map(figure).collect()
}

fn law(fitted: &Fitted) -> Option<Value> {
    let curve = fitted.curve.as_ref()?;
    let [fixed, growth, bend] = curve.numbers().map(estimate);
    Some(json!({
        "shape": curve.law().shape,
        "of": if fitted.series.metric.better() == Better::Higher { "the reciprocal" } else { "the metric" },
        "fixed": fixed,
        "growth": growth,
        "bend": bend,
        "agreement": curve.agreement(),
        "distance": curve.distance(),
        "words": fitted.words(),
    }))
}

fn comparison(comparison: &Comparison) -> Value {
    let Comparison { one, other, metric, quantile, position, range, relation } = comparison;
    let relation = match relation {
        Relation::Alike => json!({"kind": "alike"}),
        Relation::Cheaper { name, from, to, at, ratio } => {
            json!({"kind": "cheaper", "name": name, "from": from, "to": to, "at": at, "ratio": estimate(*ratio)})
        }
        Relation::Crosses(crossings) => {
            let crossing = |Crossing { services, low, high, below, above, basis }: &Crossing| {
                json!({
                    "services": services, "low": low, "high": high, "below": below, "above": above,
                    "basis": self::basis(*basis),
                })
            };
            json!({"kind": "crosses", "crossings": crossings.iter().map(crossing).collect::<Vec<_>>()})
        }
    };
    json!({
        "one": one, "other": other, "metric": metric, "quantile": quantile, "position": position,
        "from": range.0, "to": range.1, "relation": relation,
    })
}

fn rates(rates: Rates) -> Value {
    match rates {
        Rates::One(rate) => json!({"all": rate}),
        Rates::Two { user, kernel } => json!({"user": user, "kernel": kernel}),
    }
}

fn calibration(calibration: &Calibration) -> Value {
    let factor = |factor: &analysis::capacity::Factor| {
        let left = |left: &analysis::capacity::LeftOut| json!({"backend": left.backend, "rates": rates(left.rates), "off": left.off, "worst": left.worst});
        json!({
            "metric": factor.metric, "quantile": factor.quantile, "rates": rates(factor.rates),
            "deviation": factor.deviation, "cells": factor.cells,
            "left_out": factor.left_out.iter().map(left).collect::<Vec<_>>(),
        })
    };
    json!({"timed": calibration.timed, "factors": calibration.factors.iter().map(factor).collect::<Vec<_>>()})
}
