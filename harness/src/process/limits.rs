//! The limits that this process was started under (`ulimit`), held against what svclab needs.
//!
//! Beyond a limit a program breaks in many ways: a stack ends in a signal, a file's size too, and a thread is refused
//! somewhere in a library. So each limit is looked at before anything is done.

use super::exit::Failure;
use anyhow::anyhow;
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use std::thread;

/// A limit, and the least that svclab works with.
struct Limit {
    resource: Resource,
    of: &'static str,
    /// The shell's option for it: `ulimit -n`.
    option: &'static str,
    /// The shell's unit for it.
    unit: &'static str,
    bytes: u64,
    least: u64,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The least of each was tried: tests/kernel/limits.rs. A thread takes address space for its stack and its allocations.
const LIMITS: &[Limit] = &[
    Limit {
        resource: Resource::RLIMIT_AS,
        of: "the address space",
        option: "-v",
        unit: " KiB",
        bytes: KIB,
        least: 2048 * MIB,
    },
    Limit {
        resource: Resource::RLIMIT_DATA,
        of: "data in memory",
        option: "-d",
        unit: " KiB",
        bytes: KIB,
        least: 1024 * MIB,
    },
    Limit { resource: Resource::RLIMIT_STACK, of: "the stack", option: "-s", unit: " KiB", bytes: KIB, least: MIB },
    Limit {
        resource: Resource::RLIMIT_FSIZE,
        of: "the size of a file",
        option: "-f",
        unit: " KiB",
        bytes: KIB,
        least: 64 * MIB,
    },
    Limit { resource: Resource::RLIMIT_NOFILE, of: "open files", option: "-n", unit: "", bytes: 1, least: 128 },
];

/// How many threads are started at a time, and how many of them are tried.
const THREADS: usize = 48;

/// Checks every limit.
///
/// # Errors
/// When one is too small: which, what it is, what it must be at least, and how to raise it.
pub(crate) fn check() -> Result<(), Failure> {
    for limit in LIMITS {
        let Ok((now, _)) = getrlimit(limit.resource) else { continue };
        if now != RLIM_INFINITY && now < limit.least {
            return Err(too_small(limit.of, limit.option, limit.unit, now / limit.bytes, limit.least / limit.bytes));
        }
    }
    // Others of this user count, too, so that the number alone says nothing. There is none for root.
    if let Ok((now, _)) = getrlimit(Resource::RLIMIT_NPROC)
        && now != RLIM_INFINITY
        && !can_start(THREADS)
    {
        let others = "the user's other processes counted";
        return Err(too_small(&format!("processes, {others},"), "-u", "", now, now + THREADS as u64));
    }
    Ok(())
}

fn too_small(of: &str, option: &str, unit: &str, now: u64, least: u64) -> Failure {
    Failure::cannot_run(anyhow!(
        "the limit on {of} is {now}{unit}, and svclab needs {least}: raise it with: ulimit {option} {least}"
    ))
}

/// Whether `number` threads can be there at a time.
fn can_start(number: usize) -> bool {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Arc::new(std::sync::Mutex::new(held));
    let mut started = Vec::new();
    for _ in 0..number {
        let held = std::sync::Arc::clone(&held);
        // They wait until `hold` is gone.
        let wait = move || drop(held.lock().map(|held| held.recv()));
        match thread::Builder::new().stack_size(64 << 10).spawn(wait) {
            Ok(thread) => started.push(thread),
            Err(_) => break,
        }
    }
    drop(hold);
    let all = started.len() == number;
    started.into_iter().for_each(|thread| drop(thread.join()));
    all
}
