//! Charts: a median against the number of Services, a line a variant of a backend, both axes logarithmic.

use crate::clock;
use crate::report::Chart;
use crate::results::{Found, Results};
use crate::variant::Variant;
use lab_core::metric::{Metric, Unit};
use lab_core::units::{self, Scale};
use lab_core::vocabulary::{BackendName, Clock, Outcome, Position, ProbeName};
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

/// The charts that there are data for: at least two sizes of one variant.
pub(crate) fn charts(results: &Results) -> Vec<Chart> {
    let mut charts = Vec::new();
    for (probe, position, title) in DRAWN {
        let lines = lines(results, probe, position);
        let title = clock::label(results.clock(), title);
        if lines.iter().any(|line| line.points.len() > 1)
            && let Ok(svg) = draw(&lines, Metric::of(probe), results.clock(), &title)
        {
            charts.push(Chart { title, svg });
        }
    }
    charts
}

/// A line: what it is called, how it looks, and its points.
struct Line {
    name: String,
    backend: BackendName,
    /// Its place among the variants of its backend.
    place: usize,
    points: Vec<(f64, f64)>,
}

/// The measured medians of each variant, by size. What is not positive has no place on a logarithmic axis.
fn lines(results: &Results, probe: ProbeName, position: Option<Position>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for variant in results.variants(probe) {
        let point = |services: u32| {
            let endpoints = results.endpoints(variant, probe)?;
            let found = results.find(variant.place(services, endpoints, probe, position), Metric::of(probe));
            let (Found::Own(row) | Found::SameService(row)) = found else { return None };
            let median = row.figures.filter(|_| row.outcome == Outcome::Measured)?.p50;
            (median > 0.0 && services > 0).then_some((f64::from(services), median))
        };
        let points: Vec<_> = results.sizes().into_iter().filter_map(point).collect();
        let Variant { backend, .. } = variant;
        let place = lines.iter().filter(|line| line.backend == backend).count();
        if !points.is_empty() {
            lines.push(Line { name: results.name(variant, probe), backend, place, points });
        }
    }
    lines
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
fn draw(lines: &[Line], metric: Metric, clock: Clock, title: &str) -> Result<String, Box<dyn Error>> {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let scale = Scale::fit(metric.unit(), clock, points().map(|(_, median)| median));
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
            .y_desc(format!("{metric}{}", clock::unit(metric, clock, "median", &scale)))
            .x_label_formatter(&|services| units::human(Unit::Count, clock, services.round()))
            .y_label_formatter(&|median| scale.number(*median))
            .draw()?;
        for Line { name, backend, place, points } in lines {
            let (colour, shape) = (colour(*backend, *place), shape(*backend, *place));
            let marker = move |at| EmptyElement::at(at) + Polygon::new(shape, colour.filled());
            chart
                .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?
                .label(name)
                .legend(marker);
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

/// A variant's colour: of middling lightness, to be told from paper and from black, also by the colour-blind. Variants of
/// one backend, whose markers are alike, take one after the other.
fn colour(backend: BackendName, place: usize) -> RGBColor {
    const OTHERS: [RGBColor; 4] =
        [RGBColor(120, 94, 240), RGBColor(180, 140, 0), RGBColor(190, 60, 90), RGBColor(70, 150, 160)];
    if let Some(place) = place.checked_sub(1) {
        return OTHERS[place % OTHERS.len()];
    }
    match backend {
        BackendName::Direct => RGBColor(128, 134, 140),
        BackendName::IptablesLegacy => RGBColor(213, 94, 0),
        BackendName::IptablesNft => RGBColor(204, 121, 167),
        BackendName::Ipvs => RGBColor(0, 158, 115),
        BackendName::Nftables => RGBColor(34, 136, 211),
    }
}

/// The corners of a backend's marker: a shape of its own, for those whom colours do not tell apart,
/// and a size of its own, for markers that cover each other.
fn shape(backend: BackendName, place: usize) -> &'static [(i32, i32)] {
    match backend {
        BackendName::Direct => &[(-5, -2), (-2, -5), (2, -5), (5, -2), (5, 2), (2, 5), (-2, 5), (-5, 2)],
        BackendName::IptablesLegacy => &[(0, -9), (8, 6), (-8, 6)],
        BackendName::IptablesNft => &[(-4, -4), (4, -4), (4, 4), (-4, 4)],
        BackendName::Ipvs if place > 0 => &[(0, 6), (5, -4), (-5, -4)],
        BackendName::Ipvs => &[(0, 9), (8, -6), (-8, -6)],
        BackendName::Nftables => &[(0, -7), (7, 0), (0, 7), (-7, 0)],
    }
}
