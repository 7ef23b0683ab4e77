//! Published claims, and questions of operators, put to the test: a verdict in sentences, with the figures and the intervals
//! that say so.
//!
//! A claim is judged by what it needs, wherever that was measured. No verdict but *cannot be told* is without a figure, and no
//! figure is without an interval; where the clock counts instructions, a figure is exact.

mod add_rule;
mod affinity;
mod bandwidth;
mod binding;
mod claim;
mod cold_start;
mod conntrack;
mod counts;
mod cpu;
mod estimate;
mod evidence;
mod finding;
mod first_packet;
mod line;
mod lock;
mod memory;
mod out_of_memory;
mod quadratic;
mod reads;
mod rejects;
mod removed;
mod spread;
mod taken;
#[cfg(test)]
mod tests;
mod traffic;
mod udp;
mod votes;

pub use claim::Claim;
pub use estimate::Estimate;
pub use finding::{Figure, Finding, Measure, Verdict};

use lab_core::vocabulary::Unknown;

/// Every claim, in the order of reports.
pub static CLAIMS: &[Claim] = &[
    add_rule::IPTABLES,
    add_rule::IPVS,
    bandwidth::FALLS,
    bandwidth::LAST,
    bandwidth::SYNCING,
    rejects::BANDWIDTH,
    cpu::IPTABLES,
    cpu::IPVS,
    lock::WAITS,
    lock::REFUSED,
    traffic::INTERRUPTED,
    first_packet::LINEAR,
    first_packet::NFTABLES,
    counts::NODE_PORT,
    counts::STATIC,
    cold_start::QUADRATIC,
    reads::DOMINATE,
    spread::UNEQUAL,
    affinity::FORGETS,
    binding::IPVS,
    memory::NODE,
    out_of_memory::IPTABLES,
    conntrack::FULL,
    udp::STALE,
    udp::CLEAN_UP,
    udp::BLACKHOLE,
    removed::STALE,
    removed::BREAKS,
];

/// The claim called `id`.
///
/// # Errors
/// When there is none; it says which there are.
pub fn find(id: &str) -> Result<&'static Claim, Unknown> {
    let known = || CLAIMS.iter().map(|claim| claim.id);
    CLAIMS.iter().find(|claim| claim.id == id).ok_or_else(|| Unknown::new("claim", id, known()))
}
