//! The comparison, in the shape of the tables that were published before: Services down the rows, backends across, and
//! what was published beside what was measured.

use crate::report::{Column, Content, Section, Table, TableCell};
use crate::results::clock;
use crate::results::variant::VariantRun;
use crate::results::{Found, Results};
use crate::sections::grid;
use crate::sections::references;
use lab_core::metric::Metric;
use lab_core::reference::{self, Measured, Reference, Series, Value};
use lab_core::units::{self, Scale};
use lab_core::vocabulary::{Position, ProbeName, Quantile, Word};
use std::collections::BTreeSet;

/// What is compared: a metric, the probe it is taken with, and what that is in plain words.
const COMPARED: [(Metric, ProbeName, &str); 9] = [
    (Metric::AppendRule, ProbeName::AppendRule, "Add one rule"),
    (Metric::SyncChange, ProbeName::SyncChange, "Add one Service"),
    (Metric::SyncFull, ProbeName::SyncFull, "Load all Services, a cold start"),
    (Metric::Bandwidth, ProbeName::Bandwidth, "Bandwidth"),
    (Metric::Connect, ProbeName::Connect, "Set up a connection"),
    (Metric::ConnectionsPerSecond, ProbeName::ConnectionsPerSecond, "Short connections"),
    (Metric::CpuSync, ProbeName::Churn, "CPU that keeping up with changes takes"),
    (Metric::KernelMemory, ProbeName::SyncFull, "Memory that the rules hold"),
    (Metric::ToolPeakRss, ProbeName::SyncFull, "Memory that the tool needs to load them"),
];

/// The tables of what was asked.
pub(crate) fn section(results: &Results) -> Section {
    let comparisons: Vec<(Comparison, &str)> = COMPARED
        .into_iter()
        .filter_map(|(metric, probe, title)| Some((Comparison::of(results, metric, probe)?, title)))
        .collect();
    let tables: Vec<Table> = comparisons.iter().filter_map(|(comparison, title)| comparison.table(title)).collect();
    let about = match (tables.is_empty(), comparisons.iter().any(|(comparison, _)| !comparison.published.is_empty())) {
        (true, _) => String::new(),
        (false, false) => how(results),
        (false, true) => {
            format!("{} What was published stands beside it, in its own unit; – is what was not.", how(results))
        }
    };
    Section { title: clock::label(results.clock(), "The backends compared"), about, tables, ..Section::default() }
}

/// How to read a cell.
fn how(results: &Results) -> String {
    let (pass, spread) = (results.pass(), results.spread());
    format!("Services down, backends across; a median, its ratio to direct in the same {pass} (×), and {spread}.")
}

/// One metric of all variants.
struct Comparison<'a> {
    results: &'a Results<'a>,
    metric: Metric,
    probe: ProbeName,
    variants: Vec<VariantRun>,
    published: Vec<Published>,
}

/// What was published of one backend in one place, over sizes and positions.
struct Published {
    reference: &'static Reference,
    series: Vec<(Measured, &'static Series)>,
}

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    services: u32,
    position: Option<Position>,
    quantile: Quantile,
}

impl<'a> Comparison<'a> {
    /// `None` when the metric was not asked for, or nobody has it.
    fn of(results: &'a Results, metric: Metric, probe: ProbeName) -> Option<Self> {
        let own = metric == Metric::of(probe);
        let has = |variant: &VariantRun| {
            let mut rows = results.rows.iter().filter(|row| row.cell.probe == probe && VariantRun::of(row) == *variant);
            rows.any(|row| own || row.metric == metric)
        };
        let variants: Vec<VariantRun> = results.variants(probe).into_iter().filter(has).collect();
        let published = published(results, metric, probe);
        (!variants.is_empty()).then_some(Self { results, metric, probe, variants, published })
    }

