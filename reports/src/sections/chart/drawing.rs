//! One panel as SVG: axes, lines, intervals, markers, labels, and what is said of a point that is pointed at.
//!
//! Whatever is no line of the chart takes the colour of the page's text, so that it is ink on paper, too.

use super::axis::Kind;
use super::label;
use super::line::Line;
use super::mark::{colour, dash, shape};
use lab_core::units::{self, Scale};
use lab_core::vocabulary::Word;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::fmt::Write;

/// The size of a panel, in pixels before it is scaled to the page.
const WIDE: u32 = 440;
const HIGH: u32 = 300;

/// The edges of the plot within it.
const LEFT: u32 = 54;
const TOP: u32 = 32;
const BOTTOM: u32 = 44;

/// The size of letters.
const FONT: u32 = 13;

/// Left free at the right where nothing is written there.
const RIGHT: u32 = 16;

/// The longest name that is written at the end of a line.
const LONGEST: usize = 18;

/// What a letter takes, about.
const LETTER: usize = 7;

/// The plot, from its upper edge to its lower.
const HEIGHT: std::ops::Range<i32> = TOP as i32..(HIGH - BOTTOM) as i32;

/// Between two labels.
const APART: i32 = 15;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plot<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), Box<dyn Error>>;

pub(super) struct Panel<'a> {
    pub(super) lines: &'a [Line],
    /// The lines of all panels on the same scale.
    pub(super) shared: &'a [&'a Line],
    pub(super) kind: Kind,
    pub(super) scale: Scale,
    pub(super) title: String,
}

