//! A run that another verb needs, from a plan in a dataset: a baseline's plan again, or some cells of a run. A child
//! process makes it.
//!
//! A process that enters a sandbox starts the program again and exits with it, and a run prints its reports. The verb
//! that needs the run continues afterwards.

use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use crate::process::standard::arguments;
use crate::run::progress::Talk;
use crate::session::TOOLS_NAME;
use crate::session::record::{self, RECORD};
use crate::session::spec::RunSpec;
use crate::session::spec::{Guests, Profiling};
use crate::session::store;
use crate::targets;
use anyhow::{Context, Result, anyhow};
use lab_core::cell::{Cell, Interned};
use lab_core::cluster::Base;
use lab_core::dataset::{Dataset, Header};
use lab_core::plan::Plan;
use lab_core::scenario::Scenario;
use lab_core::vocabulary::TargetName;
use netns_topology::sandbox;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, Seek, Write, stdin};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The verb of the child process. It is not for users.
pub(crate) const VERB: &str = "child-run";

/// A run for a child process to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChildRun {
    /// The scenario's YAML text.
    pub(crate) scenario: String,
    pub(crate) plan: Plan,
    /// The guests' kernel, by its name; `None` for the default, and where the plan's cells name theirs.
    pub(crate) kernel: Option<String>,
    /// The tools, by their name; `None` for this machine's.
    #[serde(default)]
    pub(crate) tools: Option<String>,
    /// Guests at a time; `None` for one per core.
    pub(crate) jobs: Option<u32>,
    pub(crate) profiling: Profiling,
    /// The file with the Services that its clusters repeat, of a run with a user's cluster.
    #[serde(default)]
    pub(crate) base: Option<PathBuf>,
    /// The user's command line.
    pub(crate) command: Vec<String>,
    /// The run's folder, new or empty.
    pub(crate) out: PathBuf,
}

/// A finished run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Made {
    pub(crate) folder: PathBuf,
    pub(crate) dataset: Dataset,
}

impl ChildRun {
    /// The run of `header` again, with its scenario, plan, seed, kernel and tools.
    pub(crate) fn repeat(header: &Header, out: PathBuf) -> Self {
        Self {
            scenario: header.scenario.clone(),
            plan: header.plan.clone(),
            kernel: header.guest.get("kernel_name").filter(|_| kernels(&header.plan).is_empty()).cloned(),
            tools: header.tools.get(TOOLS_NAME).cloned(),
            jobs: None,
            profiling: Profiling::Off,
            base: None,
            command: arguments(),
            out,
        }
    }

    /// Only `cells` of that run, in `rounds` rounds. Cells that are not in its plan are ignored.
    pub(crate) fn again(header: &Header, cells: &[Cell], rounds: u32, out: PathBuf) -> Self {
        let mut plan = header.plan.in_rounds(rounds);
        plan.cells.retain(|cell| cells.contains(cell));
        Self { plan, ..Self::repeat(header, out) }
    }

    /// As a repetition of the run at `place`, its folder or its record: the user's cluster is there.
    pub(crate) fn of_run_at(mut self, place: &Path) -> Self {
        let file = store::folder(place).map(|folder| folder.join(Base::FILE));
        self.base = file.filter(|file| file.is_file());
        self
    }

    /// Makes the run in a child process and reads its dataset. Progress is shown, tables are not.
    ///
    /// # Errors
    /// When the run cannot start, breaks off or is interrupted. Its folder has what was measured before.
    pub(crate) fn run(&self) -> Result<Made, Failure> {
        store::check(&self.out).map_err(Failure::usage)?;
        interrupt::listen()?;
        let status = self.delegate()?;
        let shown = self.out.display();
        let record = self.out.join(RECORD);
        let so_far = if record.is_file() { format!("; what was measured is in {shown}") } else { String::new() };
        let exited = |exit: Exit| status.code() == Some(exit as i32);
        let failed = |exit, what: &str| Failure { exit, error: anyhow!("{what}{so_far}") };
        if interrupt::requested() || exited(Exit::Interrupted) {
            return Err(failed(Exit::Interrupted, "interrupted before the run was complete: there is no verdict"));
        }
        if let Some(exit) = [Exit::Usage, Exit::CannotRun].into_iter().find(|exit| exited(*exit)) {
            return Err(failed(exit, "the run is not possible here: see above"));
        }
        if let Some(signal) = status.signal().and_then(|signal| Signal::try_from(signal).ok()) {
            return Err(failed(Exit::SomeFailed, &format!("the process that made the run was killed by {signal}")));
        }
        if !record.is_file() {
            return Err(failed(Exit::SomeFailed, "the run could not start: see above"));
        }
        let read = record::read(&record).with_context(|| record.display().to_string())?;
        if read.dataset.end.is_none() {
            return Err(failed(Exit::SomeFailed, "the run broke off: see above"));
        }
        Ok(Made { folder: self.out.clone(), dataset: read.dataset })
    }

    /// Starts the child process and waits for it. It ends: each of its cells has a time limit.
    fn delegate(&self) -> Result<ExitStatus> {
        // Without a name, so that nothing of it is left whatever ends this process.
        let mut file = tempfile::tempfile().context("making a temporary file")?;
        serde_json::to_writer(&mut file, self).context("writing the child run")?;
        file.flush().context("writing the child run")?;
        let mut process = Command::new("/proc/self/exe")
            .arg(VERB)
            .stdin(file)
            .stdout(Stdio::null())
            .spawn()
            .context("starting this program again")?;
        wait(&mut process)
    }
}

