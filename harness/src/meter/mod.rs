//! Meters that are read beside a probe: CPU time of the machine, kernel memory, the lab's own peak memory.

pub(crate) mod drops;
pub(crate) mod kernel_log;

use anyhow::{Context, Result};
use std::fs;
use std::time::{Duration, Instant};

/// CPU time of the whole machine since it started, from `/proc/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cpu {
    user: Duration,
    system: Duration,
    softirq: Duration,
    busy: Duration,
    at: Instant,
}

impl Cpu {
    /// Reads the CPU time. It ticks a hundred times a second, so intervals should be long.
    pub(crate) fn read() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat").context("reading /proc/stat")?;
        Self::of(text.lines().next().unwrap_or_default())
    }

    /// Parses the first line of `/proc/stat`.
    fn of(line: &str) -> Result<Self> {
        let fields: Vec<u64> = line.split_whitespace().skip(1).map_while(|word| word.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal: proc_stat(5)
        let &[user, nice, system, _, _, irq, softirq, ..] = fields.as_slice() else {
            anyhow::bail!("/proc/stat begins with \"{line}\"");
        };
        Ok(Self {
            user: ticks(user + nice),
            system: ticks(system),
            softirq: ticks(softirq),
            busy: ticks(user + nice + system + irq + softirq),
            at: Instant::now(),
        })
    }

    /// User time since `earlier`, as a share of one core.
    pub(crate) fn user_since(&self, earlier: &Self) -> f64 {
        share(self.user.saturating_sub(earlier.user), self.at - earlier.at)
    }

    /// System time since `earlier`, as a share of one core; without interrupts.
    pub(crate) fn system_since(&self, earlier: &Self) -> f64 {
        share(self.system.saturating_sub(earlier.system), self.at - earlier.at)
    }

    /// Softirq time since `earlier`, as a share of one core.
    pub(crate) fn softirq_since(&self, earlier: &Self) -> f64 {
        share(self.softirq.saturating_sub(earlier.softirq), self.at - earlier.at)
    }

    /// All time but idle time since `earlier`, as a share of one core.
    pub(crate) fn busy_since(&self, earlier: &Self) -> f64 {
        share(self.busy.saturating_sub(earlier.busy), self.at - earlier.at)
    }
}

fn share(time: Duration, of: Duration) -> f64 {
    time.as_secs_f64() / of.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// The time of so many of the kernel's ticks, a hundred of which are a second mostly.
pub(crate) fn ticks(count: u64) -> Duration {
    Duration::from_nanos(count * (1_000_000_000 / ticks_a_second()))
}

fn ticks_a_second() -> u64 {
    // SAFETY: sysconf reads a constant of the system.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(ticks).ok().filter(|&ticks| ticks > 0).unwrap_or(100)
}

/// How long tasks have run, kernel threads included, from `/proc/schedstat`. It is counted at each task switch, not
/// sampled at ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskTime {
    ran: Duration,
    at: Instant,
}

impl TaskTime {
    /// Reads it; `None` where the kernel has no such file.
    pub(crate) fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/schedstat").ok()?;
        Some(Self { ran: ran(&text)?, at: Instant::now() })
    }

    /// Time that tasks ran since `earlier`, as a share of one core.
    pub(crate) fn since(&self, earlier: &Self) -> f64 {
        share(self.ran.saturating_sub(earlier.ran), self.at - earlier.at)
    }
}

/// The sum of the seventh field, nanoseconds, of every CPU's line (Documentation/scheduler/sched-stats.rst).
fn ran(schedstat: &str) -> Option<Duration> {
    let cpus = schedstat.lines().filter(|line| line.starts_with("cpu"));
    let times: Option<Vec<u64>> = cpus.map(|line| line.split(' ').nth(7)?.parse().ok()).collect();
    times.filter(|times| !times.is_empty()).map(|times| Duration::from_nanos(times.iter().sum()))
}

