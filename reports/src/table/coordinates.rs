//! Where a row of any table was taken: the run, and the cell of its plan.

use super::Column;
use lab_core::cell::{Cell, Settings};
use lab_core::dataset::Header;
use lab_core::vocabulary::Word;

/// The run and the cell that a row is of.
#[derive(Clone, Copy)]
pub(crate) struct Coordinates<'a> {
    pub(crate) header: &'a Header,
    pub(crate) cell: Cell,
}

/// A row that has coordinates.
pub(super) trait Placed {
    fn at(&self) -> Coordinates<'_>;
}

/// The columns that every table begins with.
pub(super) fn columns<Row: Placed>() -> Vec<Column<Row>> {
    vec![
        Column::text("run", |row| &row.at().header.id),
        Column::text("clock", |row| row.at().header.clock.name()),
        Column::maybe_text("kernel", |row| row.at().header.kernel()),
        Column::text("scenario", |row| &row.at().header.plan.scenario),
        Column::text("target", |row| row.at().header.plan.target.name()),
        Column::text("backend", |row| row.at().cell.variant.backend.name()),
        Column::text("layout", |row| row.at().cell.variant.layout.name()),
        Column::maybe_text("scheduler", |row| row.at().cell.variant.settings.scheduler.map(Word::name)),
        Column::maybe_text("forwarding", |row| row.at().cell.variant.settings.forwarding.map(Word::name)),
        Column::text("way", |row| row.at().cell.variant.way.name()),
        Column::whole("services", |row| row.at().cell.cluster.services),
        Column::whole("endpoints", |row| row.at().cell.cluster.endpoints),
        Column::maybe_text("position", |row| row.at().cell.position.map(Word::name)),
        Column::text("probe", |row| row.at().cell.probe.name()),
    ]
}

/// A cell's coordinates in words that a benchmark's name can be made of: `backend=ipvs/way=batched/…/position=last`.
pub(crate) fn path(cell: &Cell) -> String {
    let Cell { cluster, variant, position, probe: _ } = cell;
    let mut path = format!("backend={}/way={}", variant.backend, variant.way);
    let sizes = [("services", cluster.services), ("endpoints", cluster.endpoints)];
    for (name, word) in Settings::NAMES.into_iter().zip(variant.settings.words()) {
        path.extend(word.map(|word| format!("/{name}={word}")));
    }
    path.extend(sizes.map(|(name, size)| format!("/{name}={size}")));
    path.extend(position.map(|position| format!("/position={position}")));
    path
}
