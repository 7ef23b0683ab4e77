//! Dumps as kubectl prints them, and texts that are not dumps.

use kube_dump::{Dump, Input, Problem, Spread, Unreadable};
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
        "metadata": {"namespace": "shop", "name": format!("a-slice-{}", addresses[0].0), "labels": {"kubernetes.io/service-name": service}},
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}], "endpoints": endpoints,
    })
}

fn read(items: &[Value]) -> Dump {
    read_text(&list(items)).unwrap()
}

fn read_text(text: &str) -> Result<Dump, Unreadable> {
    Dump::read(&[Input::named("dump.json", text)])
}

fn notes(dump: &Dump) -> Vec<String> {
    dump.notes.iter().map(ToString::to_string).collect()
}

fn list(items: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

fn endpoints(dump: &Dump) -> Vec<String> {
    dump.ports().next().unwrap().endpoints().map(|endpoint| endpoint.socket().to_string()).collect()
}

#[test]
fn a_port_has_the_ready_endpoints_of_all_its_slices_once() {
    let (ready, not) = (json!({"ready": true}), json!({"ready": false, "serving": true, "terminating": true}));
    let dump = read(&[
        slice("web", &[("10.0.0.1", ready.clone()), ("10.0.0.2", not)]),
        web("web"),
        slice("web", &[("10.0.0.3", json!({})), ("10.0.0.1", ready.clone())]),
        slice("other", &[("10.0.0.4", ready)]),
    ]);
    assert_eq!((dump.cluster.services.len(), dump.slices, dump.ports().count()), (1, 3, 1));
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
    assert!(dump.ports().all(|port| !port.has_endpoints()));
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
    assert_eq!((dump.ports().count(), dump.features()[&Feature::Ipv6]), (1, 1));
    assert_eq!(dump.cluster.services.len(), 1);
    assert_eq!(dump.ports().next().unwrap().to_string(), "shop/web:http");
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
    let knative = json!({"kind": "Service", "apiVersion": "serving.knative.dev/v1", "metadata": {"name": "web"}});
    let dump = read(&[json!({"kind": "Pod", "metadata": {"name": "web"}}), web("web"), knative]);
    assert_eq!((dump.passed_over["Pod"], dump.passed_over["Service (serving.knative.dev/v1)"]), (1, 1));
    assert_eq!(dump.cluster.services.len(), 1);
}

#[test]
fn a_list_of_services_alone_needs_no_kinds() {
    let mut item = web("web");
    item.as_object_mut().unwrap().remove("kind");
    let dump = read_text(&json!({"kind": "ServiceList", "items": [item]}).to_string()).unwrap();
    assert_eq!((dump.cluster.services.len(), dump.ports().count()), (1, 1));
}

#[test]
fn what_is_no_dump_is_refused_with_how_to_make_one() {
    for (text, words) in [
        (
            "NAMESPACE   NAME\nshop        web\n",
            "dump.json: it is not JSON or YAML of Kubernetes; it begins with: NAMESPACE",
        ),
        ("No resources found\n", "dump.json: it is not JSON or YAML of Kubernetes; it begins with: No resources"),
        (" \n", "dump.json: it is empty"),
        ("{\n\"a\": }", "dump.json:2: it is no JSON"),
        ("a: [1,\nb: {", "dump.json:2: it is neither JSON nor YAML ("),
        ("apiVersion: v1\nitems: []\nkind: List\n", "dump.json: there is no Service in it"),
        ("{\"kind\": \"Pod\"}", "dump.json: it is a Pod, not a list of Services"),
        ("[1, 2]", "dump.json: there is no Service in it that can be used; dump.json:1: item 0: it is no object of"),
    ] {
        let said = read_text(text).unwrap_err().to_string();
        assert!(said.starts_with(words), "{said}");
        assert!(said.ends_with("make it with: kubectl get services,endpointslices -A -o json"), "{said}");
    }
    let none = read_text(&list(&[slice("web", &[("10.0.0.1", json!({}))])]));
    assert_eq!(none.unwrap_err().problem, Problem::NoService);
}

#[test]
fn a_dump_that_is_cut_off_says_where() {
    let text = serde_json::to_string_pretty(&json!({"kind": "List", "items": [web("web")]})).unwrap();
    let refused = read_text(&text[..text.len() - 10]).unwrap_err();
    assert_eq!((refused.problem, refused.line), (Problem::Cut, Some(text[..text.len() - 10].lines().count())));
    let several = format!("{text}\n{}", &text[..60]);
    assert_eq!(read_text(&several).unwrap_err().problem, Problem::Cut);
    assert!(matches!(read_text(&format!("{text}\n}}")).unwrap_err().problem, Problem::NotJson(_)));
}

#[test]
fn what_is_wrong_with_an_object_is_said_of_it_and_the_others_are_read() {
    let wrong = service("cart", json!({"clusterIP": "10.96.0.2", "ports": [{"port": "80"}]}));
    let dump = read(&[web("web"), wrong.clone(), slice("web", &[("10.0.0.1", json!({}))])]);
    assert_eq!(dump.cluster.services.len(), 1);
    let [note] = &notes(&dump)[..] else { panic!("{:?}", dump.notes) };
    assert!(note.starts_with("Service shop/cart: found text \"80\", where there has to be a whole number"), "{note}");
    assert!(note.ends_with("; it is left out (dump.json:1)"), "{note}");
    let address = service("cart", json!({"clusterIP": "10.96.0.256", "ports": [{"port": 80}]}));
    let dump = read(&[web("web"), address, slice("web", &[("here", json!({})), ("10.0.0.1", json!({}))])]);
    assert_eq!(
        notes(&dump),
        [
            "Service shop/cart: \"10.96.0.256\" is not a cluster IP; it is left out (dump.json:1)",
            "EndpointSlice shop/a-slice-here: \"here\" is not an endpoint's address; left out (dump.json:1)",
        ]
    );
    assert_eq!(endpoints(&dump), ["10.0.0.1:8080"]);
    let said = read_text(&list(&[wrong])).unwrap_err().to_string();
    assert!(
        said.starts_with("dump.json: there is no Service in it that can be used; Service shop/cart: found text"),
        "{said}"
    );
}

#[test]
fn ports_and_addresses_that_cannot_be_are_left_out_and_said() {
    let dump = read(&[
        service(
            "web",
            json!({
                "type": "LoadBalancer", "clusterIPs": ["10.96.0.1", "10.96.0.2"], "externalIPs": ["0.0.0.0", "192.0.2.1"],
                "sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": -1}},
                "loadBalancerSourceRanges": ["everywhere"], "externalTrafficPolicy": "Global", "healthCheckNodePort": 70000,
                "ports": [
                    {"name": "http", "port": 80, "nodePort": 99999}, {"name": "null", "port": null}, {"name": "zero", "port": 0},
                    {"name": "again", "port": 80}, {"name": "http", "port": 81}, {"name": "quic", "port": 1, "protocol": "QUIC"},
                ],
            }),
        ),
        slice("web", &[("10.0.0.1", json!({}))]),
    ]);
    let web = &dump.cluster.services[0];
    assert_eq!((web.ports.len(), web.ports[0].node_port, web.external_ips.len()), (1, None, 1));
    let said = notes(&dump);
    for words in [
        "cluster IP 10.96.0.2 is the second of its family",
        "0.0.0.0 cannot be an external IP",
        "session affinity of -1 s",
        "\"everywhere\" is not a source range",
        "\"Global\" is not an externalTrafficPolicy",
        "healthCheckNodePort: 70000 is not a port",
        "port \"http\": node port 99999 is not a port (1 to 65535)",
        "port \"null\": 0 is not a port",
        "port \"zero\": 0 is not a port",
        "port \"again\": tcp 80 comes twice",
        "port \"http\": its name comes twice",
        "port \"quic\": \"QUIC\" is not a protocol",
    ] {
        let found = said.iter().filter(|note| note.starts_with(&format!("Service shop/web: {words}"))).count();
        assert_eq!(found, 1, "{words}: {said:#?}");
    }
    assert_eq!(said.len(), 12, "{said:#?}");
}

