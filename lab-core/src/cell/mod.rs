//! One point of a run: which cluster, carried by which variant, asked by which probe, at which position.

mod activity;
mod contender;
mod driver;

pub use activity::{Activity, Churn, Conntrack, Writer};
pub use contender::Contender;
pub use driver::DriverName;

use crate::vocabulary::{
    Access, BackendName, Forwarding, LayoutName, Mix, Origin, Position, ProbeName, Scheduler, Way, Word,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// One point of a run: a cluster, carried by a variant, asked one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// The Services that the node is loaded with.
    pub cluster: ClusterSpec,
    /// What carries their traffic.
    pub variant: Variant,
    /// What is asked.
    pub probe: ProbeName,
    /// Which Service is asked; `None` where the probe asks no single one.
    pub position: Option<Position>,
    /// As what that Service is dialled.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub access: Access,
    /// Where it is dialled from.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub from: Origin,
    /// What runs beside the probe.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub activity: Activity,
}

/// A cluster, described: enough to make it again, or to know it again. The Services themselves are
/// [`Cluster`](crate::cluster::Cluster).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClusterSpec {
    /// The number of Services.
    pub services: u32,
    /// The number of endpoints behind each Service; of a described mix and
    /// of an imported cluster the median.
    pub endpoints: u32,
    /// Where the Services come from.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub source: Source,
}

/// Where a cluster's Services come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The lab makes them.
    Generated(Mix),
    /// The lab makes them, of a mix that is described.
    Shaped {
        /// The mix's name.
        name: Interned,
        /// The SHA-256 of its description, in hexadecimal digits.
        digest: Interned,
    },
    /// They were read from a file.
    Imported {
        /// The file's name, without its folder.
        name: Interned,
        /// The SHA-256 of what was read, in hexadecimal digits.
        digest: Interned,
    },
}

/// A text that is kept once, as long as the process lives, so that what holds it is `Copy`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interned(&'static str);

/// One way to carry Service traffic, fully named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Variant {
    /// The backend.
    pub backend: BackendName,
    /// Whose rules it installs.
    pub layout: LayoutName,
    /// How changes are applied.
    pub way: Way,
    /// What the backend was told besides.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    /// What programs the node.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub driver: DriverName,
    /// The kernel that its guest boots, by name, where a scenario compares several; `None` for the run's only one. It
    /// stands last, so that a variant stands beside itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<Interned>,
}

/// What some backends leave to the scenario; `None` where a backend has no such setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Settings {
    /// How IPVS picks a real server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduler: Option<Scheduler>,
    /// How IPVS hands packets on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarding: Option<Forwarding>,
}

/// What a node is loaded with. Cells of the same load are asked on the same node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Load {
    /// The Services.
    pub cluster: ClusterSpec,
    /// What carries their traffic.
    pub variant: Variant,
    /// The one probe that the node is for; `None` when it serves several.
    pub only: Option<ProbeName>,
    /// The limit of memory within which it is loaded, in MiB; `None` without one.
    pub memory: Option<u32>,
}

/// A coordinate of a cell: a column of every table.
#[derive(Debug, Clone, Copy)]
pub struct Coordinate {
    /// Its name.
    pub name: &'static str,
    /// How it is read.
    pub read: CoordinateRead,
}

