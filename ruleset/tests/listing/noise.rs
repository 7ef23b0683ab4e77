//! No text makes the reader fail, and no text takes it long.

use super::reading;
use proptest::prelude::*;

/// A listing of each kind.
const LISTINGS: [&str; 10] = [
    include_str!("../../../ci/fidelity/reference/kube-proxy-1.30.5/iptables-legacy/mix-3/iptables-save.txt"),
    include_str!("../../../ci/fidelity/reference/kube-proxy-1.36.3/iptables-nft/mix-3/iptables-save.txt"),
    include_str!("../../../ci/fidelity/reference/kube-proxy-1.30.5/nftables/mix-3/nft-ruleset.txt"),
    include_str!("../../../ci/fidelity/reference/kube-proxy-1.30.5/ipvs-legacy/mix-3/ip-addr-kube-ipvs0.txt"),
    include_str!("../../../ci/fidelity/reference/kube-proxy-1.30.5/ipvs-legacy/mix-3/ipset-save.txt"),
    include_str!("../reference/ipset-list.txt"),
    include_str!("../reference/ipvsadm.txt"),
    include_str!("node/testsvc-v1.12-nL.txt"),
    include_str!("node/odd-legacy-nvL.txt"),
    include_str!("node/odd-nft-save.txt"),
];

