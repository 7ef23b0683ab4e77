use super::*;
use proptest::prelude::*;

fn verdict(judgement: &Judgement, cell: Cell, metric: Metric) -> &Judged {
    let wanted = |judged: &&Judged| (judged.compared.cell, judged.compared.metric) == (cell, metric);
    judgement.judged.iter().find(wanted).unwrap()
}

fn gate(before: &Dataset, after: &Dataset) -> Judgement {
    judge(before, after, &[], &Policy::default())
}

const NFT: BackendName = BackendName::Nftables;

#[test]
fn a_run_passes_against_itself() {
    let judgement = gate(&exact_run(), &exact_run());
    assert_eq!(judgement.passes(), Some(true));
    assert!(judgement.judged.iter().all(|judged| judged.verdict == Verdict::Unchanged));
    assert_eq!(judgement.tally().len(), 1);
}

#[test]
fn one_percent_of_one_cell_is_found_and_named() {
    let changed = cell(NFT, ProbeName::SyncChange, 100);
    let mut after = exact_run();
    plant(&mut after, changed, Metric::SyncChange, 1.01);
    plant(&mut after, changed, Metric::ToolSystem, 1.01);
    let judgement = gate(&exact_run(), &after);
    assert_eq!(judgement.passes(), Some(false));
    assert_eq!(judgement.tally()[&Verdict::Regressed], 1);
    let first = &judgement.judged[0];
    assert_eq!((first.compared.cell, first.compared.metric), (changed, Metric::SyncChange));
    assert_eq!(first.consequence, Consequence::Fail);
}

#[test]
fn work_that_vanishes_in_a_wait_for_the_kernel_is_found() {
    let changed = cell(NFT, ProbeName::SyncChange, 100);
    let mut after = exact_run();
    plant(&mut after, changed, Metric::ToolUser, 1.1);
    let judgement = gate(&exact_run(), &after);
    let found = verdict(&judgement, changed, Metric::SyncChange);
    assert_eq!((found.verdict, found.compared.basis), (Verdict::Regressed, Basis::Processor));
    assert_eq!(judgement.tally()[&Verdict::Regressed], 1);
}

#[test]
fn the_tolerance_is_a_line_that_may_be_touched() {
    let changed = cell(NFT, ProbeName::SyncFull, 1);
    for (factor, expected) in [
        (1.0049, Verdict::Unchanged),
        (1.0051, Verdict::Regressed),
        (1.0 / 1.0049, Verdict::Unchanged),
        (1.0 / 1.0051, Verdict::Improved),
    ] {
        let mut after = exact_run();
        plant(&mut after, changed, Metric::SyncFull, factor);
        assert_eq!(verdict(&gate(&exact_run(), &after), changed, Metric::SyncFull).verdict, expected, "{factor}");
    }
}

#[test]
fn less_bandwidth_and_more_rules_are_worse() {
    let (traffic, load) = (cell(NFT, ProbeName::Bandwidth, 1), cell(NFT, ProbeName::SyncFull, 1));
    let mut after = exact_run();
    plant(&mut after, traffic, Metric::Bandwidth, 0.7);
    plant(&mut after, load, Metric::Rules, 1.1);
    let judgement = gate(&exact_run(), &after);
    assert_eq!(verdict(&judgement, traffic, Metric::Bandwidth).verdict, Verdict::Regressed);
    assert_eq!(verdict(&judgement, load, Metric::Rules).verdict, Verdict::Regressed);
    let back = gate(&after, &exact_run());
    assert_eq!(verdict(&back, traffic, Metric::Bandwidth).verdict, Verdict::Improved);
    assert_eq!(back.passes(), Some(true));
}

#[test]
fn a_regression_says_what_it_is_made_of() {
    let changed = cell(NFT, ProbeName::SyncFull, 100);
    let (before, mut after) = (exact_run(), exact_run());
    plant(&mut after, changed, Metric::ToolSystem, 1.5);
    plant(&mut after, changed, Metric::Rules, 2.0);
    let more = usual(changed, Metric::ToolSystem) / 2.0;
    plant(&mut after, changed, Metric::SyncFull, 1.0 + more / usual(changed, Metric::SyncFull));
    let judgement = gate(&before, &after);
    let causes = &verdict(&judgement, changed, Metric::SyncFull).causes;
    let metrics: Vec<Metric> = causes.iter().map(|cause| cause.metric).collect();
    assert_eq!(metrics, [Metric::ToolSystem, Metric::Rules]);
    assert!((causes[0].share.unwrap() - 1.0).abs() < 1e-6);
    assert_eq!(causes[1].share, None);
}

