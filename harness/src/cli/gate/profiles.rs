//! Where a regression is: the functions that have more to do, where the baseline was profiled.

use super::confirmation::may;
use super::{Origin, Rerun, Run};
use crate::cli::baselines::Baseline;
use crate::session::child::Commission;
use crate::session::profiles;
use crate::session::reruns::Reruns;
use crate::targets::Profiling;
use analysis::gate::{Compared, Gating, Judged, Judgement, Verdict};
use anyhow::Result;
use lab_core::cell::Cell;
use lab_core::metric::Unit;
use lab_core::profile::{self, Profile};
use reports::report::Section;

/// So many regressions are followed into their functions.
const FEW: usize = 4;

/// So many functions are shown of each.
const FUNCTIONS: usize = 8;

/// The functions behind what regressed most, a section each; none where nothing did, or the baseline was not profiled.
///
/// Where the run was not profiled itself, the guests of what regressed are started once more. Whatever goes wrong with that
/// is said: the verdict stands without it.
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
            eprintln!("which functions it is in is not known: {} was not profiled", baseline.file.display());
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
            eprintln!("svclab: which functions it is in is not known: {error:#}");
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
    eprintln!("run again, to see in which functions it is");
    let commission = Commission::again(header, cells, 1, out);
    let made = Commission { profiling: Profiling::On, ..commission }.carry_out().map_err(|failure| failure.error)?;
    profiles::read(&made.folder.join(profiles::FILE))
}