impl Panel<'_> {
    /// The SVG element.
    pub(super) fn draw(&self) -> Result<String, Box<dyn Error>> {
        let mut svg = String::new();
        let mut targets = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (WIDE, HIGH)).into_drawing_area();
            let plot = self.plot(&area);
            self.draw_axes(&area, &plot)?;
            for line in self.lines {
                draw_line(&plot, self.kind, line)?;
            }
            self.draw_lost(&plot)?;
            if self.is_labelled() {
                self.draw_labels(&area, &plot)?;
            }
            for line in self.lines {
                self.point_out(&plot, line, &mut targets)?;
            }
            area.present()?;
        }
        let open = format!("<svg role=\"img\" aria-label=\"{}\" ", escape(&self.words()));
        let svg = svg.replace("\"#000000\"", "\"currentColor\"").replacen("<svg ", &open, 1);
        Ok(svg.replacen("</svg>", &format!("{targets}</svg>"), 1))
    }

    /// What the lines are called and how they look, where there is no room for that at their ends.
    pub(super) fn key(&self) -> Vec<(String, String)> {
        if self.is_labelled() {
            return Vec::new();
        }
        self.lines.iter().filter_map(|line| Some((line.name.clone(), swatch(line).ok()?))).collect()
    }

    /// What it shows, for those who do not see it.
    fn words(&self) -> String {
        let of = |line: &Line| {
            let ends = match line.points.as_slice() {
                [] => Vec::new(),
                [only] => vec![only.words.as_str()],
                [first, .., last] => vec![first.words.as_str(), last.words.as_str()],
            };
            let lost = line
                .lost
                .iter()
                .map(|lost| format!("{} at {}", lost.outcome.name(), units::count(lost.services.into())));
            let all: Vec<String> = ends.into_iter().map(str::to_owned).chain(lost).collect();
            format!("{}, {}", line.name, all.join("; "))
        };
        format!("{}. {}.", self.title, self.lines.iter().map(of).collect::<Vec<_>>().join(". "))
    }

    fn is_labelled(&self) -> bool {
        self.lines.iter().all(|line| line.name.chars().count() <= LONGEST)
    }

    fn has_lost(&self) -> bool {
        self.shared.iter().any(|line| !line.lost.is_empty())
    }

    /// The width that is left for labels.
    #[allow(clippy::cast_possible_truncation, reason = "names that are written are short")]
    fn right(&self) -> u32 {
        let longest = self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        if self.is_labelled() { (longest * LETTER) as u32 + RIGHT + 16 } else { RIGHT }
    }

    fn plot<'a>(&self, area: &Area<'a>) -> Plot<'a> {
        let sizes = self.shared.iter().flat_map(|line| {
            line.points.iter().map(|point| point.services).chain(line.lost.iter().map(|lost| lost.services))
        });
        let x = Kind::Logarithmic.extent(sizes.map(f64::from), false);
        let ends = self.shared.iter().flat_map(|line| &line.points).flat_map(|point| {
            let (low, high) = point.spread.unwrap_or((point.median, point.median));
            [if low > 0.0 { low } else { point.median }, point.median, high]
        });
        let y = self.kind.extent(ends, self.has_lost());
        let coordinates = Cartesian2d::<RangedCoordf64, RangedCoordf64>::new(
            x,
            y,
            (to_i32(LEFT)..to_i32(WIDE - self.right()), to_i32(HIGH - BOTTOM)..to_i32(TOP)),
        );
        area.apply_coord_spec(coordinates)
    }

    fn draw_axes(&self, area: &Area, plot: &Plot) -> Drawn {
        let (x, y) = (plot.get_x_axis_pixel_range(), HEIGHT);
        let font = ("sans-serif", FONT).into_font();
        let grid = BLACK.mix(0.16);
        for tick in self.kind.ticks(&plot.get_y_range(), self.scale.factor()) {
            let (_, at) = plot.map_coordinate(&(0.0, self.kind.place(tick)));
            area.draw(&PathElement::new(vec![(x.start, at), (x.end, at)], grid))?;
            let style = TextStyle::from(font.clone()).pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(self.scale.tick(tick), (x.start - 7, at), style))?;
        }
        let mut written: Vec<i32> = Vec::new();
        let mut sizes: Vec<u32> =
            self.shared.iter().flat_map(|line| line.points.iter().map(|point| point.services)).collect();
        sizes.extend(self.shared.iter().flat_map(|line| line.lost.iter().map(|lost| lost.services)));
        sizes.sort_unstable();
        sizes.dedup();
        // From the largest, which matters most; what has no room is not written.
        for services in sizes.into_iter().rev() {
            let (at, _) = plot.map_coordinate(&(Kind::Logarithmic.place(services.into()), 0.0));
            area.draw(&PathElement::new(vec![(at, y.end), (at, y.end + 4)], BLACK))?;
            if written.iter().all(|other| (other - at).abs() >= 38) {
                written.push(at);
                let style = TextStyle::from(font.clone()).pos(Pos::new(HPos::Center, VPos::Top));
                area.draw(&Text::new(units::count(services.into()), (at, y.end + 8), style))?;
            }
        }
        area.draw(&PathElement::new(vec![(x.start, y.end), (x.end, y.end)], BLACK))?;
        let middle = TextStyle::from(font).pos(Pos::new(HPos::Center, VPos::Top));
        area.draw(&Text::new("Services", (i32::midpoint(x.start, x.end), y.end + 24), middle))?;
        Ok(())
    }

    /// The places at the upper edge where a line is lost, those of one size beside each other.
    fn lost_places(&self, plot: &Plot) -> Vec<(&Line, i32, i32)> {
        let top = HEIGHT.start + 7;
        let mut taken: Vec<u32> = Vec::new();
        let mut places = Vec::new();
        for line in self.lines {
            for lost in &line.lost {
                let before = taken.iter().filter(|services| **services == lost.services).count();
                taken.push(lost.services);
                let (x, _) = plot.map_coordinate(&(Kind::Logarithmic.place(lost.services.into()), 0.0));
                places.push((line, x - 14 * i32::try_from(before).unwrap_or(0), top));
            }
        }
        places
    }

    fn draw_lost(&self, plot: &Plot) -> Drawn {
        let area = plot.strip_coord_spec();
        for (line, x, y) in self.lost_places(plot) {
            let colour = colour(line.backend);
            if let Some(last) = line.points.last() {
                let from = plot.map_coordinate(&place(self.kind, last.services, last.median));
                for dash in dashes(&[from, (x, y)], (2, 4)) {
                    area.draw(&PathElement::new(dash, colour.mix(0.8).stroke_width(1)))?;
                }
            }
            for cross in [[(-5, -5), (5, 5)], [(-5, 5), (5, -5)]] {
                let ends = cross.map(|(dx, dy)| (x + dx, y + dy));
                area.draw(&PathElement::new(ends.to_vec(), colour.stroke_width(3)))?;
            }
        }
        Ok(())
    }

    /// Each line's name beside its last point, with its marker.
    fn draw_labels(&self, area: &Area, plot: &Plot) -> Drawn {
        let (x, y) = (plot.get_x_axis_pixel_range(), HEIGHT);
        let lost = self.lost_places(plot);
        let ends: Vec<(i32, i32)> = self
            .lines
            .iter()
            .map(|line| {
                let gone = lost.iter().rfind(|(other, ..)| std::ptr::eq(*other, line)).map(|(_, x, y)| (*x, *y));
                let last =
                    line.points.last().map(|last| plot.map_coordinate(&place(self.kind, last.services, last.median)));
                gone.or(last).unwrap_or((x.end, y.start))
            })
            .collect();
        let wanted: Vec<i32> = ends.iter().map(|(_, y)| *y).collect();
        let placed = label::spread(&wanted, APART, y.start + 4, y.end - 4);
        for ((line, &end), &at) in self.lines.iter().zip(&ends).zip(&placed) {
            let marker = x.end + 14;
            area.draw(&PathElement::new(vec![(end.0 + 8, end.1), (marker - 7, at)], BLACK.mix(0.35)))?;
            draw_marker(area, line, (marker, at))?;
            let style = TextStyle::from(("sans-serif", FONT).into_font()).pos(Pos::new(HPos::Left, VPos::Center));
            area.draw(&Text::new(line.name.as_str(), (marker + 9, at), style))?;
        }
        Ok(())
    }

    /// What is said of each point when it is pointed at, tapped, or read out.
    fn point_out(&self, plot: &Plot, line: &Line, targets: &mut String) -> Drawn {
        let middle = i32::midpoint(to_i32(LEFT), to_i32(WIDE));
        let mut add = |(x, y): (i32, i32), words: &str| {
            let (name, words) = (escape(&line.name), escape(words));
            write!(
                targets,
                "<g class=\"point\" tabindex=\"-1\"><title>{name}, {words}</title><circle cx=\"{x}\" cy=\"{y}\" r=\"12\"/>\
                 <text x=\"{middle}\" y=\"12\"><tspan class=\"of\">{name}</tspan><tspan x=\"{middle}\" dy=\"14\">{words}</tspan></text></g>"
            )
        };
        for point in &line.points {
            add(plot.map_coordinate(&place(self.kind, point.services, point.median)), &point.words)?;
        }
        let places = self.lost_places(plot);
        let places = places.into_iter().filter(|(other, ..)| std::ptr::eq(*other, line));
        for ((_, x, y), lost) in places.zip(&line.lost) {
            add((x, y), &format!("{}: {}", units::counted(lost.services.into(), "Service"), lost.outcome.name()))?;
        }
        Ok(())
    }
}

