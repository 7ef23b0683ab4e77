//! A study's page of made-up runs, against its golden files. `BLESS=1` rewrites them.

use analysis::study::Study;
use lab_core::cell::{Activity, Cell, Churn, ClusterSpec, Variant, Writer};
use lab_core::dataset::{CellRecord, Dataset, End, Header, Splits};
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName, TargetName};
use reports::study::{Ran, StudyPage};
use std::collections::BTreeMap;
use std::path::Path;

const STUDY: &str = "\
name: small
question: What of it is so?
scenarios:
  - {scenario: cpu-under-churn, claims: [iptables-cpu, ipvs-cpu]}
  - {scenario: lock-contention, claims: [xtables-lock-waits, xtables-lock-refused]}
  - {scenario: memory, claims: [iptables-memory]}
";

fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == text, "{name} differs; BLESS=1 rewrites it");
}

fn run(scenario: &str, cells: &[(Cell, Metric, &[f64], &str)], interrupted: bool) -> Ran {
    let plan = Plan { scenario: scenario.to_owned(), ..Plan::example(TargetName::Host) };
    let header = Header { question: format!("What of {scenario} is so?"), ..Header::example(plan) };
    let record = |(cell, metric, samples, reason): &(Cell, Metric, &[f64], &str)| CellRecord {
        scenario: scenario.to_owned(),
        target: TargetName::Host,
        cell: *cell,
        round: 0,
        replica: 0,
        outcome: Outcome::Measured,
        reason: (*reason).to_owned(),
        metric: *metric,
        unit: metric.unit(),
        samples: samples.to_vec(),
        split: Splits::default(),
    };
    let end = "2026-03-01T09:42:07Z".parse().unwrap();
    let end = End { end, peak_rss: 1, interrupted, cells: BTreeMap::new(), boots: Vec::new() };
    let cells = cells.iter().map(record).collect();
    Ran::Run(Box::new(Dataset { header, cells, end: Some(end) }))
}

fn churn(churn: Churn, writer: Option<Writer>) -> Cell {
    let variant = Variant::usual(BackendName::IptablesLegacy);
    let cell = Cell::new(ClusterSpec::uniform(5000, 2), variant, ProbeName::Churn, None);
    Cell { activity: Activity { churn: Some(churn), writer, ..Activity::default() }, ..cell }
}

fn page() -> StudyPage {
    let study = Study::read("small.yaml", STUDY, &["cpu-under-churn", "lock-contention", "memory"]).unwrap();
    let often = Churn { rate: 50, min_sync_period: 0, full_sync_period: None };
    let cpu: [(Cell, Metric, &[f64], &str); 2] = [
        (churn(Churn::USUAL, None), Metric::CpuSync, &[0.21, 0.23], ""),
        (churn(often, None), Metric::CpuSync, &[0.95, 0.97], ""),
    ];
    let synced = churn(Churn::USUAL, Some(Writer::Append));
    let told = "Another app is currently holding the xtables lock. Perhaps you want to use the -w option?";
    let lock: [(Cell, Metric, &[f64], &str); 3] = [
        (synced, Metric::WriterCall, &[4e6, 5e6], ""),
        (synced, Metric::WriterTried, &[200.0], ""),
        (synced, Metric::WriterRefused, &[9.0], told),
    ];
    let ran = [
        run("cpu-under-churn", &cpu, false),
        run("lock-contention", &lock, true),
        Ran::Not("no ip_vs | <here>".to_owned()),
    ];
    StudyPage::of(&study, &ran, "svclab study small")
}

#[test]
fn a_study_is_a_row_a_claim_with_its_verdict_its_source_its_figures_and_what_is_missing() {
    let (markdown, html) = (page().markdown(), page().html());
    check("study.md", &markdown);
    check("study.html", &html);
    for said in [
        "**means something else**",
        "**cannot be told**",
        "memory did not run: no ip\\_vs",
        "lock-contention was interrupted",
        "Another app is currently holding",
        "kubernetes/kubernetes issues 7370",
        "(<lock-contention/report.md>)",
    ] {
        let said = said.replace("\\_", "_");
        assert!(markdown.contains(&said), "{said}\n{markdown}");
    }
    assert!(html.contains("no ip_vs | &#60;here&#62;") || html.contains("no ip_vs | &lt;here&gt;"), "{html}");
}

#[test]
fn a_claim_whose_scenario_did_not_run_cannot_be_told_and_says_why() {
    let lines = page().lines();
    let [judged @ .., last] = &lines[..] else { panic!("no line") };
    assert!(last.contains("cannot be told, for these scenarios did not run: memory"), "{last}");
    assert!(!judged.is_empty() && judged.iter().all(|line| !line.contains("2.3 GB")), "{judged:?}");
}
