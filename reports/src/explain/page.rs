//! One HTML file that needs nothing else: no network, no script. The graph is enlarged without one, too.

use super::chart::{self, Chart};
use super::graph::Graph;
use crate::report::{Section, TableCell};
use askama::Template;
use lab_core::foreign::shown_lines;

/// How large the graph may be shown: what the page calls it, and the factor.
const ZOOMS: [(&str, u32); 4] = [("fit", 0), ("half", 50), ("full", 100), ("double", 200)];

#[derive(Template)]
#[template(path = "explain.html")]
struct Page<'a> {
    title: &'a str,
    sections: &'a [Section],
    chart: Option<Chart>,
}

impl Page<'_> {
    fn zooms(&self) -> Vec<(&'static str, String)> {
        let width = self.chart.as_ref().map_or(0.0, |chart| chart.width);
        let size = |factor: u32| match factor {
            0 => "100%".to_owned(),
            factor => format!("{:.0}px", width * f64::from(factor) / 100.0),
        };
        ZOOMS.into_iter().map(|(name, factor)| (name, size(factor))).collect()
    }
}

/// The page of `sections`, with the graph ahead of them.
pub(super) fn page(title: &str, sections: &[Section], graph: Option<&Graph>) -> String {
    let chart = graph.filter(|graph| !graph.nodes.is_empty()).map(chart::draw);
    let page = Page { title, sections, chart }.render().expect("the template writes to memory and its values print");
    shown_lines(&page).into_owned()
}
