//! What the YAML library objects to, in words for whoever wrote the document.

use crate::foreign::{quoted, short};
use serde_saphyr::Error;
use serde_saphyr::budget::BudgetBreach;

/// So much is shown of what only the library has words for.
const SHOWN: usize = 200;

/// The line of the library's `error`, where it is known, and what is wrong there.
#[must_use]
pub fn yaml_problem(error: &Error) -> (Option<u64>, String) {
    let line = error.location().map(|location| location.line());
    (line, what(error))
}

fn what(error: &Error) -> String {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => what(error),
        Error::Eof { .. } => "it is empty, or ends too early".to_owned(),
        Error::MultipleDocuments { .. } => "a second document begins here (---); one file has one".to_owned(),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key {} stands in it twice; delete one of them", quoted(key))
        }
        Error::DuplicateMappingKey { key: None, .. } => "a key stands in it twice; delete one of them".to_owned(),
        Error::UnknownAnchor { .. } => "an alias (*name) of which there is no anchor (&name) before it".to_owned(),
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::RecursiveReferencesRequireWeakTypes { .. } => TOO_MANY_ALIASES.to_owned(),
        Error::Budget { breach, .. } => breached(breach).to_owned(),
        Error::NonFiniteFloat { value, .. } => format!("{} is no number that can be used", quoted(value)),
        Error::InvalidUtf8Input => "it is not in UTF-8".to_owned(),
        Error::InvalidBinaryBase64 { .. } | Error::BinaryNotUtf8 { .. } => {
            "a !!binary value that is no text in base64; write the text itself".to_owned()
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } | Error::MergeKeyNotAllowed { .. } => {
            "a merge (<<) takes a mapping; write its keys out".to_owned()
        }
        Error::SerdeInvalidType { .. } | Error::NullIntoString { .. } | Error::Unexpected { .. } => {
            "a key that is no text; a key is a word and a colon".to_owned()
        }
        Error::ExternalMessage { msg, .. } => scanned(msg),
        other => scanned(other.to_string().lines().next().unwrap_or_default()),
    }
}

const TOO_MANY_ALIASES: &str = "its aliases (*name) stand for too much; write out what they stand for";

const TOO_DEEP: &str = "its lists and mappings stand too deep in each other";

fn breached(breach: &BudgetBreach) -> &'static str {
    match breach {
        BudgetBreach::Depth { .. } | BudgetBreach::SequenceUnbalanced => TOO_DEEP,
        BudgetBreach::Aliases { .. }
        | BudgetBreach::Anchors { .. }
        | BudgetBreach::AliasAnchorRatio { .. }
        | BudgetBreach::MergeKeys { .. }
        | BudgetBreach::RecordedAnchorEvents { .. } => TOO_MANY_ALIASES,
        BudgetBreach::Documents { .. } => "there are too many documents (---) in it",
        _ => "there is too much in it: more values than such a file ever has",
    }
}

/// What the library's scanner says of a place, in plainer words where it is met often.
fn scanned(message: &str) -> String {
    const PLAIN: [(&str, &str); 10] = [
        ("recursion limit", TOO_DEEP),
        (
            "mapping values are not allowed",
            "a colon where no key can be; put a text with \": \" in it in quotes, and align keys",
        ),
        ("tab", "a tab where blanks are needed; indent with blanks"),
        ("did not find expected key", "the line is indented otherwise than the keys before it"),
        ("did not find expected '-' indicator", "the line is indented otherwise than the items (-) before it"),
        ("flow sequence", "a list that begins with [ needs commas between its items, and ] at its end"),
        ("flow mapping", "a mapping that begins with { needs commas between its keys, and } at its end"),
        ("quoted scalar", "a text in quotes that does not end, or has an escape (\\) that is none"),
        ("simple key", "a key without a colon"),
        ("invalid indentation", "the line is indented otherwise than those before it"),
    ];
    match PLAIN.iter().find(|(theirs, _)| message.contains(theirs)) {
        Some((_, plain)) => (*plain).to_owned(),
        None => short(message, SHOWN),
    }
}
