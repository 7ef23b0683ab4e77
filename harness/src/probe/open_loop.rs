//! `open_loop`: new connections at a fixed rate, and a few that stay open and ask at one, too.
//!
//! It is the probe for what happens to traffic while something else goes on: see `activity/open_loop.rs` for how it counts.

use super::{Probe, Reading};
use crate::activity::open_loop::{self, Answer};
use crate::activity::readings;
use crate::cell_error::CellError;
use crate::lab::unanswered::Unanswered;
use crate::lab::{Held, Lab};
use crate::process::clock::ns;
use crate::tool::place::within;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Connections that stay open.
const HELD: u32 = 4;
/// How often each of them asks.
const EACH: Duration = Duration::from_millis(50);

pub(super) struct OpenLoop;

impl Probe for OpenLoop {
    fn name(&self) -> ProbeName {
        ProbeName::OpenLoop
    }

    fn run(&self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let dialer = lab.dial(cell)?;
        let failed = AtomicBool::new(false);
        let (told, held, broken) = within(lab.client(cell.from), || {
            let (mut held, mut broken) = (Vec::new(), 0);
            for _ in 0..HELD {
                match dialer.hold() {
                    Ok(one) => held.push(one),
                    // It is one that did not stay open.
                    Err(unanswered) => {
                        unanswered.answer()?;
                        broken += 1;
                    }
                }
            }
            let start = Instant::now();
            let end = start + plan.traffic.min(limit);
            let goes_on = |due| due < end && !failed.load(Ordering::Relaxed);
            thread::scope(|scope| {
                let asking: Vec<_> = held
                    .into_iter()
                    .map(|one| {
                        scope.spawn(|| ask(one, start, goes_on).inspect_err(|_| failed.store(true, Ordering::Relaxed)))
                    })
                    .collect();
                let open =
                    |number| dialer.attempt(number, &mut || {}).map_or_else(Unanswered::answer, |_| Ok(Answer::Given));
                let told = open_loop::run(start, plan.rate, goes_on, open);
                failed.fetch_or(told.is_err(), Ordering::Relaxed);
                let asked = asking.into_iter().map(|one| one.join().expect("a client returns its errors"));
                Ok::<_, CellError>((told?, asked.collect::<Result<Vec<_>, _>>()?, broken))
            })
        })?;
        let lost = broken + held.iter().filter(|(_, ended)| *ended != Answer::Given).count();
        let replies: Vec<f64> = held.into_iter().flat_map(|(replies, _)| replies).collect();
        let replies = Some(Reading::new(Metric::HeldReply, replies)).filter(|replies| !replies.samples.is_empty());
        let lost = Reading::new(Metric::HeldLost, vec![lost as f64]);
        Ok(readings(told).into_iter().chain(replies).chain([lost]).collect())
    }
}

/// Asks on an open connection at fixed moments from `start` on, as long as it `goes_on` or until it breaks. How long each answer took since
/// its request was due, and how the last one ended.
fn ask(
    mut held: Box<dyn Held + '_>,
    start: Instant,
    goes_on: impl Fn(Instant) -> bool,
) -> Result<(Vec<f64>, Answer), CellError> {
    let (mut due, mut replies) = (start, Vec::new());
    while goes_on(due) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        match held.ask()? {
            Answer::Given => replies.push(ns(due.elapsed())),
            broken => return Ok((replies, broken)),
        }
        due += EACH;
    }
    Ok((replies, Answer::Given))
}
