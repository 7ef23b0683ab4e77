//! What follows from the figures, in computed sentences: what changes with size and position, what ran over its budget,
//! what differs between runs, and which published figures come out.

mod budget;
mod claims;
mod laws;
mod order;
mod position;
mod runs;
mod ways;

use crate::report::Section;
use crate::results::Results;
use crate::sections::references;

/// Every finding; `None` where nothing follows.
pub(crate) fn section(results: &Results) -> Option<Section> {
    let (tables, crossings, crossed) = laws::of(results);
    let mut points = order::points(results, &crossed);
    points.extend(crossings);
    points.extend(ways::points(results));
    points.extend(position::points(results));
    points.extend(budget::points(results));
    points.extend(runs::points(results));
    points.extend(references::findings(results));
    points.extend(claims::points(results));
    let section = Section { title: "Findings".to_owned(), points, tables, ..Section::default() };
    (!section.is_empty()).then_some(section)
}
