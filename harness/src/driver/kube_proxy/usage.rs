//! What a kube-proxy and its tools used: CPU time, memory, processes.

use crate::meter::ticks;
use lab_core::metric::Metric;
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// CPU time of the tools that have ended. The kernel tells it in ticks of ten milliseconds (proc_pid_stat(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tools {
    pub(super) user: Duration,
    pub(super) system: Duration,
}

impl Tools {
    /// What was used since `earlier`.
    pub(super) fn since(self, earlier: Self) -> Self {
        let (user, system) = (self.user.saturating_sub(earlier.user), self.system.saturating_sub(earlier.system));
        Self { user, system }
    }
}

/// CPU time of the process `pid` itself, all its threads included, to the nanosecond.
pub(super) fn own(pid: Pid) -> Option<Duration> {
    let clock = clock_getcpuclockid(pid).ok()?;
    clock_gettime(clock).ok().map(Duration::from)
}

/// CPU time of the children of `pid` that it has waited for.
pub(super) fn of_tools(pid: Pid) -> Option<Tools> {
    of_children(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn of_children(stat: &str) -> Option<Tools> {
    // The name is in parentheses, and may hold spaces. cutime and cstime are fields 16 and 17, of which two are before.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let mut time = || Some(ticks(fields.next()?.parse().ok()?));
    Some(Tools { user: time()?, system: time()? })
}

/// The largest resident memory of `pid` so far, in bytes.
pub(super) fn memory(pid: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// How often tools were started: all of them, and those of each kind.
pub(super) fn by_metric(runs: &BTreeMap<String, u64>) -> Vec<(Metric, u64)> {
    let mut found: BTreeMap<Metric, u64> = BTreeMap::new();
    for (tool, &count) in runs {
        *found.entry(Metric::ToolRuns).or_default() += count;
        let kind = match tool.replace("ip6tables", "iptables").as_str() {
            "iptables" => Metric::ToolRunsIptables,
            "iptables-restore" => Metric::ToolRunsRestore,
            "iptables-save" => Metric::ToolRunsSave,
            "nft" => Metric::ToolRunsNft,
            "ipset" => Metric::ToolRunsIpset,
            "conntrack" => Metric::ToolRunsConntrack,
            _ => continue,
        };
        *found.entry(kind).or_default() += count;
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_found_behind_any_name() {
        let stat = "61 (kube proxy) :)) S 1 1 1 0 -1 4194560 1 2 3 4 5 6 70 80 20 0 9 0 1 2 3";
        let found = of_children(stat).unwrap();
        assert_eq!(found, Tools { user: ticks(70), system: ticks(80) });
        assert_eq!(of_children("61 (x) S"), None);
    }

    #[test]
    fn a_process_has_used_time_and_memory() {
        let pid = Pid::this();
        assert!(own(pid).unwrap() > Duration::ZERO);
        assert!(memory(pid).unwrap() > 1 << 20);
    }

    #[test]
    fn tools_of_both_families_are_of_one_kind() {
        let runs = [("ip6tables-restore", 2), ("iptables-restore", 3), ("iptables", 1), ("nft", 4)];
        let runs = runs.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        let expected = [
            (Metric::ToolRuns, 10),
            (Metric::ToolRunsIptables, 1),
            (Metric::ToolRunsRestore, 5),
            (Metric::ToolRunsNft, 4),
        ];
        assert_eq!(by_metric(&runs), expected);
    }
}
