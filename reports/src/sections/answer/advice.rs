//! Which backend to take at which size.
//!
//! What is paid again and again decides: a change and a new connection. What a cold start and memory cost is said as the
//! price of that.

use crate::prose::{self, either, list, services_of, spoken};
use crate::report::Point;
use crate::results::cost::Cost;
use crate::results::standing::{ALIKE, Choice, Pick, Standing, choices};
use crate::results::{Results, Row};
use lab_core::metric::Metric;
use lab_core::vocabulary::{BackendName, Outcome, ProbeName};
use lab_core::{reference, units};
use std::collections::{BTreeMap, BTreeSet};

/// The head of the point that gives the reason.
pub(super) const WHY: &str = "Why";

/// How many other ranges of sizes are told of.
const OTHERS: usize = 2;

/// Sizes beside each other at which the same is best, ascending.
struct Range<'a> {
    choices: Vec<&'a Choice>,
}

/// What to take in `run`, and why; none where there is nothing to choose from.
pub(super) fn points(results: &Results, run: usize) -> Vec<Point> {
    let choices = choices(results, run);
    let Some(main) = main(&choices) else { return Vec::new() };
    let ranges = ranges(&choices);
    let Some(of_main) = ranges.iter().position(|range| range.holds(main)) else { return Vec::new() };
    let at = match ranges[of_main].choices.len() {
        1 => String::new(),
        _ => format!("At {}, ", units::count(main.services.into())),
    };
    let mut sentences = vec![prose::capitalise(&format!("{at}{}", told(results, main)))];
    sentences.extend(price(results, run, main));
    // The nearest sizes first: below, then above.
    let others = ranges[..of_main].iter().rev().chain(&ranges[of_main + 1..]);
    sentences.extend(others.take(OTHERS).map(|range| format!("{}.", range.advice())));
    let label = if results.is_several() { format!("{}: ", results.runs.labels()[run]) } else { String::new() };
    let mut points = vec![Point::new(format!("{label}{}.", ranges[of_main].advice()), sentences.join(" "))];
    points.extend(why(results, main).map(|why| Point::new(WHY, why)));
    points
}

/// The size that is spoken of: the largest that Kubernetes supports, else the smallest there is.
fn main(choices: &[Choice]) -> Option<&Choice> {
    let limits = reference::find("kubernetes-limits");
    let supported = limits.and_then(|limits| limits.services.first().copied()).unwrap_or(u32::MAX);
    choices.iter().rfind(|choice| choice.services <= supported).or(choices.first())
}

fn ranges(choices: &[Choice]) -> Vec<Range<'_>> {
    let mut ranges: Vec<Range> = Vec::new();
    for choice in choices {
        match ranges.last_mut().filter(|range| range.is_like(choice)) {
            Some(range) => range.choices.push(choice),
            None => ranges.push(Range { choices: vec![choice] }),
        }
    }
    ranges
}

impl<'a> Range<'a> {
    /// Whether the same is said of `choice`.
    fn is_like(&self, choice: &'a Choice) -> bool {
        let said =
            |choice: &'a Choice| (&choice.best, choice.known, &choice.measured, &choice.unmeasured, &choice.unloaded);
        self.choices.first().is_none_or(|first| said(first) == said(choice))
    }

    fn holds(&self, choice: &Choice) -> bool {
        self.choices.iter().any(|other| other.services == choice.services)
    }

    /// `From 250 to 5,000 Services`.
    fn sizes(&self) -> String {
        match self.choices[..] {
            [only] => format!("At {}", services_of(&[only.services])),
            [first, .., last] => {
                format!("From {} to {}", units::count(first.services.into()), services_of(&[last.services]))
            }
            [] => String::new(),
        }
    }

    /// `From 250 to 5,000 Services, take nftables rather than ipvs; iptables-nft was not measured there: over-budget`.
    fn advice(&self) -> String {
        let Some(first) = self.choices.first() else { return String::new() };
        let mut clauses = vec![self.best(first)];
        clauses.extend(without(&first.unmeasured, "not measured there"));
        clauses.extend(without(&first.unloaded, "not loaded there"));
        if first.known && !first.best.is_empty() && first.advised().is_empty() {
            clauses.push("nothing is recommended".to_owned());
        }
        clauses.join("; ")
    }

    /// What is best at these sizes, and against what.
    fn best(&self, first: &Choice) -> String {
        let best: Vec<String> = first.best.iter().map(Pick::to_string).collect();
        let sizes = self.sizes();
        match best.as_slice() {
            [] => {
                let cheapest: Vec<String> =
                    first.standings.iter().map(|(cost, standing)| cheapest(*cost, standing)).collect();
                format!("{sizes}, it depends: {}", list(&cheapest))
            }
            [only] if !first.known => {
                format!("{sizes}, {only} seems to cost least, but there are too few samples to say: take more rounds")
            }
            several if !first.known => {
                let names = list(several);
                format!("{sizes}, no difference is claimed between {names}: there are too few samples to say")
            }
            [only] => {
                let others = first.measured.difference(&first.best).map(Pick::to_string).collect::<Vec<_>>();
                match first.advised()[..] {
                    [_] => format!("{sizes}, take {only} rather than {}", either(&others)),
                    _ => format!("{sizes}, {only} costs less than {}", list(&others)),
                }
            }
            several => format!("{sizes}, {} cost alike", list(several)),
        }
    }
}

