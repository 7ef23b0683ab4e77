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
    /// How often it had run out when it was last asked.
    before: AtomicU64,
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
        memory.has_grown(memory.ran_out());
        Ok(Some(memory))
    }

    /// `runner`, with its tools below the limit. It is one more as long as the process lives.
    pub(super) fn limit(&self, runner: &'static dyn Runner) -> &'static dyn Runner {
        match &self.kind {
            Kind::Tools(cgroup) => Box::leak(Box::new(Confined { runner, processes: cgroup.processes() })),
            Kind::Guest => runner,
        }
    }

    /// What `error` is below this limit: if memory ran out since it was last asked, how far the lab came.
    pub(crate) fn judge(&self, error: CellError) -> CellError {
        self.judged(error, self.ran_out())
    }

    /// The same, when it has run out so often.
    fn judged(&self, error: CellError, ran_out: Option<u64>) -> CellError {
        let ran_out = self.has_grown(ran_out);
        match error {
            CellError::Failed(reason) if ran_out || REFUSED.iter().any(|words| reason.contains(words)) => {
                let of = match self.kind {
                    Kind::Tools(_) => "the tools",
                    Kind::Guest => "a guest with these Services",
                };
                CellError::OverBudget(format!("{} MiB are not enough for {of}: {reason}", self.mebibytes))
            }
            other => other,
        }
    }

    /// Whether it has run out since this was last asked.
    fn has_grown(&self, ran_out: Option<u64>) -> bool {
        ran_out.is_some_and(|now| self.before.swap(now, Ordering::Relaxed) < now)
    }

    /// How often the kernel found none for a process, and killed one.
    fn ran_out(&self) -> Option<u64> {
        match &self.kind {
            Kind::Tools(cgroup) => cgroup.ran_out(),
            Kind::Guest => cgroup::count(&fs::read_to_string("/proc/vmstat").unwrap_or_default(), "oom_kill"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell_error::CellError::{Failed, OverBudget, Skipped};

    fn memory() -> Memory {
        Memory { mebibytes: 64, kind: Kind::Guest, before: AtomicU64::new(3) }
    }

    #[test]
    fn a_tool_that_was_refused_memory_is_over_budget_and_any_other_failure_is_one() {
        let refused = Failed("nft refused: \"Cannot allocate memory\"".to_owned());
        let said = "64 MiB are not enough for a guest with these Services: nft refused: \"Cannot allocate memory\"";
        assert_eq!(memory().judged(refused, Some(3)), OverBudget(said.to_owned()));
        let other = Failed("the node is not as its layout says".to_owned());
        assert_eq!(memory().judged(other.clone(), Some(3)), other);
        assert_eq!(memory().judged(other.clone(), None), other);
    }

    #[test]
    fn a_kill_counts_once() {
        let (memory, killed) = (memory(), Failed("nft was killed by signal 9".to_owned()));
        assert!(matches!(memory.judged(killed.clone(), Some(4)), OverBudget(_)));
        assert_eq!(memory.judged(killed.clone(), Some(4)), killed);
    }

    #[test]
    fn what_was_skipped_stays_skipped() {
        let skipped = Skipped("the kernel lacks ip_vs".to_owned());
        assert_eq!(memory().judged(skipped.clone(), Some(4)), skipped);
    }
}
