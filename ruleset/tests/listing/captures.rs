//! What real kube-proxy binaries installed, as the tools listed it.

use super::{is_unknown, reading};
use std::fs;
use std::path::{Path, PathBuf};

/// The captured files whose names start so.
fn files(start: &str) -> Vec<PathBuf> {
    fn add(folder: &Path, start: &str, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.file_name().unwrap().to_string_lossy().into_owned();
            if entry.is_dir() {
                add(&entry, start, files);
            } else if name.starts_with(start) && name.ends_with(".txt") {
                files.push(entry);
            }
        }
    }
    let mut files = Vec::new();
    add(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/fidelity/reference")), start, &mut files);
    assert!(!files.is_empty(), "no capture of {start}");
    files
}

#[test]
fn every_save_is_read_without_a_note_and_without_an_unknown_statement() {
    for path in [files("iptables-save"), files("ip6tables-save")].concat() {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.display().to_string();
        let found = reading(&name, &text);
        assert_eq!(found.notes, [], "{name}");
        let is_v6 = name.contains("ip6tables");
        let mut rules = 0;
        for table in &found.state.tables {
            assert_eq!(table.families.includes(false), is_v6, "{name}: {}", table.name);
            for rule in table.chains().iter().flat_map(|chain| &chain.rules) {
                rules += 1;
                let unknown = rule.statements.iter().find(|statement| is_unknown(statement));
                assert!(unknown.is_none(), "{name}:{}: {}", rule.line, rule.text);
            }
        }
        assert_eq!(rules, text.lines().filter(|line| line.starts_with("-A ")).count(), "{name}");
        let chains = found.state.tables.iter().flat_map(|table| table.chains()).count();
        assert_eq!(chains, text.lines().filter(|line| line.starts_with(':')).count(), "{name}");
    }
}

#[test]
fn what_ipset_lists_is_what_it_saves() {
    let list = reading("ipset", include_str!("../reference/ipset-list.txt"));
    let save = reading(
        "ipset",
        include_str!("../../../ci/fidelity/reference/kube-proxy-1.30.5/ipvs-legacy/mix-3/ipset-save.txt"),
    );
    assert_eq!(list.state.ipsets.len(), 34);
    assert_eq!(list.state.ipsets["KUBE-CLUSTER-IP"].elements().len(), 5);
    assert_eq!(list.state.ipsets["KUBE-CLUSTER-IP"].maximum, Some(65536));
    assert_eq!(list.notes, []);
    assert_eq!(list.state.ipsets.keys().collect::<Vec<_>>(), save.state.ipsets.keys().collect::<Vec<_>>());
    for (name, set) in &list.state.ipsets {
        let other = &save.state.ipsets[name];
        assert_eq!((&set.kind, set.maximum), (&other.kind, other.maximum), "{name}");
        assert_eq!(set.elements().len(), other.elements().len(), "{name}");
        assert!(set.elements().iter().all(|element| other.elements().contains(element)), "{name}");
    }
}

#[test]
fn what_ipvsadm_lists_is_what_it_saves() {
    let list = include_str!("../reference/ipvsadm.txt");
    let save = include_str!("../../../ci/fidelity/reference/kube-proxy-1.30.5/ipvs-legacy/mix-3/ipvsadm-save.txt");
    let [list, save] = [list, save].map(|text| {
        let mut found = reading("ipvsadm", text);
        found.state.servers.iter_mut().for_each(|server| server.line = 0);
        found
    });
    assert_eq!(list, save);
    assert_eq!(list.notes, []);
    assert_eq!(list.state.servers.len(), 10);
    assert!(list.state.servers.iter().all(|server| !server.real.is_empty()));
}

#[test]
fn the_addresses_of_kube_ipvs0_are_read() {
    for path in files("ip-addr") {
        let text = fs::read_to_string(&path).unwrap();
        let found = reading("addresses", &text);
        assert_eq!(found.notes, []);
        assert_eq!(found.state.addresses.len(), text.lines().count(), "{}", path.display());
        assert!(found.state.addresses.iter().all(|address| &*address.device == "kube-ipvs0"));
    }
}
