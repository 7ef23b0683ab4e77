//! `--shard`, `plan --shards`, `merge`, `runs`, `watch` and `deploy`, as a user types them: what is refused, and in which words.

use anyhow::{Context, Result, ensure};
use lab_core::axes::Axes;
use lab_core::dataset::{CellRecord, End, Header, Record, Splits};
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::shard::{Part, Shard, deal};
use lab_core::vocabulary::{Outcome, TargetName};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn svclab(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svclab"));
    command.current_dir(folder).args(words);
    for name in ["JOB_COMPLETION_INDEX", "SLURM_ARRAY_TASK_ID", "CI_NODE_INDEX"] {
        command.env_remove(name);
    }
    command
}

/// Its standard output and error, after an exit with `code`.
fn ended(output: &Output, code: i32) -> Result<(String, String)> {
    let [said, told] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    ensure!(output.status.code() == Some(code), "{}, not {code}: {said}{told}", output.status);
    Ok((said, told))
}

fn refused(folder: &Path, words: &[&str], code: i32) -> Result<String> {
    Ok(ended(&svclab(folder, words).output()?, code)?.1)
}

fn plan() -> Plan {
    let cells = Axes { services: vec![1, 10, 100], ..Axes::default() }.expand();
    Plan { scenario: "made".to_owned(), cells, ..Plan::example(TargetName::Exact) }
}

/// Writes the run of a shard into `folder`: of each of its cells one record. `edit` changes the text.
fn write(folder: &Path, shard: Shard, edit: impl Fn(String) -> String) -> Result<()> {
    let plan = plan();
    let pieces = plan.pieces();
    let own = &deal(&vec![1.0; pieces.len()], shard.of)[shard.number as usize - 1];
    let mut cells: Vec<usize> = own.iter().flat_map(|&piece| pieces[piece].clone()).collect();
    cells.sort_unstable();
    let record = |&place: &usize| {
        let cell = plan.cells[place];
        let metric = Metric::of(cell.probe);
        CellRecord {
            scenario: plan.scenario.clone(),
            target: plan.target,
            cell,
            round: 0,
            replica: 0,
            outcome: Outcome::Measured,
            reason: String::new(),
            metric,
            unit: metric.unit(),
            samples: vec![1000.0 + place as f64],
            split: Splits::default(),
        }
    };
    let records: Vec<String> = cells.iter().map(|place| Record::Cell(record(place)).line()).collect();
    let header = Header { part: Some(Part { shard, cells }), ..Header::example(plan.clone()) };
    let text = Record::Run(Box::new(header)).line() + &records.concat() + &Record::End(End::example()).line();
    fs::create_dir_all(folder)?;
    Ok(fs::write(folder.join("run.jsonl"), edit(text))?)
}

/// Three shards in `runs/`.
fn three() -> Result<TempDir> {
    let folder = TempDir::new()?;
    for number in 1..=3 {
        write(&folder.path().join(format!("runs/{number}")), Shard { number, of: 3 }, |text| text)?;
    }
    Ok(folder)
}

const MERGE: [&str; 6] = ["merge", "runs/1", "runs/2", "runs/3", "--out", "whole"];

#[test]
fn shards_are_merged_and_the_result_is_a_run() -> Result<()> {
    let folder = three()?;
    let (said, _) = ended(&svclab(folder.path(), &MERGE).output()?, 0)?;
    ensure!(said.contains("of 3 runs") && said.contains("svclab report whole"), "{said}");
    let text = fs::read_to_string(folder.path().join("whole/run.jsonl"))?;
    let samples: Vec<&str> = text.lines().filter_map(|line| line.split("\"samples\":[").nth(1)).collect();
    let samples: Vec<&str> = samples.iter().filter_map(|rest| rest.split(']').next()).collect();
    let expected: Vec<String> = (0..plan().cells.len()).map(|place| (1000 + place).to_string()).collect();
    ensure!(samples == expected, "{samples:?}");
    let (said, _) = ended(&svclab(folder.path(), &["report", "whole"]).output()?, 0)?;
    ensure!(said.contains(&format!("Cells: {0} measured of {0}", plan().cells.len())), "{said}");
    let (said, _) = ended(&svclab(folder.path(), &["runs", "runs"]).output()?, 0)?;
    ensure!(said.lines().count() == 3 && said.contains("made (shard 2/3), exact, complete"), "{said}");
    let (said, _) = ended(&svclab(folder.path(), &["watch", "runs/1", "runs/2"]).output()?, 0)?;
    ensure!(said.contains("runs/2: ") && said.contains("complete"), "{said}");
    Ok(())
}

