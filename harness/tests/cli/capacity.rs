//! `svclab capacity`: an answer, and what it cannot use.

use super::{refused, svclab};
use std::fs;
use std::path::Path;

/// A folder with a small synthetic run: `sync_change` of two backends, linear in the number of Services.
fn recorded(folder: &Path, clock: &str) -> String {
    let header = format!(
        "{{\"kind\":\"run\",\"format\":1,\"id\":\"small-{clock}\",\"version\":\"0\",\"revision\":\"\",\"command\":[],\
         \"scenario\":\"\",\"question\":\"\",\"plan\":{{\"scenario\":\"small\",\"target\":\"host\",\"seed\":1,\
         \"rounds\":2,\"budget\":{{\"secs\":60,\"nanos\":0}},\"dials\":1,\"traffic\":{{\"secs\":1,\"nanos\":0}},\
         \"cells\":[]}},\"clock\":\"{clock}\",\"host\":{{}},\"tools\":{{}},\"start\":\"2026-01-01T00:00:00Z\"}}\n"
    );
    let mut text = header;
    for (backend, growth) in [("iptables-legacy", 40_000), ("nftables", 10_000)] {
        for services in [1, 10, 100, 1000] {
            for round in 0..2 {
                let value = 3_000_000 + growth * services + 1000 * round;
                text += &format!(
                    "{{\"kind\":\"cell\",\"scenario\":\"small\",\"target\":\"host\",\"backend\":\"{backend}\",\
                     \"layout\":\"\",\"way\":\"partial\",\"services\":{services},\"endpoints\":2,\"position\":null,\
                     \"probe\":\"sync_change\",\"round\":{round},\"replica\":0,\"outcome\":\"measured\",\
                     \"metric\":\"sync_change\",\"unit\":\"ns\",\"samples\":[{value}]}}\n"
                );
            }
        }
    }
    let place = folder.join(clock);
    fs::create_dir(&place).unwrap();
    fs::write(place.join("run.jsonl"), text).unwrap();
    place.to_str().unwrap().to_owned()
}

#[test]
fn capacity_answers_with_a_number_a_backend() {
    let folder = tempfile::tempdir().unwrap();
    let run = recorded(folder.path(), "wall");
    let output = svclab(&["capacity", &run, "--slo", "sync_change=25ms", "--services", "1500"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("How many Services a node holds"), "{said}");
    assert!(said.lines().any(|line| line.starts_with("iptables-legacy") && line.contains(" 549 ")), "{said}");
    // No claim beyond twice the largest size.
    assert!(said.lines().any(|line| line.starts_with("nftables") && line.contains("≥ 2,000")), "{said}");
    assert!(said.contains("At 1,500 Services"), "{said}");
}

#[test]
fn capacity_holds_no_time_against_instructions_unless_calibrated() {
    let folder = tempfile::tempdir().unwrap();
    let (counted, timed) = (recorded(folder.path(), "instructions"), recorded(folder.path(), "wall"));
    let said = refused(&["capacity", &counted, "--slo", "sync_change=23ms"]);
    assert!(said.contains("--calibrate HOST_RUN"), "{said}");
    let output =
        svclab(&["capacity", &counted, "--slo", "sync_change=23ms", "--calibrate", &timed, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["answers"][0]["calibration"]["timed"], "small-wall");
    assert_eq!(answer["answers"][0]["clock"], "wall");
}

#[test]
fn what_capacity_cannot_use_is_answered_with_what_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let run = recorded(folder.path(), "wall");
    let cluster = folder.path().join("cluster.yaml");
    fs::write(&cluster, "apiVersion: v1\nitems: []\n").unwrap();
    for (args, words) in [
        (vec!["--slo", "conect=1ms"], "did you mean \"connect\"?"),
        (vec!["--slo", "sync_change"], "has no limit"),
        (vec!["--slo", "sync_change=5Gbit/s"], "give a time such as"),
        (vec!["--slo", "connect=1ms"], "has no figure of it; it has sync_change"),
        (vec!["--slo", "sync_change_p99=1s"], "needs 100 samples a size"),
        (vec!["--slo", "sync_change=1s", "--headroom", "120%"], "headroom is a share such as 20%"),
        (vec!["--slo", "sync_change=1s", "--growth", "3x"], "--cluster"),
        (vec!["--slo", "sync_change=1s", "--cluster", cluster.to_str().unwrap()], "-A -o json"),
        (vec!["--services", "5"], "--slo"),
        (vec![], "no objective is given: add a limit"),
        (vec!["--calibrate", "x"], "--calibrate needs an objective to answer"),
    ] {
        let said = refused(&[&["capacity", run.as_str()], &args[..]].concat());
        assert!(said.contains(words), "{args:?}: {said}");
    }
    let said = refused(&["report", &run, "--slo", "sync_change=1s", "--format", "csv"]);
    assert!(said.contains("svclab capacity --format json"), "{said}");
}
