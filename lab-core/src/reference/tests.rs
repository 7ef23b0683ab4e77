//! That every published entry reads, and that what does not belong there is refused.

use super::*;

fn problems(text: &str) -> String {
    written::read(text).unwrap_err().join("\n")
}

#[test]
fn every_entry_reads() {
    assert_eq!(all().len(), include_str!("../../data/published.yaml").matches("\n- id: ").count());
    for reference in all() {
        assert!(!reference.title.is_empty() && !reference.source.is_empty(), "{}", reference.id);
        for series in &reference.series {
            assert_eq!(series.values.len(), reference.services.len(), "{} {}", reference.id, series.key);
        }
    }
}

#[test]
fn every_kind_of_value_is_kept_apart() {
    let memory = find("huawei-memory").unwrap();
    let iptables = memory.series("iptables_mb").unwrap();
    assert_eq!((iptables.name.as_str(), iptables.unit), ("iptables", "MB"));
    assert_eq!(memory.value(iptables, 1000), Value::Number(1100.0));
    assert_eq!(memory.value(iptables, 15_000), Value::OutOfMemory);
    assert_eq!(memory.value(memory.series("ipvs_mb").unwrap(), 5000), Value::Absent);
    let cpu = find("huawei-cpu").unwrap();
    assert_eq!(cpu.value(cpu.series("iptables_percent").unwrap(), 5000), Value::Range(50.0, 85.0));
    let blog = find("k8s-nftables-blog").unwrap();
    let tail = blog.series("nftables_us p99").unwrap();
    assert_eq!((tail.name.as_str(), tail.unit, tail.values[2]), ("nftables p99", "µs", Value::Number(36.0)));
    let short = find("tke-short-connections").unwrap();
    assert_eq!(short.series[0].unit, "1/s");
}

#[test]
fn every_series_but_the_other_percentiles_has_something_beside_it() {
    for reference in all() {
        for series in
            reference.series.iter().filter(|series| !series.key.ends_with("p01") && !series.key.ends_with("p90"))
        {
            let paired = reference.pairs.iter().any(|pair| pair.published.as_ref() == Some(&series.key));
            assert!(paired, "{} {}", reference.id, series.key);
        }
    }
}

#[test]
fn what_does_not_belong_into_an_entry_is_refused() {
    let entry = |rest: &str| problems(&format!("- {{id: a, title: t, source: s, services: [1, 2], {rest}}}"));
    assert!(entry("sauce: [1, 2]").contains("sauce is no known key"));
    assert!(entry("x_s: [1]").contains("x_s has 1 values for 2 sizes"));
    assert!(entry("x_s: [1, -1]").contains("a value of x_s"));
    assert!(entry("x_s: [1, oops]").contains("a value of x_s"));
    assert!(entry("x_s: [1, [2, 1]]").contains("a value of x_s"));
    assert!(!entry("x_s: 1").is_empty());
    assert!(entry("rules: [1]").contains("rules are 1 for 2 sizes"));
    assert!(problems("- {id: a, title: t, source: s, services: [2, 1]}").contains("do not ascend"));
    assert!(problems("- {id: a, title: t, source: s}\n- {id: a, title: t, source: s}").contains("there are two"));
}

#[test]
fn a_pair_of_something_unknown_is_refused() {
    let read = |text: &str| beside::read(text, all().to_vec()).unwrap_err().join("\n");
    let measured = "measured: [{backend: ipvs, metric: rules}]";
    assert!(
        read(&format!("- {{reference: huawei-cpu, published: ipvs_percent, {measured}}}")).contains("needs the probe")
    );
    assert!(read("- {reference: huawei-cpu, published: x, measured: []}").contains("there is no series x"));
    assert!(read("- {reference: x, measured: []}").contains("there is no reference x"));
    assert!(!read("- {reference: huawei-cpu, measures: []}").is_empty());
}
