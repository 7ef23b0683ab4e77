//! `summary.csv`: the dataset with its rounds aggregated, for other programs.

use lab_core::dataset::Dataset;
use lab_core::summary::{Figures, summarise};
use lab_core::vocabulary::Word;

/// The columns, in order.
pub(crate) const COLUMNS: [&str; 25] = [
    "scenario",
    "target",
    "backend",
    "layout",
    "scheduler",
    "forwarding",
    "way",
    "services",
    "endpoints",
    "position",
    "probe",
    "outcome",
    "reason",
    "metric",
    "unit",
    "n",
    "min",
    "p50",
    "p90",
    "p99",
    "max",
    "mad",
    "ci_low",
    "ci_high",
    "ratio_to_direct",
];

/// The summary of `dataset` as CSV. What there is no figure for is empty.
pub(crate) fn render(dataset: &Dataset) -> String {
    let plan = &dataset.header.plan;
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let written = "a row of the same length, written to memory";
    writer.write_record(COLUMNS).expect(written);
    for row in summarise(dataset) {
        let mut fields = vec![
            plan.scenario.clone(),
            plan.target.to_string(),
            row.backend.to_string(),
            row.layout,
            row.scheduler.map_or("", Word::name).to_owned(),
            row.forwarding.map_or("", Word::name).to_owned(),
            row.way.to_string(),
            row.services.to_string(),
            row.endpoints.to_string(),
            row.position.map_or("", Word::name).to_owned(),
            row.probe.to_string(),
            row.outcome.to_string(),
            row.reason,
            row.metric.to_string(),
            row.metric.unit().to_string(),
        ];
        fields.extend(figures(row.figures.as_ref()));
        writer.write_record(fields).expect(written);
    }
    let bytes = writer.into_inner().expect("memory takes every write");
    String::from_utf8(bytes).expect("made of strings")
}

/// The ten columns from `n` on.
fn figures(figures: Option<&Figures>) -> [String; 10] {
    let Some(figures) = figures else { return [const { String::new() }; 10] };
    let Figures { n, min, p50, p90, p99, max, mad, interval, ratio_to_direct, .. } = *figures;
    let (low, high) = interval.unzip();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        n.to_string(),
        number(Some(min)),
        number(Some(p50)),
        number(Some(p90)),
        number(Some(p99)),
        number(Some(max)),
        number(Some(mad)),
        number(low),
        number(high),
        number(ratio_to_direct),
    ]
}
