//! `connections_per_second`: how often a few clients can connect, ask, read the answer and close.

use super::{Probe, Reading};
use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::meter::Cpu;
use crate::tool::place::within;
use guests::mark::{self, Account};
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::{Duration, Instant};

/// Clients at a time: enough to keep two cores busy, but too few to measure the scheduler.
const CLIENTS: usize = 4;

pub(super) struct ConnectionsPerSecond;

impl Probe for ConnectionsPerSecond {
    fn name(&self) -> ProbeName {
        ProbeName::ConnectionsPerSecond
    }

    fn run(&self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let dialer = lab.dial(cell)?;
        let time = plan.traffic.min(limit);
        let client = |number: usize, start: Instant| -> Result<usize, CellError> {
            let mut count = 0;
            while start.elapsed() < time {
                dialer.dial(number + count * CLIENTS, &mut || {})?;
                count += 1;
            }
            Ok(count)
        };
        let before = Cpu::read()?;
        let account = Account::open();
        let start = Instant::now();
        let window = mark::window();
        let counts: Result<Vec<usize>, CellError> = within(lab.client(cell.from), || {
            std::thread::scope(|scope| {
                let client = &client;
                let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || client(number, start))).collect();
                clients.into_iter().map(|client| client.join().expect("a client returns its errors")).collect()
            })
        });
        let elapsed = start.elapsed();
        drop(window);
        let accounts = account.took(elapsed);
        drop(account);
        let softirq = Cpu::read()?.softirq_since(&before);
        let rate = counts?.iter().sum::<usize>() as f64 / elapsed.as_secs_f64();
        Ok(vec![
            Reading::new(Metric::ConnectionsPerSecond, vec![rate]).on(Some(accounts)),
            Reading::new(Metric::CpuSoftirq, vec![softirq]),
        ])
    }
}
