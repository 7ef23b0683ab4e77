//! Dumps as kubectl prints them, and texts that are not dumps.

use kube_dump::{Dump, Spread, Unreadable};
use lab_core::cluster::{Family, Feature, IpMode, Protocol, ServiceType, TrafficPolicy};
use serde_json::{Value, json};

fn service(name: &str, spec: Value) -> Value {
    json!({"kind": "Service", "metadata": {"namespace": "shop", "name": name}, "spec": spec})
}

fn web(name: &str) -> Value {
    service(name, json!({"clusterIP": "10.96.0.1", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}))
}

fn slice(service: &str, addresses: &[(&str, Value)]) -> Value {
    let endpoints: Vec<Value> = addresses
        .iter()
        .map(|(address, conditions)| json!({"addresses": [address], "conditions": conditions}))
        .collect();
    json!({
        "kind": "EndpointSlice", "addressType": if addresses[0].0.contains(':') { "IPv6" } else { "IPv4" },
        "metadata": {"namespace": "shop", "name": "a-slice", "labels": {"kubernetes.io/service-name": service}},
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}], "endpoints": endpoints,
    })
}

fn read(items: &[Value]) -> Dump {
    Dump::read(&list(items)).unwrap()
}

fn list(items: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

fn endpoints(dump: &Dump) -> Vec<String> {
    dump.ipv4().next().unwrap().endpoints().map(|endpoint| endpoint.socket().to_string()).collect()
}

#[test]
fn a_port_has_the_ready_endpoints_of_all_its_slices_once() {
    let (ready, not) = (json!({"ready": true}), json!({"ready": false, "serving": true, "terminating": true}));
    let dump = read(&[
        slice("web", &[("10.0.0.1", ready.clone()), ("10.0.0.2", not)]),
        web("web"),
        slice("web", &[("10.0.0.1", ready.clone()), ("10.0.0.3", json!({}))]),
        slice("other", &[("10.0.0.4", ready)]),
    ]);
    assert_eq!((dump.cluster.services.len(), dump.slices, dump.ipv4().count()), (1, 3, 1));
    assert_eq!(endpoints(&dump), ["10.0.0.1:8080", "10.0.0.3:8080"]);
    assert_eq!(dump.spread(), Some(Spread { median: 2, p90: 2, max: 2, total: 2 }));
    assert!(dump.features().is_empty());
}

#[test]
fn where_none_is_ready_those_that_are_going_serve_on() {
    let going = json!({"ready": false, "serving": true, "terminating": true});
    let gone = json!({"ready": false, "serving": false, "terminating": true});
    let dump = read(&[web("web"), slice("web", &[("10.0.0.1", going), ("10.0.0.2", gone)])]);
    assert_eq!(endpoints(&dump), ["10.0.0.1:8080"]);
    assert_eq!(dump.features()[&Feature::NotReady], 1);
}

#[test]
fn a_port_is_matched_by_name_and_protocol() {
    let udp =
        json!({"clusterIP": "10.96.0.1", "ports": [{"name": "http", "port": 80, "protocol": "UDP"}, {"port": 81}]});
    let dump = read(&[service("web", udp), slice("web", &[("10.0.0.1", json!({}))])]);
    assert_eq!(dump.protocols(), [(Protocol::Tcp, 1), (Protocol::Udp, 1)]);
    assert!(dump.ipv4().all(|port| !port.has_endpoints()));
}

#[test]
fn what_kube_proxy_does_nothing_for_is_no_port() {
    let ports = json!([{"port": 80}]);
    let mut other = web("other");
    other["metadata"]["labels"] = json!({"service.kubernetes.io/service-proxy-name": "mine"});
    let dump = read(&[
        service("headless", json!({"clusterIP": "None", "ports": ports})),
        service("alias", json!({"type": "ExternalName", "externalName": "example.org"})),
        other,
    ]);
    assert!(Family::ALL.iter().all(|&family| dump.cluster.ports(family).count() == 0));
    assert_eq!(dump.spread(), None);
    for feature in [Feature::Headless, Feature::ExternalName, Feature::OtherProxy] {
        assert_eq!(dump.features()[&feature], 1, "{feature}");
    }
}

#[test]
fn both_families_are_counted_apart() {
    let spec = json!({
        "clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00::1"],
        "ports": [{"name": "http", "port": 80}],
    });
    let dump = read(&[
        service("web", spec),
        slice("web", &[("10.0.0.1", json!({}))]),
        slice("web", &[("fd00::a", json!({})), ("fd00::b", json!({}))]),
    ]);
    assert_eq!(Family::ALL.map(|family| dump.cluster.endpoint_count(family)), [1, 2]);
    assert_eq!((dump.ipv4().count(), dump.features()[&Feature::Ipv6]), (1, 1));
    assert_eq!(dump.cluster.services.len(), 1);
    assert_eq!(dump.ipv4().next().unwrap().to_string(), "shop/web:http");
}

