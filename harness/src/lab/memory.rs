//! The memory that a lab may take: all there is, a cgroup's, or a guest's.

use crate::cell_error::CellError;
use crate::tool::Runner;
use crate::tool::cgroup::{self, Cgroup};
use crate::tool::confined::Confined;
use lab_core::cell::Load;
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, TargetName};
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

/// What limits the memory of a lab.
#[derive(Debug)]
pub(crate) struct Memory {
    mebibytes: u32,
    kind: Kind,
    /// What the count of events was when it was last asked.
    before: [AtomicU64; 2],
}

#[derive(Debug)]
enum Kind {
    /// That of the tools, and of what the kernel holds for them.
    Tools(Cgroup),
    /// A guest's, which is all of it.
    Guest,
}

/// What tools write that were refused memory.
const REFUSED: &[&str] = &["Cannot allocate memory", "Memory allocation problem", "out of memory", "Out of memory"];

impl Memory {
    /// What limits the lab that is loaded so; `None` if nothing does.
    ///
    /// # Errors
    /// `Skipped` where this machine has no such limit, or what programs the node is not below it.
    pub(super) fn of(load: &Load, plan: &Plan) -> Result<Option<Self>, CellError> {
        let Some(mebibytes) = load.memory else { return Ok(None) };
        let kind = if plan.target == TargetName::Host {
            let why = match load.variant.backend {
                _ if load.variant.driver.is_kube_proxy() => Some("a kube-proxy programs this node"),
                BackendName::Ipvs => Some("the lab itself programs IPVS"),
                _ => None,
            };
            if let Some(why) = why {
                return Err(CellError::Skipped(format!(
                    "{why}, and on host only tools have a limit of memory; run with --target exact"
                )));
            }
            let made = Cgroup::limited(u64::from(mebibytes) << 20);
            Kind::Tools(made.map_err(|missing| CellError::Skipped(missing.to_string()))?)
        } else {
            Kind::Guest
        };
        let memory = Self { mebibytes, kind, before: Default::default() };
        memory.is_reached();
        Ok(Some(memory))
    }

    /// `runner`, with its tools below the limit. It is one more as long as the process lives.
    pub(super) fn limit(&self, runner: &'static dyn Runner) -> &'static dyn Runner {
        match &self.kind {
            Kind::Tools(cgroup) => Box::leak(Box::new(Confined { runner, processes: cgroup.processes() })),
            Kind::Guest => runner,
        }
    }

    /// What `error` is below this limit: if that was reached since it was last asked, how far the lab came.
    pub(crate) fn judge(&self, error: CellError) -> CellError {
        let reached = self.is_reached();
        match error {
            CellError::Failed(reason) | CellError::Skipped(reason)
                if reached || REFUSED.iter().any(|words| reason.contains(words)) =>
            {
                let of = match self.kind {
                    Kind::Tools(_) => "the tools",
                    Kind::Guest => "a guest",
                };
                CellError::OverBudget(format!("{} MiB are not enough for {of}: {reason}", self.mebibytes))
            }
            other => other,
        }
    }

    /// Whether the kernel killed a process for lack of memory, or refused it some, since this was last asked.
    fn is_reached(&self) -> bool {
        let grown =
            |(before, now): (&AtomicU64, Option<u64>)| now.is_some_and(|now| before.swap(now, Ordering::Relaxed) < now);
        // Both are kept for the next time.
        let grown = self.before.iter().zip(self.events()).map(grown).collect::<Vec<_>>();
        grown.contains(&true)
    }

    /// How many processes the kernel killed, and how often it refused memory; of a guest it counts only the first.
    fn events(&self) -> [Option<u64>; 2] {
        match &self.kind {
            Kind::Tools(cgroup) => [cgroup.killed(), cgroup.refused()],
            Kind::Guest => {
                let text = fs::read_to_string("/proc/vmstat").unwrap_or_default();
                [cgroup::count(&text, "oom_kill"), None]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell_error::CellError::{Failed, OverBudget};

    #[test]
    fn a_tool_that_was_refused_memory_is_over_budget_and_any_other_failure_is_one() {
        let memory = Memory { mebibytes: 64, kind: Kind::Guest, before: Default::default() };
        memory.is_reached();
        let refused = Failed("nft refused: \"Cannot allocate memory\"".to_owned());
        let said = "64 MiB are not enough for a guest: nft refused: \"Cannot allocate memory\"";
        assert_eq!(memory.judge(refused), OverBudget(said.to_owned()));
        let other = Failed("nft was killed by signal 11".to_owned());
        assert_eq!(memory.judge(other.clone()), other);
    }

    #[test]
    fn a_kill_counts_once() {
        let memory = Memory { mebibytes: 64, kind: Kind::Guest, before: Default::default() };
        memory.is_reached();
        // As if the kernel had killed one since.
        let Some(before) = memory.before[0].load(Ordering::Relaxed).checked_sub(1) else { return };
        memory.before[0].store(before, Ordering::Relaxed);
        let killed = Failed("nft was killed by signal 9".to_owned());
        assert!(matches!(memory.judge(killed.clone()), OverBudget(_)));
        assert_eq!(memory.judge(killed.clone()), killed);
    }
}
