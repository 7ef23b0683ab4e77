//! `svclab baseline`: what it keeps of a run, how it prints a change, and that no file is lost.

#[path = "run/mod.rs"]
mod run;

use run::{Run, Workplace};
use std::fs;

#[test]
fn a_baseline_keeps_the_reason_and_runs_are_compared_with_it() {
    let place = Workplace::new();
    let run = place.write("mine", &Run::exact());
    let (printed, said) = place.ends(0, &["baseline", "update", "--from", &run, "--reason", "the first one"]);
    let file = "ci/baselines/tiny-exact.jsonl";
    assert_eq!((printed, said), (format!("{file}: new\n"), format!("{file}\n")));
    let line = place.read(file).lines().next().unwrap().to_owned();
    assert!(line.contains("\"baseline\":{\"reason\":\"the first one\",\"updated\":\"2"), "{line}");

    let (_, said) = place.ends(0, &["gate", "--baseline", file, &run]);
    assert_eq!(said, "");
    place.ends(0, &["gate", "--baseline", "ci/baselines", &run]);
    let slower = place.write("slower", &Run::exact().named("slower").times("nftables", "sync_full", 1.02));
    place.ends(1, &["gate", "--baseline", file, &slower]);
    // Every verb that reads runs reads a baseline.
    place.ends(0, &["report", file]);
    place.ends(0, &["compare", file, &slower]);
}

#[test]
fn an_update_prints_the_change_and_replaces_the_file() {
    let place = Workplace::new();
    let (first, second) = (
        place.write("first", &Run::exact()),
        place.write("second", &Run::exact().named("second").times("nftables", "sync_full", 1.02)),
    );
    place.ends(0, &["baseline", "update", "b.jsonl", "--from", &first, "--reason", "the first one"]);
    let (printed, _) =
        place.ends(0, &["baseline", "update", "b.jsonl", "--from", &second, "--reason", "one rule more"]);
    assert!(printed.contains("nftables at 10 Services, sync_full"), "{printed}");
    let text = place.read("b.jsonl");
    assert!(text.contains("one rule more") && !text.contains("the first one"), "{text}");
    place.ends(0, &["gate", "--baseline", "b.jsonl", &second]);
    // Nothing but the file is left in its folder.
    let names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn an_incomplete_run_makes_no_baseline_and_the_old_one_stays() {
    let place = Workplace::new();
    let run = place.write("whole", &Run::exact());
    place.ends(0, &["baseline", "update", "b.jsonl", "--from", &run, "--reason", "the first one"]);
    let before = place.read("b.jsonl");
    for (name, half, problem) in [
        ("cut", Run::exact().cut_off(3), "is incomplete"),
        ("stopped", Run::exact().with("\"interrupted\":false", "\"interrupted\":true"), "is incomplete"),
        ("nothing", Run::exact().with("\"measured\":5", "\"skipped\":5"), "measured nothing"),
        (
            "odd",
            Run::exact().with("\"format\":1", "\"format\":9"),
            "the dataset is of format 9, written by svclab 0.1.0",
        ),
    ] {
        let half = place.write(name, &half);
        let said = place.refused(&["baseline", "update", "b.jsonl", "--from", &half, "--reason", "another"]);
        assert!(said.contains(problem), "{said}");
        assert_eq!(place.read("b.jsonl"), before);
    }
}

#[test]
fn a_file_that_cannot_be_written_leaves_everything_as_it_was() {
    let place = Workplace::new();
    let run = place.write("mine", &Run::exact());
    place.text("file", "not a folder");
    let said = place.refused(&["baseline", "update", "file/b.jsonl", "--from", &run, "--reason", "another"]);
    assert!(said.contains("writing file/b.jsonl"), "{said}");
    let said = place.refused(&["baseline", "update", "mine", "--from", &run, "--reason", "another"]);
    assert!(said.contains("mine is a folder; name the baseline's file"), "{said}");
    assert_eq!(place.read("mine/run.jsonl"), Run::exact().text());
}

#[test]
fn failed_cells_are_kept_and_reported() {
    let place = Workplace::new();
    let run = place.write("mine", &Run::exact().failed("nftables", "connect", "an endpoint answered wrong"));
    let (_, said) = place.ends(0, &["baseline", "update", "b.jsonl", "--from", &run, "--reason", "as it is"]);
    assert!(said.contains("tiny-exact: 1 cell failed: later runs are not compared there"), "{said}");
}

#[test]
fn a_baseline_needs_a_reason_and_a_run_or_a_baseline_to_run_again() {
    let place = Workplace::new();
    let run = place.write("mine", &Run::exact());
    assert!(place.refused(&["baseline", "update", "b.jsonl", "--from", &run]).contains("--reason"));
    assert!(place.refused(&["baseline", "update", "b.jsonl", "--from", &run, "--reason", " "]).contains("is empty"));
    assert!(place.refused(&["baseline", "update", "--reason", "none"]).contains("<FILE>"));
    let said = place.refused(&["baseline", "update", "b.jsonl", "--reason", "another"]);
    assert!(said.contains("b.jsonl: there is no such baseline; make one"), "{said}");
}

#[test]
fn baselines_are_listed_with_their_environment_age_and_reason() {
    let place = Workplace::new();
    let run = place.write("mine", &Run::exact());
    place.ends(0, &["baseline", "update", "--from", &run, "--reason", "the first one"]);
    place.text("ci/baselines/damaged.jsonl", "{}\n");
    let (list, _) = place.ends(0, &["baseline", "list"]);
    for told in [
        "ci/baselines/tiny-exact.jsonl\n  tiny on exact, kernel 6.1.0-56-amd64: 5 cells, ",
        ", today: the first one\n",
        "svclab 0.1.0 62bba04f16ab; iptables v1.8.9 (legacy), nftables v1.0.6\n",
        "ci/baselines/damaged.jsonl\n  cannot be read: ",
    ] {
        assert!(list.contains(told), "{told}: {list}");
    }
    let said = place.refused(&["baseline", "list", "nowhere"]);
    assert!(said.contains("nowhere: there is no such folder; make a baseline with"), "{said}");
    place.folder("empty");
    assert!(place.ends(0, &["baseline", "list", "empty"]).0.starts_with("empty: no baseline; "));
}
