//! Lists, whole or in pages (`limit` and `continue`).

use crate::body::{Body, FRAME};
use crate::objects::Key;
use crate::request::{Form, Query};
use crate::resource::{ApiVersion, Resource};
use crate::selector::Selector;
use crate::served::Way;
use crate::site::Site;
use crate::status::Refusal;
use crate::store::{Gone, Kept, Page};
use crate::table;
use data_encoding::BASE64URL_NOPAD;
use hyper::body::Bytes;
use serde_json::json;
use std::sync::Arc;

/// Where a list goes on: the version that all its pages show, and the last object that was sent.
#[derive(Debug, PartialEq, Eq)]
struct Token {
    version: u64,
    last: Key,
}

impl Token {
    fn text(&self) -> String {
        let Self { version, last: (namespace, name) } = self;
        BASE64URL_NOPAD.encode(format!("{version}/{namespace}/{name}").as_bytes())
    }

    fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()?;
        let mut parts = text.splitn(3, '/');
        let version = parts.next()?.parse().ok()?;
        Some(Self { version, last: (parts.next()?.to_owned(), parts.next()?.to_owned()) })
    }
}

/// The objects of `resource` that `selector` matches.
///
/// # Errors
/// If the query cannot be read, or asks for a version that is not kept or still to come.
pub(crate) fn answer(
    site: &Arc<Site>,
    (resource, api, form): (Resource, ApiVersion, Form),
    selector: &Selector,
    query: &Query,
) -> Result<Body, Refusal> {
    site.ask(resource, Way::List, |asked| asked.lists += 1);
    let limit = query.number("limit")?.filter(|&limit| limit > 0);
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let asked = query.number("resourceVersion")?.filter(|&version| version > 0);
    let token = match query.text("continue") {
        "" => None,
        text => Some(Token::read(text).ok_or_else(|| Refusal::bad_request("continue key is not valid".to_owned()))?),
    };
    let (page, version) = {
        let store = site.store();
        let now = store.version();
        let version = match (&token, asked) {
            (Some(_), Some(_)) => {
                let message = "specifying resource version is not allowed when using continue";
                return Err(Refusal::bad_request(message.to_owned()));
            }
            (Some(token), None) if token.version <= now => token.version,
            (Some(token), None) => return Err(Refusal::gone(resource, token.version)),
            (None, Some(version)) if version > now => return Err(Refusal::too_new(version, now)),
            (None, Some(version)) if query.text("resourceVersionMatch") == "Exact" => version,
            // Anything that is not older will do.
            (None, _) => now,
        };
        let after = token.as_ref().map(|token| &token.last);
        let page = store.page(resource, selector, version, after, limit);
        (page.map_err(|Gone| Refusal::gone(resource, version))?, version)
    };
    let Page { items, next, left } = page;
    let mut metadata = json!({"resourceVersion": version.to_string()});
    let is_last = next.is_none();
    if let Some(last) = next {
        metadata["continue"] = Token { version, last }.text().into();
        if !selector.is_narrow() {
            metadata["remainingItemCount"] = left.into();
        }
    }
    let head = match form {
        Form::Table => table::head(resource, &metadata),
        Form::Objects => format!(
            "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[",
            resource.kind(),
            resource.api_version(api),
        ),
    };
    let site = Arc::clone(site);
    let handed_over = move || {
        if is_last {
            site.hand_over(resource, Way::List);
        }
    };
    Ok(Body::Made(frames(head, items, (api, form), handed_over)))
}

/// The frames of a list. `handed_over` is called after the last one.
fn frames(
    head: String,
    items: Vec<Kept>,
    (api, form): (ApiVersion, Form),
    handed_over: impl FnOnce() + Send + 'static,
) -> Box<dyn FnMut() -> Option<Bytes> + Send> {
    let mut items = items.into_iter();
    let mut head = Some(head.into_bytes());
    let mut handed_over = Some(handed_over);
    let mut is_first = true;
    Box::new(move || {
        // Without it, the end was sent.
        handed_over.as_ref()?;
        let mut frame = head.take().unwrap_or_default();
        frame.reserve(FRAME);
        while frame.len() < FRAME {
            let Some(Kept { object, version }) = items.next() else {
                frame.extend_from_slice(b"]}\n");
                if let Some(handed_over) = handed_over.take() {
                    handed_over();
                }
                break;
            };
            if !std::mem::take(&mut is_first) {
                frame.push(b',');
            }
            match form {
                Form::Objects => object.write(api, version, &mut frame),
                Form::Table => table::row(&object, api, version, &mut frame),
            }
        }
        Some(frame.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let token = Token { version: 7, last: ("shop".to_owned(), "cart".to_owned()) };
        assert_eq!(Token::read(&token.text()), Some(token));
        let node = Token { version: u64::MAX, last: (String::new(), "node".to_owned()) };
        assert_eq!(Token::read(&node.text()), Some(node));
        for wrong in ["x", "!", "Lw", &BASE64URL_NOPAD.encode(b"7/shop"), &BASE64URL_NOPAD.encode(b"-1/a/b")] {
            assert_eq!(Token::read(wrong), None, "{wrong}");
        }
    }
}
