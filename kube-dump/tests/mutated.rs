//! Odd and damaged inputs: whatever comes, there is an answer, and nothing of the input gets out unescaped.
//!
//! `KUBE_DUMP_ROUNDS=1000000 cargo test -p kube-dump --test mutated` tries longer than the usual run.

use kube_dump::{Dump, Input, Origin, Unreadable};
use lab_core::cell::Variant;
use lab_core::layout::release;
use lab_core::proxy_config::ProxyConfig;
use std::fs;
use std::path::{Path, PathBuf};

/// How many mutated inputs are tried, unless an environment variable says otherwise.
const ROUNDS: u64 = 1_000;
/// What names of the corpus have that try to get into rules.
const MARK: &[u8] = b"INJECTED";

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    files
}

fn read(bytes: &[u8]) -> Result<Dump, Unreadable> {
    Dump::read(&[Input::named("it", bytes)])
}

/// What is said of an input, a line each.
fn answer(read: &Result<Dump, Unreadable>) -> Vec<String> {
    let dump = match read {
        Ok(dump) => dump,
        Err(unreadable) => return vec![format!("error: {unreadable}")],
    };
    let mut lines: Vec<String> =
        dump.cluster.services.iter().map(|service| format!("has {:?}", service.key())).collect();
    lines.extend(dump.passed_over.iter().map(|(kind, count)| format!("passed over: {count} {kind}")));
    lines.extend(dump.notes.iter().map(ToString::to_string));
    lines
}

fn is_plain(line: &str) -> bool {
    !line.chars().any(|letter| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter))
}

#[test]
fn odd_inputs_are_answered_as_written_down() {
    let mut answers = String::new();
    for file in files("corpus") {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let dump = read(&fs::read(&file).unwrap());
        answers += &format!("== {name}\n");
        for line in answer(&dump) {
            assert!(is_plain(&line), "{name}: {line:?}");
            answers += &format!("{line}\n");
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/corpus.txt");
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, &answers).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    for (found, expected) in answers.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(answers.lines().count(), expected.lines().count());
}

#[test]
fn no_name_gets_into_a_rule_that_is_not_one() {
    let dump =
        read(&fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/injected.json")).unwrap()).unwrap();
    assert!(dump.cluster.services.len() > 5);
    for row in &release::RELEASES {
        let variant = Variant { layout: row.layout, ..Variant::usual(row.backends[0]) };
        let layout = release::layout(variant, &ProxyConfig::default()).unwrap();
        for action in layout.full_sync(&dump.cluster) {
            let text = action.to_string();
            let stdin = action.call().map(|call| call.stdin.clone()).unwrap_or_default();
            assert!(
                !text.as_bytes().windows(MARK.len()).chain(stdin.windows(MARK.len())).any(|part| part == MARK),
                "{text}"
            );
        }
    }
}

/// A number after the other, by xorshift: the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// What damages put in.
const PIECES: [&[u8]; 18] = [
    b"null",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"-1",
    b"65536",
    b"1e999",
    b"\\u0000",
    b"\x1b[2J",
    b"\n---\n",
    b": ",
    b"&a",
    b"*a",
    b"\"kind\":\"List\"",
    b"\xff",
    b"\xe2\x80\xae",
];

fn damage(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let at = numbers.below(bytes.len() + 1);
    match numbers.below(6) {
        0 => bytes.truncate(at),
        1 => _ = bytes.get_mut(at).map(|byte| *byte ^= 1 << numbers.below(8)),
        2 => {
            let piece = PIECES[numbers.below(PIECES.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
        3 => {
            // A word replaced.
            let end = (at + numbers.below(12)).min(bytes.len());
            bytes.splice(at..end, PIECES[numbers.below(PIECES.len())].iter().copied());
        }
        4 => {
            let end = (at + numbers.below(200)).min(bytes.len());
            let part = bytes[at..end].to_vec();
            let place = numbers.below(bytes.len() + 1);
            bytes.splice(place..place, part);
        }
        _ => {
            let end = (at + numbers.below(60)).min(bytes.len());
            bytes.drain(at..end);
        }
    }
}

#[test]
fn damaged_dumps_are_answered() {
    let rounds = std::env::var("KUBE_DUMP_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(ROUNDS);
    let [whole, odd] = ["questions", "corpus"]
        .map(|folder| files(folder).iter().map(|file| fs::read(file).unwrap()).collect::<Vec<Vec<u8>>>());
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut read_whole, mut refused) = (0, 0);
    for round in 0..rounds {
        let originals = if numbers.below(4) == 0 { &odd } else { &whole };
        let mut bytes = originals[numbers.below(originals.len())].clone();
        for _ in 0..=numbers.below(3) {
            damage(&mut bytes, &mut numbers);
        }
        let origin = if round % 2 == 0 { Origin::Named } else { Origin::Found };
        let dump = Dump::read(&[Input { origin, ..Input::named("it", bytes.clone()) }]);
        for line in answer(&dump).iter().filter(|line| !line.starts_with("has ")) {
            assert!(is_plain(line), "{line:?} of {:?}", String::from_utf8_lossy(&bytes));
        }
        match dump {
            Ok(dump) => {
                read_whole += 1;
                let again = Dump::read(&[Input::named("again", dump.anonymous(&[1; 32]).to_json())]);
                let is_named =
                    |dump: &Dump| dump.cluster.services.iter().any(|service| service.forbidden_name().is_none());
                assert_eq!(again.is_ok(), is_named(&dump), "{again:?} of {:?}", String::from_utf8_lossy(&bytes));
            }
            Err(_) => refused += 1,
        }
    }
    assert!(read_whole > rounds / 50 && refused > rounds / 50, "{read_whole} read and {refused} refused");
}
