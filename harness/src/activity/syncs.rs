//! Endpoints that change at a rate, and a node that is synced as kube-proxy does it.
//!
//! ```text
//!   changes  ||||||||||||||||||||||||||||||…      each gives an endpoint of the middle Service another address
//!   syncs    #         #         #                 one each minSyncPeriod: it sees only the last of many changes
//!   full               #                           everything is written again, once each syncPeriod
//! ```
//!
//! Two addresses alternate, because a layout does the same for an old address as for a new one; only IPVS may find a server
//! that it removed before. A sync that is late is followed by the next at once, and those that it covers are not made. The
//! syncs are rendered ahead, so the lab's own rendering is not counted. The clean-up that kube-proxy does later is.

use super::{Beside, Course};
use crate::cell_error::CellError;
use crate::driver::{Cost, Driver, Steps};
use crate::lab::Lab;
use crate::probe::reading::Reading;
use crate::process::clock::ns;
use crate::process::interrupt;
use crate::tool::place::Place;
use lab_core::cell::Churn;
use lab_core::change::Change;
use lab_core::cluster::Cluster;
use lab_core::metric::Metric;
use std::time::{Duration, Instant};

/// Time for one sync that runs beside a probe.
const LIMIT: Duration = Duration::from_secs(300);

/// The activity.
pub(super) struct Churning(pub(super) Churn);

impl Beside for Churning {
    fn run(&self, lab: &dyn Lab, course: &Course) -> Result<Vec<Reading>, CellError> {
        let mut syncs = Syncs::of(lab);
        course.begin();
        let kept_up = syncs.keep_up(self.0, Instant::now(), |due| course.wait_until(due), || Ok(LIMIT));
        course.clear();
        syncs.settle(kept_up)?;
        Ok(syncs.readings())
    }
}

/// The syncs of a node whose endpoints change.
pub(crate) struct Syncs<'a> {
    driver: &'a dyn Driver,
    node: &'a dyn Place,
    cluster: &'a Cluster,
    undone: Change,
    replace: Box<dyn Steps + 'a>,
    restore: Box<dyn Steps + 'a>,
    /// What the syncs of changes cost, one after the other.
    pub(crate) costs: Vec<Cost>,
    /// What the syncs of everything cost.
    full: Vec<Cost>,
}

impl<'a> Syncs<'a> {
    /// Those of the node of `lab`; none is made yet.
    pub(crate) fn of(lab: &'a dyn Lab) -> Self {
        let (driver, node) = (lab.driver(), lab.node());
        let change = Change::replacing_endpoint(lab.cluster(), lab.supply());
        let undone = change.undone();
        let [replace, restore] = [&change, &undone].map(|change| driver.steps(change));
        Self { driver, node, cluster: lab.cluster(), undone, replace, restore, costs: Vec::new(), full: Vec::new() }
    }

    /// How many syncs were made.
    pub(crate) fn made(&self) -> usize {
        self.costs.len() + self.full.len()
    }

    /// Makes syncs as `churn` says, from `start` on. Before each it waits with `pause` until it is due, and stops if that says
    /// no; each may take `left`.
    pub(crate) fn keep_up(
        &mut self,
        churn: Churn,
        start: Instant,
        mut pause: impl FnMut(Instant) -> bool,
        left: impl Fn() -> Result<Duration, CellError>,
    ) -> Result<(), CellError> {
        let mut change = churn.sync_period().map(|period| (start, period));
        let mut full = churn.full_sync_period().map(|period| (start + period, period.max(Duration::from_millis(1))));
        loop {
            let Some(due) = [change, full].into_iter().flatten().map(|(due, _)| due).min() else {
                // Nothing is ever due.
                while pause(Instant::now() + LIMIT) {}
                return Ok(());
            };
            if !pause(due) {
                return Ok(());
            }
            if interrupt::requested() {
                return Err(CellError::Interrupted);
            }
            if full.is_some_and(|(full, _)| full == due) {
                let cost = self.driver.resync(self.node, self.cluster, left()?)?;
                self.full.push(cost);
                full = full.map(next);
            } else {
                self.sync(left()?)?;
                change = change.map(next);
            }
        }
    }

    fn sync(&mut self, left: Duration) -> Result<(), CellError> {
        let steps = if self.costs.len().is_multiple_of(2) { &self.replace } else { &self.restore };
        let cost = steps.take(self.node, left)?;
        self.costs.push(cost);
        steps.clean_up(self.node, left)
    }

    /// Reads back what the node holds if all syncs were `kept_up`, and takes the last change back. Then the node must be as
    /// before.
    pub(crate) fn settle(&self, kept_up: Result<(), CellError>) -> Result<(), CellError> {
        // Counts are the same before and after the change, so counting would not show it.
        let right = if kept_up.is_ok() { self.driver.verify(self.node) } else { Ok(()) };
        if !self.costs.len().is_multiple_of(2) {
            self.driver.undo(self.node, &self.undone, LIMIT)?;
        }
        kept_up?;
        right?;
        self.driver.count(self.node, self.cluster)?;
        self.driver.verify(self.node)
    }

    /// How long the syncs took.
    pub(crate) fn readings(&self) -> Vec<Reading> {
        let of = |metric, costs: &[Cost]| Reading::new(metric, costs.iter().map(|cost| ns(cost.wall)).collect());
        let all = [of(Metric::SyncBeside, &self.costs), of(Metric::FullSyncBeside, &self.full)];
        all.into_iter().filter(|reading| !reading.samples.is_empty()).collect()
    }
}

/// When the next one is due: a period after this one, or at once if that is over.
fn next((due, period): (Instant, Duration)) -> (Instant, Duration) {
    ((due + period).max(Instant::now()), period)
}
