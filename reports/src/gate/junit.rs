//! JUnit's XML, the form in which GitLab, Jenkins and others read tests: a suite a backend, a test a cell and metric.
//!
//! Only what gates is a test. GitLab shows the text within a failure, not its attributes, and takes two tests of one name
//! for one.

use super::differences;
use super::row::Row;
use super::words::{NOTHING_GATES, verdict};
use crate::prose;
use analysis::gate::{Consequence, Gating, Judged, Judgement, Verdict};
use lab_core::dataset::Unmet;
use lab_core::units;
use lab_core::vocabulary::{BackendName, Word};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// JUnit's XML, as GitLab, Jenkins and others read it: a suite a backend, a test a cell and metric that gates.
#[must_use]
pub fn render(judgement: &Judgement) -> String {
    let mut report = Report::new("svclab gate");
    if judgement.passes().is_none() {
        let mut suite = suite("environment", judgement);
        suite.add_test_cases(differences::decisive(judgement).into_iter().map(incomparable));
        suite.add_test_cases(judgement.nothing_gates().then(nothing_gates));
        report.add_test_suite(suite);
    }
    if !judgement.unmet.is_empty() {
        let mut suite = suite("required", judgement);
        suite.add_test_cases(judgement.unmet.iter().map(unmet));
        report.add_test_suite(suite);
    }
    for &backend in BackendName::ALL {
        let gates =
            |judged: &&Judged| judged.gating == Gating::Gates && judged.compared.cell.variant.backend == backend;
        let cases: Vec<TestCase> =
            judgement.judged.iter().filter(gates).map(|judged| test(judged, judgement)).collect();
        if !cases.is_empty() {
            let mut suite = suite(backend.name(), judgement);
            suite.add_test_cases(cases);
            report.add_test_suite(suite);
        }
    }
    let text = report.to_string().expect("XML written to memory");
    // The schema of Jenkins' xUnit plugin knows it of suites, not of all of them together.
    text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1)
}

/// A suite without tests, with what was compared and by which policy.
fn suite(name: &str, judgement: &Judgement) -> TestSuite {
    let mut suite = TestSuite::new(name);
    let Judgement { comparison, policy, .. } = judgement;
    suite.add_property(("svclab.before", comparison.before.as_str()));
    suite.add_property(("svclab.after", comparison.after.as_str()));
    suite.add_property(("svclab.clock", comparison.clock.name()));
    for difference in &comparison.differences {
        let name = differences::name(difference).replace(": ", ".");
        let value = format!("{} → {}", difference.before, difference.after);
        suite.add_property((format!("svclab.difference.{name}").as_str(), value.as_str()));
    }
    suite.add_property(("svclab.policy.tolerance", units::percent(policy.tolerance).as_str()));
    suite.add_property(("svclab.policy.minimum_effect", units::percent(policy.minimum_effect).as_str()));
    suite.add_property(("svclab.policy.inconclusive", policy.inconclusive.name()));
    suite.add_property(("svclab.policy.missing", policy.missing.name()));
    suite.add_property(("svclab.verdict", verdict(judgement).line().as_str()));
    suite
}

fn test(judged: &Judged, judgement: &Judgement) -> TestCase {
    let row = Row::judged(judged, judgement.comparison.clock);
    let told = row.sentence();
    let settled = matches!(judged.verdict, Verdict::Improved | Verdict::Unchanged);
    let mut status = match judged.consequence {
        Consequence::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Consequence::Warn | Consequence::Pass if !settled => TestCaseStatus::skipped(),
        Consequence::Warn | Consequence::Pass => TestCaseStatus::success(),
    };
    if !matches!(status, TestCaseStatus::Success { .. }) {
        status.set_type(judged.verdict.name()).set_message(told.as_str()).set_description(lines(judged, &row));
    }
    let mut test = TestCase::new(judged.compared.name.as_str(), status);
    test.set_classname(format!("svclab.{}", judged.compared.cell.variant.backend));
    if settled && judged.consequence == Consequence::Pass {
        test.set_system_out(format!("{}: {told}", judged.verdict));
    }
    test
}

/// What is said of a test that did not pass, a clause a line.
fn lines(judged: &Judged, row: &Row) -> String {
    let said = [format!("{}: {}", judged.verdict, row.name), row.span(), row.measure(), row.said()];
    prose::joined(said.into_iter().chain(row.causes.iter().map(|cause| format!("- {cause}"))), "\n")
}

fn unmet(unmet: &Unmet) -> TestCase {
    let told = unmet.to_string();
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type("required").set_message(told.as_str()).set_description(told);
    let mut test = TestCase::new(unmet.backend.name(), status);
    test.set_classname("svclab.required");
    test
}

fn nothing_gates() -> TestCase {
    error("nothing to judge", "nothing-to-judge", prose::capitalise(NOTHING_GATES))
}

fn incomparable(difference: &analysis::gate::Difference) -> TestCase {
    let told = format!("{}; {}", differences::told(difference), differences::remedy(difference));
    error(&differences::name(difference), "not-comparable", told)
}

/// A test of `name` that could not be made, of this `kind`.
fn error(name: &str, kind: &str, told: String) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type(kind).set_message(told.as_str()).set_description(told);
    let mut test = TestCase::new(name, status);
    test.set_classname("svclab.environment");
    test
}
