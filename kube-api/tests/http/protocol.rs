//! What clients ask and get, byte by byte: lists, pages, selectors, refusals, what is accepted and dropped.

use super::client::{ask, get, listener};
use kube_api::{Objects, Resource, Server, Settings, Way};
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster, ClusterIps, Protocol, Service, ServiceType};
use lab_core::vocabulary::Mix;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

fn serve(cluster: Cluster) -> (Server, Arc<Cluster>) {
    let cluster = Arc::new(cluster);
    (Server::start(listener(), &cluster).unwrap(), cluster)
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

fn names_at(address: SocketAddr, target: &str) -> Vec<String> {
    let answer = get(address, target);
    assert_eq!(answer.status, 200, "{target}");
    names(&answer.json())
}

/// Three plain Services, and one of each kind that kube-proxy passes over.
fn with_skipped() -> Cluster {
    let mut cluster = Cluster::generate(6, &AddressPlan::new(2).of(Mix::Uniform));
    let change = |cluster: &mut Cluster, place, name: &str, what: fn(&mut Service)| {
        let service = cluster.service_mut(place);
        service.name = name.to_owned();
        what(service);
    };
    change(&mut cluster, 3, "headless", |service| service.cluster_ips = ClusterIps::default());
    change(&mut cluster, 4, "other", |service| service.other_proxy = true);
    change(&mut cluster, 5, "external", |service| {
        service.kind = ServiceType::ExternalName;
        service.cluster_ips = ClusterIps::default();
    });
    cluster
}

#[test]
fn the_selectors_of_kube_proxy_leave_out_what_it_passes_over() {
    let (server, _) = serve(with_skipped());
    let address = server.address();
    let plain = ["svc-00001", "svc-00002", "svc-00003"];
    assert_eq!(names_at(address, "/api/v1/services").len(), 6);
    // 1.36: Services by field and label.
    let label = "labelSelector=%21service.kubernetes.io%2Fservice-proxy-name";
    let found = names_at(address, &format!("/api/v1/services?fieldSelector=spec.clusterIP%21%3DNone&{label}"));
    assert_eq!(found, ["external", plain[0], plain[1], plain[2]]);
    // Before: both labels, on Services and slices.
    let labels = format!("{label}%2C%21service.kubernetes.io%2Fheadless");
    let slices = names_at(address, &format!("/apis/discovery.k8s.io/v1/endpointslices?{labels}"));
    let of: BTreeSet<&str> = slices.iter().map(|name| name.rsplit_once('-').unwrap().0).collect();
    assert_eq!(of, BTreeSet::from(["external", plain[0], plain[1], plain[2]]));
    assert_eq!(names_at(address, "/api/v1/nodes?fieldSelector=metadata.name%3Dnode"), ["node"]);
    assert_eq!(names_at(address, "/api/v1/nodes?fieldSelector=metadata.name%3Dother"), [""; 0]);
    let one = names_at(
        address,
        "/apis/discovery.k8s.io/v1/endpointslices?labelSelector=kubernetes.io/service-name%3Dsvc-00002",
    );
    assert_eq!(one.len(), 1);
}

#[test]
fn a_list_in_pages_is_of_one_version_whatever_happens_in_between() {
    let plan = AddressPlan::new(1);
    let (server, cluster) = serve(Cluster::generate(1_234, &plan));
    let address = server.address();
    let expected = names_at(address, "/api/v1/services");
    let (mut listed, mut pages, mut change) = (Vec::new(), 0, Change::adding(&cluster, &plan));
    let mut target = "/api/v1/services?limit=500".to_owned();
    let version = loop {
        let page = get(address, &target).json();
        pages += 1;
        listed.extend(names(&page));
        let Some(token) = page["metadata"]["continue"].as_str() else {
            break page["metadata"]["resourceVersion"].clone();
        };
        assert_eq!(page["metadata"]["remainingItemCount"], 1_234 - pages * 500);
        target = format!("/api/v1/services?limit=500&continue={token}");
        // Services come and go before and behind the page.
        server.apply(&change);
        server
            .apply(&Change { before: Arc::clone(&change.after), after: Arc::new(change.after.with_middle_removed()) });
        change = Change::replacing_endpoint(&change.after, &plan);
    };
    assert_eq!((pages, version), (3, json!("1")));
    assert_eq!(listed, expected);
    let now = get(address, "/api/v1/services?resourceVersion=1").json();
    assert_ne!(names(&now), expected);
    let then = get(address, "/api/v1/services?resourceVersion=1&resourceVersionMatch=Exact").json();
    assert_eq!(names(&then), expected);
    // The last page came, so all was handed over; not before.
    assert!(server.served().of(Resource::Services).unwrap().whole.is_some());
}

#[test]
fn a_page_of_a_version_that_is_forgotten_is_gone() {
    let plan = AddressPlan::new(1);
    let cluster = Arc::new(Cluster::generate(20, &plan));
    let settings = Settings { history: 4, ..Settings::default() };
    let server = Server::start_with(listener(), &Objects::of(&cluster), settings).unwrap();
    let page = get(server.address(), "/api/v1/services?limit=5").json();
    let token = page["metadata"]["continue"].as_str().unwrap();
    let mut now = cluster;
    for _ in 0..3 {
        let change = Change::adding(&now, &plan);
        server.apply(&change);
        now = change.after;
    }
    let answer = get(server.address(), &format!("/api/v1/services?limit=5&continue={token}"));
    assert_eq!(answer.status, 410);
    let status = answer.json();
    assert_eq!((&status["reason"], &status["kind"]), (&json!("Expired"), &json!("Status")));
    assert_eq!(names_at(server.address(), "/api/v1/services").len(), 23);
}

#[test]
fn what_is_refused_says_why_and_is_noted() {
    let (server, _) = serve(Cluster::generate(1, &AddressPlan::new(1)));
    let address = server.address();
    let protobuf = "Accept: application/vnd.kubernetes.protobuf\r\n";
    let services = "/api/v1/services";
    for (method, target, headers, code, reason, said) in [
        ("GET", services, protobuf, 406, "NotAcceptable", "set contentType: application/json"),
        ("GET", "/api/v1/pods", "", 404, "NotFound", "could not find the requested resource"),
        ("GET", "/api/v1/nodes/other", "", 404, "NotFound", "nodes \"other\" not found"),
        (
            "GET",
            "/apis/coordination.k8s.io/v1/namespaces/a/leases/b",
            "",
            404,
            "NotFound",
            "leases.coordination.k8s.io \"b\"",
        ),
        ("POST", "/api/v1/namespaces/default/services", "", 405, "MethodNotAllowed", "POST is not allowed"),
        ("DELETE", "/api/v1/nodes/node", "", 405, "MethodNotAllowed", "DELETE is not allowed"),
        ("GET", "/api/v1/services?labelSelector=a+b", "", 400, "BadRequest", "\"a b\" is not a label's name"),
        ("GET", "/api/v1/services?fieldSelector=spec.x%3D1", "", 400, "BadRequest", "cannot be selected by \"spec.x\""),
        ("GET", "/api/v1/services?limit=x", "", 400, "BadRequest", "limit: \"x\" is not a number"),
        ("GET", "/api/v1/services?continue=x", "", 400, "BadRequest", "continue key is not valid"),
        (
            "GET",
            "/api/v1/services?resourceVersion=99",
            "",
            504,
            "Timeout",
            "Too large resource version: 99, current: 1",
        ),
        ("GET", "/api/v1/services?watch=1&sendInitialEvents=true", "", 422, "Invalid", "resourceVersionMatch"),
        ("GET", "/api/v1/services?watch=1&resourceVersion=x", "", 400, "BadRequest", "resourceVersion: \"x\""),
    ] {
        let answer = ask(address, method, target, headers, "");
        assert_eq!(answer.status, code, "{target}");
        let status = answer.json();
        assert_eq!((&status["code"], &status["reason"]), (&json!(code), &json!(reason)), "{target}");
        assert!(status["message"].as_str().unwrap().contains(said), "{status}");
        let noted = server.served().refused.back().unwrap().to_string();
        assert!(noted.starts_with(&format!("{code} of {method} {target}: ")) && noted.contains(said), "{noted}");
    }
    let served = server.served();
    assert_eq!((served.requests, served.refusals), (13, 13));
    assert_eq!(served.of(Resource::Services).map(|asked| asked.whole), Some(None));
    assert!(served.of(Resource::EndpointSlices).is_none());
}

#[test]
fn events_and_leases_are_accepted_and_dropped() {
    let (server, _) = serve(Cluster::generate(1, &AddressPlan::new(1)));
    let event = r#"{"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{"name":"x"}}"#;
    let json = "Content-Type: application/json\r\n";
    let events = "/apis/events.k8s.io/v1/namespaces/default/events";
    for target in
        [events, "/api/v1/namespaces/default/events", "/apis/coordination.k8s.io/v1/namespaces/default/leases"]
    {
        let answer = ask(server.address(), "POST", target, json, event);
        assert_eq!((answer.status, answer.header("content-type")), (201, "application/json"), "{target}");
        assert_eq!(answer.text(), event);
    }
    assert_eq!(ask(server.address(), "PATCH", &format!("{events}/x"), json, event).status, 200);
    assert_eq!(names_at(server.address(), events), [""; 0]);
    assert_eq!(server.served().dropped, 4);
    let large = "x".repeat(4 << 20);
    assert_eq!(ask(server.address(), "POST", events, json, &large).status, 413);
}

#[test]
fn the_server_says_what_it_is() {
    let (server, _) = serve(Cluster::generate(1, &AddressPlan::new(1)));
    let json = |target: &str| get(server.address(), target).json();
    assert_eq!(json("/version")["gitVersion"], "v1.36.0");
    assert_eq!(get(server.address(), "/livez").text(), "ok");
    let services = json("/api/v1")["resources"].as_array().unwrap().iter().find(|of| of["name"] == "services").cloned();
    assert_eq!(services.unwrap()["shortNames"], json!(["svc"]));
    let groups = json("/apis")["groups"].as_array().unwrap().clone();
    let discovery = groups.iter().find(|group| group["name"] == "discovery.k8s.io").unwrap();
    assert_eq!(discovery["preferredVersion"]["version"], "v1");
    assert_eq!(discovery["versions"].as_array().unwrap().len(), 2);
    let node = json("/api/v1/nodes/node");
    assert_eq!((&node["kind"], &node["apiVersion"]), (&json!("Node"), &json!("v1")));
    assert_eq!(node["status"]["addresses"][0], json!({"type": "InternalIP", "address": "10.11.0.1"}));
    assert_eq!(json("/api/v1/namespaces/default/services/svc-00001")["metadata"]["resourceVersion"], "1");
}

#[test]
fn a_services_slices_hold_a_hundred_endpoints_each_and_one_set_of_ports() {
    let mut cluster = Cluster::generate(1, &AddressPlan::new(250));
    let service = cluster.service_mut(0);
    let mut dns = service.ports[0].clone();
    dns.name = "dns".to_owned();
    (dns.number, dns.protocol) = (53, Protocol::Udp);
    dns.endpoints.truncate(30);
    dns.endpoints.iter_mut().for_each(|endpoint| endpoint.port = 53);
    service.ports.push(dns);
    let (server, _) = serve(cluster);
    let list = get(server.address(), "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices").json();
    let slices = list["items"].as_array().unwrap().iter();
    let mut sizes: Vec<(usize, usize)> = slices
        .map(|slice| (slice["ports"].as_array().unwrap().len(), slice["endpoints"].as_array().unwrap().len()))
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(1, 20), (1, 100), (1, 100), (2, 30)]);
    let labels = &list["items"][0]["metadata"]["labels"];
    assert_eq!(labels["kubernetes.io/service-name"], "svc-00001");
    assert_eq!(labels["endpointslice.kubernetes.io/managed-by"], "endpointslice-controller.k8s.io");
}

#[test]
fn what_was_served_says_how_it_was_asked() {
    let (server, _) = serve(Cluster::generate(2, &AddressPlan::new(1)));
    assert!(server.served().asked.is_empty());
    get(server.address(), "/api/v1/services?limit=1").text();
    let asked = *server.served().of(Resource::Services).unwrap();
    assert_eq!((asked.way, asked.lists, asked.watches, asked.whole), (Way::List, 1, 0, None));
    get(server.address(), "/api/v1/services").text();
    let asked = *server.served().of(Resource::Services).unwrap();
    assert!(asked.whole.is_some_and(|whole| whole >= asked.first));
}
