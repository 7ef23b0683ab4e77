//! Rules of every kind, one by one.

use super::reading;
use lab_core::node::{
    AddressKind, Direction, Field, HookPoint, KeyPart, Outcome, Pick, Rewrite, Rule, SetRef, Side, Span, Statement,
    States, Test, Value, Verdict, WrittenPort,
};

fn rule_in(family: &str, rule: &str) -> Rule {
    let reading = reading(&format!("table {family} t {{\n\tchain c {{\n\t\t{rule}\n\t}}\n}}\n"));
    assert_eq!(reading.notes, [], "{rule}");
    let rules = &reading.state.tables[0].chain("c").unwrap().rules;
    assert_eq!(rules.len(), 1, "{rule}");
    rules[0].clone()
}

fn statements(rule: &str) -> Vec<Statement> {
    rule_in("ip", rule).statements.into_vec()
}

fn one(rule: &str) -> Statement {
    let statements = statements(rule);
    assert_eq!(statements.len(), 1, "{rule}: {statements:?}");
    statements[0].clone()
}

fn is(test: Test) -> Statement {
    Statement::If(true, test)
}

fn is_not(test: Test) -> Statement {
    Statement::If(false, test)
}

fn span(first: &str, last: &str) -> Span {
    Span { first: first.parse().unwrap(), last: last.parse().unwrap() }
}

fn to(address: &str, port: Option<u16>) -> Rewrite {
    Rewrite::to(address.parse().unwrap(), port)
}

#[test]
fn a_rule_is_read_statement_by_statement_in_its_own_order() {
    let rule =
        rule_in("ip", "tcp dport 22 ct state new counter packets 5 bytes 6 accept comment \"a \\ b\" # handle 7");
    assert_eq!(
        *rule.statements,
        [
            is(Test::Protocol(6)),
            is(Test::Port(Side::Destination, 22, 22)),
            is(Test::State(States::NEW)),
            Statement::Go(Verdict::Accept),
        ]
    );
    assert_eq!(&*rule.text, "tcp dport 22 ct state new accept comment \"a \\ b\"");
    assert_eq!(rule.line, 3);
    assert_eq!(rule.comment.as_deref(), Some("a \\ b"));
    assert_eq!(rule.counters, Some((5, 6)));
}

#[test]
fn marks_are_tested_and_set_in_every_spelling() {
    let mark = |value, mask| Test::Mark { value, mask };
    assert_eq!(one("meta mark & 0x00004000 == 0x00000000"), is(mark(0, 0x4000)));
    assert_eq!(one("mark and 0x4000 != 0"), is_not(mark(0, 0x4000)));
    assert_eq!(one("meta mark 0x10"), is(mark(0x10, u32::MAX)));
    for (rule, keep, flip) in [
        ("meta mark set meta mark | 0x00004000", !0x4000, 0x4000),
        ("mark set mark or 0x4000", !0x4000, 0x4000),
        ("meta mark set mark xor 0x4000", u32::MAX, 0x4000),
        ("meta mark set meta mark ^ 0x00004000", u32::MAX, 0x4000),
        ("meta mark set 0x00004000", 0, 0x4000),
        ("meta mark set mark and 0xffffff00 xor 0x1", 0xffff_ff00, 1),
        ("meta mark set meta mark & 0x3 | 0x2", 1, 2),
    ] {
        assert_eq!(one(rule), Statement::Mark { keep, flip }, "{rule}");
    }
    assert_eq!(one("meta mark set ct mark"), Statement::Unknown("meta mark set ct mark".into()));
}

