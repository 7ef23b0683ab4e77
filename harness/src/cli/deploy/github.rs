//! A workflow of GitHub Actions: a matrix of shards, and a last job that merges them, and judges them if there is a baseline.

use super::Work;
use anyhow::{Context, Result};
use lab_core::shell;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Workflow {
    name: String,
    on: Triggers,
    jobs: Jobs,
}

#[derive(Serialize)]
struct Triggers {
    workflow_dispatch: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Jobs {
    shard: Job,
    merge: Job,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "kebab-case")]
struct Job {
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#if: Option<&'static str>,
    runs_on: &'static str,
    container: Container,
    timeout_minutes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<Strategy>,
    steps: Vec<Step>,
}

#[derive(Serialize, Default)]
struct Container {
    image: String,
    options: &'static str,
}

/// The image's own user may not write into the job's folders.
const AS_ROOT: &str = "--user root";

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Strategy {
    fail_fast: bool,
    matrix: BTreeMap<&'static str, Vec<u32>>,
}

#[derive(Serialize, Default)]
struct Step {
    #[serde(skip_serializing_if = "Option::is_none")]
    r#if: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uses: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    with: BTreeMap<&'static str, String>,
}

impl Step {
    fn run(line: String) -> Self {
        Self { run: Some(line), ..Self::default() }
    }

    fn uses(action: &'static str, with: &[(&'static str, String)]) -> Self {
        Self { uses: Some(action), with: with.iter().cloned().collect(), ..Self::default() }
    }
}

/// GitHub ends a job after so many minutes in any case.
const LONGEST: u32 = 360;
const KEEP: &str = "actions/upload-artifact@v4";

/// The workflow.
pub(super) fn workflow(work: &Work, image: &str, baseline: Option<&str>) -> Result<String> {
    let Work { name, scenario, shards, .. } = work;
    let job = || Job {
        runs_on: "ubuntu-latest",
        container: Container { image: image.to_owned(), options: AS_ROOT },
        timeout_minutes: LONGEST,
        ..Job::default()
    };
    let own = format!("{scenario}-${{{{ matrix.shard }}}}-of-{shards}");
    let kept = |artifact: String, path: String| Step {
        r#if: Some("always()"),
        ..Step::uses(KEEP, &[("name", artifact), ("path", path)])
    };
    let shard = Job {
        strategy: Some(Strategy { fail_fast: false, matrix: BTreeMap::from([("shard", (1..=*shards).collect())]) }),
        steps: vec![
            Step::uses("actions/checkout@v4", &[]),
            Step::run(work.line(&format!("${{{{ matrix.shard }}}}/{shards}"))),
            kept(format!("shard-{own}"), format!("runs/{own}")),
        ],
        ..job()
    };
    let whole = format!("runs/{scenario}");
    let mut steps = vec![
        Step::uses("actions/checkout@v4", &[]),
        Step::uses(
            "actions/download-artifact@v4",
            &[("pattern", format!("shard-{scenario}-*")), ("path", "shards".to_owned())],
        ),
        Step::run(format!("svclab merge shards/* --out {}", shell::word(&whole))),
        Step::run(format!("svclab report {} --format html --out report.html", shell::word(&whole))),
    ];
    steps.extend(
        baseline.map(|file| Step::run(format!("svclab gate {} --baseline {}", shell::word(&whole), shell::word(file)))),
    );
    steps.push(kept(format!("svclab-{name}"), format!("{whole}\nreport.html")));
    // A shard with a failed cell fails, and has a run all the same.
    let merge = Job { needs: Some("shard"), r#if: Some("${{ !cancelled() }}"), steps, ..job() };
    let workflow = Workflow {
        name: format!("svclab {scenario}"),
        on: Triggers { workflow_dispatch: BTreeMap::new() },
        jobs: Jobs { shard, merge },
    };
    serde_saphyr::to_string(&workflow).context("writing the workflow")
}
