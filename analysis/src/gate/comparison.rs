//! Two runs beside each other: a change for every cell and metric.

use super::compared::{Basis, Compared};
use super::difference::{Aspect, Bearing, Difference, differences};
use super::evidence::{Evidence, Key};
use super::exact;
use super::layouts::aligned;
use super::name::Names;
use super::policy::{Gating, Numbers, Policy};
use super::times::Times;
use lab_core::dataset::Dataset;
use lab_core::stats;
use lab_core::vocabulary::Clock;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};

/// Two runs, cell by cell and metric by metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The id of the run that is compared with.
    pub before: String,
    /// The id of the run that is compared.
    pub after: String,
    /// The clock of every duration.
    pub clock: Clock,
    /// What the runs differ in besides.
    pub differences: Vec<Difference>,
    /// Every cell and metric of either run, what matters most first: see [`compare`].
    pub rows: Vec<Compared>,
}

impl Comparison {
    /// Whether the runs' guests were of the same files and had the same entropy, so that what they count is the same to the
    /// digit unless something in them changed.
    #[must_use]
    pub fn same_guests(&self) -> bool {
        let guest = [Aspect::Target, Aspect::Plan, Aspect::Kernel, Aspect::Tools, Aspect::Layout, Aspect::Guest];
        self.clock == Clock::Instructions && !self.differences.iter().any(|found| guest.contains(&found.aspect))
    }

    /// Whether both runs measured the same kernel with the same tools.
    pub(super) fn same_software(&self) -> bool {
        !self.differences.iter().any(|found| [Aspect::Kernel, Aspect::Tools].contains(&found.aspect))
    }
}

/// Puts `before` and `after` beside each other.
///
/// Rows are the cells and metrics of either; none where a difference [forbids](Bearing::Forbids) comparing. First come those
/// that gate by the default policy and look worse, by how much; then those that look better, then what one of the runs has
/// not, then the rest in the order of the plan.
#[must_use]
pub fn compare(before: &Dataset, after: &Dataset) -> Comparison {
    let (was, is) = (Evidence::of(&aligned(before, after)), Evidence::of(after));
    Runs { before: &was, after: &is }.compare(before, after, &Policy::default())
}

/// Two runs with what they have to say.
pub(super) struct Runs<'a> {
    pub(super) before: &'a Evidence,
    pub(super) after: &'a Evidence,
}

impl Runs<'_> {
    /// [`compare`], with the noise and the order that `policy` says.
    pub(super) fn compare(&self, before: &Dataset, after: &Dataset, policy: &Policy) -> Comparison {
        let mut comparison = Comparison {
            before: before.header.id.clone(),
            after: after.header.id.clone(),
            clock: after.header.clock,
            differences: differences(before, after),
            rows: Vec::new(),
        };
        if comparison.differences.iter().any(|difference| difference.bearing == Bearing::Forbids) {
            return comparison;
        }
        let pairs = Pairs {
            same_guests: comparison.same_guests(),
            same_software: comparison.same_software(),
            clock: comparison.clock,
            before: self.before,
            after: self.after,
            policy,
        };
        comparison.rows = pairs.rows();
        comparison
    }
}

/// Two runs whose rows are being paired.
struct Pairs<'a> {
    same_guests: bool,
    same_software: bool,
    clock: Clock,
    before: &'a Evidence,
    after: &'a Evidence,
    policy: &'a Policy,
}

impl Pairs<'_> {
    fn rows(&self) -> Vec<Compared> {
        let (before, after) = (self.before, self.after);
        let known: HashSet<Key> = before.keys().iter().copied().collect();
        let new = after.keys().iter().filter(|key| !known.contains(key));
        let keys: Vec<Key> = before.keys().iter().chain(new).copied().collect();
        let names = Names::of(keys.iter().map(|(cell, _)| cell));
        let mut rows: Vec<Compared> = keys.iter().map(|key| self.row(*key, &names)).collect();
        rows.sort_by_cached_key(|row| standing(row, self.policy));
        rows
    }

    fn row(&self, key: Key, names: &Names) -> Compared {
        let (cell, metric) = key;
        let exact = Numbers::of(metric, self.clock) == Numbers::Exact;
        // Replicas of the same guest with the same entropy are the same; any other replica is of no use beside them.
        let shared = (self.same_guests && exact).then(|| {
            let passes = |run: &Evidence| run.passes(key).map(|passes| passes.keys().copied().collect::<BTreeSet<_>>());
            let (was, is) = (passes(self.before).unwrap_or_default(), passes(self.after).unwrap_or_default());
            was.intersection(&is).copied().collect::<BTreeSet<_>>()
        });
        let only = shared.as_ref().filter(|shared| !shared.is_empty());
        let (before, after) = (self.before.side(key, only), self.after.side(key, only));
        let name = names.row(&cell, metric);
        let mut row = Compared { cell, name, metric, before, after, basis: Basis::Exact, change: None };
        if exact {
            let median = |run: &Evidence| stats::median(&run.medians(key, only));
            let medians = median(self.before).zip(median(self.after));
            row.change = medians.and_then(|(was, is)| exact::change(was, is));
        } else {
            let times = Times::of(self.before, &[self.after], key, self.same_software);
            row.basis = times.basis();
            row.change = times.change(row.basis, self.policy.noise_of(&cell, metric));
        }
        row
    }
}

/// Where a row stands among others.
fn standing(row: &Compared, policy: &Policy) -> (u8, Reverse<u64>) {
    let allowed = policy.of(&row.cell, row.metric, row.numbers());
    let gates = allowed.gating == Gating::Gates;
    let Some(change) = row.change else {
        let one_sided = row.before.as_ref().and_then(|side| side.median).is_some();
        return (if gates && one_sided { 2 } else { 3 }, Reverse(0));
    };
    let worse = row.metric.cost(change.ratio);
    let surely = change.low > 1.0 || change.high < 1.0;
    let size = worse.max(1.0 / worse);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size to sort by")]
    let by_size = Reverse((size.min(1e9) * 1e6) as u64);
    match () {
        () if gates && surely && size > 1.0 + allowed.allowance => (u8::from(worse < 1.0), by_size),
        () => (3, Reverse(0)),
    }
}
