//! Progress on standard error: a bar with the time left where it is a terminal, plain lines elsewhere.

use crate::process::clock;
use crate::run::event::{Event, Listener};
use crate::run::pace::Pace;
use anyhow::Result;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use lab_core::cell::Cell;
use lab_core::dataset::CellRecord;
use lab_core::plan::{Plan, Visit};
use lab_core::units;
use lab_core::vocabulary::{Access, BackendName, Origin, Outcome, Word};
use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How much a run tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Talk {
    /// Its problems, and where its report is.
    Quiet,
    /// Also how far it is, and its report in short.
    #[default]
    Short,
    /// The same with the whole report.
    Full,
}

/// Shows how far the run is.
pub(crate) struct Progress {
    shown: Shown,
    pace: Arc<Mutex<Pace>>,
    begun: Instant,
    done: u64,
    visits: u64,
}

/// How it is shown.
enum Shown {
    /// On a terminal.
    Bar(ProgressBar),
    /// In a log.
    Lines,
    /// Not at all.
    Nothing,
}

impl Progress {
    /// Of a run of `plan` of which `left` is still to be made, on this process's standard error.
    pub(crate) fn of(plan: &Plan, left: &[Vec<Visit>], talk: Talk) -> Self {
        let shown = match talk {
            Talk::Quiet => Shown::Nothing,
            Talk::Short | Talk::Full if stderr().is_terminal() => Shown::Bar(ProgressBar::new(0)),
            Talk::Short | Talk::Full => Shown::Lines,
        };
        let visits = plan.cells.len() as u64 * u64::from(plan.passes());
        let open: usize = left.iter().map(Vec::len).sum();
        Self {
            shown,
            pace: Arc::new(Mutex::new(Pace::going_on(plan, left))),
            begun: Instant::now(),
            done: visits.saturating_sub(open as u64),
            visits,
        }
    }

    fn note(&self, text: &str) {
        match &self.shown {
            Shown::Bar(bar) => bar.println(text),
            Shown::Lines => {
                let elapsed = self.begun.elapsed();
                let left = self.pace.lock().map_or(Duration::ZERO, |pace| pace.left(elapsed));
                let (done, visits) = (self.done, self.visits);
                let (elapsed, left) = (units::about(elapsed), units::about(left));
                tell!("[{done:>4}/{visits}  {elapsed}, about {left} left]  {text}");
            }
            Shown::Nothing => {}
        }
    }
}

impl Listener for Progress {
    fn hear(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Started(plan) => match &self.shown {
                Shown::Bar(bar) => {
                    let (pace, begun) = (Arc::clone(&self.pace), self.begun);
                    let left = move |_: &ProgressState, out: &mut dyn Write| {
                        let left = pace.lock().map_or(Duration::ZERO, |pace| pace.left(begun.elapsed()));
                        // What cannot be written is not shown.
                        let _ = out.write_str(&units::about(left));
                    };
                    let style = "{bar:30} {pos}/{len}  {elapsed_precise}, about {left} left  {msg}";
                    bar.set_style(ProgressStyle::with_template(style)?.with_key("left", left));
                    bar.set_length(self.visits);
                    bar.set_position(self.done);
                    bar.enable_steady_tick(Duration::from_millis(200));
                }
                Shown::Lines => {
                    let (scenario, target) = (&plan.scenario, plan.target);
                    let (count, what) =
                        if plan.target.is_exact() { (plan.replicas, "replica") } else { (plan.rounds, "round") };
                    let (cells, passes) =
                        (units::counted(plan.cells.len() as u64, "cell"), units::counted(count.into(), what));
                    tell!("{scenario}: {cells}, {passes}, target {target}");
                }
                Shown::Nothing => {}
            },
            Event::CellStarted(visit) => {
                if let Shown::Bar(bar) = &self.shown {
                    bar.set_message(describe(&visit.cell));
                }
            }
            Event::CellEnded { visit, records, .. } => {
                self.done += 1;
                if let Shown::Bar(bar) = &self.shown {
                    bar.set_position(self.done);
                }
                let cell = &visit.cell;
                if let Ok(mut pace) = self.pace.lock() {
                    pace.made(cell, records.first().map(|record| record.outcome));
                }
                match records.first() {
                    Some(record) if record.outcome != Outcome::Measured => {
                        self.note(&format!("{}: {}: {}", describe(cell), record.outcome, record.reason));
                    }
                    Some(record) if matches!(self.shown, Shown::Lines) => {
                        self.note(&format!("{}: {}", describe(cell), median(record)));
                    }
                    _ => {}
                }
            }
            Event::Profiled(_) => {}
            Event::Ended => {
                if let Shown::Bar(bar) = &self.shown {
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
        "{}{told}{on} at {}, {}{position}",
        cell.variant.backend,
        units::counted(cell.cluster.services.into(), "Service"),
        cell.probe.name()
    )
}

fn median(record: &CellRecord) -> String {
    lab_core::stats::median(&record.samples).map_or(String::new(), |median| clock::human(record.unit, median))
}
