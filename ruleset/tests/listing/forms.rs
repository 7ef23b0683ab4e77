//! One rule is the same in each form in which iptables lists it. The listings are described in `node/README.md`.

use super::{is_unknown, reading, rules, table};
use lab_core::node::{Maker, Pick, Side, Statement, Table, Test, Verdict};
use ruleset::listing::Reading;

const TESTSVC: &str = include_str!("node/testsvc-v1.12-nL.txt");

/// What each chain does, with what the forms say in words of their own left out.
fn does(table: &Table) -> Vec<(&str, Vec<Vec<Statement>>)> {
    let plain = |statement: &Statement| match statement {
        // `-L` without `-v` shows no devices.
        Statement::If(_, Test::Device(..)) => None,
        Statement::If(_, Test::Unknown(_)) => Some(Statement::If(true, Test::Unknown("".into()))),
        Statement::If(_, Test::Limited(text)) if text.contains("mode") => {
            Some(Statement::If(true, Test::Limited("hashlimit".into())))
        }
        Statement::Unknown(text) | Statement::Aside(text) => {
            Some(Statement::Unknown(text.split(' ').next().unwrap_or_default().into()))
        }
        other => Some(other.clone()),
    };
    let chains = table.chains().iter().map(|chain| {
        let rules = chain.rules.iter().map(|rule| {
            let mut statements: Vec<Statement> = rule.statements.iter().filter_map(plain).collect();
            statements.dedup();
            statements
        });
        (&*chain.name, rules.collect())
    });
    let mut chains: Vec<_> = chains.collect();
    chains.sort_by_key(|(name, _)| *name);
    chains
}

fn assert_same(one: &Reading, other: &Reading, tables: &[&str]) {
    for name in tables {
        let (one, other) = (does(table(one, name)), does(table(other, name)));
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one.0, other.0, "{name}");
            for (place, (one, other)) in one.1.iter().zip(&other.1).enumerate() {
                assert_eq!(one, other, "{name}: rule {place}");
            }
            assert_eq!(one.1.len(), other.1.len(), "{name}: {}", one.0);
        }
        assert_eq!(one.len(), other.len(), "{name}");
    }
}

#[test]
fn kube_proxys_rules_are_the_same_in_each_form() {
    let save = include_str!("../../../ci/fidelity/reference/kube-proxy-1.30.5/iptables-legacy/mix-3/iptables-save.txt");
    let save = reading("save", save);
    let forms = [
        include_str!("node/mix-3-legacy-nL.txt"),
        include_str!("node/mix-3-legacy-nvL.txt"),
        include_str!("node/mix-3-legacy-S.txt"),
        include_str!("node/mix-3-nft-nL.txt"),
        include_str!("node/mix-3-nft-nvL.txt"),
        include_str!("node/mix-3-nft-S.txt"),
    ];
    for form in forms {
        let form = reading("listing", form);
        assert_same(&save, &form, &["filter", "nat"]);
        let comments = |reading: &Reading| {
            let nat = table(reading, "nat").chains().iter();
            nat.flat_map(|chain| chain.rules.iter().map(|rule| rule.comment.clone())).flatten().count()
        };
        assert_eq!(comments(&save), comments(&form));
    }
}

#[test]
fn rules_of_ip6tables_are_told_by_their_addresses() {
    let save =
        include_str!("../../../ci/fidelity/reference/kube-proxy-1.30.5/iptables-legacy/mix-3/ip6tables-save.txt");
    let (save, list) = (reading("save", save), reading("list", include_str!("node/mix-3-nft-nL6.txt")));
    assert_same(&save, &list, &["filter", "nat"]);
    assert!(list.state.tables.iter().all(|table| table.families.includes(false)));
}

#[test]
fn each_match_and_target_is_the_same_in_each_form() {
    for (save, list) in [
        (include_str!("node/odd-legacy-save.txt"), include_str!("node/odd-legacy-nvL.txt")),
        (include_str!("node/odd-legacy-save.txt"), include_str!("node/odd-legacy-nL.txt")),
        (include_str!("node/odd-nft-save.txt"), include_str!("node/odd-nft-nvL.txt")),
    ] {
        let (save, list) = (reading("save", save), reading("list", list));
        assert_same(&save, &list, &["filter", "nat", "mangle", "raw"]);
        let rules = table(&save, "filter").chains().iter().flat_map(|chain| &chain.rules);
        let unknown: Vec<&str> =
            rules.filter(|rule| rule.statements.iter().any(is_unknown)).map(|rule| &*rule.text).collect();
        assert_eq!(unknown.len(), 13, "{unknown:#?}");
    }
}

#[test]
fn the_header_tells_the_variant() {
    let maker = |text| table(&reading("x", text), "nat").maker;
    assert_eq!(maker(include_str!("node/odd-legacy-save.txt")), Maker::IptablesLegacy);
    assert_eq!(maker(include_str!("node/odd-nft-save.txt")), Maker::IptablesNft);
    assert_eq!(maker(include_str!("node/odd-nft-nvL.txt")), Maker::Iptables);
}

#[test]
fn the_production_nodes_service_is_read_whole() {
    let found = reading("testsvc-v1.12-nL.txt", TESTSVC);
    let nat = table(&found, "nat");
    assert_eq!(found.state.tables.len(), 1);
    assert_eq!(nat.chains().len(), 9);
    let picks = rules(nat, "KUBE-SVC-M42ZCW2EYUCRBVAF");
    let probability = |statement: &Statement| match statement {
        Statement::If(true, Test::Pick(Pick::Random(probability))) => Some(*probability),
        _ => None,
    };
    let probabilities: Vec<f64> = picks.iter().flat_map(|rule| rule.statements.iter().find_map(probability)).collect();
    assert_eq!(picks.len(), 7);
    assert_eq!(probabilities.len(), 6);
    for (probability, of) in probabilities.iter().zip((2..=7).rev()) {
        assert!((probability - 1.0 / f64::from(of)).abs() < 1e-4, "{probability} of {of}");
    }
    let services = nat.chain("KUBE-SERVICES").unwrap();
    assert_eq!(services.gaps, [2]);
    assert_eq!(services.rules.len(), 3);
    let source = Test::Address(Side::Source, "172.31.0.0/16".parse::<ipnet::IpNet>().unwrap().into());
    assert!(services.rules[0].statements.contains(&Statement::If(false, source)));
    assert_eq!(services.rules[0].comment.as_deref(), Some("default/testsvc: cluster IP"));
    let dropping = Statement::Go(Verdict::Jump("KUBE-MARK-DROP".into()));
    assert_eq!(rules(nat, "KUBE-FW-M42ZCW2EYUCRBVAF")[1].statements.last(), Some(&dropping));
    assert_eq!(*rules(nat, "KUBE-MARK-DROP")[0].statements, [Statement::Mark { keep: !0x8000, flip: 0x8000 }]);
    assert!(nat.chain("DOCKER").is_none(), "a chain that is only jumped to is not in the listing");
    assert!(nat.chains().iter().flat_map(|chain| &chain.rules).all(|rule| !rule.statements.iter().any(is_unknown)));
}
