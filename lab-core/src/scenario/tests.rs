//! Every kind of bad input, and what is said of it.

use super::*;

const GOOD: &str = "name: first-packet\nquestion: How long does a first packet walk?\nservices: [1, 100]\n";

fn problems(text: &str) -> String {
    Scenario::read("scenarios/x.yaml", text).expect_err("the scenario should be refused").to_string()
}

#[test]
fn a_short_scenario_gets_sensible_defaults() {
    let scenario = Scenario::read("x.yaml", GOOD).unwrap();
    assert_eq!(scenario.axes, Axes::default());
    assert_eq!(scenario.parts, [Part { services: vec![1, 100], probes: ProbeName::usual() }]);
    assert_eq!((&scenario.axes.endpoints[..], scenario.rounds, scenario.replicas), (&[2][..], 5, 1));
    assert_eq!(scenario.target, None);
}

#[test]
fn every_problem_is_named_with_its_line() {
    let text = "name: First packet\nquestion: ''\nbackends: [direct, nftable]\nservices: [1, -5, 1]\nround: 3\n";
    assert_eq!(
        problems(text),
        "scenarios/x.yaml:5: unknown key \"round\"; known: name, question, about, target, backends, require, \
         kernel, kernels, tools, layout, services, endpoints, mix, cluster, affinity, probes, access, from, positions, activity, parts, way, \
         scheduler, forwarding, kube-proxy, rounds, replicas, budget, instructions, dials, traffic, churn, rate, memory, \
         references (did you mean \
         \"rounds\"?)\n\
         scenarios/x.yaml:1: name: found \"First packet\"; it takes lower-case letters, digits and dashes, 63 at \
         most: it becomes part of a folder's name\n\
         scenarios/x.yaml:2: question: found \"\"; it takes text\n\
         scenarios/x.yaml:3: backends: unknown backend \"nftable\"; known: direct, iptables-legacy, iptables-nft, \
         ipvs, nftables (did you mean \"nftables\"?)\n\
         scenarios/x.yaml:4: services: found -5; it takes a whole number from 1 to 4294967295\n\
         scenarios/x.yaml:4: services: 1 stands in it twice"
    );
}

#[test]
fn a_list_over_several_lines_names_the_line_of_the_bad_item() {
    let text = format!("{GOOD}backends:\n  - direct\n  - ebpf\n");
    assert!(
        problems(&text).starts_with(
            "scenarios/x.yaml:6: backends: the backend \"ebpf\" is not covered: the lab programs what kube-proxy"
        ),
        "{}",
        problems(&text)
    );
}

