//! `svclab compare` and `svclab gate` on recorded runs: results, exit codes, and messages for odd ones.

#[path = "run/mod.rs"]
mod run;

use run::{Run, Workplace};
use std::path::Path;
use std::process::Command;

#[test]
fn a_run_that_is_the_same_passes() {
    let place = Workplace::new();
    let (before, after) = (place.write("before", &Run::exact()), place.write("after", &Run::exact().named("after")));
    let (text, said) = place.ends(0, &["gate", "--baseline", &before, &after]);
    assert!(text.contains("after") && said.is_empty(), "{text}{said}");
    let baseline = format!("{before}/run.jsonl");
    assert_eq!(place.ends(0, &["gate", "--baseline", &baseline, &format!("{after}/run.jsonl")]).0, text);
    // A run is not worse than itself.
    place.ends(0, &["gate", "--baseline", &before, &before]);
}

#[test]
fn a_cell_that_became_slower_fails_and_is_named() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let after = place.write("after", &Run::exact().named("after").times("nftables", "sync_full", 1.02));
    let (text, said) = place.ends(1, &["gate", "--baseline", &before, &after]);
    assert!(text.contains("nftables at 10 Services, sync_full") && text.contains("regressed"), "{text}");
    assert_eq!(said, "svclab: the gate fails: regressed 1\n");

    let (compared, _) = place.ends(0, &["compare", &before, &after]);
    assert!(compared.contains("nftables at 10 Services, sync_full"), "{compared}");
}

#[test]
fn what_became_better_passes() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let after = place.write("after", &Run::exact().named("after").times("nftables", "sync_full", 0.9));
    let (text, _) = place.ends(0, &["gate", "--baseline", &before, &after]);
    assert!(text.contains("improved"), "{text}");
}

#[test]
fn a_required_backend_that_was_skipped_fails_the_gate() {
    let place = Workplace::new();
    let skipped = |id| {
        let failed = Run::exact().named(id).failed("nftables", "sync_full", "nft is not installed");
        failed.with("\"outcome\":\"failed\"", "\"outcome\":\"skipped\"")
    };
    let (before, after) = (place.write("before", &skipped("before")), place.write("after", &skipped("after")));
    // As before: it is not missing, either.
    place.ends(0, &["gate", "--baseline", &before, &after]);
    let policy = place.text("policy.yaml", "require: [iptables-legacy, nftables]\n");
    let (text, said) = place.ends(1, &["gate", "--baseline", &before, &after, "--policy", &policy]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("ftables is required; skipped were 1 of its "), "{text}");
    assert!(said.starts_with("svclab: the gate fails: nftables is required; skipped were 1 of its "), "{said}");
    assert!(said.ends_with("cells: nft is not installed\n"), "{said}");
    let (junit, _) = place.ends(1, &["gate", "--baseline", &before, &after, "--policy", &policy, "--format", "junit"]);
    assert!(junit.contains("svclab.required"), "{junit}");
}

#[test]
fn another_kernel_is_not_comparable_unless_it_is_the_subject() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let after = place.write("after", &Run::exact().named("after").with("6.1.0-56-amd64", "6.12.0-1-amd64"));
    let (text, said) = place.ends(5, &["gate", "--baseline", &before, &after]);
    assert!(text.contains("6.12.0-1-amd64"), "{text}");
    let differs = "the kernel was 6.1.0-56-amd64 and is 6.12.0-1-amd64";
    assert!(said.starts_with(&format!("svclab: not comparable with {before}/run.jsonl: {differs}")), "{said}");
    assert!(said.contains("--allow kernel;"), "{said}");
    let remedy = format!("svclab baseline update {before}/run.jsonl --from {after} --reason TEXT\n");
    assert!(said.ends_with(&remedy), "{said}");
    place.ends(0, &["gate", "--baseline", &before, &after, "--allow", "kernel"]);
    place.ends(0, &["gate", "--baseline", &before, &after, "--allow", "tools,kernel"]);
    // A comparison shows what differs, without asking for permission.
    let (text, said) = place.ends(0, &["compare", &before, &after]);
    assert!(text.contains("6.12.0-1-amd64") && said.is_empty(), "{text}{said}");
}

