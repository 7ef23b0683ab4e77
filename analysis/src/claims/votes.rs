//! Of which variants a claim holds, and of which it does not.

use super::finding::Verdict;
use super::line::{Line, list};
use lab_core::units;

/// So many cases are named, each of them. Of more it is said of how many of each variant a claim holds: the figures have them all.
const NAMED: usize = 8;
/// So many groups of cases have a count of their own; of more the variants have.
const GROUPS: usize = 8;
/// So many are named beside a number.
const FEW: usize = 3;

/// The cases by what is known of them.
#[derive(Debug, Default)]
pub(super) struct Votes(Vec<Case>);

#[derive(Debug, PartialEq)]
struct Case {
    variant: String,
    /// It, with what ran beside it and its position: the same at every size.
    placed: String,
    name: String,
    holds: Option<bool>,
}

impl Votes {
    /// Of `name` it holds, does not, or that is not known.
    pub(super) fn cast(&mut self, name: impl Into<String>, holds: Option<bool>) {
        let name = name.into();
        self.add(Case { variant: name.clone(), placed: name.clone(), name, holds });
    }

    /// The same of `line` at `services`.
    pub(super) fn cast_at(&mut self, line: &Line, services: u32, holds: Option<bool>) {
        let (variant, placed) = (line.variant.clone(), line.placed.clone());
        self.add(Case { variant, placed, name: line.case(services), holds });
    }

    fn add(&mut self, case: Case) {
        if !self.0.contains(&case) {
            self.0.push(case);
        }
    }

    fn names(&self, holds: Option<bool>) -> Vec<&str> {
        self.0.iter().filter(|case| case.holds == holds).map(|case| &*case.name).collect()
    }

    /// What follows: it holds of all that is known, of none, or of some.
    pub(super) fn verdict(&self) -> Verdict {
        match (self.names(Some(true)).is_empty(), self.names(Some(false)).is_empty()) {
            (true, true) => Verdict::CannotBeTold,
            (false, true) => Verdict::Reproduced,
            (true, false) => Verdict::NotReproduced,
            (false, false) => Verdict::MeansSomethingElse,
        }
    }

