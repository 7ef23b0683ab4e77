//! What is full: conntrack tables and memory.

use super::made::{Made, at, cell, legacy};
use super::*;
use lab_core::cell::Conntrack;

fn tracked(entries: u32, max: Option<u32>, cell: Cell) -> Cell {
    Cell { activity: Activity { conntrack: Some(Conntrack { entries, max }), ..Activity::default() }, ..cell }
}

fn full_table(lost: f64, reset: f64) -> Made {
    let cell = tracked(1000, Some(1000), at(Position::Last, legacy(100, ProbeName::OpenLoop)));
    let answered = vec![1e6; (300.0 - lost - reset) as usize];
    Made::of("conntrack-full")
        .samples(cell, Metric::OpenLoop, &answered)
        .samples(cell, Metric::OpenLoopLost, &[lost])
        .samples(cell, Metric::OpenLoopReset, &[reset])
        .samples(cell, Metric::ConntrackDropped, &[lost])
        .told("the kernel's log: \"nf_conntrack: nf_conntrack: table full, dropping packet\"")
}

#[test]
fn a_full_table_drops_connections_and_tells_the_kernel_s_log_or_nobody_is_dropped() {
    let finding = full_table(290.0, 0.0).finding("conntrack-full");
    assert_eq!(finding.verdict, Verdict::Reproduced);
    assert!(finding.sentences.join(" ").contains("table full, dropping packet"), "{finding:?}");
    assert_eq!(full_table(0.0, 0.0).verdict("conntrack-full"), Verdict::NotReproduced);
    // Whoever is refused is told.
    assert_eq!(full_table(100.0, 100.0).verdict("conntrack-full"), Verdict::NotReproduced);
}

#[test]
fn a_table_with_places_left_says_nothing_of_a_full_one_and_is_a_figure() {
    let cell = tracked(0, Some(40), at(Position::Last, legacy(100, ProbeName::OpenLoop)));
    let made = Made::of("conntrack-full").samples(cell, Metric::OpenLoop, &[1e6; 90]).samples(
        cell,
        Metric::OpenLoopLost,
        &[60.0],
    );
    let finding = made.finding("conntrack-full");
    assert_eq!(finding.verdict, Verdict::CannotBeTold);
    assert!(finding.sentences.join(" ").contains("All of it is beside a conntrack table of 40"), "{finding:?}");
    assert!(
        finding
            .figures
            .iter()
            .any(|figure| figure.to_string().contains("refused of iptables-legacy at 100 Services: 0 "))
    );
    let skipped = tracked(1000, Some(1000), at(Position::Last, legacy(100, ProbeName::OpenLoop)));
    let made = Made::of("conntrack-full").without(skipped, Outcome::Skipped, "nf_conntrack_max is left alone");
    let said = made.finding("conntrack-full").sentences.join(" ");
    assert!(said.contains("nf_conntrack_max is left alone"), "{said}");
}

fn datagrams(lost: f64, dark: Option<f64>) -> Made {
    let cell = legacy(1000, ProbeName::UdpStale);
    let sent = lost + f64::from(u8::from(dark.is_some()));
    let made = Made::of("udp-stale").samples(cell, Metric::UdpSent, &[sent]).samples(cell, Metric::UdpLost, &[lost]);
    dark.into_iter().fold(made, |made, dark| made.with(cell, Metric::UdpDark, dark))
}

#[test]
fn a_table_that_answers_nobody_is_judged_by_its_counts() {
    let cell = tracked(1000, Some(1000), at(Position::Last, legacy(100, ProbeName::OpenLoop)));
    let made = Made::of("conntrack-full")
        .without(cell, Outcome::Unanswered, "none of 150 connections got an answer in time")
        .samples(cell, Metric::OpenLoopLost, &[150.0])
        .samples(cell, Metric::OpenLoopReset, &[0.0]);
    let finding = made.finding("conntrack-full");
    assert_eq!(finding.verdict, Verdict::Reproduced);
    assert!(!finding.sentences.join(" ").contains("Missing"), "{finding:?}");
}

fn scaled_to_zero(before: f64, after: f64, refused: f64) -> Finding {
    let cell = legacy(1000, ProbeName::UdpBlackhole);
    Made::on("udp-stale", TargetName::Exact)
        .samples(cell, Metric::BlackholeCpu, &[after])
        .samples(cell, Metric::BlackholeCpuBefore, &[before])
        .samples(cell, Metric::BlackholeSoftirq, &[after / 2.0])
        .samples(cell, Metric::BlackholeSent, &[1000.0])
        .samples(cell, Metric::BlackholeRefused, &[refused])
        .finding("udp-blackhole")
}

#[test]
fn a_service_scaled_to_zero_costs_more_or_less_than_one_that_answers() {
    let more = scaled_to_zero(0.1, 0.4, 900.0);
    assert_eq!(more.verdict, Verdict::Reproduced);
    assert!(more.figures.iter().any(|figure| figure.to_string().contains("told that nobody is there")), "{more:?}");
    assert_eq!(scaled_to_zero(0.1, 0.05, 0.0).verdict, Verdict::NotReproduced);
    let cell = legacy(1000, ProbeName::UdpBlackhole);
    let skipped = Made::of("udp-stale").without(cell, Outcome::Skipped, "the middle Service is not of UDP");
    assert_eq!(skipped.verdict("udp-blackhole"), Verdict::CannotBeTold);
}

