//! A row a cell and metric, for other programs: the columns of CSV, which are the keys of rows in JSON, too.

use crate::formats::csv;
use crate::table::{Column, of_cell};
use analysis::gate::{Basis, Compared, Comparison, Delta, Judged, Judgement, Side};
use lab_core::vocabulary::{Clock, Word};

/// A row, with its verdict if it was judged.
pub(super) struct Line<'a> {
    clock: Clock,
    pub(super) row: &'a Compared,
    pub(super) judged: Option<&'a Judged>,
    /// Of a regression, what it is made of, in words.
    causes: String,
}

impl<'a> Line<'a> {
    pub(super) fn compared(comparison: &'a Comparison) -> impl Iterator<Item = Self> {
        let clock = comparison.clock;
        comparison.rows.iter().map(move |row| Self { clock, row, judged: None, causes: String::new() })
    }

    pub(super) fn judged(judgement: &'a Judgement) -> impl Iterator<Item = Self> {
        let clock = judgement.comparison.clock;
        judgement.judged.iter().map(move |judged| {
            let cause = |cause: &analysis::gate::Cause| match cause.share {
                Some(share) => format!("{} {} {} {share:.3}", cause.metric, cause.before, cause.after),
                None => format!("{} {} {}", cause.metric, cause.before, cause.after),
            };
            let causes = judged.causes.iter().map(cause).collect::<Vec<_>>().join("; ");
            Self { clock, row: &judged.compared, judged: Some(judged), causes }
        })
    }

    fn before(&self) -> Option<&Side> {
        self.row.before.as_ref()
    }

    fn after(&self) -> Option<&Side> {
        self.row.after.as_ref()
    }

    fn change(&self) -> Option<Delta> {
        self.row.change
    }
}

/// A line a cell and metric, in base units; its columns are in reports/FORMATS.md.
#[must_use]
pub fn compared(comparison: &Comparison) -> String {
    csv::render(&columns(), Line::compared(comparison))
}

/// The same, with verdicts.
#[must_use]
pub fn judged(judgement: &Judgement) -> String {
    let mut columns = judged_columns();
    columns
        .push(Column::maybe_text("causes", |line: &Line| Some(line.causes.as_str()).filter(|text| !text.is_empty())));
    csv::render(&columns, Line::judged(judgement))
}

/// Of a comparison.
pub(super) fn columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = vec![Column::text("name", |line: &Line| &line.row.name)];
    columns.extend(of_cell(|line: &Line| &line.row.cell));
    columns.extend([
        Column::text("metric", |line: &Line| line.row.metric.name()),
        Column::text("unit", |line| line.row.metric.unit().name()),
        Column::text("clock", |line| line.clock.name()),
        Column::text("basis", |line| basis(line.row.basis)),
        Column::maybe_number("ratio", |line| line.change().map(|change| change.ratio)),
        Column::maybe_number("ratio_low", |line| line.change().map(|change| change.low)),
        Column::maybe_number("ratio_high", |line| line.change().map(|change| change.high)),
        Column::maybe_text("outcome_before", |line| line.before().map(|side| side.outcome.name())),
        Column::maybe_whole("n_before", |line| line.before().map(samples)),
        Column::maybe_number("before", |line| line.before()?.median),
        Column::maybe_number("before_low", |line| line.before()?.range.map(|(low, _)| low)),
        Column::maybe_number("before_high", |line| line.before()?.range.map(|(_, high)| high)),
        Column::maybe_text("reason_before", |line| line.before().and_then(reason)),
        Column::maybe_text("outcome_after", |line| line.after().map(|side| side.outcome.name())),
        Column::maybe_whole("n_after", |line| line.after().map(samples)),
        Column::maybe_number("after", |line| line.after()?.median),
        Column::maybe_number("after_low", |line| line.after()?.range.map(|(low, _)| low)),
        Column::maybe_number("after_high", |line| line.after()?.range.map(|(_, high)| high)),
        Column::maybe_text("reason_after", |line| line.after().and_then(reason)),
    ]);
    columns
}

/// Of a judgement, but for what regressions are made of.
pub(super) fn judged_columns<'a>() -> Vec<Column<Line<'a>>> {
    let mut columns = vec![
        Column::maybe_text("verdict", |line: &Line| line.judged.map(|judged| judged.verdict.name())),
        Column::maybe_text("gating", |line| line.judged.map(|judged| judged.gating.name())),
        Column::maybe_text("consequence", |line| line.judged.map(|judged| judged.consequence.name())),
        Column::maybe_number("allowance", |line| line.judged.map(|judged| judged.allowance)),
        Column::maybe_text("why", |line| line.judged.map(|judged| judged.why.as_str()).filter(|why| !why.is_empty())),
    ];
    columns.extend(self::columns());
    columns
}

/// What a change is a change of, in a word.
fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Exact => "exact",
        Basis::Timed => "timed",
        Basis::RatioToDirect => "ratio-to-direct",
        Basis::Processor => "processor",
    }
}

fn samples(side: &Side) -> u32 {
    u32::try_from(side.samples).unwrap_or(u32::MAX)
}

fn reason(side: &Side) -> Option<&str> {
    Some(side.reason.as_str()).filter(|reason| !reason.is_empty())
}
