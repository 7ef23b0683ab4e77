//! Every probe with a fake lab and driver: no kernel.

use super::fake::{Fake, Script};
use super::*;
use crate::tool::Ending;
use lab_core::axes::Axes;
use lab_core::cell::{Activity, Churn as Rate};
use lab_core::kube_proxy::KubeProxy;
use lab_core::vocabulary::{BackendName, TargetName, Word};

const LONG: Duration = Duration::from_secs(3600);

fn plan() -> Plan {
    let (traffic, churn) = (Duration::from_micros(100), Duration::from_nanos(1));
    let persistence = Some(Duration::from_millis(1));
    Plan { dials: 3, traffic, churn, persistence, ..Plan::example(TargetName::Host) }
}

/// Runs `probe` within `limit`. Returns what came of it, and what the lab and its driver did.
fn run(probe: &dyn Probe, fake: &Fake, plan: &Plan, limit: Duration) -> (Result<Vec<Reading>, CellError>, String) {
    let (services, backends) = (vec![4], vec![BackendName::Nftables]);
    let (version, path, sha256) = ("v1.36.2".to_owned(), String::new(), String::new());
    let kube_proxies = vec![KubeProxy { name: "kube-proxy".to_owned().into(), path, version, sha256 }];
    let cells = Axes { services, backends, kube_proxies, probes: vec![probe.name()], ..Axes::default() }.expand();
    let readings = probe.run(fake, &cells[0], plan, limit);
    (readings, fake.done())
}

fn ask(name: ProbeName, script: impl Script) -> (Result<Vec<Reading>, CellError>, String) {
    run(named(name), &Fake::of(script), &plan(), LONG)
}

/// The result of a probe that the script ends: it would send for an hour. One that sends ahead of its sync does not.
fn end(name: ProbeName, script: impl Script) -> Result<Vec<Reading>, CellError> {
    let traffic = if name == ProbeName::UdpBlackhole { plan().traffic } else { LONG };
    run(named(name), &Fake::of(script), &Plan { traffic, ..plan() }, LONG).0
}

fn failed() -> CellError {
    CellError::Failed("no".to_owned())
}

fn well(_: &str, _: usize) -> Result<(), CellError> {
    Ok(())
}

fn samples(readings: &[Reading], metric: Metric) -> &[f64] {
    readings.iter().find(|reading| reading.metric == metric).map_or(&[], |reading| &reading.samples)
}

/// The changes, each with its own probe.
const CHANGES: [ProbeName; 3] = [ProbeName::SyncChange, ProbeName::EndpointChange, ProbeName::RemoveService];

#[test]
fn every_probe_of_the_vocabulary_is_here() {
    for &name in ProbeName::ALL {
        assert_eq!(named(name).name(), name);
    }
}

#[test]
fn every_probe_has_samples_of_the_metric_it_is_named_after() {
    for &name in ProbeName::ALL {
        let readings = ask(name, well).0.unwrap();
        assert!(!samples(&readings, Metric::of(name)).is_empty(), "{name}");
        assert!(readings.iter().all(|reading| !reading.samples.is_empty()), "{name}: {readings:?}");
    }
}

#[test]
fn whatever_fails_fails_the_cell() {
    for &name in ProbeName::ALL {
        let done = ask(name, well).1;
        for step in done.split(' ') {
            let step = step.to_owned();
            let script = move |what: &str, _| if what == step { Err(failed()) } else { Ok(()) };
            assert_eq!(end(name, script), Err(failed()), "{name}: {done}");
        }
    }
}

#[test]
fn an_interrupt_ends_every_probe() {
    let script = |what: &str, _| match what {
        "load" | "apply" | "append" | "build" | "dial" | "send" | "restart" | "resync" | "idle" | "bind" => {
            Err(CellError::Interrupted)
        }
        _ => Ok(()),
    };
    for &name in ProbeName::ALL {
        assert_eq!(end(name, script), Err(CellError::Interrupted), "{name}");
    }
}

#[test]
fn a_probe_without_time_left_is_over_budget() {
    let timed = [ProbeName::AppendRule, ProbeName::Connect, ProbeName::Churn, ProbeName::Reload];
    for name in timed.into_iter().chain(CHANGES) {
        let (readings, done) = run(named(name), &Fake::of(well), &plan(), Duration::ZERO);
        assert!(matches!(&readings, Err(CellError::OverBudget(_))), "{name}: {readings:?}");
        assert!(!["apply", "append", "dial", "load"].iter().any(|step| done.contains(step)), "{name}: {done}");
    }
    let over = |what: &str, _| if what == "load" { Err(CellError::OverBudget("half".to_owned())) } else { Ok(()) };
    assert_eq!(ask(ProbeName::SyncFull, over).0, Err(CellError::OverBudget("half".to_owned())));
}

