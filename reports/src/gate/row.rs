//! A cell's metric in both runs, written out.

use crate::prose;
use crate::report::TableCell;
use analysis::gate::{Basis, Cause, Compared, Delta, Judged, Side};
use lab_core::metric::{Better, Metric};
use lab_core::units;
use lab_core::vocabulary::{Clock, Outcome, Word};

/// A cell's metric in both runs, written out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The cell and the metric: `ipvs (batched) at 100 Services, connect (last)`.
    pub(super) name: String,
    /// Whether the metric is the one that its probe is named after.
    pub(super) is_own: bool,
    pub(super) before: TableCell,
    pub(super) after: TableCell,
    /// By how much it changed: `+12.2 %`; empty where there is nothing to compare.
    pub(super) change: String,
    /// The ratio with its interval, and what it is a ratio of: `1.12× (1.08–1.17×)`.
    pub(super) ratio: String,
    pub(super) toward: Toward,
    /// By how much it may be worse: `0.5 %`; empty in a comparison.
    pub(super) allowed: String,
    /// What led to the verdict; may be empty.
    pub(super) why: String,
    /// How the change differs from what the figures say; may be empty.
    pub(super) beside: String,
    /// What it is made of, a clause each.
    pub(super) causes: Vec<String>,
    /// The change as it is drawn, and what is allowed; `None` where there is nothing to draw.
    pub(super) drawn: Option<(Delta, Option<f64>)>,
}

/// Which way a metric went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Toward {
    Worse,
    Better,
    /// Nowhere, as far as can be told.
    Same,
    /// There is nothing to compare.
    Unknown,
}

/// The least change of an exact number that is called one where nobody says what matters to them: a default policy's
/// tolerance.
pub(super) const VISIBLE: f64 = 0.005;

impl Row {
    pub(super) fn compared(row: &Compared, clock: Clock) -> Self {
        let (before, after) = figures(row, clock);
        let (change, ratio) = row.change.map(|change| changed(change, row.basis)).unwrap_or_default();
        Self {
            name: row.name.clone(),
            is_own: row.metric == Metric::of(row.cell.probe),
            before,
            after,
            change,
            ratio,
            toward: Toward::of(row),
            allowed: String::new(),
            why: reasons(row),
            beside: beside(row),
            causes: Vec::new(),
            drawn: row.change.map(|change| (change, None)),
        }
    }

    pub(super) fn judged(judged: &Judged, clock: Clock) -> Self {
        let row = Self::compared(&judged.compared, clock);
        Self {
            allowed: units::percent(judged.allowance),
            // Without the outcome, which stands before it already.
            why: match &row.after {
                TableCell::Absent(word) => {
                    judged.why.strip_prefix(&format!("{word}: ")).unwrap_or(&judged.why).to_owned()
                }
                TableCell::Text(_) | TableCell::Value { .. } => judged.why.clone(),
            },
            causes: told_once(&judged.causes, clock),
            drawn: row.drawn.map(|(change, _)| (change, Some(judged.allowance))),
            ..row
        }
    }

    /// Whether either run has no figure to compare.
    pub(super) fn lacks_a_figure(&self) -> bool {
        [&self.before, &self.after].into_iter().any(|cell| matches!(cell, TableCell::Absent(_)))
    }

    /// `12.3 → 13.8 M instr`.
    pub(super) fn span(&self) -> String {
        joined(&self.before.short(), " → ", &self.after.short())
    }

    /// How much it changed, by what that is told, and how much is allowed: `+12.2 %, 1.12× (1.08–1.17×); 10 % is allowed`.
    /// Empty where there is nothing to compare.
    pub(super) fn measure(&self) -> String {
        let measured = prose::joined([&self.change, &self.ratio], ", ");
        // The reason may have said it.
        match self.allowed.as_str() {
            "" => measured,
            allowed if measured.is_empty() || self.why.contains(allowed) => measured,
            allowed => format!("{measured}; {allowed} is allowed"),
        }
    }

