//! What programs a node with a cluster's Services: the trait, and every driver.
//!
//! The lab brings nodes up, probes ask them, and neither knows how a node is programmed. A driver may call tools, make
//! requests to the kernel, or start a program that does it.
//!
//! # How to add a driver
//!
//! 1. `lab-core/src/vocabulary/mod.rs`: the word by which a variant names it, a way for example.
//! 2. `harness/src/driver/NAME.rs`: a type that implements [`Driver`], and its `KIND`, which says which loads it drives.
//!    `direct.rs` is the smallest example. What it cannot do (`append`, `start`) it leaves to the trait.
//! 3. This file: its `mod` line, and `NAME::KIND` in [`KINDS`], ahead of `rules::KIND`, which drives all others.

mod cost;
mod direct;
pub(crate) mod kube_proxy;
mod rules;
mod trial;

pub(crate) use cost::Cost;
pub(crate) use rules::listings;
pub(crate) use trial::check;

use crate::cell_error::CellError;
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

/// What programs one node, from its making until it is dropped.
pub(crate) trait Driver: Send + Sync {
    /// Sets up what comes before the first load and does not depend on the Services. It is not measured.
    fn prepare(&self, node: &dyn Place) -> Result<(), CellError>;

    /// From a prepared `node` without Services to the whole of `cluster`.
    fn load(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Loaded, CellError>;

    /// Prepares an empty `node`, loads `cluster`, counts what is installed then and reads it back.
    fn install(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Loaded, CellError> {
        self.prepare(node)?;
        let mut loaded = self.load(node, cluster, limit)?;
        loaded.counts.extend(self.count(node, cluster)?);
        self.verify(node)?;
        Ok(loaded)
    }

    /// As [`install`](Self::install), in the quickest way there is: nothing of it is measured.
    fn quick_install(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError> {
        self.install(node, cluster, limit).map(drop)
    }

    /// Prepares what applies `change`, so that no time goes into that later.
    fn steps<'a>(&'a self, change: &Change) -> Box<dyn Steps + 'a>;

    /// Applies `change`, and cleans up after it, which is not measured.
    fn apply(&self, node: &dyn Place, change: &Change, limit: Duration) -> Result<Cost, CellError> {
        let steps = self.steps(change);
        let cost = steps.take(node, limit)?;
        steps.clean_up(node, limit)?;
        Ok(cost)
    }

    /// Applies the change that takes an earlier one back. It is not measured.
    fn undo(&self, node: &dyn Place, undone: &Change, limit: Duration) -> Result<(), CellError> {
        self.apply(node, undone, limit).map(drop)
    }

    /// Applies `change` while connections lead to an endpoint that it takes away. It is not measured.
    fn drain(&self, node: &dyn Place, change: &Change, limit: Duration) -> Result<(), CellError> {
        self.apply(node, change, limit).map(drop)
    }

    /// Applies the change that takes a drained one back. It is not measured.
    fn end_draining(&self, node: &dyn Place, undone: &Change, limit: Duration) -> Result<(), CellError> {
        self.undo(node, undone, limit)
    }

    /// Adds one rule on top of `cluster`, the way an administrator does it by hand.
    ///
    /// # Errors
    /// `Skipped` from a driver that has no such way.
    fn append(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        let _ = (node, cluster, limit);
        Err(CellError::Skipped("what programs this node has no command that adds a single rule".to_owned()))
    }

    /// Takes away the rule that [`append`](Self::append) added. It is not measured.
    fn take_away(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError> {
        let _ = (node, cluster, limit);
        Ok(())
    }

    /// From a prepared `node` without Services to the whole of `cluster`, with a call of the command-line tool for each rule.
    ///
    /// # Errors
    /// `Skipped` from a driver that has no such tool.
    fn build_one_by_one(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Loaded, CellError> {
        let _ = (node, cluster, limit);
        Err(CellError::Skipped("what programs this node has no command that adds a single rule".to_owned()))
    }

    /// Begins to load `cluster` into a prepared `node` without Services, so that the kernel refuses it half-way.
    ///
    /// # Errors
    /// `Skipped` from a driver that has no such load; `Failed` if the kernel takes it.
    fn fail(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        let _ = (node, cluster, limit);
        Err(CellError::Skipped("what programs this node writes nothing that the kernel refuses".to_owned()))
    }

    /// Empties `node` of `cluster`, which is installed, and of what was prepared.
    fn flush(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<(), CellError>;

    /// Counts what is installed.
    ///
    /// # Errors
    /// `Failed` where that is not what `cluster` needs.
    fn count(&self, node: &dyn Place, cluster: &Cluster) -> Result<Vec<(Metric, f64)>, CellError>;

    /// In which order a new packet is tried against Services, by their addresses: the place of each. `None` where it is the
    /// cluster's own, or there is none.
    ///
    /// # Errors
    /// `Failed` if it cannot be read.
    fn order(&self, node: &dyn Place) -> Result<Option<HashMap<SocketAddr, usize>>, CellError> {
        let _ = node;
        Ok(None)
    }

    /// Reads back what `node` holds, and compares it with what was done to it, rule for rule. It is not measured.
    ///
    /// # Errors
    /// `Failed` with what differs.
    fn verify(&self, node: &dyn Place) -> Result<(), CellError> {
        let _ = node;
        Ok(())
    }

    /// Ends what programs the node and starts it again, on a node that holds the rules of `cluster`.
    ///
    /// # Errors
    /// `Skipped` where nothing does.
    fn restart(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        let _ = (node, cluster, limit);
        Err(CellError::Skipped("nothing programs this node".to_owned()))
    }

    /// Has the driver write everything again, where nothing changed of `cluster`.
    ///
    /// # Errors
    /// `Skipped` from a driver that does not.
    fn resync(&self, node: &dyn Place, cluster: &Cluster, limit: Duration) -> Result<Cost, CellError> {
        let _ = (node, cluster, limit);
        Err(CellError::Skipped("the lab itself programs this node, and writes nothing by itself".to_owned()))
    }

    /// Says what it costs to do nothing for a while.
    ///
    /// # Errors
    /// `Skipped` from a driver that does not.
    fn idle(&self, node: &dyn Place) -> Result<Vec<(Metric, f64)>, CellError> {
        let _ = node;
        Err(CellError::Skipped("the lab itself programs this node, and does nothing by itself".to_owned()))
    }

    /// What it costs to start the tool behind `operation`, which then does nothing. `None` where no tool is started.
    fn start(&self, node: &dyn Place, operation: Operation<'_>) -> Result<Option<Cost>, CellError> {
        let _ = (node, operation);
        Ok(None)
    }
}

/// A change, ready to be applied.
pub(crate) trait Steps {
    /// Applies it.
    fn take(&self, node: &dyn Place, limit: Duration) -> Result<Cost, CellError>;

    /// Does what the driver leaves to a time after the change.
    fn clean_up(&self, node: &dyn Place, limit: Duration) -> Result<(), CellError> {
        let _ = (node, limit);
        Ok(())
    }
}

/// What a driver starts a tool for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    /// A load or a change.
    Sync,
    /// A single rule on top of a cluster.
    Append(&'a Cluster),
}

/// What a full load cost, and what it left behind.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Loaded {
    pub(crate) cost: Cost,
    /// What is in the kernel now, what tools were given, each by its metric.
    pub(crate) counts: Vec<(Metric, f64)>,
}

/// Makes a driver for a node that is to be loaded so.
pub(crate) type Make = fn(&Load, &Plan, &'static dyn Runner) -> Box<dyn Driver>;

/// A kind of driver.
struct Kind {
    /// Whether it is the one for such a load.
    drives: fn(&Load) -> bool,
    make: Make,
}

/// Every kind of driver. The first one that drives a load is the one that does.
static KINDS: &[Kind] = &[direct::KIND, kube_proxy::KIND, rules::KIND];

/// The driver for a node that is to be loaded with `load`.
pub(crate) fn of(load: &Load, plan: &Plan, runner: &'static dyn Runner) -> Box<dyn Driver> {
    let kind = KINDS.iter().find(|kind| (kind.drives)(load));
    (kind.expect("the last kind drives everything").make)(load, plan, runner)
}
