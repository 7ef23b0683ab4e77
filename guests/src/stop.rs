//! Whether what is going on should stop.

/// Whether what is going on should stop. It is asked several times a second, from any thread.
pub type Stop<'a> = &'a (dyn Fn() -> bool + Sync);