    /// What led to the verdict, and what must be known of the figures; may be empty.
    pub(super) fn said(&self) -> String {
        prose::joined([&self.beside, &self.why], "; ")
    }

    /// All of it in a sentence or two, for whoever has a line only.
    pub(super) fn sentence(&self) -> String {
        let clauses = prose::joined([self.measure(), self.said()], "; ");
        let mut text = prose::joined([self.span(), clauses], ": ");
        if !self.causes.is_empty() {
            text.push_str(&format!(". Part of it: {}", self.causes.join("; ")));
        }
        text + "."
    }
}

impl Toward {
    pub(super) fn of(row: &Compared) -> Self {
        let Some(change) = row.change else { return Self::Unknown };
        let differs = match row.basis {
            Basis::Exact => (change.ratio - 1.0).abs() > VISIBLE,
            Basis::Timed | Basis::RatioToDirect | Basis::Processor => change.low > 1.0 || change.high < 1.0,
        };
        match (differs, (change.ratio > 1.0) == (row.metric.better() == Better::Higher)) {
            (false, _) => Self::Same,
            (true, true) => Self::Better,
            (true, false) => Self::Worse,
        }
    }

    /// `worse`, `better`; empty for what is neither.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Same | Self::Unknown => "",
        }
    }
}

/// What it was and what it is, in one unit.
fn figures(row: &Compared, clock: Clock) -> (TableCell, TableCell) {
    let unit = row.metric.unit();
    let median = |side: &Option<Side>| side.as_ref().and_then(|side| side.median);
    let written = match (median(&row.before), median(&row.after)) {
        (Some(before), Some(after)) => pair(row, clock, [before, after]).map(Some),
        (before, after) => [before, after].map(|median| median.map(|median| units::human(unit, clock, median))),
    };
    let [before, after] = written;
    (figure(before, row.before.as_ref(), row, clock), figure(after, row.after.as_ref(), row, clock))
}

/// Two figures of a row in one unit: of what is exact, with as many digits as tell them apart.
fn pair(row: &Compared, clock: Clock, values: [f64; 2]) -> [String; 2] {
    match row.basis {
        Basis::Exact => units::apart(row.metric.unit(), clock, values),
        Basis::Timed | Basis::RatioToDirect | Basis::Processor => units::together(row.metric.unit(), clock, values),
    }
}

fn figure(number: Option<String>, side: Option<&Side>, row: &Compared, clock: Clock) -> TableCell {
    let Some(side) = side else { return TableCell::Absent("not there") };
    let flag = if side.outcome == Outcome::Measured { "" } else { side.outcome.name() };
    let Some(number) = number else { return TableCell::Absent(if flag.is_empty() { "no samples" } else { flag }) };
    let range = |(low, high): (f64, f64)| {
        let [low, high] = pair(row, clock, [low, high]);
        joined(&low, " to ", &high)
    };
    let details = side.range.filter(|(low, high)| low < high).map(range);
    TableCell::Value { number, ratio: String::new(), flag, details: details.into_iter().collect() }
}

/// `+12.2 %`, and the ratio with its interval.
fn changed(change: Delta, basis: Basis) -> (String, String) {
    let Delta { ratio, low, high } = change;
    if ratio.is_infinite() {
        return ("from zero".to_owned(), String::new());
    }
    let percent = units::change(ratio - 1.0);
    let of = match basis {
        Basis::Exact => "",
        Basis::Timed => " by the fastest tenth",
        Basis::RatioToDirect => " beside direct",
        Basis::Processor => " by processor time",
    };
    let [low, middle, high] = [low, ratio, high].map(units::factor);
    let ratio = if low == high {
        middle
    } else {
        format!("{middle} ({}–{})", low.trim_end_matches('×'), high.trim_end_matches('×'))
    };
    (percent, ratio + of)
}

