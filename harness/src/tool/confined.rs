//! Tools that run in a cgroup: a runner around another one.

use super::{Runner, ToolRun};
use anyhow::Result;
use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

thread_local! {
    /// The cgroup that the calling thread's next tool starts in, by its file of processes.
    static NEXT: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
}

/// Has the tools of `runner` start in a cgroup.
pub(crate) struct Confined {
    pub(crate) runner: &'static dyn Runner,
    /// The cgroup's file of processes.
    pub(crate) processes: PathBuf,
}

/// The cgroup's file of processes that the calling thread's next tool has to enter, if any.
pub(super) fn next() -> Option<PathBuf> {
    NEXT.with_borrow(Clone::clone)
}

impl Confined {
    fn during<T>(&self, call: impl FnOnce() -> T) -> T {
        NEXT.set(Some(self.processes.clone()));
        let done = call();
        NEXT.set(None);
        done
    }
}

impl Runner for Confined {
    fn run_late(
        &self,
        delay: Duration,
        program: &str,
        args: &[String],
        stdin: &[u8],
        limit: Duration,
    ) -> Result<ToolRun> {
        self.during(|| self.runner.run_late(delay, program, args, stdin, limit))
    }

    fn run_each(&self, program: &str, calls: &[&[String]], limit: Duration) -> Result<ToolRun> {
        self.during(|| self.runner.run_each(program, calls, limit))
    }
}
