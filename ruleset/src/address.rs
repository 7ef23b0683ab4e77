//! Addresses, networks and endpoints in one spelling.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The first and the last address of a network, as numbers, and how many bits an address has.
pub(crate) type Range = (u128, u128, u32);

/// `word` in its shortest spelling, if it is an address, a network or an address with a port. A network of one address
/// is written as that address, and host bits are cleared, as the kernel does.
pub(crate) fn canonical(word: &str) -> Option<Cow<'_, str>> {
    if !word.starts_with(|first: char| first.is_ascii_hexdigit() || matches!(first, ':' | '[')) {
        return None;
    }
    if plain(word) {
        return Some(Cow::Borrowed(word));
    }
    if let Some((low, _, bits)) = range(word) {
        let length = word.split_once('/').map_or(bits, |(_, mask)| prefix(mask, bits).unwrap_or(bits));
        let address = address(low, bits);
        return Some(if length == bits { address.to_string() } else { format!("{address}/{length}") }.into());
    }
    word.parse::<SocketAddr>().ok().map(|endpoint| endpoint.to_string().into())
}

/// Whether `word` is an IPv4 address that needs no other spelling: the usual case.
fn plain(word: &str) -> bool {
    word.contains('.') && !word.contains([':', '/']) && word.parse::<Ipv4Addr>().is_ok()
}

/// The addresses of an address or a network.
pub(crate) fn range(word: &str) -> Option<Range> {
    let (address, mask) = word.split_once('/').map_or((word, None), |(address, mask)| (address, Some(mask)));
    let (bits, number) = match address.parse().ok()? {
        IpAddr::V4(address) => (32, u128::from(address.to_bits())),
        IpAddr::V6(address) => (128, address.to_bits()),
    };
    let host = bits - mask.map_or(Some(bits), |mask| prefix(mask, bits))?;
    let hosts = if host == 128 { u128::MAX } else { (1 << host) - 1 };
    Some((number & !hosts, number | hosts, bits))
}

/// The address of a number.
pub(crate) fn address(number: u128, bits: u32) -> IpAddr {
    match bits {
        32 => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap_or(u32::MAX))),
        _ => IpAddr::V6(number.into()),
    }
}

/// A prefix's length, from its number or from an IPv4 netmask.
fn prefix(mask: &str, bits: u32) -> Option<u32> {
    if let Ok(length) = mask.parse() {
        return (length <= bits).then_some(length);
    }
    let mask = mask.parse::<Ipv4Addr>().ok()?.to_bits();
    (bits == 32 && mask.leading_ones() + mask.trailing_zeros() >= 32).then(|| mask.leading_ones())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_an_address_are_one() {
        let cases = [
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1/32", "10.0.0.1"),
            ("10.0.0.1/255.255.255.255", "10.0.0.1"),
            ("10.11.0.1/16", "10.11.0.0/16"),
            ("10.0.0.1/0", "0.0.0.0/0"),
            ("FD00:0::1/128", "fd00::1"),
            ("fd00::1/64", "fd00::/64"),
            ("::/0", "::/0"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("[fd00::0001]:80", "[fd00::1]:80"),
        ];
        for (word, spelling) in cases {
            assert_eq!(canonical(word).as_deref(), Some(spelling), "{word}");
        }
        for word in ["80", "accept", "10.0.0.1/33", "10.0.0.1/255.0.255.0", "", "dead", "a:b"] {
            assert_eq!(canonical(word), None, "{word}");
        }
    }
}