#[test]
fn instructions_and_times_are_never_comparable() {
    let place = Workplace::new();
    let (counted, timed) = (place.write("counted", &Run::exact()), place.write("timed", &Run::host()));
    let (_, said) = place.ends(5, &["gate", "--baseline", &counted, &timed, "--allow", "target,kernel"]);
    assert!(said.contains("the clock was instructions and is wall; this cannot be allowed"), "{said}");
    let said = place.refused(&["gate", "--baseline", &counted, &timed, "--allow", "clock"]);
    assert!(said.contains("cannot be compared, whatever is allowed"), "{said}");
    let (text, said) = place.ends(5, &["compare", &counted, &timed]);
    assert_eq!(text, "");
    assert!(said.contains("cannot be compared: the clock was instructions and is wall"), "{said}");
}

#[test]
fn another_plan_is_not_comparable_unless_allowed_for_the_common_cells() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let after = place.write("after", &Run::exact().named("after").without("connect"));
    let (_, said) = place.ends(5, &["gate", "--baseline", &before, &after]);
    assert!(said.contains("the plan (cells) was") && said.contains("--allow plan"), "{said}");
    place.ends(0, &["gate", "--baseline", &before, &after, "--allow", "plan"]);
}

#[test]
fn an_unknown_aspect_is_answered_with_the_known_ones() {
    let said = Workplace::new().refused(&["gate", "--baseline", "b", "r", "--allow", "kernle"]);
    assert!(said.contains("kernel") && said.contains("tools"), "{said}");
}

#[test]
fn a_missing_baseline_tells_how_to_make_one() {
    let place = Workplace::new();
    let run = place.write("mine", &Run::exact());
    let remedy =
        |run: &str| format!("make one from a good run: svclab baseline update b.jsonl --from {run} --reason TEXT");
    let said = place.refused(&["gate", "--baseline", "b.jsonl", &run]);
    assert_eq!(said, format!("svclab: b.jsonl: there is no such baseline; {}\n", remedy(&run)));
    let said = place.refused(&["gate", "--baseline", "b.jsonl"]);
    assert_eq!(said, format!("svclab: b.jsonl: there is no such baseline; {}\n", remedy("RUN")));
    let said = place.refused(&["gate", &run]);
    assert!(said.contains("not provided:\n  --baseline <FILE|DIR>"), "{said}");

    place.folder("empty");
    let said = place.refused(&["gate", "--baseline", "empty", &run]);
    assert!(said.contains("empty holds no baseline; make one") && said.contains("empty/tiny-exact.jsonl"), "{said}");
}

#[test]
fn of_a_folder_of_baselines_the_one_of_the_run_s_scenario_and_target_is_taken() {
    let place = Workplace::new();
    let run = place.write("mine", &Run::exact());
    place.write_file("baselines/tiny-exact.jsonl", &Run::exact());
    place.write_file("baselines/tiny-host.jsonl", &Run::host());
    place.write_file("baselines/other-exact.jsonl", &Run::exact().with("\"tiny\"", "\"other\""));
    place.ends(0, &["gate", "--baseline", "baselines", &run]);

    let said = place.refused(&["gate", "--baseline", "baselines"]);
    assert!(said.contains("baselines holds several baselines; name one of baselines/other-exact.jsonl, "), "{said}");
    let other = place.write("another", &Run::exact().with("\"tiny\"", "\"another\""));
    let said = place.refused(&["gate", "--baseline", "baselines", &other]);
    assert!(said.contains("baselines holds no baseline of another on exact; there are baselines/"), "{said}");

    // Two of the same plan: the one with the run's kernel is taken.
    place.write_file("baselines/tiny-6.12.jsonl", &Run::exact().with("6.1.0-56-amd64", "6.12.0-1-amd64"));
    place.ends(0, &["gate", "--baseline", "baselines", &run]);
    place.write_file("baselines/tiny-again.jsonl", &Run::exact());
    let said = place.refused(&["gate", "--baseline", "baselines", &run]);
    let several = "holds several baselines of tiny on exact; name one of baselines/tiny-6.12.jsonl, ";
    assert!(said.contains(several), "{said}");
}

