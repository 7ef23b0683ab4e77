//! Variants of one backend are told apart.

use super::{assert_tabulates, sample};
use lab_core::cell::{Cell, Variant};
use lab_core::dataset::CellRecord;
use lab_core::vocabulary::{BackendName, LayoutName, Scheduler, Word};
use std::slice;

fn hash(cell: &mut Cell) {
    let settings = &mut cell.variant.settings;
    settings.scheduler = settings.scheduler.map(|_| Scheduler::SourceHashing);
}

#[test]
fn variants_of_a_backend_are_told_apart_where_they_differ() {
    let dataset = sample::counted();
    assert_tabulates(&dataset, "ipvs (kube-proxy)");
    assert_tabulates(&dataset, "ipvs (batched)");
    let mut other = dataset;
    for cell in &mut other.header.plan.cells {
        hash(cell);
    }
    for record in &mut other.cells {
        hash(&mut record.cell);
    }
    assert_tabulates(&other, "ipvs (kube-proxy, sh)");
    assert_tabulates(&other, "ipvs (sh)");
}

#[test]
fn layouts_of_a_backend_are_told_apart_and_never_pooled() {
    let mut dataset = sample::dataset();
    let is_nftables = |cell: &Cell| cell.variant.backend == BackendName::Nftables;
    let other = |cell: &Cell| Cell { variant: Variant { layout: LayoutName::None, ..cell.variant }, ..*cell };
    let planned: Vec<Cell> = dataset.header.plan.cells.iter().filter(|cell| is_nftables(cell)).map(other).collect();
    dataset.header.plan.cells.extend(planned);
    let slower = |record: &CellRecord| CellRecord {
        cell: other(&record.cell),
        samples: record.samples.iter().map(|sample| 3.0 * sample).collect(),
        ..record.clone()
    };
    let records: Vec<CellRecord> =
        dataset.cells.iter().filter(|record| is_nftables(&record.cell)).map(slower).collect();
    dataset.cells.extend(records);
    let usual = LayoutName::of(BackendName::Nftables)[0];
    for name in [format!("nftables ({usual})"), "nftables (none)".to_owned()] {
        assert_tabulates(&dataset, &name);
    }
    let csv = reports::csv(slice::from_ref(&dataset));
    let lines = |layout: &str| csv.lines().filter(|line| line.contains(&format!(",nftables,{layout},"))).count();
    assert!(lines("none") > 0 && lines("none") == lines(usual.name()), "{csv}");
}
