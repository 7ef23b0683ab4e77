//! Tools that install something else than they are given: each fails the cell, in words.

use super::*;
use lab_core::change::Change;
use std::marker::Sync;
use std::sync::atomic::{AtomicBool, Ordering};

const LIMIT: Duration = Duration::from_secs(9);

fn cluster() -> (Arc<Cluster>, AddressPlan) {
    let plan = AddressPlan::new(2);
    (Arc::new(Cluster::generate(6, &plan)), plan)
}

/// The `place`th name in `input` that starts with `prefix`, among those of rules of `chains`.
fn name(input: &str, chains: &str, prefix: &str, place: usize) -> String {
    let rules = input.lines().filter(|line| line.starts_with(&format!("-A {chains}")));
    let names = rules.filter_map(|line| line.split(' ').find(|word| word.starts_with(prefix)));
    names.map(str::to_owned).nth(place).unwrap()
}

/// `input` with all occurrences of two words in lines that start with `start` swapped.
fn swap(input: &str, start: &str, one: &str, other: &str) -> String {
    let line = |line: &str| {
        if line.starts_with(start) {
            line.replace(one, "\0").replace(other, one).replace('\0', other) + "\n"
        } else {
            line.to_owned() + "\n"
        }
    };
    input.lines().map(line).collect()
}

fn failed(fake: &'static Fake) -> String {
    let CellError::Failed(reason) = rules(fake).install(&Here, &cluster().0, LIMIT).unwrap_err() else { panic!() };
    reason
}

#[test]
fn what_was_installed_as_given_is_right_and_read_but_once() {
    let fake = Fake::leaked();
    let (rules, (cluster, plan)) = (rules(fake), cluster());
    rules.install(&Here, &cluster, LIMIT).unwrap();
    for change in
        [Change::adding(&cluster, &plan), Change::replacing_endpoint(&cluster, &plan), Change::removing(&cluster)]
    {
        rules.apply(&Here, &change, LIMIT).unwrap();
        rules.verify(&Here).unwrap();
        rules.undo(&Here, &change.undone(), LIMIT).unwrap();
        rules.verify(&Here).unwrap();
    }
    rules.append(&Here, &cluster, LIMIT).unwrap();
    rules.verify(&Here).unwrap();
    rules.take_away(&Here, &cluster, LIMIT).unwrap();
    rules.flush(&Here, &cluster, LIMIT).unwrap();
    rules.install(&Here, &cluster, LIMIT).unwrap();
}

#[test]
fn a_swapped_endpoint_fails_the_load() {
    let reason = failed(Fake::tampering(|input| {
        input.replace("--to-destination 10.240.0.1:8080", "--to-destination 10.240.0.9:8080")
    }));
    assert!(reason.starts_with("the node holds something else than the layout says: chain KUBE-SEP-"), "{reason}");
    assert!(reason.contains(" of nat: rule 2 is ") && reason.contains("10.240.0.9:8080\", expected \""), "{reason}");
}

#[test]
fn swapped_chains_of_two_services_fail_the_load() {
    let reason = failed(Fake::tampering(|input| {
        if !input.contains("-j KUBE-SVC-") {
            return input;
        }
        let [one, other] = [1, 4].map(|place| name(&input, "KUBE-SERVICES", "KUBE-SVC-", place));
        swap(&input, "-A KUBE-SERVICES", &one, &other)
    }));
    assert!(reason.contains("chain KUBE-SERVICES of nat: rule 2 is \""), "{reason}");
    assert!(reason.ends_with("; and 1 more"), "{reason}");
}

#[test]
fn services_in_another_order_fail_the_load() {
    let reason = failed(Fake::tampering(|input| {
        let services = |line: &&str| line.starts_with("-A KUBE-SERVICES") && line.contains("-j KUBE-SVC-");
        let mut turned: Vec<&str> = input.lines().filter(services).collect();
        input.lines().map(|line| if services(&line) { turned.pop().unwrap() } else { line }.to_owned() + "\n").collect()
    }));
    assert!(reason.contains("chain KUBE-SERVICES of nat: rule 1 is \""), "{reason}");
    assert!(reason.contains("\", expected as rule 6"), "{reason}");
}

/// A change with tools that do `tamper` from then on.
fn changed(
    change: impl Fn(&Arc<Cluster>, &dyn lab_core::cluster::Supply) -> Change,
    tamper: impl Fn(String) -> String + Send + Sync + 'static,
) -> Result<(), CellError> {
    let loaded: &'static AtomicBool = Box::leak(Box::default());
    let fake = Fake::tampering(move |input| if loaded.load(Ordering::Relaxed) { tamper(input) } else { input });
    let (rules, (cluster, plan)) = (rules(fake), cluster());
    rules.install(&Here, &cluster, LIMIT).unwrap();
    loaded.store(true, Ordering::Relaxed);
    let change = change(&cluster, &plan);
    rules.apply(&Here, &change, LIMIT).unwrap();
    rules.verify(&Here)
}

#[test]
fn a_wrong_endpoint_in_a_partial_sync_fails_the_change() {
    let wrong = |input: String| {
        let address = input.lines().rev().find_map(|line| line.split_once("--to-destination ")).unwrap().1.to_owned();
        input.replace(&address, "10.240.0.99:8080")
    };
    let error = changed(Change::adding, wrong).unwrap_err();
    assert!(error.reason().contains("--to-destination 10.240.0.99:8080\", expected \""), "{error:?}");
    let error = changed(Change::replacing_endpoint, wrong).unwrap_err();
    assert!(error.reason().contains("--to-destination 10.240.0.99:8080\", expected \""), "{error:?}");
}

#[test]
fn a_change_that_touches_another_service_or_nothing_fails() {
    let another = |input: String| input.replace("COMMIT", "-A OUTPUT -j RETURN\nCOMMIT");
    assert!(changed(|cluster, _| Change::removing(cluster), another).is_err());
    let nothing = |_: String| String::new();
    let error = changed(Change::adding, nothing).unwrap_err();
    assert!(error.reason().contains("is missing"), "{error:?}");
    assert_eq!(changed(Change::adding, |input| input), Ok(()));
}

#[test]
fn what_a_failed_change_left_behind_is_found() {
    let loaded: &'static AtomicBool = Box::leak(Box::default());
    // The last table is refused at its end.
    let halfway = |input: String| match input.rfind("COMMIT") {
        Some(end) => format!("{}-A NONE -j RETURN\nCOMMIT\n", &input[..end]),
        None => input,
    };
    let fake = Fake::tampering(move |input| if loaded.load(Ordering::Relaxed) { halfway(input) } else { input });
    let (rules, (cluster, plan)) = (rules(fake), cluster());
    rules.install(&Here, &cluster, LIMIT).unwrap();
    loaded.store(true, Ordering::Relaxed);
    assert!(rules.apply(&Here, &Change::adding(&cluster, &plan), LIMIT).is_err());
    let reason = rules.verify(&Here).unwrap_err();
    assert!(reason.reason().starts_with("the node holds something else than the layout says: "), "{reason:?}");
}
