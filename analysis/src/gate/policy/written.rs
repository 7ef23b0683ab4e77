//! A policy as YAML.

use super::{Policy, Rule};
use lab_core::units;
use lab_core::vocabulary::Word;
use std::collections::BTreeSet;
use std::fmt::Write as _;

impl Policy {
    /// The policy as [`Policy::read`] reads it, with a comment on every key.
    #[must_use]
    pub fn yaml(&self) -> String {
        let mut text = String::new();
        let mut key = |comment: &str, line: String| {
            let _ = writeln!(text, "# {comment}\n{line}\n");
        };
        key(
            "By how much an exact number may be worse: a count, or anything that is counted in instructions.",
            format!("tolerance: {}", share(self.tolerance)),
        );
        key(
            "By how much a time or rate must be worse to matter: all of its interval has to be.",
            format!("minimum_effect: {}", share(self.minimum_effect)),
        );
        key(
            "What timed runs of the same thing differ by that their own rounds do not show; no interval is narrower.",
            format!("noise: {}", share(self.noise)),
        );
        key(
            "Rounds in which cells that look worse are run again before they are believed; on a wall clock only.",
            format!("reruns: {}", self.reruns),
        );
        key(
            "What becomes of what the noise does not let be told: pass, warn or fail.",
            format!("inconclusive: {}", self.inconclusive),
        );
        key(
            "What becomes of what was measured before and is not now: pass, warn or fail.",
            format!("missing: {}", self.missing),
        );
        key("Backends of which nothing may be skipped in the run.", format!("require: [{}]", names(&self.require)));
        key(
            "Differences that are the subject of the comparison: target, plan, kernel, tools, layout, machine.",
            format!("allow: [{}]", names(&self.allow)),
        );
        text.push_str(
            "# What is otherwise for some metrics, probes or backends; the first that says something decides.\n",
        );
        text.push_str(if self.rules.is_empty() { "# rules:\n" } else { "rules:\n" });
        self.rules.iter().for_each(|rule| text.push_str(&rule.yaml()));
        text
    }
}

impl Rule {
    fn yaml(&self) -> String {
        let list = |names: String| if names.is_empty() { None } else { Some(format!("[{names}]")) };
        let lines = [
            ("metric", list(names(&self.metrics))),
            ("probe", list(names(&self.probes))),
            ("backend", list(names(&self.backends))),
            ("numbers", self.numbers.map(|numbers| numbers.to_string())),
            ("gating", self.gating.map(|gating| gating.to_string())),
            ("tolerance", self.tolerance.map(share)),
            ("minimum_effect", self.minimum_effect.map(share)),
            ("noise", self.noise.map(share)),
            // A JSON string is a YAML one, whatever stands in it.
            ("why", Some(serde_json::Value::from(self.why.as_str()).to_string()).filter(|_| !self.why.is_empty())),
        ];
        let said = lines.iter().filter_map(|(key, value)| value.as_ref().map(|value| format!("{key}: {value}\n")));
        said.enumerate().map(|(index, line)| format!("{}{line}", if index == 0 { "  - " } else { "    " })).collect()
    }
}

fn names<W: Word>(words: &BTreeSet<W>) -> String {
    words.iter().map(|word| word.name()).collect::<Vec<_>>().join(", ")
}

fn share(share: f64) -> String {
    // As many digits as were written, not as the product with 100 has.
    format!("{}%", units::given((share * 1e8).round() / 1e6).replace(',', ""))
}
