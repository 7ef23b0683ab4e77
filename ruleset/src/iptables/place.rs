//! In which order the kernel holds the Services.

use super::Tables;
use std::net::IpAddr;

/// Where packets to an address and port are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The address that they go to.
    pub destination: IpAddr,
    /// Their protocol.
    pub protocol: String,
    /// Their port.
    pub port: u16,
    /// The rule's place in its chain, from 1.
    pub rule: usize,
}

impl Tables {
    /// The rules of KUBE-SERVICES in `nat` that match one address, one protocol and one port, in the kernel's order.
    ///
    /// Some releases have two rules a Service; then both are here.
    #[must_use]
    pub fn places(&self) -> Vec<Place> {
        let rules = self.chain("nat", "KUBE-SERVICES").map_or(&[][..], |chain| &chain.rules);
        let place = |(rule, held): (usize, &super::Rule)| {
            let destination = held.value("-d")?.parse().ok()?;
            let (protocol, port) = (held.value("-p")?.into_owned(), held.value("--dport")?.parse().ok()?);
            Some(Place { destination, protocol, port, rule })
        };
        (1..).zip(rules).filter_map(place).collect()
    }
}
