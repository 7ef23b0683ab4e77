//! GitLab's metrics report: `OpenMetrics` text whose values GitLab compares between branches, as strings:
//! <https://docs.gitlab.com/ci/testing/metrics_reports/>.
//!
//! GitLab splits a line as a shell would, after it has cut off what follows a `#`. So a label has neither quotes within nor
//! a `#`, and the time at which a sample was taken is left out.

use crate::table::path;
use analysis::gate::{Gating, Judged, Judgement};
use lab_core::metric::{Metric, Unit};
use lab_core::vocabulary::{Clock, Word};
use std::collections::BTreeMap;
use std::fmt::Write;

/// `OpenMetrics` text that GitLab compares between branches (`artifacts:reports:metrics`): the medians of what gates, a
/// family a metric.
#[must_use]
pub fn metrics(judgement: &Judgement) -> String {
    let clock = judgement.comparison.clock;
    let mut families: BTreeMap<Metric, Vec<&Judged>> = BTreeMap::new();
    for judged in judgement.judged.iter().filter(|judged| judged.gating == Gating::Gates) {
        families.entry(judged.compared.metric).or_default().push(judged);
    }
    let mut text = String::new();
    for (metric, mut rows) in families {
        let unit = unit(metric.unit(), clock);
        let suffix = if unit.is_empty() || metric.name().ends_with(unit) { String::new() } else { format!("_{unit}") };
        let name = format!("svclab_{metric}{suffix}");
        let mut line = |line: std::fmt::Arguments| writeln!(text, "{line}").expect("a string takes every write");
        line(format_args!("# TYPE {name} gauge"));
        if !unit.is_empty() {
            line(format_args!("# UNIT {name} {unit}"));
        }
        line(format_args!("# HELP {name} {}", metric.meaning()));
        // In the order of the cells, whatever became of them.
        rows.sort_by_key(|judged| judged.compared.cell);
        for Judged { compared, .. } in rows {
            let Some(median) = compared.after.as_ref().and_then(|side| side.median) else { continue };
            line(format_args!("{name}{{{}}} {median}", labels(&compared.cell)));
        }
    }
    text + "# EOF\n"
}

/// `probe="connect",backend="ipvs",…,position="last"`.
fn labels(cell: &lab_core::cell::Cell) -> String {
    let path = format!("probe={}/{}", cell.probe, path(cell));
    let label = |part: &str| part.split_once('=').map(|(key, value)| format!("{key}=\"{value}\""));
    path.split('/').filter_map(label).collect::<Vec<_>>().join(",")
}

/// What a base unit is called where a name ends with it; empty for a plain number.
fn unit(unit: Unit, clock: Clock) -> &'static str {
    let counted = clock == Clock::Instructions;
    match unit {
        Unit::Ns if counted => "instructions",
        Unit::Ns => "nanoseconds",
        Unit::Bytes => "bytes",
        Unit::BitsPerSecond if counted => "bits_per_giga_instruction",
        Unit::BitsPerSecond => "bits_per_second",
        Unit::PerSecond if counted => "per_giga_instruction",
        Unit::PerSecond => "per_second",
        Unit::Share => "ratio",
        Unit::Count => "",
    }
}
