//! Activities: what runs beside a probe. Each has a thread of its own, and is under way before the probe takes its first
//! sample.
//!
//! ```text
//!   activity  begin ────────────────────────────── end: the node is as before
//!   probe            |<-------- samples -------->|
//! ```
//!
//! # How to add an activity
//!
//! 1. `lab-core/src/cell/activity.rs`: its part of `Activity`, what it is called, and beside what it can run;
//!    `lab-core/src/scenario/activity.rs`: how a scenario says it.
//! 2. `harness/src/activity/NAME.rs`: a type that implements [`Beside`].
//! 3. This file: its `mod` line, and its line in [`of`].

mod conntrack;
pub(crate) mod open_loop;
mod syncs;
mod traffic;
mod writer;

pub(crate) use syncs::Syncs;
pub(crate) use traffic::readings;

use crate::cell_error::CellError;
use crate::lab::{Course, Lab};
use crate::probe::reading::Reading;
use lab_core::cell::Cell;
use lab_core::vocabulary::ProbeName;
use std::thread;

/// Something that runs beside a probe.
trait Beside: Sync {
    /// Whether it leaves something of its own in the node while it runs.
    fn writes(&self) -> bool {
        false
    }

    /// Runs in `lab` until `course` is over, and leaves it in the state it was in.
    fn run(&self, lab: &dyn Lab, course: &Course) -> Result<Vec<Reading>, CellError>;
}

/// What runs beside the probe of `cell`. The probe `churn` makes changes itself.
fn of(cell: &Cell) -> Vec<Box<dyn Beside>> {
    let mut all: Vec<Box<dyn Beside>> = Vec::new();
    if let Some(churn) = cell.activity.churn.filter(|_| cell.probe != ProbeName::Churn) {
        all.push(Box::new(syncs::Churning(churn)));
    }
    if let Some(writer) = cell.activity.writer {
        all.push(Box::new(writer::Writing(writer)));
    }
    if let Some(rate) = cell.activity.traffic {
        all.push(Box::new(traffic::Sending { rate, beside: *cell }));
    }
    if let Some(conntrack) = cell.activity.conntrack {
        all.push(Box::new(conntrack::Filling(conntrack)));
    }
    all
}

/// Has `probe` take its samples while the activity of `cell` runs in `lab`. The readings of both come back. They have no
/// accounts: what runs beside a sample is executed in the same windows.
///
/// # Errors
/// The probe's; if it has none, the activity's.
pub(crate) fn beside(
    lab: &dyn Lab,
    cell: &Cell,
    probe: impl FnOnce() -> Result<Vec<Reading>, CellError>,
) -> Result<Vec<Reading>, CellError> {
    let all = of(cell);
    if all.is_empty() {
        return probe();
    }
    let course = lab.course();
    course.start(all.iter().map(|one| one.writes()));
    thread::scope(|scope| {
        let running: Vec<_> = all.iter().map(|one| scope.spawn(|| follow(&**one, lab))).collect();
        course.await_begun();
        let found = probe();
        course.end();
        let ended: Vec<_> =
            running.into_iter().map(|one| one.join().expect("an activity returns its errors")).collect();
        let mut readings = found?;
        for one in ended {
            readings.extend(one?);
        }
        Ok(readings.into_iter().map(|reading| reading.on([])).collect())
    })
}

/// Runs `one` to its end.
fn follow(one: &dyn Beside, lab: &dyn Lab) -> Result<Vec<Reading>, CellError> {
    let course = lab.course();
    let ended = one.run(lab, course);
    course.leave(one.writes(), ended.is_err());
    ended
}
