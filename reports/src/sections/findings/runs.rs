//! What differs between runs.

use crate::prose::{list, services_of};
use crate::report::Point;
use crate::results::Results;
use crate::results::clock::Between;
use crate::results::cost::Cost;
use crate::results::variant::VariantRun;
use analysis::summary::Figures;
use lab_core::units;
use lab_core::vocabulary::BackendName;
use std::collections::{BTreeMap, BTreeSet};

/// A finding a cost, at the largest size that several runs have.
pub(super) fn points(results: &Results) -> Vec<Point> {
    if !results.is_several() {
        return Vec::new();
    }
    let cpus: BTreeSet<Option<&String>> =
        results.runs.datasets().iter().map(|dataset| dataset.header.host.get("cpu")).collect();
    if cpus.len() > 1 && !results.is_exact() {
        let text = "their times are of different processors; compare what each grows by, and its ratio to direct.";
        return vec![Point::new("The runs are not compared with each other", text)];
    }
    Cost::ALL.into_iter().filter_map(|cost| point(results, cost)).collect()
}

fn point(results: &Results, cost: Cost) -> Option<Point> {
    let mut backends: BTreeMap<(BackendName, VariantRun), Vec<VariantRun>> = BTreeMap::new();
    for variant in results.variants(cost.probe()).into_iter().filter(|variant| variant.backend != BackendName::Direct) {
        backends.entry((variant.backend, VariantRun { run: 0, ..variant })).or_default().push(variant);
    }
    let at = |services: u32| -> Vec<String> {
        backends.values().filter_map(|variants| clause(results, cost, variants, services)).collect()
    };
    let services = results.sizes().into_iter().rev().find(|&size| !at(size).is_empty())?;
    let text = format!("{} at {}: {}.", cost.metric(), services_of(&[services]), list(&at(services)));
    Some(Point::new("Between the runs", text))
}

/// `nftables 84.6 ms on 6.1 and 70.1 ms on 6.18 (0.83×)`; `None` where fewer than two runs have it.
fn clause(results: &Results, cost: Cost, variants: &[VariantRun], services: u32) -> Option<String> {
    let measured: Vec<(VariantRun, Figures)> = variants
        .iter()
        .filter_map(|variant| Some((*variant, results.cost(cost, *variant, services).figures()?)))
        .collect();
    let [(first, base), others @ ..] = measured.as_slice() else { return None };
    if others.is_empty() {
        return None;
    }
    let label = |variant: &VariantRun| &results.runs.labels()[variant.run];
    let human = |figures: &Figures| results.human(cost.metric(), figures.p50);
    let mut parts = vec![format!("{} on {}", human(base), label(first))];
    parts.extend(others.iter().map(|(variant, figures)| {
        let ratio = figures.p50 / base.p50;
        let much = match results.between(base, figures) {
            Between::Different if ratio.is_finite() => format!(" ({})", units::ratio(ratio)),
            Between::Different => String::new(),
            Between::Alike => " (no difference)".to_owned(),
            Between::Unknown => " (too few samples to say)".to_owned(),
        };
        format!("{} on {}{much}", human(figures), label(variant))
    }));
    Some(format!("{} {}", results.backend(*first, cost.probe()), list(&parts)))
}
