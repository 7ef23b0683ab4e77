//! A driver whose measured operations are slower: loads, changes and appended rules, but not what it undoes, counts or
//! cleans up.

use super::late::{LATE, Late};
use crate::cell_error::CellError;
use crate::driver::{self, Cost, Driver, Loaded, Operation, Steps};
use crate::tool::Runner;
use crate::tool::place::Place;
use lab_core::cell::Load;
use lab_core::change::Change;
use lab_core::cluster::Cluster;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

/// The driver for such a load, slower by whatever [`LATE`] is told.
pub(super) fn slowed(load: &Load, plan: &Plan, runner: &'static dyn Runner) -> Box<dyn Driver> {
    Box::new(Slowed { driver: driver::of(load, plan, runner), late: &LATE })
}

pub(super) struct Slowed {
    pub(super) driver: Box<dyn Driver>,
    pub(super) late: &'static Late,
}

impl Driver for Slowed {
    fn prepare(&self, node: &dyn Place) -> Result<(), CellError> {
        self.driver.prepare(node)
    }

    fn load(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Loaded, CellError> {
        self.late.during(|| self.driver.load(node, cluster, limit))
    }

    fn quick_install(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError> {
        self.driver.quick_install(node, cluster, limit)
    }

    fn steps<'a>(&'a self, change: &Change) -> Box<dyn Steps + 'a> {
        Box::new(SlowedSteps { steps: self.driver.steps(change), late: self.late })
    }

    fn undo(&self, node: &dyn Place, undone: &Change, limit: Duration) -> Result<(), CellError> {
        self.driver.undo(node, undone, limit)
    }

    fn drain(&self, node: &dyn Place, change: &Change, limit: Duration) -> Result<(), CellError> {
        self.driver.drain(node, change, limit)
    }

    fn end_draining(&self, node: &dyn Place, undone: &Change, limit: Duration) -> Result<(), CellError> {
        self.driver.end_draining(node, undone, limit)
    }

    fn append(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        self.late.during(|| self.driver.append(node, cluster, limit))
    }

    fn take_away(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError> {
        self.driver.take_away(node, cluster, limit)
    }

    fn build_one_by_one(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Loaded, CellError> {
        self.late.during(|| self.driver.build_one_by_one(node, cluster, limit))
    }

    fn fail(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        self.late.during(|| self.driver.fail(node, cluster, limit))
    }

    fn flush(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError> {
        self.driver.flush(node, cluster, limit)
    }

    fn count(&self, node: &dyn Place, cluster: &Cluster) -> Result<Vec<(Metric, f64)>, CellError> {
        self.driver.count(node, cluster)
    }

    fn order(&self, node: &dyn Place) -> Result<Option<HashMap<SocketAddr, usize>>, CellError> {
        self.driver.order(node)
    }

    fn restart(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        self.late.during(|| self.driver.restart(node, cluster, limit))
    }

    fn resync(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        self.late.during(|| self.driver.resync(node, cluster, limit))
    }

    fn idle(&self, node: &dyn Place) -> Result<Vec<(Metric, f64)>, CellError> {
        self.driver.idle(node)
    }

    fn verify(&self, node: &dyn Place) -> Result<(), CellError> {
        self.driver.verify(node)
    }

    fn start(&self, node: &dyn Place, operation: Operation<'_>) -> Result<Option<Cost>, CellError> {
        self.driver.start(node, operation)
    }
}

struct SlowedSteps<'a> {
    steps: Box<dyn Steps + 'a>,
    late: &'a Late,
}

impl Steps for SlowedSteps<'_> {
    fn take(&self, node: &dyn Place, limit: Duration) -> Result<Cost, CellError> {
        self.late.during(|| self.steps.take(node, limit))
    }

    fn clean_up(&self, node: &dyn Place, limit: Duration) -> Result<(), CellError> {
        self.steps.clean_up(node, limit)
    }
}
