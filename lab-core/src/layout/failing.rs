//! A load that the kernel refuses half-way: the same text, with a rule in it that cannot be.

use super::{Action, Invocation, Tool};

/// The load `actions` up to the largest call that writes rules, which in its middle has a chain jump to itself. A tool takes
/// that, and the kernel refuses it, and with it the whole transaction. `None` where nothing writes rules at once.
#[must_use]
pub fn failing(actions: &[Action]) -> Option<Vec<Action>> {
    let size = |action: &Action| match action {
        Action::Call(_, call) if writes(call.tool) => call.stdin.len(),
        _ => 0,
    };
    let place =
        (0..actions.len()).max_by_key(|&place| size(&actions[place])).filter(|&place| size(&actions[place]) > 0)?;
    let Action::Call(part, call) = &actions[place] else { return None };
    let stdin = spoil(call.tool, &String::from_utf8_lossy(&call.stdin))?.into_bytes();
    let spoilt = Action::Call(*part, Invocation { stdin, ..call.clone() });
    Some(actions[..place].iter().cloned().chain([spoilt]).collect())
}

fn writes(tool: Tool) -> bool {
    matches!(tool, Tool::Nft | Tool::IptablesRestore | Tool::Ip6tablesRestore)
}

/// `text` with the rule after the middle one of its rules.
fn spoil(tool: Tool, text: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let adds = if tool == Tool::Nft { "add rule " } else { "-A " };
    let rules: Vec<usize> = (0..lines.len()).filter(|&place| lines[place].starts_with(adds)).collect();
    let middle = *rules.get(rules.len() / 2)?;
    let words: Vec<&str> = lines[middle].split(' ').collect();
    let circle = match (tool, words.as_slice()) {
        (Tool::Nft, [_, _, family, table, chain, ..]) => format!("add rule {family} {table} {chain} jump {chain}"),
        // iptables looks for circles only where packets may come to.
        (_, [_, chain, ..]) => format!("-A {chain} -j {chain}\n-A OUTPUT -j {chain}"),
        _ => return None,
    };
    let (before, after) = lines.split_at(middle + 1);
    let all = before.iter().copied().chain([circle.as_str()]).chain(after.iter().copied());
    Some(all.flat_map(|line| [line, "\n"]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{AddressPlan, Cluster};
    use crate::layout::{Iptables, Layout, Nftables};

    fn lines(action: &Action) -> Vec<String> {
        let call = action.call().unwrap();
        String::from_utf8_lossy(&call.stdin).lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_load_is_the_same_but_for_a_chain_that_jumps_to_itself() {
        let cluster = Cluster::generate(9, &AddressPlan::new(2));
        for layout in [&Iptables::default() as &dyn Layout, &Nftables::default()] {
            let good = layout.full_sync(&cluster);
            let bad = failing(&good).unwrap();
            let place = bad.len() - 1;
            assert_eq!(bad[..place], good[..place]);
            let (good, mut bad) = (lines(&good[place]), lines(&bad[place]));
            let odd = (0..bad.len()).find(|&line| good.get(line) != bad.get(line)).unwrap();
            assert!(odd > bad.len() / 4 && odd < bad.len() - 1, "line {odd} of {}", bad.len());
            let words: Vec<String> = bad.remove(odd).split(' ').map(str::to_owned).collect();
            let [.., from, _, to] = &words[..] else { panic!("{words:?}") };
            assert_eq!(from, to);
            if bad[odd].starts_with("-A OUTPUT -j ") {
                assert!(bad.remove(odd).ends_with(to.as_str()));
            }
            assert_eq!(bad, good);
        }
    }

    #[test]
    fn where_no_rules_are_written_nothing_can_fail() {
        assert_eq!(failing(&[]), None);
        assert_eq!(failing(&[Action::Set(Vec::new())]), None);
    }
}
