//! Where a regression is: the functions that do more work, if the baseline was profiled.

use super::confirmation::may;
use super::{Origin, Rerun, Run};
use crate::cli::baselines::Baseline;
use crate::session::child::ChildRun;
use crate::session::profiles;
use crate::session::reruns::Reruns;
use crate::session::spec::Profiling;
use crate::session::store;
use analysis::gate::{Compared, Gating, Judged, Judgement, Verdict};
use anyhow::Result;
use lab_core::cell::Cell;
use lab_core::metric::Unit;
use lab_core::profile::{self, Profile};
use reports::report::Section;

/// Up to so many regressions are explained by functions.
const FEW: usize = 4;

const FUNCTIONS: usize = 8;

/// A section for each of the largest regressions, with the functions behind it. None without a profiled baseline.
///
/// If the run was not profiled itself, the guests of those cells are started once more. If that fails, it is reported,
/// and the verdict stays.
pub(super) fn sections(judgement: &Judgement, baseline: &Baseline, run: &Run, asked: Rerun) -> Vec<Section> {
    let followed = |one: &&Judged| {
        let Judged { compared, verdict, gating, .. } = one;
        (*verdict, *gating) == (Verdict::Regressed, Gating::Gates) && compared.metric.unit() == Unit::Ns
    };
    let regressed: Vec<&Judged> = judgement.judged.iter().filter(followed).take(FEW).collect();
    if regressed.is_empty() || !run.dataset.header.plan.target.is_exact() {
        return Vec::new();
    }
    let Some(before) = profiles::of_baseline(&baseline.file).map(|file| profiles::read(&file)) else {
        if run.origin == Origin::Made {
            tell!("cannot say in which functions: {} was not profiled", baseline.file.display());
        }
        return Vec::new();
    };
    let cells: Vec<Cell> = regressed.iter().map(|one| one.compared.cell).collect();
    match before.and_then(|before| Ok((before, after(run, &cells, asked)?))) {
        Ok((before, after)) => {
            let section = |one: &&Judged| {
                let Compared { cell, metric, name, .. } = &one.compared;
                let changes = reports::profile::changes(&profile::compare(&before, &after, cell, *metric)?, FUNCTIONS);
                Some(Section { title: format!("Where it is: {name}"), ..changes })
            };
            regressed.iter().filter_map(section).collect()
        }
        Err(error) => {
            tell!("svclab: which functions it is in is not known: {error:#}");
            Vec::new()
        }
    }
}

/// The profile of `run`, or of `cells` of it, made now.
fn after(run: &Run, cells: &[Cell], asked: Rerun) -> Result<Profile> {
    if let Some(file) = profiles::of_run(&run.place) {
        return profiles::read(&file);
    }
    let header = &run.dataset.header;
    let out = Reruns::of(&run.place, &header.id).watched();
    if let Some(file) = profiles::of_run(&out) {
        return profiles::read(&file);
    }
    may(run, asked).map_err(anyhow::Error::msg)?;
    tell!("running again, to see in which functions it is");
    let child = ChildRun::again(header, cells, 1, out).of_run_at(&run.place);
    let made = ChildRun { profiling: Profiling::On, ..child }.run().map_err(|failure| failure.error)?;
    profiles::read(&made.folder.join(store::PROFILE))
}
