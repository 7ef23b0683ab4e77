//! The closed sets of words in scenarios, datasets and reports: backends, layouts, positions, probes, targets,
//! outcomes.
//!
//! Each word has one spelling everywhere.

mod access;
mod layout;
mod probe;
mod uncovered;
mod word;

pub use access::{Access, Mix, Origin};
pub use probe::ProbeName;
pub use word::{Unknown, Word, words};

use std::fmt;

/// One way to make a node carry Service traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackendName {
    /// No Service at all: the client dials the endpoint. The baseline.
    Direct,
    /// kube-proxy's iptables mode through the legacy (setsockopt) tools.
    IptablesLegacy,
    /// kube-proxy's iptables mode through the nf_tables variant of the tools.
    IptablesNft,
    /// kube-proxy's ipvs mode.
    Ipvs,
    /// kube-proxy's nftables mode.
    Nftables,
}

words!("backend", BackendName {
    Direct = "direct",
    IptablesLegacy = "iptables-legacy",
    IptablesNft = "iptables-nft",
    Ipvs = "ipvs",
    Nftables = "nftables",
});

/// Which Service of a cluster is asked. In iptables, its place in KUBE-SERVICES decides how many rules a first packet
/// is tested against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Position {
    /// The first Service.
    First,
    /// The Service after a quarter of all.
    Quarter,
    /// The Service in the middle.
    Middle,
    /// The Service after three quarters of all.
    ThreeQuarters,
    /// The last Service.
    Last,
}

words!("position", Position {
    First = "first",
    Quarter = "quarter",
    Middle = "middle",
    ThreeQuarters = "three-quarters",
    Last = "last",
});

impl Position {
    /// Those that a scenario asks where it says nothing else, and that a node is verified at.
    pub const USUAL: [Self; 3] = [Self::First, Self::Middle, Self::Last];

    /// The index of the Service at this position among `services`, which is at least 1.
    #[must_use]
    pub fn index(self, services: u32) -> u32 {
        match self {
            Self::First => 0,
            Self::Quarter => services / 4,
            Self::Middle => services / 2,
            Self::ThreeQuarters => u32::try_from(u64::from(services) * 3 / 4).unwrap_or(services),
            Self::Last => services.saturating_sub(1),
        }
    }

    /// The one at this position among `items`; `None` without any.
    #[must_use]
    pub fn among<T>(self, items: &[T]) -> Option<&T> {
        items.get(self.index(u32::try_from(items.len()).unwrap_or(u32::MAX)) as usize)
    }
}

/// Where a plan runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetName {
    /// The running kernel, in private namespaces.
    Host,
    /// A chosen kernel in QEMU, on the guest's wall clock.
    Vm,
    /// A chosen kernel in QEMU, where one guest instruction is one nanosecond.
    Exact,
}

words!("target", TargetName { Host = "host", Vm = "vm", Exact = "exact" });

impl TargetName {
    /// Whether every run gives the same numbers, so that repeating it shows nothing new.
    #[must_use]
    pub fn is_exact(self) -> bool {
        self == Self::Exact
    }
}

/// The clock of a run's durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// Real time.
    Wall,
    /// Real time in a guest with an emulated processor. How much slower it is differs between instructions.
    WallEmulated,
    /// Virtual time: one instruction of the guest, user or kernel, is one nanosecond.
    Instructions,
}

words!("clock", Clock { Wall = "wall", WallEmulated = "wall-emulated", Instructions = "instructions" });

/// Which rules a backend installs, and how changes are synced: whose they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayoutName {
    /// Nothing is installed.
    None,
    /// The rules of kube-proxy 1.20, synced as it syncs them.
    KubeProxy120,
    /// The rules of kube-proxy 1.30, synced as it syncs them.
    KubeProxy130,
    /// The rules of kube-proxy 1.30, with the partial sync of later releases. Older datasets have it; it is not
    /// installed any more.
    KubeProxy130PartialSync,
    /// The rules of kube-proxy 1.36, synced as it syncs them.
    KubeProxy136,
    /// The rules of kube-proxy 1.37, synced as it syncs them.
    KubeProxy137,
}

words!("layout", LayoutName {
    None = "none",
    KubeProxy120 = "kube-proxy-1.20",
    KubeProxy130 = "kube-proxy-1.30",
    KubeProxy130PartialSync = "kube-proxy-1.30-partial-sync",
    KubeProxy136 = "kube-proxy-1.36",
    KubeProxy137 = "kube-proxy-1.37",
});

impl LayoutName {
    /// The layouts of `backend`. The default comes first: the newest that was compared with a real binary.
    #[must_use]
    pub fn of(backend: BackendName) -> &'static [Self] {
        match backend {
            BackendName::Direct => &[Self::None],
            BackendName::IptablesLegacy | BackendName::IptablesNft => {
                &[Self::KubeProxy136, Self::KubeProxy130, Self::KubeProxy120]
            }
            BackendName::Ipvs => &[Self::KubeProxy130, Self::KubeProxy120],
            BackendName::Nftables => &[Self::KubeProxy136, Self::KubeProxy130, Self::KubeProxy137],
        }
    }
}

