//! Label selectors: `app=web,tier in (a,b),!headless` (`labels.Parse` of apimachinery).

use lab_core::foreign::quoted;
use std::collections::BTreeMap;

/// What one label must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LabelTerm {
    /// It is there.
    Exists(String),
    /// It is not there.
    Missing(String),
    /// It is there, and one of these.
    In(String, Vec<String>),
    /// It is none of these, or not there.
    NotIn(String, Vec<String>),
}

impl LabelTerm {
    pub(super) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::Exists(key) => labels.contains_key(key),
            Self::Missing(key) => !labels.contains_key(key),
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
        }
    }
}

/// # Errors
/// What is wrong, by the term.
pub(super) fn read(text: &str) -> Result<Vec<LabelTerm>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    terms(text)?.into_iter().map(term).collect()
}

/// The text between commas that are not in brackets.
fn terms(text: &str) -> Result<Vec<&str>, String> {
    let (mut terms, mut start, mut depth) = (Vec::new(), 0, 0_u32);
    for (place, letter) in text.char_indices() {
        match letter {
            '(' if depth == 0 => depth = 1,
            ')' if depth == 1 => depth = 0,
            '(' | ')' => return Err(format!("its brackets do not match: {text}")),
            ',' if depth == 0 => {
                terms.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err(format!("its brackets do not match: {text}"));
    }
    terms.push(&text[start..]);
    Ok(terms)
}

fn term(text: &str) -> Result<LabelTerm, String> {
    let text = text.trim();
    if let Some(name) = text.strip_prefix('!') {
        return Ok(LabelTerm::Missing(key(name)?));
    }
    if let Some((before, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let values = values.split(',').map(value).collect::<Result<_, _>>()?;
        let (name, operator) = before.trim().rsplit_once(char::is_whitespace).unwrap_or(("", before));
        return match operator {
            "in" => Ok(LabelTerm::In(key(name)?, values)),
            "notin" => Ok(LabelTerm::NotIn(key(name)?, values)),
            _ => {
                Err(format!("{operator} is no operator before brackets; known: in, notin", operator = quoted(operator)))
            }
        };
    }
    if let Some((name, wrong)) = text.split_once("!=") {
        return Ok(LabelTerm::NotIn(key(name)?, vec![value(wrong)?]));
    }
    if let Some((name, right)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(LabelTerm::In(key(name)?, vec![value(right)?]));
    }
    Ok(LabelTerm::Exists(key(text)?))
}

/// A label's name: a prefix and a slash may be before it.
fn key(text: &str) -> Result<String, String> {
    let text = text.trim();
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/');
    if text.is_empty() || !text.chars().all(allowed) {
        return Err(format!("{text} is not a label's name", text = quoted(text)));
    }
    Ok(text.to_owned())
}

fn value(text: &str) -> Result<String, String> {
    let text = text.trim();
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if !text.chars().all(allowed) {
        return Err(format!("{text} is not a label's value", text = quoted(text)));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        read(selector).unwrap().iter().all(|term| term.matches(&labels))
    }

    #[test]
    fn every_operator_does_what_kubernetes_does() {
        let web = [("app", "web"), ("example.com/tier", "a")];
        for yes in [
            "",
            "app",
            "app=web",
            "app == web",
            "app!=db",
            "other!=web",
            "!other",
            " ! other , app ",
            "app in (db, web)",
            "app notin (db,cache),example.com/tier=a",
            "other notin (x)",
            "!service.kubernetes.io/service-proxy-name,!service.kubernetes.io/headless",
        ] {
            assert!(matches(yes, &web), "{yes}");
        }
        for no in
            ["other", "!app", "app=db", "app!=web", "app in (db)", "app notin (web)", "other in (x)", "app=", "app,x"]
        {
            assert!(!matches(no, &web), "{no}");
        }
        assert!(matches("app=", &[("app", "")]));
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for wrong in
            ["app in (a", "app in a)", "a=b=c", "=a", "!", "a,,b", "app>1", "app like (a)", "in (a)", "a b", ","]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
