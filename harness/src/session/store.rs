//! The folder of a run: `run.jsonl`, written line by line as the run goes, and the reports made from it at the end.

use super::kept::Kept;
use super::lock::alone;
use super::record::{self, RECORD, Tail, in_order};
use super::sameness::first_difference;
use crate::run::event::{Event, Listener};
use anyhow::{Context, Result, bail, ensure};
use lab_core::cluster::Base;
use lab_core::dataset::{CellRecord, Dataset, Header, Record};
use lab_core::plan::Plan;
use lab_core::profile::{Entry, Profile};
use nix::fcntl::Flock;
use reports::Runs;
use reports::report::Report;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The profile in a run's folder, if the run was profiled.
pub(crate) const PROFILE: &str = "profile.jsonl";

/// The default folder of runs.
pub(crate) const RUNS: &str = "runs";

/// The least free space. Every scenario's run needs far less.
const ROOM: u64 = 64 << 20;

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
    /// The folder, locked for as long as the store lives, so that no other process writes to it.
    _lock: Flock<File>,
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
        check(folder)?;
        let shown = folder.display();
        fs::create_dir_all(folder).with_context(|| format!("--out {shown} cannot be made; name another folder"))?;
        Self::make(folder, alone(folder)?, header)
    }

    fn make(folder: &Path, lock: Flock<File>, header: Header) -> Result<Self> {
        let shown = folder.display();
        room(folder)?;
        let path = folder.join(RECORD);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.with_context(|| format!("--out {shown} cannot be written; name another folder"))?;
        let id = header.id.clone();
        let mut store = Self { folder: folder.to_owned(), file, _lock: lock, written: 0, id };
        store.append(&Record::Run(Box::new(header)))?;
        Ok(store)
    }

    /// Opens the folder again if it has a run of `plan` with this `header`, and leaves in it what is kept of it. A folder that
    /// is new or empty, or whose run was cut off before its header was written, is begun.
    ///
    /// # Errors
    /// When it has something else, or another process is writing to it. Nothing is changed then.
    pub(crate) fn resume(folder: &Path, header: Header, plan: &Plan) -> Result<(Self, Kept)> {
        let (path, shown) = (folder.join(RECORD), folder.display());
        if !path.is_file() {
            return Ok((Self::create(folder, header)?, Kept::nothing(plan)));
        }
        let context = || path.display().to_string();
        let lock = alone(folder)?;
        let tail = record::tail(&path).with_context(context)?;
        if tail == Tail::None {
            fs::remove_file(&path).with_context(context)?;
            return Ok((Self::make(folder, lock, header)?, Kept::nothing(plan)));
        }
        let recorded = record::read(&path).with_context(context)?.dataset;
        if let Some(difference) = not_the_same(&recorded.header, &header) {
            bail!("{shown} has another run: {difference}; name another folder");
        }
        room(folder)?;
        let kept = Kept::of(&recorded, tail, plan);
        let text = record::text(&recorded.header, &kept.records, None);
        replace(&path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path).with_context(context)?;
        let written = text.len() as u64;
        Ok((Self { folder: folder.to_owned(), file, _lock: lock, written, id: recorded.header.id }, kept))
    }

    /// Keeps the Services of a user's cluster, so that cells can be run again.
    pub(crate) fn keep(&self, base: &Base) -> Result<()> {
        let path = self.folder.join(Base::FILE);
        let text = serde_json::to_vec(base).context("writing down the cluster")?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Appends one line.
    pub(crate) fn append(&mut self, record: &Record) -> Result<()> {
        self.append_text(&record.line())
    }

    /// Appends whole lines at once. On an error it removes the part that was written, so that the file stays readable.
    fn append_text(&mut self, lines: &str) -> Result<()> {
        let result = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = result {
            // If this fails too, a reader sees a file that was cut off.
            let _ = self.file.set_len(self.written);
            let path = self.folder.join(RECORD);
            return Err(error)
                .with_context(|| format!("writing {}; what was measured before is in it", path.display()));
        }
        self.written += lines.len() as u64;
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

    /// The whole run. In the target `exact` its cells are put into the order of the plan, in the file, too: guests that run
    /// side by side end in any order.
    pub(crate) fn read(&self) -> Result<Dataset> {
        let path = self.folder.join(RECORD);
        let mut dataset = record::read(&path).with_context(|| format!("reading {}", path.display()))?.dataset;
        if dataset.header.plan.target.is_exact() {
            let Dataset { header, cells, end } = &mut dataset;
            in_order(header, cells);
            replace(&path, record::text(header, cells, end.as_ref()).as_bytes())?;
        }
        Ok(dataset)
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

/// Checks that there is room for a run in `folder`.
fn room(folder: &Path) -> Result<()> {
    let shown = folder.display();
    let space = nix::sys::statvfs::statvfs(folder).with_context(|| format!("asking for free space at {shown}"))?;
    let free = space.blocks_available() * space.fragment_size();
    if free < ROOM {
        bail!("--out {shown} has {} MiB free where a run needs {}; name another folder", free >> 20, ROOM >> 20);
    }
    Ok(())
}

/// Why a run with this `header` does not go on from one with `recorded`; `None` if it does.
fn not_the_same(recorded: &Header, header: &Header) -> Option<String> {
    let part = |header: &Header| {
        header.part.as_ref().map_or("the whole plan".to_owned(), |part| format!("shard {}", part.shard))
    };
    let (was, is) = (part(recorded), part(header));
    if was != is {
        return Some(format!("{was} in the one and {is} in the other"));
    }
    let machine = |header: &Header| ["cpu", "cpus", "kernel"].map(|fact| header.host.get(fact).cloned());
    if !header.plan.target.is_exact() && machine(recorded) != machine(header) {
        return Some("it was measured on another machine, or under another kernel".to_owned());
    }
    first_difference(recorded, header)
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

impl Listener for Store {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::CellEnded { records: [], .. } => Ok(()),
            Event::CellEnded { records, .. } => {
                let lines: String = records.iter().map(CellRecord::line).collect();
                self.append_text(&lines)
            }
            Event::Profiled(entries) => self.add_profile(entries),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lock::is_written_to;
    use super::*;
    use crate::run::unmeasured;
    use lab_core::axes::Axes;
    use lab_core::vocabulary::{Outcome, TargetName};

    fn header() -> Header {
        let cells = Axes { services: vec![1, 10], ..Axes::default() }.expand();
        Header::example(Plan { cells, ..Plan::example(TargetName::Exact) })
    }

    /// The records of the first so many boots.
    fn made(store: &mut Store, plan: &Plan, boots: std::ops::Range<usize>) {
        for visit in plan.boots()[boots].concat() {
            let records = [unmeasured(plan, &visit, Outcome::Measured, "")];
            store.hear(Event::CellEnded { visit: &visit, records: &records, accounts: &[] }).unwrap();
        }
    }

    fn again(folder: &Path, header: &Header) -> Kept {
        Store::resume(folder, header.clone(), &header.plan).unwrap().1
    }

    #[test]
    fn a_run_goes_on_as_often_as_it_is_cut_off_and_loses_one_boot_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let header = header();
        let boots = header.plan.boots();
        let (mut store, _) = Store::resume(folder.path(), header.clone(), &header.plan).unwrap();
        made(&mut store, &header.plan, 0..3);
        drop(store);
        for _ in 0..2 {
            let kept = again(folder.path(), &header);
            assert_eq!(kept.left, boots[3..]);
        }
        // Within a line of the third boot.
        let path = folder.path().join(RECORD);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() - 20]).unwrap();
        for _ in 0..2 {
            let kept = again(folder.path(), &header);
            assert_eq!(kept.left, boots[2..]);
        }
    }

    #[test]
    fn a_folder_is_one_process_s_and_one_run_s() {
        let folder = tempfile::tempdir().unwrap();
        let header = header();
        let store = Store::create(folder.path(), header.clone()).unwrap();
        assert_eq!(is_written_to(folder.path()), Some(true));
        let refused =
            |header: &Header| Store::resume(folder.path(), header.clone(), &header.plan).err().unwrap().to_string();
        assert!(refused(&header).contains("another process is writing"));
        drop(store);
        assert_eq!(is_written_to(folder.path()), Some(false));
        let mut other = header.clone();
        other.plan.seed = 2;
        let before = fs::read(folder.path().join(RECORD)).unwrap();
        assert!(refused(&other).contains("has another run: plan.seed is 1"), "{}", refused(&other));
        assert_eq!(fs::read(folder.path().join(RECORD)).unwrap(), before);
    }

    #[test]
    fn a_file_that_was_cut_off_in_its_header_is_begun_again() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(RECORD), "{\"kind\":\"run\"").unwrap();
        let header = header();
        assert_eq!(again(folder.path(), &header), Kept::nothing(&header.plan));
        assert_eq!(record::read(&folder.path().join(RECORD)).unwrap().dataset.header, header);
    }
}