#[test]
fn addresses_and_ports_are_tested_one_in_a_range_or_in_a_set() {
    let source = |first, last| Test::Address(Side::Source, span(first, last));
    assert_eq!(one("ip saddr != 10.0.0.0/8"), is_not(source("10.0.0.0", "10.255.255.255")));
    assert_eq!(one("ip saddr 10.0.0.1-10.0.0.9"), is(source("10.0.0.1", "10.0.0.9")));
    assert_eq!(one("ip saddr { 10.0.0.0/8 }"), is(source("10.0.0.0", "10.255.255.255")));
    assert_eq!(one("th dport 80-90"), is(Test::Port(Side::Destination, 80, 90)));
    assert_eq!(one("th dport > 80"), is(Test::Port(Side::Destination, 81, 65535)));
    assert_eq!(
        one("th dport != { 80, 443-445 }"),
        is_not(Test::Ports(Side::Destination, [(80, 80), (443, 445)].into()))
    );
    assert_eq!(one("@th,16,16 80"), is(Test::Port(Side::Destination, 80, 80)));
    assert_eq!(one("th sport domain"), is(Test::Port(Side::Source, 53, 53)));
    let Statement::If(true, Test::Member(fields, SetRef::Written(set))) = one("ip daddr { 10.0.0.0/8, 192.168.0.1 }")
    else {
        panic!()
    };
    assert_eq!(*fields, [Field::Address(Side::Destination)]);
    assert!(set.find(&[Value::Address("10.9.9.9".parse().unwrap())]).is_some());
    assert!(set.find(&[Value::Address("192.168.0.2".parse().unwrap())]).is_none());
    assert_eq!(
        one("ip saddr @affinity-X-ns/svc goto endpoint-X"[..].split(" goto").next().unwrap()),
        is(Test::Member([Field::Address(Side::Source)].into(), SetRef::Named("affinity-X-ns/svc".into())))
    );
}

#[test]
fn what_a_test_takes_for_granted_is_tested_once() {
    let rule = rule_in("inet", "ip saddr 10.0.0.1 ip daddr 10.0.0.2 tcp dport 80 tcp sport 81 accept");
    let implied = |statement: &&Statement| matches!(statement, Statement::If(_, Test::IsV4(_) | Test::Protocol(_)));
    assert_eq!(rule.statements.iter().filter(implied).count(), 2);
    assert_eq!(statements("meta l4proto tcp tcp dport 80").len(), 2);
    assert_eq!(rule_in("ip6", "ip6 daddr fd00::1").statements.len(), 1);
    assert_eq!(
        *rule_in("inet", "meta nfproto ipv6 accept").statements,
        [is(Test::IsV4(false)), Statement::Go(Verdict::Accept)]
    );
}

#[test]
fn states_devices_and_kinds_of_addresses_are_tested() {
    let states = States::ESTABLISHED.or(States::RELATED);
    assert_eq!(one("ct state established,related"), is(Test::State(states)));
    assert_eq!(one("ct state { established, related }"), is(Test::State(states)));
    assert_eq!(one("ct state ! new"), is_not(Test::State(States::NEW)));
    assert_eq!(one("ct status dnat"), is(Test::State(States::DNAT)));
    assert_eq!(one("iifname \"eth*\""), is(Test::Device(Direction::In, "eth*".into())));
    assert_eq!(one("oifname != \"lo\""), is_not(Test::Device(Direction::Out, "lo".into())));
    assert_eq!(one("iif lo"), is(Test::Device(Direction::In, "lo".into())));
    assert_eq!(one("fib daddr type local"), is(Test::Kind(Side::Destination, AddressKind::Local)));
    assert_eq!(statements("fib saddr type != { local, multicast }").len(), 2);
    let Statement::Look(fields, SetRef::Written(set)) = one("ct state vmap { established : accept, invalid : drop }")
    else {
        panic!()
    };
    assert_eq!(*fields, [Field::State]);
    let found = set.find(&[Value::Number(States::INVALID.0.into())]).unwrap();
    assert_eq!(found.outcome, Some(Outcome::Verdict(Verdict::Drop)));
}

