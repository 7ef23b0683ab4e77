//! What no capture shows of nftables mode: settings, IPv6, elements that Services share, names that nft refuses.

use lab_core::change::Change;
use lab_core::cluster::{Cluster, Endpoint, Ingress, IpMode, Place, Port, Service, TrafficPolicy};
use lab_core::layout::nftables::Version;
use lab_core::layout::{Action, Layout, Nftables, Part, Severity};
use lab_core::proxy_config::{NodePortAddresses, ProxyConfig};
use std::sync::Arc;

const ALL: [Version; 3] = [Version::V1_30, Version::V1_36, Version::V1_37];

fn endpoint(socket: &str, node: &str) -> Endpoint {
    let place = Place { node: node.to_owned(), ..Place::default() };
    Endpoint { place: Some(Arc::new(place)), ..Endpoint::ready(socket.parse().unwrap()) }
}

fn port(name: &str, number: u16, endpoints: &[Endpoint]) -> Port {
    Port { name: name.to_owned(), number, endpoints: endpoints.to_vec(), ..Port::default() }
}

fn service(name: &str, cluster_ip: &str, ports: Vec<Port>) -> Service {
    Service {
        namespace: "ns".to_owned(),
        name: name.to_owned(),
        cluster_ips: [cluster_ip.parse().unwrap()].into_iter().collect(),
        ports,
        ..Service::default()
    }
}

fn cluster(services: Vec<Service>) -> Arc<Cluster> {
    Arc::new(Cluster { services: services.into_iter().map(Arc::new).collect(), ..Cluster::default() })
}

fn web() -> Service {
    service("web", "10.96.0.11", vec![port("http", 80, &[endpoint("10.244.0.3:8080", "node")])])
}

fn with(version: Version, change: impl FnOnce(&mut ProxyConfig)) -> Nftables {
    let mut config = ProxyConfig::default();
    change(&mut config);
    Nftables::new(version, &config)
}

fn plain(version: Version) -> Nftables {
    with(version, |_| ())
}

/// The transactions, one after the other.
fn written(actions: &[Action]) -> String {
    let text = |action: &Action| match action {
        Action::Call(Part::Rules, call) => Some(String::from_utf8(call.stdin.clone()).unwrap()),
        _ => None,
    };
    actions.iter().filter_map(text).collect()
}

fn full(layout: &Nftables, cluster: &Cluster) -> String {
    written(&layout.full_sync(cluster))
}

fn sync(version: Version, before: Vec<Service>, after: Vec<Service>) -> String {
    written(&plain(version).partial_sync(&Change { before: cluster(before), after: cluster(after) }))
}

