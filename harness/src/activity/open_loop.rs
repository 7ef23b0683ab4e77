//! Connections at a fixed rate, whatever became of those before (an open loop).
//!
//! ```text
//!   due      | | | | | | | | |       fixed moments
//!   opened   | | |         ||||||    where the node stalls, clients are late
//!   counted  from due to the answer: the stall is in each of them
//! ```
//!
//! A client that waits for one answer before it asks again (a closed loop) asks once during a stall, and its quantiles hide
//! it. Here latency is counted from the moment that a connection was due.

use crate::cell_error::CellError;
use crate::process::clock::ns;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Clients at a time. So many connections may wait for an answer, before others are opened later than they are due.
const CLIENTS: usize = 32;

/// How one connection, or one request on it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// With an answer.
    Given,
    /// With none in time.
    Lost,
    /// With a reset or a refusal.
    Reset,
}

/// What became of the connections.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Told {
    /// Of each that was answered, how long after it was due, in nanoseconds.
    pub(crate) answered: Vec<f64>,
    pub(crate) lost: usize,
    pub(crate) reset: usize,
}

/// Opens a connection at each of the moments, from `start` on, that are `rate` a second, as long as `goes_on` says so of the
/// moment. `open` opens one, whose number it is told, and waits for its answer.
///
/// # Errors
/// The first of `open`.
pub(crate) fn run(
    start: Instant,
    rate: u32,
    goes_on: impl Fn(Instant) -> bool + Sync,
    open: impl Fn(usize) -> Result<Answer, CellError> + Sync,
) -> Result<Told, CellError> {
    let (next, told) = (AtomicUsize::new(0), Mutex::new(Told::default()));
    let failed = AtomicBool::new(false);
    let client = || -> Result<(), CellError> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = start + Duration::from_secs_f64(number as f64 / f64::from(rate.max(1)));
            if failed.load(Ordering::Relaxed) || !goes_on(due) {
                return Ok(());
            }
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let answer = open(number);
            let took = due.elapsed();
            let mut told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match answer {
                Ok(Answer::Given) => told.answered.push(ns(took)),
                Ok(Answer::Lost) => told.lost += 1,
                Ok(Answer::Reset) => told.reset += 1,
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().try_for_each(|client| client.join().expect("a client returns its errors"))
    })?;
    Ok(told.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::stats;

    /// What a server shows that stalls for 200 ms once, in a second of connections.
    fn stalled(rate: u32) -> Told {
        let (start, second, stall) = (Instant::now(), Duration::from_secs(1), Duration::from_millis(200));
        let from = start + Duration::from_millis(400);
        run(
            start,
            rate,
            |due| due < start + second,
            |_| {
                let now = Instant::now();
                if now >= from && now < from + stall {
                    thread::sleep(from + stall - now);
                }
                Ok(Answer::Given)
            },
        )
        .unwrap()
    }

    #[test]
    fn a_stall_is_found_at_every_rate() {
        for rate in [20, 100, 1000, 5000] {
            let told = stalled(rate);
            assert_eq!(told.answered.len(), rate as usize);
            let sorted = stats::sorted(&told.answered);
            let (p99, most) = (stats::quantile_of_sorted(&sorted, 0.99).unwrap(), sorted[sorted.len() - 1]);
            // Of 1,000 connections in a second, 200 were due in the stall. The first waited for all of it, or, at a low
            // rate, was due up to 50 ms after it began.
            assert!(most >= 1.4e8 && p99 >= 1.4e8, "{rate}/s: p99 {p99}, max {most}");
        }
    }

    #[test]
    fn what_is_not_answered_is_counted_and_not_timed() {
        let end = Instant::now() + Duration::from_millis(50);
        let answer = |number: usize| match number % 3 {
            0 => Answer::Given,
            1 => Answer::Lost,
            _ => Answer::Reset,
        };
        let told = run(Instant::now(), 300, |due| due < end, |number| Ok(answer(number))).unwrap();
        let counts = (told.answered.len(), told.lost, told.reset);
        assert!(counts.0 > 0 && counts.0.abs_diff(counts.1) <= 1 && counts.1.abs_diff(counts.2) <= 1, "{counts:?}");
    }

    #[test]
    fn an_error_ends_it() {
        let failed = || CellError::Failed("no".to_owned());
        let far = Instant::now() + Duration::from_secs(3600);
        assert_eq!(
            run(
                Instant::now(),
                100,
                |due| due < far,
                |number| if number == 3 { Err(failed()) } else { Ok(Answer::Given) }
            ),
            Err(failed())
        );
    }
}
