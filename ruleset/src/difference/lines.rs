//! What two lists of rules or elements differ in.

use super::{Line, Object, What};
use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};

/// A line and its place, from 1.
type Placed<'a> = (usize, Line<'a>);

/// What two chains differ in: what is missing, what is too much, and what is elsewhere among the rest.
pub(super) fn ordered(expected: &[Line<'_>], found: &[Line<'_>]) -> Vec<What> {
    let start = expected.iter().zip(found).take_while(|(one, other)| one == other).count();
    let ends = expected[start..].iter().rev().zip(found[start..].iter().rev());
    let end = ends.take_while(|(one, other)| one == other).count();
    let place = |lines: &[Line<'_>]| start + 1..lines.len() - end + 1;
    let expected = place(expected).zip(expected[start..].iter().copied());
    let found = place(found).zip(found[start..].iter().copied());
    let (missing, unexpected, common) = split(expected.collect(), found.collect());
    let mut what = pair(missing, unexpected);
    let moved = common.into_iter().filter(|(one, other)| one.1 != other.1);
    let moved: Vec<_> = moved.collect();
    let places: HashMap<Line<'_>, usize> = moved.iter().map(|&((place, line), _)| (line, place)).collect();
    what.extend(moved.iter().map(|&(_, (found, line))| What::Moved {
        line: text(line),
        found,
        expected: places.get(&line).copied().unwrap_or(found),
    }));
    what
}

/// What two chains differ in where their order is left to chance, but for the jump to the node ports at the end.
pub(super) fn loose(expected: &Object<'_>, found: &Object<'_>) -> Vec<What> {
    let ((mut expected, expected_last), (mut found, found_last)) = (without_last(expected), without_last(found));
    expected.sort_unstable();
    found.sort_unstable();
    let mut what = unordered(&expected, &found);
    what.extend(ordered(&expected_last, &found_last));
    what
}

/// The rules of a chain without the jump to the node ports at the end, and that jump.
fn without_last<'a>(object: &Object<'a>) -> (Vec<Line<'a>>, Vec<Line<'a>>) {
    match object.lines.split_last() {
        Some((last, rest)) if object.name == "KUBE-SERVICES" && last.0.contains("--dst-type LOCAL -j KUBE-NODE") => {
            (rest.to_vec(), vec![*last])
        }
        _ => (object.lines.clone(), Vec::new()),
    }
}

/// What two sorted lists of elements differ in.
pub(super) fn unordered(expected: &[Line<'_>], found: &[Line<'_>]) -> Vec<What> {
    let (mut expected, mut found) = (expected.iter().peekable(), found.iter().peekable());
    let mut what = Vec::new();
    loop {
        let order = match (expected.peek(), found.peek()) {
            (None, None) => return what,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) if one.0 == other.0 && !one.1.is_empty() && !other.1.is_empty() => Ordering::Equal,
            (Some(one), Some(other)) => one.cmp(other),
        };
        let one = if order.is_le() { expected.next() } else { None };
        let other = if order.is_ge() { found.next() } else { None };
        match (one, other) {
            (Some(one), Some(other)) if one == other => {}
            (Some(&one), Some(&other)) => {
                what.push(What::Other { place: None, found: text(other), expected: text(one) });
            }
            (Some(&one), None) => what.push(What::Missing { place: None, line: text(one) }),
            (_, other) => what.extend(other.map(|&line| What::Unexpected { place: None, line: text(line) })),
        }
    }
}

/// What is only expected, what is only found, and what both have, side by side in the order of each.
fn split<'a>(
    expected: Vec<Placed<'a>>,
    found: Vec<Placed<'a>>,
) -> (Vec<Placed<'a>>, Vec<Placed<'a>>, Vec<(Placed<'a>, Placed<'a>)>) {
    let mut counts: HashMap<Line<'a>, usize> = HashMap::new();
    for &(_, line) in &expected {
        *counts.entry(line).or_default() += 1;
    }
    let mut take = |&(_, line): &Placed<'a>| match counts.get_mut(&line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    };
    let (common_found, unexpected): (Vec<_>, Vec<_>) = found.into_iter().partition(&mut take);
    // What is left in the counts was not found; of equal rules, the last ones.
    let (mut missing, mut common): (Vec<_>, Vec<_>) = expected.into_iter().rev().partition(take);
    missing.reverse();
    common.reverse();
    (missing, unexpected, common.into_iter().zip(common_found).collect())
}

/// What is missing and what is too much; both at one place are one thing.
fn pair(missing: Vec<Placed<'_>>, unexpected: Vec<Placed<'_>>) -> Vec<What> {
    let mut unexpected = VecDeque::from(unexpected);
    let mut what = Vec::with_capacity(missing.len() + unexpected.len());
    for (place, line) in missing {
        while let Some((other, found)) = unexpected.pop_front_if(|(other, _)| *other < place) {
            what.push(What::Unexpected { place: Some(other), line: text(found) });
        }
        let place = Some(place);
        what.push(match unexpected.pop_front_if(|(other, _)| Some(*other) == place) {
            Some((_, found)) => What::Other { place, found: text(found), expected: text(line) },
            None => What::Missing { place, line: text(line) },
        });
    }
    what.extend(unexpected.into_iter().map(|(place, line)| What::Unexpected { place: Some(place), line: text(line) }));
    what
}

/// A line as it is shown.
fn text((key, rest): Line<'_>) -> String {
    if rest.is_empty() { key.to_owned() } else { format!("{key} {rest}") }
}
