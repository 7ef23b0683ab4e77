//! A run from its first record to its reports, on any target.

pub(crate) mod child;
pub(crate) mod profiles;
pub(crate) mod reruns;
pub(crate) mod spec;
pub(crate) mod store;

use self::spec::RunSpec;
use self::store::Store;
use crate::backend::BACKENDS;
use crate::meter;
use crate::process::clock;
use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use crate::process::terminal;
use crate::run::Tally;
use crate::run::event::{Event, Everyone, Listener};
use crate::run::progress::Progress;
use anyhow::Result;
use guests::tool::version;
use jiff::Timestamp;
use lab_core::cell::Source;
use lab_core::dataset::{End, FORMAT, Header, Record};
use lab_core::plan::Plan;
use lab_core::vocabulary::{Clock, Outcome};
use reports::Runs;
use reports::report::Report;
use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::path::Path;
use std::time::Duration;

/// svclab's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The revision it was built from; empty if unknown.
pub(crate) const REVISION: &str = env!("SVCLAB_REVISION");

/// What a run is measured on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ground {
    /// Facts about the guests; empty if there are none.
    pub(crate) guest: BTreeMap<String, String>,
}

/// How a run went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Ran {
    /// Whether it was stopped before the plan was complete.
    pub(crate) interrupted: bool,
    /// From each guest's start to its first cell.
    pub(crate) boots: Vec<Duration>,
}

/// Runs `spec`: records it, shows progress, writes the reports and prints the tables. `measure` makes the plan's visits
/// and reports them to the listener.
pub(crate) fn run(
    spec: &RunSpec,
    clock: Clock,
    ground: Ground,
    measure: impl FnOnce(&mut dyn Listener) -> Result<Ran>,
) -> Result<Exit, Failure> {
    clock::set(clock);
    let header = header(spec, clock, ground);
    let folder = spec.out.clone().unwrap_or_else(|| Path::new(store::RUNS).join(&header.id));
    let mut store = Store::create(&folder, header).map_err(Failure::usage)?;
    if let Some(base) = spec.plan.base.as_ref().filter(|base| matches!(base.source, Source::Imported { .. })) {
        store.keep(base).map_err(Failure::usage)?;
    }
    let (mut progress, mut tally) = (Progress::on_stderr(), Tally::default());

    let mut everyone = Everyone(vec![&mut progress, &mut store, &mut tally]);
    everyone.hear(Event::Started(&spec.plan))?;
    let ran = measure(&mut everyone)?;
    everyone.hear(Event::Ended)?;
    let end = End {
        end: Timestamp::now(),
        peak_rss: meter::peak_rss(),
        interrupted: ran.interrupted,
        cells: tally.outcomes(),
        boots: ran.boots.iter().map(|boot| u64::try_from(boot.as_nanos()).unwrap_or(u64::MAX)).collect(),
    };
    let exit = exit(&end);
    store.append(&Record::End(end))?;

    let run = Runs::from(store.read()?);
    let report = Report::of(&run);
    store.report(&run, &report)?;
    // A reader that has seen enough (`| head`) is no failure.
    let _ = stdout().write_all(report.terminal(terminal::width()).as_bytes());
    eprintln!("{}", store.folder().join("report.html").display());
    Ok(exit)
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

fn header(spec: &RunSpec, clock: Clock, ground: Ground) -> Header {
    let start = Timestamp::now();
    Header {
        format: FORMAT,
        id: id(&spec.plan, start),
        version: VERSION.to_owned(),
        revision: REVISION.to_owned(),
        command: spec.command.clone(),
        scenario: spec.scenario.text.clone(),
        question: spec.scenario.question.clone(),
        plan: Plan { base: None, ..spec.plan.clone() },
        clock,
        host: netns_topology::facts::gather(),
        guest: ground.guest,
        tools: tools(&spec.plan),
        references: spec.scenario.references.clone(),
        baseline: None,
        start,
    }
}

/// The versions of iperf3 and of the tools of the plan's backends.
pub(crate) fn tools(plan: &Plan) -> BTreeMap<String, String> {
    let used = BACKENDS.iter().filter(|backend| plan.cells.iter().any(|cell| cell.variant.backend == backend.name()));
    let programs = used.flat_map(|backend| backend.tools().iter().map(|&tool| backend.program(tool)));
    programs.chain(["iperf3"]).filter_map(|program| Some((program.to_owned(), version(program)?))).collect()
}
