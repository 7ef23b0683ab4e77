//! Two spellings of a rule are one, and what the commands do.

use super::*;
use crate::words;

fn rule(family: Family, text: &str) -> String {
    Rule::read(&words::split(text), family).text().to_owned()
}

#[test]
fn what_kube_proxy_writes_is_what_iptables_save_lists() {
    let pairs = [
        (
            r#"-m comment --comment "ns/svc:p80 cluster IP" -m tcp -p tcp -d 172.30.0.41 --dport 80 ! -s 10.0.0.0/8 -j KUBE-MARK-MASQ"#,
            r#"! -s 10.0.0.0/8 -d 172.30.0.41/32 -p tcp -m comment --comment "ns/svc:p80 cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ"#,
        ),
        ("-p tcp --dport 80 -j ACCEPT", "-p tcp -m tcp --dport 80 -j ACCEPT"),
        ("-s ! 10.0.0.0/8 -j X", "! -s 10.0.0.0/255.0.0.0 -j X"),
        ("-s 10.1.2.3/16 -j X", "-s 10.1.0.0/16 -j X"),
        ("-s 0.0.0.0/0 -j X", "-j X"),
        ("-j MARK --or-mark 0x00004000", "-j MARK --set-xmark 0x4000/0x4000"),
        ("-j MARK --xor-mark 0x4000", "-j MARK --set-xmark 0x4000/0x0"),
        ("-j MARK --and-mark 0xffff", "-j MARK --set-xmark 0x0/0xffff0000"),
        ("-j MARK --set-mark 1", "-j MARK --set-xmark 0x1/0xffffffff"),
        ("-m mark ! --mark 0x00004000/0x00004000 -j RETURN", "-m mark ! --mark 0x4000/0x4000 -j RETURN"),
        ("-m mark --mark 16384 -j X", "-m mark --mark 0x4000/0xffffffff -j X"),
        (
            "-m statistic --mode random --probability 0.3333333333 -j X",
            "-m statistic --mode random --probability 0.33333333349 -j X",
        ),
        ("-j REJECT", "-j REJECT --reject-with icmp-port-unreachable"),
        (
            "-m recent --name KUBE-SEP-A --rcheck --seconds 10800 --reap -j KUBE-SEP-A",
            "-m recent --rcheck --seconds 10800 --reap --name KUBE-SEP-A --mask 255.255.255.255 --rsource -j KUBE-SEP-A",
        ),
        (
            "-m recent --name KUBE-SEP-A --set -m tcp -p tcp -j DNAT --to-destination 10.0.0.1:80",
            "-p tcp -m recent --set --name KUBE-SEP-A --mask 255.255.255.255 --rsource -m tcp -j DNAT --to-destination 10.0.0.1:80",
        ),
        (
            "-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
            "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        ),
        (
            "-m ipvs --vaddr 10.0.0.1 --vproto tcp --vport 80 -j DROP",
            "-m ipvs --vproto 6 --vaddr 10.0.0.1 --vport 80 -j DROP",
        ),
        (
            "-m set --match-set KUBE-CLUSTER-IP dst,dst -m comment --comment a -j X",
            r#"-m comment --comment "a" -m set --match-set KUBE-CLUSTER-IP dst,dst -j X"#,
        ),
        (r#"-m comment --comment "-j ! -d" -j X"#, r#"-j X -m comment --comment "-j ! -d""#),
        ("-m addrtype --dst-type LOCAL -j X", "-m addrtype --dst-type LOCAL --jump X"),
    ];
    for (written, listed) in pairs {
        assert_eq!(rule(Family::V4, written), rule(Family::V4, listed));
    }
}

#[test]
fn a_spelling_is_read_as_itself() {
    let rules = [
        "! -d ::1 -m comment --comment \"a b\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS",
        "-p tcp -m conntrack --ctstate INVALID -m nfacct --nfacct-name x -j DROP",
        "-m unheard --of 1 2 --and -j TARGET --with 3 ! --not 4",
    ];
    for text in rules {
        let once = rule(Family::V6, text);
        assert_eq!(rule(Family::V6, &once), once);
    }
    assert_eq!(rule(Family::V6, rules[2]), rules[2]);
}

#[test]
fn another_rule_stays_another_one() {
    let rules = [
        "-d 10.0.0.1 -j X",
        "! -d 10.0.0.1 -j X",
        "-d 10.0.0.2 -j X",
        "-d 10.0.0.1 -j Y",
        "-d 10.0.0.1 -g X",
        "-d 10.0.0.1 -m comment --comment X -j X",
        "-j DNAT --to-destination 10.0.0.1:80",
        "-j DNAT --to-destination 10.0.0.1:81",
        "-m statistic --mode random --probability 0.50000000000 -j X",
        "-m statistic --mode random --probability 0.50000000100 -j X",
        "-m recent --rcheck --name A -j X",
        "-m recent --rcheck --reap --name A -j X",
    ];
    let mut texts: Vec<String> = rules.iter().map(|text| rule(Family::V4, text)).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), rules.len());
}

