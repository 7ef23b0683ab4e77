//! Whole gates on synthetic wall clocks: the machine is busy, and drifts.

use super::*;
use lab_core::metric::Unit;
use lab_core::stats::Dice;

/// How often a gate may be wrong, of [`TRIES`].
const TRIES: u64 = 20;

/// A run on a machine that is slower by `drift`, and busy: half of all samples take longer, some by a lot.
fn host_run(seed: u64, rounds: u32, drift: f64) -> Dataset {
    let mut dice = Dice::seeded(seed);
    let mut speed = 1.0;
    let mut round = u32::MAX;
    filled(TargetName::Host, rounds, |cell, metric, (now, _)| {
        if round != now {
            round = now;
            speed = drift * (0.05 * dice.normal()).exp();
        }
        let waits = metric.better() != lab_core::metric::Better::Neither
            && !matches!(metric, Metric::ToolUser | Metric::ToolSystem);
        let many = if cell.probe == ProbeName::Connect { 40 } else { 4 };
        let sample = |_| {
            let busy = if waits && dice.share() < 0.5 { 1.0 + dice.normal().abs() } else { 1.0 };
            let cost = speed * busy * (0.03 * dice.normal()).exp();
            match metric.better() {
                lab_core::metric::Better::Neither => usual(cell, metric),
                lab_core::metric::Better::Higher => usual(cell, metric) / cost,
                lab_core::metric::Better::Lower => usual(cell, metric) * cost,
            }
        };
        (0..many).map(sample).collect()
    })
}

/// What a gate comes to, whose suspicious cells are run again.
fn gate(seed: u64, before: &Dataset, drift: f64, planted: &[(Cell, Metric, f64)]) -> Judgement {
    let slowed = |mut run: Dataset| {
        for &(cell, metric, factor) in planted {
            plant(&mut run, cell, metric, factor);
        }
        run
    };
    let policy = Policy::default();
    let after = slowed(host_run(seed, 3, drift));
    let suspicious = judge(before, &after, &[], &policy).suspicious();
    let mut again = slowed(host_run(seed + 1000, policy.reruns, drift));
    again.cells.retain(|record| suspicious.contains(&record.cell));
    judge(before, &after, &[again], &policy)
}

#[test]
fn the_same_passes_on_a_busy_machine_that_got_slower() {
    let before = host_run(1, 16, 1.0);
    let failed = (0..TRIES).filter(|seed| gate(100 + seed, &before, 1.3, &[]).passes() != Some(true)).count();
    assert_eq!(failed, 0);
}

/// As beside other processes, with which they share caches, tools take longer; packets do not.
fn crowded(mut run: Dataset) -> Dataset {
    let of_tools = |record: &&mut CellRecord| record.cell.probe.programs() && record.metric.unit() == Unit::Ns;
    for record in run.cells.iter_mut().filter(of_tools) {
        record.samples.iter_mut().for_each(|sample| *sample *= 1.25);
    }
    run
}

#[test]
fn tools_that_are_slower_as_their_start_is_pass_unless_they_are_others() {
    let before = host_run(1, 16, 1.0);
    let mut policy = Policy::default();
    let again = crowded(host_run(3, policy.reruns, 1.0));
    let mut after = crowded(host_run(2, 3, 1.0));
    assert_eq!(judge(&before, &after, std::slice::from_ref(&again), &policy).passes(), Some(true));
    after.header.tools.insert("nft".to_owned(), "1.1.0".to_owned());
    policy.allow.insert(Aspect::Tools);
    let judgement = judge(&before, &after, &[again], &policy);
    assert_eq!(judgement.passes(), Some(false));
    assert!(judgement.tally()[&Verdict::Regressed] > 10, "{:?}", judgement.tally());
}

#[test]
fn a_quarter_more_is_found_and_never_unchanged() {
    let before = host_run(1, 16, 1.0);
    let (asked, synced) = (
        cell(BackendName::Nftables, ProbeName::Connect, 100),
        cell(BackendName::IptablesNft, ProbeName::SyncChange, 100),
    );
    let more = usual(synced, Metric::SyncChange) / 4.0;
    let tool = 1.0 + more / usual(synced, Metric::ToolUser);
    let planted =
        [(asked, Metric::Connect, 1.25), (synced, Metric::SyncChange, 1.25), (synced, Metric::ToolUser, tool)];
    let mut found = BTreeMap::new();
    for seed in 0..TRIES {
        let judgement = gate(200 + seed, &before, 0.9, &planted);
        for judged in judgement.judged.iter().filter(|judged| judged.gating == Gating::Gates) {
            let row = &judged.compared;
            if [(asked, Metric::Connect), (synced, Metric::SyncChange)].contains(&(row.cell, row.metric)) {
                assert_ne!(judged.verdict, Verdict::Unchanged, "{judged:?}");
                *found.entry((row.metric, judged.verdict)).or_insert(0) += 1;
            } else {
                assert_ne!(judged.verdict, Verdict::Regressed, "{judged:?}");
            }
        }
    }
    for metric in [Metric::Connect, Metric::SyncChange] {
        assert!(found[&(metric, Verdict::Regressed)] >= TRIES * 19 / 20, "{found:?}");
    }
}

#[test]
fn what_does_not_repeat_is_no_regression() {
    let before = host_run(1, 16, 1.0);
    let asked = cell(BackendName::Nftables, ProbeName::Connect, 1);
    let mut after = host_run(2, 8, 1.0);
    plant(&mut after, asked, Metric::Connect, 2.0);
    let policy = Policy::default();
    let first = judge(&before, &after, &[], &policy);
    assert_eq!(first.passes(), Some(false));
    let direct = cell(BackendName::Direct, ProbeName::Connect, 1);
    assert_eq!(first.suspicious(), [direct, asked]);
    let again = judge(&before, &after, &[host_run(3, policy.reruns, 1.0)], &policy);
    assert_eq!(again.passes(), Some(true));
}

#[test]
fn two_rounds_of_each_are_too_few_to_fail_anything() {
    let before = host_run(1, 2, 1.0);
    let asked = cell(BackendName::Nftables, ProbeName::Connect, 1);
    let mut after = host_run(2, 2, 1.0);
    plant(&mut after, asked, Metric::Connect, 1.15);
    let judgement = judge(&before, &after, &[], &Policy::default());
    let judged = judgement.judged.iter().find(|judged| judged.compared.cell == asked).unwrap();
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert!(judgement.suspicious().contains(&asked));
}

#[test]
fn waiting_longer_is_not_called_unchanged() {
    let before = host_run(1, 16, 1.0);
    let synced = cell(BackendName::Nftables, ProbeName::SyncChange, 100);
    for (factor, expected) in [(1.25, Verdict::Inconclusive), (3.0, Verdict::Regressed)] {
        let mut after = host_run(2, 20, 1.0);
        plant(&mut after, synced, Metric::SyncChange, factor);
        let judgement = judge(&before, &after, &[], &Policy::default());
        let own = |judged: &&Judged| (judged.compared.cell, judged.compared.metric) == (synced, Metric::SyncChange);
        let judged = judgement.judged.iter().find(own).unwrap();
        assert_eq!(judged.verdict, expected, "{}", judged.why);
    }
}
