use super::*;
use baseline::condense;

fn now() -> jiff::Timestamp {
    "2026-02-01T00:00:00Z".parse().unwrap()
}

#[test]
fn a_baseline_is_read_as_any_dataset_and_says_why_it_is_one() {
    let mut run = exact_run();
    run.cells.reverse();
    let baseline = condense(&run, "nft 1.1 is faster", now());
    let read = Dataset::read(&baseline.short()).unwrap();
    assert_eq!(read, baseline);
    assert_eq!(read.header.baseline.as_ref().unwrap().reason, "nft 1.1 is faster");
    assert_eq!(read.cells, condense(&exact_run(), "", now()).cells);
    assert_eq!(judge(&read, &run, &[], &Policy::default()).passes(), Some(true));
}

#[test]
fn a_baseline_of_a_changed_number_differs_in_its_line_only() {
    let mut after = exact_run();
    plant(&mut after, cell(BackendName::Nftables, ProbeName::SyncChange, 1), Metric::SyncChange, 2.0);
    let [before, after] = [exact_run(), after].map(|run| condense(&run, "same", now()).short());
    let differs = before.lines().zip(after.lines()).filter(|(before, after)| before != after);
    assert_eq!(differs.count(), 1);
}

#[test]
fn many_samples_become_quantiles_that_keep_its_quarters() {
    let samples = |_, _, _| (0..400_u32).map(|index| f64::from(index * 7 % 400)).collect();
    let run = filled(TargetName::Host, 1, samples);
    let kept = &condense(&run, "", now()).cells[0].samples;
    assert_eq!(kept.len(), 30);
    for q in [0.25, 0.5, 0.75] {
        let [was, is] = [&run.cells[0].samples, kept].map(|samples| lab_core::stats::quantile(samples, q).unwrap());
        assert!((was - is).abs() < 10.0, "{q}: {was}, {is}");
    }
}

#[test]
fn failures_and_replicas_stay_in_a_baseline() {
    let mut run = filled(TargetName::Exact, 2, |cell, metric, _| vec![usual(cell, metric)]);
    run.cells[0].outcome = Outcome::Failed;
    run.cells[0].reason = "nft refused".to_owned();
    let read = Dataset::read(&condense(&run, "", now()).short()).unwrap();
    let mut lines = [read.cells, run.cells];
    lines.iter_mut().for_each(|lines| lines.sort_by_key(|record| (record.cell, record.metric, record.replica)));
    assert_eq!(lines[0], lines[1]);
}