/// CPU time of the machine from both sources.
pub(crate) struct Meters {
    pub(crate) cpu: Cpu,
    tasks: Option<TaskTime>,
}

impl Meters {
    /// Reads both.
    pub(crate) fn read() -> Result<Self> {
        Ok(Self { cpu: Cpu::read()?, tasks: TaskTime::read() })
    }

    /// All time but idle time since `earlier`, as a share of one core: without ticks where the kernel has exact sums.
    pub(crate) fn spent_since(&self, earlier: &Self) -> f64 {
        match (&self.tasks, &earlier.tasks) {
            (Some(tasks), Some(earlier)) => tasks.since(earlier),
            _ => self.cpu.busy_since(&earlier.cpu),
        }
    }
}

/// Waits until the machine is quiet, for at most `limit`. After a namespace is removed, the kernel cleans up in the
/// background. That must not fall into the next sample.
pub(crate) fn settle(limit: Duration) -> Result<()> {
    const WINDOW: Duration = Duration::from_millis(100);
    const QUIET: f64 = 0.15;
    let deadline = Instant::now() + limit;
    loop {
        let before = Cpu::read()?;
        std::thread::sleep(WINDOW);
        if Cpu::read()?.busy_since(&before) < QUIET
            || Instant::now() >= deadline
            || crate::process::interrupt::requested()
        {
            return Ok(());
        }
    }
}

/// Bytes that the kernel itself holds and cannot reclaim: slab, vmalloc and per-CPU memory (`/proc/meminfo`). Rules,
/// chains, sets and their modules' state are there.
pub(crate) fn kernel_memory() -> Result<i64> {
    const PARTS: &[&str] = &["SUnreclaim", "VmallocUsed", "Percpu"];
    let text = fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
    let kib = |line: &str| line.split_whitespace().nth(1).and_then(|number| number.parse::<i64>().ok());
    let part = |line: &&str| PARTS.iter().any(|part| line.strip_prefix(part).is_some_and(|rest| rest.starts_with(':')));
    Ok(text.lines().filter(part).filter_map(kib).sum::<i64>() * 1024)
}

/// Makes the allocator return large blocks to the system as soon as they are free.
///
/// Scripts and listings have tens of megabytes, and each is made in another thread. glibc would keep such blocks in every
/// thread's arena.
pub(crate) fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt sets a parameter of the allocator, which has no other thread to serve yet.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}

/// The largest resident memory of this process so far, in bytes.
pub(crate) fn peak_rss() -> u64 {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF);
    // The kernel counts in KiB (getrusage(2)).
    usage.map_or(0, |usage| u64::try_from(usage.max_rss()).unwrap_or(0) * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_time_is_in_its_place() {
        let second = ticks_a_second();
        let line = |factor: u64| {
            let ticks = [1, 2, 4, 800, 900, 8, 16, 700, 0, 0].map(|ticks| (ticks * factor * second).to_string());
            Cpu::of(&format!("cpu  {}", ticks.join(" "))).unwrap()
        };
        let at = Instant::now();
        let before = Cpu { at, ..line(0) };
        let after = Cpu { at: at + Duration::from_secs(10), ..line(1) };
        assert_eq!(after.user_since(&before), 0.3);
        assert_eq!(after.system_since(&before), 0.4);
        assert_eq!(after.softirq_since(&before), 1.6);
        assert_eq!(after.busy_since(&before), 3.1);
        assert!(Cpu::of("cpu  1 2 3").is_err());
    }

    #[test]
    fn the_time_that_tasks_ran_is_that_of_all_cpus() {
        let text = "version 15\ntimestamp 4294893120\ncpu0 0 0 9 8 7 6 1000 5 4\ndomain0 3 1 2 3 4 5 6 7 8\n\
                    cpu1 0 0 9 8 7 6 234 5 4\n";
        assert_eq!(ran(text), Some(Duration::from_nanos(1234)));
        assert_eq!(ran("version 15\n"), None);
    }
}
