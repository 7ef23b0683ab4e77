use super::super::Reading;
use super::read;
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
