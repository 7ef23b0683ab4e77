//! Counts what a full sync installs, instead of printing it.

use super::{Installed, Request};
use std::collections::HashSet;
use std::net::IpAddr;

/// The sink that counts. It is for full syncs: only cluster IPs may come more than once there.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) installed: Installed,
    /// Services with several ports add their address several times.
    pub(super) cluster_ips: HashSet<IpAddr>,
}

impl Count {
    /// One request of a full sync.
    pub(super) fn request(&mut self, request: &Request) {
        match request {
            Request::AddVirtualServer(_) => self.installed.virtual_servers += 1,
            Request::AddRealServer(..) => self.installed.real_servers += 1,
            Request::AddAddress(..) => self.installed.addresses += 1,
            _ => {}
        }
    }
}
