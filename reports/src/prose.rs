//! Numbers of Services and lists as one says them.

use lab_core::units;
use lab_core::vocabulary::{BackendName, Word};

/// `1 Service`, `1,000 and 20,000 Services`.
pub(crate) fn services_of(sizes: &[u32]) -> String {
    let counts: Vec<String> = sizes.iter().map(|&size| units::count(size.into())).collect();
    format!("{} {}", list(&counts), if sizes == [1] { "Service" } else { "Services" })
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
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