#[test]
fn cells_after_the_end_of_a_cut_off_run_are_missing() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let after = place.write("after", &Run::exact().named("after").cut_off(3));
    let (text, said) = place.ends(1, &["gate", "--baseline", &before, &after]);
    assert!(
        said.contains("after/run.jsonl: no end line: the run broke off, or is going on elsewhere; it has 3 records"),
        "{said}"
    );
    assert!(said.contains("the gate fails: missing "), "{said}");
    assert!(text.contains("the run ended before it"), "{text}");
    // The policy decides about missing cells.
    let policy = place.text("policy.yaml", "missing: pass\n");
    place.ends(0, &["gate", "--baseline", &before, &after, "--policy", &policy]);
}

#[test]
fn a_failed_cell_is_missing_with_its_reason() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let after =
        place.write("after", &Run::exact().named("after").failed("nftables", "connect", "an endpoint answered wrong"));
    let (text, said) = place.ends(1, &["gate", "--baseline", &before, &after]);
    assert!(text.contains("an endpoint answered wrong"), "{text}");
    assert_eq!(said, "svclab: the gate fails: missing 1\n");
    // A cell that failed in the baseline does not gate.
    place.ends(0, &["gate", "--baseline", &after, &before]);
    place.ends(0, &["gate", "--baseline", &after, &after]);
}

#[test]
fn a_file_that_is_no_dataset_or_of_another_format_is_refused() {
    let place = Workplace::new();
    let run = place.write("mine", &Run::exact());
    for (text, problem) in [
        (String::new(), "line 1: the header is missing (the file is empty)"),
        (
            Run::exact().with("\"format\":1", "\"format\":9").text(),
            "the dataset is of format 9, written by svclab 0.1.0; this is svclab 0.1.0",
        ),
        (Run::exact().with("\"kind\":\"cell\"", "\"kind\"").text(), "line 2: it is not a record"),
    ] {
        let odd = place.text("odd.jsonl", &text);
        for args in [["gate", "--baseline", &odd, &run], ["gate", "--baseline", &run, &odd]] {
            let said = place.refused(&args);
            assert!(
                said.starts_with("svclab: ") && said.contains("odd.jsonl: line ") && said.contains(problem),
                "{said}"
            );
        }
        let said = place.refused(&["compare", &run, &odd]);
        assert!(said.contains(problem), "{said}");
    }
}

#[test]
fn a_policy_decides_and_what_is_wrong_in_it_is_named_by_its_line() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let after = place.write("after", &Run::exact().named("after").times("nftables", "sync_full", 1.02));
    let gate = ["gate", "--baseline", &before, &after, "--policy"];
    for (text, code) in [
        ("tolerance: 3%\n", 0),
        ("tolerance: 1%\n", 1),
        ("rules:\n- {metric: sync_full, backend: nftables, tolerance: 3%}\n", 0),
        ("rules:\n- {metric: sync_full, backend: ipvs, tolerance: 3%}\n", 1),
        ("rules:\n- {probe: sync_full, gating: explains, why: not ours}\n", 0),
    ] {
        let policy = place.text("policy.yaml", text);
        place.ends(code, &[&gate[..], &[&policy]].concat());
    }
    let wrong = "tolerence: 3%\nrules:\n- {metric: sync_ful, tolerance: 3%}\n";
    let policy = place.text("policy.yaml", wrong);
    let said = place.refused(&[&gate[..], &[&policy]].concat());
    assert!(said.starts_with("svclab: policy.yaml:1: ") && said.contains("tolerence"), "{said}");
    assert!(said.contains("policy.yaml:3: ") && said.contains("did you mean \"sync_full\"?"), "{said}");
    let said = place.refused(&[&gate[..], &["nowhere.yaml"]].concat());
    assert!(said.contains("nowhere.yaml"), "{said}");
}

#[test]
fn the_policy_in_force_is_printed_as_a_file_that_means_the_same() {
    let place = Workplace::new();
    let (text, _) = place.ends(0, &["gate", "--print-policy"]);
    assert!(text.contains("tolerance: 0.5%"), "{text}");
    let policy = place.text("policy.yaml", &text);
    assert_eq!(place.ends(0, &["gate", "--print-policy", "--policy", &policy]).0, text);
}