#[test]
fn what_is_programmed_beyond_a_cluster_ip_is_counted() {
    let spec = json!({
        "type": "LoadBalancer", "clusterIP": "10.96.0.1", "sessionAffinity": "ClientIP", "externalIPs": ["192.0.2.1"],
        "externalTrafficPolicy": "Local", "loadBalancerSourceRanges": ["192.0.2.0/24"],
        "ports": [{"name": "http", "port": 80, "nodePort": 30080}, {"name": "https", "port": 443, "nodePort": 30443}],
    });
    let dump = read(&[service("web", spec)]);
    let counted = [
        (Feature::LoadBalancer, 1),
        (Feature::ExternalIps, 1),
        (Feature::SourceRanges, 1),
        (Feature::SessionAffinity, 1),
        (Feature::LocalPolicy, 1),
        (Feature::NodePort, 2),
        (Feature::NotReady, 2),
    ];
    for (feature, count) in counted {
        assert_eq!(dump.features()[&feature], count, "{feature}");
    }
}

#[test]
fn everything_that_a_proxy_needs_to_know_is_read() {
    let mut item = service(
        "web",
        json!({
            "type": "LoadBalancer", "clusterIPs": ["10.96.0.1", "fd00::1"], "externalIPs": ["192.0.2.1", "2001:db8::1"],
            "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
            "internalTrafficPolicy": "Cluster", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30099,
            "loadBalancerSourceRanges": [" 192.0.2.0/24 "],
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP", "nodePort": 30053}, {"port": 9, "protocol": "SCTP"}],
        }),
    );
    item["status"] = json!({"loadBalancer": {"ingress": [
        {"ip": "198.51.100.1"}, {"ip": "198.51.100.2", "ipMode": "Proxy"}, {"hostname": "lb.example.org"},
    ]}});
    let mut behind = slice("web", &[("10.0.0.1", json!({}))]);
    behind["ports"] = json!([{"name": "dns", "port": 5353, "protocol": "UDP"}]);
    behind["endpoints"][0]["nodeName"] = json!("worker");
    behind["endpoints"][0]["zone"] = json!("a");
    behind["endpoints"][0]["hints"] = json!({"forZones": [{"name": "b"}]});
    let dump = read(&[item, behind]);
    let web = &dump.cluster.services[0];
    assert_eq!((web.kind, web.affinity.map(|time| time.as_secs())), (ServiceType::LoadBalancer, Some(60)));
    assert_eq!((web.internal_policy, web.external_policy), (TrafficPolicy::Cluster, TrafficPolicy::Local));
    assert_eq!((web.health_check_node_port, web.ports[0].node_port), (Some(30099), Some(30053)));
    assert_eq!(web.external_ips.len(), 2);
    assert_eq!(web.ingress.iter().map(|ingress| ingress.mode).collect::<Vec<_>>(), [IpMode::Vip, IpMode::Proxy]);
    assert_eq!(web.source_ranges[0].to_string(), "192.0.2.0/24");
    assert_eq!(web.ports[1].protocol, Protocol::Sctp);
    let place = web.ports[0].endpoints[0].place.as_ref().unwrap();
    assert_eq!(
        (place.node.as_str(), place.zone.as_str(), &place.for_zones[..]),
        ("worker", "a", &["b".to_owned()][..])
    );
}

#[test]
fn other_kinds_are_passed_over_and_counted() {
    let dump = read(&[json!({"kind": "Endpoints", "metadata": {"name": "web"}}), web("web")]);
    assert_eq!(dump.passed_over["Endpoints"], 1);
}

#[test]
fn a_list_of_services_alone_needs_no_kinds() {
    let mut item = web("web");
    item.as_object_mut().unwrap().remove("kind");
    let dump = Dump::read(&json!({"kind": "ServiceList", "items": [item]}).to_string()).unwrap();
    assert_eq!((dump.cluster.services.len(), dump.ipv4().count()), (1, 1));
}

#[test]
fn yaml_and_tables_are_refused_with_how_to_make_json() {
    for text in ["apiVersion: v1\nitems: []\n", "NAMESPACE   NAME\nshop        web\n", ""] {
        let said = Dump::read(text).unwrap_err().to_string();
        assert!(said.starts_with("it is not JSON (it begins with: "), "{said}");
        assert!(said.ends_with("make it with: kubectl get services,endpointslices -A -o json"), "{said}");
    }
    let cut = &list(&[web("web")])[..60];
    assert!(matches!(Dump::read(cut), Err(Unreadable::NotJson(_))));
}

#[test]
fn what_is_no_list_of_services_says_what_it_is() {
    assert_eq!(Dump::read("{\"kind\": \"Pod\"}"), Err(Unreadable::Kind("Pod".to_owned())));
    assert_eq!(Dump::read(&list(&[])), Err(Unreadable::NoService));
    assert_eq!(Dump::read(&list(&[slice("web", &[("10.0.0.1", json!({}))])])), Err(Unreadable::NoService));
}

#[test]
fn an_item_that_cannot_be_read_is_named() {
    let said = |items: &[Value]| Dump::read(&list(items)).unwrap_err().to_string();
    let wrong = service("cart", json!({"clusterIP": "10.96.0.1", "ports": [{"port": "80"}]}));
    let text = said(&[web("web"), wrong]);
    assert!(text.starts_with("item 1 (Service shop/cart): invalid type: string \"80\""), "{text}");
    let address = service("cart", json!({"clusterIP": "10.96.0.256", "ports": [{"port": 80}]}));
    assert_eq!(said(&[web("web"), address]), "item 1 (Service shop/cart): \"10.96.0.256\" is not a cluster IP");
    let text = said(&[slice("web", &[("here", json!({}))])]);
    assert_eq!(text, "item 0 (EndpointSlice shop/a-slice): \"here\" is not an address");
}
