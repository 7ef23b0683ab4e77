//! `svclab report`: every format of recorded runs, and the messages for odd ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn svclab(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svclab")).args(args).output().expect("svclab should start")
}

/// What svclab printed, and what it said on standard error.
fn done(args: &[&str]) -> (String, String) {
    let output = svclab(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    (String::from_utf8(output.stdout).unwrap(), said)
}

/// What svclab said on standard error, ending with exit code 2 and having printed nothing.
fn refused(args: &[&str]) -> String {
    let output = svclab(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert!(output.stdout.is_empty(), "{args:?} printed something");
    said
}

/// A run of this machine's in a folder of its own.
fn recorded(name: &str) -> (TempDir, String) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../analysis/tests/format-1/{name}.jsonl"));
    let folder = tempfile::tempdir().unwrap();
    fs::copy(file, folder.path().join("run.jsonl")).unwrap();
    let path = folder.path().to_str().unwrap().to_owned();
    (folder, path)
}

/// The text of a recorded run with its folder, for tests that damage it.
fn text(folder: &TempDir) -> (PathBuf, String) {
    let file = folder.path().join("run.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    (file, text)
}

#[test]
fn a_run_is_reported_from_its_folder_and_from_its_file_alike() {
    let (_folder, path) = recorded("host");
    let (report, said) = done(&["report", &path]);
    assert!(report.starts_with("svclab: format\n══"), "{report}");
    // Except commands, which are never wrapped.
    let widest = |report: &str| {
        report.lines().filter(|line| !line.contains(" scenario ")).map(|line| line.chars().count()).max()
    };
    assert!(widest(&report) <= Some(100), "{report}");
    assert_eq!(said, "");
    assert_eq!(done(&["report", &format!("{path}/run.jsonl")]).0, report);
    assert_eq!(done(&["report", &path, "--format", "terminal", "--width", "100"]).0, report);
    let (narrow, _) = done(&["report", &path, "--width", "80"]);
    assert!(widest(&narrow) <= Some(80), "{narrow}");
}

#[test]
fn every_text_goes_to_standard_output_or_to_a_file() {
    let (folder, path) = recorded("host");
    let formats = [
        ("terminal", "report.txt", "svclab: format\n"),
        ("markdown", "report.md", "# svclab: format\n"),
        ("html", "report.html", "<!DOCTYPE html>"),
        ("csv", "summary.csv", "run,clock,kernel,scenario,target,backend,"),
        ("json", "report.json", "{\n  \"format\": 1,"),
        ("benchstat", "benchstat.txt", "Unit chains assume=exact\n"),
    ];
    for (format, name, start) in formats {
        let (text, _) = done(&["report", &path, "--format", format]);
        assert!(text.to_lowercase().starts_with(&start.to_lowercase()), "{format}: {text:.200}");
        let file = folder.path().join("mine");
        let (printed, said) = done(&["report", &path, "--format", format, "--out", file.to_str().unwrap()]);
        assert_eq!((printed.as_str(), said), ("", format!("{}\n", file.display())));
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "{format}");
        // In a folder it has its usual name.
        let out = tempfile::tempdir().unwrap();
        done(&["report", &path, "--format", format, "--out", out.path().to_str().unwrap()]);
        assert_eq!(fs::read_to_string(out.path().join(name)).unwrap(), text, "{format}");
    }
}

#[test]
fn several_files_need_a_folder_which_is_made() {
    let (folder, path) = recorded("host");
    for (format, names) in [
        ("parquet", ["samples.parquet", "summary.parquet"].as_slice()),
        ("benchmark-action", ["smaller-is-better.json"].as_slice()),
    ] {
        let said = refused(&["report", &path, "--format", format]);
        let problem = format!("--format {format} makes several files: name their folder with --out DIR");
        assert_eq!(said, format!("svclab: {problem}\n"));
        let record = format!("{path}/run.jsonl");
        let said = refused(&["report", &path, "--format", format, "--out", &record]);
        assert!(said.contains(&format!("--out {record} is a file; --format {format} makes several")), "{said}");
        let out = folder.path().join("new").join(format);
        done(&["report", &path, "--format", format, "--out", out.to_str().unwrap()]);
        let mut made: Vec<_> = fs::read_dir(&out).unwrap().map(|file| file.unwrap().file_name()).collect();
        made.sort();
        assert_eq!(made, names);
    }
}

#[test]
fn a_run_is_never_written_over() {
    let (folder, path) = recorded("host");
    let (file, before) = text(&folder);
    let said = refused(&["report", &path, "--format", "csv", "--out", file.to_str().unwrap()]);
    assert_eq!(said, format!("svclab: --out {} is the run itself; name another file\n", file.display()));
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
}

#[test]
fn a_section_or_a_chart_is_made_alone_and_an_unknown_one_answered_with_the_known() {
    let (_folder, path) = recorded("host");
    let (whole, _) = done(&["report", &path, "--format", "markdown"]);
    let (part, _) = done(&["report", &path, "--format", "markdown", "--section", "sizes"]);
    let last = part.lines().rfind(|line| line.starts_with('|')).expect("a table");
    assert!(whole.contains(last) && part.len() < whole.len(), "{part}");
    let (text, _) = done(&["report", &path, "--section", "connect"]);
    assert!(text.starts_with("connect, median in ") && !text.contains("══"), "{text}");
    let (chart, _) = done(&["report", &path, "--format", "svg", "--section", "connect-first"]);
    assert!(chart.starts_with("<svg ") && chart.ends_with("</svg>\n"), "{chart}");

    let charts = tempfile::tempdir().unwrap();
    let (_, said) = done(&["report", &path, "--format", "svg", "--out", charts.path().to_str().unwrap()]);
    assert_eq!(said.lines().count(), fs::read_dir(&charts).unwrap().count());
    assert_eq!(fs::read_to_string(charts.path().join("connect-first.svg")).unwrap(), chart);

    let said = refused(&["report", &path, "--format", "markdown", "--section", "size"]);
    assert!(said.contains("unknown section \"size\"; known: answer, ") && said.contains("did you mean"), "{said}");
    let said = refused(&["report", &path, "--format", "svg", "--section", "connect"]);
    assert!(said.contains("unknown chart \"connect\"; known: "), "{said}");
    assert!(refused(&["report", &path, "--format", "csv", "--section", "sizes"]).contains("not for csv"));
    assert!(refused(&["report", &path, "--format", "svg"]).contains("several files: name their folder"));
}

#[test]
fn a_width_is_for_the_terminal() {
    let (_folder, path) = recorded("host");
    let said = refused(&["report", &path, "--format", "csv", "--width", "90"]);
    assert_eq!(said, "svclab: --width is for --format terminal, not for csv\n");
    assert!(refused(&["report", &path, "--width", "20"]).contains("20 is not in 60..=1000"));
}

#[test]
fn a_run_that_does_not_exist_is_answered_with_those_that_do() {
    let said = refused(&["report", "nowhere"]);
    assert_eq!(
        said,
        "svclab: nowhere: no such file or folder; RUN is a run's folder, the run.jsonl in it, or the word latest\n"
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert_eq!(refused(&["report", path]), format!("svclab: {path} holds no run.jsonl: it is empty\n"));
    fs::write(folder.path().join("notes"), "").unwrap();
    fs::write(folder.path().join("more"), "").unwrap();
    assert_eq!(refused(&["report", path]), format!("svclab: {path} holds no run.jsonl; there are: more, notes\n"));

    fs::create_dir(folder.path().join("first")).unwrap();
    fs::write(folder.path().join("first/run.jsonl"), "").unwrap();
    let problem = format!("svclab: {path} holds no run.jsonl, but there are runs in it: {path}/first\n");
    assert_eq!(refused(&["report", path]), problem);
}

#[test]
fn a_file_that_is_no_dataset_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine");
    let path = file.to_str().unwrap();
    let cases = [
        ("", "line 1: the header is missing (the file is empty)"),
        ("a,b\n1,2\n", "line 1: the header is missing (it is no JSON): this is not a run.jsonl"),
        ("{\"kind\":\"cell\"}\n", "line 1: the header is missing (the first line is not of kind \"run\")"),
        (
            "{\"kind\":\"run\",\"format\":9,\"version\":\"9.9.9\"}\n",
            "line 1: the dataset is of format 9, written by svclab 9.9.9; this is svclab 0.1.0, which",
        ),
        ("{\"kind\":\"run\",\"format\":1,\"version\":\"9.9.9\"}\n", "read it with svclab 9.9.9, which wrote it"),
    ];
    for (text, problem) in cases {
        fs::write(&file, text).unwrap();
        let said = refused(&["report", path]);
        assert!(said.starts_with(&format!("svclab: {path}: line 1: ")) && said.contains(problem), "{said}");
    }
}

#[test]
fn a_damaged_line_is_named_by_its_number() {
    let (folder, path) = recorded("host");
    let (file, text) = text(&folder);
    let mut lines: Vec<&str> = text.lines().collect();
    lines[6] = "{\"kind\":\"cell\",\"scen";
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    let said = refused(&["report", &path]);
    assert!(said.starts_with(&format!("svclab: {}: line 7: it is not a record (", file.display())), "{said}");
    assert!(said.contains("delete the line to read the rest"), "{said}");
}

#[test]
fn a_run_that_was_cut_off_is_reported_with_a_warning() {
    let (folder, path) = recorded("host");
    let (file, text) = text(&folder);
    let tenth = text.match_indices('\n').nth(9).unwrap().0;
    // Within the eleventh line.
    fs::write(&file, &text[..tenth + 40]).unwrap();
    for format in ["terminal", "markdown", "html", "csv", "json", "benchstat"] {
        let (report, said) = done(&["report", &path, "--format", format]);
        let shorter = "no end line: the run broke off, or is going on elsewhere; it has 9 records so far";
        assert_eq!(said, format!("svclab: {}: {shorter}\n", file.display()));
        assert!(!report.is_empty());
    }
}

#[test]
fn a_run_with_only_a_header_is_reported_as_empty() {
    let (folder, path) = recorded("host");
    let (file, text) = text(&folder);
    fs::write(&file, text.split_inclusive('\n').next().unwrap()).unwrap();
    for format in ["terminal", "markdown", "html"] {
        let (report, said) = done(&["report", &path, "--format", format]);
        assert!(said.contains("it has 0 records"), "{said}");
        assert!(report.contains("nothing was measured"), "{report}");
    }
    // Every cell of the plan has its row, and says that it was not reached.
    let (csv, _) = done(&["report", &path, "--format", "csv"]);
    assert_eq!(csv.lines().filter(|line| line.contains(",skipped,the run ended before it,")).count(), 24, "{csv}");
    let out = folder.path().join("out");
    done(&["report", &path, "--format", "parquet", "--out", out.to_str().unwrap()]);
    let said = refused(&["report", &path, "--format", "benchmark-action", "--out", out.to_str().unwrap()]);
    assert!(said.contains("nothing was measured that could be better or worse"), "{said}");
}

#[test]
fn an_interrupted_run_and_one_of_a_newer_svclab_are_reported_with_a_warning() {
    let (folder, path) = recorded("failed");
    let (file, text) = text(&folder);
    let (report, said) = done(&["report", &path]);
    let shown = file.display();
    assert_eq!(said, format!("svclab: {shown}: the run was interrupted before its plan was complete\n"));
    assert!(report.contains("failed"), "{report}");

    let newer = text.replacen("\"version\":\"0.1.0\"", "\"version\":\"9.9.9\",\"colour\":\"red\"", 1);
    let newer =
        newer.replace("\"metric\":\"tool_exec\",\"unit\":\"ns\"", "\"metric\":\"tool_wait\",\"unit\":\"ticks\"");
    fs::write(&file, newer).unwrap();
    let (_, said) = done(&["report", &path]);
    let passed = "skipped 2 lines of unknown metric \"tool_wait\"; svclab 9.9.9 wrote it";
    assert!(said.starts_with(&format!("svclab: {shown}: {passed}\n")), "{said}");
}

#[test]
fn several_runs_are_read_together_unless_one_is_there_twice_or_their_clocks_differ() {
    let ((_one, host), (_other, exact)) = (recorded("host"), recorded("exact"));
    let (csv, _) = done(&["report", &host, &exact, "--format", "csv"]);
    let alone = |path: &str| done(&["report", path, "--format", "csv"]).0;
    let rows: String = alone(&exact).lines().skip(1).map(|line| format!("{line}\n")).collect();
    assert_eq!(csv, alone(&host) + &rows);

    let said = refused(&["report", &host, &exact]);
    assert!(said.contains("on different clocks") && said.contains("report those of each clock apart"), "{said}");
    let again = format!("{host}/run.jsonl");
    let said = refused(&["report", &host, &again, "--format", "csv"]);
    let problem = "the run format-20261121T172903767Z was given before; name it once";
    assert_eq!(said, format!("svclab: {again}: {problem}\n"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (_folder, path) = recorded("host");
    for format in ["terminal", "csv", "json"] {
        let shell = format!("{} report {path} --format {format} | head -n 1", env!("CARGO_BIN_EXE_svclab"));
        let output = Command::new("bash").args(["-o", "pipefail", "-c", &shell]).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