/// Panics unless each of `lines` is one of `text`'s.
fn assert_lines(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|other| other == *line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn masquerading_follows_the_settings() {
    let cluster = cluster(vec![web()]);
    let all =
        |version| full(&with(version, |config| (config.masquerade_all, config.masquerade_bit) = (true, 1)), &cluster);
    assert_lines(
        &all(Version::V1_36),
        &[
            "add rule ip kube-proxy services ip daddr @cluster-ips mark set mark or 0x00000002 comment \"masquerade all \
           clusterIP traffic\"",
        ],
    );
    assert!(all(Version::V1_30).contains("/tcp/http ip daddr 10.96.0.11 tcp dport 80 jump mark-for-masquerade\n"));
    for version in ALL {
        let text = full(&with(version, |config| config.cluster_cidrs.clear()), &cluster);
        assert!(!text.contains("daddr 10.96.0.11 tcp") && !text.contains("clusterIP traffic"), "{text}");
    }
}

#[test]
fn node_ports_are_open_where_the_settings_say() {
    let at =
        |version, addresses| full(&with(version, |config| config.node_port_addresses = addresses), &cluster(vec![]));
    for version in ALL {
        let everywhere = at(version, NodePortAddresses::In(vec!["0.0.0.0/0".parse().unwrap()]));
        assert_lines(
            &everywhere,
            &[
                "delete set ip kube-proxy nodeport-ips",
                "add rule ip kube-proxy services fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport \
                 vmap @service-nodeports",
                "add rule ip kube-proxy nodeport-endpoints-check ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap \
                 @no-endpoint-nodeports",
            ],
        );
        let elsewhere = at(version, NodePortAddresses::In(vec!["192.0.2.0/24".parse().unwrap()]));
        assert!(!elsewhere.contains("add element ip kube-proxy nodeport-ips"));
        assert_lines(&elsewhere, &["flush set ip kube-proxy nodeport-ips"]);
    }
}

#[test]
fn ipv6_has_a_table_of_its_own() {
    let endpoints = [endpoint("[fd00:1::5]:8080", "node"), endpoint("[fd00:1::6]:8080", "other")];
    let only_v6 = service("web", "fd00::11", vec![port("http", 80, &endpoints)]);
    let text = full(&plain(Version::V1_36), &cluster(vec![only_v6.clone()]));
    assert_lines(
        &text,
        &[
            "add element ip6 kube-proxy hairpin-connections { fd00:1::5 . fd00:1::5 . tcp . 8080 }",
            "add element ip6 kube-proxy cluster-ips { fd00::11 }",
        ],
    );
    let rule = "meta l4proto tcp dnat ip6 addr . port to numgen random mod 2 map { 0 : fd00:1::5 . 8080 , 1 : fd00:1::6 . \
                8080 }\n";
    assert!(text.contains(rule), "{text}");
    assert!(full(&plain(Version::V1_30), &cluster(vec![only_v6.clone()])).contains(" dnat to [fd00:1::5]:8080\n"));
    let change = Change { before: cluster(vec![]), after: cluster(vec![only_v6]) };
    let reads: Vec<String> = plain(Version::V1_36).partial_sync(&change).iter().map(ToString::to_string).collect();
    assert_eq!(reads.len(), 2, "only IPv6 is synced: {reads:?}");
    assert!(reads[0].starts_with("$ nft --json --terse list table ip6 kube-proxy"));
}

#[test]
fn only_1_37_has_no_map_for_a_single_endpoint() {
    let alone = cluster(vec![web()]);
    assert!(full(&plain(Version::V1_37), &alone).contains("/tcp/http meta l4proto tcp dnat to 10.244.0.3:8080\n"));
    assert!(full(&plain(Version::V1_36), &alone).contains("mod 1 map { 0 : 10.244.0.3 . 8080 }\n"));
}

#[test]
fn a_port_added_to_a_service_adds_its_address_no_second_time() {
    let mut more = web();
    more.ports.push(port("https", 443, &[endpoint("10.244.0.3:8443", "node")]));
    for version in [Version::V1_36, Version::V1_37] {
        let text = sync(version, vec![web()], vec![more.clone()]);
        assert!(!text.contains(" cluster-ips "), "{text}");
        let elements: Vec<&str> = text.lines().filter(|line| line.contains(" element ")).collect();
        assert_eq!(elements.len(), 2, "{elements:?}");
        assert!(elements[0].ends_with(" hairpin-connections { 10.244.0.3 . 10.244.0.3 . tcp . 8443 }"));
        let back = sync(version, vec![more.clone()], vec![web()]);
        assert!(back.starts_with("add chain") && !back.contains(" cluster-ips "), "{back}");
        assert!(back.contains("delete element ip kube-proxy service-ips { 10.96.0.11 . tcp . 443 }"));
    }
}

#[test]
fn what_another_service_needs_stays() {
    let endpoints = [endpoint("10.244.0.3:8080", "node")];
    let twin = service("twin", "10.96.0.12", vec![port("http", 80, &endpoints)]);
    let added = sync(Version::V1_36, vec![web()], vec![web(), twin.clone()]);
    let removed = sync(Version::V1_36, vec![web(), twin.clone()], vec![web()]);
    assert!(!added.contains("hairpin") && !removed.contains("hairpin"), "{added}{removed}");
    assert!(sync(Version::V1_36, vec![twin], vec![]).contains("delete element ip kube-proxy hairpin-connections"));
}

#[test]
fn a_changed_policy_leads_the_same_address_to_another_chain() {
    let mut local = web();
    local.internal_policy = TrafficPolicy::Local;
    let text = sync(Version::V1_36, vec![web()], vec![local]);
    let elements: Vec<&str> = text.lines().filter(|line| line.contains(" element ")).collect();
    let [deleted, added] = elements[..] else { panic!("{text}") };
    assert_eq!(deleted, "delete element ip kube-proxy service-ips { 10.96.0.11 . tcp . 80 }");
    assert!(added.contains(" : goto local-"), "{added}");
    assert!(text.lines().any(|line| line.starts_with("flush chain ip kube-proxy service-")), "{text}");
}

#[test]
fn a_balancer_that_the_node_may_use_is_open_to_its_own_address() {
    let mut balanced = web();
    balanced.ingress = vec![Ingress { address: "192.0.2.1".parse().unwrap(), mode: IpMode::Vip }];
    balanced.source_ranges = vec!["10.11.0.0/16".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    for version in ALL {
        let text = full(&plain(version), &cluster(vec![balanced.clone()]));
        assert!(text.contains("/tcp/http ip saddr != { 10.11.0.0/16 , 192.0.2.1 } drop\n"), "{text}");
    }
    balanced.ingress[0].mode = IpMode::Proxy;
    let text = full(&plain(Version::V1_36), &cluster(vec![balanced]));
    assert!(!text.contains("firewall-") || !text.contains("192.0.2.1"), "{text}");
}

#[test]
fn a_comment_that_nft_refuses_is_said_before_the_run() {
    let long = |endpoints: &[Endpoint]| Service {
        namespace: "n".repeat(63),
        ..service(&"s".repeat(63), "10.96.0.11", vec![port("http", 80, endpoints)])
    };
    let (without, with) = (cluster(vec![long(&[])]), cluster(vec![long(&[endpoint("10.244.0.3:8080", "node")])]));
    for (version, release) in [(Version::V1_30, "1.30"), (Version::V1_36, "1.36")] {
        let [refused] = &plain(version).caveats(&without)[..] else { panic!("one caveat") };
        assert_eq!(refused.severity, Severity::Refused);
        let said = refused.to_string();
        assert!(said.starts_with("Service nnn") && said.contains(release) && said.contains("every Service"), "{said}");
        let [possible] = &plain(version).caveats(&with)[..] else { panic!("one caveat") };
        assert_eq!(possible.severity, Severity::LeftOut);
    }
    assert!(plain(Version::V1_37).caveats(&without).is_empty());
    let text = full(&plain(Version::V1_37), &without);
    let comment = format!(" comment \"{}/{}\" : goto reject-chain", "n".repeat(63), "s".repeat(63));
    assert!(text.contains(&comment.replace("s\" :", "s:\" :")), "{text}");
}

#[test]
fn a_name_with_metacharacters_never_reaches_nft() {
    for name in ["a\nflush ruleset", "a\" ; }", "a b", "$x", "a{", "\u{1b}[2J"] {
        let mut services = vec![web(), service(name, "10.96.0.12", vec![port("http", 80, &[])])];
        services.push(service("port", "10.96.0.13", vec![port(name, 80, &[])]));
        let cluster = cluster(services);
        for version in ALL {
            let layout = plain(version);
            let text = full(&layout, &cluster);
            assert!(!text.contains("10.96.0.12") && !text.contains("10.96.0.13"), "{text}");
            let caveats = layout.caveats(&cluster);
            assert_eq!(caveats.len(), 2);
            assert!(caveats.iter().all(|caveat| caveat.severity == Severity::Refused));
            assert!(caveats.iter().all(|caveat| !caveat.to_string().contains(['\n', '\u{1b}'])));
        }
    }
}