#[test]
fn what_cannot_be_merged_is_named_and_nothing_is_written() -> Result<()> {
    let folder = three()?;
    let at = |name: &str| folder.path().join(name);
    let told = refused(folder.path(), &["merge", "runs/1", "runs/3", "--out", "whole"], 2)?;
    ensure!(told.contains("shard 2/3 is missing") && told.contains("--partial"), "{told}");
    ensure!(!at("whole").exists());

    write(&at("runs/2"), Shard { number: 2, of: 3 }, |text| text.replace("\"revision\":\"\"", "\"revision\":\"b\""))?;
    let told = refused(folder.path(), &MERGE, 2)?;
    ensure!(told.contains("runs/1 and runs/2 do not belong together: svclab.revision is"), "{told}");

    // In its header.
    write(&at("runs/2"), Shard { number: 2, of: 3 }, |text| text[..100].to_owned())?;
    let told = refused(folder.path(), &MERGE, 2)?;
    ensure!(told.contains("runs/2/run.jsonl: line 1: the header is missing") && told.contains("--partial"), "{told}");
    let partial = ["merge", "runs/1", "runs/2", "runs/3", "--out", "rest", "--partial"];
    let (_, told) = ended(&svclab(folder.path(), &partial).output()?, 0)?;
    ensure!(told.contains("left out: runs/2/run.jsonl") && told.contains("shard 2/3 is missing"), "{told}");

    // Cut off in the middle of a line.
    write(&at("runs/2"), Shard { number: 2, of: 3 }, |text| text[..text.len() * 2 / 3].to_owned())?;
    let told = refused(folder.path(), &MERGE, 2)?;
    ensure!(told.contains("shard 2/3 is not complete: runs/2 lacks") && told.contains("start it again"), "{told}");
    let partial = [&MERGE[..], &["--partial"]].concat();
    ended(&svclab(folder.path(), &partial).output()?, 0)?;

    write(&at("again"), Shard { number: 1, of: 3 }, |text| text.replace("[1000]", "[999]"))?;
    let told = refused(folder.path(), &["merge", "runs/1", "again", "--out", "other"], 2)?;
    ensure!(told.contains("differ") && told.contains("[1000.0]") && told.contains("[999.0]"), "{told}");
    let told = refused(folder.path(), &["merge", "runs", "--out", "other"], 2)?;
    ensure!(told.contains("runs holds no run.jsonl, but there are runs in it"), "{told}");
    let told = refused(folder.path(), &["merge", "runs/1", "--out", "whole"], 2)?;
    ensure!(told.contains("--out whole is not empty"), "{told}");
    Ok(())
}

#[test]
fn a_shard_that_is_none_is_refused_before_anything_runs() -> Result<()> {
    let folder = TempDir::new()?;
    let smoke = |shard: &str| {
        let words = ["scenario", "smoke", "--target", "exact", "--shard", shard];
        refused(folder.path(), &words, 2)
    };
    for (shard, said) in [
        ("4/3", "there is no shard 4 of 3"),
        ("0/3", "there is no shard 0 of 3"),
        ("x", "a shard is written 3/16"),
        ("1/999", "take at most"),
        ("auto", "JOB_COMPLETION_INDEX"),
    ] {
        let told = smoke(shard)?;
        ensure!(told.contains(said), "{shard}: {told}");
    }
    let told = refused(folder.path(), &["scenario", "smoke", "--resume", "a", "--out", "b"], 2)?;
    ensure!(told.contains("cannot be used with"), "{told}");
    let told = refused(folder.path(), &["plan", "smoke", "--target", "exact", "--shards", "999"], 2)?;
    ensure!(told.contains("take at most"), "{told}");
    ensure!(fs::read_dir(folder.path())?.next().is_none(), "something was made");
    Ok(())
}

#[test]
fn a_folder_with_another_run_is_left_as_it_is() -> Result<()> {
    let folder = three()?;
    let before = fs::read_to_string(folder.path().join("runs/1/run.jsonl"))?;
    let words = ["scenario", "smoke", "--target", "host", "--backend", "direct", "--resume", "runs/1"];
    let output = svclab(folder.path(), &words).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    // Without namespaces nothing is looked at.
    if output.status.code() != Some(3) {
        ensure!(output.status.code() == Some(2) && told.contains("runs/1 has another run"), "{told}");
    }
    ensure!(fs::read_to_string(folder.path().join("runs/1/run.jsonl"))? == before);
    Ok(())
}

#[test]
fn each_engine_s_file_runs_every_shard() -> Result<()> {
    let folder = TempDir::new()?;
    let deploy = |words: &[&str]| -> Result<String> {
        let words = [&["deploy"], words].concat();
        Ok(ended(&svclab(folder.path(), &words).output()?, 0)?.0)
    };
    let job = deploy(&["kubernetes", "smoke", "--shards", "3", "--image", "here/svclab:1"])?;
    for line in [
        "completionMode: Indexed",
        "completions: 3",
        "backoffLimitPerIndex: 5",
        "action: FailIndex",
        "type: DisruptionTarget",
        "image: here/svclab:1",
        "auto/3",
        "runAsNonRoot: true",
        "kind: PersistentVolumeClaim",
    ] {
        ensure!(job.contains(line), "no {line}: {job}");
    }
    let script = deploy(&["slurm", "smoke", "--shards", "3", "--", "--services", "1,2", "--seed", "7"])?;
    ensure!(script.contains("#SBATCH --array=1-3\n"), "{script}");
    let last = script.lines().last().context("a last line")?;
    let expected =
        "exec svclab scenario smoke --services 1,2 --seed 7 --target exact --jobs 2 --shard \"$SLURM_ARRAY_TASK_ID/3\"";
    ensure!(last == expected, "{last}");
    let workflow = deploy(&["github", "smoke", "--shards", "2", "--image", "x", "--baseline", "base.jsonl"])?;
    for line in [
        "--shard ${{ matrix.shard }}/2",
        "options: --user root",
        "svclab gate runs/smoke --baseline base.jsonl",
        "needs: shard",
        "!cancelled()",
    ] {
        ensure!(workflow.contains(line), "no {line}: {workflow}");
    }
    let told = refused(folder.path(), &["deploy", "slurm", "smoke", "--shards", "999"], 2)?;
    ensure!(told.contains("take at most"), "{told}");
    let told = refused(folder.path(), &["deploy", "slurm", "smoke", "--shards", "3", "--image", "x"], 2)?;
    ensure!(told.contains("--image has no use"), "{told}");
    let told = refused(folder.path(), &["deploy", "slurm", "smoke", "--shards", "3", "--", "--sed", "7"], 2)?;
    ensure!(told.contains("'--sed'"), "{told}");
    Ok(())
}
