use super::*;

/// Runs an hour apart, a cell of which takes `factors` times as long.
fn history(factors: &[f64]) -> Vec<Dataset> {
    let run = |(hour, factor): (usize, &f64)| {
        let mut run = exact_run();
        plant(&mut run, changed(), Metric::SyncChange, *factor);
        run.header.id = format!("run-{hour}");
        run.header.start += jiff::SignedDuration::from_hours(hour.try_into().unwrap());
        run
    };
    factors.iter().enumerate().map(run).collect()
}

fn changed() -> Cell {
    cell(BackendName::Nftables, ProbeName::SyncChange, 100)
}

fn first(history: &[Dataset]) -> Series {
    drift(history, &Policy::default()).unwrap().series.remove(0)
}

#[test]
fn a_level_does_not_drift() {
    let drift = drift(&history(&[1.0; 12]), &Policy::default()).unwrap();
    assert_eq!(drift.drifted().count(), 0);
    assert!(drift.enough() && drift.left_out.is_empty());
    assert!(drift.series.iter().all(|series| series.shift.is_none() && series.limit.is_some()));
}

#[test]
fn the_last_run_is_off_where_it_alone_is_worse() {
    let mut factors = [1.0; 12];
    factors[11] = 1.02;
    let series = first(&history(&factors));
    assert_eq!((series.cell, series.metric, series.off), (changed(), Metric::SyncChange, true));
    assert_eq!(series.name, "nftables at 100 Services, sync_change");
}

#[test]
fn a_step_is_named_by_the_run_since_which_it_is() {
    let mut factors = [1.0; 12];
    factors[7..].fill(1.01);
    let mut shuffled = history(&factors);
    shuffled.swap(0, 9);
    let drift = drift(&shuffled, &Policy::default()).unwrap();
    assert_eq!(drift.drifted().count(), 1);
    let shift = drift.series[0].shift.unwrap();
    assert_eq!(drift.runs[shift.since], "run-7");
    assert!(shift.worse && (shift.after / shift.before - 1.01).abs() < 1e-9);
}

#[test]
fn steps_too_small_for_any_two_neighbours_add_up() {
    let factors: Vec<f64> = (0..16).map(|run| 1.003_f64.powi(run)).collect();
    let series = first(&history(&factors));
    assert!(series.shift.is_some_and(|shift| shift.worse), "{series:?}");
}

#[test]
fn what_got_better_does_not_drift() {
    let mut factors = [1.0; 12];
    factors[7..].fill(0.9);
    let drift = drift(&history(&factors), &Policy::default()).unwrap();
    assert_eq!(drift.drifted().count(), 0);
    assert!(drift.series.iter().any(|series| series.shift.is_some_and(|shift| !shift.worse)));
}

#[test]
fn too_few_runs_say_nothing() {
    let drift = drift(&history(&[1.0, 1.0, 1.0, 2.0]), &Policy::default()).unwrap();
    assert!(!drift.enough());
    assert!(drift.series.iter().all(|series| series.limit.is_none() && !series.has_drifted()));
    assert!(super::drift(&[], &Policy::default()).is_none());
}

#[test]
fn runs_of_another_kernel_are_left_out_and_said() {
    let mut runs = history(&[1.0; 10]);
    runs[3].header.guest.insert("kernel".to_owned(), "5.10".to_owned());
    let drift = drift(&runs, &Policy::default()).unwrap();
    assert_eq!((drift.runs.len(), drift.left_out.len()), (9, 1));
    assert_eq!((drift.left_out[0].id.as_str(), drift.left_out[0].differences[0].aspect), ("run-3", Aspect::Kernel));
}
