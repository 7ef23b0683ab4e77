//! A rule of iptables in one spelling, whoever wrote it.

use super::{Family, option};
use crate::words;
use std::borrow::Cow;

/// A rule without its chain and counters, in one spelling: addresses, interfaces and protocol first, then the matches by
/// name, each with its options, then the target.
///
/// Two rules are equal if the kernel holds the same for both. Options that are not known stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule(Box<str>);

impl Rule {
    /// Its text, which iptables takes as arguments.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The rule in these words, of which none is a chain's name or a counter.
    pub(super) fn read<'a>(words: &'a [Cow<'a, str>], family: Family) -> Self {
        let mut parts = Parts::new(family);
        let mut rest = words.iter().map(AsRef::as_ref).peekable();
        let mut negated = false;
        while let Some(word) = rest.next() {
            if word == "!" {
                negated = true;
                continue;
            }
            let mut values: Vec<&str> = Vec::new();
            let takes_any = |so_far: usize| option::arity(word).is_none_or(|arity| so_far < arity);
            while takes_any(values.len()) {
                let fixed = option::arity(word).is_some();
                match rest.next_if(|next| fixed || !(*next == "!" || next.starts_with('-'))) {
                    Some("!") if values.is_empty() => negated = true,
                    Some(value) => values.push(value),
                    None => break,
                }
            }
            parts.add(negated, word, values);
            negated = false;
        }
        Self(parts.text().into())
    }
}

/// An option of a match or a target.
struct Given<'a> {
    negated: bool,
    name: &'a str,
    values: Vec<Cow<'a, str>>,
}

/// A match or a target, with its options.
struct Extension<'a> {
    name: Cow<'a, str>,
    options: Vec<Given<'a>>,
}

/// What a rule is made of.
struct Parts<'a> {
    family: Family,
    /// Addresses, interfaces, the protocol.
    basics: Vec<Given<'a>>,
    matches: Vec<Extension<'a>>,
    target: Option<(&'a str, Extension<'a>)>,
}

impl<'a> Parts<'a> {
    fn new(family: Family) -> Self {
        Self { family, basics: Vec::with_capacity(3), matches: Vec::with_capacity(3), target: None }
    }

    fn add(&mut self, negated: bool, word: &'a str, values: Vec<&'a str>) {
        let first = values.first().copied().unwrap_or_default();
        let name = option::name(word);
        match name {
            "-m" => self.matches.push(Extension { name: Cow::Borrowed(first), options: Vec::new() }),
            "-j" | "-g" => self.target = Some((name, Extension { name: Cow::Borrowed(first), options: Vec::new() })),
            "-c" | "-4" | "-6" => {}
            _ if option::is_basic(name) => {
                let value = option::basic(name, first);
                if !matches!(value.as_ref(), "all" | "0.0.0.0/0" | "::/0") || negated {
                    self.basics.push(Given { negated, name, values: vec![value] });
                }
            }
            _ => {
                let family = self.family;
                let owner = self.owner(name);
                let values = option::values(&owner.name, name, values, family);
                let (name, values) = option::rewritten(&owner.name, name, values);
                owner.options.push(Given { negated, name, values });
            }
        }
    }

    /// The match or the target that an option belongs to.
    fn owner(&mut self, option: &str) -> &mut Extension<'a> {
        let owners = option::owners(option);
        let known = |extension: &Extension<'a>| owners.contains(&extension.name.as_ref());
        if let Some(place) = self.matches.iter().rposition(known) {
            return &mut self.matches[place];
        }
        if owners.contains(&"tcp") {
            // `-p tcp --dport 80` loads the match by itself.
            let protocol = self.basics.iter().find(|given| given.name == "-p");
            let name = protocol.map_or(Cow::Borrowed("tcp"), |given| given.values[0].clone());
            self.matches.push(Extension { name, options: Vec::new() });
        } else if let Some((_, target)) = &mut self.target {
            return target;
        } else if self.matches.is_empty() {
            self.matches.push(Extension { name: Cow::Borrowed(""), options: Vec::new() });
        }
        self.matches.last_mut().expect("there is one")
    }

    fn text(mut self) -> String {
        let mut out = String::with_capacity(160);
        self.basics.sort_by_key(|given| option::rank(given.name));
        self.basics.iter().for_each(|given| push(&mut out, given));
        self.matches.sort_by(|one, other| one.name.cmp(&other.name));
        for extension in &mut self.matches {
            complete(extension, self.family);
            push_word(&mut out, "-m");
            push_word(&mut out, &extension.name);
            extension.options.iter().for_each(|given| push(&mut out, given));
        }
        if let Some((word, target)) = &mut self.target {
            complete(target, self.family);
            push_word(&mut out, word);
            push_word(&mut out, &target.name);
            target.options.iter().for_each(|given| push(&mut out, given));
        }
        out
    }
}

/// Adds the options that the kernel sets where none is given, and sorts.
fn complete(extension: &mut Extension<'_>, family: Family) {
    for &(name, value) in option::defaults(&extension.name, family) {
        if !extension.options.iter().any(|given| option::excludes(name, given.name)) {
            let values = if value.is_empty() { Vec::new() } else { vec![Cow::Borrowed(value)] };
            extension.options.push(Given { negated: false, name, values });
        }
    }
    extension.options.retain(|given| !option::is_default(&extension.name, given.name, &given.values));
    // What is not known stays in its order.
    let known = |name| if option::owners(name).is_empty() { "" } else { name };
    extension.options.sort_by_key(|given| (option::rank(given.name), known(given.name)));
}

fn push(out: &mut String, given: &Given<'_>) {
    if given.negated {
        push_word(out, "!");
    }
    push_word(out, given.name);
    given.values.iter().for_each(|value| push_word(out, value));
}

fn push_word(out: &mut String, word: &str) {
    if !out.is_empty() {
        out.push(' ');
    }
    words::push(out, word);
}
