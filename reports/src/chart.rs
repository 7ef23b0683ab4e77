//! Charts: a median against the number of Services, a line a backend, both axes logarithmic.

use crate::report::Chart;
use crate::results::{Found, Results};
use lab_core::metric::Metric;
use lab_core::plan::Cell;
use lab_core::units::{self, Scale};
use lab_core::vocabulary::{BackendName, Outcome, Position, ProbeName};
use plotters::prelude::*;
use std::error::Error;
use std::ops::Range;

/// What is drawn: the probe, where it asks, and the title.
const DRAWN: [(ProbeName, Option<Position>, &str); 3] = [
    (ProbeName::SyncChange, None, "sync_change against Services: one Service added to N"),
    (ProbeName::SyncFull, None, "sync_full against Services: an empty node to N"),
    (ProbeName::Connect, Some(Position::Last), "connect at the last Service against Services: SYN to established"),
];

/// The size of a chart, in pixels before it is scaled to the page.
const SIZE: (u32, u32) = (760, 420);

/// The charts that there are data for: at least two sizes of one backend.
pub(crate) fn charts(results: &Results) -> Vec<Chart> {
    let mut charts = Vec::new();
    for (probe, position, title) in DRAWN {
        let lines = lines(results, probe, position);
        if lines.iter().any(|(_, points)| points.len() > 1)
            && let Ok(svg) = draw(&lines, Metric::of(probe), title)
        {
            charts.push(Chart { title: title.to_owned(), svg });
        }
    }
    charts
}

type Line = (BackendName, Vec<(f64, f64)>);

/// The measured medians of each backend, by size. What is not positive has no place on a logarithmic axis.
fn lines(results: &Results, probe: ProbeName, position: Option<Position>) -> Vec<Line> {
    let Some(endpoints) = results.rows.iter().filter(|row| row.probe == probe).map(|row| row.endpoints).max() else {
        return Vec::new();
    };
    let line = |backend| {
        let point = |services: u32| {
            let cell = Cell { services, endpoints, backend, probe, position };
            let (Found::Own(row) | Found::SameService(row)) = results.find(cell, Metric::of(probe)) else {
                return None;
            };
            let median = row.figures.filter(|_| row.outcome == Outcome::Measured)?.p50;
            (median > 0.0 && services > 0).then_some((f64::from(services), median))
        };
        (backend, results.sizes().into_iter().filter_map(point).collect::<Vec<_>>())
    };
    results.backends().into_iter().map(line).filter(|(_, points)| !points.is_empty()).collect()
}

/// From the smallest to the largest of `values`, which are positive, with room for a marker.
fn extent(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    low / 1.4..high * 1.4
}

/// The powers of ten around `values`, so that the axis has at least two labels.
fn decades(values: impl Iterator<Item = f64>) -> Range<f64> {
    let Range { start, end } = extent(values);
    10_f64.powf(start.log10().floor())..10_f64.powf(end.log10().ceil())
}

/// The SVG of `lines`. Whatever is not a line of the chart takes the colour of the page's text.
fn draw(lines: &[Line], metric: Metric, title: &str) -> Result<String, Box<dyn Error>> {
    let points = || lines.iter().flat_map(|(_, points)| points.iter().copied());
    let scale = Scale::fit(metric.unit(), points().map(|(_, median)| median));
    let (wide, high) = (extent(points().map(|point| point.0)), decades(points().map(|point| point.1)));

    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(76)
            .build_cartesian_2d(wide.log_scale(), high.log_scale())?;
        chart
            .configure_mesh()
            .axis_style(BLACK)
            .bold_line_style(BLACK.mix(0.18))
            .light_line_style(BLACK.mix(0.06))
            .label_style(("sans-serif", 14))
            // Ten and more would be shared out within a decade.
            .x_labels(7)
            .y_labels(7)
            .x_desc("Services")
            .y_desc(format!("{metric}, median in {}", scale.label()))
            .x_label_formatter(&|services| units::human(lab_core::metric::Unit::Count, services.round()))
            .y_label_formatter(&|median| scale.number(*median))
            .draw()?;
        for (backend, points) in lines {
            let (colour, shape) = (colour(*backend), shape(*backend));
            chart
                .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
                .label(backend.to_string())
                .legend(move |at| EmptyElement::at(at) + Polygon::new(shape, colour.filled()));
            let marker = |point: &(f64, f64)| EmptyElement::at(*point) + Polygon::new(shape, colour.filled());
            chart.draw_series(points.iter().map(marker))?;
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .label_font(("sans-serif", 14))
            .draw()?;
        area.present()?;
    }
    let open = format!("<svg role=\"img\" aria-label=\"{title}\" ");
    Ok(svg.replace("\"#000000\"", "\"currentColor\"").replacen("<svg ", &open, 1))
}

/// A backend's colour: of middling lightness, to be told from paper and from black, also by the colour-blind.
fn colour(backend: BackendName) -> RGBColor {
    match backend {
        BackendName::Direct => RGBColor(128, 134, 140),
        BackendName::IptablesLegacy => RGBColor(213, 94, 0),
        BackendName::IptablesNft => RGBColor(204, 121, 167),
        BackendName::Nftables => RGBColor(34, 136, 211),
    }
}

/// The corners of a backend's marker: a shape of its own, for those whom colours do not tell apart,
/// and a size of its own, for markers that cover each other.
fn shape(backend: BackendName) -> &'static [(i32, i32)] {
    match backend {
        BackendName::Direct => &[(-5, -2), (-2, -5), (2, -5), (5, -2), (5, 2), (2, 5), (-2, 5), (-5, 2)],
        BackendName::IptablesLegacy => &[(0, -9), (8, 6), (-8, 6)],
        BackendName::IptablesNft => &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
        BackendName::Nftables => &[(0, -7), (7, 0), (0, 7), (-7, 0)],
    }
}
