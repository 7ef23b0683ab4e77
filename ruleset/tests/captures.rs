//! What real kube-proxy binaries gave the tools, applied in order, must give what the tools listed then.
//!
//! `RULESET_REFERENCE` names another directory of captures, laid out as `ci/fidelity/reference/`.

use ruleset::iptables::{Family, Tables};
use ruleset::nft::Ruleset;
use ruleset::{Comparison, Held, Order, difference};
use std::fs;
use std::path::{Path, PathBuf};

/// The state after the first sync, and after each of the four changes.
const STATES: [&str; 5] = ["", "-add-service", "-add-endpoint", "-remove-endpoint", "-delete-service"];
const BUILT_IN: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];
/// Chains that other calls make.
const OTHERS: Comparison =
    Comparison { order: Order::Strict, without: &["KUBE-PROXY-CANARY", "KUBE-FIREWALL", "KUBE-MARK-DROP"] };

/// The captures of the modes whose names start so.
fn captures(mode: &str) -> Vec<PathBuf> {
    let reference = std::env::var("RULESET_REFERENCE");
    let reference =
        reference.unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../ci/fidelity/reference").to_owned());
    let list = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        let mut entries: Vec<_> = entries.filter(|path| path.is_dir()).collect();
        entries.sort();
        entries
    };
    let releases = list(Path::new(&reference)).into_iter().filter(|path| name(path).starts_with("kube-proxy-"));
    let modes = releases.flat_map(|release| list(&release)).filter(|path| name(path).starts_with(mode));
    let captures: Vec<_> = modes.flat_map(|mode| list(&mode)).collect();
    assert!(!captures.is_empty(), "no capture of {mode}");
    captures
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// What one tool was given, in order.
fn calls(capture: &Path, tool: &str) -> Vec<(PathBuf, String)> {
    let Ok(entries) = fs::read_dir(capture.join("calls")) else { return Vec::new() };
    let mut calls: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    calls.retain(|path| path.to_string_lossy().ends_with(&format!("-{tool}.in")));
    calls.sort();
    calls.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// Applies calls in order, and says which of the states they went through.
fn walk<T: Held>(
    capture: &Path,
    calls: &[(PathBuf, String)],
    states: &[T],
    mut held: T,
    apply: fn(&mut T, &str) -> Result<(), ruleset::Unreadable>,
) {
    if calls.is_empty() {
        // A listing alone.
        return;
    }
    let mut next = 0;
    let mut last = Vec::new();
    for (path, input) in calls {
        apply(&mut held, input).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        while let Some(state) = states.get(next) {
            last = difference(&held, state, OTHERS);
            if !last.is_empty() {
                break;
            }
            next += 1;
        }
    }
    let first = last.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert_eq!(next, states.len(), "{}: state {next} was not reached:\n{first}", capture.display());
}

#[test]
fn restore_calls_give_the_states_of_iptables_save() {
    for capture in captures("iptables") {
        for (family, prefix) in [(Family::V4, "iptables"), (Family::V6, "ip6tables")] {
            let states = STATES.iter().map(|state| capture.join(format!("{prefix}-save{state}.txt")));
            let states = states.filter(|path| path.exists()).map(|path| {
                let mut tables = Tables::read(family, &fs::read_to_string(path).unwrap()).unwrap();
                // The jumps from built-in chains come from other calls.
                let chains = tables.tables.values_mut().flat_map(|table| table.iter_mut());
                chains.filter(|(name, _)| BUILT_IN.contains(&name.as_ref())).for_each(|(_, chain)| chain.rules.clear());
                tables
            });
            let states: Vec<Tables> = states.collect();
            let calls = calls(&capture, &format!("{prefix}-restore"));
            walk(&capture, &calls, &states, Tables::new(family), |tables, input| tables.apply(input));
        }
    }
}

#[test]
fn nft_calls_give_the_states_of_nft_list() {
    for capture in captures("nftables") {
        for (family, suffix) in [("ip", ""), ("ip6", "6")] {
            let states = STATES.iter().map(|state| capture.join(format!("nft-ruleset{suffix}{state}.txt")));
            let states = states.filter(|path| path.exists());
            let states: Vec<Ruleset> =
                states.map(|path| Ruleset::read(&fs::read_to_string(path).unwrap()).unwrap()).collect();
            let calls: Vec<_> = calls(&capture, "nft")
                .into_iter()
                .filter(|(path, input)| {
                    let check = fs::read_to_string(path.with_extension("argv")).unwrap().contains("--check");
                    !check && (input.contains(&format!(" {family} kube-proxy")) || input.is_empty())
                })
                .collect();
            walk(&capture, &calls, &states, Ruleset::default(), |ruleset, input| ruleset.apply(input));
        }
    }
}
