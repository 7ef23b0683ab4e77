//! Cells that are run again for a verdict. They are kept in the folder of the run in question.
//!
//! ```text
//! run.jsonl
//! again/       suspicious cells, run again; again-2 and so on for cells that are not in those before
//! where/       regressed cells, run again with a profile, to see which functions regressed
//! ```

use crate::session::record::RECORD;
use crate::session::store;
use std::path::{Path, PathBuf};

const AGAIN: &str = "again";
const WHERE: &str = "where";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reruns {
    folder: PathBuf,
    prefix: String,
}

impl Reruns {
    /// Those of the run `id` at `place`: in its folder. A dataset in any other file may have others beside it. Its
    /// reruns go to the folder of all runs.
    pub(crate) fn of(place: &Path, id: &str) -> Self {
        match store::folder(place) {
            Some(folder) => Self { folder: folder.to_owned(), prefix: String::new() },
            None => Self { folder: PathBuf::from(store::RUNS), prefix: format!("{id}-") },
        }
    }

    /// The records of the existing ones.
    pub(crate) fn records(&self) -> impl Iterator<Item = PathBuf> {
        let there = self.folders().take_while(|folder| folder.exists());
        there.map(|folder| folder.join(RECORD)).filter(|record| record.is_file())
    }

    /// Where the next rerun goes.
    pub(crate) fn free(&self) -> PathBuf {
        self.folders().find(|folder| !folder.exists()).unwrap_or_default()
    }

    /// Where the profiled rerun goes.
    pub(crate) fn watched(&self) -> PathBuf {
        self.folder.join(format!("{}{WHERE}", self.prefix))
    }

    fn folders(&self) -> impl Iterator<Item = PathBuf> {
        (1..).map(|number: u32| match number {
            1 => self.folder.join(format!("{}{AGAIN}", self.prefix)),
            _ => self.folder.join(format!("{}{AGAIN}-{number}", self.prefix)),
        })
    }
}

/// Whether a folder of this `name` is a rerun, not a run.
pub(crate) fn is_rerun(name: &str) -> bool {
    name.starts_with(AGAIN) || name == WHERE
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn reruns_are_numbered_and_one_without_a_record_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let reruns = Reruns::of(folder.path(), "id");
        assert_eq!(reruns.free(), folder.path().join("again"));
        for name in ["again", "again-2", "again-3"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for name in ["again", "again-3"] {
            fs::write(folder.path().join(name).join(RECORD), "").unwrap();
        }
        assert_eq!(reruns.free(), folder.path().join("again-4"));
        let expected = ["again", "again-3"].map(|name| folder.path().join(name).join(RECORD));
        assert_eq!(reruns.records().collect::<Vec<_>>(), expected);
        assert!(["again", "again-3", "where"].into_iter().all(is_rerun) && !is_rerun("run"));
    }

    #[test]
    fn those_of_a_file_among_others_are_with_the_runs_by_its_id() {
        let reruns = Reruns::of(Path::new("ci/baselines/smoke.jsonl"), "smoke-1");
        assert_eq!(reruns.free(), Path::new("runs/smoke-1-again"));
        assert_eq!(reruns.watched(), Path::new("runs/smoke-1-where"));
    }
}
