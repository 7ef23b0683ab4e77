//! The process that tries inputs: it says which one it is at, so that whoever started it knows what ended it.

use crate::memory;
use crate::mutation::input;
use crate::seeds::Seeds;
use crate::targets::Target;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// The most processor time that one input may take: a busy machine makes no reader slow.
pub const TIME: Duration = Duration::from_secs(5);
/// The most time that it may take in all: a reader waits for nothing.
pub const WAIT: Duration = Duration::from_secs(300);
/// The exit code of a worker whose input took too long.
pub const TOO_LONG: i32 = 40;
/// The exit code of a worker whose input panicked.
pub const PANICKED: i32 = 41;
/// The address space of a worker: more than [`memory::MOST`], so that the allocator's count decides.
const ADDRESSES: u64 = 8 << 30;

/// What a worker is to do.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// The campaign's seed.
    pub seed: u64,
    /// The first input's number.
    pub from: u64,
    /// How many inputs it tries.
    pub inputs: u64,
    /// When it stops in any case.
    pub time: Duration,
}

/// How far a worker came, as it writes it into its file: eight bytes each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of the input that it is at.
    pub number: u64,
    /// The longest processor time of an input, in nanoseconds.
    pub slowest: u64,
    /// The most memory of an input, in bytes.
    pub peak: u64,
}

impl Progress {
    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        for (place, number) in [self.number, self.slowest, self.peak].into_iter().enumerate() {
            bytes[8 * place..8 * place + 8].copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// Of its bytes.
    #[must_use]
    pub fn of(bytes: [u8; 24]) -> Self {
        let number = |place: usize| u64::from_le_bytes(std::array::from_fn(|byte| bytes[8 * place + byte]));
        Self { number: number(0), slowest: number(1), peak: number(2) }
    }
}

/// Tries inputs on `target`, and notes in `file` how far it is. Ends the process if one takes too long or panics.
///
/// # Errors
/// If the progress cannot be written.
pub fn work(target: &Target, seeds: &Seeds, order: Order, file: &File) -> io::Result<()> {
    limit();
    watch();
    let start = Instant::now();
    let mut progress = Progress { number: order.from, ..Progress::default() };
    while progress.number < order.from.saturating_add(order.inputs) && start.elapsed() < order.time {
        file.write_all_at(&progress.bytes(), 0)?;
        let taken = try_one(target, &input(seeds, order.seed, progress.number));
        progress.slowest = progress.slowest.max(u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX));
        progress.peak = progress.peak.max(memory::peak() as u64);
        progress.number += 1;
    }
    file.write_all_at(&progress.bytes(), 0)
}

/// Tries one input, within the limits: the process ends if it breaks one.
pub fn try_one(target: &Target, input: &[u8]) -> Duration {
    memory::begin();
    let start = used();
    BEGAN.store(1 + milliseconds(start), Relaxed);
    let ended = catch_unwind(AssertUnwindSafe(|| (target.read)(input)));
    BEGAN.store(0, Relaxed);
    if ended.is_err() {
        let _ = io::stderr().flush();
        std::process::exit(PANICKED);
    }
    used().saturating_sub(start)
}

/// The processor time that the process had used when the input began, in milliseconds and one more; 0 for no input.
static BEGAN: AtomicU64 = AtomicU64::new(0);

/// The processor time that this process has used.
fn used() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes the time, which outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.try_into().unwrap_or(0))
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Ends the process when an input takes longer than [`TIME`], or waits longer than [`WAIT`].
pub fn watch() {
    thread::spawn(move || {
        let (mut seen, mut since) = (0, Instant::now());
        loop {
            thread::sleep(Duration::from_millis(50));
            let began = BEGAN.load(Relaxed);
            if began != seen {
                (seen, since) = (began, Instant::now());
            }
            let is_busy = milliseconds(used()) + 1 > began + milliseconds(TIME);
            if began != 0 && (is_busy || since.elapsed() > WAIT) {
                // Without destructors: the reader's thread still runs.
                // SAFETY: _exit takes any number and does not return.
                unsafe { libc::_exit(TOO_LONG) };
            }
        }
    });
}

/// Limits the address space, for what does not go through the allocator.
pub fn limit() {
    let limit = libc::rlimit { rlim_cur: ADDRESSES, rlim_max: ADDRESSES };
    // SAFETY: it reads the limit, which outlives the call.
    let _ = unsafe { libc::setrlimit(libc::RLIMIT_AS, &raw const limit) };
}