#[test]
fn a_full_load_is_told_by_its_parts_and_its_counts() {
    let (readings, done) = ask(ProbeName::SyncFull, well);
    let readings = readings.unwrap();
    assert_eq!(done, "prepare load count verify start");
    assert_eq!(samples(&readings, Metric::SyncFull), [5e6]);
    assert_eq!(samples(&readings, Metric::SyncRules), [3e6]);
    assert_eq!(samples(&readings, Metric::SyncSets), [2e6]);
    assert_eq!(samples(&readings, Metric::Rules), [47.0]);
    assert_eq!(samples(&readings, Metric::ScriptBytes), [9.0]);
}

#[test]
fn a_load_of_one_part_is_that_part() {
    let mut cost = Cost::default();
    cost.add(Metric::SyncRules, Duration::from_millis(3));
    assert_eq!(sync_full::parts(&cost), []);
}

#[test]
fn what_a_sync_reads_is_told_apart_from_what_it_writes() {
    let mut cost = Cost::default();
    cost.add(Metric::SyncRead, Duration::from_millis(7));
    cost.add(Metric::SyncRules, Duration::from_millis(3));
    assert_eq!(sync_full::parts(&cost), []);
    let mut sync = SyncSamples::new(Metric::SyncChange);
    sync.push(cost, None);
    let readings = sync.readings(&plan());
    assert_eq!(samples(&readings, Metric::SyncChange), [10e6]);
    assert_eq!(samples(&readings, Metric::SyncRead), [7e6]);
    assert_eq!(samples(&readings, Metric::SyncWrite), [3e6]);
    assert!(readings.iter().all(|reading| reading.metric != Metric::SyncConntrack));
}

#[test]
fn a_reload_empties_the_node_first() {
    let (readings, done) = ask(ProbeName::Reload, well);
    assert_eq!(done, "flush prepare load count verify start");
    assert_eq!(samples(&readings.unwrap(), Metric::Reload), [5e6]);
}

#[test]
fn a_load_after_a_failure_is_told_with_what_failed() {
    let (readings, done) = ask(ProbeName::LoadAfterFailure, well);
    assert_eq!(done, "prepare fail load count verify start");
    let readings = readings.unwrap();
    assert_eq!(samples(&readings, Metric::LoadAfterFailure), [5e6]);
    assert_eq!(samples(&readings, Metric::FailedLoad), [5e6]);
    assert_eq!(samples(&readings, Metric::FailureMemory), [4096.0]);
    assert_eq!(samples(&readings, Metric::Rules), [47.0]);
}

#[test]
fn what_is_bound_is_told_with_what_is_answered() {
    let (readings, done) = ask(ProbeName::BindRange, well);
    assert_eq!(done, "bind");
    let readings = readings.unwrap();
    let of = |metric| samples(&readings, metric).to_vec();
    assert_eq!(of(Metric::BindRange), [9e6]);
    assert_eq!((of(Metric::BindOne), of(Metric::Unbind)), (vec![7e3; 5], vec![8e6]));
    let answers = [Metric::ArpAnswered, Metric::ArpAnsweredStrict, Metric::PingAnswered, Metric::StrayAnswered];
    assert_eq!(answers.map(of), [[2.0], [1.0], [2.0], [1.0]]);
}

#[test]
fn clients_come_back_in_time_too_late_and_as_a_crowd() {
    let (readings, done) = ask(ProbeName::Affinity, well);
    let readings = readings.unwrap();
    assert_eq!(samples(&readings, Metric::AffinityReturned), [100.0]);
    // The fake has one endpoint: nobody ever moves.
    assert_eq!(samples(&readings, Metric::AffinityMoved), [0.0]);
    assert_eq!(
        (samples(&readings, Metric::AffinityKept), samples(&readings, Metric::AffinityExpired)),
        (&[50.0][..], &[50.0][..])
    );
    assert_eq!(samples(&readings, Metric::AffinityCrowd), [300.0]);
    assert!(done.starts_with("serve gather dial "), "{done}");
    let none = Plan { persistence: None, ..plan() };
    let without = run(named(ProbeName::Affinity), &Fake::of(well), &none, LONG).0.unwrap_err();
    assert_eq!(without.reason(), "without the key affinity no client stays with its endpoint");
}

#[test]
fn each_change_is_undone_and_the_node_counted_in_the_end() {
    for name in CHANGES {
        let (readings, done) = ask(name, well);
        assert_eq!(done, ["apply clean_up verify ask undo start "; 5].concat() + "count verify", "{name}");
        let readings = readings.unwrap();
        assert_eq!(samples(&readings, Metric::of(name)), [5e6; 5]);
        assert_eq!(samples(&readings, Metric::ToolExec), [5e6; 5]);
    }
}

#[test]
fn a_change_that_is_not_right_is_undone_and_no_sample() {
    for (name, wrong) in CHANGES.into_iter().flat_map(|name| [(name, "verify"), (name, "ask")]) {
        let script = move |what: &str, _| if what == wrong { Err(failed()) } else { Ok(()) };
        let (readings, done) = ask(name, script);
        assert_eq!(readings, Err(failed()), "{name}");
        assert!(done.ends_with(&format!("{wrong} undo")), "{name}: {done}");
    }
}

