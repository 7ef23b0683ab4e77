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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::fake::Fake;
    use crate::tool::place::Here;

    fn over(what: &str) -> CellError {
        CellError::OverBudget(what.to_owned())
    }

    /// The first load with a driver that ends as `script` says, and what it did.
    fn first(
        measured: bool,
        script: fn(&str, usize) -> Result<(), CellError>,
    ) -> (Result<FirstLoad, CellError>, String) {
        let fake = Fake::of(script);
        let load =
            FirstLoad::of(&fake, &fake.cluster, measured, (Duration::from_secs(9), Duration::from_secs(27)), || {
                Ok(Here)
            });
        (load.map(|(_, load)| load), fake.done())
    }

    #[test]
    fn a_first_load_is_owed_to_the_probe_that_reports_it() {
        let (load, done) = first(true, |_, _| Ok(()));
        assert!(matches!(load, Ok(FirstLoad::Owed(_))), "{load:?}");
        assert_eq!(done, "prepare load count verify");
        assert_eq!(first(false, |_, _| Ok(())), (Ok(FirstLoad::Done), "quick_install".to_owned()));
    }

    #[test]
    fn a_first_load_out_of_time_is_reported_and_the_node_is_loaded_all_the_same() {
        let (load, done) = first(true, |what, _| if what == "load" { Err(over("slow")) } else { Ok(()) });
        assert_eq!(load, Ok(FirstLoad::OverBudget(over("slow"))));
        assert_eq!(done, "prepare load quick_install");
        let both = |what: &str, _| if what == "prepare" { Ok(()) } else { Err(over(what)) };
        assert_eq!(first(true, both).0, Err(over("load")));
    }

    #[test]
    fn a_first_load_that_fails_brings_no_lab_up() {
        let failed = |what: &str, _| if what == "count" { Err(CellError::Failed("47".to_owned())) } else { Ok(()) };
        assert_eq!(first(true, failed), (Err(CellError::Failed("47".to_owned())), "prepare load count".to_owned()));
    }
}
