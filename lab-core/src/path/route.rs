//! What surrounds a node, as far as a packet's way depends on it: which addresses are its own.

use crate::node::{NodeState, Value};
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Stands for an address of the node where no listing tells one: from a range for documentation (RFC 5737, RFC 3849).
const STAND_IN_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const STAND_IN_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
/// The device that holds cluster IPs in kube-proxy's ipvs mode.
pub(super) const IPVS_DEVICE: &str = "kube-ipvs0";

/// The node's addresses.
#[derive(Debug, Clone)]
pub struct Surroundings {
    local: HashSet<IpAddr>,
    v4: IpAddr,
    v6: IpAddr,
    /// Whether the addresses are known from a listing.
    is_known: bool,
}

impl Surroundings {
    /// Of this node. Where no listing tells its addresses, those that its rules name as node ports' are taken; where there
    /// are none, one from a range for documentation.
    #[must_use]
    pub fn of(state: &NodeState) -> Self {
        let own = |address: &IpAddr| !address.is_loopback();
        let listed: Vec<_> = state.addresses.iter().filter(|held| &*held.device != IPVS_DEVICE).collect();
        let mut named: Vec<IpAddr> = listed.iter().map(|held| held.address.addr()).filter(own).collect();
        let is_known = !named.is_empty();
        if !is_known {
            named.extend(node_port_addresses(state));
        }
        let first = |is_v4: bool| named.iter().copied().find(|address| address.is_ipv4() == is_v4);
        let (v4, v6) = (first(true).unwrap_or(STAND_IN_V4), first(false).unwrap_or(STAND_IN_V6));
        let mut local: HashSet<IpAddr> = state.addresses.iter().map(|held| held.address.addr()).collect();
        local.extend(named);
        local.extend([v4, v6]);
        if !state.addresses.iter().any(|held| &*held.device == IPVS_DEVICE) {
            // Each virtual server's address is one of that device's.
            local.extend(state.servers.iter().map(|server| server.address.ip()));
        }
        Self { local, v4, v6, is_known }
    }

    /// The same, with this address of the node in place of a stand-in.
    #[must_use]
    pub fn with_address(mut self, address: IpAddr) -> Self {
        self.local.insert(address);
        match address {
            IpAddr::V4(_) => self.v4 = address,
            IpAddr::V6(_) => self.v6 = address,
        }
        self
    }

    /// Whether the node has this address.
    #[must_use]
    pub fn is_local(&self, address: IpAddr) -> bool {
        address.is_loopback() || self.local.contains(&address)
    }

    /// The node's first address of IPv4 (`true`) or IPv6, or what stands for it.
    #[must_use]
    pub fn address(&self, is_v4: bool) -> IpAddr {
        if is_v4 { self.v4 } else { self.v6 }
    }

    /// Whether that address is only one that stands for it.
    #[must_use]
    pub fn is_stand_in(&self, is_v4: bool) -> bool {
        matches!(self.address(is_v4), STAND_IN_V4 | STAND_IN_V6)
    }

    /// Whether a listing tells the node's addresses.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_known
    }
}

/// The addresses in nftables' set `nodeport-ips`.
fn node_port_addresses(state: &NodeState) -> impl Iterator<Item = IpAddr> + '_ {
    use crate::node::KeyPart;
    let sets = state.tables.iter().filter_map(|table| table.sets.get("nodeport-ips"));
    sets.flat_map(|set| set.elements()).filter_map(|element| match &*element.key {
        [KeyPart::One(Value::Address(address))] => Some(*address),
        [KeyPart::Addresses(span)] if span.is_one() => Some(span.first),
        _ => None,
    })
}
