use super::*;
use lab_core::vocabulary::Word;
use proptest::prelude::*;

fn problems(text: &str) -> String {
    Policy::read("gate.yaml", text).unwrap_err().to_string()
}

#[test]
fn every_problem_of_a_policy_is_named_with_its_line() {
    let text = "\
tolerance: 0.5
minimum_efect: 10%
inconclusive: maybe
allow: [kernal, clock]
rules:
  - metric: [bandwidht, rules]
    tolerance: -5%
  - backend: nftables
    why: slow
  - gates
";
    assert_eq!(
        problems(text),
        "gate.yaml:2: unknown key \"minimum_efect\"; known: tolerance, minimum_effect, noise, reruns, inconclusive, missing, \
         require, allow, rules (did you mean \"minimum_effect\"?)\n\
         gate.yaml:1: tolerance: found 0.5; it takes a share with its sign, such as 0.5% or 10%, from 0% to 1000%\n\
         gate.yaml:3: inconclusive: unknown consequence \"maybe\"; known: pass, warn, fail\n\
         gate.yaml:4: allow: unknown difference \"kernal\"; known: clock, target, plan, kernel, tools, layout, machine, \
         svclab, guest (did you mean \"kernel\"?)\n\
         gate.yaml:4: allow: clock: times and instructions cannot be compared, whatever is allowed\n"
            .to_owned()
            + &format!(
                "gate.yaml:6: metric: unknown metric \"bandwidht\"; known: {} (did you mean \"bandwidth\"?)\n",
                Metric::ALL.iter().map(|metric| metric.name()).collect::<Vec<_>>().join(", ")
            )
            + "gate.yaml:7: tolerance: found \"-5%\"; it takes a share with its sign, such as 0.5% or 10%, from 0% to \
               1000%\n\
               gate.yaml:8: rules: this one decides nothing; it needs one of: gating, tolerance, minimum_effect, noise\n\
               gate.yaml:10: rules: found \"gates\"; it takes mappings of: metric, probe, backend, numbers, gating, tolerance, \
               minimum_effect, noise, why"
    );
}

#[test]
fn what_is_no_policy_says_so() {
    assert!(problems("- a\n").starts_with("gate.yaml:1: found a list of 1; a policy is a mapping of: tolerance"));
    assert!(problems("tolerance: [\n").starts_with("gate.yaml:"), "{}", problems("tolerance: [\n"));
    assert!(problems("tolerance: 1%\ntolerance: 2%\n").starts_with("gate.yaml:2: not valid YAML"));
}

#[test]
fn a_policy_says_only_what_is_otherwise() {
    assert_eq!(Policy::read("x", "# nothing\n").unwrap(), Policy::default());
    let text = "minimum_effect: 25 %\nrules:\n- {metric: bandwidth, gating: explains, why: luck}\n";
    let policy = Policy::read("x", text).unwrap();
    assert_eq!((policy.tolerance, policy.minimum_effect), (Policy::default().tolerance, 0.25));
    let own = Rule {
        metrics: [Metric::Bandwidth].into(),
        gating: Some(Gating::Explains),
        why: "luck".to_owned(),
        ..Rule::default()
    };
    assert_eq!(policy.rules[0], own);
    assert_eq!(policy.rules[1..], Policy::default().rules);
}

#[test]
fn the_default_policy_is_read_back_as_it_was_printed() {
    let text = Policy::default().yaml();
    assert_eq!(Policy::read("default", &text).unwrap(), Policy::default());
    assert!(text.contains("\ntolerance: 0.5%\n"), "{text}");
}

proptest! {
    #[test]
    fn any_policy_is_read_back_as_it_was_printed(
        shares in (0_u32..100_000, 0_u32..100_000),
        reruns in 0..1000_u32,
        why in "[ -~]{1,20}",
        metric in 0..Metric::ALL.len(),
    ) {
        let share = |thousandths: u32| f64::from(thousandths) / 1000.0 / 100.0;
        let rule = Rule {
            metrics: [Metric::ALL[metric]].into(),
            tolerance: Some(share(shares.0)),
            why: why.trim().to_owned(),
            ..Rule::default()
        };
        let mut policy = Policy { minimum_effect: share(shares.1), reruns, ..Policy::default() };
        policy.rules.insert(0, rule);
        prop_assert_eq!(Policy::read("x", &policy.yaml()).unwrap(), policy);
    }
}
