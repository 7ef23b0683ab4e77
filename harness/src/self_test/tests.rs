//! Self-tests of made-up runs with known results.

use super::amount::{Amount, calibration};
use super::pool::{Kind, Pool};
use super::trials::Trials;
use super::*;
use crate::session::record::RECORD;
use analysis::gate::Verdict;
use lab_core::axes::Axes;
use lab_core::cell::Cell;
use lab_core::dataset::{CellRecord, End, Header, Record, Splits};
use lab_core::metric::{Better, Metric};
use lab_core::slowdown::{Means, Slowdown};
use lab_core::vocabulary::{BackendName, Outcome, ProbeName, TargetName};
use std::fs;
use std::path::Path;
use std::time::Duration;

fn plan(target: TargetName) -> Plan {
    let backends = vec![BackendName::Direct, BackendName::IptablesLegacy, BackendName::Nftables];
    let probes = vec![ProbeName::SyncFull, ProbeName::AppendRule, ProbeName::Connect, ProbeName::Bandwidth];
    let axes = Axes { services: vec![4], backends, probes, ..Axes::default() };
    Plan { scenario: "made-up".to_owned(), rounds: 6, cells: axes.expand(), ..Plan::example(target) }
}

/// The cost of a cell in a plan without faults, in ns.
const COST: f64 = 1e6;

/// How much slower a rule makes a connection, as a share.
const RULE: f64 = 1e-4;

/// What a run of `plan` would measure with `noise` of this size.
fn measured(plan: &Plan, noise: f64, round: u32, cell: &Cell) -> f64 {
    let fault = plan.slowdowns.iter().find(|slowdown| slowdown.cell == *cell);
    let slower = match fault.map(|slowdown| slowdown.means) {
        None => 0.0,
        Some(Means::Delay(delay)) => delay.as_nanos() as f64,
        Some(Means::Rules(rules)) => COST * (0.01 + RULE * f64::from(rules)),
    };
    (COST + slower) * (1.0 + noise * f64::from(round % 3))
}

fn lines(plan: &Plan, noise: f64) -> String {
    let mut text = Record::Run(Box::new(Header::example(plan.clone()))).line();
    let rounds = if plan.target.is_exact() { 1 } else { plan.rounds };
    for round in 0..rounds {
        for cell in &plan.cells {
            let own = Metric::of(cell.probe);
            let cost = measured(plan, noise, round, cell);
            let figure = if own.better() == Better::Higher { 1e9 / cost } else { cost };
            let tool = [(Metric::ToolUser, 0.6 * cost), (Metric::ToolSystem, 0.4 * cost), (Metric::ToolPeakRss, 1e6)];
            let tool = tool.into_iter().filter(|_| cell.probe.programs());
            for (metric, figure) in [(own, figure)].into_iter().chain(tool) {
                text += &Record::Cell(record(plan, cell, round, metric, figure)).line();
            }
        }
    }
    text + &Record::End(End::example()).line()
}

fn record(plan: &Plan, cell: &Cell, round: u32, metric: Metric, figure: f64) -> CellRecord {
    CellRecord {
        scenario: plan.scenario.clone(),
        target: plan.target,
        cell: *cell,
        round,
        replica: 0,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric,
        unit: metric.unit(),
        samples: vec![figure],
        split: Splits::default(),
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join(name)).unwrap();
    fs::write(folder.join(name).join(RECORD), text).unwrap();
}

/// Three plain runs, the calibrations, and three runs with faults and their reruns.
fn collected(folder: &Path, target: TargetName, share: f64, noise: f64) -> Pool {
    let plan = plan(target);
    for number in 1..=3 {
        write(folder, &format!("plain/{number:03}"), &lines(&plan, noise));
    }
    for &rules in amount::calibrations(target) {
        let slowdowns = calibration(&plan, &Policy::default(), rules);
        write(folder, &format!("calibration/{rules:04}"), &lines(&Plan { slowdowns, ..plan.clone() }, noise));
    }
    let pool = Pool::open(folder).unwrap();
    for number in 1..=3 {
        let plan = Amount::of(&pool, share).plan(&plan, &Policy::default(), number);
        write(folder, &format!("planted/{number:03}"), &lines(&plan, noise));
        write(folder, &format!("planted/{number:03}/again"), &lines(&plan, noise));
    }
    Pool::open(folder).unwrap()
}