#[test]
fn everything_is_written_into_a_folder_and_one_format_into_a_file() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let after = place.write("after", &Run::exact().named("after").times("nftables", "sync_full", 1.02));
    let gate = ["gate", "--baseline", &before, &after];
    let (text, said) = place.ends(1, &[&gate[..], &["--out", "verdict"]].concat());
    assert_eq!(place.read("verdict/verdict.txt"), text);
    for (name, start) in [
        ("verdict.md", "# "),
        ("verdict.csv", ""),
        ("verdict.json", "{"),
        ("verdict.html", "<!"),
        ("junit.xml", "<"),
        ("metrics.txt", ""),
    ] {
        assert!(said.contains(&format!("verdict/{name}\n")), "{said}");
        let text = place.read(&format!("verdict/{name}"));
        assert!(text.starts_with(start) && !text.is_empty(), "{name}: {text}");
    }
    let said = place.refused(&[&gate[..], &["--out", "verdict"]].concat());
    assert!(said.contains("--out verdict holds a verdict already; name a new folder"), "{said}");

    let formats =
        [("markdown", "verdict.md"), ("json", "verdict.json"), ("csv", "verdict.csv"), ("junit", "junit.xml")];
    for (format, name) in formats {
        let (printed, _) = place.ends(1, &[&gate[..], &["--format", format]].concat());
        assert_eq!(printed, place.read(&format!("verdict/{name}")), "{format}");
        let (printed, _) = place.ends(1, &[&gate[..], &["--format", format, "--out", "mine"]].concat());
        assert_eq!((printed, place.read("mine")), (text.clone(), place.read(&format!("verdict/{name}"))));
    }
    let said = place.refused(&[&gate[..], &["--out", "mine"]].concat());
    assert!(said.contains("--out mine is a file; without --format it must be a folder"), "{said}");
}

#[test]
fn neither_run_nor_baseline_is_written_over() {
    let place = Workplace::new();
    let (before, after) = (place.write("before", &Run::exact()), place.write("after", &Run::exact().named("after")));
    for file in [format!("{before}/run.jsonl"), format!("{after}/run.jsonl")] {
        for verb in [vec!["gate", "--baseline", &before, &after], vec!["compare", &before, &after]] {
            let said = place.refused(&[&verb[..], &["--format", "csv", "--out", &file]].concat());
            assert_eq!(said, format!("svclab: --out {file} is the run itself; name another file\n"));
        }
    }
    assert_eq!(place.read("before/run.jsonl"), Run::exact().text());
}

#[test]
fn a_comparison_has_a_text_for_everybody() {
    let place = Workplace::new();
    let (before, after) = (place.write("before", &Run::exact()), place.write("after", &Run::exact().named("after")));
    for (format, name) in [
        ("terminal", "comparison.txt"),
        ("markdown", "comparison.md"),
        ("csv", "comparison.csv"),
        ("json", "comparison.json"),
        ("html", "comparison.html"),
    ] {
        let (text, _) = place.ends(0, &["compare", &before, &after, "--format", format]);
        assert!(!text.is_empty(), "{format}");
        place.folder(format);
        place.ends(0, &["compare", &before, &after, "--format", format, "--out", format]);
        assert_eq!(place.read(&format!("{format}/{name}")), text);
    }
    let said = place.refused(&["compare", &before, &after, "--format", "csv", "--width", "90"]);
    assert_eq!(said, "svclab: --width is for --format terminal, not for csv\n");
    let said = place.refused(&["compare", &before]);
    assert!(said.contains("AFTER"), "{said}");
}

