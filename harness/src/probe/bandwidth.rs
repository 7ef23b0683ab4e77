//! `bandwidth`: one iperf3 stream to a Service.

use super::{Probe, Reading};
use crate::cell_error::{CellError, Missing};
use crate::lab::{Amount, Lab, iperf3};
use crate::meter::Cpu;
use crate::process::clock;
use crate::tool::{Ending, ToolRun};
use anyhow::{Context, Result, bail};
use guests::mark::Account;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use nix::sys::statvfs::statvfs;
use std::env::temp_dir;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Time besides the stream: process start, the control connection, the report.
const GRACE: Duration = Duration::from_secs(20);

/// How much is sent in the `exact` target: enough for a steady stream, but much less than in a second.
const EXACT: Amount = Amount::Mebibytes(64);

pub(super) struct Bandwidth;

impl Probe for Bandwidth {
    fn name(&self) -> ProbeName {
        ProbeName::Bandwidth
    }

    fn check(&self) -> Result<(), Missing> {
        iperf3::check()
    }

    fn run(&self, lab: &dyn Lab, cell: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let stream = lab.stream(cell)?;
        let address = stream.address();
        let amount = if plan.target.is_exact() { EXACT } else { Amount::Time(plan.traffic) };
        let patience = plan.traffic + GRACE;
        let before = Cpu::read()?;
        let account = Account::open();
        let run = stream.send(amount, patience.min(limit))?;
        let accounts = account.took(run.wall);
        drop(account);
        let softirq = Cpu::read()?.softirq_since(&before);
        match run.ending {
            Ending::Interrupted => return Err(CellError::Interrupted),
            Ending::TimedOut | Ending::TooSlow if limit < patience => {
                let budget = clock::spell(limit);
                return Err(CellError::OverBudget(format!("iperf3 to {address} was killed after {budget}")));
            }
            Ending::TimedOut | Ending::TooSlow => {
                return Err(CellError::Failed(format!("iperf3 to {address} did not end in time")));
            }
            Ending::Exited(_) | Ending::Signalled(_) => {}
        }
        let run = reported(run, address, &temp_dir())?;
        Ok(vec![
            Reading::new(Metric::Bandwidth, vec![received(&run.stdout, address)?]).on(Some(accounts)),
            Reading::new(Metric::CpuSoftirq, vec![softirq]),
        ])
    }
}

/// The run, if iperf3 reported anything: it says what went wrong in a report, too.
///
/// # Errors
/// `Failed` with its words. It keeps what it sends in a file in `folder`, and does not say so where that is full.
fn reported(run: ToolRun, address: SocketAddr, folder: &Path) -> Result<ToolRun, CellError> {
    let nothing = run.stdout.trim().is_empty();
    if !nothing && matches!(run.ending, Ending::Exited(_)) {
        return Ok(run);
    }
    let what = format!("iperf3 to {address}");
    let failed = match run.through(&what) {
        Ok(_) => CellError::Failed(format!("{what} reported nothing")),
        Err(error) => error,
    };
    let is_full = statvfs(folder).is_ok_and(|space| space.blocks_available() == 0);
    Err(match failed {
        CellError::Failed(why) if is_full => {
            let folder = folder.display();
            CellError::Failed(format!("{why}; the device of {folder}, where it keeps what it sends, is full"))
        }
        other => other,
    })
}

/// The receiver's bits a second, from iperf3's report.
fn received(report: &str, address: SocketAddr) -> Result<f64> {
    let report: serde_json::Value = serde_json::from_str(report).context("reading iperf3's report")?;
    if let Some(error) = report["error"].as_str() {
        bail!("iperf3 to {address}: {error}");
    }
    let rate = report["end"]["sum_received"]["bits_per_second"].as_f64();
    rate.with_context(|| format!("iperf3 to {address} reported no end.sum_received.bits_per_second"))
}
