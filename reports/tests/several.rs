//! Several runs beside each other: what tells them apart, and which cannot stand together.

mod sample;

use lab_core::dataset::Dataset;
use reports::report::Report;
use reports::{Runs, Unlike};

/// The sample as it would be on another kernel.
fn on_kernel(kernel: &str) -> Dataset {
    let mut dataset = sample::dataset();
    dataset.header.id = format!("scale-{kernel}");
    dataset.header.host.insert("kernel".to_owned(), kernel.to_owned());
    dataset
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn runs_are_told_apart_by_their_kernels() {
    let runs = Runs::of(vec![on_kernel("6.1.0-56"), on_kernel("6.18")]).unwrap();
    assert_eq!(runs.labels(), ["6.1.0-56", "6.18"]);
    for text in [Report::of(&runs).markdown(), Report::of(&runs).html()] {
        let (first, second) = (text.find("nftables · 6.1.0-56"), text.find("nftables · 6.18"));
        assert!(first.is_some() && first < second, "{first:?} {second:?}");
        let text = words(&text);
        assert!(text.contains("What differs between the runs"), "{text}");
        assert_eq!(text.matches("To repeat the run · 6.").count(), 2, "{text}");
        assert_eq!(text.matches("Example CPU @ 2.0 GHz").count(), 1, "what is the same is said once");
    }
    let terminal = Report::of(&runs).terminal(100);
    assert!(words(&terminal).contains("nftables · 6.18"), "{terminal}");
    assert!(terminal.lines().all(|line| line.chars().count() <= 100));
}

#[test]
fn what_all_kernels_end_with_is_not_said() {
    let runs = Runs::of(vec![on_kernel("6.1.0-56-cloud-amd64"), on_kernel("6.12.5-cloud-amd64")]).unwrap();
    assert_eq!(runs.labels(), ["6.1.0-56", "6.12.5"]);
    let runs = Runs::of(vec![on_kernel("a-x"), on_kernel("a-b-x")]).unwrap();
    assert_eq!(runs.labels(), ["a", "a-b"]);
}

#[test]
fn a_single_run_is_not_labelled() {
    let alone = Runs::from(sample::smoke(on_kernel("6.18")));
    assert!(!Report::of(&alone).markdown().contains("nftables · "));
    assert_eq!(Report::of(&alone).html(), Report::of(&Runs::of(alone.datasets().to_vec()).unwrap()).html());
}

#[test]
fn runs_on_one_kernel_are_told_apart_by_what_differs() {
    let labels = |change: &dyn Fn(&mut Dataset)| {
        let mut other = on_kernel("6.1");
        other.header.id = "other".to_owned();
        change(&mut other);
        Runs::of(vec![on_kernel("6.1"), other]).unwrap().labels().to_vec()
    };
    let cpu = |dataset: &mut Dataset| {
        dataset.header.host.insert("cpu".to_owned(), "Other CPU".to_owned());
    };
    assert_eq!(labels(&cpu), ["Example CPU @ 2.0 GHz, 2 cores", "Other CPU"]);
    assert_eq!(labels(&|other| other.header.version = "0.2.0".to_owned())[1], "svclab 0.2.0 (0123abc)");
    assert_eq!(labels(&|_| ()), ["scale-6.1", "other"]);

    let mut third = on_kernel("6.18");
    third.header.id = "third".to_owned();
    let mut second = on_kernel("6.1");
    second.header.id = "second".to_owned();
    second.header.version = "0.2.0".to_owned();
    let runs = Runs::of(vec![on_kernel("6.1"), second, third]).unwrap();
    let labels = ["6.1, svclab 0.1.0 (0123abc)", "6.1, svclab 0.2.0 (0123abc)", "6.18, svclab 0.1.0 (0123abc)"];
    assert_eq!(runs.labels(), labels);
}

#[test]
fn no_run_a_run_twice_and_runs_on_different_clocks_are_refused() {
    assert_eq!(Runs::of(Vec::new()), Err(Unlike::NoRun));
    let twice = Runs::of(vec![sample::dataset(), sample::dataset()]).unwrap_err();
    assert_eq!(twice.to_string(), "the run 2026-03-01-0930-scale was given twice; name it once");
    let clocks = Runs::of(vec![sample::dataset(), sample::counted()]).unwrap_err().to_string();
    assert_eq!(
        clocks,
        "the runs are on different clocks: instructions: 2026-03-01-0930-exact; wall: 2026-03-01-0930-scale; report \
         those of each clock apart"
    );
    assert!(matches!(Runs::of(vec![on_kernel("6.1"), sample::emulated()]), Err(Unlike::Clocks(_))));
}

#[test]
fn the_ratio_to_direct_stays_within_its_run() {
    let mut slow = on_kernel("6.18");
    for cell in &mut slow.cells {
        cell.samples.iter_mut().for_each(|sample| *sample *= 3.0);
    }
    // What stands beside the number of a new connection to the last of 20,000 Services.
    let ratio = |runs: &Runs, column: &str| {
        let text = Report::of(runs).markdown();
        let mut lines = text.split("\n### Set up a connection").nth(1).unwrap().lines();
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let head = cells(lines.find(|line| line.starts_with("| Services")).unwrap());
        let row = cells(lines.find(|line| line.starts_with("| 20,000 | last |")).unwrap());
        let cell = &row[head.iter().position(|title| title == column).unwrap()];
        cell.split(' ').nth(1).map(str::to_owned)
    };
    let expected = ratio(&on_kernel("6.1").into(), "nftables");
    assert!(expected.as_ref().is_some_and(|ratio| ratio.ends_with('×')));
    let runs = Runs::of(vec![on_kernel("6.1"), slow]).unwrap();
    assert_eq!(ratio(&runs, "nftables · 6.1"), expected);
    assert_eq!(ratio(&runs, "nftables · 6.18"), expected);
}

#[test]
fn of_several_runs_one_may_be_empty_or_failed() {
    let mut empty = on_kernel("6.18");
    empty.header.plan.cells.clear();
    empty.cells.clear();
    for (other, said) in [
        (empty, "the plan of this run has no cells: nothing was asked"),
        (Dataset { cells: Vec::new(), end: None, ..on_kernel("6.18") }, "the run ended before it"),
    ] {
        let runs = Runs::of(vec![on_kernel("6.1"), other]).unwrap();
        for text in [Report::of(&runs).markdown(), Report::of(&runs).html()] {
            assert!(words(&text).contains(said), "{said}");
            assert!(text.contains("nftables · 6.1"));
        }
        assert!(words(&Report::of(&runs).terminal(100)).contains("nftables · 6.1"));
    }
}
