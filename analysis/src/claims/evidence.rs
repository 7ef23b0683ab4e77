//! All that was measured, as claims ask for it.

use super::line::{Asked, Line, services_of};
use super::taken::Taken;
use crate::summary::{Gathered, gather};
use lab_core::cell::{Activity, Cell, Interned, Source, Variant};
use lab_core::dataset::Dataset;
use lab_core::metric::Metric;
use lab_core::units;
use lab_core::vocabulary::{BackendName, Outcome, Position, Word};
use std::collections::{BTreeMap, BTreeSet};

/// What one or several runs measured.
pub(super) struct Evidence {
    taken: Vec<Taken>,
    /// The layouts, ways and kernels of each backend: what has to be named.
    variety: BTreeMap<BackendName, BTreeSet<[Option<&'static str>; 3]>>,
    /// How many endpoints a Service has in each run.
    endpoints: BTreeMap<usize, BTreeSet<u32>>,
    /// What ran beside cells.
    activities: BTreeSet<Activity>,
    /// The versions of each run's tools, by the program's name.
    tools: Vec<BTreeMap<String, String>>,
}

impl Evidence {
    /// What `datasets` measured.
    pub(super) fn of<'a>(datasets: impl IntoIterator<Item = &'a Dataset>) -> Self {
        let of_run = |(run, dataset): (usize, &'a Dataset)| {
            let clock = dataset.header.clock;
            gather(dataset).into_iter().map(move |gathered| Taken { run, clock, gathered })
        };
        let datasets: Vec<&Dataset> = datasets.into_iter().collect();
        let tools = datasets.iter().map(|dataset| dataset.header.tools.clone()).collect();
        let taken: Vec<Taken> = datasets.into_iter().enumerate().flat_map(of_run).collect();
        let mut variety: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let mut endpoints: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for taken in &taken {
            let Cell { variant, cluster, .. } = *taken.cell();
            // An imported cluster has its own.
            if cluster.source == Source::default() {
                endpoints.entry(taken.run).or_default().insert(cluster.endpoints);
            }
            variety.entry(variant.backend).or_default().insert(named(&variant));
        }
        let activities = taken.iter().map(|taken| taken.cell().activity).collect();
        Self { taken, variety, endpoints, activities, tools }
    }

    /// What ran beside every cell; `None` where nothing did, or not the same.
    pub(super) fn beside_all(&self) -> Option<String> {
        self.activities.first().filter(|_| self.activities.len() == 1)?.phrase()
    }

    /// What `tool` of `run` says of its version, such as `iptables v1.8.9 (legacy)`; nothing where that is not known.
    pub(super) fn version(&self, run: usize, tool: &str) -> &str {
        self.tools[run].get(tool).map_or("", String::as_str)
    }

