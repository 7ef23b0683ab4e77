//! `removed_endpoint`: an endpoint of the middle Service is removed while connections lead to it. Then they end, and new ones
//! are opened from the same ports.
//!
//! ```text
//!   8 connections  open to the endpoint | asked again | closed by the server
//!   the node                            | sync
//!   new ones                                                                 | from the same addresses and ports
//! ```
//!
//! The pod goes on answering, as one does that ends in order. So a connection that stays is answered. One that is opened from the
//! same port shows whether the kernel still remembers the last one: it must reach another endpoint.

use super::{Probe, Reading, left, must_be_as_before, reading};
use crate::activity::open_loop::Answer;
use crate::cell_error::CellError;
use crate::lab::unanswered::Unanswered;
use crate::lab::{Dial, Held, Lab};
use crate::process::clock::ns;
use crate::process::interrupt;
use crate::tool::place::within;
use lab_core::cell::Cell;
use lab_core::change::Change;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::{Origin, ProbeName};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// How many connections lead to the endpoint.
const CONNECTIONS: usize = 8;
/// How many are opened at most, until so many do.
const TRIES: usize = 1000;
/// Until a connection that both sides closed is over.
const OVER: Duration = Duration::from_millis(100);

pub(super) struct RemovedEndpoint;

impl Probe for RemovedEndpoint {
    fn name(&self) -> ProbeName {
        ProbeName::RemovedEndpoint
    }

    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let begun = Instant::now();
        let (driver, node, client) = (lab.driver(), lab.node(), lab.client(Origin::Pod));
        let change = Change::replacing_endpoint(lab.cluster(), lab.supply());
        let dialer = lab.dial_changed(&change)?;
        let leaving = dialer.substitute().map(|substitute| substitute.leaving);
        let leaving = leaving.ok_or_else(|| CellError::Skipped("no endpoint is replaced by another".to_owned()))?;
        let mut held = within(client, || open(&*dialer, leaving))?;
        let drained = left(begun, limit).and_then(|left| driver.drain(node, &change, left));
        let told = drained.and_then(|()| {
            driver.verify(node)?;
            within(client, || again(&*dialer, std::mem::take(&mut held), leaving))
        });
        let restored = driver.end_draining(node, &change.undone(), limit);
        let told = told?;
        restored?;
        must_be_as_before(lab)?;
        Ok(told.readings(plan))
    }
}

/// Opens connections until enough of them lead to `leaving`. The others are closed.
fn open<'a>(dialer: &'a dyn Dial, leaving: SocketAddr) -> Result<Vec<Box<dyn Held + 'a>>, CellError> {
    let mut held = Vec::new();
    for _ in 0..TRIES {
        if interrupt::requested() {
            return Err(CellError::Interrupted);
        }
        let mut one = dialer.hold()?;
        if one.ask()? == Answer::Given && one.reached() == Some(leaving) {
            held.push(one);
        }
        if held.len() == CONNECTIONS {
            return Ok(held);
        }
    }
    match held.len() {
        0 => Err(CellError::Failed(format!("none of {TRIES} connections reached {leaving}"))),
        _ => Ok(held),
    }
}

/// What became of the connections, and of those from their ports.
#[derive(Default)]
struct Told {
    open: usize,
    broken: usize,
    lost: usize,
    stale: usize,
    /// How long each took that was answered.
    answered: Vec<f64>,
}

/// Asks on the connections `held`, has them closed, and opens new ones from their ports.
fn again(dialer: &dyn Dial, held: Vec<Box<dyn Held + '_>>, leaving: SocketAddr) -> Result<Told, CellError> {
    let (mut told, mut free) = (Told { open: held.len(), ..Told::default() }, Vec::new());
    for mut one in held {
        match one.ask()? {
            Answer::Given => free.push(one.close()?),
            Answer::Lost | Answer::Reset => told.broken += 1,
        }
    }
    thread::sleep(OVER);
    for source in free {
        match dialer.attempt_from(source) {
            Ok(dialed) => {
                told.answered.push(ns(dialed.first_byte));
                told.stale += usize::from(dialed.reached == Some(leaving));
            }
            Err(unanswered) => {
                Unanswered::answer(unanswered)?;
                told.lost += 1;
            }
        }
    }
    Ok(told)
}

impl Told {
    fn readings(self, plan: &Plan) -> Vec<Reading> {
        let count = |metric, count: usize| Reading::new(metric, vec![count as f64]);
        let said = match (self.answered.is_empty(), self.lost, self.broken) {
            (false, ..) => String::new(),
            (true, 0, broken) => {
                format!("all of {broken} connections broke, so that none of their ports was used again")
            }
            (true, lost, _) => format!("none of {lost} connections from used ports got an answer in time"),
        };
        let times = Reading { said, ..reading(plan, Metric::ReusedPort, self.answered) };
        vec![
            times,
            count(Metric::RemovedOpen, self.open),
            count(Metric::RemovedBroken, self.broken),
            count(Metric::ReusedLost, self.lost),
            count(Metric::ReusedStale, self.stale),
        ]
    }
}
