//! Words of this field for what the lab does not have. Whoever writes one is told what there is in its place.

/// A kind of thing that the lab does not have.
struct Uncovered {
    /// What people call it, in lower case, without dashes.
    words: &'static [&'static str],
    /// What it is, and what the lab has.
    instead: &'static str,
}

static UNCOVERED: &[Uncovered] = &[
    Uncovered {
        words: &["cilium", "calico", "antrea", "ovn", "ovnkubernetes", "ebpf", "bpf", "xdp", "kuberouter", "katran"],
        instead: "the lab programs what kube-proxy programs, with iptables, IPVS and nftables; it has no data plane in eBPF \
                  and none of a network plugin's own",
    },
    Uncovered {
        words: &["networkpolicy", "networkpolicies", "policy", "policies", "firewall"],
        instead: "the lab has the rules of Services, and none of a NetworkPolicy",
    },
    Uncovered {
        words: &["ingress", "gateway", "gatewayapi", "istio", "envoy", "linkerd", "mesh", "servicemesh"],
        instead: "the lab measures Services, which are layer 4; it has no Ingress, no Gateway and no service mesh",
    },
    Uncovered {
        words: &["userspace", "windows", "winkernel", "kernelspace"],
        instead: "of kube-proxy's modes, the lab has those of Linux that are programmed in the kernel",
    },
    Uncovered {
        words: &["cni", "overlay", "vxlan", "geneve", "wireguard", "encryption", "ipsec", "mtu", "nodes"],
        instead: "the lab has one node, its pods, and one neighbour outside, joined by veth pairs; nothing is encapsulated",
    },
    Uncovered { words: &["dns", "coredns"], instead: "the lab dials addresses; it resolves no names" },
    Uncovered {
        words: &["protocol", "protocols", "tcp", "udp"],
        instead: "connections are made over TCP, and the probe udp_stale sends over UDP; how many Services are of UDP is said \
                  by a mix, such as mix: {udp: 20%}",
    },
    Uncovered {
        words: &["sctp"],
        instead: "SCTP is rendered for a cluster that has it (--cluster FILE), but nothing sends it",
    },
    Uncovered {
        words: &["kubernetes", "cluster", "kind", "minikube", "k3s"],
        instead: "the lab needs no cluster and starts none; one that kubectl printed is read with --cluster FILE",
    },
];

/// What to say to somebody who writes `word`, if it is one of this field that the lab does not have.
pub(super) fn instead_of(word: &str) -> Option<&'static str> {
    let plain: String = word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    UNCOVERED.iter().find(|uncovered| uncovered.words.contains(&plain.as_str())).map(|uncovered| uncovered.instead)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_word_is_found_however_it_is_spelled_and_once() {
        for word in ["Cilium", "eBPF", "network-policy", "NetworkPolicies", "ovn_kubernetes"] {
            assert!(instead_of(word).is_some(), "{word}");
        }
        for word in ["", "iptables", "ipvs", "nftables", "services", "\u{e9}"] {
            assert_eq!(instead_of(word), None, "{word}");
        }
        let all: Vec<&str> = UNCOVERED.iter().flat_map(|uncovered| uncovered.words).copied().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(
            all.iter().all(|word| word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()))
        );
    }
}