#[test]
fn a_single_item_is_a_list_of_one() {
    for (several, single) in [
        ("services: [3000]", "services: 3000"),
        ("services: [3000]\nprobes: [connect]", "services: 3000\nprobes: connect"),
        ("parts: [{services: [5]}]", "parts: {services: 5}"),
        ("services: [5]\nreferences: [huawei-memory]", "services: 5\nreferences: huawei-memory"),
        ("services: [5]\nactivity: [{churn: 10/s}]", "services: 5\nactivity: {churn: 10/s}"),
    ] {
        let read = |keys: &str| {
            let text = format!("name: x\nquestion: What?\n{keys}\n");
            Scenario::read("x.yaml", &text)
                .map(|scenario| (scenario.axes, scenario.parts, scenario.references))
                .unwrap()
        };
        assert_eq!(read(several), read(single), "{single}");
    }
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
        ("endpoints: 99999999999999999999999", "a whole number from 0 to 1000"),
        ("budget: 60", "a time with its unit, such as 90s or 2m, from 1s to 86400s"),
        ("traffic: -1s", "a time with its unit, such as 90s or 2m, from 100ms to 60s"),
        ("about: [a, b]", "text"),
        ("probes: 3", "the names of probes: sync_full, "),
        ("probes: []", "a list of probes (sync_full, "),
        ("references: 3", "ids of published figures"),
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

#[test]
fn parts_ask_different_things_at_different_sizes_and_each_cell_once() {
    let text = "name: x\nquestion: What?\nbackends: ipvs\nway: batched\nparts:\n  - services: [1, 10]\n    probes: \
                sync_full\n  - services: [10, 50]\n    probes: [sync_full, bandwidth]\n";
    let cells = Scenario::read("x.yaml", text).unwrap().plan(TargetName::Host, 1).cells;
    let sizes =
        |probe| cells.iter().filter(|cell| cell.probe == probe).map(|cell| cell.cluster.services).collect::<Vec<_>>();
    assert_eq!(sizes(ProbeName::SyncFull), [1, 10, 50]);
    assert_eq!(sizes(ProbeName::Bandwidth), [10, 10, 50, 50]);
}

#[test]
fn parts_take_the_place_of_sizes_and_probes() {
    let found = problems(&format!("{GOOD}parts:\n  - probes: connect\n    rounds: 1\n  - 3\n"));
    assert_eq!(
        found,
        "scenarios/x.yaml:3: services: it stands in the parts, or there are no parts\n\
         scenarios/x.yaml:6: unknown key \"rounds\"; known: services, probes\n\
         scenarios/x.yaml:5: services: missing; a part needs services\n\
         scenarios/x.yaml:7: parts: found 3; it takes mappings of: services, probes"
    );
}

#[test]
fn an_exact_run_is_budgeted_in_instructions_and_repeats_nothing() {
    let scenario = Scenario::read("x.yaml", &format!("{GOOD}instructions: 60G\nreplicas: 3\n")).unwrap();
    let (host, exact) = (scenario.plan(TargetName::Host, 1), scenario.plan(TargetName::Exact, 1));
    assert_eq!((host.rounds, host.replicas, host.budget), (5, 1, Duration::from_secs(60)));
    assert_eq!((exact.rounds, exact.replicas, exact.budget), (1, 3, Duration::from_secs(60)));
    let found = problems(&format!("{GOOD}instructions: 60 G\n"));
    assert!(found.contains("instructions: found \"60 G\"; it takes a number of instructions, such as 60G"), "{found}");
}

#[test]
fn an_unknown_reference_is_refused() {
    let found = problems(&format!("{GOOD}references: [huawei-add-rule, huawei-memery]\n"));
    assert!(found.contains("unknown reference \"huawei-memery\"") && found.contains("\"huawei-memory\""), "{found}");
}

#[test]
fn what_a_backend_does_not_use_is_not_accepted_in_silence() {
    let unused = |more: &str| {
        let text = format!("name: x\nquestion: What?\nservices: [1]\n{more}");
        let scenario = Scenario::read("x.yaml", &text).unwrap();
        scenario.unused().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        unused("backends: [direct, iptables-legacy, ipvs]\nway: batched\nscheduler: [rr, sh]\nforwarding: tunnel\n"),
        ["way", "scheduler", "forwarding"].map(|setting| format!("{setting}: not used by iptables-legacy"))
    );
    assert_eq!(unused("scheduler: rr\n"), Vec::<String>::new());
}

#[test]
fn affinity_is_of_every_backend_and_read_by_its_old_name() {
    let affinity = |line: &str| Scenario::read("x.yaml", &format!("{GOOD}{line}\n")).unwrap().affinity;
    let three_hours = Some(Duration::from_secs(10_800));
    assert_eq!((affinity("affinity: 3h"), affinity("persistence: 3h"), affinity("")), (three_hours, three_hours, None));
    let both = problems(&format!("{GOOD}affinity: 3h\npersistence: 1h\n"));
    assert_eq!(both, "scenarios/x.yaml:5: persistence: it is the old name of affinity, which stands here, too");
}

#[test]
fn what_cannot_be_reached_is_a_problem_and_beside_what_can_be_is_left_out() {
    let from_outside = problems(&format!("{GOOD}from: outside\n"));
    let why = "access: cluster-ip from outside: cluster IPs are routed inside the cluster only";
    assert_eq!(from_outside, format!("scenarios/x.yaml:4: {why}"));
    let other = problems(&format!("{GOOD}access: [node-port, external-ip]\nmix: node-port\n"));
    assert_eq!(other, "scenarios/x.yaml:4: access: no Service of node-port is reached by external-ip and TCP");
    let text = format!("{GOOD}access: [cluster-ip, node-port]\nfrom: [pod, outside]\n");
    let scenario = Scenario::read("x.yaml", &text).unwrap();
    assert_eq!(
        scenario.impossible(),
        ["access cluster-ip from outside: cluster IPs are routed inside the cluster only"]
    );
}

#[test]
fn there_are_no_more_node_ports_than_numbers_for_them() {
    let found = problems(&(GOOD.replace("100", "40000") + "access: node-port\n"));
    assert!(found.contains("the node ports from 30000 run out"), "{found}");
}

#[test]
fn many_problems_are_listed_up_to_a_number_and_long_ones_are_cut() {
    let keys: String = (0..1_000).map(|number| format!("unknown-{number}: 1\n")).collect();
    let found = problems(&format!("{GOOD}{keys}"));
    assert_eq!(found.lines().count(), 21, "{found}");
    assert!(found.ends_with("scenarios/x.yaml: and 980 more problems"), "{found}");
    let found = problems(&format!("{GOOD}backends: [{}]\n", "x".repeat(100_000)));
    assert!(found.chars().count() < 2_100, "{}", found.len());
}

#[test]
fn control_characters_are_refused_and_shown_as_text() {
    let found = problems(&GOOD.replace("question: How", "question: \"\\e[31mHow").replace("walk?", "walk?\""));
    assert!(found.starts_with("scenarios/x.yaml:2: question: found"), "{found}");
    assert!(found.contains("control characters") && !found.contains('\u{1b}'), "{found:?}");
}

#[test]
fn a_number_is_shown_as_it_was_written_with_why_it_does_not_do() {
    let digits =
        "it takes a whole number from 1 to 1000, in digits alone: without a point, an exponent, or a zero before it";
    for (line, found) in [
        ("rounds: 010", "rounds: found 010, which YAML reads as 10.0; "),
        ("rounds: 1e2", "rounds: found 1e2, which YAML reads as 100.0; "),
        ("rounds: 1.0", "rounds: found 1.0; "),
        ("rounds: 1e300", "rounds: found 1e300; "),
    ] {
        let said = problems(&format!("{GOOD}{line}\n"));
        assert_eq!(said, format!("scenarios/x.yaml:4: {found}{digits}"));
    }
    let said = problems(&GOOD.replace("[1, 100]", "[1, 1e2, 1.0]"));
    assert!(said.contains("found 1e2, which") && said.contains("found 1.0; it takes"), "{said}");
    let said = problems(&format!("{GOOD}rounds: 99999999999999999999999999999999999999999999\n"));
    assert!(!said.contains("inf") && said.contains("found 9999"), "{said}");
}

#[test]
fn a_text_that_yaml_takes_for_something_else_is_to_be_quoted() {
    for (written, read) in [("y", ", which YAML reads as true"), ("No", ", which YAML reads as false"), ("12", "")] {
        let said = problems(&GOOD.replace("How long does a first packet walk?", written));
        let expected = format!("question: found {written}{read}; it takes text; put it in quotes: \"{written}\"");
        assert_eq!(said, format!("scenarios/x.yaml:2: {expected}"));
    }
    let said = problems(&GOOD.replace("How long does a first packet walk?", "~"));
    assert!(said.contains("found ~, which YAML reads as nothing"), "{said}");
}

#[test]
fn what_is_no_yaml_is_said_in_words_of_our_own() {
    let many = format!("{GOOD}about: [{}]\n", "x, ".repeat(300_000));
    for (text, said) in [
        (format!("{GOOD}name: twice\n"), "4: not valid YAML: the key \"name\" stands in it twice; delete one of them"),
        (many, ": not valid YAML: there is too much in it"),
        (format!("{GOOD}about: {}\n", "[".repeat(5_000)), ": not valid YAML: its lists and mappings stand too deep"),
        (format!("{GOOD}about: *x\n"), "4: not valid YAML: an alias (*name) of which there is no anchor"),
        (format!("{GOOD}---\na: 1\n"), ": not valid YAML: a second document begins here"),
        (format!("{GOOD}about: a: b\n"), "4: not valid YAML: a colon where no key can be"),
        (format!("{GOOD}about: .inf\n"), "4: not valid YAML: \".inf\" is no number"),
        (format!("{GOOD}? [a]\n: 1\n"), "not valid YAML: "),
    ] {
        let found = problems(&text);
        assert!(found.contains(said), "{found}");
        for theirs in ["budget", "Options", "Nodes", "DuplicateKeyPolicy", "anchor_id", "serde"] {
            assert!(!found.contains(theirs), "{found}");
        }
    }
}

#[test]
fn a_long_value_is_cut_where_it_is_quoted() {
    let long = "x".repeat(10_000);
    for line in [
        "backends: [LONG]",
        "rounds: LONG",
        "budget: LONG",
        "layout: LONG",
        "references: [LONG]",
        "target: LONG",
        "instructions: LONG",
        "probes: [LONG]",
    ] {
        let said = problems(&format!("{GOOD}{}\n", line.replace("LONG", &long)));
        assert!(said.contains("xxx…\"") && said.matches("xxx").count() < 40, "{line}: {said}");
    }
    let said = problems(&GOOD.replace("first-packet", &"x".repeat(64)));
    assert!(said.contains("name: found \"xxx") && said.contains("63"), "{said}");
}

#[test]
fn a_backend_is_required_that_is_compared() {
    let head = "name: a\nquestion: b\nservices: [1]\n";
    let scenario = Scenario::read("a.yaml", &format!("{head}require: [ipvs, nftables]\n")).unwrap();
    let required = [BackendName::Ipvs, BackendName::Nftables];
    assert_eq!(scenario.require, required);
    assert_eq!(scenario.plan(TargetName::Host, 1).require, required);
    let problems = Scenario::read("a.yaml", &format!("{head}backends: [direct]\nrequire: ipvs\n")).unwrap_err();
    assert_eq!(problems.to_string(), "a.yaml:5: require: ipvs is none of the backends of this scenario");
}
