//! The published figures that the runs name: where they are from, how they compare, and what has nothing beside it.

mod curve;
mod verdict;

use crate::prose::{list, services_of};
use crate::report::{Point, Section, TableCell};
use crate::results::Results;
use crate::sections::missing::Lacking;
use curve::Curves;
use lab_core::reference::{self, Measured, Reference, Value};
use lab_core::units;
use lab_core::vocabulary::Clock;
use std::collections::BTreeSet;

/// The ids that any of the runs names, each once.
pub(crate) fn named<'a>(results: &Results<'a>) -> Vec<&'a str> {
    let mut named: Vec<&str> = Vec::new();
    for id in results.runs.datasets().iter().flat_map(|dataset| &dataset.header.references) {
        if !named.contains(&id.as_str()) {
            named.push(id);
        }
    }
    named
}

fn known(results: &Results) -> impl Iterator<Item = &'static Reference> {
    named(results).into_iter().filter_map(reference::find)
}

/// Which published figures come out and which do not.
pub(crate) fn findings(results: &Results) -> Vec<Point> {
    known(results).flat_map(|reference| verdict::points(results, reference)).collect()
}

/// What must be known of the published figures; `None` where nothing measured stands beside any.
pub(crate) fn sources(results: &Results) -> Option<Section> {
    let points: Vec<Point> = known(results).filter_map(|reference| source(results, reference)).collect();
    (!points.is_empty()).then(|| Section {
        title: "About the published figures".to_owned(),
        about: format!(
            "Published times are wall-clock times of other machines; what was measured {}. So only shapes are compared: \
             how much each grows from one number of Services to another.",
            match results.clock() {
                Clock::Wall => "is this one's",
                Clock::WallEmulated => "is an emulated one's",
                Clock::Instructions => "is counted in instructions",
            }
        ),
        points,
        ..Section::default()
    })
}

/// Where a reference is from, and what is to be known of it; `None` when nothing that corresponds was asked.
fn source(results: &Results, reference: &'static Reference) -> Option<Point> {
    let pairs = Curves::of(results, reference);
    let curves = || pairs.iter().flat_map(|pair| &pair.measured);
    curves().next()?;
    let mut parts = vec![format!("{}. {}.", reference.title, reference.source.trim_end_matches('.'))];
    parts.extend(reference.note.clone());
    parts.extend(reference.read_off_chart.as_ref().map(|error| format!("Read off a chart, {error}.")));
    parts.extend(pairs.iter().filter_map(|pair| pair.pair.because.clone()));
    let measured: BTreeSet<u32> = curves().map(|curve| curve.endpoints).collect();
    if let Some(published) = reference.endpoints
        && measured.iter().any(|endpoints| *endpoints != published)
    {
        let measured: Vec<String> = measured.iter().map(u32::to_string).collect();
        parts.push(format!("Published with {published} endpoints a Service, measured with {}.", list(&measured)));
    }
    Some(Point::new(&reference.id, parts.join(" ")))
}

/// A published figure as it stands in a table.
pub(crate) fn published(value: Value) -> TableCell {
    match value {
        Value::Number(number) => TableCell::number(units::given(number)),
        Value::Range(low, high) => TableCell::number(format!("{}–{}", units::given(low), units::given(high))),
        Value::OutOfMemory => TableCell::Absent("out of memory"),
        Value::Absent => TableCell::Absent("–"),
    }
}

/// What was published and has nothing beside it.
pub(crate) fn lacking(results: &Results) -> Vec<Lacking> {
    let mut lacking = Vec::new();
    for id in named(results) {
        match reference::find(id) {
            Some(reference) => lacking.extend(lacking_of(results, reference)),
            None => {
                let reason = "this svclab does not know it: read the run with the one that wrote it".to_owned();
                lacking.push(Lacking { sizes: 1, which: format!("published {id}"), reason });
            }
        }
    }
    lacking
}

fn lacking_of(results: &Results, reference: &'static Reference) -> Vec<Lacking> {
    let pairs = Curves::of(results, reference);
    let mut lacking = Vec::new();
    let id = &reference.id;
    let mut unasked: BTreeSet<String> = BTreeSet::new();
    for pair in &pairs {
        let asked = |measured: &Measured| pair.measured.iter().any(|curve| curve.measured == *measured);
        let missing = pair.pair.measured.iter().filter(|measured| !asked(measured));
        unasked.extend(missing.map(|measured| format!("{} of {}", measured.metric, measured.backend)));
    }
    if !unasked.is_empty() {
        let which = format!("{id}: {}", list(&unasked.into_iter().collect::<Vec<_>>()));
        let reason = "the plan has no such cells: neither the scenario's backends nor its probes hold them".to_owned();
        lacking.push(Lacking { sizes: reference.services.len(), which, reason });
    }
    let planned: Vec<u32> = results.sizes().into_iter().collect();
    let beyond: Vec<u32> = reference.services.iter().copied().filter(|size| !planned.contains(size)).collect();
    if !planned.is_empty() && !beyond.is_empty() && pairs.iter().any(|pair| !pair.measured.is_empty()) {
        let reason = format!("the plan has {} only", services_of(&planned));
        lacking.push(Lacking { sizes: beyond.len(), which: format!("{id} at {}", services_of(&beyond)), reason });
    }
    lacking
}
