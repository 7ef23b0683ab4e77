//! Every text that the layouts render, for a generated cluster. `BLESS=1` writes the files anew.

use lab_core::change::Change;
use lab_core::cluster::{AddressPlan, Cluster, Protocol};
use lab_core::layout::{Action, Append, Iptables, Ipvs, Layout, Nftables, iptables, ipvs, nftables};
use lab_core::proxy_config::ProxyConfig;
use lab_core::vocabulary::{Forwarding, Scheduler, Way};
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

fn in_way(way: Way) -> Ipvs {
    Ipvs { way, ..Ipvs::default() }
}

static LAYOUTS: LazyLock<[(&str, Box<dyn Layout>); 9]> = LazyLock::new(|| {
    let iptables = |version| Box::new(Iptables::new(version, &ProxyConfig::default()));
    let nftables = |version| Box::new(Nftables { version, ..Nftables::default() });
    [
        ("iptables", iptables(iptables::Version::V1_36)),
        ("iptables-1.20", iptables(iptables::Version::V1_20)),
        ("nftables-1.30", nftables(nftables::Version::V1_30)),
        ("nftables-1.36", nftables(nftables::Version::V1_36)),
        ("nftables-1.37", nftables(nftables::Version::V1_37)),
        ("ipvs", Box::new(in_way(Way::KubeProxy))),
        ("ipvs-1.20", Box::new(Ipvs::new(ipvs::Version::V1_20, &ProxyConfig::default()))),
        ("ipvs-batched", Box::new(in_way(Way::Batched))),
        ("ipvs-ipvsadm", Box::new(in_way(Way::Ipvsadm))),
    ]
});

fn small() -> (Arc<Cluster>, AddressPlan) {
    let plan = AddressPlan::new(2);
    (Arc::new(Cluster::generate(3, &plan)), plan)
}

/// More than 1,000 endpoints on few Services. This keeps short what has a line for each Service.
fn large() -> (Arc<Cluster>, AddressPlan) {
    let plan = AddressPlan::new(3);
    let mut cluster = Cluster::generate(3, &plan);
    cluster.service_mut(0).ports = Cluster::generate(1, &AddressPlan::new(1000)).services[0].ports.clone();
    (Arc::new(cluster), plan)
}

fn check(name: &str, calls: &[Action]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text: String = calls.iter().map(Action::to_string).collect();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{name} is not what is rendered: look at it with BLESS=1 and git diff");
}

fn check_change(name: &str, change: &Change) {
    for (layout_name, layout) in &*LAYOUTS {
        for (way, change) in [("", change), ("-undone", &change.undone())] {
            let mut calls = layout.partial_sync(change);
            calls.extend(layout.cleanup(change));
            check(&format!("{layout_name}-{name}{way}.txt"), &calls);
        }
    }
}

#[test]
fn what_is_prepared() {
    for (name, layout) in &*LAYOUTS {
        check(&format!("{name}-prepare.txt"), &layout.prepare());
    }
}

#[test]
fn what_is_flushed() {
    for (name, layout) in &*LAYOUTS {
        check(&format!("{name}-flush.txt"), &layout.flush(&small().0));
    }
}

#[test]
fn a_full_sync() {
    for (name, layout) in &*LAYOUTS {
        check(&format!("{name}-full.txt"), &layout.full_sync(&small().0));
    }
}

#[test]
fn an_empty_cluster() {
    for (name, layout) in &*LAYOUTS {
        check(&format!("{name}-empty.txt"), &layout.full_sync(&Cluster::default()));
    }
}

#[test]
fn services_without_endpoints() {
    let plan = AddressPlan::new(1);
    let mut cluster = Cluster::generate(3, &plan);
    cluster.service_mut(1).ports[0].endpoints.clear();
    for (name, layout) in &*LAYOUTS {
        check(&format!("{name}-no-endpoints.txt"), &layout.full_sync(&cluster));
    }
}

#[test]
fn a_service_added() {
    let (cluster, plan) = small();
    check_change("add", &Change::adding(&cluster, &plan));
}

#[test]
fn a_service_removed() {
    check_change("remove", &Change::removing(&small().0));
}

#[test]
fn an_endpoint_replaced() {
    let (cluster, plan) = small();
    check_change("replace", &Change::replacing_endpoint(&cluster, &plan));
}

#[test]
fn a_service_removed_from_a_large_cluster() {
    check_change("large-remove", &Change::removing(&large().0));
}

#[test]
fn an_endpoint_replaced_in_a_large_cluster() {
    let (cluster, plan) = large();
    check_change("large-replace", &Change::replacing_endpoint(&cluster, &plan));
}

#[test]
fn a_rule_appended() {
    for (name, layout) in &*LAYOUTS {
        let Append { add, undo } = layout.append_rule(&small().0);
        check(&format!("{name}-append.txt"), &[add.into(), undo.into()]);
        let Append { add, undo } = layout.append_rule(&Cluster::default());
        check(&format!("{name}-append-to-empty.txt"), &[add.into(), undo.into()]);
    }
}

#[test]
fn virtual_servers_of_every_protocol_with_affinity_and_direct_routing() {
    let mut cluster = Cluster::generate(3, &AddressPlan::new(1)).with_affinity(Some(Duration::from_secs(10_800)));
    cluster.service_mut(1).ports[0].protocol = Protocol::Udp;
    cluster.service_mut(2).ports[0].protocol = Protocol::Sctp;
    for (name, way) in [("ipvs", Way::KubeProxy), ("ipvs-batched", Way::Batched), ("ipvs-ipvsadm", Way::Ipvsadm)] {
        let layout = Ipvs { scheduler: Scheduler::MaglevHashing, forwarding: Forwarding::DirectRouting, ..in_way(way) };
        let actions = layout.full_sync(&cluster);
        let is_about_rules = |action: &Action| action.call().is_some_and(|call| call.tool.name().contains("tables"));
        let actions: Vec<Action> = actions.into_iter().filter(|action| !is_about_rules(action)).collect();
        check(&format!("{name}-options.txt"), &actions);
    }
}
