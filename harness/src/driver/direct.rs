//! The driver of a node without Services: it does nothing, and nothing is installed.

use super::{Cost, Driver, Kind, Loaded, Operation, Steps};
use crate::cell_error::CellError;
use crate::tool::place::Place;
use lab_core::change::Change;
use lab_core::cluster::Cluster;
use lab_core::metric::Metric;
use lab_core::vocabulary::BackendName;
use std::time::Duration;

pub(super) const KIND: Kind =
    Kind { drives: |load| load.variant.backend == BackendName::Direct, make: |_, _, _| Box::new(Direct) };

struct Direct;

impl Driver for Direct {
    fn prepare(&self, _: &dyn Place) -> Result<(), CellError> {
        Ok(())
    }

    fn load(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<Loaded, CellError> {
        Ok(Loaded::default())
    }

    fn steps<'a>(&'a self, _: &Change) -> Box<dyn Steps + 'a> {
        Box::new(NoSteps)
    }

    fn flush(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<(), CellError> {
        Ok(())
    }

    fn count(&self, _: &dyn Place, _: &Cluster) -> Result<Vec<(Metric, f64)>, CellError> {
        Ok(Vec::new())
    }

    fn start(&self, _: &dyn Place, _: Operation<'_>) -> Result<Option<Cost>, CellError> {
        Ok(None)
    }
}

struct NoSteps;

impl Steps for NoSteps {
    fn take(&self, _: &dyn Place, _: Duration) -> Result<Cost, CellError> {
        Ok(Cost::default())
    }
}
