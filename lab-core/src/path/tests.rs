use super::*;
use crate::node::*;
use std::net::{IpAddr, SocketAddr};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn rule(statements: Vec<Statement>) -> Rule {
    Rule { text: "".into(), line: 0, comment: None, counters: None, statements: statements.into() }
}

fn to(address: &str, port: u16) -> Vec<Statement> {
    vec![
        Statement::If(true, Test::Address(Side::Destination, Span::one(ip(address)))),
        Statement::If(true, Test::Protocol(6)),
        Statement::If(true, Test::Port(Side::Destination, port, port)),
    ]
}

fn jump(chain: &str) -> Statement {
    Statement::Go(Verdict::Jump(chain.into()))
}

fn endpoint(table: &mut Table, number: u8) {
    let address = IpAddr::from([10, 244, 0, number]);
    let chain = table.chain_mut(&format!("KUBE-SEP-{number}"));
    chain.rules = vec![
        rule(vec![Statement::If(true, Test::Address(Side::Source, Span::one(address))), jump("KUBE-MARK-MASQ")]),
        rule(vec![Statement::Dnat(Rewrite::to(address, Some(8080)))]),
    ];
}

/// A node with one Service of so many endpoints, as kube-proxy programs it.
fn node(endpoints: u8) -> NodeState {
    let mut nat = Table::new(Maker::Iptables, Families::V4, "nat", "test");
    for hook in ["PREROUTING", "OUTPUT"] {
        nat.chain_mut(hook).rules = vec![rule(vec![jump("KUBE-SERVICES")])];
    }
    nat.chain_mut("POSTROUTING").rules = vec![rule(vec![jump("KUBE-POSTROUTING")])];
    nat.chain_mut("KUBE-POSTROUTING").rules = vec![
        rule(vec![Statement::If(false, Test::Mark { value: 0x4000, mask: 0x4000 }), Statement::Go(Verdict::Return)]),
        rule(vec![Statement::Mark { keep: u32::MAX, flip: 0x4000 }]),
        rule(vec![Statement::Masquerade]),
    ];
    nat.chain_mut("KUBE-MARK-MASQ").rules = vec![rule(vec![Statement::Mark { keep: !0x4000, flip: 0x4000 }])];
    nat.chain_mut("KUBE-SERVICES").rules = vec![
        rule([to("10.96.0.9", 80), vec![jump("KUBE-SVC-OTHER")]].concat()),
        rule([to("10.96.0.10", 80), vec![jump("KUBE-SVC-A")]].concat()),
    ];
    let pods = Span::from("10.244.0.0/16".parse::<ipnet::IpNet>().unwrap());
    let mut rules = vec![rule(vec![Statement::If(false, Test::Address(Side::Source, pods)), jump("KUBE-MARK-MASQ")])];
    for number in 1..=endpoints {
        let left = endpoints - number + 1;
        let pick = Statement::If(true, Test::Pick(Pick::Random(1.0 / f64::from(left))));
        let go = jump(&format!("KUBE-SEP-{number}"));
        rules.push(rule(if left == 1 { vec![go] } else { vec![pick, go] }));
        endpoint(&mut nat, number);
    }
    nat.chain_mut("KUBE-SVC-A").rules = rules;
    NodeState { tables: vec![nat], ..NodeState::default() }
}

fn walk(state: &NodeState, start: Start, source: &str, destination: &str) -> Walk {
    let walker = Walker::new(state, Surroundings::of(state));
    let source = SocketAddr::new(ip(source), 40000);
    walker.walk(Packet::new(start, 6, source, destination.parse().unwrap()))
}

