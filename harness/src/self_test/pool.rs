//! The runs of a self-test that are in its folder.

use crate::session::record::{self, RECORD};
use crate::session::reruns::Reruns;
use anyhow::{Context, Result};
use lab_core::dataset::Dataset;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Other runs are compared with it: on a wall clock a run of many rounds, as baselines are.
    Baseline,
    /// It is like the baselines, with as many rounds as the scenario has.
    Plain,
    /// It shows what an injected rule costs.
    Calibration,
    /// Some of its cells have faults.
    Faulty,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Plain => "plain",
            Self::Calibration => "calibration",
            Self::Faulty => "planted",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) place: PathBuf,
    pub(super) dataset: Dataset,
    /// The cells with faults, run again as the gate would.
    pub(super) again: Option<Dataset>,
}

#[derive(Debug)]
pub(super) struct Pool {
    folder: PathBuf,
    runs: Vec<(Kind, Run)>,
}

impl Pool {
    /// Reads the runs in `folder`, if it has any.
    ///
    /// # Errors
    /// When a run cannot be read. A run that broke off is left out.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let mut pool = Self { folder: folder.to_owned(), runs: Vec::new() };
        for kind in [Kind::Baseline, Kind::Plain, Kind::Calibration, Kind::Faulty] {
            let Ok(entries) = fs::read_dir(folder.join(kind.folder())) else { continue };
            let mut places: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            places.sort();
            for place in places {
                let record = place.join(RECORD);
                if let Some(dataset) = record.is_file().then(|| whole(&record)).transpose()?.flatten() {
                    let reruns = Reruns::of(&place, &dataset.header.id);
                    let again = reruns.records().map(|record| whole(&record)).collect::<Result<Vec<_>>>()?;
                    let again = again.into_iter().flatten().next();
                    pool.runs.push((kind, Run { place, dataset, again }));
                }
            }
        }
        Ok(pool)
    }

    /// The runs of a kind, oldest first.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |(of, _)| *of == kind).map(|(_, run)| run)
    }

    pub(super) fn runs(&self, kind: Kind) -> impl Iterator<Item = &Dataset> {
        self.of(kind).map(|run| &run.dataset)
    }

    /// The runs without faults.
    pub(super) fn faultless(&self) -> impl Iterator<Item = &Dataset> {
        self.runs(Kind::Baseline).chain(self.runs(Kind::Plain))
    }

    pub(super) fn count(&self, kind: Kind) -> u32 {
        u32::try_from(self.of(kind).count()).unwrap_or(u32::MAX)
    }

    /// The `number`th run with faults, from 1.
    pub(super) fn faulty(&self, number: u32) -> Option<&Run> {
        self.of(Kind::Faulty).nth(number.saturating_sub(1) as usize)
    }

    /// The rerun of the `number`th run with faults.
    pub(super) fn again(&self, number: u32) -> Option<&Dataset> {
        self.faulty(number)?.again.as_ref()
    }

    /// The folder of the next run of a kind: after all others, also after those that broke off.
    pub(super) fn next(&self, kind: Kind) -> PathBuf {
        let folder = self.folder.join(kind.folder());
        let place = |number: u32| folder.join(format!("{number:03}"));
        (1..).map(place).find(|place| !place.exists()).unwrap_or(folder)
    }

    pub(super) fn add(&mut self, kind: Kind, place: PathBuf, dataset: Dataset) -> &Dataset {
        self.runs.push((kind, Run { place, dataset, again: None }));
        &self.runs[self.runs.len() - 1].1.dataset
    }

    /// Keeps the rerun of the `number`th run with faults.
    pub(super) fn confirm(&mut self, number: u32, again: Dataset) {
        let faulty = self.runs.iter_mut().filter(|(kind, _)| *kind == Kind::Faulty);
        if let Some((_, run)) = faulty.into_iter().nth(number.saturating_sub(1) as usize) {
            run.again = Some(again);
        }
    }
}

/// The run of `record`, unless it broke off.
fn whole(record: &Path) -> Result<Option<Dataset>> {
    let dataset = record::read(record).with_context(|| record.display().to_string())?.dataset;
    Ok(Some(dataset).filter(|dataset| dataset.end.as_ref().is_some_and(|end| !end.interrupted)))
}
