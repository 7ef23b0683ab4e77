//! The gallery, `reports/examples/`: recorded runs with everything that svclab makes of them, and the documents that
//! show parts of it. All must be as svclab makes it today. `BLESS=1` rewrites it; read the difference before you commit
//! it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The documents that show what svclab prints.
const DOCUMENTS: [&str; 1] = ["README.md"];

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn blessed() -> bool {
    std::env::var_os("BLESS").is_some()
}

/// The commands of the gallery's README, which make everything in it but the records.
fn commands(readme: &str) -> Vec<&str> {
    let (_, rest) = readme.split_once("```sh\n").expect("the README holds the commands");
    let (block, _) = rest.split_once("\n```").expect("the block of commands ends");
    block.lines().filter(|line| line.starts_with("svclab ")).collect()
}

/// Every file of the runs in `gallery`, by its path there.
fn files(gallery: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for run in fs::read_dir(gallery).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        for file in fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().path()) {
            files.insert(file.strip_prefix(gallery).unwrap().to_owned(), fs::read(&file).unwrap());
        }
    }
    files
}

fn is_record(file: &Path) -> bool {
    file.ends_with("run.jsonl")
}

#[test]
fn everything_in_the_gallery_is_what_the_commands_of_its_readme_make_of_the_records() {
    let gallery = top().join("reports/examples");
    let readme = fs::read_to_string(gallery.join("README.md")).unwrap();
    let commands = commands(&readme);
    assert!(!commands.is_empty());

    // In a folder with nothing but the records, so that old files cannot pass for new ones.
    let folder = tempfile::tempdir().unwrap();
    let committed = files(&gallery);
    for (file, bytes) in committed.iter().filter(|(file, _)| is_record(file)) {
        let place = folder.path().join(file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_svclab"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    for command in &commands {
        let mut shell = Command::new("sh");
        let output = shell.args(["-c", command]).current_dir(folder.path()).env("PATH", &path).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    let made = files(folder.path());
    if blessed() {
        for file in committed.keys().filter(|file| !made.contains_key(*file)) {
            fs::remove_file(gallery.join(file)).unwrap();
        }
        for (file, bytes) in made.iter().filter(|(file, _)| !is_record(file)) {
            fs::write(gallery.join(file), bytes).unwrap();
        }
        return;
    }
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&made), "not the same files; BLESS=1 makes them anew");
    let differ: Vec<_> =
        made.iter().filter(|(file, bytes)| committed[*file] != **bytes).map(|(file, _)| file).collect();
    assert!(differ.is_empty(), "not what svclab makes of the records: {differ:?}; BLESS=1 makes them anew");
}

#[test]
fn every_document_shows_what_svclab_prints() {
    let mut splice = Command::new(env!("CARGO_BIN_EXE_svclab"));
    splice.arg("splice").args(DOCUMENTS).current_dir(top());
    let output = if blessed() { splice.output() } else { splice.arg("--check").output() }.unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    assert!(output.status.success(), "{said}");
}
