//! A comparison and a judgement as they are read, by people and by other programs: against golden files (`BLESS=1`
//! rewrites them), and against the rules of each format.

#[path = "sample/pair.rs"]
mod pair;
#[allow(dead_code, reason = "the sample has more than these tests want")]
mod sample;

use analysis::gate::{Aspect, Comparison, Consequence, Gating, Judged, Judgement, Policy, Verdict, compare, judge};
use lab_core::dataset::Dataset;
use lab_core::vocabulary::Word;
use reports::gate::{comparison, judgement};
use reports::report::{Point, Section};
use serde_json::Value;
use std::collections::BTreeSet;
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

/// By a policy that takes the other kernel and nft for the subject.
fn timed() -> Judgement {
    let (before, after) = pair::timed();
    let policy = Policy { allow: BTreeSet::from([Aspect::Kernel, Aspect::Tools]), ..Policy::default() };
    judge(&before, &after, &[], &policy)
}

fn exact() -> Judgement {
    judged(pair::exact())
}

/// Two runs on different clocks.
fn unlike() -> (Dataset, Dataset) {
    (pair::timed().0, pair::exact().1)
}

fn judged((before, after): (Dataset, Dataset)) -> Judgement {
    judge(&before, &after, &[], &Policy::default())
}

fn compared((before, after): (Dataset, Dataset)) -> Comparison {
    compare(&before, &after)
}

/// Text in which everything stands that means something to a format.
const NASTY: &str = "a%b, c:d \"e\" <f> & g|h\r\n::error::i\u{1b}[31m # j";

/// A judgement whose words were written by somebody who wants to break what they stand in.
fn nasty() -> Judgement {
    let mut judgement = timed();
    judgement.comparison.before = NASTY.to_owned();
    for difference in &mut judgement.comparison.differences {
        NASTY.clone_into(&mut difference.after);
    }
    for judged in &mut judgement.judged {
        judged.why = NASTY.to_owned();
        judged.compared.name.push_str(NASTY);
    }
    judgement
}

#[test]
fn the_sample_comes_to_every_verdict() {
    let verdicts: BTreeSet<Verdict> =
        [timed(), exact()].iter().flat_map(|judgement| judgement.judged.iter().map(|judged| judged.verdict)).collect();
    assert_eq!(verdicts, Verdict::ALL.iter().copied().collect());
}

#[test]
fn a_judgement_is_shown_as_before() {
    let judgement = timed();
    check("gate.txt", &judgement::page(&judgement).terminal(100));
    check("gate.md", &judgement::page(&judgement).markdown());
    check("gate.summary.md", &judgement::page(&judgement).summary());
    check("gate.html", &judgement::page(&judgement).html());
    check("gate.csv", &judgement::csv(&judgement));
    check("gate.json", &judgement::json(&judgement));
    check("gate.junit.xml", &judgement::junit(&judgement));
    check("gate.annotations.txt", &judgement::github_annotations(&judgement));
    check("gate.metrics.txt", &judgement::gitlab_metrics(&judgement));
}

#[test]
fn counted_instructions_are_judged_as_before() {
    let judgement = exact();
    check("gate.exact.txt", &judgement::page(&judgement).terminal(80));
    check("gate.exact.html", &judgement::page(&judgement).html());
    check("gate.exact.metrics.txt", &judgement::gitlab_metrics(&judgement));
}

#[test]
fn a_comparison_is_shown_as_before() {
    let comparison = compared(pair::timed());
    check("compare.txt", &comparison::page(&comparison).terminal(100));
    check("compare.md", &comparison::page(&comparison).markdown());
    check("compare.html", &comparison::page(&comparison).html());
    check("compare.csv", &comparison::csv(&comparison));
    check("compare.json", &comparison::json(&comparison));
}

