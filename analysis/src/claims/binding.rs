//! What it costs to make cluster IPs a node's own, and what the node answers for them.

use super::claim::Claim;
use super::evidence::Evidence;
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{Line, services_of};
use super::quadratic;
use super::votes::Votes;
use lab_core::metric::Metric;
use lab_core::vocabulary::ProbeName;

pub(super) const IPVS: Claim = Claim {
    id: "ipvs-binding",
    says: "Binding cluster IPs to a device is what makes ipvs mode slow with thousands of Services",
    source: "kubernetes-ipvs-binding",
    judge: grows,
};

/// More than this of the largest load makes it quadratic.
const HALF: f64 = 0.5;

/// The ways, with what each is called.
const WAYS: [(Metric, ProbeName, &str); 4] = [
    (Metric::BindDummy, ProbeName::BindDummy, "a dummy device"),
    (Metric::BindAlias, ProbeName::BindAlias, "the node's own device"),
    (Metric::BindRoutes, ProbeName::BindRoutes, "local routes"),
    (Metric::BindRange, ProbeName::BindRange, "one local route for the whole range"),
];

fn grows(evidence: &Evidence) -> Option<Finding> {
    let (mut votes, mut figures, mut lacks, mut strays) = (Votes::default(), Vec::new(), Vec::new(), Vec::new());
    let mut any = false;
    for (metric, probe, way) in WAYS {
        let of = |metric| evidence.lines(metric, |cell| cell.probe == probe);
        lacks.extend(evidence.lacks(metric, |cell| cell.probe == probe));
        for line in of(metric) {
            any = true;
            let Some(&(many, last)) = line.medians().last() else { continue };
            figures.push(line.figure(many, last));
            let one = of(Metric::BindOne).into_iter().find(|one| one.is_beside(&line));
            if let Some((line, one)) = one.and_then(|line| line.at(many).map(|one| (line, one))) {
                let figure = line.figure(many, one);
                figures.push(Figure { what: format!("one more on {way}, {}", figure.what), ..figure });
            }
            let device = matches!(metric, Metric::BindDummy | Metric::BindAlias);
            if let Some(estimate) = quadratic::share(&line.medians()).filter(|_| metric != Metric::BindRange) {
                let what = format!("what grows with the square, of {metric} of {} at {}", line.name, services_of(many));
                figures.push(Figure { what, estimate, measure: Measure::Share });
                if device {
                    votes.cast(way, estimate.is_above(HALF));
                }
            }
            let stray = of(Metric::StrayAnswered).into_iter().find(|stray| stray.is_beside(&line));
            if stray.is_some_and(|stray| stray.samples(many).iter().any(|answered| *answered > 0.0)) {
                strays.push(way.to_owned());
            }
        }
    }
    if !any {
        return None;
    }
    let says = match votes.verdict() {
        Verdict::Reproduced => "More than half of the time at the largest size grows with the square of their number.",
        Verdict::NotReproduced => "The cost of an address hardly depends on how many there are.",
        Verdict::CannotBeTold => votes.unless_open("There are no three sizes with intervals."),
        Verdict::MeansSomethingElse => "It is a matter of the device.",
    };
    strays.dedup();
    let stray = match &strays[..] {
        [] => String::new(),
        ways => format!("An address that no Service has answers a ping, too, with {}.", super::line::list(ways)),
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.say(arp(evidence)).say(stray).lacking(&lacks))
}

/// For which ways a neighbour's ARP is answered.
fn arp(evidence: &Evidence) -> String {
    let answered = |asked: Metric| -> Vec<String> {
        let some = |line: &Line| line.taken.iter().any(|taken| taken.samples().iter().any(|count| *count > 0.0));
        let which = |probe| move |cell: &lab_core::cell::Cell| cell.probe == probe;
        let ways = WAYS.iter().filter(|(_, probe, _)| evidence.lines(asked, which(*probe)).iter().any(some));
        ways.map(|(.., way)| (*way).to_owned()).collect()
    };
    let said = |ways: &[String]| if ways.is_empty() { "none".to_owned() } else { super::line::list(ways) };
    let (usual, strict) = (answered(Metric::ArpAnswered), answered(Metric::ArpAnsweredStrict));
    format!("A neighbour's ARP is answered with {}; with strictARP, with {}.", said(&usual), said(&strict))
}
