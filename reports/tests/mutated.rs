//! Datasets of which some figures were changed into what no machine gives, or into what one may but hardly does: whatever
//! is made of them has no `NaN` and no `inf` in it, does not abort, and takes little memory.
//!
//! `SVCLAB_MUTATIONS=5000 cargo nextest run -p reports mutated` tries more of them than an ordinary test does, and
//! `SVCLAB_MUTATION=N` a single one, to look into.

#[allow(dead_code, reason = "the sample has more than these tests want")]
mod sample;

use analysis::capacity::{Question, answer};
use analysis::gate::{Policy, compare, drift, judge};
use lab_core::dataset::{Dataset, Reading, Record};
use lab_core::metric::Better;
use lab_core::vocabulary::Clock;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reports::Runs;
use reports::capacity::{Answered, json, sections, text};
use reports::gate::{comparison, judgement};
use reports::report::Report;
use std::path::Path;

/// How many mutated datasets an ordinary test tries.
const MUTATIONS: u64 = 45;

/// What figures are changed into.
const FIGURES: &[&str] = &[
    "1e300",
    "-1e308",
    "1.7976931348623157e308",
    "-1",
    "0",
    "-0.0",
    "5e-324",
    "1e-9",
    "1e15",
    "1e10",
    "1",
    "4294967295",
    "18446744073709551615",
    "9007199254740993",
    "1000000",
    "0.5",
];

/// A number below `sides`.
fn throw(dice: &mut ChaCha8Rng, sides: usize) -> usize {
    usize::try_from(dice.next_u64() % sides as u64).unwrap()
}

/// The lines of a dataset.
fn lines(dataset: &Dataset) -> Vec<String> {
    let header = Record::Run(Box::new(dataset.header.clone()));
    let cells = dataset.cells.iter().cloned().map(Record::Cell);
    [header].into_iter().chain(cells).chain(dataset.end.clone().map(Record::End)).map(|record| record.line()).collect()
}

/// Recorded runs, cut down to sizes and rounds that a test has time for, and the sample.
fn originals() -> Vec<Vec<String>> {
    let recorded = |name: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).join("run.jsonl");
        let mut dataset = Dataset::read(&std::fs::read_to_string(file).unwrap()).unwrap();
        dataset
            .cells
            .retain(|record| record.round < 2 && [1, 1000, 2500, 5000].contains(&record.cell.cluster.services));
        dataset.cells.iter_mut().for_each(|record| record.samples.truncate(10));
        let asked: Vec<_> = dataset.cells.iter().map(|record| record.cell).collect();
        dataset.header.plan.cells.retain(|cell| asked.contains(cell));
        lines(&dataset)
    };
    vec![
        lines(&sample::dataset()),
        lines(&sample::counted()),
        recorded("host"),
        recorded("exact"),
        recorded("replicas"),
    ]
}

/// Where a line has numbers: their first and last byte.
fn numbers(line: &str) -> Vec<(usize, usize)> {
    let bytes = line.as_bytes();
    let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let mut found = Vec::new();
    let mut place = 0;
    while place < bytes.len() {
        let starts =
            (bytes[place].is_ascii_digit() || bytes[place] == b'-') && matches!(bytes[place - 1], b':' | b'[' | b',');
        let end =
            if starts { (place..bytes.len()).find(|end| !is_part(bytes[*end])).unwrap_or(bytes.len()) } else { place };
        if end > place && matches!(bytes[end], b',' | b']' | b'}') {
            found.push((place, end));
        }
        place = end.max(place + 1);
    }
    found
}

/// `lines` with up to four figures changed, or a sample a thousandfold.
fn mutated(mut lines: Vec<String>, dice: &mut ChaCha8Rng) -> String {
    for _ in 0..=throw(dice, 4) {
        // A header has more figures than all else, few of which are read.
        let line = if throw(dice, 16) == 0 { 0 } else { throw(dice, lines.len()) };
        let mut places = numbers(&lines[line]);
        // Most other figures are whole numbers, so that a line with most of these is refused.
        if throw(dice, 8) > 0
            && let Some(samples) = lines[line].find("\"samples\":[")
        {
            places.retain(|(start, _)| *start > samples);
        }
        if places.is_empty() {
            continue;
        }
        let (start, end) = places[throw(dice, places.len())];
        let figure = FIGURES[throw(dice, FIGURES.len())];
        let in_list = lines[line][..start].ends_with(['[', ',']);
        let many = in_list && throw(dice, 40) == 0;
        lines[line].replace_range(start..end, &if many { vec![figure; 100_000].join(",") } else { figure.to_owned() });
    }
    lines.concat()
}

/// As a program reads it; `None` where it is refused.
fn read(text: &str) -> Option<Dataset> {
    let mut reading = Reading::default();
    for line in text.split_inclusive('\n') {
        reading.line(line.as_bytes()).ok()?;
    }
    Some(reading.end().ok()?.dataset)
}

