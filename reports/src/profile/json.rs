//! Profiles for other programs.

use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::profile::{Comparison, Entry};
use serde::Serialize;

#[derive(Serialize)]
struct Hot<'a> {
    cell: Cell,
    metric: Metric,
    instructions: u64,
    functions: Vec<Counted<'a>>,
}

#[derive(Serialize)]
struct Counted<'a> {
    function: &'a str,
    binary: &'a str,
    instructions: u64,
}

#[derive(Serialize)]
struct Compared<'a> {
    cell: Cell,
    metric: Metric,
    before: u64,
    after: u64,
    functions: Vec<Changed<'a>>,
}

#[derive(Serialize)]
struct Changed<'a> {
    function: &'a str,
    binary: &'a str,
    before: u64,
    after: u64,
    more: i64,
    share: Option<f64>,
}

/// The `top` hottest functions of `entries`: an array of objects `{cell, metric, instructions, functions}`.
#[must_use]
pub fn json(entries: &[&Entry], top: usize) -> String {
    let hot = |entry: &&Entry| -> String {
        let counted = entry.hottest();
        let counted = counted.iter().take(top).map(|&(function, instructions)| Counted {
            function: &function.symbol,
            binary: &function.binary,
            instructions,
        });
        let (cell, metric, instructions) = (entry.cell, entry.metric, entry.total());
        write(&Hot { cell, metric, instructions, functions: counted.collect() })
    };
    array(entries.iter().map(hot))
}

/// The `top` functions that changed the most: an array of objects `{cell, metric, before, after, functions}`.
#[must_use]
pub fn compared_json(comparisons: &[Comparison], top: usize) -> String {
    let compared = |comparison: &Comparison| {
        let changed = comparison.changes.iter().take(top).map(|change| Changed {
            function: &change.function.symbol,
            binary: &change.function.binary,
            before: change.before,
            after: change.after,
            more: change.more(),
            share: comparison.share(change),
        });
        let Comparison { cell, metric, before, after, .. } = *comparison;
        write(&Compared { cell, metric, before, after, functions: changed.collect() })
    };
    array(comparisons.iter().map(compared))
}

fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("string keys and numbers that JSON can spell")
}

/// An object a line.
fn array(objects: impl Iterator<Item = String>) -> String {
    format!("[\n{}\n]\n", objects.collect::<Vec<_>>().join(",\n"))
}
