//! `kernel.json`, written beside a fetched kernel and checked on each use.

use crate::debian::{self, Deb};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::Path;

const NAME: &str = "kernel.json";

/// Where a fetched kernel comes from, and its checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The suite's name, such as `debian-12`.
    pub(super) suite: String,
    /// The package with the release in its name.
    pub(super) package: String,
    pub(super) version: String,
    /// What `uname -r` prints when it runs.
    pub(super) release: String,
    /// SHA-256 of vmlinuz, in hex.
    pub(super) vmlinuz_sha256: String,
    /// The downloaded packages.
    pub(super) debs: Vec<Deb>,
    /// When it was fetched, in RFC 3339.
    pub(super) fetched: String,
}

impl Manifest {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        debian::read(&folder.join(NAME))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        debian::write(self, &folder.join(NAME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_was_written_is_read_and_what_is_not_known_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Manifest {
            suite: "debian-12".to_owned(),
            package: "linux-image-6.1.0-56-amd64".to_owned(),
            version: "6.1.192-2".to_owned(),
            release: "6.1.0-56-amd64".to_owned(),
            vmlinuz_sha256: "00".to_owned(),
            debs: vec![Deb { package: "linux-image-6.1.0-56-amd64".to_owned(), sha256: "ff".to_owned() }],
            fetched: "2026-11-21T14:00:00Z".to_owned(),
        };
        manifest.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest);
        let path = folder.path().join(NAME);
        let text = fs::read_to_string(&path).unwrap().replace("\"fetched\"", "\"feched\"");
        fs::write(path, text).unwrap();
        let error = format!("{:#}", Manifest::read(folder.path()).unwrap_err());
        assert!(error.contains("kernel.json: unknown field `feched`"), "{error}");
    }
}