/// What is done to a listing.
#[derive(Debug, Clone)]
enum Change {
    /// It ends here.
    Cut(prop::sample::Index),
    /// It starts here.
    Behead(prop::sample::Index),
    /// A line comes twice.
    Double(prop::sample::Index),
    /// A part of another one comes between.
    Splice(prop::sample::Index, usize, prop::sample::Index),
    /// A character becomes another one.
    Put(prop::sample::Index, char),
    /// A part is left out.
    Drop(prop::sample::Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    let odd =
        prop::sample::select(vec!['"', '\\', '!', '-', ':', ',', '/', '{', '}', '\n', '\0', ' ', '[', ']', '*', 'é']);
    prop_oneof![
        index().prop_map(Change::Cut),
        index().prop_map(Change::Behead),
        index().prop_map(Change::Double),
        (index(), 0..LISTINGS.len(), index()).prop_map(|(at, listing, from)| Change::Splice(at, listing, from)),
        (index(), odd).prop_map(|(at, character)| Change::Put(at, character)),
        (index(), 1..40_usize).prop_map(|(at, length)| Change::Drop(at, length)),
    ]
}

/// The place of a character.
fn place(text: &str, index: prop::sample::Index) -> usize {
    let place = index.index(text.len() + 1);
    (0..=place).rev().find(|place| text.is_char_boundary(*place)).unwrap_or_default()
}

fn changed(mut text: String, change: Change) -> String {
    match change {
        Change::Cut(at) => text.truncate(place(&text, at)),
        Change::Behead(at) => drop(text.drain(..place(&text, at))),
        Change::Double(at) => {
            let start = text[..place(&text, at)].rfind('\n').map_or(0, |end| end + 1);
            let end = text[start..].find('\n').map_or(text.len(), |end| start + end + 1);
            let line = text[start..end].to_owned();
            text.insert_str(start, &line);
        }
        Change::Splice(at, listing, from) => {
            let at = place(&text, at);
            text.insert_str(at, &LISTINGS[listing][place(LISTINGS[listing], from)..]);
        }
        Change::Put(at, character) => text.insert(place(&text, at), character),
        Change::Drop(at, length) => {
            let start = place(&text, at);
            let end = (start + length..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
            text.drain(start..end);
        }
    }
    text
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        let found = reading("text", &text);
        let is_harmless = |character: char| !character.is_control();
        prop_assert!(found.notes.iter().all(|note| note.says.chars().all(is_harmless)), "{:?}", found.notes);
    }

    #[test]
    fn any_rule_is_read(text in "[-!a-zA-Z0-9 .:/\"\\\\*#{}\\[\\],@<>]{0,80}") {
        for start in ["*nat\n-A X ", "Chain X (1 references)\ntarget prot opt source destination\nX tcp -- 0.0.0.0/0 ::/0 ", "create S hash:ip,port\nadd S ", "TCP 10.0.0.1:80 "] {
            let found = reading("text", &format!("{start}{text}"));
            prop_assert!(!found.state.is_empty());
        }
    }

    #[test]
    fn a_listing_that_was_meddled_with_is_read(
        listing in 0..LISTINGS.len(),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let text = changes.into_iter().fold(LISTINGS[listing].to_owned(), changed);
        let found = reading("text", &text);
        for note in &found.notes {
            prop_assert!(note.line <= text.lines().count(), "{note}");
        }
    }

    #[test]
    fn a_listing_that_is_cut_keeps_the_rules_before_the_cut(lines in 1_usize..120) {
        let save = LISTINGS[0];
        let end = save.match_indices('\n').nth(lines).map_or(save.len(), |(end, _)| end + 1);
        let (found, whole) = (reading("save", &save[..end]), reading("save", save));
        prop_assert_eq!(found.state.rules(), save[..end].lines().filter(|line| line.starts_with("-A")).count());
        for table in &found.state.tables {
            let held = whole.state.tables.iter().find(|held| held.name == table.name).unwrap();
            for chain in table.chains() {
                let held = held.chain(&chain.name).unwrap();
                prop_assert_eq!(&held.rules[..chain.rules.len()], &chain.rules[..]);
            }
        }
    }
}

/// Texts on which a reader that goes back and forth takes hours. They are read in a moment each.
#[test]
fn long_texts_are_read_in_one_go() {
    const MANY: usize = 100_000;
    let many = |line: &str| line.repeat(MANY);
    let numbered = |line: fn(usize) -> String| (0..MANY).map(line).collect::<String>();
    let heading = "Chain X (1 references)\ntarget prot opt source destination\n";
    let texts = [
        many("*nat\n"),
        numbered(|number| format!("*t{number}\n:X - [0:0]\n")),
        format!("*nat\n{}", many("-A X -j Y\n")),
        format!("*nat\n{}", numbered(|number| format!(":X{number} - [0:0]\n"))),
        format!("*nat\n{}", numbered(|number| format!("-A X{number} -j Y\n-A X -j X{number}\n"))),
        format!("*nat\n-A X {}", many("-s 10.0.0.1 ")),
        format!("*nat\n-A X {}", many("-m ")),
        format!("*nat\n-A X {}", many("! --x ")),
        format!("*nat\n-A X {}", many("-m recent --rcheck ")),
        format!("*nat\n-A X -m comment --comment \"{}", many("\\\"")),
        format!("*nat\n-A X -j {}", many("--y ")),
        format!("{heading}X all -- 0.0.0.0/0 0.0.0.0/0 {}", many("/* ")),
        format!("{heading}X all -- 0.0.0.0/0 0.0.0.0/0 {}", many("/* /* */ ")),
        format!("{heading}X all -- 0.0.0.0/0 0.0.0.0/0 {}", many("statistic mode ")),
        format!("{heading}X all -- 0.0.0.0/0 0.0.0.0/0 {}", many("x tcp dpt:1 ")),
        numbered(|number| format!("Chain INPUT (policy ACCEPT)\nChain X{number} (1 references)\n")),
        numbered(|number| format!("$ iptables -t nat -nL\nChain X{number} (1 references)\n")),
        many("-P INPUT ACCEPT\n-A INPUT -j X\n"),
        format!("{}{}", many("-A X -j Y\n"), many("$ iptables -t nat -S\n-A X -j Z\n")),
        many("table ip x {\n"),
        many("table ip x {\n}\n\n"),
        many("{\"nftables\"\n"),
        many("{ "),
        many("Name: X\nType: hash:ip\nMembers:\n10.0.0.1\n"),
        format!(
            "create X hash:net\n{}",
            numbered(|number| format!("add X 10.{}.{}.0/24\n", number / 256 % 256, number % 256))
        ),
        numbered(|number| {
            format!(
                "TCP 10.0.{}.{}:{} rr\n-> 10.0.0.1:1 Masq 1 0 0\n",
                number / 256 % 256,
                number % 256,
                number % 60_000
            )
        }),
        many("2: eth0 inet 10.0.0.1/24\n"),
        many("iptables -t "),
        many("x\n"),
        many("..."),
        "\0".repeat(10_000_000),
        "a".repeat(10_000_000),
        format!("*nat\n-A X -j {}", "a".repeat(10_000_000)),
    ];
    for text in texts {
        let _ = reading("text", &text);
    }
}
