//! What is tried: a reader each, with the inputs that it is known to read.

mod binaries;
mod clusters;
mod datasets;
mod documents;
mod planted;
mod requests;
mod rulesets;

use crate::seeds::{self, Seeds};
use std::fs;
use std::path::PathBuf;

/// A reader, as it is tried.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What its inputs are made from.
    pub seeds: fn() -> Seeds,
    /// Reads an input; whatever it is, there is an end, and it is no panic.
    pub read: fn(&[u8]),
}

/// Every reader.
pub const ALL: &[Target] = &[
    documents::SCENARIO,
    documents::POLICY,
    datasets::DATASET,
    datasets::FORMAT_1,
    datasets::BASELINE,
    datasets::PROFILE,
    clusters::JSON,
    clusters::YAML,
    rulesets::IPTABLES,
    rulesets::NFT,
    rulesets::IPSET,
    rulesets::IPVSADM,
    rulesets::LISTING,
    rulesets::NFT_JSON,
    binaries::NETLINK,
    binaries::ELF,
    binaries::MODULE,
    binaries::MANIFEST,
    requests::API,
];

/// The target called `name`: one of [`ALL`], or one with a planted fault, by which the limits are tested.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    ALL.iter().chain(planted::ALL).find(|target| target.name == name)
}

/// The inputs that broke the target `name` once, by file.
#[must_use]
pub fn found(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = seeds::repository().join("ci/fuzzing/found").join(name);
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.into_iter().filter_map(|file| Some((file.clone(), fs::read(file).ok()?))).collect()
}

/// `bytes` as text, as a file that was read as UTF-8 would be; what is none is replaced.
fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
