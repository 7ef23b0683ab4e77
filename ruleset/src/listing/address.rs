//! The node's addresses: what `ip addr`, `ip -o addr` and `ip -br addr` print.

use ipnet::IpNet;
use lab_core::node::{NodeAddress, NodeState};
use std::collections::HashSet;
use std::net::IpAddr;

/// The addresses that are held, and the device that a listing is at.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    held: HashSet<(Box<str>, IpNet)>,
    /// The device of the lines that come next.
    device: Option<Box<str>>,
}

impl Addresses {
    /// Ends a listing.
    pub(super) fn end(&mut self) {
        self.device = None;
    }

    /// Reads a line that is of `ip addr`.
    pub(super) fn line(&mut self, line: &str, state: &mut NodeState) -> bool {
        let mut words = line.split_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
        if let Some(index) = first.strip_suffix(':') {
            if index.is_empty() || !index.bytes().all(|byte| byte.is_ascii_digit()) {
                return false;
            }
            return match (second.strip_suffix(':'), words.next()) {
                // `2: eth0@if5: <BROADCAST,UP> mtu 1500 …`
                (Some(device), Some(flags)) if flags.starts_with('<') => {
                    self.device = Some(name(device).into());
                    true
                }
                // `2: eth0    inet 10.11.0.1/24 …`
                (None, Some("inet" | "inet6")) => {
                    words.next().is_some_and(|word| self.add(name(second), word, state).is_some())
                }
                _ => false,
            };
        }
        match first {
            // Under the line of the device.
            "inet" | "inet6" => {
                let last = line.split_whitespace().last().unwrap_or_default();
                let device = self.device.clone().unwrap_or_else(|| name(last).into());
                self.add(&device, second, state).is_some()
            }
            "valid_lft" => true,
            _ if first == "altname" || first.starts_with("link/") => self.device.is_some(),
            // `eth0  UP  10.11.0.1/24 fe80::1/64`
            _ if matches!(second, "UP" | "DOWN" | "UNKNOWN" | "LOWERLAYERDOWN") => {
                let mut is_any = false;
                for word in words {
                    is_any |= self.add(name(first), word, state).is_some();
                }
                is_any
            }
            _ => false,
        }
    }

    fn add(&mut self, device: &str, word: &str, state: &mut NodeState) -> Option<()> {
        // An address with a peer has no length of a prefix.
        let address = word.parse::<IpNet>().ok().or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))?;
        if self.held.insert((device.into(), address)) {
            state.addresses.push(NodeAddress { device: device.into(), address });
        }
        Some(())
    }
}

/// A device's name without the one that it is bound to: `eth0@if5`.
fn name(word: &str) -> &str {
    word.split_once('@').map_or(word, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
    inet6 ::1/128 scope host 
       valid_lft forever preferred_lft forever
2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default
    inet 10.11.0.1/24 brd 10.11.0.255 scope global eth0";
    const LINES: &str = "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
1: lo    inet6 ::1/128 scope host \\       valid_lft forever preferred_lft forever
2: eth0    inet 10.11.0.1/24 brd 10.11.0.255 scope global eth0\\       valid_lft forever";
    const BRIEF: &str = "lo               UNKNOWN        127.0.0.1/8 ::1/128 
eth0@if5         UP             10.11.0.1/24 ";

    #[test]
    fn the_three_ways_to_list_addresses_are_one() {
        let read = |text: &str| {
            let (mut addresses, mut state) = (Addresses::default(), NodeState::default());
            for line in text.lines() {
                assert!(addresses.line(line.trim(), &mut state), "{line}");
            }
            state.addresses
        };
        assert_eq!(read(PLAIN).len(), 3);
        assert_eq!(read(PLAIN), read(LINES));
        assert_eq!(read(PLAIN), read(BRIEF));
    }
}
