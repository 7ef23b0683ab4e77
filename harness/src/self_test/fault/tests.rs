//! Faults around a fake lab and fake tools: what they slow down, and that nothing is left of them.

use super::driver::Slowed;
use super::*;
use crate::driver::{Cost, Driver, Loaded, Operation, Steps};
use crate::probe::fake::Fake;
use crate::tool::place::{Here, Place};
use crate::tool::{Ending, Runner, ToolRun};
use anyhow::Result as Anyhow;
use lab_core::axes::Axes;
use lab_core::change::Change;
use lab_core::cluster::Cluster;
use lab_core::metric::Metric;
use lab_core::slowdown::Slowdown;
use lab_core::vocabulary::{BackendName, TargetName};
use std::sync::{Arc, Mutex};

const LIMIT: Duration = Duration::from_secs(9);
const DELAY: Duration = Duration::from_millis(7);

/// Writes down what is called, with its delay where there is one; refuses what it is told to.
#[derive(Default)]
struct Calls {
    made: Mutex<Vec<String>>,
    refused: &'static str,
}

impl Calls {
    fn leaked(refused: &'static str) -> (&'static Self, &'static Late) {
        let calls: &'static Self = Box::leak(Box::new(Self { refused, ..Self::default() }));
        (calls, Box::leak(Box::new(Late::around(calls))))
    }

    fn made(&self) -> String {
        self.made.lock().unwrap().join(", ")
    }
}

impl Runner for Calls {
    fn run_late(&self, delay: Duration, tool: &str, args: &[String], input: &[u8], _: Duration) -> Anyhow<ToolRun> {
        let late = if delay.is_zero() { String::new() } else { format!("+{delay:?}") };
        self.made.lock().unwrap().push([&[tool.to_owned()], args, &[]].concat().join(" ") + &late);
        let refused = !self.refused.is_empty() && String::from_utf8_lossy(input).contains(self.refused);
        Ok(ToolRun::of(Ending::Exited(i32::from(refused))))
    }
}

/// A driver that calls a tool of the operation's name, or none.
struct Caller {
    runner: &'static dyn Runner,
    tools: bool,
}

impl Caller {
    fn call(&self, tool: &str) -> Result<Cost, CellError> {
        if self.tools {
            self.runner.run(tool, &[], b"", LIMIT)?;
        }
        Ok(Cost::default())
    }
}

impl Driver for Caller {
    fn prepare(&self, _: &dyn Place) -> Result<(), CellError> {
        self.call("prepare").map(drop)
    }
    fn load(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<Loaded, CellError> {
        self.call("load")?;
        self.call("load").map(|cost| Loaded { cost, ..Loaded::default() })
    }
    fn steps<'a>(&'a self, _: &Change) -> Box<dyn Steps + 'a> {
        Box::new(self)
    }
    fn append(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<Cost, CellError> {
        self.call("append")
    }
    fn take_away(&self, _: &dyn Place, _: &Cluster, _: Duration) -> Result<(), CellError> {
        self.call("take_away").map(drop)
    }
    fn flush(&self, _: &dyn Place, _: Duration) -> Result<(), CellError> {
        self.call("flush").map(drop)
    }
    fn count(&self, _: &dyn Place, _: &Cluster) -> Result<Vec<(Metric, f64)>, CellError> {
        self.call("count").map(|_| Vec::new())
    }
    fn start(&self, _: &dyn Place, _: Operation<'_>) -> Result<Option<Cost>, CellError> {
        self.call("start").map(Some)
    }
}

impl Steps for &Caller {
    fn take(&self, _: &dyn Place, _: Duration) -> Result<Cost, CellError> {
        self.call("change")
    }
    fn clean_up(&self, _: &dyn Place, _: Duration) -> Result<(), CellError> {
        self.call("clean_up").map(drop)
    }
}

