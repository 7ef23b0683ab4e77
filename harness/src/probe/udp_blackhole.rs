//! `udp_blackhole`: the middle Service, which must be of UDP, is scaled to zero while a client goes on sending at a fixed rate from
//! the same port.
//!
//! ```text
//!   endpoints  answer            | silent
//!   node                         | sync, and the clean-up of the release
//!   client     |||| the rate |||||         |||| the rate ||||
//!   CPU        |<--- before --->|          |<-- blackhole -->|
//! ```
//!
//! Where the client's entry stays in conntrack, its datagrams go on to a pod that is silent, and nobody tells it. Where the entry
//! is removed, each of them meets the rule that rejects it. CPU is the whole machine's, with the client's own.

use super::{Probe, Reading, left, must_be_as_before};
use crate::cell_error::CellError;
use crate::lab::{Datagrams, Lab};
use crate::meter::Meters;
use crate::process::interrupt;
use lab_core::cell::Cell;
use lab_core::change::Change;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::thread;
use std::time::{Duration, Instant};

pub(super) struct UdpBlackhole;

impl Probe for UdpBlackhole {
    fn name(&self) -> ProbeName {
        ProbeName::UdpBlackhole
    }

    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let begun = Instant::now();
        let (driver, node) = (lab.driver(), lab.node());
        let change = Change::scaling_to_zero(lab.cluster());
        let client = lab.datagrams(&change)?;
        let before = send(&*client, plan)?;
        client.leave();
        let sync = left(begun, limit).and_then(|left| driver.apply(node, &change, left));
        let told = sync.and_then(|_| {
            driver.verify(node)?;
            send(&*client, plan)
        });
        let restored = driver.undo(node, &change.undone(), limit);
        client.come_back();
        let told = told?;
        restored?;
        must_be_as_before(lab)?;
        let one = |metric, value| Reading::new(metric, vec![value]);
        let mut readings = vec![
            one(Metric::BlackholeCpu, told.cpu),
            one(Metric::BlackholeCpuBefore, before.cpu),
            one(Metric::BlackholeSent, f64::from(told.sent)),
            one(Metric::BlackholeRefused, f64::from(told.refused)),
        ];
        // The kernel counts softirqs by its ticks. In `exact` ticks and datagrams keep in step: it is all of them, or none.
        if !plan.target.is_exact() {
            readings.push(one(Metric::BlackholeSoftirq, told.softirq));
            readings.push(one(Metric::BlackholeSoftirqBefore, before.softirq));
        }
        Ok(readings)
    }
}

/// What it took to send, and what the client was told.
struct Told {
    cpu: f64,
    softirq: f64,
    sent: u32,
    refused: u32,
}

/// Sends at the plan's rate for its time of traffic. A datagram that is late is sent at once.
fn send(client: &dyn Datagrams, plan: &Plan) -> Result<Told, CellError> {
    let before = Meters::read()?;
    let start = Instant::now();
    let (mut sent, mut refused) = (0, 0);
    loop {
        let due = Duration::from_secs_f64(f64::from(sent) / f64::from(plan.rate.max(1)));
        if due >= plan.traffic && sent > 0 {
            break;
        }
        thread::sleep(due.saturating_sub(start.elapsed()));
        if interrupt::requested() {
            return Err(CellError::Interrupted);
        }
        refused += u32::from(client.send()?);
        sent += 1;
    }
    let after = Meters::read()?;
    Ok(Told { cpu: after.spent_since(&before), softirq: after.cpu.softirq_since(&before.cpu), sent, refused })
}