#[test]
fn an_object_that_comes_twice_counts_once() {
    let mut other = web("web");
    other["spec"]["ports"][0]["port"] = json!(81);
    let behind = slice("web", &[("10.0.0.1", json!({}))]);
    let dump = read(&[web("web"), other, behind.clone(), behind]);
    assert_eq!((dump.cluster.services.len(), dump.slices, dump.cluster.services[0].ports[0].number), (1, 1, 80));
    assert_eq!(
        notes(&dump),
        [
            "Service shop/web: it comes twice, and not the same; the first one counts (dump.json:1)",
            "dump.json: 1 objects come twice, and are the same; each counts once",
        ]
    );
}

#[test]
fn what_only_one_service_can_have_is_said_of_the_second() {
    let spec = |ip: &str, node_port: u16, balancer: &str| {
        let ports = json!([{"name": "http", "port": 80, "nodePort": node_port}]);
        json!({"type": "NodePort", "clusterIP": ip, "externalIPs": [balancer], "ports": ports})
    };
    let dump = read(&[
        service("a", spec("10.96.0.1", 30080, "192.0.2.1")),
        service("b", spec("10.96.0.1", 30080, "192.0.2.1")),
        service("c", spec("10.96.0.2", 30081, "192.0.2.2")),
    ]);
    let said = notes(&dump);
    for words in ["cluster IP 10.96.0.1", "node port 30080 (tcp)", "192.0.2.1 port 80 (tcp)"] {
        let note = format!("Service shop/b: {words} is Service shop/a's, too; only one can have it");
        assert!(said.contains(&note), "{note}: {said:#?}");
    }
}

