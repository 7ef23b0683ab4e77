//! Published figures with the measured ones that correspond, and how each grows with the number of Services.
//!
//! A time is never divided by a count of instructions, nor by a time of another machine: what is compared is how much a
//! series grows between two sizes that both have.

use crate::clock;
use crate::missing::Lacking;
use crate::prose::{list, services_of};
use crate::report::{Cell, Column, Content, Section, Table};
use crate::results::{Found, Results};
use crate::variant::Variant;
use lab_core::reference::{self, Measured, Pair, Quantile, Reference, Series, Value};
use lab_core::summary::Figures;
use lab_core::units::{self, Scale};
use lab_core::vocabulary::{Clock, Outcome, Word};
use std::collections::BTreeSet;

/// The references that a run names.
pub(crate) struct Beside {
    pub(crate) section: Option<Section>,
    pub(crate) missing: Vec<Lacking>,
}

impl Beside {
    pub(crate) fn of(results: &Results) -> Self {
        let (mut tables, mut missing) = (Vec::new(), Vec::new());
        for id in named(results) {
            let Some(reference) = reference::find(id) else {
                let reason = "this svclab does not know it: read the run with the one that wrote it".to_owned();
                missing.push(Lacking { sizes: 1, which: format!("published {id}"), reason });
                continue;
            };
            let pairs: Vec<Curves> = reference.pairs.iter().map(|pair| Curves::of(results, reference, pair)).collect();
            missing.extend(lacking(results, reference, &pairs));
            tables.extend(table(results, reference, &pairs));
        }
        let section = (!tables.is_empty()).then(|| Section {
            title: clock::label(results.clock(), "Published figures, and what was measured beside them"),
            about: format!(
                "Published times are wall-clock times of other machines; what was measured {}. So only shapes are compared: \
                 how much each grows from one number of Services to another.",
                match results.clock() {
                    Clock::Wall => "is this one's",
                    Clock::WallEmulated => "is an emulated one's",
                    Clock::Instructions => "is counted in instructions",
                }
            ),
            tables,
            ..Section::default()
        });
        Self { section, missing }
    }
}

/// The references that any of the runs names, each once.
fn named<'a>(results: &Results<'a>) -> Vec<&'a str> {
    let mut named: Vec<&str> = Vec::new();
    for id in results.runs.datasets().iter().flat_map(|dataset| &dataset.header.references) {
        if !named.contains(&id.as_str()) {
            named.push(id);
        }
    }
    named
}

/// A published series, and the measured curves beside it.
struct Curves<'a> {
    pair: &'a Pair,
    published: Option<&'a Series>,
    measured: Vec<Curve<'a>>,
}

/// A measured figure of one variant over the sizes.
struct Curve<'a> {
    results: &'a Results<'a>,
    measured: Measured,
    variant: Variant,
    endpoints: u32,
}

impl<'a> Curves<'a> {
    fn of(results: &'a Results, reference: &'a Reference, pair: &'a Pair) -> Self {
        let published = pair.published.as_deref().and_then(|key| reference.series(key));
        let mut curves = Vec::new();
        for &measured in &pair.measured {
            let variants = results.variants(measured.probe).into_iter();
            for variant in variants.filter(|variant| variant.backend == measured.backend) {
                let rows = results.rows.iter().filter(|row| row.probe == measured.probe && row.run == variant.run);
                let endpoints: BTreeSet<u32> = rows.map(|row| row.endpoints).collect();
                let same = reference.endpoints.filter(|published| endpoints.contains(published));
                let Some(endpoints) = same.or(endpoints.last().copied()) else { continue };
                curves.push(Curve { results, measured, variant, endpoints });
            }
        }
        Self { pair, published, measured: curves }
    }
}

