//! Tools that start late: a runner around the real one.

use crate::cell_error::CellError;
use crate::tool::{Ending, Real, Runner, ToolRun};
use anyhow::{Context, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A runner whose next tool may start late: its process spins for a time before it becomes the tool.
pub(super) struct Late {
    runner: &'static dyn Runner,
    /// The delay of each operation that is measured, in nanoseconds.
    delay: AtomicU64,
    /// The delay of the next tool.
    next: AtomicU64,
}

pub(super) static LATE: Late = Late::around(&Real);

impl Late {
    pub(super) const fn around(runner: &'static dyn Runner) -> Self {
        Self { runner, delay: AtomicU64::new(0), next: AtomicU64::new(0) }
    }

    /// From now on, what is measured is slower by `delay`.
    pub(super) fn slow_down(&self, delay: Duration) {
        self.delay.store(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Does an operation that is measured: its first tool starts late.
    pub(super) fn during<T>(&self, operation: impl FnOnce() -> Result<T, CellError>) -> Result<T, CellError> {
        self.next.store(self.delay.load(Ordering::Relaxed), Ordering::Relaxed);
        let done = operation();
        let unused = self.next.swap(0, Ordering::Relaxed) > 0;
        if done.is_ok() && unused {
            let why = "a delay was injected into the first tool of an operation that calls none";
            return Err(CellError::Failed(format!("{why}; inject it into another cell")));
        }
        done
    }
}

impl Runner for Late {
    fn run_late(
        &self,
        delay: Duration,
        program: &str,
        args: &[String],
        stdin: &[u8],
        limit: Duration,
    ) -> Result<ToolRun> {
        let delay = delay + Duration::from_nanos(self.next.swap(0, Ordering::Relaxed));
        self.runner.run_late(delay, program, args, stdin, limit)
    }

    /// A delayed call is made by itself, ahead of the others.
    fn run_each(&self, program: &str, calls: &[&[String]], limit: Duration) -> Result<ToolRun> {
        if self.next.load(Ordering::Relaxed) == 0 {
            return self.runner.run_each(program, calls, limit);
        }
        let (first, rest) = calls.split_first().context("a tool was to be called no times")?;
        let first = self.run(program, first, b"", limit)?;
        let made = u64::from(first.ending == Ending::Exited(0));
        if rest.is_empty() || made == 0 {
            return Ok(ToolRun { read: made, ..first });
        }
        let rest = self.runner.run_each(program, rest, limit.saturating_sub(first.wall))?;
        let read = made + rest.read;
        Ok(ToolRun { read, ..first.and(rest) })
    }
}
