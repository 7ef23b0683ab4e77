//! What Debian's suites have for guests, fetched into the user's cache: without root, every signature checked.
//!
//! ```text
//!   mirror ──► apt ──► download ──► arrange (the goods') ──► cache     complete or absent
//!              lists, signatures    checksums, dpkg-deb
//! ```
//!
//! What is fetched is a [`Goods`]: a kernel or a set of tools.

mod answer;
mod apt;
mod cache;
mod fetch;
mod manifest;
mod mirror;
mod progress;
mod suite;

pub(crate) use apt::{Apt, Package};
pub(crate) use cache::Cache;
pub(crate) use fetch::fetch;
pub(crate) use manifest::{Deb, read, write};
pub use suite::Suite;

#[cfg(test)]
pub(crate) use apt::{answering, fake};

use crate::missing::Missing;
use crate::stop::Stop;
use crate::tool::Real;
use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::Path;

/// Whether to fetch what is in the cache already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// Fetch it again.
    Yes,
    /// Use the cache.
    No,
}

/// A kind of thing that a suite has for guests.
pub(crate) trait Goods {
    /// One of them, as it is used.
    type Kept: std::fmt::Debug;
    /// How it is called: `kernel`.
    const NAME: &'static str;
    /// Its folder in the cache: `kernels`.
    const FOLDER: &'static str;
    /// The other way to get one, at the end of remedies.
    const OTHERWISE: &'static str;

    /// The packages that make it up. The first one is named to the user.
    fn packages(apt: &Apt<'_>) -> Result<Vec<Package>, Missing>;
    /// Moves what is kept of `tree`, the unpacked packages, to the folder `new`, and writes the manifest.
    fn arrange(suite: Suite, packages: &[Package], tree: &Path, new: &Path) -> Result<()>;
    /// What is in `folder`, after a check against its manifest.
    fn whole(suite: Suite, folder: &Path) -> Result<Self::Kept>;
    /// Checks that what was fetched is of use.
    fn check(kept: &Self::Kept) -> Result<(), Missing>;
}

/// The goods of `suite` in `cache`, or how to get them.
pub(crate) fn state<G: Goods>(cache: &Cache<G>, suite: Suite) -> Result<G::Kept, Missing> {
    let absent = || Missing { why: "not fetched yet".to_owned(), remedy: format!("svclab fetch {} {suite}", G::NAME) };
    cache.find(suite).and_then(|kept| kept.ok_or_else(absent))
}

/// The goods of `suite` from this user's cache, fetched first if need be.
pub(crate) fn obtain<G: Goods>(suite: Suite, again: Again, stop: Stop<'_>) -> Result<G::Kept, Missing> {
    let cache = Cache::<G>::of_this_user()?;
    match (again, cache.find(suite)) {
        (Again::No, Ok(Some(kept))) => Ok(kept),
        (Again::No, Err(damaged)) => Err(damaged),
        _ => fetch(&cache, suite, again, &Real { stop }, stop),
    }
}

/// Removes the goods of `suite` from this user's cache.
pub(crate) fn remove<G: Goods>(suite: Suite, stop: Stop<'_>) -> Result<(), Missing> {
    let cache = Cache::<G>::of_this_user()?;
    if !cache.has(suite) {
        let why = format!("there are no fetched {} of {suite}", G::FOLDER);
        return Err(Missing { why, remedy: "see what there is with: svclab fetch list".to_owned() });
    }
    cache.lock(stop, || ())?.remove(suite)
}

/// SHA-256 of the file at `path`, in hex.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let mut hasher = Sha256::new();
    let copied = File::open(path).and_then(|mut file| std::io::copy(&mut file, &mut Writer(&mut hasher)));
    copied.with_context(|| format!("reading {}", path.display()))?;
    Ok(HEXLOWER.encode(&hasher.finalize()))
}

struct Writer<'a>(&'a mut Sha256);

impl std::io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The message for a `name` of a `kind` that is not among those `known`. It suggests the most similar one.
pub(crate) fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    let distance = |known: &&&str| strsim::damerau_levenshtein(known, name);
    let nearest = known.iter().min_by_key(distance).filter(|nearest| distance(nearest) <= 1 + name.len() / 4);
    let meant = nearest.map_or(String::new(), |nearest| format!(" (did you mean \"{nearest}\"?)"));
    format!("unknown {kind} \"{name}\"; known: {}{meant}", known.join(", "))
}
