//! A run that another verb asks for, of a plan that is written down already: a baseline's once more, or some cells of a
//! run. A process of its own makes it.
//!
//! Whoever enters a sandbox starts the program again and ends with it, and a run ends with its reports on standard
//! output. Whoever asks for a run goes on afterwards.

use crate::process::exit::{Exit, Failure};
use crate::process::interrupt;
use crate::session::spec::RunSpec;
use crate::session::spec::{Guests, Profiling};
use crate::session::store::{self, RECORD};
use crate::targets;
use anyhow::{Context, Result, anyhow};
use lab_core::cell::Cell;
use lab_core::dataset::{Dataset, Header};
use lab_core::plan::Plan;
use lab_core::scenario::Scenario;
use lab_core::vocabulary::TargetName;
use netns_topology::sandbox;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

/// The verb of the process that makes the run. Nobody is meant to type it.
pub(crate) const VERB: &str = "child-run";

/// A run to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChildRun {
    /// The scenario's YAML text.
    pub(crate) scenario: String,
    /// What is to be measured.
    pub(crate) plan: Plan,
    /// The guests' kernel, by its name; `None` for the default.
    pub(crate) kernel: Option<String>,
    /// Guests at a time; `None` for one a core.
    pub(crate) jobs: Option<u32>,
    /// Whether guests are watched.
    pub(crate) profiling: Profiling,
    /// The command line that it is asked for by.
    pub(crate) command: Vec<String>,
    /// The run's folder, new or empty.
    pub(crate) out: PathBuf,
}

/// A run that was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Made {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Its record.
    pub(crate) dataset: Dataset,
}

impl ChildRun {
    /// The run of `header` once more, with its scenario, plan, seed and kernel.
    pub(crate) fn repeat(header: &Header, out: PathBuf) -> Self {
        Self {
            scenario: header.scenario.clone(),
            plan: header.plan.clone(),
            kernel: header.guest.get("kernel_name").cloned(),
            jobs: None,
            profiling: Profiling::Off,
            command: std::env::args().collect(),
            out,
        }
    }

    /// Only `cells` of that run, in `rounds` rounds. Those that it did not plan are left out.
    pub(crate) fn again(header: &Header, cells: &[Cell], rounds: u32, out: PathBuf) -> Self {
        let mut plan = header.plan.in_rounds(rounds);
        plan.cells.retain(|cell| cells.contains(cell));
        Self { plan, ..Self::repeat(header, out) }
    }

    /// Has the run made, and reads it back. Its progress is shown; its tables are left to who asks for it.
    ///
    /// # Errors
    /// When it cannot be made, breaks off or is interrupted. What was measured before is in its folder.
    pub(crate) fn run(&self) -> Result<Made, Failure> {
        store::check(&self.out).map_err(Failure::usage)?;
        interrupt::listen()?;
        let status = self.delegate()?;
        let shown = self.out.display();
        let record = self.out.join(RECORD);
        let so_far = if record.is_file() { format!("; what was measured is in {shown}") } else { String::new() };
        let ended = |exit: Exit| status.code() == Some(exit as i32);
        let failed = |exit, what: &str| Failure { exit, error: anyhow!("{what}{so_far}") };
        if interrupt::requested() || ended(Exit::Interrupted) {
            return Err(failed(Exit::Interrupted, "interrupted before the run was through: nothing is judged"));
        }
        if let Some(exit) = [Exit::Usage, Exit::CannotRun].into_iter().find(|exit| ended(*exit)) {
            return Err(failed(exit, "the run cannot be made here: see above"));
        }
        if !record.is_file() {
            return Err(failed(Exit::SomeFailed, "the run could not begin: see above"));
        }
        let read = store::read(&record).with_context(|| record.display().to_string())?;
        if read.dataset.end.is_none() {
            return Err(failed(Exit::SomeFailed, "the run broke off: see above"));
        }
        Ok(Made { folder: self.out.clone(), dataset: read.dataset })
    }

    /// Has a process of this program make the run, and waits for it: each of its cells has a time limit.
    fn delegate(&self) -> Result<ExitStatus> {
        let mut file = tempfile::NamedTempFile::new().context("making a temporary file")?;
        serde_json::to_writer(&mut file, self).context("writing what is to be run")?;
        file.flush().context("writing what is to be run")?;
        let mut process = Command::new("/proc/self/exe")
            .arg(VERB)
            .arg(file.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("starting this program again")?;
        wait(&mut process)
    }
}

/// Waits for `process` to end, and asks it to when this one is asked to.
fn wait(process: &mut Child) -> Result<ExitStatus> {
    const LOOK: Duration = Duration::from_millis(50);
    let mut asked = false;
    loop {
        if let Some(status) = process.try_wait().context("waiting for the run")? {
            return Ok(status);
        }
        if interrupt::requested() && !asked {
            asked = true;
            // It has not been waited for, so the ID is still its own.
            let _ = kill(Pid::from_raw(process.id().cast_signed()), Signal::SIGTERM);
        }
        std::thread::sleep(LOOK);
    }
}

/// Makes the run that is written down in the file at `path`, for the process that asked.
pub(crate) fn make(path: &Path) -> Result<ExitCode, Failure> {
    // Inside a sandbox, the process around it sees to that.
    if !sandbox::awaits() {
        prctl::set_pdeathsig(Signal::SIGTERM).context("tying this process's life to its parent's")?;
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
    let asked: ChildRun = text
        .and_then(|text| Ok(serde_json::from_str(&text)?))
        .context("reading what is to be run")
        .map_err(Failure::usage)?;
    let ChildRun { scenario, plan, kernel, jobs, profiling, command, out } = asked;
    let scenario = Scenario::read("the recorded run's scenario", &scenario).map_err(Failure::usage)?;
    // Other targets have no guests to start.
    let kernel = kernel.filter(|_| plan.target != TargetName::Host);
    let guests = Guests { kernel, jobs, profiling };
    targets::named(plan.target).run(&RunSpec { scenario, plan, command, out: Some(out), keep: false, guests })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::axes::Axes;
    use lab_core::vocabulary::{BackendName, ProbeName};

    /// Of a run in `target`, in two rounds of which a cell may take a minute.
    fn header(target: TargetName) -> Header {
        let cells = Axes { services: vec![1, 10], ..Axes::default() }.expand();
        Header {
            scenario: "name: before".to_owned(),
            guest: [("kernel_name".to_owned(), "debian-13".to_owned())].into(),
            ..Header::example(Plan { rounds: 2, seed: 7, cells, ..Plan::example(target) })
        }
    }

    #[test]
    fn a_run_is_repeated_with_its_scenario_plan_and_kernel() {
        let header = header(TargetName::Exact);
        let again = ChildRun::repeat(&header, PathBuf::from("out"));
        assert_eq!((&again.scenario, &again.plan), (&header.scenario, &header.plan));
        assert_eq!(again.kernel.as_deref(), Some("debian-13"));
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