/// `nftables and iptables-nft were not measured there: over-budget`.
fn without(picks: &BTreeMap<Pick, Outcome>, what: &str) -> Vec<String> {
    let mut outcomes: BTreeMap<Outcome, Vec<String>> = BTreeMap::new();
    for (pick, outcome) in picks {
        outcomes.entry(*outcome).or_default().push(pick.to_string());
    }
    let clause = |(outcome, names): (Outcome, Vec<String>)| {
        let were = if names.len() == 1 { "was" } else { "were" };
        format!("{} {were} {what}: {}", list(&names), spoken(outcome))
    };
    outcomes.into_iter().map(clause).collect()
}

/// `a change costs least with nftables`.
fn cheapest(cost: Cost, standing: &Standing) -> String {
    let names: Vec<String> = standing.best().iter().map(Pick::to_string).collect();
    format!("{} costs least with {}", cost.noun(), list(&names))
}

/// `a change costs 84.6 ms and a new connection 36.5 µs; iptables-legacy needs 2.65× and 1.90× as much.`
fn told(results: &Results, main: &Choice) -> String {
    let mut values: Vec<String> = Vec::new();
    for (cost, standing) in &main.standings {
        let (Some(low), Some(high)) = (standing.least.first(), standing.least.last()) else { continue };
        let value = results.span(cost.metric(), low.figures.p50, high.figures.p50);
        let costs = if values.is_empty() { " costs" } else { "" };
        values.push(format!("{}{costs} {value}", cost.noun()));
    }
    let others: Vec<String> = others(main).into_iter().filter_map(|pick| needs(results, main, pick)).collect();
    let others = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
    let absent: BTreeSet<String> = main
        .standings
        .iter()
        .flat_map(|(cost, standing)| standing.absent.iter().map(move |absent| (cost, absent)))
        // That of another was not measured at all is said before.
        .filter(|(_, (_, pick, _))| main.measured.contains(pick))
        .map(|(cost, (_, pick, outcome))| {
            format!("; {} with {pick} was not measured: {}", cost.noun(), spoken(*outcome))
        })
        .collect();
    format!("{}{others}{}.", list(&values), absent.into_iter().collect::<String>())
}

/// The backends that cost more by any of the costs, in the order of tables.
fn others(main: &Choice) -> BTreeSet<Pick> {
    let more = main.standings.iter().flat_map(|(_, standing)| &standing.more);
    more.map(|entry| entry.pick).collect()
}

/// `iptables-legacy needs 2.65× and 1.90× as much`, `ipvs 1.90× as much for a change`.
fn needs(results: &Results, main: &Choice, pick: Pick) -> Option<String> {
    let mut multiples: Vec<(Cost, String)> = Vec::new();
    // The name that says more: a way says nothing of a connection.
    let mut name = pick.to_string();
    for (cost, standing) in &main.standings {
        let Some(entry) = standing.more.iter().find(|entry| entry.pick == pick) else { continue };
        let of_cost = results.backend(entry.variant, cost.probe());
        name = if of_cost.len() > name.len() { of_cost } else { name };
        let doubt = if entry.known { "" } else { " (too few samples)" };
        let much = match entry.ratio {
            Some(ratio) => units::ratio(ratio),
            None => results.human(cost.metric(), entry.figures.p50),
        };
        multiples.push((*cost, format!("{much}{doubt}")));
    }
    match multiples.as_slice() {
        [] => None,
        all if all.len() == main.standings.len() => {
            let all: Vec<String> = all.iter().map(|(_, much)| much.clone()).collect();
            Some(format!("{name} needs {} as much", list(&all)))
        }
        some => {
            let some: Vec<String> =
                some.iter().map(|(cost, much)| format!("{much} as much for {}", cost.noun())).collect();
            Some(format!("{name} needs {}", list(&some)))
        }
    }
}

/// What else the best pay at that size: what tells them apart, or where another pays less: `Its price: a cold start costs
/// 11.8 s, where iptables-legacy needs 364 ms.`
fn price(results: &Results, run: usize, main: &Choice) -> Option<String> {
    if !main.known || main.best.is_empty() {
        return None;
    }
    let price = if main.best.len() == 1 { alone } else { apart };
    let prices: Vec<String> = [Cost::ColdStart, Cost::Memory]
        .into_iter()
        .filter_map(|cost| price(results, main, cost, &Standing::of(results, run, cost, main.services)?))
        .collect();
    let head = if main.best.len() == 1 { "Its price" } else { "What tells them apart" };
    (!prices.is_empty()).then(|| format!("{head}: {}.", prices.join("; ")))
}