#[test]
fn what_cannot_be_compared_is_said_with_what_allows_it() {
    let asks = judged(pair::timed());
    check("gate.asks.txt", &judgement::page(&asks).terminal(80));
    assert!(judgement::github_annotations(&asks).contains("--allow kernel"));
    let forbids = judged(unlike());
    check("gate.forbids.txt", &judgement::page(&forbids).terminal(80));
    check("gate.forbids.junit.xml", &judgement::junit(&forbids));
    check("gate.forbids.annotations.txt", &judgement::github_annotations(&forbids));
    check("compare.forbids.txt", &comparison::page(&compared(unlike())).terminal(80));
    for text in
        [judgement::page(&forbids).markdown(), judgement::page(&forbids).html(), judgement::page(&forbids).summary()]
    {
        assert!(text.contains("not comparable") && !text.contains("Regressed"), "{text}");
    }
}

#[test]
fn two_equal_runs_pass_and_differ_in_nothing() {
    let (before, _) = pair::exact();
    let judgement = judged((before.clone(), before));
    check("gate.same.txt", &judgement::page(&judgement).terminal(80));
    assert_eq!(judgement.passes(), Some(true));
    assert_eq!(judgement::github_annotations(&judgement).lines().count(), 1, "one notice");
}

#[test]
fn text_fits_the_width() {
    for width in [60, 80, 120] {
        for text in [
            judgement::page(&timed()).terminal(width),
            judgement::page(&exact()).terminal(width),
            comparison::page(&compared(pair::timed())).terminal(width),
            comparison::page(&compared(unlike())).terminal(width),
        ] {
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(widest <= width.into(), "{widest} columns of {width}:\n{text}");
        }
    }
}

#[test]
fn what_others_add_stands_in_every_text() {
    let mut page = judgement::page(&timed());
    page.more.push(Section {
        title: "Hottest functions".to_owned(),
        points: vec![Point::new("nft_do_chain", "12 % more")],
        ..Section::default()
    });
    for text in [page.terminal(80), page.markdown(), page.summary(), page.html()] {
        assert!(text.contains("Hottest functions") && text.contains("12 % more"), "{text}");
    }
}

/// A workflow command as the runner reads it: its name, its properties and its message.
fn command(line: &str) -> (String, Vec<(String, String)>, String) {
    let unescape = |text: &str| {
        text.replace("%3A", ":").replace("%2C", ",").replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    };
    let (head, message) = line.strip_prefix("::").and_then(|rest| rest.split_once("::")).expect(line);
    let (name, properties) = head.split_once(' ').expect(line);
    let property = |text: &str| text.split_once('=').map(|(key, value)| (key.to_owned(), unescape(value))).expect(line);
    (name.to_owned(), properties.split(',').map(property).collect(), unescape(message))
}

#[test]
fn annotations_say_the_worst_and_how_many_more_there_are() {
    let mut judgement = timed();
    let worst = judgement.judged[0].clone();
    judgement.judged = (0..25)
        .map(|place| {
            let mut judged = worst.clone();
            judged.compared.name = format!("{place}: {}", judged.compared.name);
            judged
        })
        .collect();
    let text = judgement::github_annotations(&judgement);
    let commands: Vec<_> = text.lines().map(command).collect();
    let errors: Vec<_> = commands.iter().filter(|(name, ..)| name == "error").collect();
    assert_eq!(errors.len(), 10);
    assert!(errors[0].1[0].1.starts_with("Regressed: 0: "), "{:?}", errors[0]);
    assert_eq!(errors[9].1[0], ("title".to_owned(), "… and 16 more".to_owned()));
    assert_eq!(errors[9].2.lines().count(), 16);
}

#[test]
fn nothing_that_is_named_breaks_out_of_an_annotation() {
    let text = judgement::github_annotations(&nasty());
    for line in text.lines() {
        let (name, properties, message) = command(line);
        assert!(["error", "warning", "notice"].contains(&name.as_str()), "{line}");
        assert_eq!(properties.len(), 1, "{line}");
        assert!(name == "notice" || message.contains(NASTY), "{message}");
    }
}

#[test]
fn a_summary_stays_below_what_github_takes() {
    let mut page = judgement::page(&nasty());
    let text = "word ".repeat(100_000);
    page.more =
        (0..5).map(|_| Section { title: "More".to_owned(), about: text.clone(), ..Section::default() }).collect();
    let summary = page.summary();
    assert!(summary.len() < 1 << 20, "{}", summary.len());
    assert!(summary.ends_with("the report has it.\n"));
}

