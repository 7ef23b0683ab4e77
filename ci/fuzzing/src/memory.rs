//! Counts the memory that is held, and refuses more than [`MOST`].

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The most bytes that one input may take.
pub const MOST: usize = 1 << 30;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// What was held before the input.
static BEFORE: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
#[derive(Debug)]
pub struct Counted;

/// Begins to count for an input.
pub fn begin() {
    let held = HELD.load(Relaxed);
    BEFORE.store(held, Relaxed);
    PEAK.store(held, Relaxed);
}

/// The most bytes that the input held at once.
pub fn peak() -> usize {
    PEAK.load(Relaxed).saturating_sub(BEFORE.load(Relaxed))
}

/// Counts `size` more; whether they are within the limit.
fn take(size: usize) -> bool {
    let held = HELD.fetch_add(size, Relaxed) + size;
    if held.saturating_sub(BEFORE.load(Relaxed)) > MOST {
        HELD.fetch_sub(size, Relaxed);
        return false;
    }
    PEAK.fetch_max(held, Relaxed);
    true
}

// SAFETY: every block is the system allocator's own, of the layout that was asked for; a null pointer stands for none.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !take(layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps the system allocator's contract, which is this one's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > layout.size() && !take(size - layout.size()) {
            return std::ptr::null_mut();
        }
        if size < layout.size() {
            HELD.fetch_sub(layout.size() - size, Relaxed);
        }
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}