#[test]
fn a_slower_connection_names_the_rules_of_its_node() {
    let (asked, load) = (cell(NFT, ProbeName::Connect, 100), cell(NFT, ProbeName::SyncFull, 100));
    let mut after = exact_run();
    plant(&mut after, asked, Metric::Connect, 1.5);
    plant(&mut after, load, Metric::Rules, 2.0);
    let judgement = gate(&exact_run(), &after);
    let causes = &verdict(&judgement, asked, Metric::Connect).causes;
    assert_eq!(causes.iter().map(|cause| cause.metric).collect::<Vec<_>>(), [Metric::Rules]);
}

#[test]
fn a_cell_that_failed_is_missing_once_with_its_reason() {
    let gone = cell(NFT, ProbeName::SyncFull, 100);
    let mut after = exact_run();
    after.cells.retain(|record| record.cell != gone || record.metric == Metric::SyncFull);
    for record in after.cells.iter_mut().filter(|record| record.cell == gone) {
        record.outcome = Outcome::Failed;
        record.reason = "nft refused line 3".to_owned();
        record.samples.clear();
    }
    let judgement = gate(&exact_run(), &after);
    assert_eq!(judgement.passes(), Some(false));
    assert_eq!(judgement.tally()[&Verdict::Missing], 1);
    let judged = verdict(&judgement, gone, Metric::SyncFull);
    assert_eq!((judged.verdict, judged.why.as_str()), (Verdict::Missing, "failed: nft refused line 3"));
    assert_eq!(verdict(&judgement, gone, Metric::Rules).verdict, Verdict::Missing);

    let new = gate(&after, &exact_run());
    assert_eq!(new.passes(), Some(true));
    assert_eq!(verdict(&new, gone, Metric::SyncFull).verdict, Verdict::New);
    let neither = gate(&after, &after);
    assert_eq!(verdict(&neither, gone, Metric::SyncFull).verdict, Verdict::Unchanged);
}

#[test]
fn a_gate_that_has_nothing_to_judge_does_not_pass() {
    let skipped = |mut run: Dataset| {
        for record in &mut run.cells {
            record.outcome = Outcome::Skipped;
            record.samples.clear();
        }
        run
    };
    let neither = gate(&skipped(exact_run()), &skipped(exact_run()));
    assert_eq!((neither.passes(), neither.nothing_gates()), (None, true));
    assert_eq!(gate(&skipped(exact_run()), &exact_run()).passes(), None, "all of it is new");
    assert_eq!(gate(&exact_run(), &skipped(exact_run())).passes(), Some(false));
    let policy = Policy { require: [NFT].into(), ..Policy::default() };
    assert_eq!(judge(&skipped(exact_run()), &skipped(exact_run()), &[], &policy).passes(), Some(false));
}

#[test]
fn a_cell_that_was_never_reached_is_missing() {
    let gone = cell(NFT, ProbeName::SyncFull, 100);
    let mut after = exact_run();
    after.cells.retain(|record| record.cell != gone);
    let judgement = gate(&exact_run(), &after);
    assert_eq!(verdict(&judgement, gone, Metric::SyncFull).why, "skipped: the run ended before it");
    assert_eq!(judgement.passes(), Some(false));
}

#[test]
fn other_kernels_are_not_comparable_unless_they_are_the_subject() {
    let mut after = exact_run();
    after.header.guest.insert("kernel".to_owned(), "6.12.0".to_owned());
    let judgement = gate(&exact_run(), &after);
    assert_eq!((judgement.passes(), judgement.judged.len()), (None, 0));
    assert_eq!(judgement.incomparable[0].aspect, Aspect::Kernel);
    let policy = Policy { allow: [Aspect::Kernel].into(), ..Policy::default() };
    assert_eq!(judge(&exact_run(), &after, &[], &policy).passes(), Some(true));
}

