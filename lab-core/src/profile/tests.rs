use super::*;
use crate::axes::Axes;
use crate::vocabulary::{BackendName, ProbeName};

fn cell() -> Cell {
    let (backends, probes) = (vec![BackendName::Nftables], vec![ProbeName::SyncFull]);
    Axes { services: vec![10], backends, probes, ..Axes::default() }.expand()[0]
}

fn entry(replica: u32, functions: &[(&str, &str, u64)]) -> Entry {
    let instructions = functions.iter().map(|&(binary, symbol, count)| (Function::new(binary, symbol), count));
    Entry { cell: cell(), replica, metric: Metric::SyncFull, instructions: instructions.collect() }
}

fn profile(entries: Vec<Entry>) -> Profile {
    Profile { run: "run".to_owned(), entries }
}

#[test]
fn what_changed_most_comes_first_and_shares_add_up() {
    let before = entry(0, &[("kernel", "memcpy", 100), ("nft", "main", 50), ("nft", "gone", 7), ("nft", "same", 9)]);
    let after = entry(0, &[("kernel", "memcpy", 160), ("nft", "main", 40), ("nft.ko", "new", 3), ("nft", "same", 9)]);
    let comparison = Comparison::of(&before, &after);
    let symbols: Vec<&str> = comparison.changes.iter().map(|change| change.function.symbol.as_str()).collect();
    assert_eq!(symbols, ["memcpy", "main", "gone", "new"]);
    assert_eq!((comparison.before, comparison.after, comparison.more()), (166, 212, 46));
    assert_eq!(comparison.changes[1].more(), -10);
    let shares: f64 = comparison.changes.iter().filter_map(|change| comparison.share(change)).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
}

#[test]
fn what_did_not_change_has_no_shares() {
    let one = entry(0, &[("kernel", "memcpy", 100)]);
    let comparison = Comparison::of(&one, &one);
    assert!(comparison.changes.is_empty());
    let other = entry(0, &[("kernel", "memmove", 100)]);
    let comparison = Comparison::of(&one, &other);
    assert_eq!(comparison.share(&comparison.changes[0]), None);
}

#[test]
fn functions_of_the_same_name_in_two_binaries_are_two() {
    let comparison = Comparison::of(&entry(0, &[("ip", "main", 1)]), &entry(0, &[("nft", "main", 1)]));
    assert_eq!(comparison.changes.len(), 2);
}

#[test]
fn of_several_replicas_the_one_in_the_middle_stands_for_the_cell() {
    let three = [30, 10, 20].map(|count| entry(count as u32, &[("kernel", "memcpy", count)]));
    let profile = profile(three.to_vec());
    assert_eq!(profile.entry(&cell(), Metric::SyncFull).map(Entry::total), Some(20));
    assert_eq!(profile.entry(&cell(), Metric::Connect), None);
    assert_eq!(profile.keys(), [(cell(), Metric::SyncFull)]);
}

#[test]
fn sums_of_binaries_are_those_of_their_functions() {
    let entry = entry(0, &[("kernel", "memcpy", 5), ("nft", "main", 50), ("kernel", "memset", 46)]);
    assert_eq!(entry.binaries(), [("kernel", 51), ("nft", 50)]);
    assert_eq!(entry.hottest()[0], (&Function::new("nft", "main"), 50));
}

#[test]
fn what_is_written_is_read_back() {
    let profile = profile(vec![entry(0, &[("kernel", "memcpy", 5)]), entry(1, &[("nft", "+0x10", 50)])]);
    assert_eq!(Profile::read(&profile.text()), Ok(profile.clone()));
    let cut = &profile.text()[..profile.text().len() - 9];
    assert_eq!(Profile::read(cut).map(|read| read.entries.len()), Ok(1));
}

#[test]
fn what_is_no_profile_is_refused() {
    assert_eq!(Profile::read(""), Err(ReadError::NoHeader));
    assert_eq!(Profile::read("{\"kind\":\"run\"}\n"), Err(ReadError::NoHeader));
    let newer = "{\"kind\":\"profile\",\"format\":9,\"run\":\"\"}\n";
    assert_eq!(Profile::read(newer), Err(ReadError::Format("9".to_owned())));
    let damaged = Profile::header("run") + "{\"kind\":\"functions\"\n{}\n";
    assert!(matches!(Profile::read(&damaged), Err(ReadError::Line { line: 2, .. })));
    let absurd = profile(vec![entry(0, &[("kernel", "memcpy", u64::MAX), ("nft", "main", 1)])]).text();
    let refused = Profile::read(&absurd).unwrap_err().to_string();
    assert!(refused.starts_with("line 2: it has more instructions than a machine makes"), "{refused}");
}

#[test]
fn small_functions_are_taken_together_on_both_sides() {
    let functions = [("kernel", "memcpy", 100_000), ("kernel", "a", 9), ("kernel", "b", 10), ("nft", "c", 11)];
    let whole = entry(0, &functions);
    let thin = whole.without_small();
    assert_eq!((thin.instructions.len(), thin.total()), (3, whole.total()));
    assert_eq!(thin.without_small(), thin);
    assert_eq!(Comparison::of(&thin, &whole).changes, []);
    let more = entry(0, &[("kernel", "memcpy", 100_000), ("kernel", "a", 900), ("kernel", "b", 10), ("nft", "c", 11)]);
    let changes = Comparison::of(&thin, &more).changes;
    assert_eq!((changes[0].function.symbol.as_str(), changes[0].after), ("a", 900));
}