/// How changes are applied to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// Not at all: there is nothing to apply.
    None,
    /// As kube-proxy's iptables and nftables modes: what changed, plus what every sync rewrites.
    Partial,
    /// As kube-proxy's ipvs mode: it checks every Service, sends one request at a time, and starts a process for each
    /// set entry.
    KubeProxy,
    /// IPVS with the least overhead: only what changed, many requests in a message, one `ipset restore`.
    Batched,
    /// As `batched`, but virtual servers go through `ipvsadm --restore`.
    Ipvsadm,
    /// As `partial`, but everything is written in transactions of 100 Services each.
    Pieces100,
    /// The same with 1,000.
    Pieces1000,
    /// The same with 5,000.
    Pieces5000,
}

words!("way", Way {
    None = "none",
    Partial = "partial",
    KubeProxy = "kube-proxy",
    Batched = "batched",
    Ipvsadm = "ipvsadm",
    Pieces100 = "pieces-100",
    Pieces1000 = "pieces-1000",
    Pieces5000 = "pieces-5000",
});

impl Way {
    /// The ways of `backend`, the default first.
    #[must_use]
    pub fn of(backend: BackendName) -> &'static [Self] {
        match backend {
            BackendName::Direct => &[Self::None],
            BackendName::IptablesLegacy | BackendName::IptablesNft => &[Self::Partial],
            BackendName::Nftables => &[Self::Partial, Self::Pieces100, Self::Pieces1000, Self::Pieces5000],
            BackendName::Ipvs => &[Self::KubeProxy, Self::Batched, Self::Ipvsadm],
        }
    }

    /// How many Services a transaction has where everything is written; `None` for all of them.
    #[must_use]
    pub fn at_once(self) -> Option<usize> {
        match self {
            Self::Pieces100 => Some(100),
            Self::Pieces1000 => Some(1000),
            Self::Pieces5000 => Some(5000),
            Self::None | Self::Partial | Self::KubeProxy | Self::Batched | Self::Ipvsadm => None,
        }
    }
}

/// How IPVS picks a real server for a new connection (`ipvsadm(8)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheduler {
    /// Round robin.
    RoundRobin,
    /// Weighted round robin.
    WeightedRoundRobin,
    /// Least connections.
    LeastConnection,
    /// Weighted least connections.
    WeightedLeastConnection,
    /// Source hashing.
    SourceHashing,
    /// Destination hashing.
    DestinationHashing,
    /// Shortest expected delay.
    ShortestExpectedDelay,
    /// Never queue.
    NeverQueue,
    /// Locality-based least connections.
    LocalityLeastConnection,
    /// Locality-based least connections with replication.
    LocalityLeastConnectionReplicated,
    /// Maglev hashing.
    MaglevHashing,
}

words!("scheduler", Scheduler {
    RoundRobin = "rr",
    WeightedRoundRobin = "wrr",
    LeastConnection = "lc",
    WeightedLeastConnection = "wlc",
    SourceHashing = "sh",
    DestinationHashing = "dh",
    ShortestExpectedDelay = "sed",
    NeverQueue = "nq",
    LocalityLeastConnection = "lblc",
    LocalityLeastConnectionReplicated = "lblcr",
    MaglevHashing = "mh",
});

impl Scheduler {
    /// Whether short connections of a single client, one after the other, reach every real server.
    #[must_use]
    pub fn spreads(self) -> bool {
        matches!(
            self,
            Self::RoundRobin | Self::WeightedRoundRobin | Self::LeastConnection | Self::WeightedLeastConnection
        )
    }
}

/// How IPVS hands a packet on to a real server (`ipvsadm(8)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Forwarding {
    /// Addresses and ports rewritten, both ways: kube-proxy's.
    Masquerading,
    /// To the real server's link address, unaltered: the real server has the virtual address too.
    DirectRouting,
    /// In an IP packet to the real server, otherwise unaltered.
    Tunnel,
}

words!("forwarding", Forwarding { Masquerading = "masq", DirectRouting = "direct-routing", Tunnel = "tunnel" });

/// A quantile of a cell's samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Quantile {
    /// The median.
    #[default]
    P50,
    /// The 90th percentile: what nine of ten stay below.
    P90,
    /// The 99th percentile: what 99 of 100 stay below.
    P99,
}

words!("quantile", Quantile { P50 = "p50", P90 = "p90", P99 = "p99" });

impl Quantile {
    /// From 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P99 => 0.99,
        }
    }

    /// What it is called of `metric`: `connect_p99`; of a median, the metric alone.
    #[must_use]
    pub fn of(self, metric: impl fmt::Display) -> String {
        if self == Self::P50 { metric.to_string() } else { format!("{metric}_{self}") }
    }
}

impl Quantile {
    /// How many samples a size needs for it: with fewer, not one is expected to lie beyond it, and it would be little
    /// else than the largest.
    #[must_use]
    pub fn samples(self) -> usize {
        match self {
            Self::P50 => 1,
            Self::P90 => 10,
            Self::P99 => 100,
        }
    }
}

/// How a cell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It has samples.
    Measured,
    /// It could not run here; the reason says why and what would help.
    Skipped,
    /// It went wrong; the reason says what was seen.
    Failed,
    /// It ran into its time limit; the reason says how far it came.
    OverBudget,
    /// It ran as planned, and nothing answered that could be timed; the reason says how many tried.
    Unanswered,
}

words!("outcome", Outcome {
    Measured = "measured",
    Skipped = "skipped",
    Failed = "failed",
    OverBudget = "over-budget",
    Unanswered = "unanswered",
});
