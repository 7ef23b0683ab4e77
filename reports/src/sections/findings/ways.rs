//! What one backend costs in several ways, or with several programs, Services or activities.

use crate::prose::{list, services_of};
use crate::report::Point;
use crate::results::Results;
use crate::results::clock::Between;
use crate::results::cost::Cost;
use crate::results::variant::VariantRun;
use analysis::summary::Figures;
use lab_core::cell::Variant;
use lab_core::units;
use std::collections::BTreeMap;

/// A finding a backend that was driven in several ways, at the largest size that several of them have.
pub(super) fn points(results: &Results) -> Vec<Point> {
    [Cost::ColdStart, Cost::Change].into_iter().flat_map(|cost| of_cost(results, cost)).collect()
}

fn of_cost(results: &Results, cost: Cost) -> Vec<Point> {
    let mut backends: BTreeMap<_, Vec<VariantRun>> = BTreeMap::new();
    for variant in results.variants(cost.probe()) {
        let Variant { backend, layout, settings, kernel, .. } = *variant;
        backends.entry((variant.run, backend, layout, settings, kernel)).or_default().push(variant);
    }
    let several = backends.values().filter(|variants| variants.len() > 1);
    several.filter_map(|variants| point(results, cost, variants)).collect()
}

fn point(results: &Results, cost: Cost, variants: &[VariantRun]) -> Option<Point> {
    let at = |services: u32| -> Vec<(VariantRun, Figures)> {
        let figures = |&variant: &VariantRun| Some((variant, results.cost(cost, variant, services).figures()?));
        variants.iter().filter_map(figures).collect()
    };
    let services = results.sizes().into_iter().rev().find(|&size| at(size).len() > 1)?;
    let mut measured = at(services);
    measured.sort_by(|(_, one), (_, other)| one.p50.total_cmp(&other.p50));
    let (cheapest, others) = measured.split_first()?;
    let human = |figures: &Figures| results.human(cost.metric(), figures.p50);
    let name = |variant: &VariantRun| results.name(*variant, cost.probe());
    let clauses: Vec<String> = others
        .iter()
        .map(|(variant, figures)| {
            let ratio = figures.p50 / cheapest.1.p50;
            let much = match results.between(&cheapest.1, figures) {
                Between::Different if ratio.is_finite() => format!(" ({})", units::ratio(ratio)),
                Between::Different => String::new(),
                Between::Alike => " (no difference)".to_owned(),
                Between::Unknown => " (too few samples to say)".to_owned(),
            };
            format!("{}{much} with {}", human(figures), name(variant))
        })
        .collect();
    let is = |between| move |(_, figures): &(VariantRun, Figures)| results.between(&cheapest.1, figures) == between;
    let (what, lesson) = apart(variants);
    let (matters, lesson) = match () {
        () if others.iter().any(is(Between::Different)) => ("matters", lesson),
        () if others.iter().all(is(Between::Alike)) => ("makes no difference", ""),
        () => return None,
    };
    let text = format!(
        "{} at {}: {} with {}, {}.{lesson}",
        cost.metric(),
        services_of(&[services]),
        human(&cheapest.1),
        name(&cheapest.0),
        list(&clauses)
    );
    Some(Point::new(format!("{what} {matters}"), text))
}

/// What tells variants of one backend apart, and what follows where they do not cost the same.
fn apart(variants: &[VariantRun]) -> (&'static str, &'static str) {
    let differ = |same: fn(&VariantRun, &VariantRun) -> bool| variants.iter().any(|other| !same(&variants[0], other));
    match () {
        () if differ(|one, other| one.driver == other.driver) => {
            ("What programs a node", " They are given the same Services.")
        }
        () if differ(|one, other| one.source == other.source) => ("What Services are like", ""),
        () if differ(|one, other| one.activity == other.activity) => {
            ("What a node has to do besides", " They are given the same Services.")
        }
        () => ("How a backend is driven", " The difference is the way, not the backend."),
    }
}