#[test]
fn node_ports_on_every_address_but_loopback_are_looked_up() {
    let rule = "fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @service-nodeports";
    assert_eq!(
        statements(rule),
        [
            is(Test::Kind(Side::Destination, AddressKind::Local)),
            is_not(Test::Address(Side::Destination, span("127.0.0.0", "127.255.255.255"))),
            Statement::Look(
                [Field::Protocol, Field::Port(Side::Destination)].into(),
                SetRef::Named("service-nodeports".into())
            ),
        ]
    );
}

#[test]
fn one_of_several_is_picked_by_a_number_for_each_packet() {
    let verdict = |chain: &str| Outcome::Verdict(Verdict::Goto(chain.into()));
    assert_eq!(
        one("numgen random mod 3 vmap { 0 : goto a, 1-2 : goto b }"),
        Statement::Spread { modulus: 3, is_random: true, map: [(0, 0, verdict("a")), (1, 2, verdict("b"))].into() }
    );
    let map = |port| [(0, 0, Outcome::To(to("10.0.0.1", port))), (1, 1, Outcome::To(to("10.0.0.2", port)))];
    for (rule, is_random, port) in [
        ("dnat ip to numgen random mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 80 }", true, Some(80)),
        ("dnat ip addr . port to numgen inc mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 80 }", false, Some(80)),
        ("dnat to numgen inc mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }:80", false, Some(80)),
        ("dnat to numgen random mod 2 offset 5 map { 5 : 10.0.0.1, 6 : 10.0.0.2 }", true, None),
    ] {
        assert_eq!(one(rule), Statement::Spread { modulus: 2, is_random, map: map(port).into() }, "{rule}");
    }
    assert_eq!(one("numgen inc mod 2 0"), is(Test::Pick(Pick::Nth(2, 0))));
    assert_eq!(one("meta random & 2147483647 < 1073741824"), is(Test::Pick(Pick::Random(0.5))));
}

#[test]
fn addresses_are_rewritten_in_every_spelling() {
    for rule in ["dnat to 10.0.0.1:80", "dnat ip to 10.0.0.1 : 80", "dnat ip addr . port to 10.0.0.1 . 80"] {
        assert_eq!(one(rule), Statement::Dnat(to("10.0.0.1", Some(80))), "{rule}");
    }
    assert_eq!(
        *rule_in("ip6", "dnat ip6 to [fd00::1]:80 persistent").statements,
        [Statement::Dnat(to("fd00::1", Some(80)))]
    );
    assert_eq!(*rule_in("ip6", "dnat to fd00::1").statements, [Statement::Dnat(to("fd00::1", None))]);
    assert_eq!(
        one("snat to 10.0.0.1-10.0.0.9:1-1000 random,persistent"),
        Statement::Snat(Rewrite { addresses: Some(span("10.0.0.1", "10.0.0.9")), port: WrittenPort::Range(1, 1000) })
    );
    assert_eq!(one("redirect to :8080"), Statement::Redirect(WrittenPort::One(8080)));
    assert_eq!(one("masquerade to :1024-65535 random"), Statement::Masquerade);
    let statement = one("dnat ip to ip daddr . th dport map @targets");
    assert!(matches!(statement, Statement::DnatBy(fields, SetRef::Named(_)) if fields.len() == 2));
}

#[test]
fn verdicts_and_what_changes_nothing_are_told_apart() {
    assert_eq!(one("reject"), Statement::Go(Verdict::Reject("".into())));
    assert_eq!(
        one("reject with icmp type port-unreachable"),
        Statement::Go(Verdict::Reject("icmp-port-unreachable".into()))
    );
    assert_eq!(statements("reject with tcp reset"), [Statement::Go(Verdict::Reject("tcp-reset".into()))]);
    assert_eq!(one("queue num 1-3 bypass,fanout"), Statement::Go(Verdict::Queue));
    assert_eq!(one("notrack"), Statement::NoTrack);
    assert_eq!(one("update @a-1/x { ip saddr timeout 3h }"), Statement::Note("a-1/x".into()));
    assert_eq!(statements("log prefix \"x y\" flags tcp sequence,options accept").len(), 2);
    assert_eq!(
        statements("limit rate 5/minute burst 5 packets accept")[0],
        is(Test::Limited("limit rate 5/minute burst 5 packets".into()))
    );
    assert_eq!(one("ct mark set meta mark"), Statement::Aside("ct mark set meta mark".into()));
}

