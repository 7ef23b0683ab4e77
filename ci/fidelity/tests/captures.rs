//! That the captures are read as they are meant.

use fidelity::{Capture, STATES};
use lab_core::cluster::Family;

#[test]
fn a_capture_has_its_states_its_calls_and_its_timeline() {
    let capture = Capture::of("1.36.3", "iptables-legacy", "mix-3");
    let states = capture.states();
    let counts = states.each_ref().map(|state| state.ports(Family::V4).count());
    assert_eq!(counts, [5, 6, 6, 6, 5]);
    assert!(STATES.iter().all(|state| capture.saved("iptables-save", state).contains("*nat")));
    let (calls, started) = (capture.calls(), capture.started());
    assert_eq!(calls[4].tool, "iptables-restore");
    assert_eq!(calls[4].args, "-w 5 --noflush --counters");
    assert_eq!(started.iter().filter(|process| process.call.is_some()).count(), calls.len());
}

#[test]
fn the_capture_with_a_service_cidr_has_a_cluster_of_its_own() {
    let states = Capture::of("1.36.3", "nftables", "plain-1x2-servicecidr").states();
    assert_eq!(states[0].service_cidrs, ["10.96.0.0/12".parse().unwrap()]);
}
