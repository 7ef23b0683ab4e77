//! Every sample of a cost at one size, in the order in which they were taken: what a median hides, and how the machine
//! drifted. Drawn as SVG, and given as numbers to a script that can zoom.

use super::axis::Kind;
use super::drawing::{escape, swatch};
use super::line::Line;
use super::mark;
use crate::prose::services_of;
use crate::report::{Chart, Zoom};
use crate::results::Results;
use crate::results::clock;
use crate::results::variant::VariantRun;
use lab_core::metric::Metric;
use lab_core::units::{self, Scale};
use lab_core::vocabulary::{BackendName, Position, ProbeName};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use serde::Serialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::ops::Range;

const DRAWN: [(ProbeName, Option<Position>, &str); 2] = [
    (ProbeName::Connect, Some(Position::Last), "Every new connection to the last of"),
    (ProbeName::SyncChange, None, "Every change to"),
];

/// With fewer samples a line there is nothing that its interval does not show.
const FEWEST: usize = 20;

/// Of more samples a line, the least and the most of each stretch are drawn.
const MOST: usize = 800;

const WIDE: u32 = 900;
const HIGH: u32 = 340;
const LEFT: i32 = 62;
const RIGHT: i32 = 884;
const TOP: i32 = 12;
const BOTTOM: i32 = 296;

struct Sampled {
    name: String,
    backend: BackendName,
    place: usize,
    /// When, in rounds from 1, and what.
    points: Vec<(f64, f64)>,
    /// How many there are, drawn or not.
    all: usize,
}

pub(super) fn charts(results: &Results) -> Vec<Chart> {
    DRAWN.into_iter().filter_map(|(probe, position, title)| chart(results, probe, position, title)).collect()
}

fn chart(results: &Results, probe: ProbeName, position: Option<Position>, title: &str) -> Option<Chart> {
    let metric = Metric::of(probe);
    let (services, lines) = results.sizes().into_iter().rev().find_map(|services| {
        let lines = sampled(results, probe, position, services);
        // A line of few samples beside others of many would say that it has few, and nothing else.
        let many = lines.iter().filter(|line| line.all >= FEWEST).count();
        (many > 0 && 2 * many >= lines.len()).then_some((services, lines))
    })?;
    let values = || lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value);
    let scale = Scale::fit(metric.unit(), results.clock(), values());
    let unit = format!("{metric}{}", clock::unit(metric, results.clock(), "", &scale).trim_end());
    let title = clock::label(results.clock(), &format!("{title} {}", services_of(&[services])));
    let svg = draw(&lines, &scale, results.pass(), &format!("{title}, {unit}")).ok()?;
    let all: usize = lines.iter().map(|line| line.all).sum();
    let drawn: usize = lines.iter().map(|line| line.points.len()).sum();
    let about = match drawn < all {
        true => format!(
            "{} of {} samples: of each stretch the least and the most.",
            units::count(drawn as u64),
            units::count(all as u64)
        ),
        false => format!("{}, in the order in which they were taken.", units::counted(all as u64, "sample")),
    };
    let key = lines.iter().filter_map(|line| Some((line.name.clone(), line.swatch().ok()?))).collect();
    let zoom = Some(zoom(&lines, &scale, results.pass()));
    let place = position.map_or(String::new(), |position| format!("-{position}"));
    let name = format!("samples-{metric}{place}");
    Some(Chart { name, title, unit, about, svg, key, table: metric.to_string(), zoom })
}

/// Every variant's samples at `services`; of those that have any.
fn sampled(results: &Results, probe: ProbeName, position: Option<Position>, services: u32) -> Vec<Sampled> {
    let mut lines: Vec<Sampled> = Vec::new();
    for variant in results.variants(probe) {
        let samples = samples(results, variant, probe, position, services).unwrap_or_default();
        if samples.is_empty() {
            continue;
        }
        let place = lines.iter().filter(|line| line.backend == variant.backend).count();
        let (name, backend, all) = (results.name(variant, probe), variant.backend, samples.len());
        lines.push(Sampled { name, backend, place, points: thinned(samples), all });
    }
    lines
}