#[test]
fn what_is_not_known_stays_as_it_stands_and_ends_where_the_next_statement_starts() {
    for (rule, text) in [
        ("icmp type echo-request accept", "icmp type echo-request"),
        ("tcp flags syn / fin,syn,rst,ack accept", "tcp flags syn / fin,syn,rst,ack"),
        ("meta skuid 1000 accept", "meta skuid 1000"),
        ("ct original ip daddr 10.0.0.1 accept", "ct original ip daddr 10.0.0.1"),
        ("fib saddr . iif oif 0 accept", "fib saddr . iif oif 0"),
        ("ip saddr & 0.0.0.255 == 0.0.0.1 accept", "ip saddr & 0.0.0.255 == 0.0.0.1"),
        ("xt match recent accept", "xt match recent"),
    ] {
        let statements = statements(rule);
        let [.., test, verdict] = &statements[..] else { panic!("{rule}: {statements:?}") };
        assert_eq!(*test, is(Test::Unknown(text.into())), "{rule}");
        assert_eq!(*verdict, Statement::Go(Verdict::Accept), "{rule}");
    }
    let spread = "jhash ip saddr mod 2 vmap { 0 : goto a, 1 : goto b }";
    assert_eq!(one(spread), Statement::Unknown(spread.into()));
}

#[test]
fn priorities_are_read_by_name_and_by_number() {
    for (text, priority) in [
        ("dstnat - 10", -110),
        ("dstnat + 10", -90),
        ("srcnat", 100),
        ("filter", 0),
        ("-110", -110),
        ("mangle", -150),
        ("security", 50),
        ("raw", -300),
    ] {
        let reading =
            reading(&format!("table ip t {{ chain c {{ type nat hook output priority {text}; policy drop; }}\n}}"));
        let chain = reading.state.tables[0].chain("c").unwrap();
        let hook = chain.hook.unwrap();
        assert_eq!((hook.point, hook.priority, chain.drops), (HookPoint::Output, priority, true), "{text}");
    }
}

#[test]
fn sets_are_read_with_all_that_their_elements_say() {
    let reading = reading(
        "table ip t {
	set pairs {
		type ipv4_addr . inet_service
		flags interval
		elements = { 10.0.0.0/8 . 80-90,
			     192.168.1.1 . https }
	}
	set clients {
		type ipv4_addr
		size 1000
		flags dynamic,timeout
		timeout 10m
		elements = { 10.0.0.1 timeout 5m expires 4m59s996ms comment \"x\" }
	}
	map marks {
		typeof ip saddr . meta mark : verdict
		elements = { 10.0.0.1 . 0x00000001 counter packets 0 bytes 0 : drop }
	}
}
",
    );
    assert_eq!(reading.notes, []);
    let sets = &reading.state.tables[0].sets;
    let key = |address: &str, port| [Value::Address(address.parse().unwrap()), Value::Number(port)];
    assert!(sets["pairs"].find(&key("10.1.2.3", 85)).is_some());
    assert!(sets["pairs"].find(&key("192.168.1.1", 443)).is_some());
    assert!(sets["pairs"].find(&key("10.1.2.3", 91)).is_none());
    let clients = &sets["clients"];
    assert_eq!((clients.is_dynamic, clients.maximum), (true, Some(1000)));
    assert_eq!(clients.elements()[0].comment.as_deref(), Some("x"));
    assert_eq!(*clients.elements()[0].key, [KeyPart::One(Value::Address("10.0.0.1".parse().unwrap()))]);
    let found = sets["marks"].find(&key("10.0.0.1", 1)).unwrap();
    assert_eq!(found.outcome, Some(Outcome::Verdict(Verdict::Drop)));
}
