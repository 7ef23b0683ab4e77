//! Progress on standard error: a bar with the time left where it is a terminal, plain lines elsewhere.

use crate::process::clock;
use crate::run::event::{Event, Listener};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use lab_core::cell::Cell;
use lab_core::dataset::CellRecord;
use lab_core::units;
use lab_core::vocabulary::{Access, BackendName, Origin, Outcome, Word};
use std::io::{IsTerminal, stderr};
use std::time::Duration;

/// Shows how far the run is.
pub(crate) enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// In a log.
    Lines { done: u64, total: u64 },
}

impl Progress {
    /// For this process's standard error.
    pub(crate) fn on_stderr() -> Self {
        if stderr().is_terminal() { Self::Bar(ProgressBar::new(0)) } else { Self::Lines { done: 0, total: 0 } }
    }

    /// Counts `done` visits that an earlier process has made.
    pub(crate) fn go_on_from(&mut self, done: u64) {
        match self {
            Self::Bar(bar) => bar.set_position(done),
            Self::Lines { done: so_far, .. } => *so_far = done,
        }
    }

    fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.println(text),
            Self::Lines { done, total } => tell!("[{done:>4}/{total}] {text}"),
        }
    }
}

impl Listener for Progress {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Started(plan) => {
                let (cells, passes) = (plan.cells.len(), plan.passes());
                let visits = cells as u64 * u64::from(passes);
                match self {
                    Self::Bar(bar) => {
                        let style = "{bar:30} {pos}/{len}  {elapsed_precise}, {eta} left  {msg}";
                        bar.set_style(ProgressStyle::with_template(style)?);
                        bar.set_length(visits);
                        bar.enable_steady_tick(Duration::from_millis(200));
                    }
                    Self::Lines { total, .. } => {
                        *total = visits;
                        let (scenario, target) = (&plan.scenario, plan.target);
                        let (count, what) =
                            if plan.target.is_exact() { (plan.replicas, "replica") } else { (plan.rounds, "round") };
                        let passes = units::counted(count.into(), what);
                        tell!("{scenario}: {cells} cells, {passes}, target {target}");
                    }
                }
            }
            Event::CellStarted(visit) => {
                if let Self::Bar(bar) = self {
                    bar.set_message(describe(&visit.cell));
                }
            }
            Event::CellEnded { visit, records, .. } => {
                match self {
                    Self::Bar(bar) => bar.inc(1),
                    Self::Lines { done, .. } => *done += 1,
                }
                let cell = &visit.cell;
                match records.first() {
                    Some(record) if record.outcome != Outcome::Measured => {
                        self.note(&format!("{}: {}: {}", describe(cell), record.outcome, record.reason));
                    }
                    Some(record) if matches!(self, Self::Lines { .. }) => {
                        self.note(&format!("{}: {}", describe(cell), median(record)));
                    }
                    _ => {}
                }
            }
            Event::Profiled(_) => {}
            Event::Ended => {
                if let Self::Bar(bar) = self {
                    bar.finish_and_clear();
                }
            }
        }
        Ok(())
    }
}

pub(crate) fn describe(cell: &Cell) -> String {
    let dialled = [
        (cell.access != Access::default()).then(|| format!(" {}", cell.access)),
        (cell.from != Origin::default()).then(|| format!(" {}", cell.from.phrase())),
    ];
    let position = cell.position.map_or(String::new(), |position| format!(" {position}"));
    let beside = cell.activity.name().map(|activity| format!(", beside {activity}"));
    let position: String = [position].into_iter().chain(dialled.into_iter().flatten()).chain(beside).collect();
    let way = (cell.variant.backend == BackendName::Ipvs || cell.variant.way.at_once().is_some())
        .then_some(cell.variant.way.name());
    let driver = cell.variant.driver.is_kube_proxy().then_some(cell.variant.driver.name());
    // A kube-proxy has a way of its own.
    let way = driver.or(way);
    let told: Vec<&str> = way.into_iter().chain(cell.variant.settings.unusual(cell.variant.backend)).collect();
    let on = cell.variant.kernel.map_or(String::new(), |kernel| format!(" on {}", kernel.as_str()));
    let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) };
    format!(
        "{}{told}{on} at {} Services, {}{position}",
        cell.variant.backend,
        units::count(cell.cluster.services.into()),
        cell.probe.name()
    )
}

fn median(record: &CellRecord) -> String {
    lab_core::stats::median(&record.samples).map_or(String::new(), |median| clock::human(record.unit, median))
}
