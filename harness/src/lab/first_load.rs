//! The load that brings a lab up. It is a sample, too, if it is measured.

use crate::cell_error::CellError;
use crate::driver::{Driver, Loaded};
use crate::tool::place::Place;
use lab_core::cluster::Cluster;
use std::time::Duration;

/// The load that brought the lab up, until a probe reports it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FirstLoad {
    /// It was measured.
    Owed(Loaded),
    /// It ran out of time. The node was then loaded in the quickest way.
    OverBudget(CellError),
    /// It was not measured, or a probe has reported it.
    Done,
}

impl FirstLoad {
    /// Loads the node that `build` makes, `measured` or in the quickest way.
    pub(super) fn of<N: Place>(
        driver: &dyn Driver,
        cluster: &Cluster,
        measured: bool,
        (budget, quick): (Duration, Duration),
        build: impl Fn() -> anyhow::Result<N>,
    ) -> Result<(N, Self), CellError> {
        let node = build()?;
        if !measured {
            driver.quick_install(&node, cluster, quick)?;
            return Ok((node, Self::Done));
        }
        match driver.install(&node, cluster, budget) {
            Ok(loaded) => Ok((node, Self::Owed(loaded))),
            Err(error @ CellError::OverBudget(_)) => {
                drop(node);
                let node = build()?;
                // If both time out, report the measured load's error.
                driver.quick_install(&node, cluster, quick).map_err(|_| error.clone())?;
                Ok((node, Self::OverBudget(error)))
            }
            Err(error) => Err(error),
        }
    }
}