/// Where a median lies.
fn place(kind: Kind, services: u32, median: f64) -> (f64, f64) {
    (Kind::Logarithmic.place(services.into()), kind.place(median))
}

fn draw_line(plot: &Plot, kind: Kind, line: &Line) -> Drawn {
    let area = plot.strip_coord_spec();
    let colour = colour(line.backend);
    let at = |services, value| plot.map_coordinate(&place(kind, services, value));
    let path: Vec<(i32, i32)> = line.points.iter().map(|point| at(point.services, point.median)).collect();
    let parts = match dash(line.place) {
        None => vec![path.clone()],
        Some(lengths) => dashes(&path, lengths),
    };
    for part in parts {
        area.draw(&PathElement::new(part, colour.stroke_width(2)))?;
    }
    let bottom = HEIGHT.end;
    for point in &line.points {
        let Some((low, high)) = point.spread else { continue };
        let (x, top) = at(point.services, high);
        let end = if low > 0.0 || kind == Kind::FromZero { at(point.services, low).1 } else { bottom };
        for ends in [[(x, top), (x, end)], [(x - 3, top), (x + 3, top)], [(x - 3, end), (x + 3, end)]] {
            area.draw(&PathElement::new(ends.to_vec(), colour.stroke_width(1)))?;
        }
    }
    for at in path {
        draw_marker(&area, line, at)?;
    }
    Ok(())
}

