//! A run from its first record to its reports, on any target.

pub(crate) mod child;
mod kept;
pub(crate) mod lock;
pub(crate) mod merging;
pub(crate) mod profiles;
pub(crate) mod record;
pub(crate) mod reruns;
pub(crate) mod sameness;
pub(crate) mod spec;
pub(crate) mod standing;
pub(crate) mod store;

use self::kept::Kept;
use self::spec::RunSpec;
use self::store::Store;
use crate::backend::BACKENDS;
use crate::fleet::image::TOOLS;
use crate::meter;
use crate::process::clock;
use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use crate::process::terminal;
use crate::run::Tally;
use crate::run::event::{Event, Everyone, Listener};
use crate::run::progress::{Progress, Talk};
use crate::tool::origin::INSTRUMENTS;
use anyhow::Result;
use guests::tool::version;
use guests::tools::Toolset;
use jiff::Timestamp;
use lab_core::cell::Source;
use lab_core::dataset::{Busy, End, FORMAT, Header, Record, unmet};
use lab_core::plan::{Plan, Visit};
use lab_core::units;
use lab_core::vocabulary::{Clock, Outcome};
use reports::Runs;
use reports::report::Report;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// svclab's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// In a header's tools, where these are from, if not from this machine.
pub(crate) const TOOLS_NAME: &str = "tools_name";
/// The revision it was built from; empty if unknown.
pub(crate) const REVISION: &str = env!("SVCLAB_REVISION");

/// What a run is measured on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ground {
    /// Facts about the guests; empty if there are none.
    pub(crate) guest: BTreeMap<String, String>,
    /// The tools, if they are not this machine's.
    pub(crate) toolset: Option<Toolset>,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ran {
    /// Whether it was stopped before the plan was complete.
    pub(crate) interrupted: bool,
    /// From each guest's start to its first cell.
    pub(crate) boots: Vec<Duration>,
}

/// A run that has a folder.
pub(crate) struct Session<'a> {
    spec: &'a RunSpec,
    store: Store,
    kept: Kept,
}

impl<'a> Session<'a> {
    /// Makes the folder of a run of `spec`, or opens it again, and writes the header.
    ///
    /// # Errors
    /// When the folder cannot be used, or has another run.
    pub(crate) fn begin(spec: &'a RunSpec, clock: Clock, ground: Ground) -> Result<Self, Failure> {
        clock::set(clock);
        let header = header(spec, clock, ground);
        if let Some(Busy { load, cpus }) = header.busy() {
            let cpus = units::counted(cpus.into(), "processor");
            tell!(
                "svclab: the machine is busy: load {load:.1} on {cpus} in the last minute. Times get longer and differ more; \
                 take ratios rather than times, and more --rounds, or run again when it is quiet. --target exact counts \
                 instructions, which do not depend on it"
            );
        }
        let folder = spec.out.clone().unwrap_or_else(|| Path::new(store::RUNS).join(&header.id));
        let (store, kept) = match spec.resume {
            true => Store::resume(&folder, header, &spec.plan),
            false => Store::create(&folder, header).map(|store| (store, Kept::nothing(&spec.plan))),
        }
        .map_err(Failure::usage)?;
        if let Some(base) = spec.plan.base.as_ref().filter(|base| matches!(base.source, Source::Imported { .. })) {
            store.keep(base).map_err(Failure::usage)?;
        }
        let left = kept.left.concat().len() as u64;
        let done = spec.plan.boots().concat().len() as u64 - left;
        let shown = store.folder().display();
        match (done, left) {
            (0, _) => {}
            (_, 0) => {
                tell!("svclab: {shown} is complete already: nothing is run; to measure again, name another folder")
            }
            _ => tell!("svclab: {shown} goes on: {} done, {} left", units::counted(done, "visit"), units::count(left)),
        }
        Ok(Self { spec, store, kept })
    }

    /// The visits that are left to make, by boot.
    pub(crate) fn left(&self) -> Vec<Vec<Visit>> {
        self.kept.left.clone()
    }

