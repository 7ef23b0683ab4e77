//! Excerpts, listings that are cut off, tables that come twice, and tables of iptables-nft.

use super::{contents, file, read, reading};
use lab_core::node::{Families, Maker, Statement, Table, Test, Verdict};

fn says(text: &str) -> Vec<String> {
    reading(text).notes.iter().map(ToString::to_string).collect()
}

const SAVE: &str = "table ip kube-proxy {
	chain services {
		jump a
		......
		jump b
	}

	chain a {
		drop
	}
}
";

#[test]
fn lines_that_are_left_out_are_gaps() {
    let reading = reading(SAVE);
    let chain = reading.state.tables[0].chain("services").unwrap();
    assert_eq!((chain.rules.len(), &chain.gaps[..]), (2, &[1][..]));
    assert!(reading.state.tables[0].chain("a").unwrap().gaps.is_empty());
}

#[test]
fn elements_that_are_left_out_are_noted() {
    let text = "table ip t {\n\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1,\n......\n10.0.0.9 }\n\t}\n}\n";
    let reading = reading(text);
    assert_eq!(reading.state.tables[0].sets["s"].elements().len(), 2);
    assert_eq!(says(text), ["listing:2: elements of s are left out"]);
}

#[test]
fn a_chain_without_its_end_ends_where_the_next_one_starts() {
    let reading = reading(&SAVE.replacen("\t}\n", "", 1));
    let table = &reading.state.tables[0];
    assert_eq!(table.chain("services").unwrap().rules.len(), 2);
    assert_eq!(table.chain("a").unwrap().rules.len(), 1);
    assert_eq!(reading.notes[0].says, "chain services is cut off here");
}

#[test]
fn the_last_rule_of_a_text_that_is_cut_off_is_not_trusted() {
    let reading = reading("table ip t {\n\tchain c {\n\t\tdrop\n\t\tip saddr 10.0.0.1 acc");
    let chain = reading.state.tables[0].chain("c").unwrap();
    assert_eq!((chain.rules.len(), &chain.gaps[..]), (1, &[1][..]));
    assert_eq!(reading.notes.len(), 2);
}

#[test]
fn chains_that_are_listed_one_by_one_are_one_table() {
    let text = "table ip t {\n\tchain a {\n\t\tdrop\n\t}\n}\ntable ip t {\n\tchain b {\n\t\taccept\n\t}\n}\n";
    let reading = reading(text);
    assert_eq!(reading.notes, []);
    assert_eq!(reading.state.tables.len(), 1);
    assert_eq!(reading.state.tables[0].chains().len(), 2);
    assert_eq!(reading.state.tables[0].chain("b").unwrap().rules[0].line, 8);
}

#[test]
fn a_table_of_another_node_is_left_out() {
    let other = SAVE.replace("jump b", "jump c");
    assert_eq!(
        says(&format!("{SAVE}{other}")),
        [
            "listing:12: table ip kube-proxy comes a second time; it would be another node's, and is left out; explain one \
          node at a time"
        ]
    );
}

#[test]
fn what_is_not_of_nft_is_noted_once_or_passed_over() {
    assert_eq!(
        says("flush ruleset\nadd table ip t\nadd element ip t s { 10.0.0.1,\n 10.0.0.2 }\n"),
        ["listing:1: commands of an nft script are passed over"]
    );
    let notes = says(&format!("{}{SAVE}", "what is this\n".repeat(100)));
    assert_eq!(notes.len(), 6);
    assert_eq!(notes[5], "listing: 95 more lines are passed over");
    let objects = "table inet t {\n\tcounter c {\n\t\tpackets 0 bytes 0\n\t}\n\n\tflowtable f {\n\t\thook ingress priority \
                   filter\n\t\tdevices = { lo }\n\t}\n\n\tct helper h {\n\t\ttype \"ftp\" protocol tcp\n\t}\n\n\tchain x \
                   {\n\t}\n}\ntable bridge b {\n\tchain i {\n\t\ttype filter hook ingress device lo priority 0;\n\t}\n}\n";
    let reading = reading(objects);
    assert_eq!(reading.notes, []);
    assert_eq!(reading.state.tables[1].families, Families::Other);
    assert_eq!(reading.state.tables[0].chains().len(), 1);
}

#[test]
fn a_dormant_table_is_called_by_nothing() {
    let text = "table ip t {\n\tflags dormant\n\tchain c {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n";
    assert_eq!(reading(text).state.tables[0].chain("c").unwrap().hook, None);
    assert_eq!(says(text).len(), 1);
}

