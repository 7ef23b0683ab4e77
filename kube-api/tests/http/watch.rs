//! Watches, line by line: what they begin with, what order events have, how they end and go on.

use super::client::{Answer, get, listener};
use kube_api::{Objects, Resource, Server, Settings, Watching, Way};
use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster, Service};
use serde_json::Value;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

const SERVICES: &str = "/api/v1/services?watch=1";
const SLICES: &str = "/apis/discovery.k8s.io/v1/endpointslices?watch=1";
/// What kube-proxy 1.36 asks with.
const WHOLE: &str = "allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true";

fn serve_with(services: u32, settings: Settings) -> (Server, Arc<Cluster>, AddressPlan) {
    let plan = AddressPlan::new(1);
    let cluster = Arc::new(Cluster::generate(services, &plan));
    (Server::start_with(listener(), &Objects::of(&cluster), settings).unwrap(), cluster, plan)
}

fn serve(services: u32) -> (Server, Arc<Cluster>, AddressPlan) {
    serve_with(services, Settings::default())
}

/// What an event says: its type, the object's name and version.
fn said(event: &Value) -> (String, String, u64) {
    let metadata = &event["object"]["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&event["type"]), text(&metadata["name"]), text(&metadata["resourceVersion"]).parse().unwrap_or_default())
}

fn next(watch: &mut Answer) -> (String, String, u64) {
    said(&watch.line().expect("an event"))
}

fn event(kind: &str, name: &str, version: u64) -> (String, String, u64) {
    (kind.to_owned(), name.to_owned(), version)
}

/// A change of `cluster`'s Services by hand.
fn changed(cluster: &Arc<Cluster>, change: impl FnOnce(&mut Vec<Arc<Service>>)) -> Change {
    let mut after = (**cluster).clone();
    change(&mut after.services);
    Change { before: Arc::clone(cluster), after: Arc::new(after) }
}

#[test]
fn a_whole_watch_begins_with_what_there_is_and_marks_its_end() {
    let (server, cluster, plan) = serve(2);
    let mut watch = get(server.address(), &format!("{SERVICES}&{WHOLE}"));
    assert_eq!((watch.status, watch.header("content-type")), (200, "application/json"));
    assert_eq!(next(&mut watch), event("ADDED", "svc-00001", 1));
    assert_eq!(next(&mut watch), event("ADDED", "svc-00002", 1));
    let mark = watch.line().unwrap();
    assert_eq!(said(&mark), event("BOOKMARK", "", 1));
    assert_eq!(mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!((&mark["object"]["kind"], &mark["object"]["apiVersion"]), (&"Service".into(), &"v1".into()));
    server.apply(&Change::adding(&cluster, &plan));
    // The slice was the event before.
    assert_eq!(next(&mut watch), event("ADDED", "svc-00003", 3));
    let asked = *server.served().of(Resource::Services).unwrap();
    assert_eq!((asked.way, asked.watches, asked.open), (Way::WatchList, 1, 1));
    assert!(asked.whole.is_some());
}

#[test]
fn with_list_first_a_whole_watch_is_refused_and_a_list_and_a_watch_do() {
    let (server, cluster, plan) = serve_with(2, Settings { watching: Watching::ListFirst, ..Settings::default() });
    let refused = get(server.address(), &format!("{SERVICES}&{WHOLE}"));
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["reason"], "Invalid");
    let list = get(server.address(), "/api/v1/services?limit=500&resourceVersion=0").json();
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = get(server.address(), &format!("{SERVICES}&resourceVersion={version}&allowWatchBookmarks=true"));
    server.apply(&Change::adding(&cluster, &plan));
    assert_eq!(next(&mut watch), event("ADDED", "svc-00003", 3));
}

#[test]
fn a_watch_of_any_version_begins_with_what_there_is() {
    let (server, cluster, plan) = serve(1);
    for target in [SERVICES.to_owned(), format!("{SERVICES}&resourceVersion=0"), format!("{SERVICES}&resourceVersion=")]
    {
        assert_eq!(next(&mut get(server.address(), &target)), event("ADDED", "svc-00001", 1));
    }
    let now = format!("{SERVICES}&sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
    let mut watch = get(server.address(), &now);
    server.apply(&Change::adding(&cluster, &plan));
    assert_eq!(next(&mut watch).1, "svc-00002");
}

#[test]
fn slices_come_before_their_service_and_go_after_it() {
    let (server, cluster, plan) = serve(1);
    let mut services = get(server.address(), &format!("{SERVICES}&resourceVersion=1"));
    let mut slices = get(server.address(), &format!("{SLICES}&resourceVersion=1"));
    let adding = Change::adding(&cluster, &plan);
    server.apply(&adding);
    server.apply(&adding.undone());
    assert_eq!((next(&mut slices).2, next(&mut services).2), (2, 3));
    let (gone_service, gone_slice) = (next(&mut services), next(&mut slices));
    assert_eq!(gone_service, event("DELETED", "svc-00002", 4));
    assert_eq!((gone_slice.0.as_str(), gone_slice.2), ("DELETED", 5));
}

#[test]
fn one_endpoint_is_one_event() {
    let (server, cluster, plan) = serve(3);
    let mut slices = get(server.address(), &format!("{SLICES}&resourceVersion=1"));
    let replacing = Change::replacing_endpoint(&cluster, &plan);
    server.apply(&replacing);
    let (adding, removing) = (Change::adding(&replacing.after, &plan), Change::removing(&replacing.after));
    server.apply(&adding);
    let (kind, name, version) = next(&mut slices);
    assert!((kind.as_str(), version) == ("MODIFIED", 2) && name.starts_with("svc-00002-"), "{kind} {name} {version}");
    assert!(next(&mut slices).1.starts_with("svc-00004-"));
    // What is so already is no event.
    server.apply(&replacing);
    server.apply(&adding.undone());
    server.apply(&removing);
    assert!(next(&mut slices).1.starts_with("svc-00004-"));
    assert!(next(&mut slices).1.starts_with("svc-00002-"));
}

#[test]
fn what_enters_or_leaves_a_selector_is_added_or_deleted() {
    let (server, cluster, _) = serve(2);
    let selected = format!("{SERVICES}&resourceVersion=1&labelSelector=%21service.kubernetes.io/service-proxy-name");
    let mut watch = get(server.address(), &selected);
    let leaving = changed(&cluster, |services| Arc::make_mut(&mut services[0]).other_proxy = true);
    server.apply(&leaving);
    server.apply(&leaving.undone());
    let altering = changed(&cluster, |services| Arc::make_mut(&mut services[0]).ports[0].number = 81);
    server.apply(&altering);
    let gone = watch.line().unwrap();
    // The slice has the label, too: its event is the one before.
    assert_eq!(said(&gone), event("DELETED", "svc-00001", 3));
    assert!(gone["object"]["metadata"]["labels"].is_null(), "as it was when it matched: {gone}");
    assert_eq!(next(&mut watch), event("ADDED", "svc-00001", 5));
    assert_eq!(next(&mut watch), event("MODIFIED", "svc-00001", 6));
}

#[test]
fn a_watch_of_a_namespace_sees_no_other() {
    let (server, cluster, _) = serve(2);
    let mut watch = get(server.address(), "/api/v1/namespaces/shop/services?watch=1&resourceVersion=1");
    let adding = changed(&cluster, |services| {
        let mut service = (*services[0]).clone();
        service.namespace = "shop".to_owned();
        services.insert(0, Arc::new(service));
        Arc::make_mut(&mut services[1]).ports[0].number = 81;
    });
    server.apply(&adding);
    let added = watch.line().unwrap();
    assert_eq!((&added["type"], &added["object"]["metadata"]["namespace"]), (&"ADDED".into(), &"shop".into()));
    assert_eq!(get(server.address(), "/api/v1/namespaces/shop").status, 200);
}

#[test]
fn a_watch_ends_cleanly_when_its_time_is_up_and_says_how_far_it_is() {
    let (server, cluster, plan) = serve(1);
    let mut watch =
        get(server.address(), &format!("{SERVICES}&resourceVersion=1&timeoutSeconds=1&allowWatchBookmarks=1"));
    // Only slices change.
    server.apply(&Change::replacing_endpoint(&cluster, &plan));
    server.apply(&Change::replacing_endpoint(&cluster, &plan).undone());
    let (kind, _, version) = next(&mut watch);
    assert_eq!(kind, "BOOKMARK");
    assert!(version <= 3);
    assert!(watch.line().is_none() && watch.is_over());
    let mut plain = get(server.address(), &format!("{SERVICES}&resourceVersion=1&timeoutSeconds=1"));
    assert!(plain.line().is_none() && plain.is_over());
}

#[test]
fn a_quiet_watch_gets_bookmarks_if_it_wants_them() {
    let (server, cluster, plan) =
        serve_with(1, Settings { bookmarks: Duration::from_millis(5), ..Settings::default() });
    let mut watch = get(server.address(), &format!("{SERVICES}&resourceVersion=1&allowWatchBookmarks=true"));
    assert_eq!(next(&mut watch), event("BOOKMARK", "", 1));
    server.apply(&Change::replacing_endpoint(&cluster, &plan));
    // It moves on with what happens to other objects.
    while next(&mut watch) != event("BOOKMARK", "", 2) {}
}

#[test]
fn what_is_forgotten_is_gone_and_what_is_another_servers_too() {
    let (server, cluster, plan) = serve_with(1, Settings { history: 4, ..Settings::default() });
    let mut now = cluster;
    for _ in 0..4 {
        let change = Change::adding(&now, &plan);
        server.apply(&change);
        now = change.after;
    }
    // Versions 6 to 9 are kept: two slices and two Services.
    for (target, is_gone) in [
        (format!("{SERVICES}&resourceVersion=1"), true),
        (format!("{SERVICES}&resourceVersion=5"), false),
        (format!("{SERVICES}&resourceVersion=1000"), true),
        ("/api/v1/nodes?watch=1&resourceVersion=1&timeoutSeconds=1".to_owned(), false),
    ] {
        let mut watch = get(server.address(), &target);
        assert_eq!(watch.status, 200);
        let first = watch.line();
        let code = first.as_ref().map_or(&Value::Null, |event| &event["object"]["code"]);
        assert_eq!(code == 410, is_gone, "{target}: {first:?}");
        if is_gone {
            assert_eq!(first.unwrap()["type"], "ERROR");
            assert!(watch.line().is_none() && watch.is_over());
        }
    }
}

#[test]
fn a_watcher_that_does_not_read_holds_up_nobody_and_misses_nothing() {
    let (server, cluster, plan) = serve(1);
    let mut slow = get(server.address(), &format!("{SERVICES}&resourceVersion=1"));
    let mut quick = get(server.address(), &format!("{SERVICES}&resourceVersion=1"));
    let adding = Change::adding(&cluster, &plan);
    const ROUNDS: u64 = 10_000;
    for _ in 0..ROUNDS / 2 {
        server.apply(&adding);
        server.apply(&adding.undone());
    }
    let read = |watch: &mut Answer| {
        let mut last = 1;
        for round in 0..ROUNDS {
            let (kind, _, version) = next(watch);
            assert!(version > last);
            assert_eq!(kind, if round % 2 == 0 { "ADDED" } else { "DELETED" });
            last = version;
        }
        assert_eq!(last, 2 * ROUNDS);
    };
    read(&mut quick);
    read(&mut slow);
}

#[test]
fn a_watcher_that_lags_behind_the_history_is_told_so() {
    let (server, cluster, plan) = serve_with(1, Settings { history: 1_000, ..Settings::default() });
    let mut slow = get(server.address(), &format!("{SERVICES}&resourceVersion=1"));
    let adding = Change::adding(&cluster, &plan);
    // More than sockets hold.
    for _ in 0..10_000 {
        server.apply(&adding);
        server.apply(&adding.undone());
    }
    let mut last = 1;
    let gone = loop {
        let line = slow.line().expect("it ends with an error");
        let (kind, _, version) = said(&line);
        if kind == "ERROR" {
            break line;
        }
        assert!(version > last, "{version} after {last}");
        last = version;
    };
    assert_eq!(gone["object"]["code"], 410);
    assert!(slow.line().is_none() && slow.is_over());
}

#[test]
fn connections_end_with_the_server() {
    let (server, ..) = serve(1);
    let address = server.address();
    let mut watch = get(address, &format!("{SERVICES}&resourceVersion=1"));
    // A connection made right after a cut is not part of it.
    for _ in 0..100 {
        server.disconnect();
        assert!(watch.line().is_none() && !watch.is_over());
        watch = get(address, &format!("{SERVICES}&resourceVersion=1"));
    }
    drop(server);
    assert!(watch.line().is_none() && !watch.is_over());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_change_at_a_rate_is_made_whole() {
    let (server, cluster, _) = serve(100);
    let mut watch = get(server.address(), &format!("{SLICES}&resourceVersion=1"));
    let nothing = Change { before: Arc::clone(&cluster), after: Arc::new(Cluster::default()) };
    server.apply_at(&nothing, 100_000.0);
    for _ in 0..100 {
        assert_eq!(next(&mut watch).0, "DELETED");
    }
    server.apply_at(&nothing.undone(), f64::NAN);
    let mut text = String::new();
    get(server.address(), "/api/v1/services").read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("\"clusterIP\":").count(), 100);
}
