//! What a cell is written as, and what it is called.

use super::*;

fn ipvs(way: Option<Way>) -> Contender {
    Contender { way, ..contender(BackendName::Ipvs, ProbeName::SyncFull) }
}

fn contender(backend: BackendName, probe: ProbeName) -> Contender {
    Cell::new(ClusterSpec::uniform(1, 1), Variant::usual(backend), probe, None).contender()
}

#[test]
fn a_cell_is_written_without_what_is_usual_and_read_back() {
    let variant = Variant::usual(BackendName::Nftables);
    let cell = Cell::new(ClusterSpec::uniform(100, 2), variant, ProbeName::Connect, Some(Position::Last));
    let written = serde_json::to_string(&cell).unwrap();
    assert_eq!(
        written,
        r#"{"cluster":{"services":100,"endpoints":2},"variant":{"backend":"nftables","layout":"kube-proxy-1.36","way":"partial"},"probe":"connect","position":"last"}"#
    );
    assert_eq!(serde_json::from_str::<Cell>(&written).unwrap(), cell);
}

#[test]
fn an_imported_cluster_is_known_by_its_file_and_digest() {
    let source = |name: &str| Source::Imported { name: name.to_owned().into(), digest: "9f86d081".to_owned().into() };
    let spec = ClusterSpec { source: source("prod.json"), ..ClusterSpec::uniform(7, 3) };
    let written = serde_json::to_string(&spec).unwrap();
    let file = r#"{"imported":{"name":"prod.json","digest":"9f86d081"}}"#;
    assert_eq!(written, format!(r#"{{"services":7,"endpoints":3,"source":{file}}}"#));
    assert_eq!(serde_json::from_str::<ClusterSpec>(&written).unwrap(), spec);
    assert_ne!(source("other.json"), spec.source);
}

#[test]
fn a_name_says_what_differs_from_the_usual_or_from_those_beside_it() {
    let (usual, batched) = (ipvs(Some(Way::KubeProxy)), ipvs(Some(Way::Batched)));
    assert_eq!(usual.name(&[usual]), "ipvs");
    assert_eq!(usual.name(&[usual, batched]), "ipvs (kube-proxy)");
    assert_eq!(batched.name(&[batched]), "ipvs (batched)");
    assert_eq!(ipvs(None).name(&[usual, batched, ipvs(None)]), "ipvs");
    let settings = Settings { scheduler: Some(Scheduler::SourceHashing), ..usual.settings };
    let hashing = Contender { settings, ..usual };
    assert_eq!(hashing.name(&[hashing]), "ipvs (sh)");
    assert_eq!(usual.name(&[usual, hashing]), "ipvs (rr)");
}

#[test]
fn two_layouts_of_one_backend_have_two_names() {
    let one = contender(BackendName::Nftables, ProbeName::Connect);
    let other = Contender { layout: LayoutName::None, ..one };
    assert_eq!(one.name(&[one]), "nftables");
    assert_eq!(one.name(&[one, other]), "nftables (kube-proxy-1.36)");
    assert_eq!(other.name(&[one, other]), "nftables (none)");
    assert!(!one.covers(other));
}

#[test]
fn traffic_covers_every_way_that_a_node_was_programmed() {
    assert!(ipvs(None).covers(ipvs(Some(Way::Batched))));
    assert!(!ipvs(Some(Way::KubeProxy)).covers(ipvs(Some(Way::Batched))));
}

#[test]
fn how_a_service_is_dialled_is_written_and_named_where_it_is_not_as_usual() {
    let usual = Cell::new(
        ClusterSpec::uniform(1, 1),
        Variant::usual(BackendName::IptablesLegacy),
        ProbeName::Connect,
        Some(Position::First),
    );
    let source = Source::Generated(Mix::NodePort);
    let cluster = ClusterSpec { source, ..usual.cluster };
    let cell = Cell { cluster, access: Access::NodePort, from: Origin::Outside, ..usual };
    let written = serde_json::to_string(&cell).unwrap();
    assert!(written.ends_with(r#""position":"first","access":"node-port","from":"outside"}"#), "{written}");
    assert!(written.contains(r#""source":{"generated":"node-port"}"#), "{written}");
    assert_eq!(serde_json::from_str::<Cell>(&written).unwrap(), cell);
    let (one, other) = (usual.contender(), cell.contender());
    assert_eq!(one.name(&[one]), "iptables-legacy");
    assert_eq!(one.name(&[one, other]), "iptables-legacy (cluster-ip, from a pod)");
    assert_eq!(other.name(&[other]), "iptables-legacy (node-port, from outside)");
    let synced = Cell { probe: ProbeName::SyncFull, access: Access::ClusterIp, from: Origin::Pod, ..cell }.contender();
    assert_eq!(synced.name(&[synced]), "iptables-legacy");
    assert_eq!(synced.name(&[synced, one]), "iptables-legacy (node-port)");
}

#[test]
fn another_kernel_is_another_variant_and_one_that_is_not_compared_is_none() {
    let on = |kernel: Option<&str>| {
        let kernel = kernel.map(|name| name.to_owned().into());
        let variant = Variant { kernel, ..Variant::usual(BackendName::Nftables) };
        Cell::new(ClusterSpec::uniform(1, 1), variant, ProbeName::SyncFull, None)
    };
    let [old, new, any] = [on(Some("debian-12")), on(Some("debian-13")), on(None)];
    let written = serde_json::to_string(&old).unwrap();
    assert!(written.contains(r#""way":"partial","kernel":"debian-12"}"#), "{written}");
    assert_eq!(serde_json::from_str::<Cell>(&written).unwrap(), old);
    assert!(!serde_json::to_string(&any).unwrap().contains("kernel\""));
    assert_ne!(old.guest_load(), new.guest_load());
    let [old, new] = [old.contender(), new.contender()];
    assert!(!old.covers(new) && old.covers(old));
    assert_eq!(old.name(&[old]), "nftables");
    assert_eq!(old.name(&[old, new]), "nftables (debian-12)");
}
