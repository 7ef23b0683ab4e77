//! Fast writing of what layouts print most. A layout prints up to 100 MB, for which `format!` is too slow.

use crate::cluster::{Endpoint, ServicePort};
use ipnet::IpNet;
use std::net::IpAddr;

/// Appends to a text and returns it, so that calls can be chained.
pub(super) trait Text {
    /// Text or bytes as they are.
    fn put(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self;
    /// A number in decimal.
    fn number(&mut self, number: u32) -> &mut Self;

    /// An address: `10.96.0.11`.
    fn address(&mut self, address: impl Into<IpAddr>) -> &mut Self {
        match address.into() {
            IpAddr::V4(address) => {
                let [a, b, c, d] = address.octets();
                self.number(a.into()).put(".").number(b.into()).put(".").number(c.into()).put(".").number(d.into())
            }
            IpAddr::V6(address) => self.put(address.to_string()),
        }
    }

    /// An address as in nftables names: with dots for colons.
    fn dotted(&mut self, address: IpAddr) -> &mut Self {
        match address {
            IpAddr::V4(address) => self.address(address),
            IpAddr::V6(address) => self.put(address.to_string().replace(':', ".")),
        }
    }

    /// An endpoint's address and port: `10.192.0.1:8080`.
    fn endpoint(&mut self, endpoint: &Endpoint) -> &mut Self {
        match endpoint.address {
            IpAddr::V4(address) => self.address(address),
            IpAddr::V6(address) => self.put("[").address(address).put("]"),
        }
        .put(":")
        .number(endpoint.port.into())
    }

    /// A network: `10.96.0.0/12`.
    fn network(&mut self, network: impl Into<IpNet>) -> &mut Self {
        let network = network.into();
        self.address(network.addr()).put("/").number(network.prefix_len().into())
    }

    /// A Service's port as in comments: `namespace/name:port`.
    fn service_name(&mut self, service: ServicePort<'_>) -> &mut Self {
        self.put(service.namespace()).put("/").put(service.name());
        if service.port.name.is_empty() { self } else { self.put(":").put(&service.port.name) }
    }

    /// A Service's port as in nftables chain names: `namespace/name/protocol/port`.
    fn service_path(&mut self, service: ServicePort<'_>) -> &mut Self {
        self.put(service.namespace()).put("/").put(service.name()).put("/");
        self.put(service.protocol().name()).put("/").put(&service.port.name)
    }
}

impl Text for Vec<u8> {
    fn put(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.extend_from_slice(bytes.as_ref());
        self
    }

    fn number(&mut self, mut number: u32) -> &mut Self {
        let mut digits = [0; 10];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.put(&digits[start..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::Ipv4Net;
    use proptest::prelude::*;
    use std::net::{Ipv4Addr, SocketAddr};

    proptest! {
        #[test]
        fn numbers_addresses_and_networks_read_as_the_standard_library_writes_them(
            number: u32, v4: Ipv4Addr, address: IpAddr, port: u16, prefix in 0u8..=32,
        ) {
            let (socket, network) = (SocketAddr::new(address, port), Ipv4Net::new(v4, prefix).unwrap());
            let mut text = Vec::new();
            text.number(number).put(" ").address(address).put(" ").endpoint(&Endpoint::ready(socket)).put(" ").network(network);
            prop_assert_eq!(String::from_utf8(text).unwrap(), format!("{number} {address} {socket} {network}"));
        }
    }
}
