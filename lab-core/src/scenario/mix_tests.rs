use super::Scenario;
use crate::cell::Source;
use crate::cluster::{Base, Family, Protocol, ServicePort};
use std::sync::Arc;

const GOOD: &str = "name: first-packet\nquestion: How long?\nbackends: [nftables]\nservices: [100]\n";

fn base(lines: &str) -> Arc<Base> {
    let scenario = Scenario::read("x.yaml", &format!("{GOOD}{lines}")).unwrap();
    scenario.axes.base.expect("it describes its Services")
}

fn problem(lines: &str) -> String {
    Scenario::read("x.yaml", &format!("{GOOD}{lines}")).unwrap_err().to_string()
}

#[test]
fn a_mix_is_described_by_shares_and_distributions() {
    let base = base("mix:\n  udp: 3%\n  node-port: 12.5%\n  ports: 2\n  endpoints: {1: 999, 5000: 1}\n  seed: 7\n");
    let udp = base.services.iter().filter(|service| service.ports[0].protocol == Protocol::Udp);
    assert_eq!(udp.count(), 30);
    assert_eq!(base.services.iter().filter(|service| service.ports[0].node_port.is_some()).count(), 125);
    assert!(base.services.iter().all(|service| service.ports.len() == 2));
    let most = base.services.iter().flat_map(|service| service.ports_of(Family::V4)).map(ServicePort::endpoint_count);
    assert_eq!(most.max(), Some(5_000));
}

#[test]
fn endpoints_are_the_scenarios_where_the_mix_does_not_say() {
    let base = base("endpoints: 9\nmix: {udp: 1%}\n");
    assert!(base.services.iter().all(|service| service.ports[0].endpoints.len() == 9));
    assert_eq!(base.spec(100).endpoints, 9);
}

#[test]
fn the_realistic_mix_has_a_name() {
    let base = base("mix: realistic\n");
    assert!(matches!(base.source, Source::Shaped { name, .. } if name.as_str() == "realistic"));
    assert_eq!(
        problem("mix: realistc\n"),
        "x.yaml:5: mix: unknown mix \"realistc\"; known: uniform, node-port, load-balancer, external-ip, mixed, \
         realistic (did you mean \"realistic\"?)"
    );
}

#[test]
fn a_bad_mix_is_told_with_its_line() {
    for (lines, told) in [
        ("mix: {udp: 3}", "x.yaml:5: udp: found 3; it takes a share from 0% to 100%, in steps of 0.1%"),
        ("mix: {udp: 0.01%}", "x.yaml:5: udp: found \"0.01%\"; it takes a share from 0% to 100%, in steps of 0.1%"),
        ("mix: {node-port: 60%, load-balancer: 50%}", "x.yaml:5: mix: node-port and load-balancer are more than 100%"),
        ("mix: {endpoints: {one: 1}}", "x.yaml:5: endpoints: found \"one\"; it takes a whole number from 0 to 100000"),
        ("mix: {endpoints: {1: 0}}", "x.yaml:5: endpoints: every weight is 0"),
        ("mix: {endpoints: {median: 3, max: 9}}", "x.yaml:5: endpoints: p90 is missing; it takes median, p90 and max"),
        ("mix: {endpoints: {median: 3, p90: 2, max: 9}}", "x.yaml:5: p90: found 2; it takes a whole number from 3"),
        ("mix: {ports: 0}", "x.yaml:5: ports: found 0; it takes a whole number from 1 to 100"),
        ("mix: [udp]", "x.yaml:5: mix: found a list of 1; it takes the name of a mix, or a mapping that describes one"),
        ("mix: uniform\ncluster: a.json", "x.yaml:6: cluster: it says what Services are like, and so does mix"),
        ("cluster: [1]", "x.yaml:5: cluster: found 1; it takes a file with a cluster, or a list of files"),
    ] {
        let found = problem(&format!("{lines}\n"));
        assert!(found.starts_with(told), "{found}");
    }
}

#[test]
fn a_cluster_has_its_own_size() {
    let text = "name: mine\nquestion: What does mine cost?\ncluster: [services.json, slices.json]\n";
    let scenario = Scenario::read("x.yaml", text).unwrap();
    assert_eq!(scenario.cluster, ["services.json", "slices.json"]);
    let scenario = scenario.with_base(base("mix: realistic\n"));
    assert_eq!(scenario.parts[0].services, [1000]);
}

#[test]
fn a_service_may_have_none_or_a_hundred_thousand_endpoints() {
    for (endpoints, good) in [(0, true), (100_000, true), (100_001, false)] {
        let text = format!("{}endpoints: {endpoints}\n", GOOD.replace("[100]", "[1]"));
        assert_eq!(Scenario::read("x.yaml", &text).is_ok(), good, "{endpoints}");
    }
}
