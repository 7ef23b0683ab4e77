//! Facts about the host, for a dataset's header: what a reader needs to judge the numbers by.
//!
//! All best effort: a fact that cannot be had is left out.

use nix::sys::utsname::{UtsName, uname};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::time::Duration;

/// For how long the processors are watched.
const LOOK: Duration = Duration::from_secs(1);

/// The facts, by name, as they are now.
#[must_use]
pub fn gather() -> BTreeMap<String, String> {
    let cpuinfo = read("/proc/cpuinfo").unwrap_or_default();
    let cmdline = read("/proc/cmdline").unwrap_or_default();
    let uname = uname().ok();
    let uname = |part: fn(&UtsName) -> &OsStr| Some(part(uname.as_ref()?).to_string_lossy().into_owned());
    let cpus = std::thread::available_parallelism().ok();
    let load = read("/proc/loadavg").and_then(|text| load_average(&text));
    let is_loaded = load.as_deref().zip(cpus).is_some_and(|(load, cpus)| first(load) > cpus.get() as f64 / 2.0);
    let facts = [
        ("kernel", uname(UtsName::release)),
        ("kernel_version", uname(UtsName::version)),
        ("arch", uname(UtsName::machine)),
        ("os", read("/etc/os-release").and_then(|text| os_name(&text))),
        ("cpu", cpu_model(&cpuinfo)),
        ("cpus", cpus.map(|cpus| cpus.to_string())),
        ("cpu_governor", read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        ("clocksource", read("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
        ("memory_bytes", read("/proc/meminfo").and_then(|text| memory_bytes(&text))),
        ("virtualised", virtualised(&cpuinfo)),
        ("mitigations", mitigations(&cmdline)),
        ("load_average", load),
        // A load average tells of the minute before, also of what has ended since, such as another run.
        ("processors_in_use", is_loaded.then(in_use).flatten().map(|share| format!("{share:.2}"))),
        ("conntrack_max", read("/proc/sys/net/netfilter/nf_conntrack_max")),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact?))).collect()
}

/// A file's text without the white space around it; `None` when there is none.
fn read(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The value of `key` in lines like `key : value`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.trim() == key).map(|(_, v)| v.trim())
}

fn os_name(os_release: &str) -> Option<String> {
    let name = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}

/// The processor's name; Arm kernels give only numbers.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    let numbers =
        || Some(format!("implementer {} part {}", value(cpuinfo, "CPU implementer")?, value(cpuinfo, "CPU part")?));
    value(cpuinfo, "model name").map(str::to_owned).or_else(numbers)
}

fn memory_bytes(meminfo: &str) -> Option<String> {
    let kib: u64 = value(meminfo, "MemTotal")?.strip_suffix(" kB")?.trim().parse().ok()?;
    Some((kib * 1024).to_string())
}

/// `yes` with the machine's make where the firmware gives one; `no` only where the processor would say otherwise.
fn virtualised(cpuinfo: &str) -> Option<String> {
    let flags = value(cpuinfo, "flags")?;
    if !flags.split_whitespace().any(|flag| flag == "hypervisor") {
        return Some("no".to_owned());
    }
    let make = read("/sys/class/dmi/id/sys_vendor").or_else(|| read("/sys/hypervisor/type"));
    Some(make.map_or_else(|| "yes".to_owned(), |make| format!("yes: {make}")))
}

/// What the kernel's command line says of mitigations against processor flaws: they change what a system call costs.
fn mitigations(cmdline: &str) -> Option<String> {
    cmdline.split_whitespace().find_map(|word| word.strip_prefix("mitigations=")).map(str::to_owned)
}

/// The averages over 1, 5 and 15 minutes.
fn load_average(loadavg: &str) -> Option<String> {
    let averages: Vec<_> = loadavg.split_whitespace().take(3).collect();
    (averages.len() == 3).then(|| averages.join(" "))
}

/// The first of several averages; 0 where there is none.
fn first(averages: &str) -> f64 {
    averages.split_whitespace().next().and_then(|average| average.parse().ok()).unwrap_or(0.0)
}

/// Which share of the processors' time is used, from 0 to 1, seen for a second.
fn in_use() -> Option<f64> {
    let look = || ticks(&read("/proc/stat")?);
    let (all, idle) = look()?;
    std::thread::sleep(LOOK);
    let (later, idle_later) = look()?;
    let passed = later.checked_sub(all).filter(|passed| *passed > 0)?;
    Some(1.0 - (idle_later.saturating_sub(idle) as f64 / passed as f64).min(1.0))
}

/// The clock ticks of all processors, and those in which they had nothing to do (`proc_stat(5)`).
fn ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // Of the ten words, the last two are time of guests, which is in the first two already.
    let ticks: Vec<u64> = line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
    let [_, _, _, idle, waiting, ..] = ticks[..] else { return None };
    Some((ticks.iter().sum(), idle + waiting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_linux_has_a_kernel_and_memory() {
        let facts = gather();
        assert!(facts.contains_key("kernel"), "{facts:?}");
        assert!(facts["memory_bytes"].parse::<u64>().is_ok_and(|bytes| bytes > 1 << 20), "{facts:?}");
    }

    #[test]
    fn processors_are_in_use_while_they_neither_idle_nor_wait() {
        let stat = "cpu  10 1 5 70 4 2 3 5 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(ticks(stat), Some((100, 74)));
        assert_eq!(ticks("cpu  10 1 5\n"), None);
        let share = in_use().unwrap();
        assert!((0.0..=1.0).contains(&share), "{share}");
    }

    #[test]
    fn values_are_found_by_their_whole_key() {
        let cpuinfo = "model\t\t: 85\nmodel name\t: Intel(R) Xeon(R) @ 2.50GHz\nflags\t: fpu hypervisor\n";
        assert_eq!(cpu_model(cpuinfo).as_deref(), Some("Intel(R) Xeon(R) @ 2.50GHz"));
        assert_eq!(
            cpu_model("CPU implementer : 0x41\nCPU part : 0xd0c\n").as_deref(),
            Some("implementer 0x41 part 0xd0c")
        );
        assert_eq!(virtualised("flags : fpu\n").as_deref(), Some("no"));
        assert_eq!(memory_bytes("MemTotal:       1024 kB\n").as_deref(), Some("1048576"));
        assert_eq!(os_name("NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n").as_deref(), Some("Debian GNU/Linux 12"));
        assert_eq!(load_average("0.52 0.58 0.59 1/467 12345\n").as_deref(), Some("0.52 0.58 0.59"));
        assert_eq!(first("0.52 0.58 0.59"), 0.52);
        assert_eq!(mitigations("quiet mitigations=off ro").as_deref(), Some("off"));
        assert_eq!(mitigations("quiet ro"), None);
    }
}