#[test]
fn a_delay_is_in_the_first_tool_of_what_is_measured_and_in_nothing_else() {
    let (calls, late) = Calls::leaked("");
    let driver = Slowed { driver: Box::new(Caller { runner: late, tools: true }), late };
    let fake = Fake::of(|_, _| Ok(()));
    late.slow_down(DELAY);
    driver.install(&Here, &fake.cluster, LIMIT).unwrap();
    driver.start(&Here, Operation::Sync).unwrap();
    let change = Change::removing(&fake.cluster);
    driver.apply(&Here, &change, LIMIT).unwrap();
    driver.undo(&Here, &change.undone(), LIMIT).unwrap();
    driver.append(&Here, &fake.cluster, LIMIT).unwrap();
    driver.take_away(&Here, &fake.cluster, LIMIT).unwrap();
    driver.flush(&Here, LIMIT).unwrap();
    late.slow_down(Duration::ZERO);
    driver.append(&Here, &fake.cluster, LIMIT).unwrap();
    let expected = "prepare, load+7ms, load, count, start, change+7ms, clean_up, change, clean_up, append+7ms, \
                    take_away, flush, append";
    assert_eq!(calls.made(), expected);
}

#[test]
fn a_delayed_call_of_many_is_made_by_itself() {
    let (calls, late) = Calls::leaked("");
    late.slow_down(DELAY);
    let words = ["a", "b", "c"].map(|word| [word.to_owned()]);
    let each: Vec<&[String]> = words.iter().map(<[String; 1]>::as_slice).collect();
    let run = late.during(|| Ok(late.run_each("ipset", &each, LIMIT)?)).unwrap();
    assert_eq!((run.read, calls.made().as_str()), (3, "ipset a+7ms, ipset b, ipset c"));
}

#[test]
fn a_delay_in_an_operation_without_a_tool_fails() {
    let (calls, late) = Calls::leaked("");
    let driver = Slowed { driver: Box::new(Caller { runner: late, tools: false }), late };
    let fake = Fake::of(|_, _| Ok(()));
    assert!(driver.append(&Here, &fake.cluster, LIMIT).is_ok());
    late.slow_down(DELAY);
    let error = driver.append(&Here, &fake.cluster, LIMIT).unwrap_err();
    assert!(error.reason().starts_with("a delay was injected into the first tool of an operation that calls none"));
    // It is not left for the next tool, whatever that is for.
    late.run("other", &[], b"", LIMIT).unwrap();
    assert_eq!(calls.made(), "other");
}

/// A visit to the one cell of `probe`, with `means` injected, on fake tools of which `refused` is refused.
fn visit(
    probe: ProbeName,
    means: Means,
    refused: &'static str,
) -> (Result<Vec<Reading>, CellError>, Result<(), CellError>, String) {
    let (services, backends) = (vec![1], vec![BackendName::Nftables]);
    let cells = Axes { services, backends, probes: vec![probe], ..Axes::default() }.expand();
    let slowdowns = vec![Slowdown { cell: cells[0].clone(), means }];
    let plan = Plan { cells: cells.clone(), slowdowns, ..Plan::example(TargetName::Host) };
    let visits = plan.boots().concat();
    let faults = Faults::of(&plan, &visits);
    let (calls, late) = Calls::leaked(refused);
    let inner = Box::new(Plain { make: super::driver::slowed, runner: late });
    let mut stage = Injection { inner, visits: &visits, faults: &faults, late, stuck: None };
    let mut fake = Fake::of(|_, _| Ok(()));
    let readings = stage.ask(&mut fake, &cells[0], &plan, LIMIT);
    let checked = stage.check(&fake, &cells[0]);
    assert_eq!(Arc::strong_count(&fake.cluster), 1);
    (readings, checked, calls.made())
}

#[test]
fn rules_are_there_while_their_cell_is_measured() {
    let (readings, checked, made) = visit(ProbeName::Bandwidth, Means::Rules(2), "");
    assert!(readings.is_ok() && checked.is_ok(), "{readings:?} {checked:?}");
    assert_eq!(made, "nft -f -, nft -f -");
    let (readings, _, made) = visit(ProbeName::SyncFull, Means::Delay(DELAY), "");
    assert!(readings.is_ok() && made.is_empty(), "{readings:?} {made}");
}

#[test]
fn rules_that_cannot_be_removed_spoil_the_lab() {
    let (readings, checked, _) = visit(ProbeName::Bandwidth, Means::Rules(2), "delete table");
    let error = CellError::Failed("nft refused the injected rules in the node: ".to_owned());
    assert_eq!((readings, checked), (Err(error.clone()), Err(error)));
}