    /// `why` nothing is known, where no interval is there at all.
    pub(super) fn unless_open(&self, why: &'static str) -> &'static str {
        if self.names(None).is_empty() { why } else { "" }
    }

    /// Where all of them are, such as ` at 1,000 Services`, if there are several.
    fn place(&self) -> &str {
        let first = self.0.first().map_or("", |case| &case.name);
        let place = first.rfind(" at ").map_or("", |at| &first[at..]);
        let is_shared = self.0.len() > 1 && self.0.iter().all(|case| case.name.ends_with(place));
        if is_shared { place } else { "" }
    }

    /// The same in a sentence: `At 100 Services it holds of nftables; it does not hold of ipvs.`
    pub(super) fn sentence(&self) -> String {
        let has_variants = self.0.iter().any(|case| case.variant != case.name);
        let clauses = if self.0.len() > NAMED && has_variants { self.numbers() } else { self.lists() };
        let mut sentence = match self.place().trim_start() {
            "" => clauses,
            place => format!("{place} {clauses}"),
        };
        if let Some(first) = sentence.get(..1).map(str::to_uppercase) {
            sentence.replace_range(..1, &first);
            sentence.push('.');
        }
        sentence
    }

    /// `it holds of nftables; it does not hold of ipvs`.
    fn lists(&self) -> String {
        let sides =
            [("it holds of", Some(true)), ("it does not hold of", Some(false)), ("the interval allows both of", None)];
        let clause = |(says, holds)| {
            let names = self.without_place(holds);
            (!names.is_empty()).then(|| format!("{says} {}", list(&names)))
        };
        sides.into_iter().filter_map(clause).collect::<Vec<_>>().join("; ")
    }

    /// `it holds in 6 of 36 cases (iptables-nft 1 of 12, nftables 5 of 24); in 11 it does not; in 19 the interval allows both`.
    fn numbers(&self) -> String {
        let [holds, fails, open] = [Some(true), Some(false), None].map(|holds| self.without_place(holds));
        let all = units::counted(self.0.len() as u64, "case");
        let whose = match holds.len() {
            0 => String::new(),
            few if few <= FEW => format!(": {}", list(&holds)),
            _ => format!(" ({})", self.shares()),
        };
        let count = if holds.is_empty() { "none".to_owned() } else { holds.len().to_string() };
        let mut clauses = vec![format!("it holds in {count} of {all}{whose}")];
        let others = [("it does not", fails), ("the interval allows both", open)];
        let others = others.into_iter().filter(|(_, cases)| !cases.is_empty() && cases.len() < self.0.len());
        clauses.extend(others.map(|(says, cases)| format!("in {} {says}", cases.len())));
        clauses.join("; ")
    }

    /// In how many cases of each group it holds: of each variant beside each activity, where these are few, else of each variant.
    fn shares(&self) -> String {
        let placed = self.shares_of(|case| &case.placed);
        let shares = if placed.len() > GROUPS { self.shares_of(|case| &case.variant) } else { placed };
        shares.join(", ")
    }

    fn shares_of(&self, group: fn(&Case) -> &str) -> Vec<String> {
        let mut groups: Vec<&str> = Vec::new();
        self.0.iter().map(group).for_each(|name| {
            if !groups.contains(&name) {
                groups.push(name);
            }
        });
        let share = |name: &str| {
            let own = || self.0.iter().filter(|case| group(case) == name);
            format!("{name} {} of {}", own().filter(|case| case.holds == Some(true)).count(), own().count())
        };
        groups.into_iter().map(share).collect()
    }

    fn without_place(&self, holds: Option<bool>) -> Vec<String> {
        let place = self.place();
        self.names(holds).into_iter().map(|name| name.strip_suffix(place).unwrap_or(name).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn votes(cases: impl IntoIterator<Item = (&'static str, u32, Option<bool>)>) -> Votes {
        let case = |(variant, size, holds): (&str, u32, _)| Case {
            variant: variant.to_owned(),
            placed: format!("{variant} beside churn"),
            name: format!("{variant} beside churn at {size} Services"),
            holds,
        };
        Votes(cases.into_iter().map(case).collect())
    }

    #[test]
    fn few_cases_are_named_and_of_many_it_is_said_how_many() {
        let few = votes([("nftables", 10, Some(true)), ("ipvs", 20, Some(false)), ("ipvs", 30, None)]);
        let said = "It holds of nftables beside churn at 10 Services; it does not hold of ipvs beside churn at 20 Services; \
                    the interval allows both of ipvs beside churn at 30 Services.";
        assert_eq!(few.sentence(), said);
        let sizes = || (1..=6).map(|size| 100 * size);
        let of = |variant, holds: fn(u32) -> Option<bool>| sizes().map(move |size| (variant, size, holds(size)));
        let many =
            votes(of("nftables", |size| Some(size > 300)).chain(of("ipvs", |size| (size > 500).then_some(true))));
        let said = "It holds in 4 of 12 cases (nftables beside churn 3 of 6, ipvs beside churn 1 of 6); in 3 it does not; in 5 the interval allows both.";
        assert_eq!(many.sentence(), said);
        let beside = ["a", "b", "c", "d", "e"].into_iter().flat_map(|what| [10, 20].map(|size| (what, size)));
        let case = |(variant, (what, size)): (&str, (&str, u32))| Case {
            variant: variant.to_owned(),
            placed: format!("{variant} beside {what}"),
            name: format!("{variant} beside {what} at {size} Services"),
            holds: Some(size > 10),
        };
        let groups = Votes(
            ["ipvs", "nftables"]
                .into_iter()
                .flat_map(|one| beside.clone().map(move |two| (one, two)))
                .map(case)
                .collect(),
        );
        let said = "It holds in 10 of 20 cases (ipvs 5 of 10, nftables 5 of 10); in 10 it does not.";
        assert_eq!(groups.sentence(), said);
        let hardly = votes(of("nftables", |size| Some(size > 500)).chain(of("ipvs", |_| Some(false))));
        let said = "It holds in 1 of 12 cases: nftables beside churn at 600 Services; in 11 it does not.";
        assert_eq!(hardly.sentence(), said);
        let none = votes(of("nftables", |_| Some(false)).chain(of("ipvs", |_| Some(false))));
        assert_eq!(none.sentence(), "It holds in none of 12 cases.");
    }

    #[test]
    fn variants_are_all_named() {
        let mut votes = Votes::default();
        for number in 0..10 {
            votes.cast(format!("ipvs with s{number} at 100 Services"), Some(number % 2 == 0));
        }
        assert!(votes.sentence().starts_with("At 100 Services it holds of ipvs with s0, "), "{}", votes.sentence());
    }
}
