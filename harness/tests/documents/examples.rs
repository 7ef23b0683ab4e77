//! The examples of the documents: each `svclab …` in a fence or in a span of code is run, on the runs of the gallery. What
//! takes minutes, an API server or a kube-proxy is read by the real command line, and is not run.

use super::{top, tracked};
use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// What becomes of an example.
#[derive(Debug, PartialEq)]
enum Way {
    /// It is run as it stands.
    Run,
    /// The plan for it is made instead, of few Services unless it says how many.
    Plan,
    /// Its command line is read.
    Read,
}

/// Options of `scenario` that `plan` does not have, and whether they take a value. They change no cell.
const BEYOND_PLAN: [(&str, bool); 7] = [
    ("--out", true),
    ("--resume", true),
    ("--shard", true),
    ("--profile", false),
    ("--full", false),
    ("--quiet", false),
    ("--keep", false),
];

/// A command line of svclab's in a document, without the program's name.
#[derive(Debug, Clone, PartialEq)]
struct Example {
    /// File and line.
    place: String,
    words: Vec<String>,
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: svclab {}", self.place, self.words.join(" "))
    }
}

impl Example {
    fn has(&self, option: &str) -> bool {
        self.words.iter().any(|word| word == option)
    }

    /// # Errors
    /// If the verb is not known here.
    fn way(&self) -> Result<Way, String> {
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        Ok(match words[..] {
            ["scenarios" | "--help" | "--version"] => Way::Run,
            // Named only.
            [verb] if !verb.starts_with('-') => Way::Read,
            // The program is not here.
            _ if self.has("--kube-proxy") => Way::Read,
            ["scenario" | "study", ..] => Way::Plan,
            // What they find is this machine's.
            ["doctor" | "runs" | "watch" | "fetch", ..] => Way::Read,
            // They make runs, or wait for clients.
            ["api" | "overhead", ..] | ["gate", "--self-test", ..] => Way::Read,
            ["gate", "--baseline", _] | ["gate", "--baseline", _, "--rounds", ..] => Way::Read,
            ["baseline", "update", ..] if !self.has("--from") => Way::Read,
            // The gallery has no profiles and no shards, and this build perhaps no queries.
            ["profile" | "merge" | "query", ..] => Way::Read,
            ["anonymize" | "baseline" | "capacity" | "check" | "compare" | "completions" | "deploy" | "drift", ..]
            | ["explain" | "gate" | "man" | "plan" | "render" | "report" | "splice", ..] => Way::Run,
            _ => return Err(format!("{self}: say in Example::way what becomes of this verb")),
        })
    }

    /// With a file or a name for everything that the reader has to put in.
    fn filled(&self) -> Example {
        let verb = self.words[0].as_str();
        let mut words = Vec::new();
        for (place, word) in self.words.iter().enumerate() {
            let is_last = place + 1 == self.words.len();
            let before = self.words[..place].last().map(String::as_str).filter(|word| word.starts_with("--"));
            match (before.unwrap_or(verb), word.as_str()) {
                // At the end it stands for more of the same, in the middle for what was said before.
                (_, "…") if is_last && before.is_none() => {}
                ("scenario", "…") => words.push("smoke".to_owned()),
                ("capacity", "…") => words.extend(["exact", "--slo", "sync_change=300M"].map(str::to_owned)),
                ("explain", "…") => words.extend(["rules.txt", "10.96.0.10:53/udp"].map(str::to_owned)),
                ("--slo", "…") => words.push("sync_change=300M".to_owned()),
                ("--format", "…") => words.push("csv".to_owned()),
                (of, word) => words.push(stand_in(of, word.trim_end_matches('…')).to_owned()),
            }
        }
        Example { words, ..self.clone() }
    }

    /// The command that shows what it would run.
    fn planned(&self) -> Vec<String> {
        if self.words[0] == "study" {
            let plan = if self.has("--plan") { &[][..] } else { &["--plan".to_owned()] };
            return [&self.words[..], plan].concat();
        }
        let mut words = vec!["plan".to_owned()];
        let mut rest = self.words.iter().skip(1);
        while let Some(word) = rest.next() {
            match BEYOND_PLAN.iter().find(|(option, _)| option == word) {
                Some((_, true)) => drop(rest.next()),
                Some((_, false)) => {}
                None => words.push(word.clone()),
            }
        }
        if !self.has("--services") && !self.has("--cluster") {
            words.extend(["--services", "1,100"].map(str::to_owned));
        }
        words
    }
}