/// The samples of one cell, each with when it was taken; `None` where it was not asked.
fn samples(
    results: &Results,
    variant: VariantRun,
    probe: ProbeName,
    position: Option<Position>,
    services: u32,
) -> Option<Vec<(f64, f64)>> {
    let cell = results.place(variant, services, None, probe, position)?.cell;
    let mut passes: BTreeMap<(u32, u32), Vec<f64>> = BTreeMap::new();
    for record in &results.runs.datasets()[variant.run].cells {
        if record.metric == Metric::of(probe) && record.cell == cell {
            let positive = record.samples.iter().copied().filter(|sample| sample.is_finite() && *sample > 0.0);
            passes.entry((record.replica, record.round)).or_default().extend(positive);
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "a place on an axis")]
    let placed = |(pass, samples): (usize, Vec<f64>)| {
        let all = samples.len() as f64;
        let at = move |(index, value)| ((pass + 1) as f64 + index as f64 / all, value);
        samples.into_iter().enumerate().map(at).collect::<Vec<_>>()
    };
    Some(passes.into_values().enumerate().flat_map(placed).collect())
}

/// `samples`, or the least and the most of each stretch of them.
fn thinned(samples: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if samples.len() <= MOST {
        return samples;
    }
    let stretch = samples.len().div_ceil(MOST / 2);
    let ends = |stretch: &[(f64, f64)]| {
        let by_value = |one: &&(f64, f64), other: &&(f64, f64)| one.1.total_cmp(&other.1);
        let least = stretch.iter().min_by(by_value).copied();
        let most = stretch.iter().max_by(by_value).copied().filter(|most| Some(*most) != least);
        let mut ends: Vec<(f64, f64)> = least.into_iter().chain(most).collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0));
        ends
    };
    samples.chunks(stretch).flat_map(ends).collect()
}

impl Sampled {
    fn colour(&self) -> String {
        let RGBColor(red, green, blue) = mark::colour(self.backend);
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// The corners of its marks: those of the other charts, smaller.
    fn shape(&self) -> Vec<(i32, i32)> {
        mark::shape(self.backend).iter().map(|(x, y)| (x / 2, y / 2)).collect()
    }

    fn swatch(&self) -> Result<String, Box<dyn Error>> {
        swatch(&Line::unmeasured(self.name.clone(), self.backend, self.place))
    }
}

/// The SVG: a small mark a sample.
fn draw(lines: &[Sampled], scale: &Scale, pass: &str, title: &str) -> Result<String, Box<dyn Error>> {
    let y = Kind::Logarithmic.extent(lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value), false);
    let end = lines.iter().flat_map(|line| &line.points).map(|(at, _)| at.floor() + 1.0).fold(2.0, f64::max);
    let mut svg = String::new();
    let mut dots = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDE, HIGH)).into_drawing_area();
        let coordinates = Cartesian2d::<plotters::coord::types::RangedCoordf64, _>::new(
            1.0..end,
            y.clone(),
            // Upwards: the least is below.
            (LEFT..RIGHT, Range { start: BOTTOM, end: TOP }),
        );
        let plot = area.apply_coord_spec::<Cartesian2d<_, plotters::coord::types::RangedCoordf64>>(coordinates);
        let font = || ("sans-serif", 13).into_font();
        for tick in Kind::Logarithmic.ticks(&y, scale.factor()) {
            let (_, at) = plot.map_coordinate(&(1.0, Kind::Logarithmic.place(tick)));
            area.draw(&PathElement::new(vec![(LEFT, at), (RIGHT, at)], BLACK.mix(0.16)))?;
            let style = TextStyle::from(font()).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(scale.tick(tick), (LEFT - 7, at), style))?;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of rounds")]
        let passes = end as u32 - 1;
        for number in 1..=passes {
            let (at, _) = plot.map_coordinate(&(number.into(), y.start));
            area.draw(&PathElement::new(vec![(at, TOP), (at, BOTTOM)], BLACK.mix(0.16)))?;
            if passes <= 20 || number % passes.div_ceil(20) == 0 {
                let style = TextStyle::from(font()).pos(Pos::new(HPos::Left, VPos::Top));
                area.draw(&Text::new(format!("{pass} {number}"), (at + 3, BOTTOM + 6), style))?;
            }
        }
        area.draw(&PathElement::new(vec![(LEFT, BOTTOM), (RIGHT, BOTTOM)], BLACK))?;
        for line in lines {
            write!(dots, "<path fill=\"{}\" d=\"", line.colour())?;
            let outline = outline(&line.shape());
            for (at, value) in &line.points {
                let (x, y) = plot.map_coordinate(&(*at, Kind::Logarithmic.place(*value)));
                write!(dots, "M{x} {y}{outline}")?;
            }
            dots.push_str("\"/>");
        }
        area.present()?;
    }
    let words: Vec<String> =
        lines.iter().map(|line| format!("{}: {}", line.name, units::counted(line.all as u64, "sample"))).collect();
    let open = format!("<svg role=\"img\" aria-label=\"{}. {}.\" ", escape(title), escape(&words.join(", ")));
    let svg = svg.replace("\"#000000\"", "\"currentColor\"").replacen("<svg ", &open, 1);
    Ok(svg.replacen("</svg>", &format!("{dots}</svg>"), 1))
}

