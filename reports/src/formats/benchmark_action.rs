//! The summary as github-action-benchmark reads it with its tools `customSmallerIsBetter` and `customBiggerIsBetter`:
//! <https://github.com/benchmark-action/github-action-benchmark#examples>.
//!
//! The action keeps a series a name, and compares a value with the one before it. So names say all that makes values
//! comparable, and nothing that changes from run to run, unless several runs could not be told apart otherwise.

use crate::table::summary::{self, Line};
use lab_core::dataset::{Dataset, Header};
use lab_core::metric::{Better, Unit};
use lab_core::vocabulary::{Clock, Outcome, TargetName};
use serde::Serialize;
use std::collections::BTreeSet;

/// A point of a series.
#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    /// What the chart's tooltip says besides.
    extra: String,
}

/// The medians of every metric that is `better`, as github-action-benchmark reads them; `None` where there is none,
/// because the action refuses an empty list. The runs may be on different clocks.
///
/// What did not end `measured` is left out: the action has no word for it. So are exact properties of the installed
/// state, of which neither more nor less is better.
#[must_use]
pub fn render(datasets: &[Dataset], better: Better) -> Option<String> {
    let apart = Apart::of(datasets);
    let wanted = |line: &Line| line.row.outcome == Outcome::Measured && line.row.metric.better() == better;
    let entries: Vec<Entry> = summary::rows(datasets).filter(wanted).filter_map(|line| entry(&line, apart)).collect();
    let text = serde_json::to_string_pretty(&entries).expect("names, and numbers that JSON can spell");
    (!entries.is_empty()).then_some(text + "\n")
}

/// What tells the runs apart in a name.
#[derive(Clone, Copy)]
enum Apart {
    Name,
    Kernel,
    Run,
}

impl Apart {
    fn of(datasets: &[Dataset]) -> Self {
        let distinct = |tells: fn(&Dataset) -> (&str, TargetName, &str)| {
            datasets.iter().map(tells).collect::<BTreeSet<_>>().len() == datasets.len()
        };
        if distinct(|Dataset { header, .. }| (&header.plan.scenario, header.plan.target, "")) {
            Self::Name
        } else if distinct(|Dataset { header, .. }| (&header.plan.scenario, header.plan.target, kernel(header))) {
            Self::Kernel
        } else {
            Self::Run
        }
    }
}

fn kernel(header: &Header) -> &str {
    header.kernel().unwrap_or("unknown")
}

fn entry(line: &Line, apart: Apart) -> Option<Entry> {
    let Line { header, row } = line;
    let figures = row.figures?;
    let mut name = format!("{}/{}/target={}", header.plan.scenario, row.cell.probe, header.plan.target);
    match apart {
        Apart::Name => {}
        Apart::Kernel => name += &format!("/kernel={}", kernel(header)),
        Apart::Run => name += &format!("/run={}", header.id),
    }
    name += &format!("/{}/metric={}", line.path(), row.metric);
    let ratio = figures.ratio_to_direct.map(|ratio| format!("\nratio to direct: {ratio:.3}")).unwrap_or_default();
    Some(Entry {
        name,
        unit: unit(row.metric.unit(), header.clock),
        value: figures.p50,
        range: figures.interval.map(|(low, high)| format!("{low} – {high}")),
        extra: format!(
            "median of {} samples\nmin {}, p90 {}, p99 {}, max {}{ratio}",
            figures.n, figures.min, figures.p90, figures.p99, figures.max
        ),
    })
}

/// What a base unit is on `clock`, where a nanosecond may be an instruction.
fn unit(unit: Unit, clock: Clock) -> &'static str {
    match (unit, clock) {
        (Unit::Ns, Clock::Instructions) => "instructions",
        (Unit::BitsPerSecond, Clock::Instructions) => "bit/G instructions",
        (Unit::PerSecond, Clock::Instructions) => "1/G instructions",
        (Unit::Share, Clock::Instructions) => "share of instructions",
        (Unit::Ns, Clock::Wall | Clock::WallEmulated) => "ns",
        (Unit::BitsPerSecond, Clock::Wall | Clock::WallEmulated) => "bit/s",
        (Unit::PerSecond, Clock::Wall | Clock::WallEmulated) => "1/s",
        (Unit::Share, Clock::Wall | Clock::WallEmulated) => "cores",
        (Unit::Bytes, _) => "bytes",
        (Unit::Count, _) => "count",
    }
}
