//! An answer of capacity, as it is read: in a terminal against golden files (`BLESS=1` rewrites them), as JSON, and in a
//! page.

#[allow(dead_code, reason = "the sample has more than these tests want")]
mod sample;

use analysis::capacity::{Calibration, Equivalent, Question, answer};
use lab_core::cell::{Source, Variant};
use lab_core::dataset::Dataset;
use lab_core::vocabulary::{BackendName, Word};
use reports::capacity::{Answered, Census, Likeness, Trait, json, sections, text};
use serde_json::Value;
use std::path::Path;

fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = golden.lines().zip(text.lines()).position(|(golden, now)| golden != now);
    assert!(golden == text, "{name} differs from line {:?} on; BLESS=1 rewrites it", differs.map(|line| line + 1));
}

fn question(objectives: &[&str]) -> Question {
    let objectives = objectives.iter().map(|text| text.parse().unwrap()).collect();
    Question {
        objectives,
        headroom: 0.2,
        sizes: vec![15_000, 60_000],
        cluster: Vec::new(),
        endpoints: None,
        extrapolate: false,
    }
}

fn ask(dataset: &Dataset, objectives: &[&str], timed: Option<&Dataset>) -> Answered {
    let question = question(objectives);
    let calibration = timed.map(|timed| Calibration::fit(dataset, timed, &question.wanted()).unwrap());
    Answered {
        label: String::new(),
        run: dataset.header.id.clone(),
        answer: answer(dataset, &question, calibration.as_ref()).unwrap(),
        cluster: None,
    }
}

/// Enough sizes for a law to be believed.
const SIZES: [u32; 5] = [1, 300, 1000, 5000, 20_000];

const OBJECTIVES: [&str; 4] = ["connect=100us", "sync_change=150ms", "bandwidth=5Gbit/s", "sync_full=1s"];

#[test]
fn a_terminal_shows_it_as_before_and_within_its_width() {
    let dataset = sample::dataset_at(&SIZES);
    let cluster = |backend: BackendName| {
        let Variant { layout, settings, .. } = Variant::usual(backend);
        Equivalent {
            backend,
            layout,
            settings,
            source: Source::default(),
            endpoints: 2,
            entries: 17_100,
            installed: Some(31_200),
        }
    };
    // Of one backend it is not known.
    let cluster =
        BackendName::ALL.iter().copied().filter(|backend| *backend != BackendName::Ipvs).map(cluster).collect();
    let question = Question { cluster, ..question(&OBJECTIVES) };
    let answer = answer(&dataset, &question, None).unwrap();
    let mut answered = Answered { label: String::new(), run: dataset.header.id.clone(), answer, cluster: None };
    answered.cluster = Some(Census {
        file: "shop.json".to_owned(),
        services: 4000,
        entries: vec![("ports of cluster IPs".to_owned(), [4900, 100]), ("node ports".to_owned(), [700, 0])],
        protocols: vec![("tcp".to_owned(), 4900), ("udp".to_owned(), 100)],
        growth: 3.0,
        endpoints: Some([3, 9, 250, 22_000]),
        shape: vec![
            Likeness { what: "endpoints a port".to_owned(), unit: Trait::Mean, cluster: 4.4, run: 2.0 },
            Likeness { what: "node ports".to_owned(), unit: Trait::Share, cluster: 0.12, run: 0.0 },
            Likeness { what: "entries in IPv6".to_owned(), unit: Trait::Share, cluster: 0.017, run: 0.0 },
        ],
        scenario: "scale-20k".to_owned(),
        not_simulated: vec![("headless Services".to_owned(), 12)],
    });
    for width in [100, 80] {
        let text = text(std::slice::from_ref(&answered), width);
        check(&format!("capacity.{width}.txt"), &text);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= width.into(), "{widest} columns of {width}");
    }
}

#[test]
fn instructions_are_answered_in_instructions_and_calibrated_in_time() {
    let counted = sample::counted();
    // It has three sizes.
    let answered = ask(&counted, &["connect=100k", "sync_change=150M"], None);
    check("capacity.counted.txt", &text(&[answered], 100));
    let timed = sample::dataset();
    let answered = ask(&counted, &["connect=100us", "sync_change=150ms"], Some(&timed));
    check("capacity.calibrated.txt", &text(&[answered], 100));
}

#[test]
fn json_holds_what_the_text_says() {
    let answered = ask(&sample::dataset(), &OBJECTIVES, None);
    let document: Value = serde_json::from_str(&json(std::slice::from_ref(&answered))).unwrap();
    let only = &document["answers"][0];
    assert_eq!((document["format"].as_u64(), only["clock"].as_str()), (Some(1), Some("wall")));
    assert_eq!(only["objectives"][2]["bound"], "lower");
    let variants = only["variants"].as_array().unwrap();
    assert_eq!(variants.len(), answered.answer.variants.len());
    for (variant, answer) in variants.iter().zip(&answered.answer.variants) {
        assert_eq!(variant["name"], answer.name.as_str());
        assert_eq!(variant["at"].as_array().unwrap().len(), 2);
        assert_eq!(variant["objectives"].as_array().unwrap().len(), OBJECTIVES.len());
        let capacity = &variant["capacity"];
        let kind = capacity["kind"].as_str().unwrap();
        assert!(["up-to", "throughout", "unknown"].contains(&kind));
        assert!(kind == "unknown" || capacity["services"].is_u64());
    }
}

#[test]
fn a_page_carries_it() {
    let dataset = sample::dataset_at(&SIZES);
    let answered = ask(&dataset, &OBJECTIVES, None);
    let mut report = reports::report::Report::of(&dataset.into());
    report.more.extend(sections(&answered));
    for page in [report.html(), report.markdown(), report.terminal(100)] {
        assert!(page.contains("How many Services a node holds") && page.contains("breaks its limit first"));
    }
}

#[test]
fn two_runs_are_answered_one_after_the_other_by_their_labels() {
    let mut answers = vec![ask(&sample::dataset(), &OBJECTIVES, None), ask(&sample::dataset(), &OBJECTIVES, None)];
    for (answered, label) in answers.iter_mut().zip(["6.1", "6.12"]) {
        label.clone_into(&mut answered.label);
    }
    let text = text(&answers, 100);
    let places: Vec<_> = ["holds: 6.1\n", "holds: 6.12\n"]
        .iter()
        .map(|title| text.find(&format!("How many Services a node {title}")))
        .collect();
    assert!(places[0].is_some() && places[0] < places[1], "{places:?}");
}

#[test]
fn a_run_that_was_cut_off_before_its_first_cell_is_answered_honestly() {
    let dataset = Dataset { cells: Vec::new(), end: None, ..sample::dataset() };
    let text = text(&[ask(&dataset, &OBJECTIVES, None)], 100);
    assert!(text.contains("Nothing was measured that could tell.") && text.contains("unknown"), "{text}");
}
