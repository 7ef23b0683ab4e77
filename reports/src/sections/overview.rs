//! The most telling figures side by side: a table a group of metrics, a row a metric and size, a column a variant.
//!
//! Medians only. Everything that qualifies them stands in the tables of a single metric.

use crate::report::{Column, Content, Table, TableCell};
use crate::results::clock;
use crate::results::variant::VariantRun;
use crate::results::{Found, Results, Row};
use lab_core::metric::{Metric, Unit};
use lab_core::units::{self, Scale};
use lab_core::vocabulary::{Outcome, Position, ProbeName, Word};
use std::collections::BTreeSet;

/// A metric, the probe it is taken with, and where that asks.
type Shown = (Metric, ProbeName, Option<Position>);

/// What stands together.
const GROUPS: [(&str, &[Shown]); 7] = [
    (
        "Control plane",
        &[
            (Metric::SyncFull, ProbeName::SyncFull, None),
            (Metric::SyncChange, ProbeName::SyncChange, None),
            (Metric::EndpointChange, ProbeName::EndpointChange, None),
            (Metric::RemoveService, ProbeName::RemoveService, None),
            (Metric::AppendRule, ProbeName::AppendRule, None),
            (Metric::BuildOneByOne, ProbeName::BuildOneByOne, None),
            (Metric::Reload, ProbeName::Reload, None),
            (Metric::Restart, ProbeName::Restart, None),
            (Metric::LoadAfterFailure, ProbeName::LoadAfterFailure, None),
        ],
    ),
    (
        "kube-proxy itself",
        &[
            (Metric::Resync, ProbeName::Resync, None),
            (Metric::DriverStart, ProbeName::SyncFull, None),
            (Metric::DriverMemory, ProbeName::SyncFull, None),
            (Metric::DriverSync, ProbeName::SyncChange, None),
            (Metric::InForce, ProbeName::SyncChange, None),
            (Metric::DriverCpu, ProbeName::SyncChange, None),
            (Metric::ToolRuns, ProbeName::SyncChange, None),
            (Metric::IdleCpu, ProbeName::Idle, None),
        ],
    ),
    (
        "Connections and bandwidth",
        &[
            (Metric::Connect, ProbeName::Connect, Some(Position::First)),
            (Metric::Connect, ProbeName::Connect, Some(Position::Last)),
            (Metric::FirstByte, ProbeName::Connect, Some(Position::Last)),
            (Metric::ConnectionsPerSecond, ProbeName::ConnectionsPerSecond, Some(Position::Last)),
            (Metric::Bandwidth, ProbeName::Bandwidth, Some(Position::First)),
            (Metric::Bandwidth, ProbeName::Bandwidth, Some(Position::Last)),
            (Metric::OpenLoop, ProbeName::OpenLoop, Some(Position::Last)),
            (Metric::HeldReply, ProbeName::OpenLoop, Some(Position::Last)),
        ],
    ),
    (
        "Endpoints that are chosen, and that go away",
        &[
            (Metric::Spread, ProbeName::Spread, Some(Position::First)),
            (Metric::Spread, ProbeName::Spread, Some(Position::Middle)),
            (Metric::SpreadLost, ProbeName::Spread, Some(Position::Middle)),
            (Metric::AffinityNew, ProbeName::Affinity, Some(Position::First)),
            (Metric::Affinity, ProbeName::Affinity, Some(Position::First)),
            (Metric::AffinityMoved, ProbeName::Affinity, Some(Position::First)),
            (Metric::AffinityKept, ProbeName::Affinity, Some(Position::First)),
            (Metric::AffinityForgotten, ProbeName::Affinity, Some(Position::First)),
            (Metric::RemovedBroken, ProbeName::RemovedEndpoint, None),
            (Metric::ReusedStale, ProbeName::RemovedEndpoint, None),
            (Metric::ReusedLost, ProbeName::RemovedEndpoint, None),
            (Metric::ReusedPort, ProbeName::RemovedEndpoint, None),
            (Metric::UdpDark, ProbeName::UdpStale, None),
            (Metric::UdpLost, ProbeName::UdpStale, None),
            (Metric::BlackholeCpuBefore, ProbeName::UdpBlackhole, None),
            (Metric::BlackholeCpu, ProbeName::UdpBlackhole, None),
            (Metric::BlackholeRefused, ProbeName::UdpBlackhole, None),
        ],
    ),
    (
        "Cluster IPs bound",
        &[
            (Metric::BindDummy, ProbeName::BindDummy, None),
            (Metric::BindAlias, ProbeName::BindAlias, None),
            (Metric::BindRoutes, ProbeName::BindRoutes, None),
            (Metric::BindRange, ProbeName::BindRange, None),
        ],
    ),
    (
        "CPU and memory of sync_full, and of churn (cpu_sync)",
        &[
            (Metric::ToolUser, ProbeName::SyncFull, None),
            (Metric::ToolSystem, ProbeName::SyncFull, None),
            (Metric::ToolPeakRss, ProbeName::SyncFull, None),
            (Metric::KernelMemory, ProbeName::SyncFull, None),
            (Metric::CpuSync, ProbeName::Churn, None),
        ],
    ),
    (
        "Installed",
        &[
            (Metric::Rules, ProbeName::SyncFull, None),
            (Metric::Chains, ProbeName::SyncFull, None),
            (Metric::SetElements, ProbeName::SyncFull, None),
            (Metric::VirtualServers, ProbeName::SyncFull, None),
            (Metric::RealServers, ProbeName::SyncFull, None),
            (Metric::Addresses, ProbeName::SyncFull, None),
        ],
    ),
];

