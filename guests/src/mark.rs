//! Marks: instructions that do nothing. They tell a profiler outside the guest what is being measured.
//!
//! ```text
//!   account 1 ─────────────┐  account 3 ────────────────────┐        opened and closed by the lab
//!      window ───────┐     │     window ───┐ window ───┐    │        in its launchers, around a request, a connection
//! ```
//!
//! The profiler's plugin counts the instructions of an open window on the open account. Between windows it counts on an
//! account that is not read. The marks are always there, so a profiled run executes the same instructions as any other.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Accounts by their numbers, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// The time of their windows, in nanoseconds of the guest's clock.
    pub time: u64,
}

/// The number of the account that is open.
static NUMBER: AtomicU32 = AtomicU32::new(0);

fn turn() -> u32 {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed) + 1;
    account();
    number
}

/// An account, open until it is dropped. Only the lab's own process opens them, for it alone numbers them.
pub struct Account {
    first: u32,
}

impl Account {
    /// Opens one.
    pub fn open() -> Self {
        Self { first: turn() }
    }

    /// Counts what follows apart from what came before.
    pub fn step(&self) {
        turn();
    }

    /// Everything since it was opened, on whatever accounts, in windows that took this `time`.
    pub fn took(&self, time: Duration) -> Accounts {
        Accounts { first: self.first, last: NUMBER.load(Ordering::Relaxed), time: nanoseconds(time) }
    }
}

impl Accounts {
    /// The first of them alone, which took this `time`.
    pub fn beginning(self, time: Duration) -> Self {
        Self { last: self.first, time: nanoseconds(time), ..self }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Drop for Account {
    fn drop(&mut self) {
        turn();
    }
}

/// Opens a window, until it is dropped. Windows may be nested.
#[must_use]
#[inline(always)]
pub fn window() -> Window {
    begin();
    Window(())
}

/// An open window.
pub struct Window(());

impl Drop for Window {
    #[inline(always)]
    fn drop(&mut self) {
        end();
    }
}

macro_rules! mark {
    ($name:ident, $which:literal) => {
        // Inlined, because its caller's page is mapped. A page fault would be outside the window.
        #[inline(always)]
        fn $name() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a nopl with a displacement that nothing else uses. Aligned, so that it is in one page.
            unsafe {
                std::arch::asm!(
                    ".p2align 3",
                    ".byte 0x0f, 0x1f, 0x84, 0x00",
                    concat!(".long 0x5c1ab000 + ", $which),
                    options(nostack, preserves_flags)
                );
            }
        }
    };
}

mark!(account, 1);
mark!(begin, 2);
mark!(end, 3);
