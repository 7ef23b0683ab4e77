//! Tests that need something of the machine: without it they are listed as ignored, with the reason in their name.
//!
//! `SVCLAB_REQUIRE=netns,…` names what must be there: then what is missing fails the tests that need it, so that a CI
//! job cannot pass by skipping. `cargo nextest run --status-level skip` shows what was skipped.
//!
//! Shared by the `harness = false` test binaries through `#[path]`.

use libtest_mimic::{Failed, Trial};
use std::env;

/// Something that a test may need of the machine.
pub(crate) struct Requirement {
    /// What `SVCLAB_REQUIRE` calls it.
    pub(crate) name: &'static str,
    /// Looks whether it is there; the error is a line saying why it is not.
    pub(crate) check: fn() -> Result<(), String>,
}

/// What the machine at hand lacks.
pub(crate) struct Tier {
    lacks: Vec<Lack>,
}

#[derive(Clone)]
struct Lack {
    name: &'static str,
    reason: String,
    required: bool,
}

impl Tier {
    /// Checks each of `requirements`, once.
    pub(crate) fn look(requirements: &[Requirement]) -> Self {
        let required = env::var("SVCLAB_REQUIRE").unwrap_or_default();
        let lack = |requirement: &Requirement| {
            let name = requirement.name;
            let reason = (requirement.check)().err()?.replace('\n', " ");
            Some(Lack { name, reason, required: required.split(',').any(|word| word.trim() == name) })
        };
        Self { lacks: requirements.iter().filter_map(lack).collect() }
    }

    /// A test that needs what `needs` names.
    pub(crate) fn trial(
        &self,
        name: &str,
        needs: &[&str],
        test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
    ) -> Trial {
        let Some(lack) = self.lacks.iter().find(|lack| needs.contains(&lack.name)).cloned() else {
            return Trial::test(name, test);
        };
        let Lack { name: missing, reason, required } = lack;
        let shown = if required { name.to_owned() } else { format!("{name} [skipped: {reason}]") };
        // It fails when it is run all the same, with --ignored.
        Trial::test(shown, move || Err(format!("{missing} is required: {reason}").into())).with_ignored_flag(!required)
    }
}
