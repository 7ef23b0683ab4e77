//! A chart as a file of its own: with its title, the key to its lines, and colours for light and for dark surroundings.

use crate::report::Chart;
use crate::sections::chart::escape;
use std::fmt::Write;

/// The height of a line of text.
const LINE: usize = 20;
/// Between the picture's edge and what is in it.
const EDGE: usize = 12;
/// What a letter of the key takes, about.
const LETTER: usize = 7;
/// A swatch of the key, with the gap behind it.
const SWATCH: usize = 42;

/// Ink and paper, light and dark. A browser names the point that the mouse is over by its title; the page's own words for
/// it are left out.
const STYLE: &str = "text{font-family:system-ui,sans-serif}\
    .ink{color:#1f2328}.paper{fill:#fff}.point circle{fill:transparent;stroke:none}.point text{display:none}\
    @media(prefers-color-scheme:dark){.ink{color:#e6edf3}.paper{fill:#0d1117}}";

/// `chart` as an SVG file.
pub(crate) fn draw(chart: &Chart) -> String {
    let size = ["width", "height"].map(|side| length(&chart.svg, side));
    let (key, rows) = key(&chart.key, size[0]);
    let top = EDGE + 2 * LINE;
    let (wide, high) = (size[0] + 2 * EDGE, top + size[1] + rows * LINE + EDGE);
    let title = escape(&chart.title);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" viewBox=\"0 0 {wide} {high}\" class=\"ink\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n\
         <text x=\"{EDGE}\" y=\"{}\" font-size=\"15\" font-weight=\"600\" fill=\"currentColor\">{title}</text>\n\
         <text x=\"{EDGE}\" y=\"{}\" font-size=\"12\" fill=\"currentColor\">{}</text>\n",
        EDGE + 14,
        EDGE + 14 + LINE,
        escape(&chart.unit),
    );
    let drawing = chart.svg.replacen("<svg ", &format!("<svg x=\"{EDGE}\" y=\"{top}\" "), 1);
    let _ = write!(svg, "{drawing}\n<g transform=\"translate({EDGE} {})\">{key}</g>\n</svg>\n", top + size[1]);
    svg
}

/// How many pixels the drawing is long on that side.
fn length(svg: &str, side: &str) -> usize {
    let value = svg.split_once(&format!(" {side}=\"")).and_then(|(_, rest)| rest.split_once('"'));
    value.and_then(|(value, _)| value.parse().ok()).unwrap_or(0)
}

/// The key to the lines, in as many rows as it takes within `width`.
fn key(lines: &[(String, String)], width: usize) -> (String, usize) {
    let (mut key, mut rows, mut x) = (String::new(), 0, width);
    for (name, swatch) in lines {
        let wide = SWATCH + name.chars().count() * LETTER + EDGE;
        if x + wide > width {
            (rows, x) = (rows + 1, 0);
        }
        let y = (rows - 1) * LINE;
        let swatch = swatch.replacen("<svg ", &format!("<svg x=\"{x}\" y=\"{y}\" "), 1);
        let _ = write!(
            key,
            "{swatch}<text x=\"{}\" y=\"{}\" font-size=\"13\" fill=\"currentColor\">{}</text>",
            x + SWATCH,
            y + 12,
            escape(name)
        );
        x += wide;
    }
    (key, rows)
}