fn removed(claim: &str, (stale, lost, broken): (f64, f64, f64)) -> Verdict {
    let cell = cell(BackendName::Ipvs, 100, ProbeName::RemovedEndpoint);
    let made = Made::of(claim)
        .samples(cell, Metric::ReusedPort, &[5e4; 8])
        .samples(cell, Metric::RemovedOpen, &[8.0])
        .samples(cell, Metric::RemovedBroken, &[broken])
        .samples(cell, Metric::ReusedLost, &[lost])
        .samples(cell, Metric::ReusedStale, &[stale]);
    made.verdict(claim)
}

#[test]
fn a_used_port_leads_to_a_removed_endpoint_or_to_another() {
    let verdict = |counts| removed("used-port-leads-astray", counts);
    assert_eq!(verdict((8.0, 0.0, 0.0)), Verdict::Reproduced);
    assert_eq!(verdict((0.0, 0.0, 0.0)), Verdict::NotReproduced);
    // Where all broke, no port was used again.
    assert_eq!(verdict((0.0, 0.0, 8.0)), Verdict::CannotBeTold);
}

#[test]
fn a_removal_breaks_connections_or_does_not() {
    let verdict = |broken| removed("removal-breaks-connections", (0.0, 0.0, broken));
    assert_eq!(verdict(8.0), Verdict::Reproduced);
    assert_eq!(verdict(0.0), Verdict::NotReproduced);
}

#[test]
fn a_client_is_in_the_dark_for_good_or_until_its_entry_is_removed() {
    assert_eq!(datagrams(40.0, None).verdict("udp-stale"), Verdict::Reproduced);
    assert_eq!(datagrams(3.0, Some(1e8)).verdict("udp-stale"), Verdict::NotReproduced);
    assert_eq!(datagrams(3.0, None).verdict("udp-stale"), Verdict::CannotBeTold);
    let mut both = datagrams(40.0, None);
    let other = cell(BackendName::Nftables, 1000, ProbeName::UdpStale);
    both = both.samples(other, Metric::UdpSent, &[4.0]).samples(other, Metric::UdpLost, &[3.0]).with(
        other,
        Metric::UdpDark,
        2e8,
    );
    assert_eq!(both.verdict("udp-stale"), Verdict::MeansSomethingElse);
}

#[test]
fn a_clean_up_is_most_of_a_change_beside_a_large_table_or_is_not() {
    let change = |clean: f64, whole: f64| {
        let (small, large) =
            (legacy(1000, ProbeName::EndpointChange), tracked(100_000, None, legacy(1000, ProbeName::EndpointChange)));
        Made::of("udp-clean-up").with(small, Metric::SyncConntrack, 3e6).with(large, Metric::SyncConntrack, clean).with(
            large,
            Metric::EndpointChange,
            whole,
        )
    };
    let finding = change(3e8, 4e8).finding("udp-clean-up");
    assert_eq!(finding.verdict, Verdict::Reproduced);
    assert!(finding.figures.iter().any(|figure| figure.what.contains("against an empty table")), "{finding:?}");
    assert_eq!(change(3e7, 4e8).verdict("udp-clean-up"), Verdict::NotReproduced);
}

fn within(memory: u32, cell: Cell) -> Cell {
    Cell { activity: Activity { memory: Some(memory), ..Activity::default() }, ..cell }
}

#[test]
fn iptables_runs_out_of_memory_where_ipvs_does_not_or_neither_does() {
    const SAID: &str = "512 MiB are not enough for a guest with these Services: its memory ran out; the guest ended, QEMU with exit status 0; see it with: x";
    let load = |backend, services| within(512, cell(backend, services, ProbeName::SyncFull));
    let small =
        || {
            Made::of("iptables-out-of-memory")
                .with(load(BackendName::IptablesLegacy, 1000), Metric::SyncFull, 1e9)
                .with(load(BackendName::Ipvs, 15_000), Metric::SyncFull, 9e9)
        };
    let over = |made: Made, backend| made.without(load(backend, 15_000), Outcome::OverBudget, SAID);
    let finding = over(small(), BackendName::IptablesLegacy).finding("iptables-out-of-memory");
    assert_eq!(finding.verdict, Verdict::Reproduced);
    let said = finding.sentences.join(" ");
    assert!(said.contains("at 15,000 Services: 512 MiB are not enough") && !said.contains("see it with"), "{said}");
    let fits = small().with(load(BackendName::IptablesLegacy, 15_000), Metric::SyncFull, 9e9);
    assert_eq!(fits.verdict("iptables-out-of-memory"), Verdict::NotReproduced);
    // Whatever else ran over its budget says nothing of memory.
    let slow = small().without(load(BackendName::IptablesLegacy, 15_000), Outcome::OverBudget, "it took too long");
    assert_eq!(slow.verdict("iptables-out-of-memory"), Verdict::CannotBeTold);
    let both = over(
        over(
            Made::of("iptables-out-of-memory").with(load(BackendName::Ipvs, 1000), Metric::SyncFull, 1e9),
            BackendName::Ipvs,
        ),
        BackendName::IptablesLegacy,
    );
    assert_eq!(both.verdict("iptables-out-of-memory"), Verdict::NotReproduced);
}
