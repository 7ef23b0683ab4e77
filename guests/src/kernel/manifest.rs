//! `kernel.json`, written beside a fetched kernel and checked on each use.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

const NAME: &str = "kernel.json";

/// Where a fetched kernel comes from, and its checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
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

/// A downloaded package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deb {
    pub(super) package: String,
    /// Of the .deb, in hex.
    pub(super) sha256: String,
}

impl Manifest {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(NAME);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
