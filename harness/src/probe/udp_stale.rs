//! `udp_stale`: an endpoint of the middle Service, which must be of UDP, goes away and is replaced, while a client goes on
//! sending from the same port.
//!
//! ```text
//!   endpoint  answers ─┐ gone
//!   node               ├── sync: rules, then the entries of conntrack that the release removes ──┐
//!   client    | | | | |x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x x| | answered by another
//!                      |<-------------------------------- udp_dark ------------------------------>|
//! ```
//!
//! An entry of conntrack takes a datagram past the rules. Each one keeps the entry alive, so that a client that sends often
//! enough is in the dark until somebody removes it.

use super::{Probe, Reading, left, must_be_as_before};
use crate::cell_error::CellError;
use crate::lab::{Datagrams, Lab};
use crate::process::clock::ns;
use crate::process::interrupt;
use lab_core::cell::Cell;
use lab_core::change::Change;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often the client sends.
const EACH: Duration = Duration::from_millis(50);

pub(super) struct UdpStale;

impl Probe for UdpStale {
    fn name(&self) -> ProbeName {
        ProbeName::UdpStale
    }

    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let begun = Instant::now();
        let (driver, node) = (lab.driver(), lab.node());
        let change = Change::replacing_endpoint(lab.cluster(), lab.supply());
        let client = lab.datagrams(&change)?;
        let applied = AtomicBool::new(false);
        let told = thread::scope(|scope| {
            client.leave();
            let asking = scope.spawn(|| ask(&*client, &applied, plan.traffic));
            let sync = left(begun, limit).and_then(|left| driver.apply(node, &change, left));
            applied.store(true, Ordering::Relaxed);
            let told = asking.join().expect("a client returns its errors");
            let right = sync.and_then(|_| driver.verify(node));
            let restored = driver.undo(node, &change.undone(), limit);
            client.come_back();
            // What never was cannot be undone.
            right.and(restored)?;
            told
        })?;
        must_be_as_before(lab)?;
        let count = |metric, count: u32| Reading::new(metric, vec![f64::from(count)]);
        let dark = told.dark.map(|dark| Reading::new(Metric::UdpDark, vec![ns(dark)]));
        Ok(dark.into_iter().chain([count(Metric::UdpSent, told.sent), count(Metric::UdpLost, told.lost)]).collect())
    }
}

/// What a client saw whose endpoint is gone.
struct Told {
    sent: u32,
    lost: u32,
    /// How long until it was answered; `None` if it was not.
    dark: Option<Duration>,
}

/// Sends until an answer comes, or until `patience` after the sync was `applied`.
fn ask(client: &dyn Datagrams, applied: &AtomicBool, patience: Duration) -> Result<Told, CellError> {
    let begun = Instant::now();
    let (mut told, mut due, mut end) = (Told { sent: 0, lost: 0, dark: None }, begun, None);
    loop {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if interrupt::requested() {
            return Err(CellError::Interrupted);
        }
        told.sent += 1;
        if client.ask()? {
            told.dark = Some(begun.elapsed());
            return Ok(told);
        }
        told.lost += 1;
        let now = Instant::now();
        if applied.load(Ordering::Relaxed) && now >= *end.get_or_insert(now + patience) {
            return Ok(told);
        }
        due += EACH;
    }
}
