//! Of which variants a claim holds, and of which it does not.

use super::finding::Verdict;
use super::line::list;

/// The variants by what is known of them.
#[derive(Debug, Default)]
pub(super) struct Votes {
    holds: Vec<String>,
    fails: Vec<String>,
    open: Vec<String>,
}

impl Votes {
    /// Of `name` it holds, does not, or that is not known.
    pub(super) fn cast(&mut self, name: impl Into<String>, holds: Option<bool>) {
        let side = match holds {
            Some(true) => &mut self.holds,
            Some(false) => &mut self.fails,
            None => &mut self.open,
        };
        let name = name.into();
        if !side.contains(&name) {
            side.push(name);
        }
    }

    /// What follows: it holds of all that is known, of none, or of some.
    pub(super) fn verdict(&self) -> Verdict {
        match (self.holds.is_empty(), self.fails.is_empty()) {
            (true, true) => Verdict::CannotBeTold,
            (false, true) => Verdict::Reproduced,
            (true, false) => Verdict::NotReproduced,
            (false, false) => Verdict::MeansSomethingElse,
        }
    }

    /// `why` nothing is known, where no interval is there at all.
    pub(super) fn unless_open(&self, why: &'static str) -> &'static str {
        if self.open.is_empty() { why } else { "" }
    }

    /// The same in a sentence: `It holds of nftables; it does not hold of ipvs.`
    pub(super) fn sentence(&self) -> String {
        let sides = [
            ("it holds of", &self.holds),
            ("it does not hold of", &self.fails),
            ("the interval allows both of", &self.open),
        ];
        let clauses: Vec<String> = sides
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(says, names)| format!("{says} {}", list(names)))
            .collect();
        let mut sentence = clauses.join("; ");
        if let Some(first) = sentence.get(..1).map(str::to_uppercase) {
            sentence.replace_range(..1, &first);
            sentence.push('.');
        }
        sentence
    }
}
