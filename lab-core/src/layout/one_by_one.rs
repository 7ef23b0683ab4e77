//! A load taken apart: one call of the tool for each chain and rule, as an administrator's script would do it.

use super::{Action, Invocation, Part, Tool};

/// What `actions` do, with a call of the command-line tool for each line that they hand over. What only reads is left out.
///
/// A chain may be there already, because it was prepared.
#[must_use]
pub fn one_by_one(actions: &[Action]) -> Vec<Action> {
    actions.iter().flat_map(apart).collect()
}

fn apart(action: &Action) -> Vec<Action> {
    let Action::Call(part, call) = action else { return vec![action.clone()] };
    let tool = match call.tool {
        _ if *part == Part::Reads => return Vec::new(),
        Tool::IptablesRestore => Tool::Iptables,
        Tool::Ip6tablesRestore => Tool::Ip6tables,
        Tool::Nft if !call.stdin.is_empty() => Tool::Nft,
        _ => return vec![action.clone()],
    };
    let text = String::from_utf8_lossy(&call.stdin);
    if tool == Tool::Nft {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        return lines.map(|line| Action::Call(*part, invocation(tool, vec![line.to_owned()]))).collect();
    }
    let mut table = String::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let said = |words: Vec<String>| {
            let ahead = ["-w", "-t", &table].into_iter().map(str::to_owned);
            invocation(tool, ahead.chain(words).collect())
        };
        match line.split_at_checked(1) {
            Some(("*", name)) => name.clone_into(&mut table),
            Some((":", chain)) => {
                let chain = chain.split(' ').next().unwrap_or_default();
                calls.push(Action::Try(*part, said(vec!["-N".to_owned(), chain.to_owned()])));
            }
            Some(("-", _)) => calls.push(Action::Call(*part, said(words(line)))),
            _ => {}
        }
    }
    calls
}

fn invocation(tool: Tool, args: Vec<String>) -> Invocation {
    Invocation { tool, args, stdin: Vec::new() }
}

/// The words of a line of iptables-restore. A word with spaces stands in quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("there is always one").push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_restore_is_a_call() {
        let stdin = b"*nat\n:KUBE-A - [0:0]\n-A KUBE-A -m comment --comment \"a b\" -j KUBE-B\nCOMMIT\n".to_vec();
        let restore = Invocation { tool: Tool::IptablesRestore, args: vec!["--noflush".to_owned()], stdin };
        let read = Invocation { tool: Tool::IptablesSave, args: Vec::new(), stdin: Vec::new() };
        let call = |line: &str| invocation(Tool::Iptables, line.split('|').map(str::to_owned).collect());
        assert_eq!(
            one_by_one(&[Action::Call(Part::Reads, read), restore.into()]),
            [
                Action::Try(Part::Rules, call("-w|-t|nat|-N|KUBE-A")),
                Action::Call(Part::Rules, call("-w|-t|nat|-A|KUBE-A|-m|comment|--comment|a b|-j|KUBE-B")),
            ]
        );
    }

    #[test]
    fn each_line_of_a_script_of_nft_is_a_call() {
        let stdin = b"add table ip t\nadd chain ip t c { comment \"x y\" ; }\n".to_vec();
        let script = Invocation { tool: Tool::Nft, args: vec!["-f".to_owned(), "-".to_owned()], stdin };
        let calls = one_by_one(&[script.into()]);
        let lines: Vec<&str> = calls.iter().map(|call| call.call().unwrap().args[0].as_str()).collect();
        assert_eq!(lines, ["add table ip t", "add chain ip t c { comment \"x y\" ; }"]);
    }
}
