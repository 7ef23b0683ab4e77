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

    /// Where all of them are, such as ` at 1,000 Services`, if there are several.
    fn place(&self) -> &str {
        let names: Vec<&String> = [&self.holds, &self.fails, &self.open].into_iter().flatten().collect();
        let place = names.first().and_then(|first| Some(&first[first.rfind(" at ")?..])).unwrap_or_default();
        let is_shared = names.len() > 1 && names.iter().all(|name| name.ends_with(place));
        if is_shared { place } else { "" }
    }

    /// The same in a sentence: `At 100 Services it holds of nftables; it does not hold of ipvs.`
    pub(super) fn sentence(&self) -> String {
        let place = self.place();
        let sides = [
            ("it holds of", &self.holds),
            ("it does not hold of", &self.fails),
            ("the interval allows both of", &self.open),
        ];
        let clauses: Vec<String> = sides
            .into_iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(says, names)| {
                let names: Vec<String> =
                    names.iter().map(|name| name.strip_suffix(place).unwrap_or(name).to_owned()).collect();
                format!("{says} {}", list(&names))
            })
            .collect();
        let mut sentence = match place.trim_start() {
            "" => clauses.join("; "),
            place => format!("{place} {}", clauses.join("; ")),
        };
        if let Some(first) = sentence.get(..1).map(str::to_uppercase) {
            sentence.replace_range(..1, &first);
            sentence.push('.');
        }
        sentence
    }
}