#[test]
fn defaults_depend_on_the_family() {
    assert_eq!(rule(Family::V6, "-j REJECT"), "-j REJECT --reject-with icmp6-port-unreachable");
    let recent = rule(Family::V6, "-m recent --set --name A -j X");
    assert_eq!(recent, "-m recent --set --name A --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource -j X");
}

#[test]
fn a_declared_chain_is_emptied_and_a_built_in_one_is_not() {
    let mut tables = Tables::new(Family::V4);
    tables.call(&["-w", "5", "-N", "A", "-t", "nat"]).unwrap();
    tables.call(&["-w", "5", "-I", "OUTPUT", "-t", "nat", "-m", "comment", "--comment", "-A", "-j", "A"]).unwrap();
    tables
        .apply("*nat\n:OUTPUT ACCEPT [0:0]\n:A - [0:0]\n:B - [0:0]\n[1:2] -A A -j B\n-A A -j RETURN\nCOMMIT\n")
        .unwrap();
    tables.apply("*nat\n:A - [0:0]\n-A A -j B\n-I A -j ACCEPT\n-I A 2 -j DROP\nCOMMIT\n").unwrap();
    let texts = |chain: &str| -> Vec<String> {
        tables.chain("nat", chain).unwrap().rules.iter().map(|rule| rule.text().to_owned()).collect()
    };
    assert_eq!(texts("A"), ["-j ACCEPT", "-j DROP", "-j B"]);
    assert_eq!(texts("OUTPUT"), ["-m comment --comment -A -j A"]);
    tables.call(&["-D", "OUTPUT", "-t", "nat", "-m", "comment", "--comment", "-A", "-j", "A"]).unwrap();
    tables.apply("*nat\n:A - [0:0]\n-X A\n-X B\nCOMMIT\n").unwrap();
    assert!(tables.objects().is_empty());
}

#[test]
fn what_the_kernel_refuses_is_refused_with_its_line() {
    let refusals = [
        ("-A A -j X\n", "line 1: this belongs to no table: -A A -j X"),
        ("*nat\n-A A -j X\n", "line 2: there is no chain A"),
        ("*nat\n:A - [0:0]\n-X B\n", "line 3: there is no chain B"),
        ("*nat\n:A - [0:0]\n-A A -j X\n-X A\n", "line 4: chain A is not empty"),
        ("*nat\n:A - [0:0]\n-D A -j X\n", "line 3: chain A has no such rule"),
        ("*nat\n:A - [0:0]\n-N A\n", "line 3: chain A exists"),
    ];
    for (input, reason) in refusals {
        assert_eq!(Tables::read(Family::V4, input).unwrap_err().to_string(), reason);
    }
}

#[test]
fn a_listing_is_cut_into_its_chains() {
    let save = "# Generated\n*nat\n:OUTPUT ACCEPT [1:2]\n:A - [0:0]\n:B - [0:0]\n-A OUTPUT -j A\n-A B -j A\n-A B -j X\nCOMMIT\n";
    let sections = sections(save).unwrap();
    let shown: Vec<_> = sections.iter().map(|section| (section.chain, section.policy, section.rules)).collect();
    let expected = [("OUTPUT", "ACCEPT", "-A OUTPUT -j A\n"), ("A", "-", ""), ("B", "-", "-A B -j A\n-A B -j X\n")];
    assert_eq!(shown, expected);
    let mut tables = Tables::new(Family::V4);
    sections.iter().for_each(|section| tables.add(section).unwrap());
    assert_eq!(tables, Tables::read(Family::V4, save).unwrap());
    assert!(super::sections("*nat\n:A - [0:0]\n:B - [0:0]\n-A A -j X\n-A B -j X\n-A A -j X\n").is_err());
    assert!(super::sections("-A A -j X\n").is_err());
}

#[test]
fn the_chains_that_an_input_names_are_those_it_may_change() {
    let input = "*nat\n:A - [0:0]\n# a comment\n-A B -m comment --comment \"-A C\" -j A\n[1:2] -A D -j A\n-X E\nCOMMIT\n\
                 *filter\n-F A\nCOMMIT\n";
    let chains: Vec<_> = named(input).collect();
    assert_eq!(chains, [("nat", "A"), ("nat", "B"), ("nat", "D"), ("nat", "E"), ("filter", "A")]);
    let call = ["-w", "5", "-A", "B", "-t", "nat", "-m", "comment", "--comment", "-F", "-j", "A"];
    assert_eq!(changed(&call), Some(("nat".to_owned(), "B".to_owned())));
    assert_eq!(changed(&["-t", "nat", "-F"]), None);
}
