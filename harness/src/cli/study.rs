//! `svclab study`: runs the scenarios of a study that are not done yet, and writes a page of its claims.
//!
//! A scenario is run by this program started again, as a user would run it. After each of them the page is written, so that
//! whatever ends a study leaves one of what there is.

use super::options::Target;
use super::output::say;
use super::{base, scenarios, studies};
use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use crate::process::standard::arguments;
use crate::run::estimate;
use crate::session::child;
use crate::session::lock::is_written_to;
use crate::session::record::{self, RECORD};
use crate::session::spec::Guests;
use crate::session::store;
use crate::targets;
use analysis::study::Asked;
use anyhow::{Context, Result, anyhow, ensure};
use lab_core::dataset::{Dataset, End};
use lab_core::plan::Plan;
use lab_core::scenario::Scenario;
use lab_core::shell;
use lab_core::vocabulary::{Outcome, TargetName, Unknown};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use reports::study::{Ran, StudyPage};
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use studies::Found;

/// A study's page, beside the same as HTML.
const PAGE: &str = "study.md";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A study's name (see `svclab scenarios`) or its YAML file
    #[arg(value_name = "NAME|FILE")]
    study: String,
    /// The study's folder, a folder a run in it; what is done in it is not run again [default: runs/study-NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run only this one of its scenarios; repeat it for more
    #[arg(long, value_name = "SCENARIO")]
    only: Vec<String>,
    /// Say how long each scenario takes that is not done yet, and run nothing
    #[arg(long)]
    plan: bool,
    #[command(flatten)]
    target: Target,
    /// Passes over all cells of each scenario, on a wall clock [default: the scenario's]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let found = studies::find(&args.study)?;
    let asked = args.asked(&found).map_err(Failure::usage)?;
    let out = args.out.clone().unwrap_or_else(|| Path::new(store::RUNS).join(format!("study-{}", found.study.name)));
    is_free(&found, &out).map_err(Failure::usage)?;
    if args.plan {
        return args.plan(&found, &asked, &out);
    }
    // What cannot be read is said before anything runs.
    asked.iter().try_for_each(|one| scenarios::find(&found.scenario(one)).map(drop))?;
    fs::create_dir_all(&out)
        .with_context(|| format!("--out {} cannot be made", out.display()))
        .map_err(Failure::usage)?;
    for one in &asked {
        args.is_its_own(&found, one, &out.join(one.folder()))?;
    }
    interrupt::listen()?;
    let mut failed = false;
    for one in asked {
        let folder = out.join(one.folder());
        if dataset(&folder).is_ok_and(|dataset| is_finished(&dataset)) {
            tell!("svclab: {} is done: {}", one.folder(), folder.display());
            continue;
        }
        tell!("svclab: {} of the study {}", one.folder(), found.study.name);
        failed |= !args.make(&found, one, &folder)?;
        write(&found, &out)?;
        if interrupt::requested() {
            break;
        }
    }
    let page = write(&found, &out)?;
    page.lines().iter().for_each(|line| say!("{line}"));
    say!("\n{}", out.join("study.html").display());
    if interrupt::requested() {
        tell!("svclab: the study was interrupted; start it again to go on");
    }
    Ok(match (interrupt::requested(), failed) {
        (true, _) => Exit::Interrupted,
        (false, true) => Exit::SomeFailed,
        (false, false) => Exit::Done,
    }
    .into())
}