#[test]
fn each_endpoint_has_the_same_probability() {
    let walk = walk(&node(7), Start::CameIn, "10.244.9.9", "10.96.0.10:80");
    assert_eq!(walk.endings.len(), 7);
    for (number, ending) in (1_u8..).zip(&walk.endings) {
        assert!((ending.probability - 1.0 / 7.0).abs() < 1e-9, "{ending:?}");
        assert_eq!(ending.destination, SocketAddr::new(IpAddr::from([10, 244, 0, number]), 8080));
        assert_eq!((&ending.end, ending.source), (&End::Sent, SourceAddress::Kept));
        // PREROUTING 1, KUBE-SERVICES 2, KUBE-SVC-A the first and the picks up to this one, KUBE-SEP 2.
        assert_eq!(ending.tried_before, 6 + u64::from(number));
        assert!(!ending.is_uncertain);
    }
}

#[test]
fn only_clients_from_outside_are_masqueraded_and_an_endpoint_that_calls_itself() {
    let state = node(2);
    let source = |source: &str, start| {
        walk(&state, start, source, "10.96.0.10:80").endings.iter().map(|ending| ending.source).collect::<Vec<_>>()
    };
    let node = SourceAddress::Node(None);
    assert_eq!(source("10.244.9.9", Start::CameIn), [SourceAddress::Kept; 2]);
    assert_eq!(source("203.0.113.1", Start::CameIn), [node; 2]);
    assert_eq!(source("192.0.2.1", Start::OfNode), [node; 2]);
    assert_eq!(source("10.244.0.2", Start::CameIn), [SourceAddress::Kept, node]);
}

#[test]
fn chains_that_lead_back_end_the_walk() {
    let mut state = node(1);
    state.tables[0].chain_mut("KUBE-SEP-1").rules = vec![rule(vec![jump("KUBE-SVC-A")])];
    let walk = walk(&state, Start::CameIn, "10.244.9.9", "10.96.0.10:80");
    assert_eq!(walk.endings.iter().map(|ending| &ending.end).collect::<Vec<_>>(), [&End::Loop]);
}

#[test]
fn a_chain_that_no_listing_has_is_said() {
    let mut state = node(1);
    state.tables[0].chain_mut("KUBE-SVC-A").rules.push(rule(vec![jump("KUBE-SEP-2")]));
    state.tables[0].chain_mut("KUBE-SVC-A").rules.remove(1);
    let walk = walk(&state, Start::CameIn, "10.244.9.9", "10.96.0.10:80");
    assert_eq!(walk.endings[0].end, End::Unlisted("KUBE-SEP-2".into()));
    assert!(walk.endings[0].is_uncertain);
}

#[test]
fn a_client_that_was_seen_goes_a_way_of_its_own() {
    let mut state = node(2);
    let seen = rule(vec![Statement::If(true, Test::Seen("KUBE-SEP-2".into(), 10_800)), jump("KUBE-SEP-2")]);
    state.tables[0].chain_mut("KUBE-SVC-A").rules.insert(1, seen);
    let walk = walk(&state, Start::CameIn, "10.244.9.9", "10.96.0.10:80");
    let main: Vec<_> = walk.endings.iter().filter(|ending| ending.assuming.is_empty()).collect();
    assert_eq!(main.len(), 2);
    let side = walk.endings.iter().find(|ending| !ending.assuming.is_empty()).unwrap();
    assert_eq!(side.destination, "10.244.0.2:8080".parse().unwrap());
    assert!((side.probability - 1.0).abs() < f64::EPSILON);
}

#[test]
fn rules_that_do_not_apply_are_listed_when_asked_for() {
    let state = node(2);
    let walker = Walker::new(&state, Surroundings::of(&state)).listing_misses();
    let packet = Packet::new(Start::CameIn, 6, "10.244.9.9:1".parse().unwrap(), "10.96.0.10:80".parse().unwrap());
    let walk = walker.walk(packet);
    // The other Service's rule, the masquerade rule, each endpoint's hairpin rule.
    assert_eq!(walk.steps.iter().filter(|step| step.event == Event::Missed).count(), 4);
}

