//! The graph, drawn: a row for each step away from the client, an SVG picture without a script.

use super::graph::{Edge, Graph, Shape};
use std::fmt::Write;

const WIDTH: f64 = 250.0;
const HEIGHT: f64 = 46.0;
const GAP_X: f64 = 26.0;
const GAP_Y: f64 = 54.0;
const MARGIN: f64 = 16.0;
/// Characters of a label's line.
const LINE: usize = 34;
/// Lines of a label.
const LINES: usize = 2;

/// A graph as SVG.
pub(super) struct Chart {
    pub(super) svg: String,
    /// Its width, in pixels at full size.
    pub(super) width: f64,
}

/// Draws `graph`.
pub(super) fn draw(graph: &Graph) -> Chart {
    let rows = rows(graph);
    let mut places = vec![(0.0, 0.0); graph.nodes.len()];
    let widest = rows.iter().map(Vec::len).max().unwrap_or(0) as f64;
    let width = 2.0 * MARGIN + widest * WIDTH + (widest - 1.0).max(0.0) * GAP_X;
    let height = 2.0 * MARGIN + rows.len() as f64 * HEIGHT + (rows.len() as f64 - 1.0).max(0.0) * GAP_Y;
    for (number, row) in rows.iter().enumerate() {
        let taken = row.len() as f64 * WIDTH + (row.len() as f64 - 1.0) * GAP_X;
        let mut x = (width - taken) / 2.0;
        for &node in row {
            places[node] = (x, MARGIN + number as f64 * (HEIGHT + GAP_Y));
            x += WIDTH + GAP_X;
        }
    }
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"The chains that packets meet\" \
         xmlns=\"http://www.w3.org/2000/svg\"><defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" \
         markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" class=\"tip\"/></marker></defs>"
    );
    graph.edges.iter().for_each(|edge| arrow(edge, &places, &mut svg));
    for (node, &(x, y)) in graph.nodes.iter().zip(&places) {
        let class = match node.shape {
            Shape::Client => "client",
            Shape::Base => "base",
            Shape::Chain => "chain",
            Shape::Endpoint => "endpoint",
            Shape::End => "end",
        };
        let _ = write!(
            svg,
            "<g class=\"{class}\"><title>{}</title><rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>",
            escaped(&node.label)
        );
        let lines = lines(&node.label);
        let first = y + HEIGHT / 2.0 + 4.5 - (lines.len() as f64 - 1.0) * 8.0;
        for (number, line) in lines.iter().enumerate() {
            let (x, y) = (x + WIDTH / 2.0, first + number as f64 * 16.0);
            let _ = write!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(line));
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    Chart { svg, width }
}

/// The nodes in rows: each one row further than the first that leads to it.
fn rows(graph: &Graph) -> Vec<Vec<usize>> {
    let mut depth = vec![0_usize; graph.nodes.len()];
    // Nodes are in the order in which they are met, so that arrows that lead back are those to earlier ones.
    let mut forward: Vec<&Edge> = graph.edges.iter().filter(|edge| edge.from < edge.to).collect();
    forward.sort_by_key(|edge| edge.from);
    for edge in forward {
        depth[edge.to] = depth[edge.to].max(depth[edge.from] + 1);
    }
    let mut rows = vec![Vec::new(); depth.iter().max().map_or(0, |most| most + 1)];
    for (node, &row) in depth.iter().enumerate() {
        rows[row].push(node);
    }
    rows
}

fn arrow(edge: &Edge, places: &[(f64, f64)], svg: &mut String) {
    let ((x1, y1), (x2, y2)) = (places[edge.from], places[edge.to]);
    let is_back = y2 <= y1;
    let (x1, x2) = (x1 + WIDTH / 2.0, x2 + WIDTH / 2.0);
    let (y1, y2) = if is_back { (y1 + HEIGHT / 2.0, y2 + HEIGHT / 2.0) } else { (y1 + HEIGHT, y2) };
    let class = if is_back { "back" } else { "arrow" };
    let bend = if is_back { 0.0 } else { (y2 - y1).min(GAP_Y) / 2.0 };
    let _ = write!(
        svg,
        "<path class=\"{class}\" marker-end=\"url(#tip)\" d=\"M{x1:.1} {y1:.1}C{x1:.1} {:.1} {x2:.1} {:.1} {x2:.1} {y2:.1}\"/>",
        y1 + bend,
        y2 - bend
    );
    if !edge.label.is_empty() {
        let (x, y) = (x2 + (x1 - x2) * 0.25, y2 - 9.0 - if is_back { 12.0 } else { 0.0 });
        let _ = write!(svg, "<text class=\"label\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(&edge.label));
    }
}

/// A label in lines.
fn lines(label: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in label.split(' ') {
        let last = lines.last_mut().expect("there is one");
        if !last.is_empty() && last.chars().count() + word.chars().count() >= LINE {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    let is_cut = lines.len() > LINES;
    lines.truncate(LINES);
    for line in &mut lines {
        if line.chars().count() > LINE {
            *line = line.chars().take(LINE - 1).chain(['…']).collect();
        }
    }
    if let Some(last) = lines.last_mut().filter(|_| is_cut) {
        last.push('…');
    }
    lines
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
