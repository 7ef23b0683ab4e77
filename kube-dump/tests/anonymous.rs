//! A dump without names and addresses programs as much as the dump itself.

use kube_dump::{Dump, Input};
use lab_core::cell::Variant;
use lab_core::cluster::{AddressPlan, Cluster, Family, Node};
use lab_core::layout::{Installed, release};
use lab_core::proxy_config::ProxyConfig;
use lab_core::vocabulary::{BackendName, Mix, Word};
use std::collections::HashSet;

const KEY: &[u8; 32] = b"a key that decides the addresses";

/// A dump of a generated cluster of every kind of Service, on a node that has endpoints.
fn mixed() -> Dump {
    let mut cluster = Cluster::generate(200, &AddressPlan::new(3).of(Mix::Mixed));
    cluster.node.zone = "a".to_owned();
    cluster.service_cidrs = vec!["10.96.0.0/12".parse().unwrap()];
    cluster.service_mut(1).other_proxy = true;
    // The node is within a source range: then it may use the load balancer's address.
    cluster.service_mut(7).source_ranges.push("10.11.0.0/24".parse().unwrap());
    Dump { nodes: vec![cluster.node.clone()], cluster, slices: 1, ..Dump::default() }
}

/// What every release in every backend installs of `dump` on its first node.
fn installed(dump: &Dump) -> Vec<(String, Installed)> {
    let cluster = Cluster { node: dump.nodes[0].clone(), ..dump.cluster.clone() };
    let rows = release::RELEASES.iter().flat_map(|row| row.backends.iter().map(move |&backend| (row.layout, backend)));
    rows.map(|(layout, backend): (_, BackendName)| {
        let variant = Variant { layout, ..Variant::usual(backend) };
        let made = release::layout(variant, &ProxyConfig::default()).unwrap();
        (format!("{} {}", backend.name(), layout.name()), made.installed(&cluster))
    })
    .collect()
}

fn read(text: &str) -> Dump {
    Dump::read(&[Input::named("dump.json", text)]).unwrap()
}

#[test]
fn what_is_written_is_read_as_the_same_cluster() {
    let dump = mixed();
    let again = read(&dump.to_json());
    assert_eq!(again.cluster.services, dump.cluster.services);
    assert_eq!((&again.nodes, &again.cluster.service_cidrs), (&dump.nodes, &dump.cluster.service_cidrs));
    assert_eq!(again.notes, []);
}

#[test]
fn an_anonymous_cluster_programs_as_much_in_every_release() {
    let dump = mixed();
    let again = read(&dump.anonymous(KEY).to_json());
    assert_eq!(again.notes, []);
    for (before, after) in installed(&dump).into_iter().zip(installed(&again)) {
        assert_eq!(before, after);
    }
    assert_eq!(again.features(), dump.features());
    let policies = |dump: &Dump| -> Vec<_> {
        let services = dump.cluster.services.iter();
        services.map(|service| (service.kind, service.external_policy, service.affinity)).collect()
    };
    assert_eq!(policies(&again), policies(&dump));
}

#[test]
fn no_name_and_no_address_is_left() {
    let dump = mixed();
    let text = dump.anonymous(KEY).to_json();
    let found: HashSet<&str> = text.split('"').collect();
    let mut sought: Vec<String> = vec!["default".into(), "http".into(), "dns-tcp".into(), "node".into(), "a".into()];
    for service in &dump.cluster.services {
        sought.push(service.name.clone());
        sought.extend(service.external_ips.iter().map(ToString::to_string));
        for port in Family::ALL.into_iter().flat_map(|family| service.ports_of(family)) {
            sought.push(port.cluster_ip().to_string());
            sought.extend(port.endpoints().map(|endpoint| endpoint.address.to_string()));
        }
    }
    for name in sought {
        assert!(!found.contains(name.as_str()), "{name}");
    }
}

#[test]
fn equal_ones_are_replaced_equally_and_a_key_decides() {
    let dump = mixed();
    assert_eq!(dump.anonymous(KEY), dump.anonymous(KEY));
    let other = dump.anonymous(b"another key that decides as much");
    assert_ne!(other.cluster.services[0].cluster_ips, dump.anonymous(KEY).cluster.services[0].cluster_ips);
    let namespaces: HashSet<&str> = other.cluster.services.iter().map(|service| service.namespace.as_str()).collect();
    assert_eq!(namespaces.len(), 1);
    // The node of endpoints is the node.
    assert!(
        other
            .cluster
            .services
            .iter()
            .flat_map(|service| &service.ports)
            .any(|port| { port.endpoints.iter().any(|endpoint| endpoint.is_on(&other.nodes[0])) })
    );
}

#[test]
fn a_name_that_kubernetes_forbids_does_not_become_an_allowed_one() {
    let mut dump = mixed();
    dump.cluster.service_mut(0).name = "a\"b".to_owned();
    dump.nodes.push(Node { name: "b".to_owned(), ..Node::default() });
    let anonymous = dump.anonymous(KEY);
    assert_eq!((anonymous.cluster.services.len(), anonymous.nodes.len()), (199, 2));
    assert_eq!(anonymous.notes[0].object, "Service default/a\"b");
}
