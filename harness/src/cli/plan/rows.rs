//! A plan's rows: a cell each, or what is compared.

use crate::run::estimate::{self, Rounds};
use lab_core::cell::{Cell, Variant};
use lab_core::plan::Plan;
use lab_core::units;
use lab_core::vocabulary::{Access, BackendName, LayoutName, Origin, Word};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A row for each cell, under a head.
pub(super) fn cells(plan: &Plan) -> Vec<String> {
    let head =
        format!("{:>9}  {:<16}{:<13}{:<24}{:<10}{:>6}", "Services", "backend", "way", "probe", "position", "rounds");
    let endpoints: BTreeSet<u32> = plan.cells.iter().map(|cell| cell.cluster.endpoints).collect();
    let several = endpoints.len() > 1;
    let layouts = Layouts::of_plan(plan);
    let row = |cell: &Cell| {
        let services = units::count(cell.cluster.services.into());
        let position = cell.position.map_or(String::new(), |position| position.to_string());
        let dialled = if cell.access == Access::default() && cell.from == Origin::default() {
            String::new()
        } else {
            format!("  {} {}", cell.access, cell.from.phrase())
        };
        let of = match several {
            true => format!("  of {}", units::counted(cell.cluster.endpoints.into(), "endpoint")),
            false => String::new(),
        };
        let layout = layouts.of(cell).map_or(String::new(), |layout| format!("  {layout}"));
        let on = cell.variant.kernel.map_or(String::new(), |kernel| format!("  on {}", kernel.as_str()));
        let beside = cell.activity.name().map_or(String::new(), |activity| format!("  beside {activity}"));
        let rounds = match estimate::rounds(plan, cell) {
            Rounds::OverBudget => "over budget".to_owned(),
            Rounds::Perhaps(rounds) => format!("{rounds} or over budget"),
            Rounds::Fit(rounds) => rounds.to_string(),
        };
        format!(
            "{services:>9}  {:<16}{:<13}{:<24}{position:<10}{rounds:>6}{of}{layout}{on}{dialled}{beside}",
            cell.variant.backend,
            way(cell),
            cell.probe
        )
    };
    [head].into_iter().chain(plan.cells.iter().map(row)).collect()
}

/// What a backend has of a plan in one way.
#[derive(Default)]
struct Share {
    sizes: BTreeSet<u32>,
    probes: BTreeSet<&'static str>,
    cells: u64,
    seconds: f64,
    over: u64,
}

/// The layouts that have to be told apart: those of a backend that has several.
struct Layouts(BTreeSet<(BackendName, LayoutName)>);

impl Layouts {
    fn of_plan(plan: &Plan) -> Self {
        let all: BTreeSet<_> = plan.cells.iter().map(|cell| (cell.variant.backend, cell.variant.layout)).collect();
        let several = |backend| all.iter().filter(|(other, _)| *other == backend).count() > 1;
        Self(all.iter().copied().filter(|&(backend, _)| several(backend)).collect())
    }

    /// That of `cell`, if its backend has several.
    fn of(&self, cell: &Cell) -> Option<LayoutName> {
        let Variant { backend, layout, .. } = cell.variant;
        self.0.contains(&(backend, layout)).then_some(layout)
    }
}

/// A row for each backend, layout and way, under a head.
pub(super) fn contenders(plan: &Plan) -> Vec<String> {
    let layouts = Layouts::of_plan(plan);
    let mut shares: BTreeMap<_, Share> = BTreeMap::new();
    for (cell, seconds) in plan.cells.iter().zip(estimate::cells(plan)) {
        let share = shares.entry((cell.variant.backend, layouts.of(cell), way(cell))).or_default();
        share.sizes.insert(cell.cluster.services);
        share.probes.insert(cell.probe.name());
        share.cells += 1;
        share.seconds += seconds;
        share.over += u64::from(estimate::rounds(plan, cell) == Rounds::OverBudget);
    }
    let head = format!(
        "{:<16}{:<13}{:<18}{:>6}{:>6}{:>10}{:>13}{}",
        "backend",
        "way",
        "Services",
        "probes",
        "cells",
        "about",
        "over budget",
        if layouts.0.is_empty() { "" } else { "  layout" }
    );
    let row = |((backend, layout, way), share): ((BackendName, Option<LayoutName>, &str), Share)| {
        let sizes = match (share.sizes.first(), share.sizes.last()) {
            (Some(first), Some(last)) if first != last => {
                format!("{} to {}", units::count((*first).into()), units::count((*last).into()))
            }
            (Some(only), _) => units::count((*only).into()),
            (None, _) => String::new(),
        };
        let about = units::about(Duration::try_from_secs_f64(share.seconds).unwrap_or_default());
        let over = if share.over == 0 { "-".to_owned() } else { units::count(share.over) };
        format!(
            "{backend:<16}{way:<13}{sizes:<18}{:>6}{:>6}{about:>10}{over:>13}{}",
            share.probes.len(),
            units::count(share.cells),
            layout.map_or(String::new(), |layout| format!("  {layout}"))
        )
    };
    [head].into_iter().chain(shares.into_iter().map(row)).collect()
}

/// How the node is programmed: by a kube-proxy, or in which of the lab's ways.
fn way(cell: &Cell) -> &'static str {
    let Variant { way, driver, .. } = cell.variant;
    if driver.is_kube_proxy() { driver.name() } else { way.name() }
}