pub(crate) fn tables(results: &Results) -> Vec<Table> {
    GROUPS.iter().filter_map(|(title, asked)| table(results, title, asked)).collect()
}

fn table(results: &Results, title: &str, asked: &[Shown]) -> Option<Table> {
    let asked: Vec<&Shown> = asked.iter().filter(|shown| is_taken(results, **shown)).collect();
    let variants: BTreeSet<VariantRun> = asked.iter().flat_map(|(_, probe, _)| results.variants(*probe)).collect();
    // In a group all probes are of a kind, so that a variant has the same name with each.
    let names: BTreeSet<(VariantRun, String)> = asked
        .iter()
        .flat_map(|(_, probe, _)| variants.iter().map(|&variant| (variant, results.name(variant, *probe))))
        .collect();
    let rows: Vec<Vec<TableCell>> = asked.iter().flat_map(|asked| rows(results, **asked, &variants)).collect();
    if rows.is_empty() {
        return None;
    }
    let mut columns = Column::row(&["metric", "unit", "Services"], &[], &[]);
    columns.extend(names.into_iter().map(|(_, name)| Column::new(name, Content::Number)));
    let clocked = asked.iter().any(|(metric, ..)| metric.unit().is_clocked());
    let title = if clocked { clock::label(results.clock(), title) } else { title.to_owned() };
    let title =
        if asked.iter().all(|(metric, ..)| metric.unit() == Unit::Count) { title } else { format!("{title}, medians") };
    Some(Table { title, columns, rows, ..Table::default() })
}

/// Whether any cell has the metric there, or came to nothing. A single Service is at every position.
fn is_taken(results: &Results, (metric, probe, position): Shown) -> bool {
    let own = metric == Metric::of(probe);
    let of_probe = || results.rows.iter().filter(|row| row.cell.probe == probe);
    let single = of_probe().all(|row| row.cell.cluster.services == 1);
    let there = |row: &&Row| single || row.cell.position == position;
    of_probe().filter(there).any(|row| row.metric == metric && (own || row.figures.is_some()))
}

/// The rows of one metric: one a size, with one unit for all of them.
fn rows(results: &Results, (metric, probe, position): Shown, variants: &BTreeSet<VariantRun>) -> Vec<Vec<TableCell>> {
    let find = |variant: &VariantRun, services| results.at(*variant, services, None, (probe, position), metric);
    let sizes = sizes(results, probe, metric.unit() == Unit::Count || position == Some(Position::First));
    let at_each = sizes.iter().flat_map(|&services| variants.iter().map(move |variant| (variant, services)));
    let values: Vec<f64> =
        at_each.filter_map(|(variant, services)| Some(find(variant, services).row()?.figures?.p50)).collect();
    let scale = Scale::fit(metric.unit(), results.clock(), values.iter().copied());
    let unit = if values.is_empty() || scale.label().is_empty() { "-" } else { scale.label() };
    let name = position.map_or(metric.to_string(), |position| format!("{metric} {position}"));
    let row = |services: u32| {
        let keys = [TableCell::text(&name), TableCell::text(unit), TableCell::text(units::count(services.into()))];
        keys.into_iter().chain(variants.iter().map(|variant| write(find(variant, services), &scale))).collect()
    };
    sizes.into_iter().map(row).collect()
}

/// The numbers of Services that are shown: all, the ends of many, or only the largest.
fn sizes(results: &Results, probe: ProbeName, only_largest: bool) -> Vec<u32> {
    const FEW: usize = 3;
    let of_probe = |row: &&Row| row.cell.probe == probe;
    let sizes: BTreeSet<u32> = results.rows.iter().filter(of_probe).map(|row| row.cell.cluster.services).collect();
    let sizes: Vec<u32> = sizes.into_iter().collect();
    match sizes[..] {
        [.., last] if only_largest => vec![last],
        [first, .., last] if sizes.len() > FEW => vec![first, last],
        _ => sizes,
    }
}

fn write(found: Found, scale: &Scale) -> TableCell {
    let Some(row) = found.row() else { return TableCell::Absent("-") };
    let Some(figures) = row.figures else { return TableCell::Absent(row.outcome.name()) };
    let flag = if row.outcome == Outcome::Measured { "" } else { row.outcome.name() };
    TableCell::Value { number: scale.number(figures.p50), ratio: String::new(), flag, details: Vec::new() }
}
