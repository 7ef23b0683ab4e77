//! `svclab splice` on documents, as a user types it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn splice(folder: &Path, args: &[&str]) -> Output {
    let mut svclab = Command::new(env!("CARGO_BIN_EXE_svclab"));
    svclab.arg("splice").args(args).current_dir(folder).output().expect("svclab should start")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with `docs/a.md` in it.
fn documents(document: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("docs")).unwrap();
    fs::write(folder.path().join("docs/a.md"), document).unwrap();
    folder
}

const OLD: &str = "# Rules\n\n<!-- svclab render --backend iptables-legacy --services 1 --input append_rule -->\nold\n\
                   <!-- /svclab -->\n\nend\n";

#[test]
fn a_document_is_brought_up_to_date_once_and_then_stays() {
    let folder = documents(OLD);
    let file = folder.path().join("docs/a.md");
    let output = splice(folder.path(), &["docs/a.md"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "docs/a.md: places 1, brought up to date 1\n");
    let new = fs::read_to_string(&file).unwrap();
    let begin = "-->\n\n```console\n$ svclab render --backend iptables-legacy --services 1 --input append_rule\n";
    assert!(new.contains(begin) && new.contains("\n$ iptables-legacy ") && !new.contains("old"), "{new}");
    assert!(new.ends_with("\n```\n<!-- /svclab -->\n\nend\n"), "{new}");

    let output = splice(folder.path(), &["docs/a.md"]);
    assert_eq!(text(&output.stdout), "docs/a.md: places 1, brought up to date 0\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), new);
    assert!(splice(folder.path(), &["--check", "docs/a.md"]).status.success());
}

#[test]
fn a_check_changes_nothing_says_where_and_how_and_ends_with_1() {
    let folder = documents(OLD);
    let output = splice(folder.path(), &["--check", "docs/a.md"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.starts_with("docs/a.md:3: out of date\n-old\n+\n+```console\n+$ svclab render "), "{said}");
    assert_eq!(text(&output.stderr), "svclab: 1 out of date; update with: svclab splice docs/a.md\n");
    assert_eq!(fs::read_to_string(folder.path().join("docs/a.md")).unwrap(), OLD);
}

#[test]
fn a_command_that_fails_is_named_with_its_line_and_the_document_stays() {
    for (command, problem) in [
        ("plan nowhere.yaml", "svclab: docs/a.md:1: reading the scenario nowhere.yaml: No such file"),
        ("plan nowhere", "svclab: docs/a.md:1: unknown scenario \"nowhere\""),
        ("plan smoke --rounds 0", "svclab: docs/a.md:1: invalid value '0'"),
    ] {
        let document = format!("<!-- svclab {command} -->\n<!-- /svclab -->\n");
        let folder = documents(&document);
        let output = splice(folder.path(), &["docs/a.md"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).starts_with(problem), "{}", text(&output.stderr));
        assert_eq!(fs::read_to_string(folder.path().join("docs/a.md")).unwrap(), document);
    }
}

#[test]
fn a_document_without_places_or_that_is_not_there_is_refused() {
    let folder = documents("# Nothing\n");
    let output = splice(folder.path(), &["docs/a.md"]);
    assert!(text(&output.stderr).starts_with("svclab: docs/a.md has no place to fill"), "{}", text(&output.stderr));
    let output = splice(folder.path(), &["docs/b.md"]);
    assert!(text(&output.stderr).starts_with("svclab: reading the document docs/b.md: No such file"));
    assert_eq!(output.status.code(), Some(2));
}
