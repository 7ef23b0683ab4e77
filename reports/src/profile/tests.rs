use super::*;
use lab_core::axes::Axes;
use lab_core::profile::Function;
use lab_core::vocabulary::{BackendName, ProbeName};

fn entry(functions: &[(&str, &str, u64)]) -> Entry {
    let (backends, probes) = (vec![BackendName::IptablesLegacy], vec![ProbeName::SyncFull]);
    let cell = Axes { services: vec![100], backends, probes, ..Axes::default() }.expand()[0];
    let instructions = functions.iter().map(|&(binary, symbol, count)| (Function::new(binary, symbol), count));
    Entry { cell, replica: 0, metric: Metric::SyncFull, instructions: instructions.collect() }
}

fn before() -> Entry {
    entry(&[
        ("kernel", "memcpy", 4_000_000),
        ("libc.so.6", "strtoul", 1_000_000),
        ("nft", "same", 500),
        ("nft", "a", 9),
    ])
}

fn after() -> Entry {
    let functions =
        [("kernel", "memcpy", 4_600_000), ("libc.so.6", "strtoul", 900_000), ("nft", "same", 500), ("nft", "b", 30)];
    entry(&functions)
}

#[test]
fn the_function_that_has_more_to_do_is_named_first() {
    let comparison = Comparison::of(&before(), &after());
    let expected = "\
### Functions (M instr)

| function | in | before | after | more | share of the cell's change |
| --- | --- | ---: | ---: | ---: | ---: |
| memcpy | kernel | 4.00 | 4.60 | +0.600 | 120 % |
| strtoul | libc.so.6 | 1.00 | 0.900 | -0.100 | -20 % |
| (2 others) |  | 0.00000900 | 0.0000300 | +0.0000210 | 0 % |";
    let text = markdown(&[changes(&comparison, 2)]);
    assert!(text.contains(expected), "{text}");
    assert!(text.starts_with("## iptables-legacy at 100 Services, sync_full\n"), "{text}");
    assert!(text.contains("5.00 M instr before, 5.50 M instr after: +10.00 %."), "{text}");
}

#[test]
fn the_hottest_functions_and_the_others_make_up_all() {
    let text = text(&[hottest(&before(), 2)], 100);
    let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "memcpy kernel 4.00 80.0 %",
        "strtoul libc.so.6 1.00 20.0 %",
        "(2 others) 0.000509 0.0 %",
        "kernel 4.00 80.0 %",
    ] {
        assert!(lines.iter().any(|shown| shown == line), "{line}: {text}");
    }
}

#[test]
fn an_overview_has_a_row_a_cell() {
    let (before, after) = (before(), after());
    let shown = text(&[overview(&[&before, &after])], 120);
    assert_eq!(shown.lines().filter(|line| line.contains("kernel 80.0 %")).count(), 1, "{shown}");
    let shown = text(&[compared_overview(&[Comparison::of(&before, &after)])], 120);
    assert!(shown.contains("+10.00 %"), "{shown}");
}

#[test]
fn json_has_the_digits() {
    let (before, after) = (before(), after());
    let parsed: serde_json::Value = serde_json::from_str(&json(&[&before], 1)).unwrap();
    assert_eq!(parsed[0]["instructions"], 5_000_509);
    assert_eq!(parsed[0]["functions"].as_array().map(Vec::len), Some(1));
    let parsed: serde_json::Value =
        serde_json::from_str(&compared_json(&[Comparison::of(&before, &after)], 9)).unwrap();
    assert_eq!(parsed[0]["functions"][0]["more"], 600_000);
    assert_eq!(parsed[0]["functions"][0]["function"], "memcpy");
}