/// `a cold start costs 11.8 s, where iptables-legacy needs 364 ms`; `None` where the best is the cheapest in this, too.
fn alone(results: &Results, main: &Choice, cost: Cost, standing: &Standing) -> Option<String> {
    let is_best = |pick: &Pick| main.best.contains(pick);
    if let Some((.., outcome)) = standing.absent.iter().find(|(_, pick, _)| is_best(pick)) {
        return Some(format!("{} was not measured there: {}", cost.noun(), spoken(*outcome)));
    }
    let entry = standing.more.iter().find(|entry| is_best(&entry.pick))?;
    let cheapest = standing.least.first()?;
    Some(format!(
        "{} costs {}{}, where {} needs {}",
        cost.noun(),
        results.human(cost.metric(), entry.figures.p50),
        if entry.known { "" } else { " (too few samples)" },
        results.backend(cheapest.variant, cost.probe()),
        results.human(cost.metric(), cheapest.figures.p50),
    ))
}

/// `a cold start costs 37.8 ms with nftables, with ipvs 6.52× as much`; `None` where it does not tell the best apart.
fn apart(results: &Results, main: &Choice, cost: Cost, standing: &Standing) -> Option<String> {
    let is_best = |pick: &Pick| main.best.contains(pick);
    let mut best = standing.measured().filter(|entry| is_best(&entry.pick));
    let cheapest = best.next()?;
    let others = best.filter(|entry| results.differ(&cheapest.figures, &entry.figures));
    let mut clauses: Vec<String> = others
        .filter(|entry| cheapest.figures.p50 > 0.0 && entry.figures.p50 >= ALIKE * cheapest.figures.p50)
        .map(|entry| {
            let name = results.backend(entry.variant, cost.probe());
            format!("with {name} {} as much", units::ratio(entry.figures.p50 / cheapest.figures.p50))
        })
        .collect();
    let absent = standing.absent.iter().filter(|(_, pick, _)| is_best(pick));
    clauses.extend(absent.map(|(variant, _, outcome)| {
        format!("with {} it was not measured: {}", results.backend(*variant, cost.probe()), spoken(*outcome))
    }));
    (!clauses.is_empty()).then(|| {
        let value = results.human(cost.metric(), cheapest.figures.p50);
        let name = results.backend(cheapest.variant, cost.probe());
        format!("{} costs {value} with {name}, {}", cost.noun(), clauses.join(", "))
    })
}

/// How it comes, where what is known of the backends and what was measured agree.
fn why(results: &Results, main: &Choice) -> Option<String> {
    use BackendName::{IptablesLegacy, IptablesNft, Ipvs, Nftables};
    let costs_more = |cost: Cost, backend: BackendName| {
        let standing = main.standings.iter().find(|(other, _)| *other == cost).map(|(_, standing)| standing);
        standing
            .is_some_and(|standing| standing.more.iter().any(|entry| entry.known && entry.variant.backend == backend))
    };
    let is_best = |backend| main.best.iter().any(|pick| pick.backend == backend);
    let mut reasons = Vec::new();
    if costs_more(Cost::Connection, IptablesLegacy) || costs_more(Cost::Connection, IptablesNft) {
        let looked_up = match (is_best(Nftables), is_best(Ipvs)) {
            (true, true) => "nftables looks it up in a map and IPVS in a hash table",
            (true, false) => "nftables looks it up in a map",
            (false, true) => "IPVS looks it up in a hash table",
            (false, false) => "",
        };
        if !looked_up.is_empty() {
            reasons.push(format!(
                "The first packet of a connection is tried against iptables' rules one after the other, up to those of its \
                 Service; {looked_up}, however many Services there are."
            ));
        }
    }
    if costs_more(Cost::Change, IptablesLegacy) {
        reasons.push("iptables-legacy reads and rewrites its whole table for every change.".to_owned());
    }
    if costs_more(Cost::Change, Nftables) && reads_most(results, main.services, Nftables) {
        reasons.push("In nftables mode, kube-proxy lists its whole table before every change.".to_owned());
    }
    (!reasons.is_empty()).then(|| reasons.join(" "))
}

/// Whether most of a change of `backend` at this size is what it reads before it writes.
fn reads_most(results: &Results, services: u32, backend: BackendName) -> bool {
    let of = |metric: Metric| {
        let here = |row: &&Row| {
            let cell = &row.cell;
            (cell.probe, cell.variant.backend, cell.cluster.services) == (ProbeName::SyncChange, backend, services)
        };
        let mut rows = results.rows.iter().filter(here).filter(|row| row.metric == metric);
        rows.find_map(|row| row.figures.map(|figures| figures.p50))
    };
    let (whole, read) = (of(Metric::SyncChange), of(Metric::SyncRead));
    read.zip(whole).is_some_and(|(read, whole)| read > whole / 2.0)
}
