//! What a node's rules mean for packets: to one Service, for all of them, and what differs between two nodes.

mod client;
mod difference;
mod doubt;
mod entry;
mod explanation;
mod summary;
mod target;

pub use client::{Client, Clients};
pub use difference::{Difference, Differences, Differing, Met, difference};
pub use doubt::Doubt;
pub use entry::{Entry, Reached, entries};
pub use explanation::{Explanation, Outcome, Way, explain};
pub use summary::{Longest, Summary, summary};
pub use target::{NoTarget, Resolved, Target, Unresolved, protocol_name, resolve};
