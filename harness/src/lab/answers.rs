//! Whether a Service is answered by its own endpoints, by all of them or by as many as chance allows.

use super::Dial;
use super::traffic::Dialer;
use crate::cell_error::CellError;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// How many endpoints of a Service are each waited for.
const MOST_ASKED: usize = 100;
/// How many connections are opened to a Service with more.
const SAMPLE: usize = 1000;

/// Checks that every endpoint of a Service answers, or one of them if it does not spread connections over them.
pub(super) fn verify_service<A: Fn(usize) -> Option<SocketAddr> + Sync>(
    name: &str,
    spreads: bool,
    dialer: &Dialer<'_, A>,
) -> Result<(), CellError> {
    let mut silent: BTreeSet<_> = dialer.goal.reached.iter().copied().collect();
    if silent.len() > MOST_ASKED && spreads {
        return sample_service(name, silent.len(), dialer);
    }
    let attempts = attempts(silent.len());
    for attempt in 0..attempts {
        if let Some(reached) = dialer.dial(attempt, &mut || {})?.reached {
            silent.remove(&reached);
        }
        if silent.is_empty() || !spreads {
            return Ok(());
        }
    }
    let silent = silent.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(CellError::Failed(format!("{name}, was never answered by {silent} in {attempts} connections")))
}

/// Checks that so many endpoints answer as must in [`SAMPLE`] connections. Too many to wait for each: half of those that
/// could answer do in all but one case in a billion, since 63 % are to be expected, or more.
fn sample_service<A: Fn(usize) -> Option<SocketAddr> + Sync>(
    name: &str,
    endpoints: usize,
    dialer: &Dialer<'_, A>,
) -> Result<(), CellError> {
    let mut answered = BTreeSet::new();
    for attempt in 0..SAMPLE {
        answered.extend(dialer.dial(attempt, &mut || {})?.reached);
    }
    let least = endpoints.min(SAMPLE) / 2;
    if answered.len() >= least {
        return Ok(());
    }
    let count = answered.len();
    Err(CellError::Failed(format!(
        "{name}, has {endpoints} endpoints, but only {count} answered {SAMPLE} connections; at least {least} should"
    )))
}

/// How many connections it takes until each of `endpoints` has answered, in all but one case in a billion. Each must be
/// picked with the same probability: E·(1 − 1/E)^n < 1e-9 for n = E·(ln E + 21).
fn attempts(endpoints: usize) -> usize {
    let endpoints = endpoints.max(1) as f64;
    (endpoints * (endpoints.ln() + 21.0)).ceil() as usize
}
