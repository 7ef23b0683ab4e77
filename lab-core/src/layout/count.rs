//! Counts what a full sync installs, instead of printing it.

use super::Installed;
use std::collections::HashSet;
use std::net::IpAddr;

/// The sink that counts. It is for full syncs: only cluster IPs may come more than once there.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) installed: Installed,
    /// Services with several ports add their address several times.
    pub(super) cluster_ips: HashSet<IpAddr>,
}
