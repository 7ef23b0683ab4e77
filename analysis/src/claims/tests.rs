//! Every claim, in both directions, and where data are missing.

mod add_rule;
mod binding;
mod choice;
mod cold_start;
mod made;
mod pressure;
mod traffic;

use super::*;
use lab_core::cell::{Activity, Cell, Churn, ClusterSpec, Source, Variant, Writer};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, LayoutName, Mix, Outcome, Position, ProbeName, TargetName, Word};
use made::{Made, at, beside, cell, legacy};

#[test]
fn every_claim_has_a_name_of_its_own_and_a_source_that_is_a_reference() {
    for claim in CLAIMS {
        assert_eq!(CLAIMS.iter().filter(|other| other.id == claim.id).count(), 1, "{}", claim.id);
        assert!(!claim.reference().source.is_empty());
        assert!(!claim.says.ends_with('.'), "{}", claim.says);
    }
    assert!(find("ipvs-cpus").err().unwrap().to_string().contains("did you mean \"ipvs-cpu\""));
}

#[test]
fn a_run_that_names_another_source_or_measured_something_else_says_nothing() {
    let made = Made::of("iptables-cpu").with(legacy(5000, ProbeName::Churn), Metric::CpuSync, 0.8);
    assert_eq!(find("xtables-lock-waits").unwrap().judge(&[&made.dataset]), None);
    let bare = Made::of("iptables-cpu").with(legacy(5000, ProbeName::SyncFull), Metric::SyncFull, 1e9);
    assert_eq!(find("iptables-cpu").unwrap().judge(&[&bare.dataset]), None);
}

#[test]
fn sizes_of_different_machines_are_no_evidence_and_one_size_is() {
    let merged = |sizes: &[u32], target, cpus: &[&str]| {
        let made = sizes.iter().fold(Made::on("iptables-cpu", target), |made, &services| {
            made.with(legacy(services, ProbeName::Churn), Metric::CpuSync, 0.8)
        });
        made.merged(cpus).finding("iptables-cpu")
    };
    let mixed = merged(&[5000, 10_000], TargetName::Host, &["a", "b"]);
    assert_eq!(mixed.verdict, Verdict::CannotBeTold);
    assert!(mixed.sentences.join(" ").contains("different machines"), "{mixed:?}");
    assert_eq!(merged(&[5000, 10_000], TargetName::Host, &["a", "a"]).verdict, Verdict::Reproduced);
    assert_eq!(merged(&[5000], TargetName::Host, &["a", "b"]).verdict, Verdict::Reproduced);
    assert_eq!(merged(&[5000, 10_000], TargetName::Exact, &["a", "b"]).verdict, Verdict::Reproduced);
}

#[test]
fn what_ran_over_its_budget_is_missing_with_how_far_it_came() {
    let made = Made::of("iptables-add-rule").without(
        legacy(20_000, ProbeName::AppendRule),
        Outcome::OverBudget,
        "the budget of 4 min was spent: the load alone takes more than 4 min",
    );
    let finding = made.finding("iptables-add-rule");
    assert_eq!(finding.verdict, Verdict::CannotBeTold);
    assert!(
        finding.sentences.join(" ").contains("over-budget (the budget of 4 min was spent: the load"),
        "{finding:?}"
    );
}

#[test]
fn a_single_sample_on_a_wall_clock_tells_nothing_and_one_that_is_counted_is_exact() {
    let one = |target| {
        Made::on("iptables-cpu", target)
            .samples(legacy(5000, ProbeName::Churn), Metric::CpuSync, &[0.8])
            .finding("iptables-cpu")
    };
    let wall = one(TargetName::Host);
    assert_eq!(wall.verdict, Verdict::CannotBeTold);
    assert!(wall.sentences.join(" ").contains("1 sample, too few for an interval"), "{wall:?}");
    let exact = one(TargetName::Exact);
    assert_eq!(exact.verdict, Verdict::Reproduced);
    assert!(exact.figures[0].to_string().ends_with("(exact)"), "{}", exact.figures[0]);
}