/// How a coordinate is read, which decides its type, too.
#[derive(Debug, Clone, Copy)]
pub enum CoordinateRead {
    /// Every cell has this word.
    Word(fn(&Cell) -> &'static str),
    /// Some cells have this word.
    MaybeWord(fn(&Cell) -> Option<&'static str>),
    /// Every cell has this number.
    Number(fn(&Cell) -> u32),
}

/// Every coordinate, in the order of tables.
pub const COORDINATES: &[Coordinate] = {
    use CoordinateRead::{MaybeWord, Number, Word as Always};
    &[
        Coordinate { name: "backend", read: Always(|cell| cell.variant.backend.name()) },
        // Every cell has one; the column stays optional, as in the files of format 1.
        Coordinate { name: "layout", read: MaybeWord(|cell| Some(cell.variant.layout.name())) },
        Coordinate { name: Settings::NAMES[0], read: MaybeWord(|cell| cell.variant.settings.words()[0]) },
        Coordinate { name: Settings::NAMES[1], read: MaybeWord(|cell| cell.variant.settings.words()[1]) },
        Coordinate { name: "way", read: Always(|cell| cell.variant.way.name()) },
        Coordinate { name: "driver", read: Always(|cell| cell.variant.driver.name()) },
        // The column `kernel` is the release, which every run has.
        Coordinate { name: "kernel_name", read: MaybeWord(|cell| cell.variant.kernel.map(Interned::as_str)) },
        Coordinate { name: "services", read: Number(|cell| cell.cluster.services) },
        Coordinate { name: "endpoints", read: Number(|cell| cell.cluster.endpoints) },
        Coordinate { name: "cluster", read: Always(|cell| cell.cluster.source.name()) },
        Coordinate { name: "position", read: MaybeWord(|cell| cell.position.map(Word::name)) },
        Coordinate { name: "access", read: MaybeWord(|cell| cell.position.map(|_| cell.access.name())) },
        Coordinate { name: "from", read: MaybeWord(|cell| cell.position.map(|_| cell.from.name())) },
        Coordinate { name: "activity", read: MaybeWord(|cell| cell.activity.name()) },
        Coordinate { name: "probe", read: Always(|cell| cell.probe.name()) },
    ]
};

impl Cell {
    /// One whose Service is dialled as usual, at its cluster IP and from a pod, and beside which nothing runs.
    #[must_use]
    pub fn new(cluster: ClusterSpec, variant: Variant, probe: ProbeName, position: Option<Position>) -> Self {
        let (access, from, activity) = Default::default();
        Self { cluster, variant, probe, position, access, from, activity }
    }

    /// What its node is loaded with.
    ///
    /// What is taken out of IPVS stays in the kernel for two minutes, and slows down what is added. So each probe that
    /// programs IPVS has a node of its own.
    #[must_use]
    pub fn load(&self) -> Load {
        let Self { cluster, variant, probe, activity: Activity { memory, .. }, .. } = *self;
        let only = (variant.backend == BackendName::Ipvs && probe.programs()).then_some(probe);
        Load { cluster, variant, only, memory }
    }

    /// What its guest is loaded with in the target `exact`: a guest is booted for a load, and serves every probe in
    /// turn.
    #[must_use]
    pub fn guest_load(&self) -> Load {
        Load { only: None, ..self.load() }
    }

    /// The cell of `direct` that asks the same question.
    #[must_use]
    pub fn direct(self) -> Self {
        let variant = Variant { kernel: self.variant.kernel, ..Variant::usual(BackendName::Direct) };
        Self { variant, activity: self.activity.of_direct(), ..self }
    }

    /// Its variant, as far as its probe can tell.
    #[must_use]
    pub fn contender(&self) -> Contender {
        let Variant { backend, layout, way, settings, driver, kernel } = self.variant;
        let way = self.probe.programs().then_some(way);
        let Self { cluster: ClusterSpec { source, .. }, access, from, activity, .. } = *self;
        Contender { backend, layout, way, settings, driver, kernel, source, access, from, activity }
    }
}

impl ClusterSpec {
    /// So many Services that are all alike.
    #[must_use]
    pub fn uniform(services: u32, endpoints: u32) -> Self {
        Self { services, endpoints, source: Source::default() }
    }
}

impl Default for Source {
    fn default() -> Self {
        Self::Generated(Mix::Uniform)
    }
}

impl Source {
    /// What it is called: the mix, or the file's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Generated(mix) => mix.name(),
            Self::Shaped { name, .. } | Self::Imported { name, .. } => name.as_str(),
        }
    }
}

fn is_usual<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Interned {
    /// The text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<String> for Interned {
    fn from(text: String) -> Self {
        static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.get(text.as_str()).copied();
        let text = known.unwrap_or_else(|| Box::leak(text.into_boxed_str()));
        kept.insert(text);
        Self(text)
    }
}

impl Serialize for Interned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Interned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Debug for Interned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Variant {
    /// `backend` as it is unless told otherwise.
    #[must_use]
    pub fn usual(backend: BackendName) -> Self {
        let (layout, way) = (LayoutName::of(backend)[0], Way::of(backend)[0]);
        Self { backend, layout, way, settings: Settings::usual(backend), driver: DriverName::Lab, kernel: None }
    }

    /// Whose rules, where they are not those that the backend has unless told otherwise.
    #[must_use]
    pub fn unusual_layout(self) -> Option<LayoutName> {
        Some(self.layout).filter(|layout| *layout != LayoutName::of(self.backend)[0])
    }
}

impl Settings {
    /// The names of all settings, as in datasets and tables.
    pub const NAMES: [&'static str; 2] = ["scheduler", "forwarding"];

    /// kube-proxy's for `backend`.
    #[must_use]
    pub fn usual(backend: BackendName) -> Self {
        match backend {
            BackendName::Ipvs => {
                Self { scheduler: Some(Scheduler::RoundRobin), forwarding: Some(Forwarding::Masquerading) }
            }
            _ => Self::default(),
        }
    }

    /// How IPVS picks real servers and hands packets on; what was not said is kube-proxy's.
    #[must_use]
    pub fn ipvs(self) -> (Scheduler, Forwarding) {
        (self.scheduler.unwrap_or(Scheduler::RoundRobin), self.forwarding.unwrap_or(Forwarding::Masquerading))
    }

    /// What was said of each, in the order of [`NAMES`](Self::NAMES).
    #[must_use]
    pub fn words(self) -> [Option<&'static str>; 2] {
        [self.scheduler.map(Word::name), self.forwarding.map(Word::name)]
    }

    /// What differs from what is usual for `backend`.
    pub fn unusual(self, backend: BackendName) -> impl Iterator<Item = &'static str> {
        let usual = Self::usual(backend).words();
        self.words().into_iter().zip(usual).filter(|(word, usual)| word != usual).filter_map(|(word, _)| word)
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests;