#[test]
fn an_appended_rule_is_taken_away_and_the_node_counted_in_the_end() {
    let (readings, done) = ask(ProbeName::AppendRule, well);
    assert_eq!(done, ["append verify take_away start "; 5].concat() + "count verify");
    assert_eq!(samples(&readings.unwrap(), Metric::AppendRule), [5e6; 5]);
}

#[test]
fn connections_ahead_of_the_timed_ones_are_no_samples() {
    let (readings, done) = ask(ProbeName::Connect, well);
    assert_eq!(done, "serve".to_owned() + &" dial".repeat(5 + 3));
    let readings = readings.unwrap();
    assert_eq!(samples(&readings, Metric::Connect), [2e3; 3]);
    assert_eq!(samples(&readings, Metric::FirstByte), [5e3; 3]);
}

#[test]
fn a_connection_that_is_refused_later_on_fails_the_cell() {
    let script = |what: &str, time| if what == "dial" && time > 6 { Err(failed()) } else { Ok(()) };
    for name in [ProbeName::Connect, ProbeName::ConnectionsPerSecond] {
        assert_eq!(end(name, script), Err(failed()), "{name}");
    }
}

#[test]
fn churn_leaves_the_node_as_it_was() {
    // One sync, which is an odd number.
    let (readings, done) = ask(ProbeName::Churn, well);
    assert_eq!(done, "apply clean_up verify undo count verify");
    assert_eq!(samples(&readings.unwrap(), Metric::ToolUser), [1e6]);
    let busy = Rate { rate: 10_000, min_sync_period: 0, full_sync_period: None };
    let stop = |script: fn(&str, usize) -> Result<(), CellError>| {
        let fake = Fake::of(script);
        let plan = Plan { churn: LONG, ..plan() };
        let activities = vec![Activity { churn: Some(busy), ..Activity::default() }];
        let (services, probes) = (vec![4], vec![ProbeName::Churn]);
        let cells = Axes { services, probes, activities, ..Axes::default() }.expand();
        (churn::Churn.run(&fake, &cells[0], &plan, LONG), fake.done())
    };
    // Whatever ends it, after an odd number of syncs the change is undone.
    let (readings, done) = stop(|what, time| if (what, time) == ("restore", 1) { Err(failed()) } else { Ok(()) });
    assert_eq!((readings, done.as_str()), (Err(failed()), "apply clean_up restore undo"));
    let (readings, done) = stop(|what, time| if (what, time) == ("apply", 2) { Err(failed()) } else { Ok(()) });
    assert_eq!((readings, done.as_str()), (Err(failed()), "apply clean_up restore clean_up apply"));
}

#[test]
fn bandwidth_is_what_the_receiver_counted() {
    let (readings, done) = ask(ProbeName::Bandwidth, well);
    assert_eq!(done, "serve send");
    assert_eq!(samples(&readings.unwrap(), Metric::Bandwidth), [1.5e9]);
}

#[test]
fn iperf3_s_own_error_fails_the_cell() {
    let fake = Fake::of(well).with_iperf3(Ending::Exited(1), r#"{"error": "unable to connect"}"#);
    let error = run(&bandwidth::Bandwidth, &fake, &plan(), LONG).0.unwrap_err();
    assert_eq!(error, CellError::Failed("iperf3 to 10.96.0.11:80: unable to connect".to_owned()));
}

#[test]
fn an_iperf3_without_a_report_fails_the_cell_in_words() {
    let reason = |ending| {
        let fake = Fake::of(well).with_iperf3(ending, "");
        run(&bandwidth::Bandwidth, &fake, &plan(), LONG).0.unwrap_err()
    };
    let killed = reason(Ending::Signalled(7));
    assert!(killed.reason().starts_with("iperf3 to 10.96.0.11:80 was killed by signal 7"), "{killed:?}");
    let silent = reason(Ending::Exited(1));
    assert!(silent.reason().starts_with("iperf3 to 10.96.0.11:80 ended with 1 and said nothing"), "{silent:?}");
    let nothing = reason(Ending::Exited(0));
    assert!(nothing.reason().starts_with("iperf3 to 10.96.0.11:80 reported nothing"), "{nothing:?}");
}

#[test]
fn the_budget_bounds_iperf3() {
    let end = |limit| {
        let fake = Fake::of(well).with_iperf3(Ending::TimedOut, "");
        let error = run(&bandwidth::Bandwidth, &fake, &plan(), limit).0.unwrap_err();
        (error, fake.limit.into_inner().unwrap())
    };
    let short = Duration::from_secs(2);
    let over = CellError::OverBudget("iperf3 to 10.96.0.11:80 was killed after 2.00 s".to_owned());
    assert_eq!(end(short), (over, short));
    let (error, limit) = end(LONG);
    assert_eq!(error, CellError::Failed("iperf3 to 10.96.0.11:80 did not end in time".to_owned()));
    assert!(limit < LONG);
    let fake = Fake::of(well).with_iperf3(Ending::Interrupted, "");
    assert_eq!(run(&bandwidth::Bandwidth, &fake, &plan(), LONG).0, Err(CellError::Interrupted));
}