#[test]
fn a_count_that_was_not_measured_is_no_share_of_nothing() {
    let asked = || legacy(50, ProbeName::Affinity);
    let crowd = Made::of("recent-forgets")
        .samples(asked(), Metric::AffinityForgotten, &[90.0])
        .samples(asked(), Metric::AffinityCrowd, &[100.0])
        .samples(asked(), Metric::AffinityReturned, &[10.0]);
    let told = |made: &Made| {
        let finding = made.finding("recent-forgets");
        finding.figures.iter().map(|figure| figure.what.split(',').nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(told(&crowd).len(), 1, "{:?}", told(&crowd));
    let both = crowd.samples(asked(), Metric::AffinityMoved, &[0.0]);
    assert_eq!(told(&both).len(), 2, "{:?}", told(&both));
}

#[test]
fn what_is_missing_is_named_with_its_position() {
    let cell = |position| at(position, legacy(10_000, ProbeName::Bandwidth));
    let (failed, why) = (Outcome::Failed, "iperf3 said nothing");
    let both =
        bandwidths(15e9, 6e9).without(cell(Position::First), failed, why).without(cell(Position::Last), failed, why);
    let told = both.finding("bandwidth-falls").sentences.join(" ");
    assert!(told.contains("bandwidth of iptables-legacy (first) at 10,000 Services is failed"), "{told}");
    assert!(told.contains("bandwidth of iptables-legacy (last) at 10,000 Services is failed"), "{told}");
}

fn bandwidths(first: f64, last: f64) -> Made {
    let cell = |services, position| at(position, legacy(services, ProbeName::Bandwidth));
    Made::of("bandwidth-falls")
        .with(cell(1, Position::Last), Metric::Bandwidth, 60e9)
        .with(cell(10_000, Position::First), Metric::Bandwidth, first)
        .with(cell(10_000, Position::Last), Metric::Bandwidth, last)
}

#[test]
fn bandwidth_falls_with_services_and_to_the_last_one_or_does_not() {
    assert_eq!(bandwidths(15e9, 6e9).verdict("bandwidth-falls"), Verdict::Reproduced);
    assert_eq!(bandwidths(15e9, 6e9).verdict("bandwidth-last"), Verdict::Reproduced);
    let level = bandwidths(59e9, 60e9);
    assert_eq!(level.verdict("bandwidth-falls"), Verdict::NotReproduced);
    assert_eq!(level.verdict("bandwidth-last"), Verdict::NotReproduced);
    let told = level.finding("bandwidth-falls").sentences.join(" ");
    assert!(told.contains("conntrack") && told.contains("It counts as a fall below 0.47× and 0.30×:"), "{told}");
}

#[test]
fn a_sync_takes_bandwidth_or_does_not() {
    let cell = at(Position::Last, legacy(5000, ProbeName::Bandwidth));
    let synced = |busy| {
        Made::of("bandwidth-while-syncing").with(cell, Metric::Bandwidth, 60e9).with(
            beside(Churn::USUAL, cell),
            Metric::Bandwidth,
            busy,
        )
    };
    assert_eq!(synced(40e9).verdict("bandwidth-while-syncing"), Verdict::Reproduced);
    assert_eq!(synced(59e9).verdict("bandwidth-while-syncing"), Verdict::NotReproduced);
    assert!(synced(40e9).finding("bandwidth-while-syncing").sentences.join(" ").contains("Less than nine tenths"));
    let alone = Made::of("bandwidth-while-syncing").with(beside(Churn::USUAL, cell), Metric::Bandwidth, 40e9);
    assert_eq!(alone.verdict("bandwidth-while-syncing"), Verdict::CannotBeTold);
}

#[test]
fn reject_rules_cut_bandwidth_or_do_not() {
    let cell = |services| at(Position::Last, legacy(services, ProbeName::Bandwidth));
    let cut = |to| {
        Made::of("reject-rules-bandwidth").with(cell(10), Metric::Bandwidth, 600e6).with(
            cell(1000),
            Metric::Bandwidth,
            to,
        )
    };
    assert_eq!(cut(50e6).verdict("reject-rules-bandwidth"), Verdict::Reproduced);
    assert_eq!(cut(590e6).verdict("reject-rules-bandwidth"), Verdict::NotReproduced);
    assert_eq!(cut(180e6).verdict("reject-rules-bandwidth"), Verdict::NotReproduced);
    let wide = Made::of("reject-rules-bandwidth").with(cell(10), Metric::Bandwidth, 600e6).samples(
        cell(1000),
        Metric::Bandwidth,
        &[100e6, 500e6],
    );
    assert_eq!(wide.verdict("reject-rules-bandwidth"), Verdict::CannotBeTold);
}

#[test]
fn the_share_of_a_core_depends_on_how_often_endpoints_change() {
    let often = Churn { rate: 50, min_sync_period: 0, full_sync_period: None };
    let cpu = |usual, hard| {
        let cell = legacy(5000, ProbeName::Churn);
        Made::of("iptables-cpu")
            .with(beside(Churn::USUAL, cell), Metric::CpuSync, usual)
            .with(beside(often, cell), Metric::CpuSync, hard)
            .verdict("iptables-cpu")
    };
    assert_eq!(cpu(0.7, 0.9), Verdict::Reproduced);
    assert_eq!(cpu(0.1, 0.2), Verdict::NotReproduced);
    assert_eq!(cpu(0.1, 0.9), Verdict::MeansSomethingElse);
    let ipvs = |share| {
        Made::of("ipvs-cpu")
            .with(cell(BackendName::Ipvs, 5000, ProbeName::Churn), Metric::CpuSync, share)
            .verdict("ipvs-cpu")
    };
    assert_eq!([ipvs(0.001), ipvs(0.1)], [Verdict::Reproduced, Verdict::NotReproduced]);
}

fn writer(churn: Option<Churn>) -> Cell {
    let activity = Activity { churn, writer: Some(Writer::Append), ..Activity::default() };
    Cell { activity, ..legacy(5000, ProbeName::Churn) }
}

const NONE: Churn = Churn { rate: 0, min_sync_period: 0, full_sync_period: None };

#[test]
fn a_second_writer_waits_for_the_lock_or_does_not() {
    let waits = |busy| {
        Made::of("xtables-lock-waits")
            .with(writer(Some(NONE)), Metric::WriterCall, 5e6)
            .with(writer(Some(Churn::USUAL)), Metric::WriterCall, busy)
            .verdict("xtables-lock-waits")
    };
    assert_eq!([waits(50e6), waits(5e6)], [Verdict::Reproduced, Verdict::NotReproduced]);
    // Who waits with these does not wait for this lock.
    let nft = |backend| move |cell: Cell| Cell { variant: Variant::usual(backend), ..cell };
    let save = |cell: Cell| Cell { activity: Activity { writer: Some(Writer::Save), ..cell.activity }, ..cell };
    let others: [&dyn Fn(Cell) -> Cell; 3] = [&nft(BackendName::IptablesNft), &nft(BackendName::Nftables), &save];
    let mut made = Made::of("xtables-lock-waits").with(writer(Some(NONE)), Metric::WriterCall, 5e6).with(
        writer(Some(Churn::USUAL)),
        Metric::WriterCall,
        5e6,
    );
    for other in others {
        made = made.with(other(writer(Some(NONE))), Metric::WriterCall, 5e6);
        made = made.with(other(writer(Some(Churn::USUAL))), Metric::WriterCall, 50e6);
    }
    let finding = made.finding("xtables-lock-waits");
    assert_eq!(finding.verdict, Verdict::NotReproduced);
    assert!(finding.sentences.join(" ").contains("Of those that do not take this lock"), "{finding:?}");
}

#[test]
fn who_does_not_wait_is_refused_with_what_they_were_told_or_is_not() {
    const TOLD: &str = "Another app is currently holding the xtables lock. Perhaps you want to use the -w option?";
    let refused = |refused: f64, tried: f64| {
        let cell = writer(Some(Churn::USUAL));
        Made::of("xtables-lock-refused")
            .samples(cell, Metric::WriterTried, &[tried])
            .samples(cell, Metric::WriterRefused, &[refused])
            .told(TOLD)
    };
    let finding = refused(7.0, 100.0).finding("xtables-lock-refused");
    assert_eq!(finding.verdict, Verdict::Reproduced);
    assert!(finding.sentences.join(" ").contains(TOLD), "{finding:?}");
    assert_eq!(refused(0.0, 200.0).verdict("xtables-lock-refused"), Verdict::NotReproduced);
    assert_eq!(refused(0.0, 5.0).verdict("xtables-lock-refused"), Verdict::CannotBeTold);
    // iptables that wait without -w too.
    for (version, verdict) in [
        ("iptables v1.8.7 (legacy)", Verdict::NotReproduced),
        ("iptables v1.8.9 (legacy)", Verdict::CannotBeTold),
        ("iptables v1.8.10 (legacy)", Verdict::CannotBeTold),
        ("iptables v1.8.11 (legacy)", Verdict::NotReproduced),
    ] {
        let mut made = refused(0.0, 200.0);
        made.dataset.header.tools.insert("iptables-legacy".to_owned(), version.to_owned());
        let finding = made.finding("xtables-lock-refused");
        assert_eq!(finding.verdict, verdict, "{version}");
        let is_told = finding.sentences.join(" ").contains(&format!("With {version} nobody is refused"));
        assert_eq!(is_told, verdict == Verdict::CannotBeTold, "{finding:?}");
    }
}

/// Connections at a fixed rate, and how many are lost while the node is synced, and how long they take then.
fn open_loop(lost: f64, ns: f64) -> Made {
    let cell = at(Position::First, legacy(5000, ProbeName::OpenLoop));
    let synced = beside(Churn::USUAL, cell);
    let mut made = Made::of("syncs-interrupt-traffic");
    for (cell, lost, ns) in [(cell, 0.0, 1e6), (synced, lost, ns)] {
        let samples: Vec<f64> = (0..2000).map(|number| ns * (1.0 + f64::from(number % 10) / 1000.0)).collect();
        made = made.samples(cell, Metric::OpenLoop, &samples).samples(cell, Metric::OpenLoopLost, &[lost]);
    }
    made
}

#[test]
fn connections_are_lost_or_late_or_neither_while_a_node_is_synced() {
    assert_eq!(open_loop(200.0, 1e6).verdict("syncs-interrupt-traffic"), Verdict::Reproduced);
    assert_eq!(open_loop(0.0, 1e6).verdict("syncs-interrupt-traffic"), Verdict::NotReproduced);
    assert_eq!(open_loop(0.0, 5e6).verdict("syncs-interrupt-traffic"), Verdict::MeansSomethingElse);
}

#[test]
fn a_first_packet_costs_more_down_the_chain_or_does_not_and_it_is_said_from_where_on() {
    let chain = |a_rule: f64| {
        let mut made = Made::of("matching-is-linear");
        for services in [1, 250, 1000, 5000] {
            // A single Service is asked as the first one.
            for position in [Position::First, Position::Last].into_iter().take(services.min(2) as usize) {
                let ns = 40e3 + a_rule * f64::from(position.index(services));
                made = made.with(at(position, legacy(services, ProbeName::Connect)), Metric::Connect, ns);
            }
        }
        made.finding("matching-is-linear")
    };
    let steep = chain(10.0);
    assert_eq!(steep.verdict, Verdict::Reproduced);
    assert!((steep.figures[0].estimate.value - 10.0).abs() < 1.0, "{}", steep.figures[0]);
    assert!(steep.sentences.join(" ").contains("a tenth above that at 1 from 1,000 Services on"), "{steep:?}");
    let level = chain(0.0);
    assert_eq!(level.verdict, Verdict::NotReproduced);
    assert!(level.sentences.join(" ").contains("not known to be a tenth above"), "{level:?}");
}

#[test]
fn with_nftables_the_first_packet_takes_as_long_or_does_not() {
    let grown = |large| {
        let cell = |services| at(Position::Last, cell(BackendName::Nftables, services, ProbeName::Connect));
        Made::of("nftables-first-packet")
            .with(cell(1), Metric::Connect, 40e3)
            .with(cell(10_000), Metric::Connect, large)
            .verdict("nftables-first-packet")
    };
    assert_eq!([grown(41e3), grown(90e3)], [Verdict::Reproduced, Verdict::NotReproduced]);
}

#[test]
fn node_ports_make_so_many_records_or_fewer() {
    let usual = legacy(2000, ProbeName::SyncFull);
    let cluster = ClusterSpec { services: 2000, endpoints: 10, source: Source::Generated(Mix::NodePort) };
    let counted = |rules| {
        let cell = Cell { cluster, ..usual };
        Made::of("node-port-records").samples(cell, Metric::Rules, &[rules, rules]).verdict("node-port-records")
    };
    assert_eq!([counted(20_000.0), counted(19_999.0)], [Verdict::Reproduced, Verdict::NotReproduced]);
}

#[test]
fn the_rules_of_ipvs_mode_stay_the_same_or_grow_and_what_else_grows_is_said() {
    let cell = |services| cell(BackendName::Ipvs, services, ProbeName::SyncFull);
    let counted = |rules| {
        Made::of("ipvs-static-rules")
            .samples(cell(1), Metric::Rules, &[30.0])
            .samples(cell(1000), Metric::Rules, &[rules])
            .samples(cell(1), Metric::VirtualServers, &[1.0])
            .samples(cell(1000), Metric::VirtualServers, &[1000.0])
            .finding("ipvs-static-rules")
    };
    let same = counted(30.0);
    assert_eq!(same.verdict, Verdict::Reproduced);
    assert!(same.sentences.join(" ").contains("up to 1,000 Services, is virtual_servers"), "{same:?}");
    assert_eq!(counted(31.0).verdict, Verdict::NotReproduced);
}

#[test]
fn a_cold_start_is_quadratic_linear_or_that_by_release() {
    let layouts = LayoutName::of(BackendName::Nftables);
    let start = |powers: [f64; 2]| {
        let mut made = Made::of("nftables-cold-start");
        for (layout, power) in layouts.iter().zip(powers) {
            for services in [1000, 2000, 4000] {
                let usual = cell(BackendName::Nftables, services, ProbeName::SyncFull);
                let cell = Cell { variant: Variant { layout: *layout, ..usual.variant }, ..usual };
                made = made.with(cell, Metric::SyncFull, 1e6 * (f64::from(services) / 1000.0).powf(power));
            }
        }
        made.finding("nftables-cold-start")
    };
    assert_eq!(start([2.0, 2.0]).verdict, Verdict::Reproduced);
    assert_eq!(start([1.0, 1.1]).verdict, Verdict::NotReproduced);
    let mixed = start([2.0, 1.0]);
    assert_eq!(mixed.verdict, Verdict::MeansSomethingElse);
    assert!(mixed.sentences.join(" ").contains(layouts[0].name()), "{mixed:?}");
}

#[test]
fn a_law_that_no_line_fits_tells_nothing_of_a_cold_start() {
    let mut made = Made::of("nftables-cold-start");
    for (services, ns) in [(500, 1e9), (1000, 3e9), (2000, 2e9), (4000, 9e9), (8000, 8e9)] {
        made = made.with(cell(BackendName::Nftables, services, ProbeName::SyncFull), Metric::SyncFull, ns);
    }
    assert_eq!(made.verdict("nftables-cold-start"), Verdict::CannotBeTold);
}

#[test]
fn most_of_a_sync_is_reading_writing_or_that_by_size() {
    let parts = |few: f64, many: f64| {
        let mut made = Made::of("reads-dominate");
        for (services, share) in [(100, few), (5000, many)] {
            let cell = legacy(services, ProbeName::SyncChange);
            made = made.with(cell, Metric::SyncChange, 100e6).with(cell, Metric::SyncRead, share * 100e6);
        }
        made.verdict("reads-dominate")
    };
    assert_eq!(parts(0.8, 0.9), Verdict::Reproduced);
    assert_eq!(parts(0.1, 0.2), Verdict::NotReproduced);
    assert_eq!(parts(0.1, 0.9), Verdict::MeansSomethingElse);
}

#[test]
fn the_memory_of_the_rules_is_what_was_published_or_a_part_of_it() {
    let memory = |more| {
        Made::of("iptables-memory")
            .with(legacy(1000, ProbeName::SyncFull), Metric::KernelMemory, 5e6)
            .with(legacy(10_000, ProbeName::SyncFull), Metric::KernelMemory, 5e6 + more)
            .finding("iptables-memory")
    };
    let (as_much, part) = (memory(1100e6), memory(40e6));
    assert_eq!([as_much.verdict, part.verdict], [Verdict::Reproduced, Verdict::MeansSomethingElse]);
    assert!(part.sentences[0].ends_with("and the rules by 38.1 MiB with iptables-legacy."), "{part:?}");
}
