//! What a regression is made of.

use super::compared::Compared;
use lab_core::metric::{Better, Metric, Unit};
use lab_core::vocabulary::ProbeName;
use std::cmp::Reverse;

/// Something else that changed with a metric, and so may be why: of the same cell, the tool's time, the kernel's, process
/// start, a part of a load; of the same load, rules or bytes more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cause {
    /// What changed.
    pub metric: Metric,
    /// What it was, in its base unit.
    pub before: f64,
    /// What it is.
    pub after: f64,
    /// Its share of the metric's change, where it is a part of the metric; `None` for anything else, such as rules.
    pub share: Option<f64>,
}

/// What a metric in time is made of; process start is in the tool's two others, too.
const PARTS: &[Metric] = &[
    Metric::SyncVirtualServers,
    Metric::SyncAddresses,
    Metric::SyncSets,
    Metric::SyncRules,
    Metric::ToolUser,
    Metric::ToolSystem,
    Metric::ToolExec,
];

/// A part that makes up less of a change than this is not worth naming.
const LEAST_SHARE: f64 = 0.05;

/// One that makes up more is none: a tool's time is split into user's and system's by ticks, and a short run has few.
const MOST_SHARE: f64 = 1.5;

/// What the regression of `row` may come from, among the rows of its comparison.
pub(super) fn causes(row: &Compared, rows: &[Compared]) -> Vec<Cause> {
    let medians = |row: &Compared| row.before.as_ref()?.median.zip(row.after.as_ref()?.median);
    let Some((was, is)) = medians(row) else { return Vec::new() };
    let mut causes = Vec::new();
    for other in rows {
        let Some((before, after)) = medians(other) else { continue };
        let cause = |share| Cause { metric: other.metric, before, after, share };
        if is_part(row, other) {
            let share = (after - before) / (is - was);
            causes.extend((LEAST_SHARE..=MOST_SHARE).contains(&share).then(|| cause(Some(share))));
        } else if other.metric != row.metric && other.metric.better() == Better::Neither && same_load(row, other) {
            causes.extend((after > before).then(|| cause(None)));
        }
    }
    // What contributes most first, then counts in the order of the metrics.
    #[allow(clippy::cast_possible_truncation, reason = "a share to sort by")]
    let standing = |cause: &Cause| (Reverse(cause.share.map(|share| (share * 1e6) as i64)), cause.metric);
    causes.sort_by_key(standing);
    causes
}

fn is_part(row: &Compared, other: &Compared) -> bool {
    let own = row.metric == Metric::of(row.cell.probe) && row.metric.unit() == Unit::Ns;
    own && other.cell == row.cell && PARTS.contains(&other.metric)
}

/// Whether `other` is the load that `row`'s node was given.
fn same_load(row: &Compared, other: &Compared) -> bool {
    let size = |row: &Compared| (row.cell.cluster.services, row.cell.cluster.endpoints);
    let loads = other.cell.probe == ProbeName::SyncFull && row.cell.contender().covers(other.cell.contender());
    other.cell == row.cell || loads && size(row) == size(other)
}
