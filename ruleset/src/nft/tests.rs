//! Two spellings of a rule are one, and what the commands do.

use super::*;

fn rules(lines: &[&str]) -> Vec<String> {
    let mut script = "add table ip t\nadd chain ip t c\n".to_owned();
    script.extend(lines.iter().map(|line| format!("add rule ip t c {line}\n")));
    let ruleset = Ruleset::read(&script).unwrap();
    ruleset.tables["ip t"].chains["c"].rules.iter().map(ToString::to_string).collect()
}

#[test]
fn what_kube_proxy_writes_is_what_nft_lists() {
    let pairs = [
        ("mark and 0x4000 == 0 return", "meta mark & 0x00004000 == 0x00000000 return"),
        ("mark set mark or 0x4000", "meta mark set meta mark | 0x00004000"),
        ("mark set mark xor 0x00004000 ; ", "meta mark set meta mark ^ 0x00004000"),
        (
            "mark and 0x4000 != 0 mark set mark xor 0x4000 masquerade fully-random",
            "meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000 masquerade fully-random",
        ),
        (
            "meta l4proto tcp dnat ip addr . port to numgen random mod 2 map { 0 : 10.0.0.1 . 80 , 1 : 10.0.0.2 . 80 }",
            "meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 80 }",
        ),
        (
            "ip saddr != { 198.51.100.221/32 , 203.0.113.0/24 } drop",
            "ip saddr != { 198.51.100.221, 203.0.113.0/24 } drop",
        ),
        ("ip saddr != { 10.0.0.0/25 , 10.0.0.128/25 , 10.0.0.7 } drop", "ip saddr != 10.0.0.0/24 drop"),
        ("reject", "reject with icmp port-unreachable"),
        ("reject with icmp type port-unreachable comment \"c\"", "reject comment \"c\""),
        ("counter jump x", "counter packets 5 bytes 300 jump x"),
        ("ip6 saddr FD00:0::1 accept", "ip6 saddr fd00::1 accept"),
        ("tcp dport 80 accept # handle 7", "tcp dport 80 accept"),
    ];
    for (written, listed) in pairs {
        assert_eq!(rules(&[written]), rules(&[listed]));
    }
}

#[test]
fn another_rule_stays_another_one() {
    let lines = [
        "numgen random mod 2 vmap { 0 : goto a, 1 : goto b }",
        "numgen random mod 2 vmap { 0 : goto b, 1 : goto a }",
        "meta l4proto tcp dnat to 10.0.0.1:80",
        "meta l4proto tcp dnat to 10.0.0.1:81",
        "ip saddr 10.0.0.1 jump a",
        "ip saddr != 10.0.0.1 jump a",
        "tcp dport != 80 accept",
        "tcp dport != 0x80 accept",
        "meta mark & 0x4000 == 0 return",
        "meta mark & 0x4000 != 0 return",
        "update @affinity { ip saddr }",
        "reject with tcp reset",
        "reject",
    ];
    let mut spelled = rules(&lines);
    spelled.sort();
    spelled.dedup();
    assert_eq!(spelled.len(), lines.len());
}

#[test]
fn sets_and_hooks_have_one_spelling() {
    let script = "add table ip t\n\
        add chain ip t c { type filter hook prerouting priority -110 ; }\n\
        add set ip t s { type ipv4_addr ; flags timeout,dynamic ; timeout 10800s ; }\n\
        add map ip t m { type ipv4_addr . inet_proto : verdict ; comment \"m\" ; }\n\
        add element ip t m { 10.0.0.1 . tcp comment \"a\" : goto c , 10.0.0.2 . udp : drop }\n";
    let listing = "table ip t {\n\tset s {\n\t\ttype ipv4_addr\n\t\tsize 65535\n\t\tflags dynamic,timeout\n\t\ttimeout 3h\n\
        \t\telements = { }\n\t}\n\tmap m {\n\t\ttype ipv4_addr . inet_proto : verdict\n\t\tcomment \"m\"\n\
        \t\telements = { 10.0.0.2 . udp : drop,\n\t\t\t     10.0.0.1 . tcp comment \"a\" : goto c }\n\t}\n\
        \tchain c {\n\t\ttype filter hook prerouting priority dstnat - 10; policy accept;\n\t}\n}\n";
    let (script, listing) = (Ruleset::read(script).unwrap(), Ruleset::read(listing).unwrap());
    assert_eq!(script, listing);
    assert_eq!(
        script.tables["ip t"].chains["c"].properties,
        "type filter hook prerouting priority -110; policy accept"
    );
}

#[test]
fn commands_do_what_the_kernel_does() {
    let mut ruleset = Ruleset::default();
    let script = "add table ip t\nadd chain ip t a\nadd rule ip t a accept\ninsert rule ip t a drop\nflush chain ip t a\n\
        add rule ip t a reject\nadd set ip t s { type ipv4_addr ; }\nadd element ip t s { 10.0.0.1, 10.0.0.2 }\n\
        delete element ip t s { 10.0.0.1 }\nadd chain ip t b\ndelete chain ip t b\nadd element ip t s { 10.0.0.2 }\n";
    ruleset.apply(script).unwrap();
    let table = &ruleset.tables["ip t"];
    assert_eq!(table.chains.keys().map(AsRef::as_ref).collect::<Vec<_>>(), ["a"]);
    assert_eq!(table.chains["a"].rules, [Box::from("reject")]);
    assert_eq!(table.sets["s"].elements.keys().map(AsRef::as_ref).collect::<Vec<_>>(), ["10.0.0.2"]);
    let refusals = [
        ("add chain ip u c\n", "line 1: there is no table ip u"),
        ("\nadd rule ip t b accept\n", "line 2: there is no chain b"),
        ("delete element ip t s { 10.0.0.9 }\n", "line 1: there is no element 10.0.0.9"),
        (
            "add map ip t m { type mark : verdict ; }\nadd element ip t m { 1 : drop }\nadd element ip t m { 1 : accept }",
            "line 3: element 1 is there with another value",
        ),
        ("delete chain ip t b\n", "line 1: there is no chain b"),
        ("table ip t {\n chain a {\n", "line 3: the text ends within a chain"),
        ("frobnicate chain ip t a\n", "line 1: unknown command frobnicate"),
    ];
    for (script, reason) in refusals {
        let error = ruleset.clone().apply(script).unwrap_err().to_string();
        assert_eq!(error.split(" on ").next(), Some(reason));
    }
}