    /// The lines of `metric` in those cells.
    pub(super) fn lines(&self, metric: Metric, which: impl Fn(&Cell) -> bool) -> Vec<Line<'_>> {
        let mut lines: BTreeMap<(Asked, Option<Position>), Vec<&Taken>> = BTreeMap::new();
        for taken in self.taken.iter().filter(|taken| taken.gathered.metric == metric && which(taken.cell())) {
            lines.entry((Asked::of(taken), taken.cell().position)).or_default().push(taken);
        }
        let mut named = Vec::new();
        for (&(asked, position), own) in &lines {
            let mut taken = own.clone();
            let siblings = lines.iter().filter(|((other, _), _)| *other == asked);
            for (at, other) in siblings.flat_map(|((_, at), others)| others.iter().map(move |other| (at, *other))) {
                // Where two positions are one Service, only one of them is asked.
                let same = position.zip(*at).is_some_and(|(one, other_position)| {
                    one.index(other.services()) == other_position.index(other.services())
                });
                if same && taken.iter().all(|taken| taken.services() != other.services()) {
                    taken.push(other);
                }
            }
            taken.sort_by_key(|taken| taken.services());
            let several = lines.keys().filter(|(other, _)| *other == asked).count() > 1;
            let (clock, variant, name) = (taken[0].clock, self.variant(taken[0]), self.name(taken[0]));
            let placed = match position.filter(|_| several) {
                Some(position) => format!("{name} ({position})"),
                None => name.clone(),
            };
            named.push(Line { asked, clock, metric, position, variant, name, placed, taken });
        }
        named
    }

    /// All samples of `metric` at `services` in those cells that `line` is of; `None` where it was not measured.
    pub(super) fn sum(&self, line: &Line, metric: Metric, services: u32, which: impl Fn(&Cell) -> bool) -> Option<f64> {
        let lines = self.lines(metric, which);
        let samples = lines.iter().find(|other| line.same_cells(other))?.samples(services);
        (!samples.is_empty()).then(|| samples.iter().sum())
    }

    /// What of the cells that have `count` was not measured at all by `metric`, and why. A count needs no interval, and there
    /// may be one where there is no time: nobody answered.
    pub(super) fn uncounted(&self, metric: Metric, count: Metric, which: impl Fn(&Cell) -> bool) -> Vec<String> {
        let counted = |cell: &Cell| {
            self.taken
                .iter()
                .any(|taken| taken.gathered.metric == count && taken.cell() == cell && !taken.samples().is_empty())
        };
        self.lacks(metric, |cell| which(cell) && !counted(cell))
    }

    /// What of `metric` in those cells was not measured, or has no interval, and why.
    pub(super) fn lacks(&self, metric: Metric, which: impl Fn(&Cell) -> bool) -> Vec<String> {
        let asked = self.taken.iter().filter(|taken| taken.gathered.metric == metric && which(taken.cell()));
        asked.filter(|taken| taken.estimate(0.5).is_none()).map(|taken| self.lack(taken)).collect()
    }

    fn lack(&self, taken: &Taken) -> String {
        let Gathered { metric, outcome, reason, .. } = &taken.gathered;
        let position = taken.cell().position.filter(|_| self.has_positions(taken));
        let position = position.map(|position| format!(" ({position})")).unwrap_or_default();
        let of = format!("{metric} of {}{position} at {}", self.name(taken), services_of(taken.services()));
        match outcome {
            Outcome::Measured => {
                let samples = units::counted(taken.samples().len() as u64, "sample");
                format!("{of} has {samples}, too few for an interval (run more rounds)")
            }
            outcome => format!("{of} is {outcome} ({})", reason.trim_end_matches('.')),
        }
    }

    /// Whether the same was asked at other positions.
    fn has_positions(&self, taken: &Taken) -> bool {
        let same =
            |other: &&Taken| other.gathered.metric == taken.gathered.metric && Asked::of(other) == Asked::of(taken);
        self.taken.iter().filter(same).any(|other| other.cell().position != taken.cell().position)
    }

    /// A variant, as far as others of its backend are there, and what ran beside it.
    fn name(&self, taken: &Taken) -> String {
        let variant = self.variant(taken);
        match taken.cell().activity.phrase().filter(|_| self.activities.len() > 1) {
            Some(beside) => format!("{variant} {beside}"),
            None => variant,
        }
    }

    /// A variant, as far as others of its backend are there.
    fn variant(&self, taken: &Taken) -> String {
        let cell = taken.cell();
        let variant = cell.variant;
        let variety = &self.variety[&variant.backend];
        let several = |of: usize| variety.iter().map(|names| names[of]).collect::<BTreeSet<_>>().len() > 1;
        let [layout, way, kernel] = named(&variant);
        let mut parts = vec![variant.backend.name()];
        parts.extend(layout.filter(|_| several(0)));
        parts.extend(way.filter(|_| several(1) && cell.probe.programs()));
        let mut name = parts.join(" ");
        if let Some(kernel) = kernel.filter(|_| several(2)) {
            name += &format!(" on {kernel}");
        }
        if self.endpoints.get(&taken.run).is_some_and(|several| several.len() > 1) {
            name += &format!(" with {}", units::counted(cell.cluster.endpoints.into(), "endpoint"));
        }
        name
    }
}

/// What of a variant may have to be named: its layout, way and kernel.
fn named(variant: &Variant) -> [Option<&'static str>; 3] {
    [Some(variant.layout.name()), Some(variant.way.name()), variant.kernel.map(Interned::as_str)]
}

/// Whether a cell is of kube-proxy's iptables mode.
pub(super) fn is_iptables(cell: &Cell) -> bool {
    matches!(cell.variant.backend, BackendName::IptablesLegacy | BackendName::IptablesNft)
}

/// Whether a cell is of `backend`.
pub(super) fn is(backend: BackendName) -> impl Fn(&Cell) -> bool {
    move |cell| cell.variant.backend == backend
}
