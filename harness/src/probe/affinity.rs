//! `affinity`: clients that come back to a Service with session affinity, each from an address of its own.
//!
//! ```text
//!   50 clients     new | come back, twice | ... the time of the affinity is over ... | come back
//!   a crowd of 150 an endpoint                                                          new | come back, in that order
//! ```
//!
//! The recent module of iptables remembers 100 clients a list, of which each endpoint has one: of a crowd it forgets some.

use super::{Probe, Reading, left, reading};
use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::lab::traffic::Dialed;
use crate::process::clock::ns;
use crate::process::interrupt;
use crate::tool::place::within;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

/// Clients that every way remembers, however few each of its lists takes.
const FEW: u32 = 50;
/// Clients of the crowd for each endpoint: half as many again as a list of the recent module takes.
const CROWD: u32 = 150;

pub(super) struct Affinity;

impl Probe for Affinity {
    fn name(&self) -> ProbeName {
        ProbeName::Affinity
    }

    fn run(&self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let begun = Instant::now();
        let Some(time) = plan.persistence else {
            let why = "without the key affinity no client stays with its endpoint";
            return Err(CellError::Skipped(why.to_owned()));
        };
        let dialer = lab.dial(cell)?;
        let crowd = lab.crowd()?;
        let of = |clients: Range<u32>| -> Result<Vec<Dialed>, CellError> {
            let dial = |number| {
                left(begun, limit)?;
                dialer.attempt_from((crowd.address(number), 0).into()).map_err(CellError::from)
            };
            within(lab.client(cell.from), || clients.clone().map(dial).collect())
        };
        let (few, many) = (0..FEW, FEW..FEW + CROWD * cell.cluster.endpoints.max(1));
        let new = of(few.clone())?;
        let again = [of(few.clone())?, of(few.clone())?].concat();
        rest(time + time / 4, begun, limit)?;
        let expired = of(few)?;
        let (first, second) = (of(many.clone())?, of(many)?);
        let moved = |before: &[Dialed], after: &[Dialed]| {
            let pairs = before.iter().cycle().zip(after);
            pairs.filter(|(before, after)| before.reached != after.reached).count()
        };
        let kept = expired.len() - moved(&new, &expired);
        let timed = |metric, dialed: &[Dialed]| {
            reading(plan, metric, dialed.iter().map(|dialed| ns(dialed.first_byte)).collect())
        };
        let count = |metric, count: usize| Reading::new(metric, vec![count as f64]);
        Ok(vec![
            timed(Metric::Affinity, &again),
            timed(Metric::AffinityNew, &new),
            count(Metric::AffinityReturned, again.len()),
            count(Metric::AffinityMoved, moved(&new, &again)),
            count(Metric::AffinityExpired, expired.len()),
            count(Metric::AffinityKept, kept),
            count(Metric::AffinityCrowd, second.len()),
            count(Metric::AffinityForgotten, moved(&first, &second)),
        ])
    }
}

/// Waits for `time`.
///
/// # Errors
/// `OverBudget` where that is more than is left of `limit` since `begun`.
fn rest(time: Duration, begun: Instant, limit: Duration) -> Result<(), CellError> {
    const STEP: Duration = Duration::from_millis(100);
    if left(begun, limit)? < time {
        return Err(CellError::OverBudget(format!("the affinity takes {time:?} to be over, which is not left")));
    }
    let end = Instant::now() + time;
    while Instant::now() < end {
        if interrupt::requested() {
            return Err(CellError::Interrupted);
        }
        thread::sleep(STEP.min(end.saturating_duration_since(Instant::now())));
    }
    Ok(())
}