/// What a reader would put in the place of `word`, which belongs to a verb or an option; other words stand for themselves.
fn stand_in<'a>(of: &str, word: &'a str) -> &'a str {
    match (of, word) {
        ("gate", "RUN") => "replicas-again",
        (_, "RUN" | "/tmp/million") => "exact",
        ("compare", "A") => "replicas",
        ("compare", "B") => "replicas-again",
        ("--baseline", "FILE") => "replicas",
        ("baseline", "FILE") => "ci/baselines/smoke-exact.jsonl",
        ("plan" | "scenario", "FILE" | "NAME|FILE") => "scenarios/smoke.yaml",
        ("study", "NAME" | "NAME|FILE") => "claims",
        ("anonymize" | "--cluster", "FILE") => "my-cluster.json",
        ("explain", "FILE") => "rules.txt",
        ("splice", "FILE") => "README.md",
        ("drift", "FOLDER") => "many",
        (_, "[SCENARIO]") => "smoke",
        (_, "host|exact") => "exact",
        (_, "kubernetes|slurm|github") => "slurm",
        (_, "K/3") => "1/3",
        (_, "scenarios/NAME.yaml") => "scenarios/smoke.yaml",
        (_, "SHELL") => "bash",
        (_, "METRIC[_p90|_p99]=LIMIT") => "sync_change=300M",
        _ => word,
    }
}

/// The words of a line of a shell, without remarks.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in line.chars() {
        match quote {
            Some(end) if character == end => quote = None,
            None if character == '\'' || character == '"' => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            None if character.is_whitespace() => words.extend(word.take()),
            None if character == '#' && word.is_none() => break,
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.into_iter().chain(word).collect()
}

/// The command lines of svclab's in a line of a shell: what follows its name, or cargo's for it, up to an operator.
fn commands(line: &str) -> Vec<Vec<String>> {
    let words = words(line);
    let parts = words.split(|word| ["&&", "||", "|", ";", ">", "-->"].contains(&word.as_str()));
    let command = |part: &[String]| {
        let other = ["-p", "--package", "--example"].iter().any(|option| part.contains(&(*option).to_owned()));
        let by_cargo = part.starts_with(&["cargo".to_owned(), "run".to_owned()]) && !other;
        // Or a program that starts another.
        let is_name = |place: &usize| match part[*place].as_str() {
            "svclab" | "./svclab" => *place == 0 || ["time", "-v", "--"].contains(&part[place - 1].as_str()),
            word => by_cargo && word == "--",
        };
        let place = (0..part.len()).find(is_name)?;
        Some(part[place + 1..].to_vec()).filter(|words| !words.is_empty())
    };
    parts.filter_map(command).collect()
}

/// A piece of a document that a span of code does not leave: a paragraph, a row of a table, or a line in a fence.
struct Block {
    line: usize,
    fenced: bool,
    text: String,
}

fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut fenced) = (Vec::<Block>::new(), false);
    for (line, number) in text.lines().zip(1..) {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        let goes_on = blocks.last().is_some_and(|last| {
            let is_row = last.text.starts_with('|') || line.starts_with('|');
            last.fenced == fenced && if fenced { last.text.ends_with('\\') } else { !line.is_empty() && !is_row }
        });
        match blocks.last_mut().filter(|_| goes_on && !is_fence) {
            Some(last) => last.text = format!("{} {line}", last.text.trim_end_matches('\\')),
            None if is_fence => blocks.push(Block { line: number, fenced, text: String::new() }),
            None => blocks.push(Block { line: number, fenced, text: line.to_owned() }),
        }
    }
    blocks
}

/// The examples of a document, in its order.
fn examples(name: &str, text: &str) -> Vec<Example> {
    let mut found = Vec::new();
    for Block { line, fenced, text } in blocks(text) {
        let codes: Vec<&str> = if fenced { vec![&text] } else { text.split('`').skip(1).step_by(2).collect() };
        let commands = codes.into_iter().flat_map(commands);
        found.extend(commands.map(|words| Example { place: format!("{name}:{line}"), words }));
    }
    found
}

/// Documents whose examples are not of today, are made by a test, or are run by another one.
fn is_exempt(name: &str) -> bool {
    name == "CHANGELOG.md" || name == "reports/examples/README.md" || name.contains("/golden/") || {
        name.starts_with("reports/examples/") && name.ends_with("report.md")
    }
}