#[test]
fn the_address_that_masquerading_gives_is_said_only_where_it_can_be_told() {
    let source = |addresses: &[(&str, &str)]| {
        let held = |&(device, address): &(&str, &str)| NodeAddress {
            device: device.into(),
            address: address.parse().unwrap(),
        };
        let state = NodeState { addresses: addresses.iter().map(held).collect(), ..node(1) };
        walk(&state, Start::CameIn, "203.0.113.1", "10.96.0.10:80").endings[0].source
    };
    let (lo, eth0) = (("lo", "127.0.0.1/8"), ("eth0", "192.0.2.1/24"));
    assert_eq!(source(&[lo, eth0]), SourceAddress::Node(Some(ip("192.0.2.1"))));
    // The device may be any of these.
    assert_eq!(source(&[lo, eth0, ("pod", "169.254.1.1/32")]), SourceAddress::Node(None));
    assert_eq!(source(&[lo, eth0, ("kube-ipvs0", "10.96.0.10/32")]), SourceAddress::Node(Some(ip("192.0.2.1"))));
    let bridge = ("cni0", "10.244.0.254/24");
    assert_eq!(
        source(&[lo, eth0, ("flannel", "10.244.0.0/16"), bridge]),
        SourceAddress::Node(Some(ip("10.244.0.254")))
    );
}

#[test]
fn ipvs_lets_nothing_from_a_loopback_address_out_and_rules_see_what_it_sent() {
    let real =
        |address: &str| RealServer { address: address.parse().unwrap(), forwarding: Forwarding::Masquerade, weight: 1 };
    let server = VirtualServer {
        protocol: 6,
        address: "127.0.0.1:30001".parse().unwrap(),
        scheduler: "rr".into(),
        persistence: None,
        flags: Vec::new(),
        real: vec![real("10.244.0.1:8080"), real("192.0.2.1:8080")],
        line: 0,
    };
    let address = NodeAddress { device: "eth0".into(), address: "192.0.2.1/24".parse().unwrap() };
    let state = NodeState { servers: vec![server], addresses: vec![address], ..NodeState::default() };
    let ends_of = |source, state: &NodeState| {
        let mut ends = walk(state, Start::OfNode, source, "127.0.0.1:30001").endings;
        ends.sort_by_key(|ending| ending.destination);
        ends
    };
    let ends = ends_of("127.0.0.1", &state);
    assert_eq!(ends[0].end, End::Dropped);
    assert_eq!((&ends[1].end, ends[1].destination), (&End::Delivered, "192.0.2.1:8080".parse().unwrap()));
    assert_eq!(ends.len(), 2);
    // A rule may ask by which virtual server it was sent.
    let drops = |address: &str| {
        let mut filter = Table::new(Maker::Iptables, Families::V4, "filter", "test");
        let by = Test::Virtual(6, address.parse().unwrap());
        filter.chain_mut("OUTPUT").rules = vec![rule(vec![Statement::If(true, by), Statement::Go(Verdict::Drop)])];
        let state = NodeState { tables: vec![filter], ..state.clone() };
        ends_of("192.0.2.1", &state).into_iter().all(|ending| ending.end == End::Dropped)
    };
    assert!(drops("127.0.0.1:30001"));
    assert!(!drops("127.0.0.1:30002"));
}

#[test]
fn the_first_packet_of_tcp_has_one_flag() {
    let holds = |mask, set, protocol| {
        let mut state = node(1);
        let test = Statement::If(true, Test::TcpFlags { mask, set });
        let drop = rule(vec![test, Statement::Go(Verdict::Drop)]);
        state.tables[0].chain_mut("PREROUTING").rules.insert(0, drop);
        let walker = Walker::new(&state, Surroundings::of(&state));
        let (source, destination) = ("10.244.9.9:1".parse().unwrap(), "10.96.0.10:80".parse().unwrap());
        walker.walk(Packet::new(Start::CameIn, protocol, source, destination)).endings[0].end == End::Dropped
    };
    assert!(holds(0x17, 0x02, 6));
    assert!(!holds(0x17, 0x10, 6));
    assert!(!holds(0x17, 0x02, 17));
}
