//! Captures, and what the kernel lists of them as JSON.

mod any;
mod excerpts;
mod rules;

use super::read;
use crate::listing::Reading;
use lab_core::node::{Statement, Test};

fn reading(text: &str) -> Reading {
    let mut reading = Reading::default();
    read("listing", 1, text, &mut reading);
    reading
}

fn captures() -> Vec<(String, String)> {
    let reference = concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/fidelity/reference");
    let mut folders = vec![std::path::PathBuf::from(reference)];
    let mut captures = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap().to_str().unwrap().starts_with("nft-ruleset") {
                captures.push((path.display().to_string(), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    captures.sort();
    captures
}

#[test]
fn every_capture_is_understood() {
    let captures = captures();
    assert!(captures.len() > 50);
    for (name, text) in captures {
        let reading = reading(&text);
        assert_eq!(reading.notes, [], "{name}");
        assert_eq!(reading.state.tables.len(), 1, "{name}");
        for rule in reading.state.tables.iter().flat_map(|table| table.chains()).flat_map(|chain| &chain.rules) {
            for statement in &rule.statements {
                let is_unknown = matches!(statement, Statement::Unknown(_) | Statement::If(_, Test::Unknown(_)));
                assert!(!is_unknown, "{name}: {}: {statement:?}", rule.text);
            }
        }
    }
}

fn file(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The statements of a listing's rules, and its sets with their elements sorted: a map in the kernel has no order.
fn contents(reading: &Reading) -> Vec<String> {
    let mut lines = Vec::new();
    for table in &reading.state.tables {
        for chain in table.chains() {
            lines.push(format!("{} {:?} {}", chain.name, chain.hook, chain.drops));
            let rules = chain.rules.iter();
            lines.extend(rules.map(|rule| format!("{:?} {:?} {:?}", rule.statements, rule.comment, rule.counters)));
        }
        let mut sets: Vec<_> = table.sets.iter().collect();
        sets.sort_by_key(|(name, _)| *name);
        for (name, set) in sets {
            lines.push(format!("{name} {} {} {:?}", set.kind, set.is_dynamic, set.maximum));
            let mut elements: Vec<String> = set.elements().iter().map(|element| format!("{element:?}")).collect();
            elements.sort();
            lines.extend(elements);
        }
    }
    lines
}

#[test]
fn json_says_what_the_text_says() {
    for (json, text) in [
        ("kube-proxy-1.36.3-mix-3.json", "kube-proxy-1.36.3/nftables/mix-3/nft-ruleset.txt"),
        ("kube-proxy-1.30.5-mix-3.json", "kube-proxy-1.30.5/nftables/mix-3/nft-ruleset.txt"),
        ("kube-proxy-1.30.5-plain-1x2-ip6.json", "kube-proxy-1.30.5/nftables/plain-1x2/nft-ruleset6.txt"),
    ] {
        let json = reading(&file(&format!("tests/reference/nft/{json}")));
        let text = reading(&file(&format!("../ci/fidelity/reference/{text}")));
        assert_eq!(json.notes, []);
        let (json, text) = (contents(&json), contents(&text));
        for (json, text) in json.iter().zip(&text) {
            assert_eq!(json, text);
        }
        assert_eq!(json.len(), text.len());
    }
}
