//! What it costs to bind cluster IPs.

use super::super::*;
use super::made::{Made, cell};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, ProbeName};

#[test]
fn addresses_of_a_device_cost_more_the_more_there_are_or_they_do_not() {
    let bound = |power: f64, stray: f64| {
        let mut made = Made::of("ipvs-binding");
        for services in [1, 1000, 4000, 16_000] {
            let of = |probe| cell(BackendName::Direct, services, probe);
            let (dummy, range) = (of(ProbeName::BindDummy), of(ProbeName::BindRange));
            made = made
                .with(dummy, Metric::BindDummy, 1e4 * f64::from(services).powf(power))
                .with(dummy, Metric::BindOne, 1e4)
                .samples(dummy, Metric::ArpAnswered, &[2.0])
                .samples(dummy, Metric::ArpAnsweredStrict, &[0.0])
                .with(range, Metric::BindRange, 1e4)
                .samples(range, Metric::StrayAnswered, &[stray]);
        }
        made.finding("ipvs-binding")
    };
    let steep = bound(2.0, 1.0);
    assert_eq!(steep.verdict, Verdict::Reproduced);
    let said = steep.sentences.join(" ");
    assert!(said.contains("ARP is answered with a dummy device; with strictARP, with none."), "{said}");
    assert!(said.contains("that no Service has answers a ping, too, with one local route"), "{said}");
    let level = bound(1.0, 0.0);
    assert_eq!(level.verdict, Verdict::NotReproduced);
    assert!(!level.sentences.join(" ").contains("answers a ping"), "{level:?}");
}
