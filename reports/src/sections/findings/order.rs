//! Where the backends change their order between sizes.

use super::laws::Crossed;
use crate::prose::list;
use crate::report::Point;
use crate::results::Results;
use crate::results::cost::Cost;
use crate::results::standing::{Pick, Standing};
use lab_core::units;
use std::collections::BTreeSet;

/// A finding a cost by which no backend costs least at all sizes, but for those of which it is said already where backends
/// have `crossed`.
pub(super) fn points(results: &Results, crossed: &[Crossed]) -> Vec<Point> {
    let runs = 0..results.runs.datasets().len();
    let of_run = |run| {
        let told = move |cost: &Cost| !crossed.contains(&(run, cost.metric()));
        Cost::ALL.into_iter().filter(told).filter_map(move |cost| point(results, run, cost))
    };
    runs.flat_map(of_run).collect()
}

fn point(results: &Results, run: usize, cost: Cost) -> Option<Point> {
    let sizes = results.sizes_of(run);
    let mut ranges: Vec<(Vec<u32>, BTreeSet<Pick>)> = Vec::new();
    for services in sizes {
        let Some(standing) = Standing::of(results, run, cost, services) else { continue };
        if standing.measured().count() < 2 {
            continue;
        }
        let best = standing.best();
        match ranges.last_mut().filter(|(_, other)| *other == best) {
            Some((sizes, _)) => sizes.push(services),
            None => ranges.push((vec![services], best)),
        }
    }
    // What was among the best and is no longer, where another is that was not: less is not a change of order.
    let changes = |(index, (_, best)): (usize, &(_, BTreeSet<Pick>))| {
        ranges[index + 1..].iter().any(|(_, later): &(Vec<u32>, _)| best.is_disjoint(later))
    };
    if !ranges.iter().enumerate().any(changes) {
        return None;
    }
    let clauses: Vec<String> = ranges
        .iter()
        .map(|(sizes, best)| {
            let names: Vec<String> = best.iter().map(Pick::to_string).collect();
            format!("{} {}", list(&names), span(sizes))
        })
        .collect();
    let label = results.label(run);
    let text = format!("{}{label} costs least with {}.", cost.metric(), clauses.join(", then "));
    Some(Point::new("The order changes with size", text))
}

/// `at 1`, `from 250 to 5,000 Services`.
fn span(sizes: &[u32]) -> String {
    let written = |size: u32| units::count(size.into());
    match sizes {
        [] => String::new(),
        [only] => format!("at {}", written(*only)),
        [first, .., last] => format!("from {} to {}", written(*first), written(*last)),
    }
}
