//! `svclab study`: what is finished is not run again, what is not is kept, and what is wrong with a study is said.

use lab_core::cell::{Activity, Cell, Churn, ClusterSpec, Variant};
use lab_core::dataset::{CellRecord, End, Header, Record, Splits};
use lab_core::metric::Metric;
use lab_core::scenario::Scenario;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName, TargetName};
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};

/// Two scenarios that exist, and one whose cluster does not, so that it fails before it measures anything.
const STUDY: &str = "\
name: small
question: Is it so?
scenarios:
  - {scenario: cpu-under-churn, claims: [iptables-cpu]}
  - {scenario: broken.yaml, claims: [ipvs-cpu]}
";
const SCENARIO: &str = include_str!("../../scenarios/cpu-under-churn.yaml");
const BROKEN: &str = "name: broken\nquestion: Is it so?\ncluster: gone.json\n";

fn svclab(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svclab")).args(arguments).current_dir(folder).output().unwrap()
}

/// A folder with the study, and a run of its first scenario that came to its end or was interrupted.
fn studied(interrupted: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.yaml"), STUDY).unwrap();
    fs::write(folder.path().join("broken.yaml"), BROKEN).unwrap();
    write_run(&folder.path().join("out/cpu-under-churn"), interrupted);
    folder
}