#[test]
fn nothing_that_is_named_becomes_markup() {
    let judgement = nasty();
    for html in [judgement::page(&judgement).html(), comparison::page(&judgement.comparison).html()] {
        assert!(!html.contains("<f>") && html.contains("&#60;f&#62;"));
    }
    let markdown = judgement::page(&judgement).markdown();
    let rows = markdown.lines().filter(|line| line.starts_with("| ") && line.contains("g\\|h"));
    for row in rows {
        assert!(!row.contains(" <f>") && !row.contains('\r'), "{row}");
    }
}

/// The columns of the first line, and every line by column.
fn read(csv: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.deserialize().map(|line| line.expect("a line as long as the head")).collect()
}

#[test]
fn csv_and_json_hold_every_row() {
    for judgement in [timed(), exact(), nasty()] {
        let document: Value = serde_json::from_str(&judgement::json(&judgement)).unwrap();
        let rows = document["rows"].as_array().unwrap();
        let lines = read(&judgement::csv(&judgement));
        assert_eq!((rows.len(), lines.len()), (judgement.judged.len(), judgement.judged.len()));
        assert_eq!(document["passes"], judgement.passes().unwrap());
        for ((Judged { compared, verdict, .. }, row), line) in judgement.judged.iter().zip(rows).zip(&lines) {
            assert_eq!((row["name"].as_str(), &line["name"]), (Some(compared.name.as_str()), &compared.name));
            assert_eq!((row["verdict"].as_str(), line["verdict"].as_str()), (Some(verdict.name()), verdict.name()));
            let after = compared.after.as_ref().and_then(|side| side.median);
            assert_eq!(row["after"].as_f64(), after);
            assert_eq!(line["after"].parse::<f64>().ok(), after);
        }
    }
    let comparison = compared(pair::timed());
    let document: Value = serde_json::from_str(&comparison::json(&comparison)).unwrap();
    assert_eq!(document["rows"].as_array().unwrap().len(), comparison.rows.len());
    assert_eq!(read(&comparison::csv(&comparison)).len(), comparison.rows.len());
}

#[test]
fn junit_has_a_test_for_everything_that_gates() {
    for judgement in [timed(), exact(), nasty()] {
        let text = judgement::junit(&judgement);
        let root = text.lines().nth(1).unwrap();
        assert!(root.starts_with("<testsuites ") && !root.contains("skipped"), "no schema has it there: {root}");
        let report = quick_junit::Report::deserialize_from_str(&text).unwrap();
        let tests: Vec<_> = report.test_suites.iter().flat_map(|suite| &suite.test_cases).collect();
        let names: BTreeSet<_> = tests.iter().map(|test| (test.classname.clone(), test.name.clone())).collect();
        assert_eq!(names.len(), tests.len(), "GitLab takes two of one name for one");
        let gating = || judgement.judged.iter().filter(|judged| judged.gating == Gating::Gates);
        assert_eq!(tests.len(), gating().count());
        let failed = gating().filter(|judged| judged.consequence == Consequence::Fail).count();
        assert_eq!(report.failures, failed);
        let open = |judged: &&Judged| {
            judged.consequence != Consequence::Fail
                && matches!(judged.verdict, Verdict::Inconclusive | Verdict::Missing)
        };
        let skipped: usize = report.test_suites.iter().map(|suite| suite.skipped).sum();
        assert_eq!(skipped, gating().filter(open).count());
    }
}

#[test]
fn gitlab_reads_a_value_a_line() {
    for judgement in [timed(), exact()] {
        let text = judgement::gitlab_metrics(&judgement);
        assert!(text.ends_with("\n# EOF\n"));
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let mut names = BTreeSet::new();
        for line in lines {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            // GitLab cuts a line off at a #, and splits it at spaces that are not quoted.
            assert!(!line.contains('#') && !name.contains(' '), "{line}");
            assert!(names.insert(name.to_owned()), "{name} stands there twice");
        }
        assert!(names.len() > 20);
    }
}
