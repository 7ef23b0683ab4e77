//! `svclab drift` over folders of recorded runs.

#[path = "run/mod.rs"]
mod run;

use run::{Run, Workplace};

/// Ten runs, one a day; from `since` on, `factor` times as slow with nftables.
fn history(place: &Workplace, since: usize, factor: f64) {
    for day in 0..10 {
        let start = format!("2026-11-{:02}T06:00:00Z", day + 1);
        // No two runs are quite the same.
        let noise = 1.0 + 0.0001 * f64::from(u8::try_from(day * 7 % 5).unwrap());
        let factor = if day >= since { noise * factor } else { noise };
        let run = Run::exact().named(&format!("day-{day}")).begun(&start).times("nftables", "sync_full", factor);
        place.write(&format!("history/{day}/run"), &run);
    }
}

#[test]
fn a_steady_history_has_not_drifted() {
    let place = Workplace::new();
    history(&place, 10, 1.0);
    let (text, _) = place.ends(0, &["drift", "history"]);
    assert!(text.starts_with("tiny on exact: 10 runs, from 2026-11-01 to 2026-11-10\n"), "{text}");
    assert!(text.ends_with("of 5 figures that gate, none has drifted\n"), "{text}");
}

#[test]
fn a_last_run_out_of_line_is_named() {
    let place = Workplace::new();
    history(&place, 9, 1.05);
    let (text, said) = place.ends(1, &["drift", "history"]);
    assert!(text.contains("nftables at 10 Services, sync_full\n  31.5"), "{text}");
    assert_eq!(said, "svclab: 1 figure has drifted\n");
}

#[test]
fn a_level_that_became_worse_is_named_with_the_run_it_began_with() {
    let place = Workplace::new();
    history(&place, 6, 1.03);
    let (text, _) = place.ends(1, &["drift", "history"]);
    assert!(text.contains("(+3.0 %) since day-6"), "{text}");
    // A change within the policy's tolerance is no drift.
    let policy = place.text("policy.yaml", "tolerance: 5%\n");
    place.ends(0, &["drift", "history", "--policy", &policy]);
}

#[test]
fn runs_of_another_kernel_are_left_out_unless_they_are_meant() {
    let place = Workplace::new();
    history(&place, 10, 1.0);
    let other = Run::exact().named("other").begun("2026-10-31T06:00:00Z").with("6.1.0-56-amd64", "6.12.0-1-amd64");
    place.write("history/other", &other);
    let (text, _) = place.ends(0, &["drift", "history"]);
    assert!(text.contains("10 runs") && text.contains("left out: other: the kernel was 6.12.0-1-amd64"), "{text}");
    let (text, _) = place.ends(0, &["drift", "history", "--allow", "kernel"]);
    assert!(text.contains("11 runs") && !text.contains("left out"), "{text}");
}

#[test]
fn too_few_runs_give_no_result_and_no_run_is_an_error() {
    let place = Workplace::new();
    place.write("history/one", &Run::exact());
    place.write("history/one/again", &Run::exact().named("again"));
    place.text("history/damaged.jsonl", "{}\n");
    let (text, said) = place.ends(0, &["drift", "history"]);
    assert!(text.contains("tiny on exact: 1 run, ") && text.contains("too few to tell: at least "), "{text}");
    assert!(said.starts_with("svclab: skipped: history/damaged.jsonl: line 1: "), "{said}");
    place.folder("empty");
    assert!(place.refused(&["drift", "empty"]).contains("empty holds no run; make some with"));
    assert!(place.refused(&["drift", "nowhere"]).contains("reading the folder nowhere"));
}
