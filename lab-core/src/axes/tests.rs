//! The cells that axes expand to.

use super::*;
use crate::cell::Churn;

fn axes(services: &[u32], backends: &[BackendName], probes: &[ProbeName]) -> Axes {
    Axes { services: services.to_vec(), backends: backends.to_vec(), probes: probes.to_vec(), ..Axes::default() }
}

#[test]
fn direct_has_no_cells_that_program_the_node() {
    let cells = axes(&[1, 100], BackendName::ALL, ProbeName::ALL).expand();
    assert!(cells.iter().any(|cell| cell.variant.backend == BackendName::Direct));
    assert!(!cells.iter().any(|cell| cell.variant.backend == BackendName::Direct && cell.probe.programs()));
}

#[test]
fn endpoints_are_an_axis_of_clusters() {
    let axes = Axes { endpoints: vec![1, 100], ..axes(&[10, 20], &[BackendName::Nftables], &[ProbeName::SyncFull]) };
    let clusters: Vec<ClusterSpec> = axes.expand().iter().map(|cell| cell.cluster).collect();
    let uniform = |(services, endpoints)| ClusterSpec::uniform(services, endpoints);
    assert_eq!(clusters, [(10, 1), (10, 100), (20, 1), (20, 100)].map(uniform));
    // The most of them decide what there are addresses for.
    assert!(axes.check(20_000).is_ok() && axes.check(100_000).is_err());
}

#[test]
fn a_release_is_an_axis_of_the_backends_that_have_it() {
    let both = [LayoutName::KubeProxy120, LayoutName::KubeProxy130];
    let axes = Axes { layouts: both.to_vec(), ..axes(&[1], BackendName::ALL, &[ProbeName::Connect]) };
    let layouts = |backend| {
        let cells = axes.expand().into_iter().filter(move |cell| cell.variant.backend == backend);
        cells.map(|cell| cell.variant.layout).collect::<Vec<_>>()
    };
    assert_eq!(layouts(BackendName::Direct), [LayoutName::None]);
    for backend in [BackendName::IptablesLegacy, BackendName::Ipvs] {
        assert!(layouts(backend).iter().all(|layout| both.contains(layout)), "{backend}");
        assert!(layouts(backend).contains(&LayoutName::KubeProxy130), "{backend}");
    }
}

#[test]
fn one_service_is_asked_once_whatever_its_position() {
    let connect = |services| {
        let cells = axes(&[services], &[BackendName::Nftables], &[ProbeName::Connect]).expand();
        cells.iter().filter_map(|cell| cell.position).collect::<Vec<_>>()
    };
    assert_eq!(connect(1), [Position::First]);
    assert_eq!(connect(2), [Position::First, Position::Last]);
    assert_eq!(connect(3), Position::USUAL);
}

#[test]
fn a_scenario_may_ask_other_positions() {
    let positions = |services| {
        let axes = axes(&[services], &[BackendName::Nftables], &[ProbeName::Connect, ProbeName::SyncFull]);
        let cells = Axes { positions: Some(Position::ALL.to_vec()), ..axes }.expand();
        cells.iter().filter_map(|cell| cell.position).collect::<Vec<_>>()
    };
    assert_eq!(positions(100), Position::ALL);
    assert_eq!(positions(1), [Position::First]);
    assert_eq!(positions(2), [Position::First, Position::Last]);
    assert_eq!(positions(4), [Position::First, Position::Quarter, Position::Middle, Position::Last]);
}

#[test]
fn an_activity_has_cells_only_where_it_can_run() {
    let churn = Activity { churn: Some(Churn::USUAL), ..Activity::default() };
    let busy = Activity { traffic: Some(10), ..churn };
    let probes = [ProbeName::SyncChange, ProbeName::Churn, ProbeName::Connect];
    let axes = axes(&[1], &[BackendName::Direct, BackendName::Nftables], &probes);
    let cells = Axes { activities: vec![churn, busy], ..axes }.expand();
    let told: Vec<String> =
        cells.iter().map(|cell| format!("{} {} {}", cell.variant.backend, cell.probe, cell.activity)).collect();
    assert_eq!(
        told,
        [
            "direct connect none",
            "direct connect traffic 10/s",
            "nftables churn churn 10/s synced every 1s",
            "nftables churn churn 10/s synced every 1s, traffic 10/s",
            "nftables connect churn 10/s synced every 1s",
            "nftables connect churn 10/s synced every 1s, traffic 10/s",
        ]
    );
    assert_eq!(cells[4].direct(), cells[0]);
}

#[test]
fn only_what_programs_ipvs_has_its_ways() {
    let cells = axes(&[10], &[BackendName::Ipvs], &[ProbeName::SyncChange, ProbeName::Connect]).expand();
    let ways = |probe| {
        let mut ways: Vec<_> = cells.iter().filter(|cell| cell.probe == probe).map(|cell| cell.variant.way).collect();
        ways.dedup();
        ways
    };
    assert_eq!(ways(ProbeName::SyncChange), [Way::KubeProxy, Way::Batched]);
    assert_eq!(ways(ProbeName::Connect), [Way::Batched]);
    assert!(cells.iter().all(|cell| cell.variant.settings.scheduler == Some(Scheduler::RoundRobin)));
}

#[test]
fn uniform_services_are_of_the_type_that_an_access_takes_and_others_are_asked_by_all() {
    let mut axes = axes(&[10], &[BackendName::Nftables], &[ProbeName::SyncFull, ProbeName::Connect]);
    axes.accesses = vec![Access::ClusterIp, Access::NodePort];
    axes.origins = vec![Origin::Pod, Origin::Outside];
    let told = |axes: &Axes| {
        let first = |cell: &Cell| cell.position.is_none_or(|position| position == Position::First);
        let told = |cell: &Cell| match cell.position {
            None => format!("{} {}", cell.cluster.source.name(), cell.probe),
            Some(_) => format!("{} {} {}", cell.cluster.source.name(), cell.access, cell.from),
        };
        axes.expand().iter().filter(|cell| first(cell)).map(told).collect::<Vec<_>>()
    };
    let node_port = ["node-port sync_full", "node-port node-port pod", "node-port node-port outside"];
    assert_eq!(told(&axes)[..2], ["uniform sync_full", "uniform cluster-ip pod"]);
    assert_eq!(told(&axes)[2..], node_port);
    axes.mix = Mix::Mixed;
    let mixed = ["sync_full", "cluster-ip pod", "node-port pod", "node-port outside"].map(|end| format!("mixed {end}"));
    assert_eq!(told(&axes), mixed);
    assert_eq!(axes.impossible().count(), 1);
}
