//! The order of KUBE-SERVICES, which kube-proxy leaves to chance at every sync.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// The place of each address in a listing of the nat table by `iptables-save`.
pub(super) fn of(listing: &str) -> HashMap<SocketAddr, usize> {
    let rules = listing.lines().filter_map(|line| line.strip_prefix("-A KUBE-SERVICES "));
    rules.enumerate().filter_map(|(place, rule)| Some((address(rule)?, place))).collect()
}

/// Where packets go that a rule is for.
fn address(rule: &str) -> Option<SocketAddr> {
    let words: Vec<&str> = rule.split(' ').collect();
    let after = |option: &str| words.windows(2).find(|pair| pair[0] == option).map(|pair| pair[1]);
    let address: IpAddr = after("-d")?.split('/').next()?.parse().ok()?;
    Some(SocketAddr::new(address, after("--dport")?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_in_the_order_of_their_rules() {
        let listing = "*nat\n:KUBE-SERVICES - [0:0]\n-A KUBE-SVC-A -d 10.96.0.9/32 -p tcp --dport 80 -j X\n\
            -A KUBE-SERVICES -d 10.96.0.12/32 -p tcp -m comment --comment \"b cluster IP\" -m tcp --dport 80 -j KUBE-SVC-B\n\
            -A KUBE-SERVICES -d 10.96.0.11/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-A\n\
            -A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\n";
        let found = of(listing);
        assert_eq!(found.len(), 2);
        assert_eq!(found[&"10.96.0.12:80".parse().unwrap()], 0);
        assert_eq!(found[&"10.96.0.11:443".parse().unwrap()], 1);
    }
}
