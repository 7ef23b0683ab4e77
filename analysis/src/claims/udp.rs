//! Entries of conntrack that outlive an endpoint of UDP: who loses what, and what it costs to remove them.

use super::claim::Claim;
use super::estimate::Estimate;
use super::evidence::Evidence;
use super::finding::{Figure, Finding, Measure, Verdict};
use super::line::{Line, services_of};
use super::votes::Votes;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::vocabulary::ProbeName;

pub(super) const STALE: Claim = Claim {
    id: "udp-stale",
    says: "A client of UDP goes on sending to an endpoint that is gone, as long as its entry is in conntrack",
    source: "udp-stale",
    judge: stale,
};

pub(super) const CLEAN_UP: Claim = Claim {
    id: "udp-clean-up",
    says: "Where the conntrack table is large, a change of a UDP Service is mostly its clean-up",
    source: "udp-clean-up",
    judge: clean_up,
};

pub(super) const BLACKHOLE: Claim = Claim {
    id: "udp-blackhole",
    says: "Clients that send to a UDP Service without endpoints cost a node more than those that are answered",
    source: "udp-stale",
    judge: blackhole,
};

/// More than this costs more.
const MORE: f64 = 1.25;

/// So many datagrams without an answer are for good.
const ENOUGH: f64 = 10.0;
/// A table of so many entries is large.
const LARGE: u32 = 50_000;
/// More than this share of a sync is most of it.
const MOST: f64 = 0.5;

fn same<'a>(line: &'a Line) -> impl Fn(&&'a Line<'a>) -> bool {
    move |other| other.asked == line.asked
}

fn stale(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| cell.probe == ProbeName::UdpStale;
    let lost = evidence.lines(Metric::UdpLost, which);
    if lost.is_empty() {
        return None;
    }
    let (sent, dark) = (evidence.lines(Metric::UdpSent, which), evidence.lines(Metric::UdpDark, which));
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &lost {
        for services in line.taken.iter().map(|taken| taken.services()) {
            let (lost, sent) =
                (line.samples(services), sent.iter().find(same(line)).map(|sent| sent.samples(services)));
            let (lost, sent) = (lost.iter().sum::<f64>(), sent.unwrap_or_default().iter().sum::<f64>());
            let Some(share) = Estimate::share(lost, sent) else { continue };
            let name = line.case(services);
            let what = format!("datagrams lost of {name}");
            figures.push(Figure { what, estimate: share, measure: Measure::Share });
            let dark = dark.iter().find(same(line));
            let answered = dark.is_some_and(|dark| !dark.samples(services).is_empty());
            figures.extend(dark.and_then(|dark| Some(dark.figure(services, dark.at(services)?))));
            let holds = match (answered, lost < ENOUGH) {
                (true, _) => Some(false),
                (false, true) => None,
                (false, false) => Some(true),
            };
            votes.cast_at(line, services, holds);
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => "Too few datagrams were sent.",
        Verdict::Reproduced => "No client was answered again.",
        _ => {
            "Where a client is answered again, its entry was removed; udp_dark is how long that took. The lab leaves out the \
             clean-up of kube-proxy 1.32 and later, which asks the kernel: its rows show what happens without any."
        }
    };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says);
    Some(finding.lacking(&evidence.lacks(Metric::UdpLost, |cell| which(cell) && !cell.activity.is_none())))
}

fn blackhole(evidence: &Evidence) -> Option<Finding> {
    let which = |cell: &Cell| cell.probe == ProbeName::UdpBlackhole;
    let lines = evidence.lines(Metric::BlackholeCpu, which);
    let missing = evidence.lacks(Metric::BlackholeCpu, which);
    if lines.is_empty() && missing.is_empty() {
        return None;
    }
    let (mut votes, mut figures, mut ticks) = (Votes::default(), Vec::new(), false);
    for line in &lines {
        let others = |metric| evidence.lines(metric, which).into_iter().find(|other| line.same_cells(other));
        let (before, softirq) = (others(Metric::BlackholeCpuBefore), others(Metric::BlackholeSoftirq));
        for services in line.taken.iter().map(|taken| taken.services()) {
            let name = line.case(services);
            figures.extend(line.at(services).map(|cpu| line.figure(services, cpu)));
            let softirq = softirq.as_ref();
            ticks |= softirq.is_some();
            figures.extend(softirq.and_then(|softirq| Some(softirq.figure(services, softirq.at(services)?))));
            let sum = |metric| evidence.sum(line, metric, services, which);
            let refused = sum(Metric::BlackholeRefused).zip(sum(Metric::BlackholeSent));
            figures.extend(refused.and_then(|(refused, sent)| Estimate::share(refused, sent)).map(|estimate| Figure {
                what: format!("clients told that nobody is there, a datagram, of {name}"),
                estimate,
                measure: Measure::Share,
            }));
            let before = before.as_ref().and_then(|before| before.at(services));
            let ratio = line.at(services).zip(before).and_then(|(cpu, before)| cpu.over(before));
            let what = format!("against its endpoints at {}", services_of(services));
            figures.extend(ratio.map(|ratio| line.ratio(&what, ratio)));
            votes.cast_at(line, services, ratio.and_then(|ratio| ratio.is_above(MORE)));
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => votes.unless_open("There is no CPU with endpoints and without them."),
        _ => {
            "The client and its endpoint are on this node, and their part of the CPU is in both. Where it is told that nobody \
             is there, its datagrams meet a rule that rejects them. Where it is not, its entry is in conntrack still, and they \
             go on to a pod that is silent."
        }
    };
    let untold = if ticks { "" } else { "How much of it are softirqs is not known: the target exact does not tell." };
    let finding = Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says).say(untold);
    Some(finding.lacking(&missing))
}

fn clean_up(evidence: &Evidence) -> Option<Finding> {
    let large = |cell: &Cell| {
        cell.probe == ProbeName::EndpointChange
            && cell.activity.conntrack.is_some_and(|conntrack| conntrack.entries >= LARGE)
    };
    let cleaned = evidence.lines(Metric::SyncConntrack, large);
    let missing = evidence.lacks(Metric::EndpointChange, large);
    if cleaned.is_empty() && missing.is_empty() {
        return None;
    }
    let whole = evidence.lines(Metric::EndpointChange, large);
    let small = evidence
        .lines(Metric::SyncConntrack, |cell| cell.probe == ProbeName::EndpointChange && cell.activity.is_none());
    let (mut votes, mut figures) = (Votes::default(), Vec::new());
    for line in &cleaned {
        let Some(whole) = whole.iter().find(same(line)) else { continue };
        for (services, clean) in line.medians() {
            figures.push(line.figure(services, clean));
            let before = small.iter().find(|small| small.is_beside(line));
            if let Some(more) = before.and_then(|small| clean.over(small.at(services)?)) {
                figures.push(line.ratio(&format!("against an empty table at {}", services_of(services)), more));
            }
            let Some(share) = whole.at(services).and_then(|whole| clean.over(whole)) else { continue };
            let what = format!("share of the clean-up of {}", line.case(services));
            figures.push(Figure { what, estimate: share, measure: Measure::Share });
            votes.cast_at(line, services, share.is_above(MOST));
        }
    }
    let says = match votes.verdict() {
        Verdict::CannotBeTold => votes.unless_open("Nothing was cleaned up beside a large table."),
        _ => {
            "The tool reads all of the table for each endpoint that is gone. Of kube-proxy 1.32 and later nothing is said."
        }
    };
    Some(Finding::new(votes.verdict(), figures).say(votes.sentence()).say(says).lacking(&missing))
}