/// Waits for `process` to end. Passes an interrupt on to it.
pub(crate) fn wait(process: &mut Child) -> Result<ExitStatus> {
    const LOOK: Duration = Duration::from_millis(50);
    let mut asked = false;
    loop {
        if let Some(status) = process.try_wait().context("waiting for the run")? {
            return Ok(status);
        }
        if interrupt::requested() && !asked {
            asked = true;
            // It has not been waited for, so the process ID is still its own.
            let _ = kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGTERM);
        }
        std::thread::sleep(LOOK);
    }
}

/// In the child process: makes the run that its standard input, a file, describes.
pub(crate) fn make() -> Result<ExitCode, Failure> {
    // Inside a sandbox, the process outside takes care of that.
    if !sandbox::awaits() {
        prctl::set_pdeathsig(Signal::SIGTERM).context("tying this process's life to its parent's")?;
    }
    let ChildRun { scenario, mut plan, kernel, tools, jobs, profiling, base, command, out } =
        described().context("reading the child run").map_err(Failure::usage)?;
    let scenario = Scenario::read("the recorded run's scenario", &scenario).map_err(Failure::usage)?;
    plan.base = match base {
        Some(file) => Some(store::read_base(&file).map_err(Failure::usage)?),
        None => plan.base.take().or_else(|| scenario.described(&plan).map(Arc::new)),
    };
    // `host` has no guests.
    let kernel = kernel.filter(|_| plan.target != TargetName::Host);
    let guests = Guests { kernel, kernels: kernels(&plan), tools, jobs, profiling };
    targets::named(plan.target).run(&RunSpec {
        scenario,
        plan,
        command,
        out: Some(out),
        resume: false,
        shard: None,
        talk: Talk::default(),
        keep: false,
        guests,
    })
}

/// The kernels that `plan` compares, in its order.
fn kernels(plan: &Plan) -> Vec<Interned> {
    let mut kernels = Vec::new();
    for kernel in plan.cells.iter().filter_map(|cell| cell.variant.kernel) {
        if !kernels.contains(&kernel) {
            kernels.push(kernel);
        }
    }
    kernels
}

fn described() -> Result<ChildRun> {
    let mut file = File::from(stdin().as_fd().try_clone_to_owned()?);
    // Outside a sandbox, this process has read it before.
    file.rewind()?;
    Ok(serde_json::from_reader(BufReader::new(file))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::axes::Axes;
    use lab_core::vocabulary::{BackendName, ProbeName};

    /// Of a run in `target` with two rounds, in which a cell may take a minute.
    fn header(target: TargetName) -> Header {
        let cells = Axes { services: vec![1, 10], ..Axes::default() }.expand();
        Header {
            scenario: "name: before".to_owned(),
            guest: [("kernel_name".to_owned(), "debian-13".to_owned())].into(),
            tools: [(TOOLS_NAME.to_owned(), "debian-sid".to_owned())].into(),
            ..Header::example(Plan { rounds: 2, seed: 7, cells, ..Plan::example(target) })
        }
    }

    #[test]
    fn a_run_is_repeated_with_its_scenario_plan_kernel_and_tools() {
        let header = header(TargetName::Exact);
        let again = ChildRun::repeat(&header, PathBuf::from("out"));
        assert_eq!((&again.scenario, &again.plan), (&header.scenario, &header.plan));
        assert_eq!(again.kernel.as_deref(), Some("debian-13"));
        assert_eq!(again.tools.as_deref(), Some("debian-sid"));
    }

    #[test]
    fn a_run_that_compares_kernels_is_repeated_on_those_of_its_cells() {
        let mut header = header(TargetName::Exact);
        let places = 0..header.plan.cells.len();
        for (cell, place) in header.plan.cells.iter_mut().zip(places) {
            let name = if place % 2 == 0 { "debian-13" } else { "debian-12" };
            cell.variant.kernel = Some(name.to_owned().into());
        }
        let again = ChildRun::repeat(&header, PathBuf::from("out"));
        assert_eq!(again.kernel, None);
        assert_eq!(
            kernels(&again.plan).iter().map(|kernel| kernel.as_str()).collect::<Vec<_>>(),
            ["debian-13", "debian-12"]
        );
    }

    #[test]
    fn cells_are_run_again_in_the_order_of_the_plan_with_as_much_time_a_round() {
        let header = header(TargetName::Host);
        let wanted = |cell: &&Cell| {
            matches!(cell.variant.backend, BackendName::Direct | BackendName::Nftables)
                && cell.probe == ProbeName::Connect
        };
        let cells: Vec<Cell> = header.plan.cells.iter().filter(wanted).copied().collect();
        let reversed: Vec<Cell> = cells.iter().rev().copied().collect();
        let Plan { cells: planned, rounds, budget, seed, .. } =
            ChildRun::again(&header, &reversed, 10, PathBuf::from("out")).plan;
        assert_eq!((planned, rounds, seed), (cells, 10, 7));
        assert_eq!(budget, Duration::from_secs(300));
    }
}