/// A line's marker; that of a backend's other lines is hollow.
fn draw_marker(area: &Area, line: &Line, at: (i32, i32)) -> Drawn {
    let mut corners: Vec<(i32, i32)> = shape(line.backend).iter().map(|(x, y)| (at.0 + x, at.1 + y)).collect();
    if line.place == 0 {
        area.draw(&Polygon::new(corners, colour(line.backend).filled()))?;
    } else {
        corners.extend(corners.first().copied());
        area.draw(&PathElement::new(corners, colour(line.backend).stroke_width(2)))?;
    }
    Ok(())
}

/// How a line looks, small.
pub(super) fn swatch(line: &Line) -> Result<String, Box<dyn Error>> {
    const SMALL: (u32, u32) = (36, 14);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SMALL).into_drawing_area();
        let path = [(0, 7), (36, 7)];
        for part in dash(line.place).map_or_else(|| vec![path.to_vec()], |lengths| dashes(&path, lengths)) {
            area.draw(&PathElement::new(part, colour(line.backend).stroke_width(2)))?;
        }
        draw_marker(&area, line, (18, 7))?;
        area.present()?;
    }
    Ok(svg.replacen("<svg ", "<svg aria-hidden=\"true\" ", 1))
}

/// The dashes of a way through `path`: their lengths, and the gaps'.
fn dashes(path: &[(i32, i32)], (line, gap): (i32, i32)) -> Vec<Vec<(i32, i32)>> {
    let (line, gap) = (f64::from(line), f64::from(gap));
    let mut parts: Vec<Vec<(i32, i32)>> = Vec::new();
    // How far the way has come since the last dash began.
    let mut along = 0.0;
    let mut part: Vec<(i32, i32)> = Vec::new();
    for ends in path.windows(2) {
        let [from, to] = [ends[0], ends[1]].map(|(x, y)| (f64::from(x), f64::from(y)));
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut done = 0.0;
        while done < length {
            let in_dash = along < line;
            let step = (if in_dash { line - along } else { line + gap - along }).min(length - done);
            #[allow(clippy::cast_possible_truncation, reason = "pixels")]
            let at = |share: f64| {
                let pixel = |from: f64, to: f64| (from + (to - from) * share).round() as i32;
                (pixel(from.0, to.0), pixel(from.1, to.1))
            };
            if in_dash {
                if part.is_empty() {
                    part.push(at(done / length));
                }
                part.push(at((done + step) / length));
            }
            done += step;
            along += step;
            if in_dash && along >= line {
                parts.push(std::mem::take(&mut part));
            }
            if along >= line + gap {
                along = 0.0;
            }
        }
    }
    if part.len() > 1 {
        parts.push(part);
    }
    parts
}

fn to_i32(pixels: u32) -> i32 {
    i32::try_from(pixels).unwrap_or(i32::MAX)
}

/// `text` within an element or an attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
