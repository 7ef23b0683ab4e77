//! The documents themselves: each crate has a short one, lines are wrapped, links lead somewhere, and examples run.

#[path = "documents/examples.rs"]
mod examples;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Columns of Markdown. Tables, code and links cannot be wrapped.
const WIDE: usize = 100;
/// Lines that a crate's README may have.
const LONG: usize = 120;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The files of the repository whose paths match `pattern`, by their paths from its top.
fn tracked(pattern: &str) -> Vec<String> {
    let output = Command::new("git").args(["ls-files", pattern]).current_dir(top()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The folders of svclab's crates, as the workspace names them. Tools below `ci/` are described in ci/README.md.
fn crates() -> Vec<PathBuf> {
    let manifest = fs::read_to_string(top().join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("members = [").unwrap();
    let (members, _) = rest.split_once(']').unwrap();
    let names = members.split(',').map(|name| name.trim().trim_matches('"'));
    names.filter(|name| !name.is_empty() && !name.contains('/')).map(|name| top().join(name)).collect()
}

/// The documents that people write: those of the crates and of the folders beside them.
fn documents() -> Vec<PathBuf> {
    let folders = ["", "ci", "notebooks", "scenarios", "reports/examples"].map(|folder| top().join(folder));
    let folders = folders.into_iter().chain(crates());
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The lines of `text` that are prose, with their numbers: not those in fences, in tables, or that `svclab splice`
/// made.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let (mut fenced, mut made) = (false, false);
    text.lines().zip(1..).filter_map(move |(line, number)| {
        let start = line.trim_start();
        let fence = start.starts_with("```");
        fenced ^= fence;
        made = (made || line.starts_with("<!-- svclab")) && line != "<!-- /svclab -->";
        let prose = !fenced && !fence && !made && !start.starts_with('|') && !start.starts_with("<!--");
        prose.then_some((number, line))
    })
}

#[test]
fn every_crate_has_a_readme_that_is_short() {
    for folder in crates() {
        let file = folder.join("README.md");
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(text.lines().count() < LONG, "{} has {} lines", file.display(), text.lines().count());
    }
}

#[test]
fn every_crate_says_by_which_licence_it_may_be_used() {
    for folder in crates() {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        for field in ["license.workspace", "authors.workspace", "description", "readme"] {
            assert!(manifest.lines().any(|line| line.starts_with(field)), "{}: {field}", folder.display());
        }
    }
    assert!(["LICENSE-MIT", "LICENSE-APACHE"].iter().all(|name| top().join(name).is_file()));
}

#[test]
fn lines_of_documents_are_wrapped() {
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let long = prose(&text).find(|(_, line)| line.chars().count() > WIDE && line.trim().contains(' '));
        assert_eq!(long, None, "{}", file.display());
    }
}

/// The places that `text` links to, which are files of this repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    targets.filter(|target| !target.contains("://") && !target.is_empty())
}

/// The anchor that a forge gives to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|character| character.is_alphanumeric() || [' ', '-', '_'].contains(character));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_to_a_file_and_a_heading_that_are_there() {
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        for link in links(&text) {
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { file.clone() } else { file.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: {link}", file.display());
            if !fragment.is_empty() {
                let text = fs::read_to_string(&target).unwrap();
                let mut headings = text.lines().filter_map(|line| line.strip_prefix('#'));
                let found = headings.any(|heading| anchor(heading.trim_start_matches('#').trim()) == fragment);
                assert!(found, "{}: no heading for {link}", file.display());
            }
        }
    }
}
