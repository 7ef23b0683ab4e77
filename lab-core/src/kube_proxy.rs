//! A kube-proxy binary that programs nodes in place of the lab, and what its release means.

use crate::cell::{DriverName, Interned};
use crate::vocabulary::{BackendName, LayoutName, Word};
use serde::{Deserialize, Serialize};

/// A kube-proxy binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubeProxy {
    /// What the user calls it.
    pub name: Interned,
    /// Where it is on this machine.
    pub path: String,
    /// What it says of itself, such as `v1.36.2`.
    pub version: String,
    /// The file's SHA-256, in hexadecimal digits.
    pub sha256: String,
}

impl KubeProxy {
    /// Its name as a driver.
    #[must_use]
    pub fn driver(&self) -> DriverName {
        DriverName::KubeProxy(self.name)
    }

    /// The minor number of its release: 36 of `v1.36.2`. `None` if its version has none.
    #[must_use]
    pub fn minor(&self) -> Option<u32> {
        minor(&self.version)
    }

    /// The layout of `backend` that is nearest to its release: the newest that is no newer, else the oldest.
    #[must_use]
    pub fn layout(&self, backend: BackendName) -> LayoutName {
        let known = LayoutName::of(backend);
        let with = |layout: &LayoutName| Some((minor(layout.name())?, *layout));
        let own = self.minor().unwrap_or(u32::MAX);
        let before = known.iter().filter_map(with).filter(|(minor, _)| *minor <= own).max_by_key(|(minor, _)| *minor);
        let oldest = || known.iter().filter_map(with).min_by_key(|(minor, _)| *minor);
        before.or_else(oldest).map_or(known[0], |(_, layout)| layout)
    }

    /// Whether the lab has the rules of its very release in `backend`.
    #[must_use]
    pub fn is_known(&self, backend: BackendName) -> bool {
        self.minor().is_some_and(|own| minor(self.layout(backend).name()) == Some(own))
    }

    /// Why its release has no mode for `backend`; `None` if it has one.
    #[must_use]
    pub fn lacks(&self, backend: BackendName) -> Option<String> {
        const FIRST_NFTABLES: u32 = 29;
        let lacks = backend == BackendName::Nftables && self.minor().is_some_and(|own| own < FIRST_NFTABLES);
        lacks.then(|| format!("kube-proxy {} has no nftables mode; 1.29 was the first with one", self.version))
    }
}

/// The minor number in `v1.36.2` or `kube-proxy-1.36`.
fn minor(text: &str) -> Option<u32> {
    let digits = text.rsplit_once("1.")?.1;
    digits.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: &str) -> KubeProxy {
        let (path, sha256) = (String::new(), String::new());
        KubeProxy { name: "kube-proxy".to_owned().into(), path, version: version.to_owned(), sha256 }
    }

    #[test]
    fn the_layout_is_that_of_the_newest_release_that_is_no_newer() {
        let layout = |version, backend| of(version).layout(backend);
        assert_eq!(layout("v1.36.2", BackendName::IptablesLegacy), LayoutName::KubeProxy136);
        assert_eq!(layout("v1.33.0-rc.1", BackendName::IptablesNft), LayoutName::KubeProxy130);
        assert_eq!(layout("v1.36.2", BackendName::Ipvs), LayoutName::KubeProxy130);
        assert_eq!(layout("v1.11.1", BackendName::IptablesLegacy), LayoutName::KubeProxy120);
        assert!(of("v1.36.2").is_known(BackendName::Nftables) && !of("v1.36.2").is_known(BackendName::Ipvs));
        assert!(!of("v1.33.1").is_known(BackendName::Nftables));
    }

    #[test]
    fn an_old_release_has_no_nftables_mode() {
        assert!(of("v1.20.2").lacks(BackendName::Nftables).is_some());
        assert_eq!(of("v1.30.5").lacks(BackendName::Nftables), None);
        assert_eq!(of("v1.20.2").lacks(BackendName::Ipvs), None);
    }
}
