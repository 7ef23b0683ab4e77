//! Field selectors: `spec.clusterIP!=None,metadata.name=web` (`fields.ParseSelector` of apimachinery).

use crate::objects::Object;
use crate::resource::Resource;
use lab_core::foreign::quoted;

/// What one field must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldTerm {
    name: String,
    value: String,
    /// Whether it must be the value, or must not be.
    is_equal: bool,
}

impl FieldTerm {
    pub(super) fn matches(&self, object: &Object) -> bool {
        (object.field(&self.name) == Some(self.value.as_str())) == self.is_equal
    }
}

/// The fields that objects of `resource` can be selected by.
fn known(resource: Resource) -> &'static [&'static str] {
    match resource {
        Resource::Services => &["metadata.name", "metadata.namespace", "spec.clusterIP", "spec.type"],
        Resource::EndpointSlices => &["metadata.name", "metadata.namespace"],
        Resource::Namespaces | Resource::Nodes | Resource::ServiceCidrs => &["metadata.name"],
    }
}

/// # Errors
/// What is wrong, by the term.
pub(super) fn read(resource: Resource, text: &str) -> Result<Vec<FieldTerm>, String> {
    let mut read = Vec::new();
    for term in terms(text).into_iter().filter(|term| !term.is_empty()) {
        let (name, value, is_equal) = match term.split_once('=') {
            Some((name, value)) => match (name.strip_suffix('!'), value.strip_prefix('=')) {
                (Some(name), _) => (name, value, false),
                (None, second) => (name, second.unwrap_or(value), true),
            },
            None => return Err(format!("{term} has no =, == or !=", term = quoted(term))),
        };
        let name = name.trim();
        if !known(resource).contains(&name) {
            let known = known(resource).join(", ");
            return Err(format!("{resource} cannot be selected by {name}; known: {known}", name = quoted(name)));
        }
        read.push(FieldTerm { name: name.to_owned(), value: plain(value)?, is_equal });
    }
    Ok(read)
}

/// The text between commas that have no backslash before them.
fn terms(text: &str) -> Vec<&str> {
    let (mut terms, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (place, letter) in text.char_indices() {
        if letter == ',' && !is_escaped {
            terms.push(&text[start..place]);
            start = place + 1;
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    terms.push(&text[start..]);
    terms
}

/// A value without its backslashes.
fn plain(value: &str) -> Result<String, String> {
    let mut letters = value.chars();
    let mut plain = String::new();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(escaped @ ('\\' | ',' | '=')) => plain.push(escaped),
                _ => {
                    return Err(format!(
                        "{value} has a backslash before something else than \\ , and =",
                        value = quoted(value)
                    ));
                }
            },
            '=' => return Err(format!("{value} has a = without a backslash before it", value = quoted(value))),
            letter => plain.push(letter),
        }
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(name: &str, value: &str, is_equal: bool) -> FieldTerm {
        FieldTerm { name: name.to_owned(), value: value.to_owned(), is_equal }
    }

    #[test]
    fn both_operators_are_read() {
        let read = |text| read(Resource::Services, text).unwrap();
        assert_eq!(read(""), []);
        assert_eq!(read("spec.clusterIP!=None"), [term("spec.clusterIP", "None", false)]);
        let expected = [term("metadata.name", "web", true), term("metadata.namespace", "a,b", true)];
        assert_eq!(read("metadata.name==web,metadata.namespace=a\\,b"), expected);
    }

    #[test]
    fn other_fields_are_refused() {
        for wrong in ["spec.nodeName=a", "metadata.name", "metadata.name=a=b", "metadata.name=a\\b", "metadata.name>1"]
        {
            assert!(read(Resource::Services, wrong).is_err(), "{wrong}");
        }
        let message = read(Resource::Nodes, "spec.clusterIP=None").unwrap_err();
        assert_eq!(message, "nodes cannot be selected by \"spec.clusterIP\"; known: metadata.name");
    }
}
