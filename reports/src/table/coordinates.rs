//! Where a row of any table was taken: the run, and the cell of its plan.

use super::Column;
use lab_core::cell::{COORDINATES, Cell, Settings};
use lab_core::dataset::Header;
use lab_core::vocabulary::Word;

pub(super) trait Placed {
    fn header(&self) -> &Header;
    fn cell(&self) -> &Cell;
}

/// The columns that every table begins with.
pub(super) fn columns<Row: Placed>() -> Vec<Column<Row>> {
    let mut columns = vec![
        Column::text("run", |row: &Row| &row.header().id),
        Column::text("clock", |row| row.header().clock.name()),
        Column::maybe_text("kernel", |row| row.header().kernel_of(row.cell())),
        Column::text("scenario", |row| &row.header().plan.scenario),
        Column::text("target", |row| row.header().plan.target.name()),
    ];
    columns.extend(of_cell(Row::cell));
    columns
}

/// The columns of a cell, which `cell` reads from a row.
pub(crate) fn of_cell<Row>(cell: fn(&Row) -> &Cell) -> impl Iterator<Item = Column<Row>> {
    COORDINATES.iter().map(move |coordinate| Column::coordinate(coordinate, cell))
}

/// A cell's coordinates in words that a benchmark's name can be made of: `backend=ipvs/way=batched/…/position=last`. What
/// is newer than the names (layouts, clusters, ways to dial) is named where it is unusual, so that they stay as they are.
pub(crate) fn path(cell: &Cell) -> String {
    let Cell { cluster, variant, position, access, from, activity, probe: _ } = cell;
    let mut path = format!("backend={}", variant.backend);
    path.extend(variant.unusual_layout().map(|layout| format!("/layout={layout}")));
    path += &format!("/way={}", variant.way);
    path.extend(variant.kernel.map(|kernel| format!("/kernel_name={}", plain(kernel.as_str()))));
    path.extend(unusual(&variant.driver).map(|driver| format!("/driver={}", plain(driver.name()))));
    let sizes = [("services", cluster.services), ("endpoints", cluster.endpoints)];
    for (name, word) in Settings::NAMES.into_iter().zip(variant.settings.words()) {
        path.extend(word.map(|word| format!("/{name}={word}")));
    }
    path.extend(sizes.map(|(name, size)| format!("/{name}={size}")));
    path.extend(unusual(&cluster.source).map(|source| format!("/cluster={}", plain(source.name()))));
    path.extend(position.map(|position| format!("/position={position}")));
    path.extend(unusual(access).map(|access| format!("/access={access}")));
    path.extend(unusual(from).map(|from| format!("/from={from}")));
    path.extend(activity.name().map(|activity| format!("/activity={}", activity.replace(' ', "-"))));
    path
}

/// `name`, which is a file's or a user's own, without what would end a word, a part of a path or a label.
fn plain(name: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '+');
    name.chars().map(|letter| if is_plain(letter) { letter } else { '_' }).collect()
}

fn unusual<T: Copy + Default + PartialEq>(value: &T) -> Option<T> {
    Some(*value).filter(|value| *value != T::default())
}