#[test]
fn a_job_on_github_is_annotated_and_has_its_summary_added_to() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let after = place.write("after", &Run::exact().named("after").times("nftables", "sync_full", 1.02));
    let summary = place.text("summary.md", "from a step before\n");
    let on_github = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.as_str())];
    let gate = ["gate", "--baseline", &before, &after];

    let (text, _) = place.ends_with(&on_github, 1, &gate);
    assert!(text.lines().any(|line| line.starts_with("::error") && line.contains("sync_full")), "{text}");
    let added = place.read("summary.md");
    assert!(added.starts_with("from a step before\n") && added.contains("sync_full"), "{added}");

    // Standard output that a program reads has no workflow commands in it.
    let (json, _) = place.ends_with(&on_github, 1, &[&gate[..], &["--format", "json"]].concat());
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");

    // A summary that cannot be written does not change the verdict.
    let nowhere = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "nowhere/summary.md")];
    let (_, said) = place.ends_with(&nowhere, 1, &gate);
    assert!(said.contains("adding to the step's summary, nowhere/summary.md"), "{said}");

    let (text, _) = place.ends(1, &gate);
    assert!(!text.contains("::error"), "{text}");
    let (commands, _) = place.ends(1, &[&gate[..], &["--format", "github-annotations"]].concat());
    assert!(commands.lines().all(|line| line.starts_with("::")), "{commands}");
}

/// The step of ci/action.yml, as a runner of GitHub's would execute it.
#[test]
fn the_action_s_step_ends_as_the_gate_does_and_leaves_everything() {
    let place = Workplace::new();
    let before = place.write("before", &Run::exact());
    let same = place.write("same", &Run::exact().named("same"));
    let slower = place.write("slower", &Run::exact().named("slower").times("nftables", "sync_full", 1.02));
    let other = place.write("other", &Run::exact().named("other").with("6.1.0-56-amd64", "6.12.0-1-amd64"));
    for (run, allow, code) in [(&same, "", 0), (&slower, "", 1), (&other, "", 5), (&other, "kernel", 0)] {
        let out = format!("out-{run}-{allow}");
        let mut step = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/step"));
        step.current_dir(place.path()).env("SVCLAB", env!("CARGO_BIN_EXE_svclab")).env("BASELINE", &before);
        step.env("RUN", run).env("ALLOW", allow).env("POLICY", "").env("SCENARIO", "").env("OUT", &out);
        step.env("GITHUB_ACTIONS", "true").env("GITHUB_OUTPUT", "output").env("GITHUB_STEP_SUMMARY", "summary.md");
        let output = step.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{run}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(place.read("output").ends_with(&format!("exit-code={code}\n")), "{}", place.read("output"));
        assert!(place.read(&format!("{out}/junit.xml")).starts_with("<?xml"));
    }
    assert!(place.read("summary.md").contains("sync_full"));
}

#[test]
fn on_a_wall_clock_only_a_run_of_this_machine_is_run_again_by_default() {
    let place = Workplace::new();
    let before = place.write("before", &Run::host());
    let after = place.write("after", &Run::host().named("after").times("nftables", "connect", 3.0));
    let gate = ["gate", "--baseline", &before, &after];
    // The message says that it is not confirmed.
    let (text, said) = place.ends(1, &gate);
    assert!(text.contains("nftables at 10 Services, connect") && text.contains("not run again"), "{text}");
    // The cell, and the one of direct that it is compared with.
    assert!(said.starts_with("not run again, so not confirmed: 2 cells: the run was made elsewhere: the "), "{said}");
    assert!(said.contains("; see --rerun\n"), "{said}");
    let (_, said) = place.ends(1, &[&gate[..], &["--rerun", "never"]].concat());
    assert!(said.starts_with("not run again, so not confirmed: 2 cells: --rerun never\n"), "{said}");
    let policy = place.text("policy.yaml", "reruns: 0\n");
    let (_, said) = place.ends(1, &[&gate[..], &["--policy", &policy]].concat());
    assert!(said.starts_with("svclab: the gate fails: "), "{said}");

    // A recorded rerun counts: here it confirms the regression.
    place.write("after/again", &Run::host().named("again").times("nftables", "connect", 3.0));
    let (_, said) = place.ends(1, &gate);
    assert_eq!(said, "using the earlier rerun after/again/run.jsonl\nsvclab: the gate fails: regressed 1\n");
    // Here it does not confirm it.
    place.write("after/again", &Run::host().named("again"));
    let (_, said) = place.ends(0, &gate);
    assert_eq!(said, "using the earlier rerun after/again/run.jsonl\n");
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let place = Workplace::new();
    let run = place.write("mine", &Run::exact());
    let said = place.refused(&["gate", "--baseline", &run, &run, "--kernel", "debian-13"]);
    assert!(said.contains("--kernel"), "{said}");
}
