//! A change drawn: a mark on an axis of ratios, its interval, and the stretch that is allowed.
//!
//! ```text
//!        ░░░┊░░░
//! ───────░░░┊░░░────├──●──┤───    beyond what is allowed
//! ```

use super::row::{Row, Toward};
use analysis::gate::Delta;
use std::fmt::Write;

const WIDTH: f64 = 150.0;
const HEIGHT: f64 = 18.0;
const MARGIN: f64 = 7.0;

/// How far an axis may reach, as ratios.
const REACHES: [f64; 6] = [1.1, 1.2, 1.5, 2.0, 3.0, 4.0];

/// The end of an axis that suits `rows`; its other end is one over it.
pub(super) fn axis<'a>(rows: impl Iterator<Item = &'a Row>) -> f64 {
    let ends = rows.filter_map(|row| row.drawn).map(|(change, allowance)| {
        let Delta { ratio, low, high } = change;
        // An interval may be much wider than what is told apart by it.
        let far = [ratio, 1.0 / ratio, high.min(2.0), (1.0 / low).min(2.0), 1.0 + 2.0 * allowance.unwrap_or(0.0)];
        far.into_iter().filter(|end| end.is_finite()).fold(1.0, f64::max)
    });
    let end = ends.fold(1.0, f64::max);
    REACHES.into_iter().find(|reach| *reach >= end).unwrap_or(REACHES[REACHES.len() - 1])
}

/// A row's change as an SVG element; empty where there is none. What it shows stands beside it in words.
pub(super) fn draw(row: &Row, axis: f64) -> String {
    let Some((Delta { ratio, low, high }, allowance)) = row.drawn else { return String::new() };
    let place = |ratio: f64| {
        let share = if ratio > 0.0 { ratio.ln() / axis.ln() } else { -1.0 };
        WIDTH / 2.0 + (WIDTH / 2.0 - MARGIN) * share.clamp(-1.0, 1.0)
    };
    let middle = HEIGHT / 2.0;
    let class = match row.toward {
        Toward::Worse => "worse",
        Toward::Better => "better",
        Toward::Same | Toward::Unknown => "same",
    };
    let mut svg = format!("<svg class=\"mark {class}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" aria-hidden=\"true\">");
    let mut add = |element: std::fmt::Arguments| svg.write_fmt(element).expect("a string takes every write");
    if let Some(allowance) = allowance {
        let (left, right) = (place(1.0 / (1.0 + allowance)), place(1.0 + allowance));
        add(format_args!(
            "<rect class=\"allowed\" x=\"{left:.1}\" y=\"1\" width=\"{:.1}\" height=\"{}\"/>",
            right - left,
            HEIGHT - 2.0
        ));
    }
    let (left, right) = (MARGIN, WIDTH - MARGIN);
    add(format_args!("<path class=\"axis\" d=\"M{left} {middle}H{right}M{0} 2V{1}\"/>", WIDTH / 2.0, HEIGHT - 2.0));
    let (from, to) = (place(low), place(high));
    if low < high {
        add(format_args!("<path d=\"M{from:.1} {middle}H{to:.1}M{from:.1} 4v10M{to:.1} 4v10\"/>"));
    }
    let beyond = if (1.0 / axis..=axis).contains(&ratio) { "" } else { " class=\"beyond\"" };
    add(format_args!("<circle{beyond} cx=\"{:.1}\" cy=\"{middle}\" r=\"3\"/>", place(ratio)));
    svg + "</svg>"
}
