//! Tries damaged inputs on every reader of svclab: none may panic, take more than [`worker::TIME`] for one, or more than
//! [`memory::MOST`].
//!
//! ```text
//!   seeds (files of this repository) ──► mutation ──► input ──► a target: a reader
//!                  campaign: the parent                 └ worker: a process of its own, watched
//! ```
//!
//! An input is made from a seed's number, the campaign's seed and its own number, so that any of them can be made again.

pub mod campaign;
pub mod memory;
pub mod mutation;
pub mod seeds;
pub mod targets;
pub mod worker;
