//! Marks: instructions that do nothing. They tell QEMU's plugin what is being measured.
//!
//! ```text
//!   account 1 ─────────────┐  account 3 ────────────────────┐        opened and closed by the lab
//!      window ───────┐     │     window ───┐ window ───┐    │        in its launchers, around a request, a connection
//! ```
//!
//! While a window is open, `plugin/profile.rs` counts instructions on the open account. Between two accounts it counts
//! on one that nobody reads. The marks are always there: a profiled run executes the same instructions as any other.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A range of accounts, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// The time in their windows, in nanoseconds of the guest's clock.
    pub time: u64,
}

/// The number of the open account.
static NUMBER: AtomicU32 = AtomicU32::new(0);

fn turn() -> u32 {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed) + 1;
    account();
    number
}

/// An account, open until it is dropped. Only one process of a guest may open accounts: it numbers them.
pub struct Account {
    first: u32,
}

impl Account {
    /// Opens an account.
    pub fn open() -> Self {
        Self { first: turn() }
    }

    /// Counts from here on separately.
    pub fn step(&self) {
        turn();
    }

    /// Every account since it was opened. Their windows took `time`.
    pub fn took(&self, time: Duration) -> Accounts {
        Accounts { first: self.first, last: NUMBER.load(Ordering::Relaxed), time: nanoseconds(time) }
    }
}

impl Accounts {
    /// Only the first of them, which took `time`.
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

/// Opens a window until it is dropped. Windows may be nested.
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
        // Inlined into the caller, whose page is present: a page fault here would fall outside of the window.
        #[inline(always)]
        fn $name() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a nopl with an unused displacement does nothing. It is aligned, so it lies in one page.
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
