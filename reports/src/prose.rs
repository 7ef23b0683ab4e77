//! Numbers of Services and lists as one says them.

use lab_core::units;
use lab_core::vocabulary::{BackendName, Outcome, Word};

/// `1 Service`, `1,000 and 20,000 Services`.
pub(crate) fn services_of(sizes: &[u32]) -> String {
    let counts: Vec<String> = sizes.iter().map(|&size| units::count(size.into())).collect();
    format!("{} {}", list(&counts), if sizes == [1] { "Service" } else { "Services" })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    tied(items, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn either(items: &[String]) -> String {
    tied(items, "or")
}

fn tied(items: &[String], word: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} {word} {last}", most.join(", ")),
    }
}

/// An outcome as one says it: `over budget`.
pub(crate) fn spoken(outcome: Outcome) -> String {
    outcome.name().replace('-', " ")
}

/// Those of `parts` that say something, with `separator` between them.
pub(crate) fn joined<T: AsRef<str>>(parts: impl IntoIterator<Item = T>, separator: &str) -> String {
    let mut text = String::new();
    for part in parts.into_iter().filter(|part| !part.as_ref().is_empty()) {
        text.push_str(if text.is_empty() { "" } else { separator });
        text.push_str(part.as_ref());
    }
    text
}

/// `text` as a sentence begins.
pub(crate) fn capitalise(text: &str) -> String {
    // A backend's name is spelled as it is.
    if BackendName::ALL.iter().any(|backend| text.starts_with(backend.name())) {
        return text.to_owned();
    }
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
