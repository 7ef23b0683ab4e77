//! No text makes the reader panic.

use super::{file, reading};
use proptest::prelude::*;

const WORDS: &[&str] = &[
    "table ip nat {",
    "table ",
    "ip ",
    "inet ",
    "chain c {",
    "set s {",
    "map ",
    "type ",
    "typeof ",
    "elements = {",
    "{",
    "}",
    ",",
    ";",
    ":",
    " : ",
    " . ",
    "\n",
    " ",
    "\t",
    "# ",
    "# handle 5",
    "/* ",
    " */ ",
    "\"",
    "comment ",
    "drop ",
    "jump ",
    "goto c ",
    "numgen random mod ",
    "vmap ",
    "map { ",
    "0 ",
    "1-2 ",
    "9-1 ",
    "dnat to ",
    "ip to ",
    ":80 ",
    "10.0.0.1 ",
    "10.0.0.1/33 ",
    "fd00::1 ",
    "[fd00::1]:80 ",
    "ip daddr ",
    "th dport ",
    "tcp ",
    "ct state ",
    "ct status ",
    "new",
    "meta mark ",
    "mark set ",
    "& ",
    "0x4000 ",
    "== ",
    "!= ",
    "> ",
    "fib ",
    "type local ",
    "meta random ",
    "limit rate ",
    "log ",
    "flags ",
    "update @s { ",
    "set add ",
    "@s ",
    "xt match ",
    "MARK or ",
    "match-set ",
    "hook input priority ",
    "dstnat - ",
    "99999999999 ",
    "......",
    "reject with ",
    "queue ",
    "\\\n",
    "é",
    "\u{2003}",
    "\0",
    "add ",
    "policy ",
    "dormant ",
    "ipv4_addr ",
    "* ",
    "is ",
];

fn near() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        reading(&text);
        reading(&format!("table ip t {{ chain c {{\n{text}"));
    }

    #[test]
    fn any_text_near_to_a_listing_is_read(text in near()) {
        reading(&text);
        reading(&format!("table inet t {{ chain c {{\n{text}"));
        reading(&format!("table ip nat {{ chain c {{\n{text}"));
        reading(&format!("table ip t {{ set s {{ type ipv4_addr . inet_service\n elements = {{ {text}"));
        reading(&format!("table ip t {{ chain c {{ {text} }} }}"));
    }

    #[test]
    fn any_mutation_of_a_listing_is_read(place in 0_usize..10_000, length in 0_usize..200, other in near(), json in any::<bool>()) {
        let text = match json {
            true => file("tests/reference/nft/kube-proxy-1.36.3-mix-3.json"),
            false => file("../ci/fidelity/reference/kube-proxy-1.30.5/nftables/mix-3/nft-ruleset.txt"),
        };
        let start = place.min(text.len());
        let end = (start + length).min(text.len());
        reading(&format!("{}{other}{}", &text[..start], &text[end..]));
    }
}

#[test]
fn long_and_deep_texts_are_read_in_a_time_that_grows_with_them() {
    // Each of them would take minutes if its time grew with the square of its length.
    for piece in [
        "{",
        "}",
        "\n",
        ";",
        ". ",
        ".;",
        "a ",
        "a\n",
        "a;",
        "\"",
        ", ",
        "# ",
        "# /* ",
        "set add ",
        "chain c {",
        "table t {",
        "jump ",
        "ip saddr . ",
        "ct state new,",
        "dnat to ",
        "mark set mark | 1 ",
        "numgen inc mod 2 vmap { ",
        "table a { }\n",
        "update @x { ",
        "fib ",
        "elements = { ",
        "{\"a\": [",
        "......\n",
        "  \n",
        "\\\n",
        "table ip a{chain b{drop\n}}\n",
        "meta ",
        "set ",
        "x . ",
    ] {
        let text = piece.repeat(300_000 / piece.len());
        reading(&text);
        reading(&format!("table ip nat {{\nchain c {{\n{text}"));
        reading(&format!("table ip nat {{\nset s {{ type ipv4_addr\nelements = {{\n{text}"));
        reading(&format!("{{\"nftables\": [{text}"));
    }
}

#[test]
fn deep_json_is_read() {
    let deep = "{\"&\": [".repeat(100);
    reading(&format!(
        "{{\"nftables\": [{{\"rule\": {{\"family\": \"ip\", \"table\": \"t\", \"chain\": \"c\", \"expr\": [{deep}"
    ));
    let expression = format!("{}1{}", "{\"elem\": {\"val\": ".repeat(50), "}}".repeat(50));
    reading(&format!(
        "{{\"nftables\": [{{\"rule\": {{\"family\": \"ip\", \"table\": \"t\", \"chain\": \"c\", \"expr\": [{{\"match\": {{\"left\": \
         {expression}, \"right\": 1}}}}]}}}}]}}"
    ));
}
