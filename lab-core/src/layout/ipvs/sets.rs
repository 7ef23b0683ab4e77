//! The ipsets of ipvs mode, and their entries.

use crate::layout::text::Text;
use crate::layout::{Action, Invocation, Part, ServerKey, Tool};
use std::net::IpAddr;

/// How many entries fit into each of kube-proxy's hash sets. More Services than that do not fit, in any way.
///
/// kube-proxy only logs that `ipset` refused. Rules that need the set do not match the remaining addresses.
pub const MOST_ENTRIES: usize = 65_536;

/// Cluster IPs with their ports.
pub(super) const CLUSTER_IP: &str = "KUBE-CLUSTER-IP";
/// Addresses bound to the device.
pub(super) const IPVS_IPS: &str = "KUBE-IPVS-IPS";
pub(super) const EXTERNAL_IP: &str = "KUBE-EXTERNAL-IP";
pub(super) const EXTERNAL_IP_LOCAL: &str = "KUBE-EXTERNAL-IP-LOCAL";
pub(super) const LOAD_BALANCER: &str = "KUBE-LOAD-BALANCER";
pub(super) const HEALTH_CHECK_NODE_PORT: &str = "KUBE-HEALTH-CHECK-NODE-PORT";

/// The type of a set, as `ipset` spells it.
const IP_PORT: &str = "hash:ip,port";
const IP_PORT_IP: &str = "hash:ip,port,ip";
const IP_PORT_NET: &str = "hash:ip,port,net";
const IP: &str = "hash:ip";
const PORT: &str = "bitmap:port";

/// Every set's name and type, in the order of kube-proxy's `ipsetInfo`. kube-proxy's own order is that of a Go map.
const SETS: [(&str, &str); 17] = [
    ("KUBE-LOOP-BACK", IP_PORT_IP),
    (CLUSTER_IP, IP_PORT),
    (EXTERNAL_IP, IP_PORT),
    (EXTERNAL_IP_LOCAL, IP_PORT),
    (LOAD_BALANCER, IP_PORT),
    ("KUBE-LOAD-BALANCER-FW", IP_PORT),
    ("KUBE-LOAD-BALANCER-LOCAL", IP_PORT),
    ("KUBE-LOAD-BALANCER-SOURCE-IP", IP_PORT_IP),
    ("KUBE-LOAD-BALANCER-SOURCE-CIDR", IP_PORT_NET),
    ("KUBE-NODE-PORT-TCP", PORT),
    ("KUBE-NODE-PORT-LOCAL-TCP", PORT),
    ("KUBE-NODE-PORT-UDP", PORT),
    ("KUBE-NODE-PORT-LOCAL-UDP", PORT),
    ("KUBE-NODE-PORT-SCTP-HASH", IP_PORT),
    ("KUBE-NODE-PORT-LOCAL-SCTP-HASH", IP_PORT),
    (HEALTH_CHECK_NODE_PORT, PORT),
    (IPVS_IPS, IP),
];

/// An entry of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// In [`CLUSTER_IP`]: `10.96.0.11,tcp:80`.
    Service(ServerKey),
    /// In [`IPVS_IPS`]: `10.96.0.11`.
    Address(IpAddr),
}

impl Entry {
    fn set(self) -> &'static str {
        match self {
            Self::Service(_) => CLUSTER_IP,
            Self::Address(_) => IPVS_IPS,
        }
    }

    fn put(self, out: &mut Vec<u8>) -> &mut Vec<u8> {
        match self {
            Self::Service(ServerKey { protocol, address }) => {
                out.address(address.ip()).put(",").put(protocol.name()).put(":").number(address.port().into())
            }
            Self::Address(address) => out.address(address),
        }
    }

    fn name(self) -> String {
        let mut name = Vec::new();
        self.put(&mut name);
        String::from_utf8(name).expect("entries are ASCII")
    }
}

/// What changes in the sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entries {
    /// Entries to remove.
    pub(super) stale: Vec<Entry>,
    /// Entries to add.
    pub(super) new: Vec<Entry>,
}

fn options(kind: &str) -> &'static str {
    if kind == PORT { "range 0-65535" } else { "family inet hashsize 1024 maxelem 65536" }
}

fn ipset<'a>(words: impl IntoIterator<Item = &'a str>) -> Action {
    let args = words.into_iter().map(str::to_owned).collect();
    Action::Call(Part::Sets, Invocation { tool: Tool::Ipset, args, stdin: Vec::new() })
}

/// Destroys all sets.
pub(super) fn destroy() -> Action {
    ipset(["destroy"])
}

/// Makes each set unless it exists, with a process for each.
pub(super) fn ensure() -> impl Iterator<Item = Action> {
    SETS.into_iter()
        .map(|(name, kind)| ipset(["create", name, kind].into_iter().chain(options(kind).split(' ')).chain(["-exist"])))
}

/// Lists each set and corrects what differs, with a process for each set and each entry (`syncIPSetEntries`).
pub(super) fn sync(entries: &Entries) -> Vec<Action> {
    let mut actions = Vec::with_capacity(SETS.len() + entries.stale.len() + entries.new.len());
    for (name, _) in SETS {
        let of_set = |entry: &&Entry| entry.set() == name;
        actions.push(ipset(["list", name]));
        actions.extend(entries.stale.iter().filter(of_set).map(|entry| ipset(["del", name, &entry.name()])));
        actions.extend(entries.new.iter().filter(of_set).map(|entry| ipset(["add", name, &entry.name(), "-exist"])));
    }
    actions
}

/// Which sets a single process makes, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Creating {
    /// All of them.
    All,
    /// None: they exist.
    None,
}

/// Makes sets and entries with a single process; `None` if there is nothing to do.
pub(super) fn restore(creating: Creating, entries: &Entries) -> Option<Action> {
    let mut text = Vec::with_capacity(2048 + 52 * (entries.stale.len() + entries.new.len()));
    if creating == Creating::All {
        for (name, kind) in SETS {
            text.put("create ").put(name).put(" ").put(kind).put(" ").put(options(kind)).put("\n");
        }
    }
    for entry in &entries.stale {
        entry.put(text.put("del ").put(entry.set()).put(" ")).put("\n");
    }
    for entry in &entries.new {
        entry.put(text.put("add ").put(entry.set()).put(" ")).put("\n");
    }
    let args = ["-exist", "restore"].map(str::to_owned).to_vec();
    (!text.is_empty()).then_some(Action::Call(Part::Sets, Invocation { tool: Tool::Ipset, args, stdin: text }))
}
