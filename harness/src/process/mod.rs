//! This process itself: how it ends, what interrupts it, and how it spells time.

pub(crate) mod clock;
pub(crate) mod exit;
pub(crate) mod interrupt;
pub(crate) mod standard;
pub(crate) mod terminal;
