//! Runs suspicious cells again before they are judged.

use super::{Origin, Rerun, Run};
use crate::process::exit::Failure;
use crate::run::progress::describe;
use crate::session;
use crate::session::child::ChildRun;
use crate::session::record::{self, RECORD};
use crate::session::reruns::Reruns;
use analysis::gate::{self, Aspect, Bearing, Difference, Judgement, Policy};
use anyhow::Context;
use guests::tools;
use lab_core::cell::Cell;
use lab_core::dataset::{Dataset, Header};
use lab_core::units;
use lab_core::vocabulary::Word;
use std::path::PathBuf;

/// Judges `run`. Suspicious cells are run again first, if that is allowed.
pub(super) fn judge(before: &Dataset, run: &Run, policy: &Policy, asked: Rerun) -> Result<Judgement, Failure> {
    let reruns = Reruns::of(&run.place, &run.dataset.header.id);
    let mut again = recorded(&reruns)?;
    let judgement = gate::judge(before, &run.dataset, &again, policy);
    let mut suspicious = judgement.suspicious();
    suspicious.retain(|cell| !again.iter().any(|rerun| rerun.header.plan.cells.contains(cell)));
    if suspicious.is_empty() || policy.reruns == 0 {
        return Ok(judgement);
    }
    if let Err(why) = may(run, asked) {
        tell!("not run again, so not confirmed: {}: {why}", units::counted(suspicious.len() as u64, "cell"));
        return Ok(judgement);
    }
    let rerun = make(run, &suspicious, policy.reruns, reruns.free())?;
    match alike(&run.dataset, &rerun) {
        Ok(()) => again.push(rerun),
        Err(difference) => tell!("the rerun does not count: {}", told(&difference)),
    }
    Ok(gate::judge(before, &run.dataset, &again, policy))
}

/// The reruns that exist already.
fn recorded(reruns: &Reruns) -> Result<Vec<Dataset>, Failure> {
    let read = |file: PathBuf| {
        let read = record::read(&file).with_context(|| file.display().to_string()).map_err(Failure::usage)?;
        let broke_off = read.dataset.end.as_ref().is_none_or(|end| end.interrupted);
        let what = if broke_off { ", which ended before its plan was through" } else { "" };
        tell!("using the earlier rerun {}{what}", file.display());
        Ok(read.dataset)
    };
    reruns.records().map(read).collect()
}

/// Whether cells of `run` may be run again here; the error says why not.
pub(super) fn may(run: &Run, asked: Rerun) -> Result<(), String> {
    match (asked, run.origin) {
        (Rerun::Always, _) | (Rerun::Auto, Origin::Made) => Ok(()),
        (Rerun::Never, _) => Err("--rerun never".to_owned()),
        (Rerun::Auto, Origin::Given) => here(&run.dataset)
            .map_err(|difference| format!("the run was made elsewhere: {}; see --rerun", told(&difference))),
    }
}

/// Whether svclab, machine and tools are those of `dataset`; the error is the first difference.
fn here(dataset: &Dataset) -> Result<(), Difference> {
    let was = &dataset.header;
    // One that is not here any more is a difference.
    let toolset = was.tools.get(session::TOOLS_NAME).and_then(|name| tools::find(name).ok().flatten());
    let now = Header {
        host: netns_topology::facts::gather(),
        tools: session::tools(&was.plan, toolset.as_ref()),
        version: session::VERSION.to_owned(),
        revision: session::REVISION.to_owned(),
        ..was.clone()
    };
    alike(dataset, &Dataset { header: now, ..dataset.clone() })
}

/// Whether one run can confirm the other; the error is the first difference that forbids it.
fn alike(run: &Dataset, rerun: &Dataset) -> Result<(), Difference> {
    // Of the plan only some cells are run again.
    let differs = |difference: &Difference| match difference.aspect {
        Aspect::Plan => false,
        Aspect::Svclab => true,
        _ => difference.bearing != Bearing::Explains,
    };
    gate::differences(run, rerun).into_iter().find(differs).map_or(Ok(()), Err)
}

/// Runs `suspicious` cells again.
fn make(run: &Run, suspicious: &[Cell], rounds: u32, out: PathBuf) -> Result<Dataset, Failure> {
    let (passes, cells) = (units::counted(rounds.into(), "round"), units::counted(suspicious.len() as u64, "cell"));
    tell!("suspicious, running again in {passes}: {cells}");
    for cell in suspicious {
        tell!("  {}", describe(cell));
    }
    let again = ChildRun::again(&run.dataset.header, suspicious, rounds, out).of_run_at(&run.place).run()?;
    tell!("{}", again.folder.join(RECORD).display());
    Ok(again.dataset)
}

pub(crate) fn told(difference: &Difference) -> String {
    let Difference { aspect, name, before, after, .. } = difference;
    let name = if name.is_empty() || name == aspect.name() { String::new() } else { format!(" ({name})") };
    let known = |fact: &str| if fact.is_empty() { "not known".to_owned() } else { fact.to_owned() };
    format!("the {aspect}{name} was {} and is {}", known(before), known(after))
}
