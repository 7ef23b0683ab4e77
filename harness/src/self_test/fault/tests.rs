//! Faults around a fake lab and fake tools: what they slow down, and that nothing is left of them.

use super::driver::Slowed;
use super::*;
use crate::driver::{Driver, Operation};
use crate::probe::fake::Fake;
use crate::tool::place::Here;
use crate::tool::{Ending, Runner, ToolRun};
use anyhow::Result as Anyhow;
use lab_core::axes::Axes;
use lab_core::change::Change;
use lab_core::cluster::Cluster;
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

/// A driver that calls a tool for each operation, named after it, or none.
fn driver(late: &'static Late, tools: bool) -> (Slowed, Arc<Cluster>) {
    let fake = Fake::of(|_, _| Ok(()));
    let fake = if tools { fake.with_tools(late) } else { fake };
    let cluster = Arc::clone(&fake.cluster);
    (Slowed { driver: Box::new(fake), late }, cluster)
}

#[test]
fn a_delay_is_in_the_first_tool_of_what_is_measured_and_in_nothing_else() {
    let (calls, late) = Calls::leaked("");
    let (driver, cluster) = driver(late, true);
    late.slow_down(DELAY);
    driver.install(&Here, &cluster, LIMIT).unwrap();
    driver.start(&Here, Operation::Sync).unwrap();
    let change = Change::removing(&cluster);
    driver.apply(&Here, &change, LIMIT).unwrap();
    driver.undo(&Here, &change.undone(), LIMIT).unwrap();
    driver.append(&Here, &cluster, LIMIT).unwrap();
    driver.take_away(&Here, &cluster, LIMIT).unwrap();
    driver.flush(&Here, &cluster, LIMIT).unwrap();
    late.slow_down(Duration::ZERO);
    driver.append(&Here, &cluster, LIMIT).unwrap();
    let expected =
        "prepare, load+7ms, count, verify, start, apply+7ms, clean_up, undo, append+7ms, take_away, flush, append";
    assert_eq!(calls.made(), expected);
}

#[test]
fn only_the_first_tool_of_an_operation_is_late() {
    let (calls, late) = Calls::leaked("");
    late.slow_down(DELAY);
    late.during(|| Ok([late.run("first", &[], b"", LIMIT)?, late.run("second", &[], b"", LIMIT)?])).unwrap();
    assert_eq!(calls.made(), "first+7ms, second");
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
    let (driver, cluster) = driver(late, false);
    assert!(driver.append(&Here, &cluster, LIMIT).is_ok());
    late.slow_down(DELAY);
    let error = driver.append(&Here, &cluster, LIMIT).unwrap_err();
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
    let slowdowns = vec![Slowdown { cell: cells[0], means }];
    let plan = Plan { cells: cells.clone(), slowdowns, ..Plan::example(TargetName::Host) };
    let visits = plan.boots().concat();
    let faults = Faults::of(&plan, &visits);
    let (calls, late) = Calls::leaked(refused);
    let inner = Box::new(Plain { make: super::driver::slowed, runner: late });
    let mut stage = Injection { inner, visits: &visits, faults: &faults, late, stuck: None };
    let fake = Fake::of(|_, _| Ok(()));
    let readings = stage.ask(&fake, &cells[0], &plan, LIMIT);
    let checked = stage.check(&fake, &cells[0]);
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
    let error = CellError::Failed("nft, given the injected rules, ended with 1 and said nothing".to_owned());
    assert_eq!((readings, checked), (Err(error.clone()), Err(error)));
}
