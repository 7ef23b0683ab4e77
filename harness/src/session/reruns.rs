//! What is run again for a verdict: kept in the folder of the run that it is about.
//!
//! ```text
//! run.jsonl
//! again/       suspicious cells once more; again-2 and so on those that the ones before it did not have
//! where/       what regressed once more, watched, to see in which functions it is
//! ```

use crate::session::store::{self, RECORD};
use std::path::{Path, PathBuf};

const AGAIN: &str = "again";
const WHERE: &str = "where";

/// Where the reruns of a run are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reruns {
    folder: PathBuf,
    /// What names begin with.
    prefix: String,
}

impl Reruns {
    /// Of the run `id` at `place`: in its folder. In the folder of any other file there may be several runs, so that theirs
    /// are with the runs.
    pub(crate) fn of(place: &Path, id: &str) -> Self {
        match store::folder(place) {
            Some(folder) => Self { folder: folder.to_owned(), prefix: String::new() },
            None => Self { folder: PathBuf::from(store::RUNS), prefix: format!("{id}-") },
        }
    }

    /// The records of those that are there.
    pub(crate) fn records(&self) -> impl Iterator<Item = PathBuf> {
        let there = self.folders().take_while(|folder| folder.exists());
        there.map(|folder| folder.join(RECORD)).filter(|record| record.is_file())
    }

    /// Where the next goes.
    pub(crate) fn free(&self) -> PathBuf {
        self.folders().find(|folder| !folder.exists()).unwrap_or_default()
    }

    /// Where the one goes that is watched.
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

/// Whether a folder of this `name` is a rerun's, and so no run by itself.
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
