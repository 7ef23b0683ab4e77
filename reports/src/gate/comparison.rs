//! Two runs beside each other, as they are read.

pub use super::json::compared as json;
use super::page::{Depth, Group, Page, Standing};
use super::row::{Row, Toward, VISIBLE};
pub use super::table::compared as csv;
use super::{differences, mark};
use crate::report::{Point, Section};
use analysis::gate::{Bearing, Comparison, Difference};
use lab_core::units;

/// Everything that is to be read of it.
#[must_use]
pub fn page(comparison: &Comparison) -> Page {
    let bears = |difference: &Difference| match difference.bearing {
        Bearing::Forbids => differences::remedy(difference),
        Bearing::Asks => format!("a gate refuses it without --allow {}", difference.aspect),
        Bearing::Explains => "may explain a change".to_owned(),
    };
    let rows: Vec<Row> = comparison.rows.iter().map(|row| Row::compared(row, comparison.clock)).collect();
    let groups = groups(&rows);
    let forbidden = comparison.differences.iter().find(|difference| difference.bearing == Bearing::Forbids);
    let verdict = match forbidden {
        Some(difference) => Point::new(
            "Not comparable.",
            format!("The {}: {}.", differences::told(difference), differences::remedy(difference)),
        ),
        None => Point::new("Compared.", counts(&rows)),
    };
    Page {
        title: "svclab compare".to_owned(),
        about: vec![differences::about(comparison)],
        differences: differences::section(comparison, bears),
        verdict,
        standing: Standing::Open,
        axis: mark::axis(groups.iter().filter(|group| group.depth != Depth::Folded).flat_map(|group| &group.rows)),
        groups,
        more: Vec::new(),
        reading: reading(),
    }
}

/// The rows by which way they went, each in the order of the comparison.
fn groups(rows: &[Row]) -> Vec<Group> {
    let group = |id, title: &str, about: &str, depth, of: &dyn Fn(&Row) -> bool| Group {
        id,
        title: title.to_owned(),
        about: about.to_owned(),
        depth,
        rows: rows.iter().filter(|row| of(row)).cloned().collect(),
    };
    let moved = |row: &Row| matches!(row.toward, Toward::Worse | Toward::Better);
    // Of a cell that was not measured, one row says so.
    let alone = |row: &Row| row.lacks_a_figure() && row.is_own;
    let beside = |row: &Row| row.lacks_a_figure() && !row.is_own;
    let same = |row: &Row| !moved(row) && !row.lacks_a_figure();
    let groups = vec![
        group("changed", "Changed", "What matters most comes first.", Depth::Listed, &moved),
        group("unmeasured", "Without a figure in one of the runs, or in both", "", Depth::Listed, &alone),
        group("further", "Further metrics of such cells", "", Depth::Folded, &beside),
        group("same", "The same, as far as can be told", "", Depth::Folded, &same),
    ];
    groups.into_iter().filter(|group| !group.rows.is_empty()).collect()
}

fn counts(rows: &[Row]) -> String {
    let count = |of: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| of(row)).count() as u64;
    let [worse, better] =
        [Toward::Worse, Toward::Better].map(|toward| units::agreeing(count(&|row| row.toward == toward), "is", "are"));
    let alone = match count(&Row::lacks_a_figure) {
        0 => String::new(),
        1 => " One cannot be compared, for want of a figure.".to_owned(),
        alone => format!(" {} cannot be compared, for want of a figure.", units::count(alone)),
    };
    let all = units::counted(rows.len() as u64, "figure");
    format!("Of {all} {worse} worse and {better} better.{alone}")
}

fn reading() -> Section {
    let least = units::percent(VISIBLE);
    Section {
        title: "How to read it".to_owned(),
        points: vec![
            Point::new(
                "Exact",
                format!(
                    "counts on any clock, and every number of the target exact. They compare by the median over \
                     replicas; what changed by {least} or less is called the same here."
                ),
            ),
            Point::new(
                "Timed",
                "times and rates. They compare by their fastest tenth, which noise disturbs least: by its ratio to that of \
                 direct in the same rounds where direct was measured, too (“beside direct”), or by the processor time that \
                 a sync's tools spent. So the change need not be that of the medians that stand beside it. Brackets hold \
                 the 95 % interval; what it does not tell from no change is called the same here.",
            ),
            Point::new(
                "Worse",
                "is more, but less of a bandwidth or a rate of connections. More rules, chains or bytes count as worse.",
            ),
        ],
        ..Section::default()
    }
}
