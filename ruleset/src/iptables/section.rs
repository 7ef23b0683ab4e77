//! A listing of `iptables-save` cut into its chains, without a look at their rules.

use super::Tables;
use crate::unreadable::Unreadable;
use std::collections::HashMap;

/// A chain's part of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Section<'a> {
    /// The table.
    pub table: &'a str,
    /// The chain's name.
    pub chain: &'a str,
    /// Its policy as it is printed; `-` for a chain that someone made.
    pub policy: &'a str,
    /// The lines with its rules.
    pub rules: &'a str,
}

/// The chains of `save`, which `iptables-save` printed, in its order.
///
/// # Errors
/// A line that it does not print, or a chain whose rules are not all together.
pub fn sections(save: &str) -> Result<Vec<Section<'_>>, Unreadable> {
    let (mut sections, mut places) = (Vec::new(), HashMap::new());
    let (mut table, mut last) = ("", None);
    let mut start = 0;
    for (number, line) in (1..).zip(save.split_inclusive('\n')) {
        let (from, to) = (start, start + line.len());
        start = to;
        let text = line.trim_end();
        match text.as_bytes() {
            [] | [b'#' | b'C', ..] => {}
            [b'*', ..] => table = &text[1..],
            [b':', ..] => {
                let mut words = text[1..].split(' ');
                let (chain, policy) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                places.insert((table, chain), sections.len());
                sections.push((Section { table, chain, policy, rules: "" }, from, from));
            }
            _ => {
                let rest = text.strip_prefix("-A ");
                let chain = rest.and_then(|rest| rest.split(' ').next());
                let place = chain.and_then(|chain| places.get(&(table, chain)).copied());
                let place = place.ok_or_else(|| Unreadable::new(number, format!("a rule of no chain: {text}")))?;
                let (_, first, end) = &mut sections[place];
                if first == end {
                    *first = from;
                } else if last != Some(place) {
                    return Err(Unreadable::new(number, "the rules of a chain are not together"));
                }
                *end = to;
                last = Some(place);
            }
        }
    }
    Ok(sections.into_iter().map(|(section, from, to)| Section { rules: &save[from..to], ..section }).collect())
}

impl Tables {
    /// Adds the chain of a listing.
    ///
    /// # Errors
    /// A rule that `iptables-save` does not print.
    pub fn add(&mut self, section: &Section<'_>) -> Result<(), Unreadable> {
        let Section { table, chain, policy, rules } = section;
        self.apply(&format!("*{table}\n:{chain} {policy}\n{rules}"))
    }
}