/// A mark around the place where the pen is.
fn outline(corners: &[(i32, i32)]) -> String {
    let mut outline = String::new();
    let mut pen = (0, 0);
    for (place, &(x, y)) in corners.iter().enumerate() {
        let command = if place == 0 { 'm' } else { 'l' };
        let _ = write!(outline, "{command}{} {}", x - pen.0, y - pen.1);
        pen = (x, y);
    }
    outline + "z"
}

/// What the script is given: the same points, in the unit of the axis.
#[derive(Serialize)]
struct Numbers<'a> {
    pass: &'a str,
    unit: &'a str,
    lines: Vec<NumbersOfLine<'a>>,
}

#[derive(Serialize)]
struct NumbersOfLine<'a> {
    name: &'a str,
    colour: String,
    /// The corners of a sample's mark.
    shape: Vec<(i32, i32)>,
    at: Vec<f64>,
    value: Vec<f64>,
}

fn zoom(lines: &[Sampled], scale: &Scale, pass: &str) -> Zoom {
    let round = |value: f64, digits: i32| (value * 10_f64.powi(digits)).round() / 10_f64.powi(digits);
    let lines = lines.iter().map(|line| NumbersOfLine {
        name: &line.name,
        colour: line.colour(),
        shape: line.shape(),
        at: line.points.iter().map(|(at, _)| round(*at, 4)).collect(),
        value: line.points.iter().map(|(_, value)| round(value / scale.factor(), 4)).collect(),
    });
    let numbers = Numbers { pass, unit: scale.label(), lines: lines.collect() };
    let json = serde_json::to_string(&numbers).expect("numbers and names are JSON");
    // Within a script element, only its end is not text.
    Zoom { json: json.replace('<', "\\u003c") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_samples_the_least_and_the_most_of_each_stretch_are_kept() {
        let few: Vec<(f64, f64)> = (0..10).map(|index| (f64::from(index), 1.0)).collect();
        assert_eq!(thinned(few.clone()), few);
        let mut many: Vec<(f64, f64)> = (0..100_000).map(|index| (f64::from(index), 100.0)).collect();
        many[54_321].1 = 9_999.0;
        many[77_777].1 = 0.5;
        let thin = thinned(many.clone());
        assert!(thin.len() <= MOST, "{}", thin.len());
        assert!(thin.contains(&many[54_321]) && thin.contains(&many[77_777]));
        assert!(thin.is_sorted_by(|one, next| one.0 < next.0));
    }
}
