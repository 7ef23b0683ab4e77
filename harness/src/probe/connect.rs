//! `connect`: new connections, one after the other, each timed until established and until the first byte.
//! Without endpoints, until it is refused.

use super::{Probe, Reading, left, middle, reading};
use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::lab::traffic::Dialed;
use crate::process::clock::ns;
use crate::tool::place::within;
use guests::mark::{Account, Accounts};
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::{Duration, Instant};

/// Connections before the timed ones, which fill caches and neighbour tables.
const WARM_UP: usize = 5;

/// How many connections make one sample, their median, in the `exact` target.
const EXACT: usize = 31;

pub(super) struct Connect;

impl Probe for Connect {
    fn name(&self) -> ProbeName {
        ProbeName::Connect
    }

    fn run(&self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let begun = Instant::now();
        let dialer = lab.dial(cell)?;
        let dials = if plan.target.is_exact() { EXACT } else { plan.dials as usize };
        let dialed = within(lab.client(cell.from), || {
            let mut dialed = Vec::with_capacity(WARM_UP + dials);
            for attempt in 0..WARM_UP + dials {
                left(begun, limit)?;
                let account = Account::open();
                let told = dialer.dial(attempt, &mut || account.step())?;
                dialed.push((told, account.took(told.first_byte)));
            }
            Ok::<_, CellError>(dialed)
        })?;
        let timed = |metric, time: fn(&Dialed) -> Duration, accounts: fn(&Dialed, Accounts) -> Accounts| {
            let dialed = &dialed[WARM_UP..];
            let samples: Vec<f64> = dialed.iter().map(|(dialed, _)| ns(time(dialed))).collect();
            let middle = middle(&samples).map(|place| accounts(&dialed[place].0, dialed[place].1));
            reading(plan, metric, samples).on(middle)
        };
        let connect = timed(Metric::Connect, |dialed| dialed.connect, |dialed, all| all.beginning(dialed.connect));
        if dialed.iter().any(|(dialed, _)| dialed.reached.is_none()) {
            return Ok(vec![connect]);
        }
        Ok(vec![connect, timed(Metric::FirstByte, |dialed| dialed.first_byte, |_, all| all)])
    }
}