impl Args {
    /// The scenarios that are asked for.
    fn asked<'a>(&self, found: &'a Found) -> Result<Vec<&'a Asked>> {
        let all = &found.study.asked;
        for only in &self.only {
            let known = all.iter().map(Asked::folder);
            ensure!(all.iter().any(|asked| asked.is_called(only)), "--only: {}", Unknown::new("scenario", only, known));
        }
        let wanted = |asked: &&Asked| self.only.is_empty() || self.only.iter().any(|only| asked.is_called(only));
        Ok(all.iter().filter(wanted).collect())
    }

    /// Whether a finished run in `folder`, if there is one, is of this scenario, and of what the command line asks for.
    fn is_its_own(&self, found: &Found, asked: &Asked, folder: &Path) -> Result<(), Failure> {
        let Some(dataset) = dataset(folder).ok().filter(is_finished) else { return Ok(()) };
        let scenario = scenarios::find(&found.scenario(asked))?;
        let plan = &dataset.header.plan;
        let target = self.target.chosen().flatten().unwrap_or(plan.target);
        // Where instructions are counted, one is enough.
        let rounds = self.rounds.filter(|_| !target.is_exact()).unwrap_or(plan.rounds);
        // What its text was when it ran, but for its prose.
        let then = Scenario::read("", &dataset.header.scenario).map(|then| then.plan(target, plan.seed));
        let asks = scenario.plan(target, plan.seed);
        let shown = folder.display();
        let differs = [
            ("scenario", plan.scenario.clone(), scenario.name.clone()),
            ("target", plan.target.to_string(), target.to_string()),
            ("number of rounds", plan.rounds.to_string(), rounds.to_string()),
        ];
        for (what, is, wanted) in differs {
            if is != wanted {
                let how = anyhow!("{shown} has another run: its {what} is {is}, not {wanted}; name another --out");
                return Err(Failure::usage(how));
            }
        }
        let same = then.is_ok_and(|then| Plan { scenario: asks.scenario.clone(), ..then } == asks);
        if !same {
            let how = "its scenario has changed since: its cells or what is asked of them; name another --out, or move \
                       this run away";
            return Err(Failure::usage(anyhow!("{shown} has another run: {how}")));
        }
        Ok(())
    }

    /// Says how long each of them takes that is not done in `out`.
    fn plan(&self, found: &Found, asked: &[&Asked], out: &Path) -> Result<ExitCode, Failure> {
        say!("{}: {}\n", found.study.name, found.study.question);
        say!("{:<26}{:<8}{:>7}{:>10}  claims", "scenario", "target", "cells", "about");
        let (mut whole, mut targets) = (0, Vec::new());
        for one in asked {
            let mut scenario = scenarios::find(&found.scenario(one))?;
            let cluster: Vec<PathBuf> = scenario.cluster.iter().map(PathBuf::from).collect();
            if !cluster.is_empty() {
                scenario = scenario.with_base(base::read(&cluster, None).map_err(Failure::usage)?);
            }
            scenario.rounds = self.rounds.unwrap_or(scenario.rounds);
            let choose = || targets::choose(&Guests::default(), &scenario.axes.backends).target;
            let target: TargetName = self.target.chosen().unwrap_or(scenario.target).unwrap_or_else(choose);
            let plan = scenario.plan(target, 1);
            targets.push(target);
            let (name, cells, claims) = (one.folder(), plan.cells.len(), one.claims.join(", "));
            let about = match dataset(&out.join(name)) {
                Ok(dataset) if is_finished(&dataset) => "done".to_owned(),
                _ => {
                    let minutes = estimate::minutes(&plan);
                    whole += minutes;
                    format!("{minutes} min")
                }
            };
            say!("{name:<26}{target:<8}{cells:>7}{about:>10}  {claims}");
        }
        say!("\nabout {whole} min on two cores, {}", estimate::give_or_take(&targets));
        Ok(Exit::Done.into())
    }

    /// Runs a scenario into `folder`, or what is left of an unfinished run there; whether it ended well. What such a run left
    /// is kept beside the new one where that cannot go on from it.
    fn make(&self, found: &Found, asked: &Asked, folder: &Path) -> Result<bool, Failure> {
        if folder.join(RECORD).exists() {
            let status = self.scenario(found, asked, folder, true)?;
            if status.code() != Some(Exit::Usage as i32) {
                return Ok(status.success());
            }
        }
        set_aside(folder)?;
        Ok(self.scenario(found, asked, folder, false)?.success())
    }

    /// Runs `svclab scenario`. It is interrupted when this process dies.
    fn scenario(&self, found: &Found, asked: &Asked, folder: &Path, resume: bool) -> Result<ExitStatus> {
        let mut command = Command::new("/proc/self/exe");
        // The run says by what it was made.
        command.arg0(std::env::args_os().next().unwrap_or_default());
        let place = if resume { "--resume" } else { "--out" };
        command.arg("scenario").arg(found.scenario(asked)).arg(place).arg(folder).stdout(Stdio::null());
        if let Some(target) = self.target.spelled() {
            command.args(["--target", target]);
        }
        if let Some(rounds) = self.rounds {
            command.arg("--rounds").arg(rounds.to_string());
        }
        // SAFETY: prctl may be called between fork and exec.
        unsafe { command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGTERM)?)) };
        let mut process = command.spawn().context("starting this program again")?;
        child::wait(&mut process)
    }
}

/// Whether `out` is a folder for this study, or nothing yet.
fn is_free(found: &Found, out: &Path) -> Result<()> {
    let shown = out.display();
    ensure!(!out.is_file(), "--out {shown} is a file; name a folder");
    let page = fs::read_to_string(out.join(PAGE));
    let is_other = page.is_ok_and(|page| !StudyPage::is_of(&found.study, &page));
    ensure!(!is_other, "--out {shown} has the page of another study ({PAGE}); name another folder");
    Ok(())
}

/// The dataset of the run in `folder`, where it can be read.
fn dataset(folder: &Path) -> Result<Dataset> {
    let record = folder.join(RECORD);
    Ok(record::read(&record).with_context(|| record.display().to_string())?.dataset)
}

/// Whether the run came to its end. One that skipped every cell did not begin: what was in its way may be gone.
fn is_finished(dataset: &Dataset) -> bool {
    let began = |end: &End| end.cells.keys().any(|&outcome| outcome != Outcome::Skipped);
    dataset.end.as_ref().is_some_and(|end| !end.interrupted && began(end))
}

/// Makes room for a run in `folder`; what an unfinished one left is kept beside it.
fn set_aside(folder: &Path) -> Result<(), Failure> {
    let is_used = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if !is_used {
        return Ok(());
    }
    if is_written_to(folder) == Some(true) {
        let how = "another process is writing to it; wait for its end, or name another --out";
        return Err(Failure::usage(anyhow!("{}: {how}", folder.display())));
    }
    let beside = |number: u32| PathBuf::from(format!("{}.unfinished-{number}", folder.display()));
    let free = (1..).map(beside).find(|place| !place.exists()).ok_or_else(|| anyhow!("no name is free"))?;
    fs::rename(folder, &free).with_context(|| format!("moving {} aside", folder.display()))?;
    tell!("svclab: it begins anew; what was there is kept in {}", free.display());
    Ok(())
}

/// Writes the page of what there is in `out`.
fn write(found: &Found, out: &Path) -> Result<StudyPage> {
    let ran = |asked: &Asked| {
        let folder = out.join(asked.folder());
        match dataset(&folder) {
            Ok(dataset) => Ran::Run(Box::new(dataset)),
            Err(_) if !folder.join(RECORD).exists() => Ran::Not("there is no run of it".to_owned()),
            Err(error) => Ran::Not(format!("{error:#}")),
        }
    };
    let ran: Vec<Ran> = found.study.asked.iter().map(ran).collect();
    let page = StudyPage::of(&found.study, &ran, &shell::line(arguments()));
    store::replace(&out.join(PAGE), page.markdown().as_bytes())?;
    store::replace(&out.join("study.html"), page.html().as_bytes())?;
    Ok(page)
}
