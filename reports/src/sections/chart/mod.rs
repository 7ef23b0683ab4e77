//! Charts: a cost against the number of Services, a line a variant of a backend, a panel a cost.
//!
//! A backend has one colour and one marker in all of them; its variants, and several runs, differ by their dashes. What
//! ran over its budget is marked at the upper edge where it did.

mod axis;
mod drawing;
mod label;
mod line;
mod mark;
mod sampled;

use crate::report::Chart;
use crate::results::Results;
use crate::results::clock;
use axis::Kind;
use drawing::Panel;
pub(crate) use drawing::escape;
use lab_core::metric::Metric;
use lab_core::units::Scale;
use lab_core::vocabulary::{Position, ProbeName};
use line::{Line, lines};

/// A panel that may be drawn.
struct Drawn {
    metric: Metric,
    probe: ProbeName,
    position: Option<Position>,
    title: &'static str,
    kind: Kind,
}

const fn drawn(metric: Metric, probe: ProbeName, position: Option<Position>, title: &'static str, kind: Kind) -> Drawn {
    Drawn { metric, probe, position, title, kind }
}

/// What is drawn. Panels of one metric and probe stand beside each other on one scale.
const DRAWN: [Drawn; 13] = [
    drawn(Metric::SyncFull, ProbeName::SyncFull, None, "A cold start", Kind::Logarithmic),
    drawn(Metric::SyncChange, ProbeName::SyncChange, None, "A change: one Service added", Kind::Logarithmic),
    drawn(Metric::Connect, ProbeName::Connect, FIRST, "A new connection to the first Service", Kind::Logarithmic),
    drawn(Metric::Connect, ProbeName::Connect, LAST, "A new connection to the last Service", Kind::Logarithmic),
    drawn(Metric::Bandwidth, ProbeName::Bandwidth, FIRST, "Bandwidth to the first Service", Kind::FromZero),
    drawn(Metric::Bandwidth, ProbeName::Bandwidth, LAST, "Bandwidth to the last Service", Kind::FromZero),
    drawn(RATE, ProbeName::ConnectionsPerSecond, FIRST, "Short connections to the first Service", Kind::FromZero),
    drawn(RATE, ProbeName::ConnectionsPerSecond, LAST, "Short connections to the last Service", Kind::FromZero),
    drawn(Metric::AppendRule, ProbeName::AppendRule, None, "One rule added by the tool", Kind::Logarithmic),
    drawn(Metric::CpuSync, ProbeName::Churn, None, "CPU that keeping up with changes takes", Kind::FromZero),
    drawn(Metric::KernelMemory, ProbeName::SyncFull, None, "Memory that the rules hold", Kind::Logarithmic),
    drawn(Metric::ToolPeakRss, ProbeName::SyncFull, None, "Memory that loading them takes", Kind::Logarithmic),
    drawn(Metric::Reload, ProbeName::Reload, None, "Emptied and loaded again", Kind::Logarithmic),
];

const FIRST: Option<Position> = Some(Position::First);
const LAST: Option<Position> = Some(Position::Last);
const RATE: Metric = Metric::ConnectionsPerSecond;

/// The charts that there are data for: at least two sizes of one variant.
pub(crate) fn charts(results: &Results) -> Vec<Chart> {
    let of = |drawn: &Drawn| lines(results, drawn.metric, drawn.probe, drawn.position, drawn.kind);
    let panels: Vec<(&Drawn, Vec<Line>)> = DRAWN.iter().map(|drawn| (drawn, of(drawn))).collect();
    let mut charts = Vec::new();
    for (drawn, lines) in &panels {
        if !lines.iter().any(|line| line.points.len() > 1) {
            continue;
        }
        let beside = |other: &&(&Drawn, Vec<Line>)| (other.0.metric, other.0.probe) == (drawn.metric, drawn.probe);
        let shared: Vec<&Line> = panels.iter().filter(beside).flat_map(|(_, lines)| lines).collect();
        let scale = Scale::fit(drawn.metric.unit(), results.clock(), shared.iter().flat_map(|line| line.medians()));
        let title = clock::label(results.clock(), drawn.title);
        let unit = format!("{}{}", drawn.metric, clock::unit(drawn.metric, results.clock(), "median", &scale));
        let kind = drawn.kind.suited(shared.iter().flat_map(|line| line.medians()));
        let panel = Panel { lines, shared: &shared, kind, scale, title: format!("{title}, {unit}") };
        if let Ok(svg) = panel.draw() {
            let (about, key, table) = (line::about(results, lines), panel.key(), drawn.metric.to_string());
            let name = drawn.position.map_or(table.clone(), |position| format!("{table}-{position}"));
            charts.push(Chart { name, title, unit, about, svg, key, table, zoom: None });
        }
    }
    charts.extend(sampled::charts(results));
    charts
}
