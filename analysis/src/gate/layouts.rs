//! Runs of different layouts: put beside each other, the layout is the subject of the comparison.

use lab_core::cell::{Cell, DriverName};
use lab_core::dataset::Dataset;
use lab_core::vocabulary::{BackendName, LayoutName};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A backend, and what programs it.
pub(super) type Programmed = (BackendName, DriverName);

pub(super) fn layouts(dataset: &Dataset) -> BTreeMap<Programmed, BTreeSet<LayoutName>> {
    let mut layouts: BTreeMap<Programmed, BTreeSet<LayoutName>> = BTreeMap::new();
    let recorded = dataset.cells.iter().map(|record| &record.cell);
    for Cell { variant, .. } in dataset.header.plan.cells.iter().chain(recorded) {
        layouts.entry((variant.backend, variant.driver)).or_default().insert(variant.layout);
    }
    layouts
}

/// `before`, with the layouts of `after`, so that their cells are the same.
///
/// Only where either run has one layout of a backend: of several it is not known which belongs to which, and their cells
/// stay apart.
pub(super) fn aligned<'a>(before: &'a Dataset, after: &Dataset) -> Cow<'a, Dataset> {
    let (was, is) = (layouts(before), layouts(after));
    let only = |layouts: Option<&BTreeSet<LayoutName>>| match layouts?.iter().collect::<Vec<_>>()[..] {
        [only] => Some(*only),
        _ => None,
    };
    let renamed: BTreeMap<Programmed, LayoutName> = was
        .iter()
        .filter_map(|(of, layouts)| Some((*of, only(Some(layouts))?, only(is.get(of))?)))
        .filter_map(|(of, was, is)| (was != is).then_some((of, is)))
        .collect();
    if renamed.is_empty() {
        return Cow::Borrowed(before);
    }
    let mut aligned = before.clone();
    let Dataset { header, cells, .. } = &mut aligned;
    for Cell { variant, .. } in header.plan.cells.iter_mut().chain(cells.iter_mut().map(|record| &mut record.cell)) {
        variant.layout = renamed.get(&(variant.backend, variant.driver)).copied().unwrap_or(variant.layout);
    }
    Cow::Owned(aligned)
}
