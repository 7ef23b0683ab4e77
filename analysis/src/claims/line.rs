//! What one variant was measured at several sizes.

use super::estimate::Estimate;
use super::finding::{Figure, Measure};
use super::taken::Taken;
use lab_core::cell::Contender;
use lab_core::metric::Metric;
use lab_core::units;
use lab_core::vocabulary::{Clock, Position};
use std::collections::BTreeMap;
use std::ops::Deref;

/// What a line is of: a variant in one run, with so many endpoints a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    pub(super) run: usize,
    pub(super) contender: Contender,
    /// Of a described mix and of an imported cluster the median.
    pub(super) endpoints: u32,
}

impl Asked {
    pub(super) fn of(taken: &Taken) -> Self {
        let cell = taken.cell();
        Self { run: taken.run, contender: cell.contender(), endpoints: cell.cluster.endpoints }
    }
}

/// A metric of one variant, in one run and at one position, by the number of Services.
pub(super) struct Line<'a> {
    pub(super) asked: Asked,
    pub(super) clock: Clock,
    pub(super) metric: Metric,
    pub(super) position: Option<Position>,
    /// Its variant, as far as that has to be told from others.
    pub(super) variant: String,
    /// The same, and what ran beside it.
    pub(super) name: String,
    /// The same, and its position where there are others.
    pub(super) placed: String,
    /// Ascending in the number of Services.
    pub(super) taken: Vec<&'a Taken>,
}

impl Deref for Line<'_> {
    type Target = Asked;
    fn deref(&self) -> &Asked {
        &self.asked
    }
}

impl Line<'_> {
    /// The median at `services`, if it has an interval.
    pub(super) fn at(&self, services: u32) -> Option<Estimate> {
        self.quantile(services, 0.5)
    }

    /// The quantile `q` at `services`, if it has an interval.
    pub(super) fn quantile(&self, services: u32, q: f64) -> Option<Estimate> {
        self.taken.iter().find(|taken| taken.services() == services)?.estimate(q)
    }

    /// The medians that have intervals.
    pub(super) fn medians(&self) -> Vec<(u32, Estimate)> {
        self.quantiles(0.5)
    }

    /// The quantiles `q` that have intervals.
    pub(super) fn quantiles(&self, q: f64) -> Vec<(u32, Estimate)> {
        self.taken.iter().filter_map(|taken| Some((taken.services(), taken.estimate(q)?))).collect()
    }

    /// The smallest and the largest size with a median, and that; `None` where there are not two.
    pub(super) fn ends(&self) -> Option<[(u32, Estimate); 2]> {
        match self.medians()[..] {
            [first, .., last] => Some([first, last]),
            _ => None,
        }
    }

    /// All samples at `services`.
    pub(super) fn samples(&self, services: u32) -> Vec<f64> {
        let taken = self.taken.iter().find(|taken| taken.services() == services);
        taken.map_or_else(Vec::new, |taken| taken.samples())
    }

    /// The samples at `services` of each round and replica.
    pub(super) fn rounds(&self, services: u32) -> BTreeMap<(u32, u32), Vec<f64>> {
        let taken = self.taken.iter().find(|taken| taken.services() == services);
        taken.map(|taken| taken.gathered.passes.clone()).unwrap_or_default()
    }

    /// What it is called at `services`: `nftables beside churn 10/s synced at once at 5,000 Services`.
    pub(super) fn case(&self, services: u32) -> String {
        format!("{} at {}", self.placed, services_of(services))
    }

    /// `estimate` as a figure of it at `services`.
    pub(super) fn figure(&self, services: u32, estimate: Estimate) -> Figure {
        let what = format!("{} of {}", self.metric, self.case(services));
        Figure { what, estimate, measure: Measure::of(self.metric, self.clock) }
    }

    /// A ratio as a figure of it.
    pub(super) fn ratio(&self, of: &str, estimate: Estimate) -> Figure {
        Figure { what: format!("{} of {}, {of}", self.metric, self.placed), estimate, measure: Measure::Ratio }
    }

    /// Whether `other` is of the same cells, in whatever metric.
    pub(super) fn same_cells(&self, other: &Self) -> bool {
        (self.asked, self.position) == (other.asked, other.position)
    }

    /// Whether `other` installs the same on the same kernel, in whatever way.
    pub(super) fn same_rules(&self, other: &Self) -> bool {
        let rules = |line: &Self| (line.run, line.contender.layout, line.contender.kernel, line.endpoints);
        rules(self) == rules(other)
    }

    /// Whether `other` is the same variant, in whatever metric and beside whatever activity.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        let plain = |line: &Self| {
            let contender = Contender { activity: Default::default(), ..line.contender };
            (Asked { contender, ..line.asked }, line.position)
        };
        plain(self) == plain(other)
    }
}

/// `5,000 Services`.
pub(super) fn services_of(services: u32) -> String {
    units::counted(services.into(), "Service")
}

/// `from 1,000 to 5,000 Services`.
pub(super) fn from_to(few: u32, many: u32) -> String {
    format!("from {} to {}", units::count(few.into()), services_of(many))
}

/// `one`, `one and another`, `one, another and a third`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}
