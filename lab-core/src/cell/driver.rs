//! What programs a node: the lab itself, or a real kube-proxy.

use super::Interned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What programs a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum DriverName {
    /// The lab, from a layout.
    #[default]
    Lab,
    /// A kube-proxy binary, by the name that the user gave it.
    KubeProxy(Interned),
}

impl DriverName {
    /// What the lab's own driver is called.
    pub const LAB: &'static str = "lab";

    /// What it is called in datasets, tables and options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lab => Self::LAB,
            Self::KubeProxy(name) => name.as_str(),
        }
    }

    /// Whether a kube-proxy binary programs the node.
    #[must_use]
    pub fn is_kube_proxy(self) -> bool {
        self != Self::Lab
    }
}

impl From<String> for DriverName {
    fn from(name: String) -> Self {
        if name == Self::LAB { Self::Lab } else { Self::KubeProxy(name.into()) }
    }
}

impl fmt::Display for DriverName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl Serialize for DriverName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for DriverName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}
