//! `spread`: many connections to one Service, counted by the endpoint that each reached.
//!
//! Its number is Pearson's chi-squared: the sum over endpoints of (count - expected)^2 / expected. Chosen at random with equal
//! probability, it is about the number of endpoints less one; in turn, almost nothing.
//!
//! Where endpoints come and go beside it (activity `churn`), the one that takes the place of another is counted as that one.

use super::{Probe, Reading, left};
use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::lab::goal::Substitute;
use crate::tool::place::within;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(super) struct Spread;

impl Probe for Spread {
    fn name(&self) -> ProbeName {
        ProbeName::Spread
    }

    fn run(&self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let begun = Instant::now();
        let dialer = lab.dial(cell)?;
        let none: BTreeMap<SocketAddr, u32> = dialer.endpoints().iter().map(|&endpoint| (endpoint, 0)).collect();
        if none.is_empty() {
            return Err(CellError::Skipped("the Service has no endpoint to count".to_owned()));
        }
        let (counts, lost) = within(lab.client(cell.from), || {
            let (mut counts, mut lost) = (none.clone(), 0);
            for attempt in 0..plan.dials as usize {
                left(begun, limit)?;
                match dialer.attempt(attempt, &mut || {}) {
                    Ok(dialed) => {
                        // What takes the place of an endpoint is counted as that one.
                        let place = |reached| match dialer.substitute() {
                            Some(Substitute { leaving, coming }) if coming == reached => leaving,
                            _ => reached,
                        };
                        dialed.reached.into_iter().for_each(|reached| *counts.entry(place(reached)).or_default() += 1);
                    }
                    Err(unanswered) if dialer.substitute().is_some() => {
                        unanswered.answer()?;
                        lost += 1;
                    }
                    Err(unanswered) => return Err(unanswered.into()),
                }
            }
            Ok::<_, CellError>((counts, lost))
        })?;
        let counts: Vec<f64> = counts.into_values().map(f64::from).collect();
        let most = counts.iter().copied().fold(0.0, f64::max);
        let least = counts.iter().copied().fold(most, f64::min);
        let one = |metric, value| Reading::new(metric, vec![value]);
        Ok(vec![
            one(Metric::Spread, chi_squared(&counts)),
            one(Metric::SpreadConnections, counts.iter().sum()),
            one(Metric::SpreadLeast, least),
            one(Metric::SpreadMost, most),
            one(Metric::SpreadLost, f64::from(lost)),
        ])
    }
}

/// How far `counts` are from being equal.
fn chi_squared(counts: &[f64]) -> f64 {
    let expected = counts.iter().sum::<f64>() / counts.len() as f64;
    if expected > 0.0 { counts.iter().map(|count| (count - expected).powi(2) / expected).sum() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_are_equal_give_nothing_and_others_their_known_number() {
        let is = |counts: &[f64], expected: f64| assert!((chi_squared(counts) - expected).abs() < 1e-9, "{counts:?}");
        is(&[25.0; 4], 0.0);
        is(&[50.0, 30.0, 20.0, 0.0], 52.0);
        is(&[0.0, 0.0], 0.0);
    }
}