/// A folder with what a reader has who follows the documents: the files of the clone, and runs, which are the gallery's.
fn workshop() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let gallery = top().join("reports/examples");
    let copy = |from: &Path, to: &str| {
        fs::create_dir_all(place(to).parent().unwrap()).unwrap();
        fs::copy(from, place(to)).unwrap();
    };
    for run in ["exact", "host", "replicas", "replicas-again"] {
        for parent in ["", "reports/examples/"] {
            copy(&gallery.join(run).join("run.jsonl"), &format!("{parent}{run}/run.jsonl"));
        }
    }
    for run in ["runs/mine", "runs/MINE", "runs/before", "runs/after", "runs/base", "DIR/run"] {
        copy(&gallery.join("exact/run.jsonl"), &format!("{run}/run.jsonl"));
    }
    for run in ["replicas", "replicas-again"] {
        copy(&gallery.join(run).join("run.jsonl"), &format!("many/{run}/run.jsonl"));
    }
    copy(&top().join("ci/baselines/smoke-exact.jsonl"), "ci/baselines/smoke-exact.jsonl");
    copy(&top().join("notebooks/cluster.json"), "my-cluster.json");
    let listing = top().join("ci/fidelity/reference/kube-proxy-1.36.3/iptables-legacy/mix-3/iptables-save.txt");
    copy(&listing, "rules.txt");
    copy(&top().join("README.md"), "README.md");
    for name in ["scenarios", "studies"] {
        symlink(top().join(name), place(name)).unwrap();
    }
    folder
}

fn svclab(folder: &Path, words: &[String]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svclab")).args(words).current_dir(folder).output().expect("svclab should start")
}

/// What is wrong with `example`, or `None`.
fn fault(folder: &Path, example: &Example) -> Option<String> {
    let way = match example.way() {
        Ok(way) => way,
        Err(unknown) => return Some(unknown),
    };
    let filled = example.filled();
    let mut lines = match way {
        Way::Run => vec![filled.words.clone()],
        // Options are read in their order, and --help ends that.
        Way::Plan | Way::Read => vec![[&filled.words[..], &["--help".to_owned()]].concat()],
    };
    if way == Way::Plan {
        lines.push(filled.planned());
    }
    lines.iter().find_map(|words| {
        let output = svclab(folder, words);
        let said = String::from_utf8_lossy(&output.stderr);
        // A check that finds something has done what it was asked for.
        let done = output.status.success() || words[0] == "check" && output.status.code() == Some(1);
        (!done).then(|| format!("{example}\n  svclab {}: {}: {said}", words.join(" "), output.status))
    })
}

#[test]
fn every_example_can_be_run() {
    let (mut count, mut faults, mut tried) = (0, Vec::new(), HashSet::new());
    for name in tracked("*.md").iter().filter(|name| !is_exempt(name)) {
        let folder = workshop();
        let examples = examples(name, &fs::read_to_string(top().join(name)).unwrap());
        count += examples.len();
        // Many documents say the same.
        let new = examples.iter().filter(|example| tried.insert(example.filled().words));
        faults.extend(new.filter_map(|example| fault(folder.path(), example)));
    }
    assert!(count > 100, "{count} examples found");
    assert!(faults.is_empty(), "{} of {count} examples:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_wrong_example_is_found() {
    let document = "```sh\nsvclab report nowhere   # a page\ncd x && svclab plan smoke \\\n  --servces 1 > out\n```\n\nSay `svclab\n\
                    gate --sefl-test`.\n\n| `svclab reprot RUN` | `svclab capacity RUN… --slo connect_p99=1ms` |\n\
                    `cargo run -- scenario smok`, `svclab report RUN…`, `svclab`\n";
    let examples = examples("README.md", document);
    let folder = workshop();
    let found: Vec<(&str, bool)> =
        examples.iter().map(|example| (&*example.place, fault(folder.path(), example).is_some())).collect();
    let place = |line: usize| ["README.md:2", "README.md:3", "README.md:6", "README.md:10", "README.md:11"][line];
    let wrong = [(place(0), true), (place(1), true), (place(2), true), (place(3), true), (place(3), true)];
    assert_eq!(found, [&wrong[..], &[(place(4), true), (place(4), false)]].concat(), "{examples:?}");
}