fn write_run(folder: &Path, interrupted: bool) {
    let scenario = Scenario::read("cpu-under-churn.yaml", SCENARIO).unwrap();
    let header = Header { scenario: SCENARIO.to_owned(), ..Header::example(scenario.plan(TargetName::Host, 1)) };
    let cluster = ClusterSpec::uniform(5000, 2);
    let cell = Cell::new(cluster, Variant::usual(BackendName::IptablesLegacy), ProbeName::Churn, None);
    let cell = Cell { activity: Activity { churn: Some(Churn::USUAL), ..Activity::default() }, ..cell };
    let record = CellRecord {
        scenario: "cpu-under-churn".to_owned(),
        target: TargetName::Host,
        cell,
        round: 0,
        replica: 0,
        outcome: Outcome::Measured,
        reason: String::new(),
        metric: Metric::CpuSync,
        unit: Metric::CpuSync.unit(),
        samples: vec![0.21, 0.22, 0.23],
        split: Splits::default(),
    };
    let end = "2026-03-01T09:42:07Z".parse().unwrap();
    let end = End { end, peak_rss: 1, interrupted, cells: [(Outcome::Measured, 1)].into(), boots: Vec::new() };
    let records = [Record::Run(Box::new(header)), Record::Cell(record), Record::End(end)];
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("run.jsonl"), records.iter().map(Record::line).collect::<String>()).unwrap();
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_finished_run_is_not_run_again_and_its_claims_are_told() {
    let folder = studied(false);
    let output = svclab(folder.path(), &["study", "small.yaml", "--out", "out", "--only", "cpu-under-churn"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("cpu-under-churn is done"), "{output:?}");
    assert_eq!(entries(&folder.path().join("out/cpu-under-churn")), ["run.jsonl"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("not reproduced       iptables takes 50 to 100 %"), "{said}");
    let page = fs::read_to_string(folder.path().join("out/study.md")).unwrap();
    assert!(
        page.contains("**not reproduced**") && page.contains("broken did not run: there is no run of it"),
        "{page}"
    );
    assert!(folder.path().join("out/study.html").is_file());
}

#[test]
fn a_scenario_that_fails_leaves_the_page_of_what_there_is() {
    let folder = studied(false);
    let output = svclab(folder.path(), &["study", "small.yaml", "--out", "out"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let page = fs::read_to_string(folder.path().join("out/study.md")).unwrap();
    assert!(page.contains("**not reproduced**") && page.contains("**cannot be told**"), "{page}");
}

#[test]
fn a_run_of_something_else_is_not_taken_for_what_is_asked() {
    let folder = studied(false);
    let out = folder.path().join("out");
    let output = svclab(folder.path(), &["study", "small.yaml", "--out", "out", "--target", "exact"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && told.contains("its target is host, not exact"), "{told}");
    fs::rename(out.join("cpu-under-churn"), out.join("broken")).unwrap();
    let output = svclab(folder.path(), &["study", "small.yaml", "--out", "out"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2), "{told}");
    assert!(told.contains("out/broken has another run: its scenario is cpu-under-churn, not broken"), "{told}");
}

#[test]
fn a_page_of_another_study_is_not_written_over() {
    let folder = studied(false);
    let said = |arguments: &[&str]| {
        let output = svclab(folder.path(), arguments);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let own = ["study", "small.yaml", "--out", "out", "--only", "cpu-under-churn"];
    assert_eq!(said(&own).0, Some(0));
    assert_eq!(said(&own).0, Some(0), "its own page is");
    let page = fs::read(folder.path().join("out/study.md")).unwrap();
    fs::write(folder.path().join("other.yaml"), STUDY.replace("name: small", "name: other")).unwrap();
    let (code, told) = said(&["study", "other.yaml", "--out", "out", "--only", "cpu-under-churn"]);
    assert!(code == Some(2) && told.contains("--out out has the page of another study (study.md)"), "{told}");
    assert_eq!(fs::read(folder.path().join("out/study.md")).unwrap(), page);
    let (code, told) = said(&["study", "small.yaml", "--out", "other.yaml"]);
    assert!(code == Some(2) && told.contains("--out other.yaml is a file; name a folder"), "{told}");
}

#[test]
fn a_run_of_an_older_text_of_the_scenario_is_not_taken_for_it() {
    let folder = studied(false);
    let record = folder.path().join("out/cpu-under-churn/run.jsonl");
    let text = fs::read_to_string(&record).unwrap();
    let rewritten = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        fs::write(&record, text.replace(from, to)).unwrap();
        svclab(folder.path(), &["study", "small.yaml", "--out", "out", "--only", "cpu-under-churn"])
    };
    let other_prose = rewritten("question: How much", "question: Once more, how much");
    assert_eq!(other_prose.status.code(), Some(0), "{other_prose:?}");
    let other_sizes = rewritten("services: [", "services: [7, ");
    let told = String::from_utf8_lossy(&other_sizes.stderr).into_owned();
    assert!(other_sizes.status.code() == Some(2) && told.contains("its scenario has changed since"), "{told}");
}

#[test]
fn an_unfinished_run_that_cannot_go_on_is_kept_beside_the_new_one() {
    let folder = studied(false);
    write_run(&folder.path().join("out/broken"), true);
    let output = svclab(folder.path(), &["study", "small.yaml", "--out", "out", "--only", "broken"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("kept in out/broken.unfinished-1"), "{output:?}");
    assert_eq!(entries(&folder.path().join("out/broken.unfinished-1")), ["run.jsonl"]);
}

#[test]
fn a_run_that_is_going_on_is_left_alone() {
    let folder = studied(true);
    let run = folder.path().join("out/cpu-under-churn");
    let lock = Flock::lock(File::open(&run).unwrap(), FlockArg::LockExclusiveNonblock).unwrap();
    let output = svclab(folder.path(), &["study", "small.yaml", "--out", "out", "--only", "cpu-under-churn"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && told.contains("another process is writing to it"), "{told}");
    assert_eq!(entries(&run), ["run.jsonl"]);
    drop(lock);
}

#[test]
fn what_is_unknown_is_told_with_what_is_known_before_anything_runs() {
    let folder = studied(false);
    let said = |arguments: &[&str]| {
        let output = svclab(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(said(&["study", "claim"]).contains("unknown study \"claim\"; known: claims (did you mean \"claims\"?)"));
    let only = said(&["study", "small.yaml", "--only", "cpu"]);
    let by_file = svclab(folder.path(), &["study", "small.yaml", "--only", "broken.yaml", "--plan"]);
    assert!(String::from_utf8_lossy(&by_file.stderr).contains("gone.json"), "{by_file:?}");
    assert!(only.contains("--only: unknown scenario \"cpu\"; known: cpu-under-churn, broken"), "{only}");
    fs::write(folder.path().join("scenario.yaml"), SCENARIO).unwrap();
    let scenario = said(&["study", "scenario.yaml"]);
    assert!(scenario.contains("is a scenario, not a study; run it with: svclab scenario scenario.yaml"), "{scenario}");
    let wrong = STUDY.replace("ipvs-cpu", "ipvs-cpus").replace("cpu-under-churn,", "cpu-under-chrn,");
    fs::write(folder.path().join("wrong.yaml"), wrong).unwrap();
    let wrong = said(&["study", "wrong.yaml"]);
    assert!(wrong.contains("wrong.yaml:4: scenario: unknown scenario \"cpu-under-chrn\""), "{wrong}");
    assert!(wrong.contains("wrong.yaml:5: claims: unknown claim \"ipvs-cpus\""), "{wrong}");
    fs::write(folder.path().join("gone.yaml"), STUDY.replace("broken.yaml", "missing.yaml")).unwrap();
    assert!(said(&["study", "gone.yaml", "--out", "new"]).contains("reading the scenario missing.yaml"));
    assert!(!folder.path().join("new").exists());
}

#[test]
fn a_plan_says_how_long_each_scenario_takes_and_runs_nothing() {
    let folder = studied(false);
    let output = svclab(folder.path(), &["study", "claims", "--plan", "--target", "host"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said.lines().find(|line| line.starts_with("lock-contention")).unwrap();
    assert!(line.contains(" host ") && line.contains(" min  xtables-lock-waits, xtables-lock-refused"), "{said}");
    assert!(said.contains("min on two cores"), "{said}");
    assert!(!folder.path().join("runs").exists());
    let vm = svclab(
        folder.path(),
        &["study", "small.yaml", "--plan", "--target", "vm", "--only", "cpu-under-churn", "--out", "new"],
    );
    let said = String::from_utf8(vm.stdout).unwrap();
    assert!(said.contains("on vm without KVM some 8 times as long"), "{said}");
    let done = svclab(folder.path(), &["study", "small.yaml", "--plan", "--only", "cpu-under-churn", "--out", "out"]);
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(said.contains(" done  iptables-cpu") && said.contains("about 0 min"), "{said}");
}

#[test]
fn studies_are_listed_with_the_scenarios() {
    let folder = studied(false);
    let said = String::from_utf8(svclab(folder.path(), &["scenarios"]).stdout).unwrap();
    assert!(said.contains("\nclaims                  Which published claims"), "{said}");
}
