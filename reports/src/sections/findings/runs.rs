//! What differs between runs, and between the kernels of a run.

use crate::prose::{list, services_of};
use crate::report::Point;
use crate::results::Results;
use crate::results::clock::Between;
use crate::results::cost::Cost;
use crate::results::variant::VariantRun;
use analysis::summary::Figures;
use lab_core::cell::{Interned, Variant};
use lab_core::units;
use lab_core::vocabulary::BackendName;
use std::collections::{BTreeMap, BTreeSet};

/// What variants are compared by: what else there is of them must be the same.
struct By {
    title: &'static str,
    /// The variant without it.
    without: fn(VariantRun) -> VariantRun,
    /// What it is of a variant.
    label: fn(&Results, &VariantRun) -> String,
}

const RUNS: By = By {
    title: "Between the runs",
    without: |variant| VariantRun { run: 0, ..variant },
    label: |results, variant| results.runs.labels()[variant.run].clone(),
};

const KERNELS: By = By {
    title: "Between the kernels",
    without: |variant| VariantRun { variant: Variant { kernel: None, ..variant.variant }, ..variant },
    label: |results, variant| {
        let name = variant.kernel.map_or("the run's own kernel", Interned::as_str);
        format!("{name}{}", results.label(variant.run))
    },
};

/// A finding a cost, at the largest size that several runs, or several kernels of a run, have.
pub(super) fn points(results: &Results) -> Vec<Point> {
    let kernels = Cost::ALL.into_iter().filter_map(|cost| point(results, cost, &KERNELS)).collect();
    if !results.is_several() {
        return kernels;
    }
    let cpus: BTreeSet<Option<&String>> =
        results.runs.datasets().iter().map(|dataset| dataset.header.host.get("cpu")).collect();
    if cpus.len() > 1 && !results.is_exact() {
        let text = "their times are of different processors; compare what each grows by, and its ratio to direct.";
        return kernels.into_iter().chain([Point::new("The runs are not compared with each other", text)]).collect();
    }
    kernels.into_iter().chain(Cost::ALL.into_iter().filter_map(|cost| point(results, cost, &RUNS))).collect()
}

fn point(results: &Results, cost: Cost, by: &By) -> Option<Point> {
    let mut backends: BTreeMap<(BackendName, VariantRun), Vec<VariantRun>> = BTreeMap::new();
    for variant in results.variants(cost.probe()).into_iter().filter(|variant| variant.backend != BackendName::Direct) {
        backends.entry((variant.backend, (by.without)(variant))).or_default().push(variant);
    }
    let at = |services: u32| -> Vec<String> {
        backends.values().filter_map(|variants| clause(results, cost, variants, services, by)).collect()
    };
    let services = results.sizes().into_iter().rev().find(|&size| !at(size).is_empty())?;
    let text = format!("{} at {}: {}.", cost.metric(), services_of(&[services]), list(&at(services)));
    Some(Point::new(by.title, text))
}

/// `nftables 84.6 ms on 6.1 and 70.1 ms on 6.18 (0.83×)`; `None` where fewer than two have it.
fn clause(results: &Results, cost: Cost, variants: &[VariantRun], services: u32, by: &By) -> Option<String> {
    let measured: Vec<(VariantRun, Figures)> = variants
        .iter()
        .filter_map(|variant| Some((*variant, results.cost(cost, *variant, services).figures()?)))
        .collect();
    let [(first, base), others @ ..] = measured.as_slice() else { return None };
    if others.is_empty() {
        return None;
    }
    let label = |variant: &VariantRun| (by.label)(results, variant);
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
    // With its kernel, each would be named after one of those that are compared.
    let name = results.backend((by.without)(*first), cost.probe());
    Some(format!("{name} {}", list(&parts)))
}