/// What a change of anything but the medians leaves unsaid: that these seem to say something else.
fn beside(row: &Compared) -> String {
    /// By how much the two have to differ, as a share, to be worth a word.
    const NOTABLE: f64 = 0.05;
    let medians = || row.before.as_ref()?.median.zip(row.after.as_ref()?.median);
    let (Some(change), Some((before, after))) = (row.change, medians()) else { return String::new() };
    let itself = after / before;
    match itself / change.ratio {
        apart if row.basis == Basis::Exact || !apart.is_finite() || (apart - 1.0).abs() < NOTABLE => String::new(),
        _ if before == after => "its median is what it was".to_owned(),
        _ => format!("its median changed by {}", units::change(itself - 1.0)),
    }
}

/// Why it was not measured, or not as often as planned, in either run.
fn reasons(row: &Compared) -> String {
    let reason = |side: &Option<Side>| side.as_ref().map(|side| side.reason.clone()).unwrap_or_default();
    match (reason(&row.before), reason(&row.after)) {
        (before, after) if before.is_empty() || before == after => after,
        (before, after) if after.is_empty() => format!("before: {before}"),
        (before, after) => format!("before: {before}; after: {after}"),
    }
}

/// Each cause in a clause; of several loads that changed alike, one.
fn told_once(causes: &[Cause], clock: Clock) -> Vec<String> {
    let mut clauses: Vec<String> = Vec::new();
    for clause in causes.iter().map(|cause| told(cause, clock)) {
        if !clauses.contains(&clause) {
            clauses.push(clause);
        }
    }
    clauses
}

/// `tool_system, in the kernel: 4.00 → 5.10 M instr, 88 % of it`.
fn told(cause: &Cause, clock: Clock) -> String {
    let Cause { metric, before, after, share } = *cause;
    let [was, is] = units::apart(metric.unit(), clock, [before, after]);
    let share = match share {
        None => String::new(),
        // Something else became less meanwhile.
        Some(share) if share > 1.005 => ", more than all of it".to_owned(),
        Some(share) => format!(", {:.0} % of it", 100.0 * share),
    };
    format!("{metric}{}: {}{share}", place(metric), joined(&was, " → ", &is))
}

/// Two figures, with their unit once where it is the same: `12.3 → 13.8 M instr`.
fn joined(one: &str, link: &str, other: &str) -> String {
    match (one.split_once(' '), other.split_once(' ')) {
        _ if one == other => other.to_owned(),
        (Some((number, unit)), Some((_, same))) if unit == same => format!("{number}{link}{other}"),
        _ => format!("{one}{link}{other}"),
    }
}

/// Where that is spent, for names that do not say so.
fn place(metric: Metric) -> &'static str {
    match metric {
        Metric::ToolUser => ", the tool itself",
        Metric::ToolSystem => ", the kernel for the tool",
        Metric::ToolExec => ", process start",
        Metric::SyncVirtualServers => ", virtual servers",
        Metric::SyncAddresses => ", cluster IPs",
        Metric::SyncSets => ", ipsets",
        Metric::SyncRules => ", iptables",
        Metric::SyncRead => ", reads",
        Metric::SyncWrite => ", writes",
        Metric::SyncConntrack => ", conntrack",
        _ => "",
    }
}

/// Whether all of `rows` that went anywhere went the same way, so that it need not be said of each.
pub(super) fn alike(rows: &[Row]) -> bool {
    let mut ways = rows.iter().map(|row| row.toward.word()).filter(|word| !word.is_empty());
    let first = ways.next();
    ways.all(|way| Some(way) == first)
}

/// A row in a clause: `nftables at 100 Services, sync_full +12.2 %`.
pub(super) fn brief(judged: &Judged, clock: Clock) -> String {
    let row = Row::judged(judged, clock);
    format!("{} {}", row.name, row.change)
}
