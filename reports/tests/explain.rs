//! Explanations as they are read: of the listing of a production node, against golden files (`BLESS=1` rewrites them), and
//! with anything in a listing that a terminal, a forge or a browser would take for its own.

use analysis::explain::{Clients, Target, entries, explain, resolve, summary};
use lab_core::path::{Surroundings, Walker};
use reports::explain::{Explained, summary_json, summary_text};
use ruleset::listing::{Listing, read};
use std::path::Path;

const SEED: &str = include_str!("../../ruleset/tests/listing/node/testsvc-v1.12-nL.txt");

fn check(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = golden.lines().zip(text.lines()).position(|(golden, now)| golden != now);
    assert!(golden == text, "{name} differs from line {:?} on; BLESS=1 rewrites it", differs.map(|line| line + 1));
}

/// How an explanation is laid out.
type Form = fn(&Explained<'_>) -> String;

/// Explains `target` by `listing`, and hands it to `laid_out`.
fn explained(listing: &str, target: &str, laid_out: Form) -> String {
    let reading = read(&[Listing { name: "rules.txt", text: listing }]);
    let surroundings = Surroundings::of(&reading.state);
    let clients = Clients::of(&reading.state, &surroundings);
    let walker = Walker::new(&reading.state, surroundings);
    let target: Target = target.parse().unwrap();
    let resolved = resolve(&target, &entries(&reading.state), |is_v4| walker.surroundings().address(is_v4)).unwrap();
    let explanation = explain(&walker, &clients, &resolved, &[], &|_| ());
    laid_out(&Explained { title: &target.to_string(), explanation: &explanation, walker: &walker, clients: &clients })
}

#[test]
fn a_production_node_s_listing_is_explained() {
    let text = explained(SEED, "default/testsvc", |explained| explained.text(120));
    check("explain.txt", &text);
    // Seven endpoints, each with one in seven.
    assert_eq!(text.matches("  1/7").count(), 14, "{text}");
    for written in ["0.14286", "0.16667", "0.20000", "0.25000", "0.33333", "0.50000"] {
        assert!(text.contains(written), "{written}: {text}");
    }
    check("explain.mmd", &explained(SEED, "default/testsvc", |explained| explained.mermaid()));
    check("explain.json", &explained(SEED, "default/testsvc", |explained| explained.json()));
    check("explain.html", &explained(SEED, "default/testsvc", |explained| explained.html()));
}

#[test]
fn the_graph_is_in_the_order_in_which_chains_are_met() {
    let graph = explained(SEED, "172.30.5.207:443", |explained| explained.mermaid());
    let place = |chain: &str| graph.find(chain).unwrap_or_else(|| panic!("{chain}: {graph}"));
    let chains = ["nat PREROUTING", "nat KUBE-SERVICES", "nat KUBE-SVC-M42ZCW2EYUCRBVAF", "KUBE-SEP-EA7TYKWK2S6G4PQR"];
    assert!(chains.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{graph}");
}

#[test]
fn a_summary_says_what_made_the_rules() {
    let reading = read(&[Listing { name: "rules.txt", text: SEED }]);
    let surroundings = Surroundings::of(&reading.state);
    let clients = Clients::of(&reading.state, &surroundings);
    let summary = summary(&Walker::new(&reading.state, surroundings), &clients);
    check("explain.summary.txt", &summary_text("rules.txt", &summary, 100));
    check("explain.summary.json", &summary_json(&summary));
}

#[test]
fn nothing_in_a_listing_reaches_a_terminal_or_a_page_as_it_is() {
    let evil = "\u{1b}[31m\u{7}\u{202e}\u{9b}<script>alert(1)</script>\"|`#";
    let listing = format!(
        "*nat\n:PREROUTING ACCEPT\n:KUBE-SERVICES -\n:KUBE-SVC-A -\n:KUBE-SEP-A -\n-A PREROUTING -j KUBE-SERVICES\n\
         -A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment \"a/b:{} cluster IP\" -m tcp --dport 80 -j KUBE-SVC-A\n\
         -A KUBE-SVC-A -m comment --comment \"{evil}\" -j KUBE-SEP-A\n\
         -A KUBE-SEP-A -p tcp -j DNAT --to-destination 10.0.0.1:80\nCOMMIT\n",
        evil.replace('"', "")
    );
    let forms: [(&str, Form); 4] = [
        ("text", |explained| explained.text(120)),
        ("json", |explained| explained.json()),
        ("mermaid", |explained| explained.mermaid()),
        ("html", |explained| explained.html()),
    ];
    for (name, form) in forms {
        let out = explained(&listing, "10.96.0.1:80", form);
        let raw = out.chars().find(|&one| (one.is_control() && one != '\n') || one == '\u{202e}');
        assert!(raw.is_none(), "{name}: {raw:?}");
        assert!(name == "json" || name == "text" || !out.contains("<script>alert"), "{name}: {out}");
    }
}

/// The keys of `value` and of everything in it.
fn keys(value: &serde_json::Value, into: &mut std::collections::BTreeSet<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (key, value) in object {
                into.insert(key.clone());
                // Counts by what they are.
                if key != "entries" {
                    keys(value, into);
                }
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| keys(value, into)),
        _ => {}
    }
}

#[test]
fn every_key_of_the_json_is_documented() {
    let formats = include_str!("../FORMATS.md");
    let start = formats.find("\n## Explain\n").unwrap() + 4;
    let part = &formats[start..start + formats[start..].find("\n## ").unwrap()];
    let nft = include_str!("../../ci/fidelity/reference/kube-proxy-1.36.3/nftables/mix-3/nft-ruleset.txt");
    let texts = [
        explained(SEED, "default/testsvc", |explained| explained.json()),
        explained(nft, "gateway-stage/metrics-checkout", |explained| explained.json()),
        explained(nft, ":30951", |explained| explained.json()),
    ];
    let mut found = std::collections::BTreeSet::new();
    for text in texts {
        keys(&serde_json::from_str(&text).unwrap(), &mut found);
    }
    let missing: Vec<&String> = found.iter().filter(|key| !part.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "FORMATS.md, Explain, lacks {missing:?}");
}
