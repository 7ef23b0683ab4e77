//! What is compared: a variant as far as its probe can tell, and what it is called among others.

use super::{Activity, DriverName, Interned, Settings, Source, Variant};
use crate::vocabulary::{Access, BackendName, LayoutName, Origin, Way, Word};

/// What a row, a line or an answer is about: a variant, as far as its probe can tell.
///
/// What only sends packets through a node cannot tell how the node was programmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contender {
    /// The backend.
    pub backend: BackendName,
    /// Whose rules.
    pub layout: LayoutName,
    /// How changes are applied; `None` for a probe that only sends packets.
    pub way: Option<Way>,
    /// What the backend was told besides.
    pub settings: Settings,
    /// What programs the node.
    pub driver: DriverName,
    /// The kernel, where several are compared.
    pub kernel: Option<Interned>,
    /// What the Services are like.
    pub source: Source,
    /// As what they are dialled.
    pub access: Access,
    /// Where they are dialled from.
    pub from: Origin,
    /// What runs beside the probe.
    pub activity: Activity,
}

impl Contender {
    /// Whether what was measured of `self` holds for `other` too: a node's traffic does not know how it was programmed.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        let other = Self { way: self.way.and(other.way), access: self.access, from: self.from, ..other };
        self == other
    }

    /// What it is called among `others`: `nftables`, `ipvs (batched)`. What is usual is said only beside something
    /// else, and a layout only beside another one.
    #[must_use]
    pub fn name(self, others: &[Self]) -> String {
        let alike = || others.iter().filter(|other| other.backend == self.backend);
        let usual = Variant::usual(self.backend);
        let mut parts = Vec::new();
        if self.driver != usual.driver || alike().any(|other| other.driver != self.driver) {
            parts.push(self.driver.name());
        }
        if alike().any(|other| other.layout != self.layout) {
            parts.push(self.layout.name());
        }
        if let Some(way) = self.way
            && (way != usual.way || alike().any(|other| other.way.is_some_and(|one| one != way)))
        {
            parts.push(way.name());
        }
        if alike().any(|other| other.kernel != self.kernel) {
            parts.extend(self.kernel.map(Interned::as_str));
        }
        for (setting, word) in self.settings.words().into_iter().enumerate() {
            let differs = |settings: Settings| settings.words()[setting] != word;
            if differs(usual.settings) || alike().any(|other| differs(other.settings)) {
                parts.extend(word);
            }
        }
        let accesses = alike().any(|other| other.access != self.access);
        if alike().any(|other| other.source != self.source) && !accesses && self.source.name() != self.access.name() {
            parts.push(self.source.name());
        }
        if self.access != Access::default() || accesses {
            parts.push(self.access.name());
        }
        if self.from != Origin::default() || alike().any(|other| other.from != self.from) {
            parts.push(self.from.phrase());
        }
        match self.activity.name() {
            Some(activity) => parts.push(activity),
            None if alike().any(|other| !other.activity.is_none()) => parts.push("nothing beside"),
            None => {}
        }
        match parts.as_slice() {
            [] => self.backend.name().to_owned(),
            parts => format!("{} ({})", self.backend, parts.join(", ")),
        }
    }
}