impl Curve<'_> {
    fn find(&self, services: u32) -> Found<'_> {
        let Measured { metric, probe, position, .. } = self.measured;
        self.results.find(self.variant.place(services, self.endpoints, probe, position), metric)
    }

    /// The figures at `services`; `None` where it was not measured, or failed.
    fn figures(&self, services: u32) -> Option<Figures> {
        let (Found::Own(row) | Found::SameService(row)) = self.find(services) else { return None };
        row.figures.filter(|_| row.outcome == Outcome::Measured)
    }

    /// The number that is shown of them.
    fn at(&self, services: u32) -> Option<f64> {
        self.figures(services).map(|figures| quantile(&figures, self.measured.quantile))
    }

    /// What becomes of the number between two sizes; no change is claimed that is not known to be one.
    fn shape(&self, low: u32, high: u32) -> Option<String> {
        let (from, to) = (self.figures(low)?, self.figures(high)?);
        let known = |figures| self.results.bounds(figures).is_some();
        if self.measured.quantile == Quantile::P50 && known(&from) && known(&to) && !self.results.differ(&from, &to) {
            let ratio = to.p50 / from.p50;
            let ratio = if ratio.is_finite() { format!(" ({})", units::ratio(ratio)) } else { String::new() };
            return Some(format!("shows no difference{ratio}"));
        }
        shape(self.at(low), self.at(high))
    }

    /// `connect last p99 of iptables-legacy`.
    fn name(&self) -> String {
        let Measured { metric, probe, position, quantile, .. } = self.measured;
        let position = position.map(|position| format!(" {position}")).unwrap_or_default();
        let quantile = match quantile {
            Quantile::P50 => "",
            Quantile::P90 => " p90",
            Quantile::P99 => " p99",
        };
        format!("{metric}{position}{quantile} of {}", self.results.name(self.variant, probe))
    }
}

fn quantile(figures: &Figures, quantile: Quantile) -> f64 {
    match quantile {
        Quantile::P50 => figures.p50,
        Quantile::P90 => figures.p90,
        Quantile::P99 => figures.p99,
    }
}

/// The table of one reference; `None` when nothing that corresponds was asked.
fn table(results: &Results, reference: &Reference, pairs: &[Curves]) -> Option<Table> {
    let curves = || pairs.iter().flat_map(|pair| &pair.measured);
    let measured = results.sizes().into_iter().filter(|&size| curves().any(|curve| curve.at(size).is_some()));
    let sizes: BTreeSet<u32> = reference.services.iter().copied().chain(measured).collect();
    curves().next()?;
    let mut columns = vec![Column::new("Services", Content::Key)];
    let mut rows: Vec<Vec<Cell>> =
        sizes.iter().map(|&services| vec![Cell::text(units::count(services.into()))]).collect();
    for pair in pairs {
        if let Some(series) = pair.published {
            let unit = if series.unit.is_empty() { String::new() } else { format!(" in {}", series.unit) };
            let title = format!("published, {}: {}{unit}", reference::CLOCK, series.name);
            columns.push(Column::new(title, Content::Number));
            for (row, &services) in rows.iter_mut().zip(&sizes) {
                row.push(published(reference.value(series, services)));
            }
        }
        for curve in &pair.measured {
            let values: Vec<f64> = sizes.iter().filter_map(|&services| curve.at(services)).collect();
            let unit = curve.measured.metric.unit();
            let scale = Scale::fit(unit, results.clock(), values.iter().copied());
            let label =
                if values.is_empty() || scale.label().is_empty() { "" } else { &format!(", {}", scale.label()) };
            let clock = if unit.is_clocked() { format!(", {}", results.clock()) } else { String::new() };
            columns.push(Column::new(format!("measured{clock}: {}{label}", curve.name()), Content::Number));
            for (row, &services) in rows.iter_mut().zip(&sizes) {
                row.push(measured_cell(curve, services, &scale));
            }
        }
    }
    Some(Table {
        title: clock::label(results.clock(), &reference.title),
        about: format!("{} ({})", reference.source, reference.id),
        columns,
        rows,
        notes: notes(reference, pairs),
    })
}

fn published(value: Value) -> Cell {
    let number = match value {
        Value::Number(number) => units::given(number),
        Value::Range(low, high) => format!("{}–{}", units::given(low), units::given(high)),
        Value::OutOfMemory => return Cell::Absent("out of memory"),
        Value::Absent => return Cell::Absent("not published"),
    };
    Cell::Value { number, ratio: String::new(), details: Vec::new() }
}

fn measured_cell(curve: &Curve, services: u32, scale: &Scale) -> Cell {
    let row = match curve.find(services) {
        Found::Own(row) | Found::SameService(row) => row,
        Found::NotTaken => return Cell::Absent("not taken"),
        Found::NotAsked => return Cell::Absent("not asked"),
    };
    let Some(figures) = row.figures else { return Cell::Absent(row.outcome.name()) };
    let details = if row.outcome == Outcome::Measured { Vec::new() } else { vec![row.outcome.name().to_owned()] };
    let number = scale.number(quantile(&figures, curve.measured.quantile));
    Cell::Value { number, ratio: String::new(), details }
}

