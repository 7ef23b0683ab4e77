//! What a request asks for besides its path: its query, and which forms of an answer it accepts.

use crate::status::Refusal;
use hyper::HeaderMap;
use hyper::header::ACCEPT;
use lab_core::foreign::quoted;
use std::time::Duration;

/// The parts of a query, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// # Errors
    /// If something in it is escaped wrongly.
    pub(crate) fn read(text: &str) -> Result<Self, Refusal> {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            Some((decoded(key)?, decoded(value)?))
        };
        let pairs = text.split('&').filter(|part| !part.is_empty()).map(pair).collect::<Option<_>>();
        let pairs =
            pairs.ok_or_else(|| Refusal::bad_request(format!("the query {text} is not escaped as URLs are")))?;
        Ok(Self { pairs })
    }

    /// The value of `key`; `None` if it is not there.
    pub(crate) fn find(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The value of `key`; empty if it is not there.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.find(key).unwrap_or_default()
    }

    /// Whether `key` is there and not false, as the API reads it.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.find(key).is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    /// The number `key`; `None` if it is not there or empty.
    ///
    /// # Errors
    /// If it is no number from 0.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, Refusal> {
        match self.text(key) {
            "" => Ok(None),
            text => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => {
                    Err(Refusal::bad_request(format!("{key}: {text} is not a number from 0", text = quoted(text))))
                }
            },
        }
    }

    /// `timeoutSeconds`; `None` for no limit.
    ///
    /// # Errors
    /// If it is no number from 0.
    pub(crate) fn timeout(&self) -> Result<Option<Duration>, Refusal> {
        Ok(self.number("timeoutSeconds")?.filter(|&seconds| seconds > 0).map(Duration::from_secs))
    }
}

/// `text` without its escapes (`application/x-www-form-urlencoded`); `None` if they are wrong.
fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut decoded) = (text.bytes(), Vec::with_capacity(text.len()));
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
                high << 4 | low
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn digit(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A path's segment without its escapes.
///
/// # Errors
/// If they are wrong.
pub(crate) fn segment(text: &str) -> Result<String, Refusal> {
    // In a path, a plus is a plus.
    decoded(&text.replace('+', "%2B"))
        .ok_or_else(|| Refusal::bad_request(format!("the path has {text} in it, which is not escaped as URLs are")))
}

/// In which form objects are sent, as JSON always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Objects,
    /// As rows of a table, which kubectl prints.
    Table,
}

/// The first form that the client accepts, of those that there are.
///
/// # Errors
/// If it accepts none of them.
pub(crate) fn form(headers: &HeaderMap) -> Result<Form, Refusal> {
    let said: Vec<&str> = headers.get_all(ACCEPT).iter().map(|value| value.to_str().unwrap_or("?")).collect();
    let said = said.join(",");
    let known = |form: &str| {
        let mut parts = form.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let is_json = ["application/json", "application/*", "*/*"].iter().any(|known| name.eq_ignore_ascii_case(known));
        let said = |start: &str| parts.clone().find_map(|part| part.strip_prefix(start));
        match (is_json && said("q=") != Some("0"), said("as="), said("v=")) {
            (true, None, _) => Some(Form::Objects),
            (true, Some("Table"), Some("v1")) => Some(Form::Table),
            _ => None,
        }
    };
    match said.trim() {
        "" => Ok(Form::Objects),
        _ => said.split(',').find_map(known).ok_or_else(|| Refusal::no_form(&said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn a_query_is_decoded() {
        let query = Query::read("labelSelector=%21a%2Fb%2Cc+in+%28d%29&watch=1&limit=&x").unwrap();
        assert_eq!(query.text("labelSelector"), "!a/b,c in (d)");
        assert!(query.is_set("watch") && query.is_set("x") && !query.is_set("y"));
        assert_eq!(query.number("limit"), Ok(None));
        assert_eq!(query.number("watch"), Ok(Some(1)));
        assert!(!Query::read("watch=false").unwrap().is_set("watch"));
    }

    #[test]
    fn what_is_escaped_wrongly_is_refused() {
        for wrong in ["a=%", "a=%4", "a=%zz", "%ff=1", "a=%+1"] {
            assert_eq!(Query::read(wrong).unwrap_err().code, 400, "{wrong}");
        }
        assert_eq!(Query::read("limit=-1").unwrap().number("limit").unwrap_err().code, 400);
        assert_eq!(segment("a+b%2f").unwrap(), "a+b/");
    }

    #[test]
    fn the_first_form_that_is_accepted_is_sent() {
        let asked = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            form(&headers)
        };
        for objects in [
            "",
            "*/*",
            "application/json, */*",
            "application/vnd.kubernetes.protobuf,application/json",
            "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            "application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io,application/json",
            "application/json;stream=watch",
        ] {
            assert_eq!(asked(objects), Ok(Form::Objects), "{objects}");
        }
        let kubectl =
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1,application/json";
        assert_eq!(asked(kubectl), Ok(Form::Table));
        for none in ["application/vnd.kubernetes.protobuf", "application/yaml", "text/html,application/json;q=0"] {
            let refusal = asked(none).unwrap_err();
            assert_eq!(refusal.code, 406);
            assert!(refusal.message.contains("set contentType: application/json"), "{}", refusal.message);
        }
        assert_eq!(form(&HeaderMap::new()), Ok(Form::Objects));
    }
}
