//! The folder of a run: `run.jsonl`, written line by line as the run goes, and the reports made from it at the end.

use crate::run::event::{Event, Listener};
use anyhow::{Context, Result, bail, ensure};
use guests::named;
use lab_core::cluster::Base;
use lab_core::dataset::{Dataset, Header, Read, Reading, Record};
use lab_core::profile::{Entry, Profile};
use reports::Runs;
use reports::report::Report;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The dataset in a run's folder. All reports are made from it.
pub(crate) const RECORD: &str = "run.jsonl";

/// The profile in a run's folder, if the run was profiled.
pub(crate) const PROFILE: &str = "profile.jsonl";

/// The default folder of runs.
pub(crate) const RUNS: &str = "runs";

/// The least free space. Every scenario's run needs far less.
const ROOM: u64 = 64 << 20;

/// The longest line that is read of a record, in bytes: a million samples take a third of it.
const LONGEST_LINE: u64 = 64 << 20;

/// The folder of the run at `place`, which is the folder or its record; `None` for any other file.
pub(crate) fn folder(place: &Path) -> Option<&Path> {
    if place.is_dir() { Some(place) } else { place.parent().filter(|_| place.ends_with(RECORD)) }
}

/// Checks that a run's folder can be made at `folder`. Makes nothing.
///
/// # Errors
/// When the folder is in use, or a file is in its way.
pub(crate) fn check(folder: &Path) -> Result<()> {
    let shown = folder.display();
    let absolute = std::path::absolute(folder).with_context(|| format!("--out {shown} names no folder"))?;
    let above = absolute.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
    if let Some(link) = absolute.ancestors().take_while(|place| *place != above).find(|place| place.is_symlink()) {
        bail!("--out {shown}: {} is a link to nothing; remove it, or name another folder", link.display());
    }
    ensure!(above.is_dir(), "--out {shown} cannot be made: {} is no folder; name another folder", above.display());
    if above == absolute {
        let mut entries = fs::read_dir(folder).with_context(|| format!("--out {shown} cannot be read"))?;
        ensure!(entries.next().is_none(), "--out {shown} is not empty; name a new folder, or empty this one");
    }
    Ok(())
}

/// The Services of a user's cluster in `file`.
///
/// # Errors
/// When it cannot be read, or is something else.
pub(crate) fn read_base(file: &Path) -> Result<Arc<Base>> {
    let text = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    let base: Base =
        serde_json::from_slice(&text).with_context(|| format!("{} is no cluster of a run", file.display()))?;
    Ok(Arc::new(base))
}

/// A run's folder.
pub(crate) struct Store {
    folder: PathBuf,
    file: File,
    /// Bytes of complete lines in the file.
    written: u64,
    id: String,
}

impl Store {
    /// Makes the folder, which must be new or empty, and writes the header.
    ///
    /// # Errors
    /// When it is in use, cannot be written, or its disk is full. Nothing is measured yet.
    pub(crate) fn create(folder: &Path, header: Header) -> Result<Self> {
        let shown = folder.display();
        check(folder)?;
        fs::create_dir_all(folder).with_context(|| format!("--out {shown} cannot be made; name another folder"))?;
        let space = nix::sys::statvfs::statvfs(folder).with_context(|| format!("asking for free space at {shown}"))?;
        let free = space.blocks_available() * space.fragment_size();
        if free < ROOM {
            bail!("--out {shown} has {} MiB free where a run needs {}; name another folder", free >> 20, ROOM >> 20);
        }
        let path = folder.join(RECORD);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.with_context(|| format!("--out {shown} cannot be written; name another folder"))?;
        let mut store = Self { folder: folder.to_owned(), file, written: 0, id: header.id.clone() };
        store.append(&Record::Run(Box::new(header)))?;
        Ok(store)
    }

    /// Keeps the Services of a user's cluster, so that cells can be run again.
    pub(crate) fn keep(&self, base: &Base) -> Result<()> {
        let path = self.folder.join(Base::FILE);
        let text = serde_json::to_vec(base).context("writing down the cluster")?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Appends one line. On an error it removes the part that was written, so that the file stays readable.
    pub(crate) fn append(&mut self, record: &Record) -> Result<()> {
        let line = record.line();
        let result = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = result {
            // If this fails too, a reader sees a file that was cut off.
            let _ = self.file.set_len(self.written);
            let path = self.folder.join(RECORD);
            return Err(error)
                .with_context(|| format!("writing {}; what was measured before is in it", path.display()));
        }
        self.written += line.len() as u64;
        Ok(())
    }

    /// Appends to the run's profile.
    fn add_profile(&self, entries: &[Entry]) -> Result<()> {
        let path = self.folder.join(PROFILE);
        let header = if path.exists() { String::new() } else { Profile::header(&self.id) };
        let text: String = std::iter::once(header).chain(entries.iter().map(Entry::line)).collect();
        let file = OpenOptions::new().append(true).create(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| format!("writing {}", path.display()))
    }

    pub(crate) fn read(&self) -> Result<Dataset> {
        let path = self.folder.join(RECORD);
        Ok(read(&path).with_context(|| format!("reading {}", path.display()))?.dataset)
    }

    /// Writes `report` and the tables of `run` beside its record.
    pub(crate) fn report(&self, run: &Runs, report: &Report) -> Result<()> {
        let alone = run.datasets();
        let reports = [
            ("summary.csv", reports::csv(alone).into_bytes()),
            ("summary.parquet", reports::parquet::summary(alone)),
            ("samples.parquet", reports::parquet::samples(alone)),
            ("report.md", report.markdown().into_bytes()),
            ("report.html", report.html().into_bytes()),
        ];
        for (name, bytes) in reports {
            let path = self.folder.join(name);
            fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Replaces `file` by `bytes`, completely or not at all.
pub(crate) fn replace(file: &Path, bytes: &[u8]) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let context = || format!("writing {}", file.display());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(context)?;
    let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(folder).with_context(context)?;
    new.write_all(bytes).with_context(context)?;
    // Only the owner can read a temporary file. This one is for everybody.
    new.as_file().set_permissions(PermissionsExt::from_mode(0o644)).with_context(context)?;
    new.as_file().sync_all().with_context(context)?;
    new.persist(file).map_err(|error| error.error).with_context(context)?;
    Ok(())
}

/// Reads the `run.jsonl` at `path`, a line at a time.
///
/// # Errors
/// When it cannot be read, or is not a dataset.
pub(crate) fn read(path: &Path) -> Result<Read> {
    let mut lines = BufReader::with_capacity(1 << 20, named::open(path)?);
    let (mut reading, mut line) = (Reading::default(), Vec::new());
    for number in 1.. {
        line.clear();
        if lines.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        ensure!(
            line.len() as u64 <= LONGEST_LINE,
            "line {number} is longer than {} MiB, which no record is; the file was damaged or edited",
            LONGEST_LINE >> 20
        );
        reading.line(&line)?;
    }
    Ok(reading.end()?)
}

impl Listener for Store {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::CellEnded { records, .. } => {
                records.iter().try_for_each(|record| self.append(&Record::Cell(record.clone())))
            }
            Event::Profiled(entries) => self.add_profile(entries),
            _ => Ok(()),
        }
    }
}
