//! New connections at a fixed rate to a Service that the probe does not ask.

use super::open_loop::{self, Answer, Told};
use super::{Beside, Course};
use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::lab::unanswered::Unanswered;
use crate::probe::reading::Reading;
use crate::tool::place::within;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::Position;
use std::time::Instant;

pub(super) struct Sending {
    pub(super) rate: u32,
    pub(super) beside: Cell,
}

impl Beside for Sending {
    fn run(&self, lab: &dyn Lab, course: &Course) -> Result<Vec<Reading>, CellError> {
        let at = |position: &Position| Cell { position: Some(*position), ..self.beside };
        // A server of the probe's own listens where its Service leads.
        let free = |cell: &Cell| self.beside.position.is_none() || !lab.is_served_with(cell, &self.beside);
        let cell = Position::USUAL.iter().map(at).find(free);
        let none = || CellError::Skipped("no Service is served by another pod than the one that is asked".to_owned());
        let cell = cell.ok_or_else(none)?;
        let dialer = lab.dial(&cell)?;
        course.begin();
        let goes_on = |due| course.wait_until(due);
        let told = within(lab.client(cell.from), || {
            open_loop::run(Instant::now(), self.rate, goes_on, |number| {
                dialer.attempt(number, &mut || {}).map_or_else(Unanswered::answer, |_| Ok(Answer::Given))
            })
        })?;
        Ok(readings(told))
    }
}

/// What became of connections at a fixed rate.
pub(crate) fn readings(Told { answered, lost, reset }: Told) -> Vec<Reading> {
    let count = |metric, count: usize| Reading::new(metric, vec![count as f64]);
    let said = match (answered.is_empty(), lost + reset) {
        (true, 1) => "the only connection got no answer in time".to_owned(),
        (true, all) if all > 1 => format!("none of {all} connections got an answer in time"),
        _ => String::new(),
    };
    let times = Reading { said, ..Reading::new(Metric::OpenLoop, answered) };
    let times = Some(times).filter(|times| !times.samples.is_empty() || !times.said.is_empty());
    let counts = [count(Metric::OpenLoopLost, lost), count(Metric::OpenLoopReset, reset)];
    times.into_iter().chain(counts).collect()
}
