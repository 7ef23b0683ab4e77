//! Transactions of nft, compared.

use std::collections::BTreeMap;

/// Panics if the lines differ as multisets, or those about one chain in their order.
pub(super) fn assert_same(ours: &str, theirs: &str, what: &str) {
    let (own, captured) = (sorted(ours), sorted(theirs));
    let only = |these: &[&str], those: &[&str]| {
        let mut those: Vec<&str> = those.to_vec();
        let mut new = |line: &&&str| match those.iter().position(|other| *other == **line) {
            Some(place) => {
                those.swap_remove(place);
                false
            }
            None => true,
        };
        these.iter().filter(|line| new(line)).map(|line| (*line).to_owned()).collect::<Vec<_>>().join("\n")
    };
    assert!(
        own == captured,
        "{what}\nonly ours:\n{}\nonly kube-proxy's:\n{}",
        only(&own, &captured),
        only(&captured, &own)
    );
    assert_eq!(by_chain(ours), by_chain(theirs), "{what}");
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

/// The commands about each chain and its rules, in their order.
fn by_chain(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut chains: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.splitn(6, ' ').collect();
        if matches!(words[1], "chain" | "rule") {
            chains.entry(words[4]).or_default().push(line);
        }
    }
    chains
}
