//! The sentences.

use super::*;
use crate::ipset::Sets;
use crate::iptables::{Family, Tables};
use crate::ipvs::Servers;
use crate::nft::Ruleset;

fn nat(chain: &str, rules: &[&str]) -> Tables {
    let mut save = format!("*nat\n:{chain} - [0:0]\n");
    save.extend(rules.iter().map(|rule| format!("-A {chain} {rule}\n")));
    Tables::read(Family::V4, &save).unwrap()
}

fn sentences(expected: &impl Held, found: &impl Held, order: Order) -> Vec<String> {
    let how = Comparison { order, without: &[] };
    difference(expected, found, how).iter().map(ToString::to_string).collect()
}

#[test]
fn rules_of_a_chain_are_told_apart_by_their_place() {
    let expected = nat("X", &["-j A", "-j B", "-j C", "-j D"]);
    let cases: [(&[&str], &[&str]); 5] = [
        (&["-j A", "-j Z", "-j C", "-j D"], &["chain X of nat: rule 2 is \"-j Z\", expected \"-j B\""]),
        (&["-j A", "-j C", "-j D"], &["chain X of nat: rule 2 is missing: \"-j B\""]),
        (&["-j A", "-j B", "-j B", "-j C", "-j D"], &["chain X of nat: rule 3 should not be there: \"-j B\""]),
        (
            &["-j B", "-j A", "-j C", "-j D"],
            &[
                "chain X of nat: rule 1 is \"-j B\", expected as rule 2",
                "chain X of nat: rule 2 is \"-j A\", expected as rule 1",
            ],
        ),
        (&["-j A", "-j B", "-j C", "-j D"], &[]),
    ];
    for (found, shown) in cases {
        assert_eq!(sentences(&expected, &nat("X", found), Order::Strict), shown);
    }
}

#[test]
fn chains_that_are_missing_or_too_many_are_told() {
    let shown = sentences(&nat("A", &["-j B"]), &nat("B", &["-j A"]), Order::Strict);
    assert_eq!(shown, ["chain A of nat is missing", "chain B of nat should not be there; it holds 1 × rule"]);
    let how = Comparison { order: Order::Strict, without: &["A", "B"] };
    assert_eq!(difference(&nat("A", &["-j B"]), &nat("B", &[]), how), []);
}

#[test]
fn where_order_is_left_to_chance_only_the_last_rule_has_a_place() {
    let last = "-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS";
    let expected = nat("KUBE-SERVICES", &["-j A", "-j B", "-j C", last]);
    let turned = nat("KUBE-SERVICES", &["-j C", "-j B", "-j A", last]);
    assert_eq!(sentences(&expected, &turned, Order::Loose), [""; 0]);
    assert_eq!(sentences(&expected, &turned, Order::Strict).len(), 2);
    let early = nat("KUBE-SERVICES", &["-j A", "-j B", last, "-j C"]);
    assert_ne!(sentences(&expected, &early, Order::Loose), [""; 0]);
    let elsewhere = (nat("KUBE-SVC-X", &["-j A", "-j B"]), nat("KUBE-SVC-X", &["-j B", "-j A"]));
    assert_eq!(sentences(&elsewhere.0, &elsewhere.1, Order::Loose).len(), 2);
}

#[test]
fn elements_entries_and_real_servers_are_told() {
    let map = |to: &str| {
        Ruleset::read(&format!(
            "add table ip t\nadd map ip t m {{ type inet_service : verdict ; }}\nadd element ip t m {{ 80 : goto {to} }}\n"
        ))
        .unwrap()
    };
    assert_eq!(
        sentences(&map("a"), &map("b"), Order::Strict),
        ["map m of ip t: element is \"80 : goto b\", expected \"80 : goto a\""]
    );
    let set = |entry: &str| Sets::read_save(&format!("create S hash:ip family inet\nadd S {entry}\n")).unwrap();
    assert_eq!(
        sentences(&set("10.0.0.1"), &set("10.0.0.2"), Order::Strict),
        ["ipset S: entry is missing: \"10.0.0.1\"", "ipset S: entry should not be there: \"10.0.0.2\""]
    );
    let server = |weight: &str| {
        Servers::read_save(&format!("-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1:8080 -m -w {weight}\n"))
            .unwrap()
    };
    assert_eq!(
        sentences(&server("1"), &server("0"), Order::Strict),
        ["virtual server TCP 10.0.0.1:80: real server is \"10.1.0.1:8080 Masq 0\", expected \"10.1.0.1:8080 Masq 1\""]
    );
    let persistent = Servers::read_save("-A -t 10.0.0.1:80 -s rr -p 600\n").unwrap();
    let plain = Servers::read_save("-A -t 10.0.0.1:80 -s rr\n").unwrap();
    assert_eq!(
        sentences(&persistent, &plain, Order::Strict),
        ["virtual server TCP 10.0.0.1:80 is \"rr\", expected \"rr persistent 600\""]
    );
}
