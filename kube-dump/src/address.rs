//! Addresses replaced by others.

use ipnet::IpNet;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many bytes of an IPv4 address stay: so that no address becomes one of a multicast group or of the machine itself.
const KEPT_V4: usize = 1;
/// How many of an IPv6 address.
const KEPT_V6: usize = 2;

/// Replaces addresses by a key: equal ones equally, and those that share a network by ones that share one as large.
///
/// ```text
/// 10 . 96 .  0 .  1
///  |   |     |    └ by a table of its 8 bits, which key and 10.96.0 decide
///  |   |     └ by a table that key and 10.96 decide
///  |   └ by a table that key and 10 decide
///  └ stays
/// ```
///
/// So whatever is in a network stays in it, as kube-proxy's rules ask: cluster IPs in their range, nodes in the source
/// ranges of a load balancer. The way is that of Crypto-PAn (Xu et al. 2002).
pub(crate) struct Addresses<'a> {
    key: &'a [u8; 32],
    tables: HashMap<Vec<u8>, [u8; 32]>,
}

impl<'a> Addresses<'a> {
    pub(crate) fn new(key: &'a [u8; 32]) -> Self {
        Self { key, tables: HashMap::new() }
    }

    /// What stands for `address`.
    pub(crate) fn address(&mut self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => Ipv4Addr::from(self.bytes(address.octets(), KEPT_V4)).into(),
            IpAddr::V6(address) => Ipv6Addr::from(self.bytes(address.octets(), KEPT_V6)).into(),
        }
    }

    /// What stands for `network`, as large as it.
    pub(crate) fn network(&mut self, network: IpNet) -> IpNet {
        let address = self.address(network.addr());
        let replaced = IpNet::new(address, network.prefix_len()).unwrap_or(network);
        if network == network.trunc() { replaced.trunc() } else { replaced }
    }

    fn bytes<const N: usize>(&mut self, bytes: [u8; N], kept: usize) -> [u8; N] {
        let mut replaced = bytes;
        for place in kept..N {
            let key = self.key;
            // The length of the address tells the families apart.
            let before = [&[u8::try_from(N).unwrap_or(u8::MAX)], &bytes[..place]].concat();
            let table = self
                .tables
                .entry(before)
                .or_insert_with_key(|before| Sha256::new().chain_update(key).chain_update(before).finalize().into());
            replaced[place] = with_table(bytes[place], table);
        }
        replaced
    }
}

/// Turns bits of `byte`: each as `table` says for the bits before it, so that what shares its first bits still does.
fn with_table(byte: u8, table: &[u8; 32]) -> u8 {
    let mut turned = 0;
    for level in 0..8_usize {
        let before = if level == 0 { 0 } else { usize::from(byte) >> (8 - level) };
        let node = (1 << level) - 1 + before;
        turned = turned << 1 | (table[node / 8] >> (node % 8) & 1);
    }
    byte ^ turned
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn addresses_stay_different_and_in_their_networks() {
        let mut addresses = Addresses::new(&[7; 32]);
        let all: HashSet<IpAddr> =
            (0..=u16::MAX).map(|low| addresses.address([10, 1, (low >> 8) as u8, low as u8].into())).collect();
        assert_eq!(all.len(), 1 << 16);
        for (network, inside, outside) in [
            ("10.96.0.0/12", "10.100.2.3", "10.112.0.1"),
            ("10.96.0.128/25", "10.96.0.200", "10.96.0.1"),
            ("fd00:10::/108", "fd00:10::f:1", "fd00:10::10:1"),
            ("0.0.0.0/0", "192.0.2.1", "fd00::1"),
        ] {
            let replaced = addresses.network(network.parse().unwrap());
            assert_eq!(replaced, replaced.trunc());
            assert!(replaced.contains(&addresses.address(inside.parse().unwrap())), "{network} {replaced}");
            assert!(!replaced.contains(&addresses.address(outside.parse().unwrap())), "{network} {replaced}");
        }
        let address: IpAddr = "10.96.0.1".parse().unwrap();
        assert_ne!(addresses.address(address), Addresses::new(&[8; 32]).address(address));
        assert_ne!(addresses.address(address), address);
    }
}
