//! Addresses of a node, and spans of addresses and numbers.

use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address of the node, as `ip -o addr` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeAddress {
    /// The device that has it, such as `eth0` or `kube-ipvs0`.
    pub device: Box<str>,
    /// The address, with the length of its network's prefix.
    pub address: IpNet,
}

/// Addresses from a first to a last one, both included. Both are of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first.
    pub first: IpAddr,
    /// The last.
    pub last: IpAddr,
}

impl Span {
    /// One address.
    #[must_use]
    pub fn one(address: IpAddr) -> Self {
        Self { first: address, last: address }
    }

    /// Whether `address` is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first <= address && address <= self.last && self.first.is_ipv4() == address.is_ipv4()
    }

    /// Whether it is a single address.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.first == self.last
    }

    /// Whether it is every address of its family.
    #[must_use]
    pub fn is_all(&self) -> bool {
        match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => first.to_bits() == 0 && last.to_bits() == u32::MAX,
            (IpAddr::V6(first), IpAddr::V6(last)) => first.to_bits() == 0 && last.to_bits() == u128::MAX,
            _ => false,
        }
    }

    /// The network that it is, if it is one.
    #[must_use]
    pub fn network(&self) -> Option<IpNet> {
        let (low, high, bits) = match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => (u128::from(first.to_bits()), u128::from(last.to_bits()), 32),
            (IpAddr::V6(first), IpAddr::V6(last)) => (first.to_bits(), last.to_bits(), 128),
            _ => return None,
        };
        let hosts = (low ^ high).checked_ilog2().map_or(0, |place| place + 1);
        let length = u8::try_from(bits - hosts.min(bits)).ok()?;
        let network = IpNet::new(self.first, length).ok()?;
        (network.network() == self.first && network.broadcast() == self.last).then_some(network)
    }

    /// The address that comes so many after the first, if it is still one of them.
    #[must_use]
    pub fn nth(&self, place: u128) -> Option<IpAddr> {
        let address = match self.first {
            IpAddr::V4(first) => {
                IpAddr::V4(Ipv4Addr::from_bits(first.to_bits().checked_add(u32::try_from(place).ok()?)?))
            }
            IpAddr::V6(first) => IpAddr::V6(Ipv6Addr::from_bits(first.to_bits().checked_add(place)?)),
        };
        self.contains(address).then_some(address)
    }
}

impl From<IpNet> for Span {
    fn from(network: IpNet) -> Self {
        Self { first: network.network(), last: network.broadcast() }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.network() {
            Some(_) if self.is_one() => write!(out, "{}", self.first),
            Some(network) => write!(out, "{network}"),
            None => write!(out, "{}-{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_says_what_it_is() {
        let span = |first: &str, last: &str| Span { first: first.parse().unwrap(), last: last.parse().unwrap() };
        assert_eq!(span("10.0.0.0", "10.0.255.255").to_string(), "10.0.0.0/16");
        assert_eq!(span("10.0.0.1", "10.0.0.1").to_string(), "10.0.0.1");
        assert_eq!(span("10.0.0.1", "10.0.0.2").to_string(), "10.0.0.1-10.0.0.2");
        assert_eq!(span("fd00::", "fd00::ffff:ffff:ffff:ffff").to_string(), "fd00::/64");
        assert!(span("0.0.0.0", "255.255.255.255").is_all());
        assert!(!span("10.0.0.0", "10.0.255.255").contains("fd00::1".parse().unwrap()));
        assert_eq!(span("10.0.0.0", "10.0.0.3").nth(3), Some("10.0.0.3".parse().unwrap()));
        assert_eq!(span("10.0.0.0", "10.0.0.3").nth(4), None);
    }
}
