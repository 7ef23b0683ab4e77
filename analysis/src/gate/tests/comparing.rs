use super::*;
use lab_core::vocabulary::LayoutName;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn found(before: &Dataset, after: &Dataset) -> Vec<(Aspect, String, Bearing)> {
    let differences = differences(before, after);
    differences.into_iter().map(|found| (found.aspect, found.name, found.bearing)).collect()
}

#[test]
fn a_run_differs_from_itself_in_nothing() {
    for target in [TargetName::Host, TargetName::Exact] {
        assert_eq!(found(&run(target, 1), &run(target, 3)), []);
    }
}

#[test]
fn a_difference_bears_by_what_it_changes() {
    let host = run(TargetName::Host, 2);
    let case = |change: &dyn Fn(&mut Header)| {
        let mut other = host.clone();
        change(&mut other.header);
        found(&host, &other)
    };
    let insert = |facts: &mut BTreeMap<String, String>, name: &str, fact: &str| {
        facts.insert(name.to_owned(), fact.to_owned());
    };
    let asks = |aspect, name: &str| vec![(aspect, name.to_owned(), Bearing::Asks)];
    assert_eq!(case(&|header| header.clock = Clock::WallEmulated)[0].2, Bearing::Forbids);
    assert_eq!(case(&|header| insert(&mut header.host, "kernel", "6.19")), asks(Aspect::Kernel, ""));
    assert_eq!(case(&|header| insert(&mut header.host, "cpus", "4")), asks(Aspect::Machine, "cpus"));
    assert_eq!(case(&|header| insert(&mut header.host, "memory_bytes", "1000100000")), []);
    assert_eq!(case(&|header| insert(&mut header.host, "load_average", "9")), []);
    assert_eq!(case(&|header| insert(&mut header.tools, "nft", "1.1")), asks(Aspect::Tools, "nft"));
    assert_eq!(case(&|header| header.plan.dials = 7), asks(Aspect::Plan, "dials"));
    assert_eq!(case(&|header| header.plan.rounds = 7), []);
    assert_eq!(case(&|header| header.plan.seed = 7), []);
    assert_eq!(case(&|header| header.plan.memory = 7), []);
    assert_eq!(case(&|header| header.plan.cells.truncate(5))[0], (Aspect::Plan, "cells".to_owned(), Bearing::Asks));
    let svclab = vec![(Aspect::Svclab, String::new(), Bearing::Explains)];
    assert_eq!(case(&|header| header.revision = "def".to_owned()), svclab);
}

#[test]
fn the_machine_under_counted_instructions_only_explains() {
    let before = run(TargetName::Exact, 1);
    let mut after = before.clone();
    after.header.host.insert("kernel".to_owned(), "5.10".to_owned());
    after.header.host.insert("cpus".to_owned(), "64".to_owned());
    after.header.guest.insert("jobs".to_owned(), "64".to_owned());
    assert!(differences(&before, &after).iter().all(|found| found.bearing == Bearing::Explains));
    assert!(compare(&before, &after).same_guests());
    after.header.guest.insert("initramfs_sha256".to_owned(), "bb".to_owned());
    assert!(!compare(&before, &after).same_guests());
    after.header.plan.seed = 2;
    assert_eq!(found(&before, &after)[0], (Aspect::Plan, "seed".to_owned(), Bearing::Asks));
}

#[test]
fn nothing_is_compared_across_clocks() {
    let (before, after) = (exact_run(), filled(TargetName::Host, 1, |cell, metric, _| vec![usual(cell, metric)]));
    assert_eq!(compare(&before, &after).rows, []);
}

#[test]
fn what_got_worse_comes_first_and_what_got_better_next() {
    let (before, mut after) = (exact_run(), exact_run());
    let change = |backend| cell(backend, ProbeName::SyncChange, 100);
    plant(&mut after, change(BackendName::Nftables), Metric::SyncChange, 1.02);
    plant(&mut after, change(BackendName::IptablesNft), Metric::SyncChange, 1.2);
    plant(&mut after, change(BackendName::IptablesLegacy), Metric::SyncChange, 0.5);
    plant(&mut after, change(BackendName::Nftables), Metric::ToolUser, 3.0);
    plant(&mut after, cell(BackendName::Nftables, ProbeName::Bandwidth, 1), Metric::Bandwidth, 0.7);
    let rows = compare(&before, &after).rows;
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).take(4).collect();
    let expected = [
        "nftables at 1 Service, bandwidth (first)",
        "iptables-nft at 100 Services, sync_change",
        "nftables at 100 Services, sync_change",
        "iptables-legacy at 100 Services, sync_change",
    ];
    assert_eq!(names, expected);
    assert_eq!(rows.len(), before.cells.len());
}