#[test]
fn of_different_plans_only_what_both_have_is_judged() {
    let mut after = exact_run();
    after.header.plan.cells.retain(|cell| cell.cluster.services == 1);
    after.cells.retain(|record| record.cell.cluster.services == 1);
    let policy = Policy { allow: [Aspect::Plan].into(), ..Policy::default() };
    for (before, after) in [(&exact_run(), &after), (&after, &exact_run())] {
        assert_eq!(gate(before, after).passes(), None);
        let judgement = judge(before, after, &[], &policy);
        assert_eq!(judgement.passes(), Some(true));
        assert!(!judgement.tally().contains_key(&Verdict::Missing));
    }
}

fn replicated(values: [f64; 3], initramfs: &str) -> Dataset {
    let sample = |cell, metric, (_, replica): (u32, u32)| vec![usual(cell, metric) * values[replica as usize]];
    let mut dataset = filled(TargetName::Exact, 3, sample);
    dataset.header.guest.insert("initramfs_sha256".to_owned(), initramfs.to_owned());
    dataset
}

#[test]
fn between_other_guests_replicas_say_how_much_is_luck() {
    let asked = cell(NFT, ProbeName::SyncChange, 100);
    let before = replicated([1.0, 1.02, 1.04], "aa");
    for (after, expected) in [
        ([1.02, 1.03, 1.05], Verdict::Unchanged),
        ([1.03, 1.045, 1.05], Verdict::Inconclusive),
        ([1.1, 1.11, 1.12], Verdict::Regressed),
        ([0.90, 0.91, 0.92], Verdict::Improved),
    ] {
        let judgement = gate(&before, &replicated(after, "bb"));
        let judged = verdict(&judgement, asked, Metric::SyncChange);
        assert_eq!(judged.verdict, expected, "{after:?}: {}", judged.why);
    }
    let quiet = replicated([1.0, 1.0, 1.0], "aa");
    for (after, expected) in [([1.01; 3], Verdict::Inconclusive), ([1.1; 3], Verdict::Regressed)] {
        let judged = gate(&quiet, &replicated(after, "bb"));
        assert_eq!(verdict(&judged, asked, Metric::SyncChange).verdict, expected);
    }
    let same = gate(&before, &replicated([1.02, 1.03, 1.05], "aa"));
    assert_eq!(verdict(&same, asked, Metric::SyncChange).verdict, Verdict::Regressed);
}

#[test]
fn rules_of_a_policy_decide_in_their_order() {
    let rule = |text: &str, tolerance| Rule {
        metrics: [Metric::Bandwidth].into(),
        tolerance,
        why: text.to_owned(),
        ..Rule::default()
    };
    let policy = Policy {
        rules: vec![rule("says nothing", None), rule("luck", Some(0.2)), rule("too late", Some(0.01))],
        ..Policy::default()
    };
    let asked = cell(NFT, ProbeName::Bandwidth, 1);
    let mut after = exact_run();
    plant(&mut after, asked, Metric::Bandwidth, 0.9);
    let judgement = judge(&exact_run(), &after, &[], &policy);
    let judged = verdict(&judgement, asked, Metric::Bandwidth);
    assert_eq!((judged.verdict, judged.allowance), (Verdict::Unchanged, 0.2));
    assert_eq!(judged.why, "within 20 % (luck)");
}

proptest! {
    #[test]
    fn swapping_the_sides_swaps_better_and_worse(factor in 0.5..2.0_f64) {
        let changed = cell(NFT, ProbeName::SyncChange, 1);
        let mut after = exact_run();
        plant(&mut after, changed, Metric::SyncChange, factor);
        let there = verdict(&gate(&exact_run(), &after), changed, Metric::SyncChange).verdict;
        let back = verdict(&gate(&after, &exact_run()), changed, Metric::SyncChange).verdict;
        let swapped = match there {
            Verdict::Regressed => Verdict::Improved,
            Verdict::Improved => Verdict::Regressed,
            other => other,
        };
        prop_assert_eq!(back, swapped);
    }
}
