//! Two listings of one state are one value, and no text makes a reader panic.

use proptest::prelude::*;
use ruleset::ipset::Sets;
use ruleset::iptables::{Family, Tables};
use ruleset::ipvs::Servers;
use ruleset::nft::Ruleset;
use ruleset::{Comparison, difference};

const SAVE: &str = include_str!("../../ci/fidelity/reference/kube-proxy-1.30.5/ipvs-legacy/mix-3/iptables-save.txt");

#[test]
fn what_ipset_saves_is_what_it_lists() {
    let save =
        Sets::read_save(include_str!("../../ci/fidelity/reference/kube-proxy-1.30.5/ipvs-legacy/mix-3/ipset-save.txt"))
            .unwrap();
    let list = Sets::read_list(include_str!("reference/ipset-list.txt")).unwrap();
    assert_eq!(save.sets.len(), 34);
    assert_eq!(difference(&save, &list, Comparison::default()), []);
}

#[test]
fn what_ipvsadm_saves_is_what_it_lists() {
    let save = Servers::read_save(include_str!(
        "../../ci/fidelity/reference/kube-proxy-1.30.5/ipvs-legacy/mix-3/ipvsadm-save.txt"
    ))
    .unwrap();
    let list = Servers::read_list(include_str!("reference/ipvsadm.txt")).unwrap();
    assert_eq!(save.servers.len(), 10);
    assert_eq!(difference(&save, &list, Comparison::default()), []);
}

#[test]
fn a_persistent_server_with_flags_is_read_from_both() {
    let save = Servers::read_save(
        "-A -u [fd00::1]:53 -s mh -p 10800 -b mh-port\n-a -u [fd00::1]:53 -r [fd00::2]:53 -m -w 1\n",
    );
    let list = "UDP  [fd00::1]:53 mh persistent 10800 (mh-port)\n  -> [fd00::2]:53    Masq    1      0          0\n";
    assert_eq!(save.unwrap(), Servers::read_list(list).unwrap());
}

const WORDS: &[&str] = &[
    "*nat\n",
    ":A - [0:0]\n",
    "-A A",
    "-I A 0",
    "-D A",
    "! ",
    "-s ",
    "10.0.0.1/33",
    "--mark",
    "0x",
    "\"",
    "\\",
    "\n",
    " ",
    "COMMIT\n",
    "--probability",
    "-m",
    "-j",
    "add ",
    "table ",
    "ip ",
    "t ",
    "chain ",
    "set ",
    "map ",
    "element ",
    "rule ",
    "{",
    "}",
    ";",
    ",",
    " : ",
    "elements = ",
    "type ",
    "priority ",
    "dstnat ",
    "- ",
    "comment ",
    "reject with icmp",
    "mark ",
    "and ",
    "ip addr . port to",
    "numgen ",
    "::/0",
    "create S ",
    "hash:ip ",
    "add S ",
    "-exist",
    "Name: S\n",
    "Type: x\n",
    "Header: family\n",
    "Members:\n",
    "-a -t ",
    "-A -t ",
    "-> ",
    "TCP ",
    "é",
    "\u{2003}",
    "99999999999",
];

/// Text that comes close to what the tools print.
fn near() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..40).prop_map(|words| words.concat())
}

fn read_all(text: &str) {
    for family in [Family::V4, Family::V6] {
        let _ = Tables::read(family, text);
        let _ = Tables::read(family, &format!("*nat\n:A - [0:0]\n-A A {text}"));
        let _ = Tables::new(family).call(&text.split(' ').collect::<Vec<_>>());
    }
    let _ = Ruleset::read(text);
    let _ = Ruleset::read(&format!("add table ip t\nadd chain ip t c\nadd rule ip t c {text}"));
    let _ = Ruleset::read(&format!("table ip t {{ set s {{ elements = {{ {text} }} }} }}"));
    let _ = Sets::read_save(text);
    let _ = Sets::read_list(text);
    let _ = Servers::read_save(text);
    let _ = Servers::read_list(text);
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in any::<String>()) {
        read_all(&text);
    }

    #[test]
    fn no_text_near_to_a_listing_makes_a_reader_panic(text in near()) {
        read_all(&text);
    }

    #[test]
    fn a_rule_is_read_as_itself(text in near()) {
        let mut tables = Tables::new(Family::V4);
        if tables.apply(&format!("*nat\n:A - [0:0]\n-A A {}\n", text.replace('\n', " "))).is_ok() {
            let rule = tables.chain("nat", "A").unwrap().rules[0].clone();
            let mut again = Tables::new(Family::V4);
            again.apply(&format!("*nat\n:A - [0:0]\n-A A {}\n", rule.text())).unwrap();
            prop_assert_eq!(&again.chain("nat", "A").unwrap().rules[0], &rule);
        }
    }

    #[test]
    fn a_changed_listing_differs(line in 0_usize..60) {
        let expected = Tables::read(Family::V4, SAVE).unwrap();
        let mut lines: Vec<String> = SAVE.lines().map(str::to_owned).collect();
        let place = line % lines.len();
        if let Some(digit) = lines[place].strip_prefix("-A ").and(lines[place].rfind(|c: char| c.is_ascii_uppercase())) {
            lines[place].replace_range(digit..=digit, "0");
            let found = Tables::read(Family::V4, &lines.join("\n"));
            prop_assert!(found.is_err() || !difference(&expected, &found.unwrap(), Comparison::default()).is_empty());
        }
    }
}

#[test]
fn deep_braces_do_no_harm() {
    let deep = "{ ".repeat(100_000);
    let _ = Ruleset::read(&format!("add table ip t\nadd chain ip t c\nadd rule ip t c ip saddr {deep}"));
    let _ = Ruleset::read(&deep);
}
