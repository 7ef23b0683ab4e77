//! `connect`: new connections one after the other, each timed to established and to the first byte.

use super::{Probe, Reading, ns};
use crate::ended::Ended;
use crate::interrupt;
use crate::lab::{Lab, left};
use crate::traffic::{Dialer, Echo};
use lab_core::metric::Metric;
use lab_core::plan::{Cell, Plan};
use lab_core::vocabulary::{Position, ProbeName};
use std::time::{Duration, Instant};

/// Connections ahead of the timed ones, which warm caches and neighbour tables.
const WARM_UP: usize = 5;

pub(super) struct Connect;

impl Probe for Connect {
    fn name(&self) -> ProbeName {
        ProbeName::Connect
    }

    fn run(&self, lab: &mut Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, Ended> {
        let begun = Instant::now();
        let position = cell.position.unwrap_or(Position::First);
        let service = lab.service(position);
        let dialer = Dialer::new(service, |attempt| lab.backend.address(service, attempt));
        let _echo = Echo::start(&lab.server(position).namespace)?;
        let dials = plan.dials as usize;
        let dialed = lab.client().namespace.visit(|| {
            let mut dialed = Vec::with_capacity(WARM_UP + dials);
            for attempt in 0..WARM_UP + dials {
                if interrupt::requested() {
                    return Err(Ended::Interrupted);
                }
                left(begun, limit)?;
                dialed.push(dialer.dial(attempt)?);
            }
            Ok(dialed)
        })?;
        let timed = &dialed[WARM_UP..];
        Ok(vec![
            Reading { metric: Metric::Connect, samples: timed.iter().map(|dialed| ns(dialed.connect)).collect() },
            Reading { metric: Metric::FirstByte, samples: timed.iter().map(|dialed| ns(dialed.first_byte)).collect() },
        ])
    }
}