#[test]
fn rows_say_what_they_are_of() {
    let rows = compare(&exact_run(), &exact_run()).rows;
    for name in ["direct at 1 Service, connect (first)", "ipvs (batched) at 100 Services, tool_user of sync_full"] {
        assert!(
            rows.iter().any(|row| row.name == name),
            "{name} in {:?}",
            rows.iter().map(|row| &row.name).collect::<Vec<_>>()
        );
    }
    let mut names: Vec<&String> = rows.iter().map(|row| &row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows.len());
}

#[test]
fn times_are_compared_by_their_ratio_to_direct_where_there_is_one() {
    let run = || filled(TargetName::Host, 3, |cell, metric, _| vec![usual(cell, metric)]);
    for row in compare(&run(), &run()).rows {
        let traffic = !row.cell.probe.programs() && row.cell.variant.backend != BackendName::Direct;
        let expected = match row.metric {
            Metric::Rules | Metric::ScriptBytes => Basis::Exact,
            _ if traffic => Basis::RatioToDirect,
            Metric::SyncFull | Metric::SyncChange => Basis::Processor,
            _ => Basis::Timed,
        };
        assert_eq!(row.basis, expected, "{}", row.name);
    }
}

#[test]
fn only_replicas_that_both_have_are_compared_in_the_same_guest() {
    let replicas = |replicas| {
        let sample =
            |cell, metric, (_, replica): (u32, u32)| vec![usual(cell, metric) * (1.0 + f64::from(replica) / 10.0)];
        filled(TargetName::Exact, replicas, sample)
    };
    let rows = compare(&replicas(3), &replicas(1)).rows;
    assert!(rows.iter().all(|row| row.change.unwrap().ratio == 1.0));
}

proptest! {
    #[test]
    fn swapping_the_sides_inverts_the_change(factors in proptest::collection::vec(0.2..5.0_f64, 16)) {
        let before = exact_run();
        let mut after = exact_run();
        for (index, record) in after.cells.iter_mut().enumerate() {
            record.samples[0] *= factors[index % factors.len()];
        }
        let (there, back) = (compare(&before, &after), compare(&after, &before));
        for row in &there.rows {
            let other = back.rows.iter().find(|other| (other.cell, other.metric) == (row.cell, row.metric)).unwrap();
            prop_assert!((row.change.unwrap().ratio * other.change.unwrap().ratio - 1.0).abs() < 1e-9);
            prop_assert_eq!(&row.before, &other.after);
        }
    }
}

proptest! {
    // Every case draws all rows' intervals four times.
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn the_order_of_lines_does_not_matter(seed in any::<u64>()) {
        use rand::SeedableRng;
        use rand::seq::SliceRandom;
        let noise = |cell: Cell, metric, (round, _): (u32, u32)| vec![usual(cell, metric) * (1.0 + f64::from(round) / 50.0)];
        let (before, after) = (filled(TargetName::Host, 4, noise), filled(TargetName::Host, 4, noise));
        let mut shuffled = after.clone();
        shuffled.cells.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(seed));
        prop_assert_eq!(compare(&before, &after), compare(&before, &shuffled));
    }
}

/// The cells and records of nftables, with another layout.
fn with_layout(dataset: &Dataset, layout: LayoutName) -> Dataset {
    let mut other = dataset.clone();
    let records = other.cells.iter_mut().map(|record| &mut record.cell);
    for cell in other.header.plan.cells.iter_mut().chain(records) {
        if cell.variant.backend == BackendName::Nftables {
            cell.variant.layout = layout;
        }
    }
    other
}

#[test]
fn a_run_of_another_layout_is_compared_cell_by_cell_with_the_layout_as_the_subject() {
    let before = exact_run();
    let after = with_layout(&before, LayoutName::None);
    assert_eq!(found(&before, &after), [(Aspect::Layout, "nftables".to_owned(), Bearing::Asks)]);
    let rows = compare(&before, &after).rows;
    assert_eq!(rows.len(), compare(&before, &before).rows.len());
    assert!(rows.iter().all(|row| row.before.is_some() && row.after.is_some()));
    let policy = Policy { allow: [Aspect::Layout].into(), ..Policy::default() };
    assert_eq!(judge(&before, &after, &[], &policy).passes(), Some(true));
}

#[test]
fn two_layouts_of_one_backend_are_compared_each_with_itself() {
    let one = exact_run();
    let mut before = one.clone();
    let other = with_layout(&one, LayoutName::None);
    let is_other = |cell: &Cell| cell.variant.backend == BackendName::Nftables;
    before.header.plan.cells.extend(other.header.plan.cells.into_iter().filter(is_other));
    before.cells.extend(other.cells.into_iter().filter(|record| is_other(&record.cell)));
    let mut after = before.clone();
    let cell = cell(BackendName::Nftables, ProbeName::Connect, 100);
    plant(&mut after, cell, Metric::Connect, 2.0);
    let rows = compare(&before, &after).rows;
    let changed: Vec<_> =
        rows.iter().filter(|row| row.change.is_some_and(|change| change.ratio > 1.5)).map(|row| row.cell).collect();
    assert_eq!(changed, [cell]);
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names.len(), rows.len(), "every row has a name of its own");
}