    fn find(&self, variant: VariantRun, key: Key) -> Found<'_> {
        self.results.at(variant, key.services, None, (self.probe, key.position), self.metric)
    }

    /// Every row: the sizes that were asked for, and at each the positions that are a Service of their own, measured or published.
    fn keys(&self) -> Vec<Key> {
        let rows = || self.results.rows.iter().filter(|row| row.cell.probe == self.probe);
        let mut keys: BTreeSet<Key> = rows()
            .map(|row| Key {
                services: row.cell.cluster.services,
                position: row.cell.position,
                quantile: Quantile::P50,
            })
            .collect();
        let measured: BTreeSet<(u32, u32)> =
            keys.iter().filter_map(|key| Some((key.services, key.position?.index(key.services)))).collect();
        let sizes: BTreeSet<u32> = keys.iter().map(|key| key.services).collect();
        for (reference, (of, series)) in
            self.published.iter().flat_map(|one| one.series.iter().map(|all| (one.reference, all)))
        {
            for &services in reference.services.iter().filter(|services| sizes.contains(services)) {
                let same = of.position.is_some_and(|position| measured.contains(&(services, position.index(services))));
                let is_row = same && of.quantile == Quantile::P50;
                if !is_row && reference.value(series, services) != Value::Absent {
                    keys.insert(Key { services, position: of.position, quantile: of.quantile });
                }
            }
        }
        keys.into_iter().collect()
    }

    fn table(&self, title: &str) -> Option<Table> {
        let keys = self.keys();
        let figure = |(key, variant): (&Key, &VariantRun)| {
            Some(self.find(*variant, *key).row()?.figures.as_ref()?.at(key.quantile))
        };
        let all = keys.iter().flat_map(|key| self.variants.iter().map(move |variant| (key, variant)));
        let numbers: Vec<f64> = all.filter_map(figure).collect();
        if numbers.is_empty() {
            return None; // What became of the cells stands among what is missing.
        }
        let clock = self.results.clock();
        let scale = Scale::fit(self.metric.unit(), clock, numbers);
        let positions = keys.iter().any(|key| key.position.is_some());
        let mut columns = vec![Column::new("Services", Content::Key)];
        if positions {
            columns.push(Column::new("asked", Content::Key));
        }
        let clocked = self.metric.unit().is_clocked();
        let of_clock = if clocked { format!(", {clock}") } else { String::new() };
        columns.extend(self.variants.iter().map(|variant| {
            Column::new(self.results.name(*variant, self.probe), Content::Number).of(format!("measured{of_clock}"))
        }));
        columns.extend(self.published.iter().map(|published| published.column(clocked)));
        let row = |key: &Key| {
            let mut row = vec![TableCell::text(units::count(key.services.into()))];
            if positions {
                row.push(TableCell::text(key.asked()));
            }
            row.extend(self.variants.iter().map(|variant| self.cell(*variant, *key, &scale)));
            row.extend(self.published.iter().map(|published| published.cell(*key)));
            row
        };
        let title = format!("{title} ({}){}", self.metric, clock::unit(self.metric, clock, "median", &scale));
        Some(Table {
            title: if clocked { clock::label(clock, &title) } else { title },
            about: self.metric.meaning().to_owned(),
            columns,
            rows: keys.iter().map(row).collect(),
            ..Table::default()
        })
    }

    fn cell(&self, variant: VariantRun, key: Key, scale: &Scale) -> TableCell {
        let found = self.find(variant, key);
        match (key.quantile, found.row().and_then(|row| row.figures)) {
            (Quantile::P90 | Quantile::P99, Some(figures)) => TableCell::number(scale.number(figures.at(key.quantile))),
            _ => grid::write(self.results, &found, grid::Show::Median, scale, true),
        }
    }
}

impl Key {
    /// `last`, `last, p99`.
    fn asked(self) -> String {
        let position = match self.position {
            Some(_) if self.services == 1 => "the only one",
            Some(position) => position.name(),
            None => "-",
        };
        match self.quantile {
            Quantile::P50 => position.to_owned(),
            Quantile::P90 => format!("{position}, p90"),
            Quantile::P99 => format!("{position}, p99"),
        }
    }

    /// Whether a figure `of` another position is of the same Service.
    fn is_of(self, of: &Measured) -> bool {
        let index = |position: Option<Position>| position.map(|position| position.index(self.services));
        self.quantile == of.quantile && index(self.position) == index(of.position)
    }
}

impl Published {
    fn column(&self, clocked: bool) -> Column {
        // What all of them have in front: of "iptables first" and "iptables last" it is iptables.
        let names: Vec<Vec<&str>> = self.series.iter().map(|(_, series)| series.name.split(' ').collect()).collect();
        let same = |place: &usize| names.iter().all(|name| name.get(*place) == names[0].get(*place));
        let name = (0..names[0].len()).take_while(same).map(|place| names[0][place]).collect::<Vec<_>>().join(" ");
        let unit = self.series[0].1.unit;
        let unit = if unit.is_empty() { String::new() } else { format!(" in {unit}") };
        let clock = if clocked { format!(", {}", reference::CLOCK) } else { String::new() };
        Column::new(format!("{name}{unit}"), Content::Number).of(format!("published{clock}: {}", self.reference.id))
    }

    fn cell(&self, key: Key) -> TableCell {
        let series = self.series.iter().find(|(of, _)| key.is_of(of));
        references::published(series.map_or(Value::Absent, |(_, series)| self.reference.value(series, key.services)))
    }
}

/// What was published of `metric`, in the order of the references that the runs name.
fn published(results: &Results, metric: Metric, probe: ProbeName) -> Vec<Published> {
    let mut columns: Vec<Published> = Vec::new();
    for reference in references::named(results).into_iter().filter_map(reference::find) {
        for pair in &reference.pairs {
            let series = pair.published.as_deref().and_then(|key| reference.series(key));
            let measured = pair.measured.iter().find(|of| of.metric == metric && of.probe == probe);
            let (Some(series), Some(&of)) = (series, measured) else { continue };
            let joins = |column: &&mut Published| {
                let same = |(other, one): &(Measured, &Series)| {
                    other.backend == of.backend
                        && one.unit == series.unit
                        && (other.position, other.quantile) != (of.position, of.quantile)
                };
                column.reference.id == reference.id && column.series.iter().all(same)
            };
            match columns.iter_mut().find(joins) {
                Some(column) => column.series.push((of, series)),
                None => columns.push(Published { reference, series: vec![(of, series)] }),
            }
        }
    }
    columns
}
