//! Profiles in files: `profile.jsonl` in a run's folder, or compressed beside a baseline.

use crate::session::store;
use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use guests::named;
use lab_core::encoding;
use lab_core::profile::Profile;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The extension of a baseline's profile, in place of `jsonl`.
const PACKED: &str = "profile.gz";

/// The profile of the run at `place`, its folder or its record; `None` if it has none.
pub(crate) fn of_run(place: &Path) -> Option<PathBuf> {
    store::folder(place).map(|folder| folder.join(store::PROFILE)).filter(|file| file.is_file())
}

/// The profile of the baseline `file`, which may be a run's record; `None` if it has none.
pub(crate) fn of_baseline(file: &Path) -> Option<PathBuf> {
    of_run(file).or_else(|| Some(packed(file)).filter(|file| file.is_file()))
}

/// Where the profile of the baseline `file` goes.
fn packed(file: &Path) -> PathBuf {
    file.with_extension(PACKED)
}

/// Reads a profile.
///
/// # Errors
/// When it cannot be read, or is no profile.
pub(crate) fn read(file: &Path) -> Result<Profile> {
    let shown = || file.display().to_string();
    let bytes = named::bytes(file, named::MADE).with_context(|| format!("reading {}", shown()))?;
    let bytes = match file.extension() {
        Some(end) if end == "gz" => unpacked(&bytes).with_context(shown)?,
        _ => bytes,
    };
    Profile::read(encoding::text(&bytes).with_context(shown)?).with_context(shown)
}

fn unpacked(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let read = GzDecoder::new(bytes).take(named::MADE + 1).read_to_end(&mut unpacked)? as u64;
    ensure!(read <= named::MADE, "it is larger than {} MiB unpacked, which no profile is", named::MADE >> 20);
    Ok(unpacked)
}

/// Writes the profile of the run at `place` beside the baseline `file`, with small functions merged. If the run has
/// none, an old profile there is removed: it belongs to another run.
///
/// # Errors
/// When one of them cannot be read or written.
pub(crate) fn keep(place: &Path, file: &Path) -> Result<()> {
    let packed = packed(file);
    let Some(profile) = of_run(place) else {
        return if packed.exists() { fs::remove_file(&packed).context("removing an old profile") } else { Ok(()) };
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(read(&profile)?.without_small().text().as_bytes())?;
    store::replace(&packed, &encoder.finish()?)
}