#[test]
fn a_fault_makes_a_cell_slower_by_the_share() {
    for (target, share) in [(TargetName::Host, 0.25), (TargetName::Exact, 0.02)] {
        let folder = tempfile::tempdir().unwrap();
        let pool = collected(folder.path(), target, share, 0.0);
        let slowdowns: Vec<Slowdown> =
            pool.runs(Kind::Faulty).flat_map(|run| run.header.plan.slowdowns.clone()).collect();
        assert!(slowdowns.len() >= 6, "{slowdowns:?}");
        for slowdown in slowdowns {
            match slowdown.means {
                Means::Delay(delay) => assert_eq!(delay, Duration::from_nanos((COST * share) as u64)),
                Means::Rules(rules) => {
                    let slower = 0.01 + RULE * f64::from(rules);
                    // By one calibration alone, what the chain itself costs is taken for the rules' cost.
                    assert!((share - 0.015..share + 0.001).contains(&slower), "{target}: {rules} rules: {slower}");
                }
            }
        }
    }
}

#[test]
fn one_cell_a_load_is_slowed_down_and_only_guests_with_one_are_run() {
    let folder = tempfile::tempdir().unwrap();
    let pool = collected(folder.path(), TargetName::Exact, 0.02, 0.0);
    let amount = Amount::of(&pool, 0.02);
    let whole = plan(TargetName::Exact);
    let mut faulty = Vec::new();
    for number in 1.. {
        let plan = amount.plan(&whole, &Policy::default(), number);
        if plan.slowdowns.is_empty() {
            break;
        }
        assert_eq!(plan.boots().len(), plan.slowdowns.len());
        faulty.extend(plan.slowdowns.iter().map(|slowdown| slowdown.cell));
    }
    // In turn every cell, and each once: the same again would count the same again.
    faulty.sort_unstable();
    let mut cells = whole.cells;
    cells.sort_unstable();
    assert_eq!(faulty, cells);
}

#[test]
fn equal_runs_raise_no_alarm_and_faults_are_found() {
    for (target, share) in [(TargetName::Host, 0.25), (TargetName::Exact, 0.02)] {
        let folder = tempfile::tempdir().unwrap();
        let trials = Trials::of(&collected(folder.path(), target, share, 0.001), &Policy::default()).unwrap();
        assert_eq!((trials.alarms.hits, trials.alarms.trials), (0, 3), "{target}");
        let found = trials.came_to(Verdict::Regressed);
        assert!(found.hits == found.trials && found.trials >= 6, "{target}: {:?}", trials.faults);
        assert_eq!((trials.besides.hits, trials.besides.trials), (0, 3), "{target}");
    }
}

#[test]
fn a_run_that_differs_from_the_others_is_a_false_alarm_unless_those_after_it_do_not_confirm_it() {
    let folder = tempfile::tempdir().unwrap();
    collected(folder.path(), TargetName::Host, 0.25, 0.0);
    let odd = |number: u32, factor: f64| {
        let plan = plan(TargetName::Host);
        let cell = plan.cells.iter().find(|cell| cell.probe == ProbeName::SyncFull).unwrap();
        let delay = Duration::from_nanos((COST * factor) as u64);
        let slow = Plan { slowdowns: vec![Slowdown { cell: *cell, means: Means::Delay(delay) }], ..plan.clone() };
        write(folder.path(), &format!("plain/{number:03}"), &lines(&slow, 0.0));
    };
    odd(2, 0.5);
    let judged = || Trials::of(&Pool::open(folder.path()).unwrap(), &Policy::default()).unwrap();
    // Beside the first, it is slower; the third, run after it, is not.
    assert_eq!(judged().alarms.hits, 0);
    odd(3, 0.5);
    // Beside the first, both are, and each confirms the other.
    let trials = judged();
    assert_eq!((trials.alarms.hits, trials.alarms.trials), (2, 3));
    assert_eq!(trials.named.values().sum::<usize>(), 2);
}

