//! What others wrote in a dataset, in the formats that programs read: it stays one cell and one line.

#[allow(dead_code, reason = "the samples have more than these tests want")]
#[path = "sample/pair.rs"]
mod pair;
#[allow(dead_code, reason = "the samples have more than these tests want")]
mod sample;

use analysis::gate::{Aspect, Policy, compare, judge};
use lab_core::cell::{DriverName, Source};
use lab_core::dataset::Dataset;
use lab_core::metric::Better;
use lab_core::vocabulary::{Outcome, Word};
use reports::gate::{comparison, judgement};
use std::slice;

/// Every text of `dataset` that is not one of svclab's words, with `evil` behind or in place of it.
fn with_texts(mut dataset: Dataset, evil: &str) -> Dataset {
    let header = &mut dataset.header;
    header.id = evil.to_owned() + &header.id;
    for text in [&mut header.version, &mut header.revision, &mut header.question, &mut header.plan.scenario] {
        *text = evil.to_owned();
    }
    let tables = [&mut header.host, &mut header.guest, &mut header.tools];
    tables.into_iter().flat_map(|table| table.values_mut()).for_each(|text| *text = evil.to_owned() + text);
    let name = |cell: &mut lab_core::cell::Cell| {
        cell.cluster.source = Source::Imported { name: evil.to_owned().into(), digest: evil.to_owned().into() };
    };
    header.plan.cells.iter_mut().for_each(name);
    for record in &mut dataset.cells {
        name(&mut record.cell);
        record.scenario = evil.to_owned();
        if record.outcome != Outcome::Measured {
            record.reason = evil.to_owned();
        }
    }
    dataset
}

/// `dataset` as if a kube-proxy of such a name had programmed its nodes.
fn driven(mut dataset: Dataset, evil: &str) -> Dataset {
    let driver = DriverName::KubeProxy(evil.to_owned().into());
    dataset.header.plan.cells.iter_mut().for_each(|cell| cell.variant.driver = driver);
    dataset.cells.iter_mut().for_each(|record| record.cell.variant.driver = driver);
    dataset
}

/// A policy that lets the runs of the pair be compared: they are of different kernels and tools.
fn allowing() -> Policy {
    Policy {
        allow: Aspect::ALL.iter().copied().filter(|aspect| *aspect != Aspect::Clock).collect(),
        ..Policy::default()
    }
}

/// Every text that programs read line by line, by its format.
fn texts(evil: &str) -> Vec<(&'static str, String)> {
    let dataset = driven(with_texts(sample::dataset(), evil), evil);
    let (before, after) = pair::timed();
    let (before, after) = (with_texts(before, evil), with_texts(after, evil));
    let judged = judge(&before, &after, &[], &allowing());
    assert!(judged.judged.len() > 10);
    vec![
        ("benchstat", reports::benchstat(slice::from_ref(&dataset))),
        ("benchmark-action", reports::benchmark_action(slice::from_ref(&dataset), Better::Lower).unwrap()),
        ("github", judgement::github_annotations(&judged)),
        ("gitlab", judgement::gitlab_metrics(&judged)),
        ("junit", judgement::junit(&judged)),
    ]
}

#[test]
fn a_line_stays_one_line_whatever_is_in_it() {
    let plain = texts("x");
    for evil in ["a\nBenchmarkEvil 1 2 ns/op\n", "\r\n::error title=evil::", "\"} 1\nevil{a=\"#", "&<x>]]>\u{b}\u{85}"]
    {
        for ((format, plain), (_, text)) in plain.iter().zip(texts(evil)) {
            // A reader of XML takes the end of a line within quotes for a blank.
            let parts = |text: &str| match *format {
                "junit" => text.matches('<').count(),
                _ => text.lines().count(),
            };
            assert_eq!(parts(&text), parts(plain), "{format} with {evil:?}: {text}");
            if !["benchmark-action", "junit"].contains(format) {
                assert_eq!(text.matches('\r').count(), 0, "{format} with {evil:?}");
            }
        }
    }
}

#[test]
fn a_name_is_one_word_of_a_benchmark_and_one_label() {
    for evil in ["a b/c=d", "quote\"#{}", ""] {
        for (format, text) in texts(evil) {
            match format {
                "benchstat" => {
                    for line in text.lines().filter(|line| line.starts_with("Benchmark")) {
                        let name = line.split('\t').next().unwrap();
                        assert!(!name.contains(char::is_whitespace), "{line}");
                        assert!(name.split('/').skip(1).all(|part| part.matches('=').count() == 1), "{line}");
                    }
                }
                "gitlab" => {
                    for line in text.lines().filter(|line| !line.starts_with('#')) {
                        let labels = line.split_once('{').unwrap().1.split_once("} ").unwrap().0;
                        assert_eq!(labels.matches('"').count(), 2 * labels.split(',').count(), "{line}");
                        assert!(!labels.contains('#'), "{line}");
                    }
                }
                _ => {}
            }
        }
    }
}

#[test]
fn no_cell_of_a_table_begins_a_formula() {
    for evil in ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1"] {
        let dataset = with_texts(sample::dataset(), evil);
        let (before, after) = pair::timed();
        let (before, after) = (with_texts(before, evil), with_texts(after, evil));
        let compared = compare(&before, &after);
        let judged = judge(&before, &after, &[], &allowing());
        let tables = [reports::csv(&[dataset]), comparison::csv(&compared), judgement::csv(&judged)];
        for text in tables {
            let mut escaped = 0;
            for record in csv::ReaderBuilder::new().from_reader(text.as_bytes()).records() {
                for field in &record.unwrap() {
                    escaped += usize::from(field.strip_prefix('\'').is_some_and(|rest| rest.starts_with(evil)));
                    assert!(
                        field.parse::<f64>().is_ok() || !field.starts_with(['=', '+', '-', '@', '\t', '\r']),
                        "{field:?}"
                    );
                }
            }
            assert!(escaped > 5, "{evil:?}: {escaped}");
        }
    }
}