    /// Makes the run: records it, shows progress, writes the reports and prints the tables. `measure` makes the visits that
    /// are left, and reports them to the listener.
    pub(crate) fn run(self, measure: impl FnOnce(&mut dyn Listener) -> Result<Ran>) -> Result<Exit, Failure> {
        let Self { spec, mut store, kept } = self;
        let (mut progress, mut tally) = (Progress::of(&spec.plan, &kept.left, spec.talk), Tally::default());
        progress.hear(Event::Started(&spec.plan))?;
        kept.records.iter().for_each(|record| tally.count(record));

        let mut everyone = Everyone(vec![&mut progress, &mut store, &mut tally]);
        let ran = measure(&mut everyone)?;
        everyone.hear(Event::Ended)?;
        let boots = ran.boots.iter().map(|boot| u64::try_from(boot.as_nanos()).unwrap_or(u64::MAX));
        let end = End {
            end: Timestamp::now(),
            peak_rss: meter::peak_rss().max(kept.end.as_ref().map_or(0, |end| end.peak_rss)),
            interrupted: ran.interrupted,
            cells: tally.outcomes(),
            boots: kept.end.iter().flat_map(|end| end.boots.iter().copied()).chain(boots).collect(),
        };
        let exit = exit(&end);
        store.append(&Record::End(end))?;
        let dataset = store.read()?;
        let unmet = unmet(spec.plan.require.iter().copied(), &dataset);
        let run = Runs::from(dataset);
        let report = Report::of(&run);
        store.report(&run, &report)?;
        let width = terminal::width();
        let text = match spec.talk {
            Talk::Quiet => String::new(),
            Talk::Short => report.screen(width),
            Talk::Full => report.terminal(width),
        };
        // A reader that has seen enough (`| head`) is no failure.
        let _ = stdout().write_all(text.as_bytes());
        tell!("{}", store.folder().join("report.html").display());
        unmet.iter().for_each(|unmet| tell!("svclab: {unmet}"));
        Ok(if exit == Exit::Done && !unmet.is_empty() { Exit::SomeFailed } else { exit })
    }
}

fn exit(end: &End) -> Exit {
    let any = |outcome| end.cells.contains_key(&outcome);
    if end.interrupted || interrupt::requested() {
        Exit::Interrupted
    } else if any(Outcome::Failed) {
        Exit::SomeFailed
    } else if any(Outcome::Skipped) && end.cells.len() == 1 {
        Exit::CannotRun
    } else {
        Exit::Done
    }
}

pub(crate) fn id(plan: &Plan, start: Timestamp) -> String {
    format!("{}-{}", plan.scenario, start.strftime("%Y%m%dT%H%M%S%3fZ"))
}

/// The folder of a run of `spec` that another process began after `begun`, if there is one with a record.
pub(crate) fn begun_since(spec: &RunSpec, begun: Timestamp) -> Option<PathBuf> {
    let folder = match &spec.out {
        Some(out) => out.clone(),
        None => {
            // Their names end with the time, so that a later one comes later.
            let least = id(&spec.plan, begun);
            let names = fs::read_dir(store::RUNS).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            let later =
                |name: &String| name.len() == least.len() && name.starts_with(&spec.plan.scenario) && *name >= least;
            Path::new(store::RUNS).join(names.filter(later).min()?)
        }
    };
    folder.join(record::RECORD).is_file().then_some(folder)
}

fn header(spec: &RunSpec, clock: Clock, ground: Ground) -> Header {
    let start = Timestamp::now();
    // All shards of a plan say the same, whatever backends they have.
    let cells = spec.shard.as_ref().map_or(&spec.plan.cells, |sharded| &sharded.whole).clone();
    let plan = Plan { base: None, cells, ..spec.plan.clone() };
    let tools = tools(&plan, ground.toolset.as_ref());
    Header {
        format: FORMAT,
        id: id(&spec.plan, start),
        version: VERSION.to_owned(),
        revision: REVISION.to_owned(),
        command: spec.command.clone(),
        scenario: spec.scenario.text.clone(),
        question: spec.scenario.question.clone(),
        plan,
        clock,
        host: netns_topology::facts::gather(),
        guest: ground.guest,
        tools,
        references: spec.scenario.references.clone(),
        part: spec.shard.as_ref().map(|sharded| sharded.part.clone()),
        merged: Vec::new(),
        baseline: None,
        start,
    }
}

/// The versions of iperf3, which is this machine's, and of the tools of the plan's backends. Of a `toolset` also its name,
/// packages and checksum.
pub(crate) fn tools(plan: &Plan, toolset: Option<&Toolset>) -> BTreeMap<String, String> {
    let used = BACKENDS.iter().filter(|backend| plan.cells.iter().any(|cell| cell.variant.backend == backend.name()));
    let programs = used.flat_map(|backend| backend.tools().iter().map(|&tool| backend.program(tool)));
    let own = |program: &str| match toolset {
        Some(toolset) if !INSTRUMENTS.contains(&program) => toolset.version(program),
        _ => version(program),
    };
    let versions = programs.chain(INSTRUMENTS.iter().copied());
    let versions = versions.filter_map(|program| Some((program.to_owned(), own(program)?)));
    let packages = |toolset: &Toolset| Some(toolset.packages.join(", ")).filter(|packages| !packages.is_empty());
    let facts = toolset.into_iter().flat_map(|toolset| {
        let sha256 = toolset.tree(TOOLS).ok().and_then(|tree| tree.sha256().ok());
        [(TOOLS_NAME, Some(toolset.name.clone())), ("tools_packages", packages(toolset)), ("tools_sha256", sha256)]
    });
    let facts = facts.filter_map(|(name, fact)| Some((name.to_owned(), fact?)));
    versions.chain(facts).collect()
}
