//! How large an nf_tables transaction may be.

/// What makes larger transactions possible.
pub(crate) const REMEDY: &str =
    "raise net.core.wmem_max with ci/setup (sudo sysctl -w net.core.wmem_max=1073741823), or run as root";

/// The largest nf_tables transaction that a process without the machine's root can send, in bytes.
///
/// It has to fit into the netlink socket's send buffer, which only the machine's root may make larger than twice
/// `net.core.wmem_max` (`SO_SNDBUFFORCE`, socket(7)).
pub(crate) fn limit() -> u64 {
    let limit = std::fs::read_to_string("/proc/sys/net/core/wmem_max").unwrap_or_default();
    2 * limit.trim().parse::<u64>().unwrap_or(0)
}