/// How the series grow, and what must be known of them.
fn notes(reference: &Reference, pairs: &[Curves]) -> Vec<String> {
    let mut notes: Vec<String> = pairs.iter().filter_map(|pair| growth(reference, pair)).collect();
    notes.extend(pairs.iter().flat_map(|pair| out_of_memory(reference, pair)));
    notes.extend(reference.note.clone());
    notes.extend(reference.read_off_chart.as_ref().map(|error| format!("Read off a chart, {error}.")));
    notes.extend(pairs.iter().filter_map(|pair| pair.pair.because.clone()));
    let measured: BTreeSet<u32> = pairs.iter().flat_map(|pair| &pair.measured).map(|curve| curve.endpoints).collect();
    if let Some(published) = reference.endpoints
        && measured.iter().any(|endpoints| *endpoints != published)
    {
        let measured: Vec<String> = measured.iter().map(u32::to_string).collect();
        notes.push(format!("Published with {published} endpoints a Service, measured with {}.", list(&measured)));
    }
    notes
}

/// `iptables: published grows 360× from 1 to 20,000 Services; measured: sync_full of iptables-legacy grows 120×.`
fn growth(reference: &Reference, pair: &Curves) -> Option<String> {
    let number = |services| match pair.published.map(|series| reference.value(series, services)) {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    };
    let mut clauses: Vec<(u32, u32, Vec<String>)> = Vec::new();
    for curve in &pair.measured {
        let sizes = curve.results.sizes().into_iter();
        let both =
            sizes.filter(|&size| (pair.published.is_none() || number(size).is_some()) && curve.at(size).is_some());
        let both: Vec<u32> = both.collect();
        let [low, .., high] = both[..] else { continue };
        let Some(shape) = curve.shape(low, high) else { continue };
        let clause = format!("{} {shape}", curve.name());
        match clauses.iter_mut().find(|(from, to, _)| (*from, *to) == (low, high)) {
            Some((.., clauses)) => clauses.push(clause),
            None => clauses.push((low, high, vec![clause])),
        }
    }
    let sentence = |(low, high, measured): (u32, u32, Vec<String>)| {
        let from = format!("from {} to {}", units::count(low.into()), services_of(&[high]));
        match pair.published {
            Some(series) => {
                let shape = shape(number(low), number(high)).unwrap_or_else(|| "starts at nothing".to_owned());
                format!("{}, {from}: published {shape}; measured: {}.", series.name, list(&measured))
            }
            None => format!("Measured, {from}: {}.", list(&measured)),
        }
    };
    let sentences: Vec<String> = clauses.into_iter().map(sentence).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// `grows 12.0×`, `falls to 0.09×`, `stays the same (1.00×)`; `None` where there is no ratio.
fn shape(from: Option<f64>, to: Option<f64>) -> Option<String> {
    let ratio = to? / from?;
    let written = units::ratio(ratio);
    match ratio {
        _ if !ratio.is_finite() => None,
        _ if written == units::ratio(1.0) => Some(format!("stays the same ({written})")),
        _ if ratio > 1.0 => Some(format!("grows {written}")),
        _ => Some(format!("falls to {written}")),
    }
}

/// Where memory is said to have run out, and something was measured.
fn out_of_memory(reference: &Reference, pair: &Curves) -> Vec<String> {
    let Some(series) = pair.published else { return Vec::new() };
    let mut notes = Vec::new();
    for &services in &reference.services {
        if reference.value(series, services) != Value::OutOfMemory {
            continue;
        }
        let measured: Vec<String> = pair
            .measured
            .iter()
            .filter_map(|curve| {
                let number = curve.results.human(curve.measured.metric, curve.at(services)?);
                Some(format!("{} is {number}", curve.name()))
            })
            .collect();
        if !measured.is_empty() {
            let at = services_of(&[services]);
            notes.push(format!("{} at {at}: published out of memory; measured: {}.", series.name, list(&measured)));
        }
    }
    notes
}

/// What was published and has nothing beside it, because it is not in the plan.
fn lacking(results: &Results, reference: &Reference, pairs: &[Curves]) -> Vec<Lacking> {
    let mut lacking = Vec::new();
    let id = &reference.id;
    let mut unasked: BTreeSet<String> = BTreeSet::new();
    for pair in pairs {
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
    let beyond = reference.services.iter().copied().filter(|size| !planned.contains(size));
    let beyond: Vec<u32> = beyond.collect();
    if !planned.is_empty() && !beyond.is_empty() && pairs.iter().any(|pair| !pair.measured.is_empty()) {
        let reason = format!("the plan has {} only", services_of(&planned));
        lacking.push(Lacking { sizes: beyond.len(), which: format!("{id} at {}", services_of(&beyond)), reason });
    }
    lacking
}
