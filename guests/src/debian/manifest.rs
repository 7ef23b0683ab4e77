//! Manifests: what was fetched, written beside it and checked on each use.

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// A downloaded package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deb {
    pub(crate) package: String,
    /// Of the .deb, in hex.
    pub(crate) sha256: String,
}

/// Reads the manifest `path`.
pub(crate) fn read<M: DeserializeOwned>(path: &Path) -> Result<M> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

/// Writes the manifest `path`.
pub(crate) fn write<M: Serialize>(manifest: &M, path: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(manifest)? + "\n";
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