#[test]
fn with_baselines_every_plain_run_is_held_against_each_and_other_baselines_stand_for_its_rerun() {
    let folder = tempfile::tempdir().unwrap();
    collected(folder.path(), TargetName::Host, 0.25, 0.001);
    let plan = plan(TargetName::Host).in_rounds(20);
    let cell = *plan.cells.iter().find(|cell| cell.probe == ProbeName::SyncFull).unwrap();
    let slower = |factor: f64| {
        let delay = Duration::from_nanos((COST * factor) as u64);
        lines(&Plan { slowdowns: vec![Slowdown { cell, means: Means::Delay(delay) }], ..plan.clone() }, 0.001)
    };
    write(folder.path(), "baseline/001", &lines(&plan, 0.001));
    write(folder.path(), "baseline/002", &lines(&plan, 0.001));
    let judged = || Trials::of(&Pool::open(folder.path()).unwrap(), &Policy::default()).unwrap();
    let trials = judged();
    assert_eq!((trials.plain, trials.baselines.as_slice()), (3, [20, 20].as_slice()));
    assert_eq!((trials.alarms.hits, trials.alarms.trials), (0, 6));
    let found = trials.came_to(Verdict::Regressed);
    assert!(found.hits == found.trials && found.trials >= 6, "{:?}", trials.faults);
    // A plain run that is slower is not confirmed by the other baseline, unless that is slower, too.
    write(folder.path(), "plain/002", &slower(0.5));
    assert_eq!(judged().alarms.hits, 0);
    write(folder.path(), "baseline/002", &slower(0.5));
    assert_eq!(judged().alarms.hits, 1);
}

#[test]
fn a_run_that_broke_off_is_passed_over_and_its_place_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let text = lines(&plan(TargetName::Host), 0.0);
    write(folder.path(), "plain/001", &text);
    let cut_off: Vec<&str> = text.lines().take(3).collect();
    write(folder.path(), "plain/002", &(cut_off.join("\n") + "\n"));
    let pool = Pool::open(folder.path()).unwrap();
    assert_eq!(pool.count(Kind::Plain), 1);
    assert_eq!(pool.next(Kind::Plain), folder.path().join("plain/003"));
    let failure = Trials::of(&pool, &Policy::default()).unwrap_err();
    let expected = "a self-test compares plain runs with each other, or with baselines, and there are 1 and 0; make more with --runs";
    assert_eq!(failure.error.to_string(), expected);
}

/// Rewritten by `BLESS=1`.
#[test]
fn what_was_found_is_told_with_every_verdict_and_its_interval() {
    let folder = tempfile::tempdir().unwrap();
    let trials = Trials::of(&collected(folder.path(), TargetName::Host, 0.25, 0.001), &Policy::default()).unwrap();
    let asked = Asked {
        scenario: Scenario::read("made-up.yaml", "name: made-up\nquestion: Is it found?\nservices: [4]\n").unwrap(),
        plan: plan(TargetName::Host),
        runs: 3,
        faulty: 3,
        baselines: 0,
        baseline_rounds: 20,
        share: 0.25,
        policy: Policy::default(),
        kernel: None,
        tools: None,
        folder: "runs/self-test".into(),
    };
    let told = told::tell(&asked, &trials);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/self_test/golden.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&golden, &told).unwrap();
    }
    assert_eq!(told, fs::read_to_string(&golden).unwrap_or_default());
}