#[test]
fn nothing_of_a_dump_reaches_a_terminal_as_it_stands() {
    let name = "a\u{1b}[31m\n\u{202e}b";
    let dump = read(&[web("web"), web(name), json!({"kind": name, "metadata": {}})]);
    let said = notes(&dump).join("\n") + &dump.passed_over.keys().cloned().collect::<String>();
    assert!(said.contains("its name \"a\\u{1b}[31m\\n\\u{202e}b\" is none that Kubernetes allows"), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{202e}']) && !said.contains("\nb"), "{said}");
    assert_eq!(dump.ports().count(), 1);
    let said = Dump::read(&[Input::named(name, "\u{1b}[31m")]).unwrap_err().to_string();
    assert!(!said.contains('\u{1b}'), "{said}");
}

#[test]
fn slices_that_kube_proxy_looks_past_and_endpoints_without_an_address_are_said() {
    let with = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut item = slice("web", &[("10.0.0.1", json!({}))]);
        item["metadata"]["name"] = json!(name);
        change(&mut item);
        item
    };
    let dump = read(&[
        web("web"),
        with("names", &|item| item["addressType"] = json!("FQDN")),
        with("nobody", &|item| item["metadata"]["labels"] = json!({})),
        with("gaps", &|item| item["endpoints"] = json!([{"addresses": []}, {"addresses": ["10.0.0.2"]}])),
        with("other", &|item| item["endpoints"] = json!([{"addresses": ["fd00::1"]}])),
        with("ports", &|item| item["ports"] = json!([{"name": "http"}, {"name": "metrics", "port": 9090}])),
    ]);
    assert_eq!(endpoints(&dump), ["10.0.0.2:8080"]);
    let said = notes(&dump).join("\n");
    for words in [
        "EndpointSlice shop/names: its addressType is \"FQDN\"; kube-proxy looks at IPv4 and IPv6 only",
        "EndpointSlice shop/nobody: it has no label kubernetes.io/service-name; kube-proxy ignores it",
        "EndpointSlice shop/gaps: endpoint 0 has no address; left out",
        "EndpointSlice shop/other: fd00::1 is not of the slice's family; left out",
        "EndpointSlice shop/ports: port \"http\" has no number, which stands for all ports; kube-proxy ignores it",
        "Service shop/web: it has no port \"metrics\" (tcp), which its endpoints have",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
