//! What a dataset's numbers mean: summaries, the gate and its drift, capacity, claims. And what a node's rules mean for packets.
//!
//! Pure, as the datasets it reads: no processes, sockets, files or clock.

pub mod capacity;
pub mod claims;
pub mod explain;
pub mod gate;
pub mod rate;
pub mod study;
pub mod summary;
