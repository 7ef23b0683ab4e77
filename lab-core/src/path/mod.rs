//! A packet's way through what a node holds: which chains it passes, how many rules it is tried against, where it may end
//! and with what probability, where its addresses are rewritten, and which rule decides.
//!
//! Pure: it walks the rules as values, in the kernel's order of hooks (`include/uapi/linux/netfilter_ipv4.h`). What a
//! packet alone does not decide, such as a random pick, makes the walk branch.
//!
//! ```text
//! from a pod or outside   PREROUTING ── routing ──┬── FORWARD ────────────── POSTROUTING ── sent
//!                                                 └── INPUT ── IPVS ─┐
//!                                                        └ delivered │
//! from the node           OUTPUT ── IPVS ─────────────────────────── OUTPUT ── POSTROUTING ── sent
//! ```

mod action;
mod assumption;
mod cursor;
mod ending;
mod index;
mod ipvs;
mod judge;
mod lookup;
mod packet;
mod place;
mod rewrite;
mod route;
mod step;
mod trial;
mod walk;
mod walker;
mod way;

pub use assumption::Assumption;
pub use ending::{End, Ending, SourceAddress};
pub use packet::{Packet, Start};
pub use place::Place;
pub use route::Surroundings;
pub use step::{Event, Step};
pub use walker::{Walk, Walker};

#[cfg(test)]
mod tests;
