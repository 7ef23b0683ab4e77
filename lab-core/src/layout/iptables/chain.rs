//! The tables and chains of iptables.

use crate::layout::hash::Hash;
use crate::layout::text::Text;

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Where packets are accepted, dropped and rejected.
    Filter,
    /// Where packets are altered. kube-proxy only has its canary there.
    Mangle,
    /// Where a new connection's addresses are rewritten.
    Nat,
}

impl Table {
    /// Its spelling.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Mangle => "mangle",
            Self::Nat => "nat",
        }
    }
}

/// A chain: a built-in one, one of kube-proxy's fixed ones, or one of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "Chain::put_name spells them")]
pub enum Chain {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    KubeServices,
    KubeExternalServices,
    KubeForward,
    KubeNodePorts,
    KubeProxyFirewall,
    KubeFirewall,
    KubePostrouting,
    KubeMarkMasq,
    /// The canary: if it is gone, somebody flushed the rules.
    KubeProxyCanary,
    /// Where 1.20 marks what is to be dropped; the kubelet fills it.
    KubeMarkDrop,
    /// A Service's endpoints on all nodes, to pick among.
    Service(Hash<16>),
    /// A Service's endpoints on this node, to pick among.
    ServiceLocal(Hash<16>),
    /// Where traffic to a Service from outside the cluster begins.
    External(Hash<16>),
    /// Which sources may use a Service's load balancer.
    Firewall(Hash<16>),
    /// In 1.20: where traffic from outside to a Service with external policy `Local` begins.
    ExternalLocal(Hash<16>),
    /// An endpoint to go to.
    Endpoint(Hash<16>),
}

impl Chain {
    pub(super) fn put_name(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        let fixed = match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
            Self::KubeServices => "KUBE-SERVICES",
            Self::KubeExternalServices => "KUBE-EXTERNAL-SERVICES",
            Self::KubeForward => "KUBE-FORWARD",
            Self::KubeNodePorts => "KUBE-NODEPORTS",
            Self::KubeProxyFirewall => "KUBE-PROXY-FIREWALL",
            Self::KubeFirewall => "KUBE-FIREWALL",
            Self::KubePostrouting => "KUBE-POSTROUTING",
            Self::KubeMarkMasq => "KUBE-MARK-MASQ",
            Self::KubeProxyCanary => "KUBE-PROXY-CANARY",
            Self::KubeMarkDrop => "KUBE-MARK-DROP",
            Self::Service(hash) => return out.put("KUBE-SVC-").put(hash.letters()),
            Self::ServiceLocal(hash) => return out.put("KUBE-SVL-").put(hash.letters()),
            Self::External(hash) => return out.put("KUBE-EXT-").put(hash.letters()),
            Self::Firewall(hash) => return out.put("KUBE-FW-").put(hash.letters()),
            Self::ExternalLocal(hash) => return out.put("KUBE-XLB-").put(hash.letters()),
            Self::Endpoint(hash) => return out.put("KUBE-SEP-").put(hash.letters()),
        };
        out.put(fixed)
    }

    /// Its spelling.
    #[must_use]
    pub fn name(self) -> String {
        let mut name = Vec::new();
        self.put_name(&mut name);
        String::from_utf8(name).expect("chain names are ASCII")
    }
}