/// What is made of a dataset, by what it is.
type Made = Vec<(&'static str, String)>;

/// Every form of a report.
fn reported(dataset: &Dataset, _: &Dataset) -> Made {
    let runs = Runs::from(dataset.clone());
    let report = Report::of(&runs);
    let mut all = vec![
        ("terminal", report.terminal(100)),
        ("markdown", report.markdown()),
        ("html", report.html()),
        ("csv", reports::csv(runs.datasets())),
        ("json", reports::json(runs.datasets())),
        ("benchstat", reports::benchstat(runs.datasets())),
        ("pictures", report.pictures().into_iter().map(|(_, text)| text).collect()),
    ];
    for better in [Better::Lower, Better::Higher] {
        all.extend(reports::benchmark_action(runs.datasets(), better).map(|text| ("benchmark-action", text)));
    }
    let _ = (reports::parquet::samples(runs.datasets()), reports::parquet::summary(runs.datasets()));
    all
}

/// Answers of capacity.
fn asked(dataset: &Dataset, _: &Dataset) -> Made {
    let counted = dataset.header.clock == Clock::Instructions;
    let limits = if counted { ["sync_full=1G", "connect=100k"] } else { ["sync_full=1s", "connect_p90=100us"] };
    let mut all = Vec::new();
    for objective in limits.into_iter().chain(["sync_change.tool_peak_rss=64MiB"]) {
        let objectives = vec![objective.parse().unwrap()];
        let (sizes, cluster) = (vec![1, 60_000], Vec::new());
        let question = Question { objectives, headroom: 0.2, sizes, cluster, endpoints: None, extrapolate: true };
        let Ok(answer) = answer(dataset, &question, None) else { continue };
        let answered = Answered { label: String::new(), run: dataset.header.id.clone(), answer, cluster: None };
        all.push(("capacity", text(std::slice::from_ref(&answered), 100)));
        all.push(("capacity as JSON", json(std::slice::from_ref(&answered))));
        all.push(("capacity in sections", format!("{:?}", sections(&answered))));
    }
    all
}

/// What comes of it beside the run that it was.
fn compared(dataset: &Dataset, original: &Dataset) -> Made {
    let mut all = Vec::new();
    for (before, after) in [(dataset, original), (original, dataset)] {
        let compared = compare(before, after);
        let page = comparison::page(&compared);
        all.push(("compare", page.terminal(100) + &page.html() + &page.markdown()));
        all.push(("compare as rows", comparison::csv(&compared) + &comparison::json(&compared)));
        let judged = judge(before, after, &[], &Policy::default());
        let page = judgement::page(&judged);
        all.push(("gate", page.terminal(100) + &page.summary()));
        all.push(("gate as rows", judgement::csv(&judged) + &judgement::json(&judged)));
        all.push(("gate for CI", judgement::junit(&judged) + &judgement::gitlab_metrics(&judged)));
        all.push(("annotations", judgement::github_annotations(&judged)));
    }
    let run = |run| if run == 4 || run == 8 { dataset.clone() } else { original.clone() };
    let history: Vec<Dataset> = (0..9).map(run).collect();
    all.push(("drift", format!("{:?}", drift(&history, &Policy::default()).map(|drift| drift.series))));
    all
}

/// An ordinary test makes one of these of each dataset in turn.
const MADE: [fn(&Dataset, &Dataset) -> Made; 3] = [reported, asked, compared];

/// The words in `text` that stand for no number. A page's scripts have some of their own.
fn no_numbers(text: &str) -> usize {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| ["nan", "inf", "infinity"].contains(&word.to_ascii_lowercase().as_str())).count()
}

/// The most memory that this process had, in MiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

#[test]
fn of_figures_that_no_machine_gives_nothing_is_made_that_is_no_number() {
    let originals: Vec<(Vec<String>, Dataset)> =
        originals().into_iter().map(|lines| (lines.clone(), read(&lines.concat()).unwrap())).collect();
    // A page's scripts have such words.
    let words = |made: &Made| made.iter().map(|(_, text)| no_numbers(text)).sum::<usize>();
    let usual: Vec<[usize; 3]> =
        originals.iter().map(|(_, dataset)| MADE.map(|make| words(&make(dataset, dataset)))).collect();
    let (asked, all) = (number("SVCLAB_MUTATIONS"), number("SVCLAB_MUTATION"));
    let seeds = all.map_or(0..asked.unwrap_or(MUTATIONS), |one| one..one + 1);
    let (count, mut tried, mut wrong) = (seeds.end - seeds.start, 0, Vec::new());
    for seed in seeds {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let which = throw(&mut dice, originals.len());
        let (lines, original) = &originals[which];
        let Some(dataset) = read(&mutated(lines.clone(), &mut dice)) else { continue };
        tried += 1;
        for (turn, make) in MADE.into_iter().enumerate() {
            if asked.is_none() && all.is_none() && seed % 3 != turn as u64 {
                continue;
            }
            let made = make(&dataset, original);
            if words(&made) > usual[which][turn] {
                let bad: Vec<_> = made.iter().filter(|(_, text)| no_numbers(text) > 0).map(|(what, _)| *what).collect();
                wrong.push(format!("mutation {seed}: {} words in {bad:?}", words(&made)));
            }
        }
    }
    println!("{tried} of {count} could be read; {} MiB at most", peak());
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried * 2 > count, "{tried} of {count} could be read");
    assert!(peak() < 1024, "{} MiB", peak());
}
