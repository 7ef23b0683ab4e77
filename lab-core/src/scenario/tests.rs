//! Every kind of bad input, and what is said of it.

use super::*;

const GOOD: &str = "name: first-packet\nquestion: How long does a first packet walk?\nservices: [1, 100]\n";

fn problems(text: &str) -> String {
    Scenario::read("scenarios/x.yaml", text).expect_err("the scenario should be refused").to_string()
}

#[test]
fn a_short_scenario_gets_sensible_defaults() {
    let scenario = Scenario::read("x.yaml", GOOD).unwrap();
    assert_eq!(scenario.backends, BackendName::ALL);
    assert_eq!(scenario.probes, ProbeName::ALL);
    assert_eq!((scenario.endpoints, scenario.rounds), (2, 5));
    assert_eq!(scenario.target, None);
}

#[test]
fn every_problem_is_named_with_its_line() {
    let text = "name: First packet\nquestion: ''\nbackends: [direct, nftable]\nservices: [1, -5, 1]\nround: 3\n";
    assert_eq!(
        problems(text),
        "scenarios/x.yaml:5: unknown key \"round\"; known: name, question, about, target, backends, services, \
         endpoints, probes, rounds, budget, dials, traffic (did you mean \"rounds\"?)\n\
         scenarios/x.yaml:1: name: found \"First packet\"; it takes lower-case letters, digits and dashes: it becomes \
         part of a folder's name\n\
         scenarios/x.yaml:2: question: found \"\"; it takes text\n\
         scenarios/x.yaml:3: backends: unknown backend \"nftable\"; known: direct, iptables-legacy, iptables-nft, \
         nftables (did you mean \"nftables\"?)\n\
         scenarios/x.yaml:4: services: found -5; it takes a whole number from 1 to 4294967295\n\
         scenarios/x.yaml:4: services: 1 stands in it twice"
    );
}

#[test]
fn a_list_over_several_lines_names_the_line_of_the_bad_item() {
    let text = format!("{GOOD}backends:\n  - direct\n  - ipfs\n");
    assert!(
        problems(&text).starts_with("scenarios/x.yaml:6: backends: unknown backend \"ipfs\""),
        "{}",
        problems(&text)
    );
}

#[test]
fn an_empty_list_is_refused() {
    let text = GOOD.replace("[1, 100]", "[]");
    assert_eq!(
        problems(&text),
        "scenarios/x.yaml:3: services: found an empty list; it takes a list of numbers of Services, at least one"
    );
}

#[test]
fn a_wrong_type_is_refused() {
    for (line, allowed) in [
        ("rounds: many", "a whole number from 1 to 1000"),
        ("rounds: 2.5", "a whole number from 1 to 1000"),
        ("rounds: 0", "a whole number from 1 to 1000"),
        ("endpoints: 99999999999999999999999", "a whole number from 1 to 1000"),
        ("budget: 60", "a time with its unit, such as 90s or 2m, from 1s to 86400s"),
        ("traffic: -1s", "a time with its unit, such as 90s or 2m, from 100ms to 60s"),
        ("about: [a, b]", "text"),
        ("probes: connect", "a list of probes (sync_full, "),
        ("target: {}", "auto or the name of a target"),
    ] {
        let found = problems(&format!("{GOOD}{line}\n"));
        assert!(found.starts_with("scenarios/x.yaml:4: ") && found.contains(&format!("it takes {allowed}")), "{found}");
    }
}

#[test]
fn more_services_than_addresses_are_refused_with_the_limit() {
    let found = problems(&GOOD.replace("100", "3000000"));
    assert!(found.starts_with("scenarios/x.yaml:3: services: ") && found.contains("3000000"), "{found}");
    let found = problems(&format!("{}endpoints: 1000\n", GOOD.replace("100", "50000")));
    assert!(found.starts_with("scenarios/x.yaml:3: services: ") && found.contains("endpoints"), "{found}");
}

#[test]
fn what_is_missing_is_named() {
    let found = problems("rounds: 3\n");
    assert!(found.contains("name: missing") && found.contains("services: missing"), "{found}");
    assert!(problems("").contains("a scenario is a mapping of"), "{}", problems(""));
    assert!(problems("- 1\n").contains("found a list of 1"), "{}", problems("- 1\n"));
}

#[test]
fn what_is_not_yaml_is_refused_with_its_line() {
    for text in
        [format!("{GOOD}rounds: [1\nbudget: 5s\n"), format!("{GOOD}name: twice\n"), format!("{GOOD}\trounds: 1\n")]
    {
        let found = problems(&text);
        assert!(found.contains("not valid YAML: ") && !found.contains('\n'), "{found}");
    }
}
