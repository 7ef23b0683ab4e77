//! What a cold start is told apart by.

use super::super::*;
use super::made::{Made, cell};
use lab_core::cell::{Cell, ClusterSpec, Variant};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, ProbeName};

#[test]
fn kernels_and_numbers_of_endpoints_have_lines_of_their_own() {
    let mut made = Made::of("nftables-cold-start");
    for (kernel, endpoints, power) in [("debian-12", 2, 2.0), ("debian-12", 100, 1.0), ("debian-13", 2, 1.0)] {
        for services in [1000, 2000, 4000] {
            let usual = cell(BackendName::Nftables, services, ProbeName::SyncFull);
            let variant = Variant { kernel: Some(kernel.to_owned().into()), ..usual.variant };
            let cell = Cell { variant, cluster: ClusterSpec::uniform(services, endpoints), ..usual };
            made = made.with(cell, Metric::SyncFull, 1e6 * (f64::from(services) / 1000.0).powf(power));
        }
    }
    let finding = made.finding("nftables-cold-start");
    assert_eq!(finding.verdict, Verdict::MeansSomethingElse, "{finding:?}");
    let said = finding.sentences.join(" ");
    for name in
        ["nftables on debian-12 with 2 endpoints", "nftables on debian-13 with 2 endpoints", "with 100 endpoints"]
    {
        assert!(said.contains(name), "{said}");
    }
}