#[test]
fn the_tables_of_iptables_nft_are_known_as_its_own() {
    let reading = reading(&file("tests/reference/nft/iptables-nft-1.8.9-mix-3.txt"));
    assert_eq!(reading.notes, []);
    assert!(reading.state.tables.iter().all(|table| table.maker == Maker::IptablesNft));
    let nat = reading.state.tables.iter().find(|table| &*table.name == "nat").unwrap();
    let unknown =
        |statement: &Statement| matches!(statement, Statement::Unknown(_) | Statement::If(_, Test::Unknown(_)));
    let rules = || nat.chains().iter().flat_map(|chain| &chain.rules);
    assert!(!rules().flat_map(|rule| &rule.statements).any(unknown));
    assert_eq!(nat.chain("KUBE-SERVICES").unwrap().rules.len(), 7);
    assert!(rules().all(|rule| rule.counters.is_some()));
}

#[test]
fn what_json_does_not_tell_of_a_rule_of_iptables_is_unknown() {
    let reading = reading(&file("tests/reference/nft/iptables-nft-1.8.9-mix-3.json"));
    let nat = reading.state.tables.iter().find(|table| &*table.name == "nat").unwrap();
    assert_eq!(nat.maker, Maker::IptablesNft);
    let rule = &nat.chain("KUBE-MARK-MASQ").unwrap().rules[0];
    assert_eq!(*rule.statements, [Statement::Unknown("xt target MARK".into())]);
}

#[test]
fn the_save_of_iptables_is_kept_before_what_nft_lists_of_its_table() {
    let mut reading = crate::listing::Reading::default();
    let mut saved = Table::new(Maker::IptablesNft, Families::V4, "nat", "save");
    saved.chain_mut("KUBE-SERVICES");
    reading.state.tables.push(saved.clone());
    read("listing", 1, &file("tests/reference/nft/iptables-nft-1.8.9-mix-3.txt"), &mut reading);
    assert_eq!(reading.notes, []);
    assert_eq!(reading.state.tables[0], saved);
    assert_eq!(reading.state.tables.iter().filter(|table| &*table.name == "nat").count(), 1);
}

#[test]
fn what_old_versions_print_of_iptables_matches_is_understood() {
    let text = "table ip nat {
	chain KUBE-SVC-A {
		 # /* ns/svc:http via ip */ # mode random probability 0.5 counter packets 1 bytes 2 jump KUBE-SEP-A
		# match-set KUBE-CLUSTER-IP dst,dst counter packets 0 bytes 0 # MARK or 0x4000
		counter packets 0 bytes 0 # something new
	}
}
";
    let reading = reading(text);
    let rules = &reading.state.tables[0].chain("KUBE-SVC-A").unwrap().rules;
    assert_eq!(rules[0].comment.as_deref(), Some("ns/svc:http via ip"));
    assert_eq!(rules[0].statements[1], Statement::Go(Verdict::Jump("KUBE-SEP-A".into())));
    assert!(matches!(rules[1].statements[0], Statement::If(true, Test::InIpset(..))));
    assert_eq!(rules[1].statements[1], Statement::Mark { keep: !0x4000, flip: 0x4000 });
    assert_eq!(*rules[2].statements, [Statement::If(true, Test::Unknown("something new".into()))]);
}

#[test]
fn json_that_is_cut_off_keeps_what_comes_before() {
    let text = file("tests/reference/nft/kube-proxy-1.36.3-mix-3.json");
    let whole = contents(&reading(&text)).len();
    let reading = reading(&text[..text.len() * 3 / 4]);
    assert_eq!(reading.notes[0].says, "this JSON is cut off here");
    assert!(contents(&reading).len() > whole / 2);
    assert!(says("{\"nftables\": [{\"table\": {\"family\": \"ip\", \"name\": \"t\"}}, oops]}")[0].contains("broken"));
    assert!(says("{ \"items\": [] }")[0].contains("no list named"));
}

#[test]
fn what_a_person_wrote_behind_a_hash_is_no_part_of_a_rule() {
    for table in ["inet", "ip"] {
        let text = format!("table {table} filter {{\n\tchain input {{\n\t\t# ssh\n\t\taccept # for all\n\t}}\n}}\n");
        let reading = reading(&text);
        let rules = &reading.state.tables[0].chain("input").unwrap().rules;
        assert_eq!(rules.len(), 1);
        assert_eq!((&*rules[0].text, &*rules[0].statements), ("accept", &[Statement::Go(Verdict::Accept)][..]));
    }
}

#[test]
fn an_element_that_is_not_understood_is_noted() {
    let text = "table ip t {\n\tset s {\n\t\ttype ifname\n\t\telements = { \"lo\", \"cali*\" }\n\t}\n}\n";
    assert_eq!(says(text), ["listing:2: an element of s is not understood and left out: \"\\\"cali*\\\"\""]);
}
