//! Rules as columns: what `iptables -L` prints, with or without `-n`, `-v` and `--line-numbers`.

use super::extension;
use super::parts::{Parts, Target};
use super::value;
use super::word::{Words, negated};
use lab_core::node::{Direction, Side};

/// The columns that a heading names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    /// The rule's number.
    has_number: bool,
    /// Packets and bytes.
    has_counters: bool,
    /// The devices.
    pub(super) has_devices: bool,
}

impl Columns {
    /// The columns of a heading such as `num pkts bytes target prot opt in out source destination`.
    pub(super) fn read(heading: &str) -> Option<Self> {
        let mut words = heading.split_whitespace().peekable();
        let has_number = words.next_if_eq(&"num").is_some();
        let has_counters = words.next_if_eq(&"pkts").is_some() && words.next_if_eq(&"bytes").is_some();
        if words.next() != Some("target") || words.next() != Some("prot") {
            return None;
        }
        words.next_if_eq(&"opt");
        let has_devices = words.next_if_eq(&"in").is_some() && words.next_if_eq(&"out").is_some();
        (words.next() == Some("source")).then_some(Self { has_number, has_counters, has_devices })
    }

    /// The columns of a listing whose heading is left out.
    pub(super) fn plain() -> Self {
        Self { has_number: false, has_counters: false, has_devices: false }
    }

    /// Reads a rule's line; `None` if it is none. The second is the rule's text.
    pub(super) fn rule(self, line: &str) -> Option<(Parts, &str)> {
        let mut words = Words { rest: line };
        if self.has_number {
            words.next()?.parse::<u64>().ok()?;
        }
        let mut parts = Parts::default();
        if self.has_counters {
            parts.counters = Some((count(words.next()?)?, count(words.next()?)?));
        }
        let text = words.rest.trim();
        let Start { target, protocol, opt } = Start::read(&mut words)?;
        match opt {
            "-f" => parts.unknown("-f"),
            "!f" => parts.unknown("! -f"),
            _ => {}
        }
        let (holds, word) = negated(protocol);
        parts.protocol(holds, word);
        if self.has_devices {
            for direction in [Direction::In, Direction::Out] {
                let (holds, device) = negated(words.next()?);
                parts.device(holds, direction, device);
            }
        }
        for side in [Side::Source, Side::Destination] {
            let (holds, word) = words.negated()?;
            match word {
                "anywhere" => {}
                word => parts.address(holds, side, word),
            }
        }
        let mut rest = words.rest.trim();
        let is_goto = rest.strip_prefix("[goto]").inspect(|after| rest = after.trim_start()).is_some();
        let mut target = Target { name: target, is_goto, ..Target::default() };
        extension::read(&mut parts, &mut target, rest);
        if !target.name.is_empty() {
            parts.target(&target);
        }
        Some((parts, text))
    }
}

/// The target, which may be missing, the protocol, and whether fragments are meant.
struct Start<'a> {
    target: &'a str,
    protocol: &'a str,
    opt: &'a str,
}

impl<'a> Start<'a> {
    /// Reads up to the options' column, `--`, which old versions of ip6tables leave empty.
    fn read(words: &mut Words<'a>) -> Option<Self> {
        let is_protocol = |word: &str| value::protocol(negated(word).1).is_some();
        let is_opt = |word: &str| matches!(word, "--" | "-f" | "!f");
        let (first, mut second) = (words.next()?, Words { rest: words.rest });
        let next = second.next()?;
        if is_protocol(first) && is_opt(next) {
            words.rest = second.rest;
            return Some(Self { target: "", protocol: first, opt: next });
        }
        // Two numbers are counters under a heading that was cut off.
        if !is_protocol(next) || first.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut third = Words { rest: second.rest };
        let opt = third.next().filter(|word| is_opt(word));
        words.rest = if opt.is_some() { third.rest } else { second.rest };
        let opt = opt.unwrap_or_default();
        Some(Self { target: first, protocol: next, opt })
    }
}

/// A count, which may be cut to thousands, millions and so on.
fn count(word: &str) -> Option<u64> {
    let scale = match word.as_bytes().last()? {
        b'K' => 1_000,
        b'M' => 1_000_000,
        b'G' => 1_000_000_000,
        b'T' => 1_000_000_000_000,
        _ => return word.parse().ok(),
    };
    word[..word.len() - 1].parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::node::{Rule, Statement, Test, Verdict};

    fn read(heading: &str, line: &str) -> Rule {
        let (parts, text) = Columns::read(heading).unwrap().rule(line).unwrap();
        parts.rule(text, 1)
    }

    #[test]
    fn numbers_and_counters_are_no_part_of_the_rule() {
        let rule = read(
            "num   pkts bytes target     prot opt in     out     source               destination",
            "7     12K  3M KUBE-SVC-X  6    --  eth0   !lo     0.0.0.0/0            10.96.0.1            tcp dpt:443",
        );
        assert_eq!(rule.counters, Some((12_000, 3_000_000)));
        assert!(rule.text.starts_with("KUBE-SVC-X  6 "), "{}", rule.text);
        assert_eq!(rule.statements.len(), 6);
        assert_eq!(rule.statements[4], Statement::If(false, Test::Device(Direction::Out, "lo".into())));
    }

    #[test]
    fn a_rule_without_a_target_or_without_options_is_read() {
        let heading = "target prot opt source destination";
        assert_eq!(*read(heading, "all  --  0.0.0.0/0  0.0.0.0/0").statements, []);
        let rule = read(heading, "KUBE-SERVICES  all      ::/0                 ::/0");
        assert_eq!(*rule.statements, [Statement::Go(Verdict::Jump("KUBE-SERVICES".into()))]);
        let rule = read(heading, "tcp  tcp  --  anywhere  anywhere  [goto]  tcp dpt:https");
        assert_eq!(*rule.statements.last().unwrap(), Statement::Go(Verdict::Goto("tcp".into())));
        assert!(Columns::plain().rule("no rule at all").is_none());
    }
}
