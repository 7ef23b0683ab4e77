//! This process itself: how it ends, what interrupts and limits it, its cores, and how it spells time.

pub(crate) mod clock;
pub(crate) mod cores;
pub(crate) mod exit;
pub(crate) mod interrupt;
pub(crate) mod limits;
pub(crate) mod standard;
pub(crate) mod terminal;
