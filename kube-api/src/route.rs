//! From a request to its answer: which path leads where, and what of it is refused.

use crate::body::Body;
use crate::discovery::{self, Group, Sink};
use crate::objects::Key;
use crate::request::{Form, Query, form, segment};
use crate::resource::{ApiVersion, Resource};
use crate::selector::Selector;
use crate::site::Site;
use crate::status::Refusal;
use crate::{list, table, watch};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Bytes};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

/// The most bytes that a client may post: as many as the API server of Kubernetes takes.
const MOST_BYTES: usize = 3 << 20;
/// JSON, as an answer's type.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Where a path leads.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// The server is well, it says in plain text.
    Health,
    /// What the server is or has.
    Document(Value),
    /// All objects, or those of a namespace.
    Many { resource: Resource, api: ApiVersion, namespace: Option<String> },
    /// One object.
    One { resource: Resource, api: ApiVersion, key: Key },
    /// What is accepted and dropped; one object of it if it has a name.
    Sink { sink: Sink, group: Group, name: Option<String> },
}

/// Answers `request`. A refusal is an answer, too, and is noted.
pub(crate) async fn answer<B>(request: Request<B>, site: &Arc<Site>) -> Result<Response<Body>, Infallible>
where
    B: HttpBody<Data = Bytes>,
{
    site.served().requests += 1;
    let asked = format!("{} {}", request.method(), request.uri());
    let answer = respond(request, site).await;
    Ok(answer.unwrap_or_else(|refusal| {
        site.served().refuse(refusal.code, asked, refusal.message.clone(), Instant::now());
        let code = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = response(code, JSON, Body::whole(refusal.to_json().to_string()));
        if code == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }))
}

async fn respond<B>(request: Request<B>, site: &Arc<Site>) -> Result<Response<Body>, Refusal>
where
    B: HttpBody<Data = Bytes>,
{
    let place = place(request.uri().path())?;
    if let Place::Sink { sink, group, name } = place {
        return drop_into(sink, group, name, request, site).await;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Refusal::read_only(request.method().as_str()));
    }
    if place == Place::Health {
        return Ok(response(StatusCode::OK, HeaderValue::from_static("text/plain; charset=utf-8"), Body::whole("ok")));
    }
    let form = form(request.headers())?;
    let query = Query::read(request.uri().query().unwrap_or_default())?;
    let body = match place {
        Place::Document(document) => Body::whole(document.to_string()),
        Place::Many { resource, api, namespace } => {
            let (labels, fields) = (query.text("labelSelector"), query.text("fieldSelector"));
            let selector =
                Selector::read(resource, namespace.as_deref(), labels, fields).map_err(Refusal::bad_request)?;
            if query.is_set("watch") {
                watch::answer(site, (resource, api, form), selector, &query)?
            } else {
                list::answer(site, (resource, api, form), &selector, &query)?
            }
        }
        Place::One { resource, api, key } => {
            let mut json = Vec::new();
            let store = site.store();
            let Some(kept) = store.get(resource, &key) else {
                return Err(Refusal::no_object(resource.name(), resource.group(), &key.1));
            };
            match form {
                Form::Objects => kept.object.write(api, kept.version, &mut json),
                Form::Table => table::whole(&kept.object, api, kept.version, &mut json),
            }
            Body::whole(json)
        }
        Place::Health | Place::Sink { .. } => return Err(Refusal::no_path()),
    };
    Ok(response(StatusCode::OK, JSON, body))
}

/// Accepts what a client writes, and forgets it. What it wrote is the answer, as if it had been stored.
async fn drop_into<B>(
    sink: Sink,
    group: Group,
    name: Option<String>,
    request: Request<B>,
    site: &Arc<Site>,
) -> Result<Response<Body>, Refusal>
where
    B: HttpBody<Data = Bytes>,
{
    let method = request.method().clone();
    let code = match (&method, &name) {
        (&Method::GET | &Method::HEAD, Some(name)) => return Err(Refusal::no_object(sink.name(), group.name, name)),
        (&Method::GET | &Method::HEAD, None) => {
            form(request.headers())?;
            if Query::read(request.uri().query().unwrap_or_default())?.is_set("watch") {
                return Err(Refusal::read_only("a watch of what is dropped"));
            }
            let none = json!({
                "kind": format!("{}List", sink.kind()), "apiVersion": group.api_version(),
                "metadata": {"resourceVersion": site.store().version().to_string()}, "items": [],
            });
            return Ok(response(StatusCode::OK, JSON, Body::whole(none.to_string())));
        }
        (&Method::DELETE, _) => {
            let done = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"});
            return Ok(response(StatusCode::OK, JSON, Body::whole(done.to_string())));
        }
        (&Method::POST, None) => StatusCode::CREATED,
        (&Method::PUT | &Method::PATCH, Some(_)) => StatusCode::OK,
        (method, _) => return Err(Refusal::read_only(method.as_str())),
    };
    let written_in = request.headers().get(CONTENT_TYPE).cloned().unwrap_or(JSON);
    let written = read(request.into_body()).await?;
    site.served().dropped += 1;
    Ok(response(code, written_in, Body::whole(written)))
}

/// All that a client wrote. Too much is read to its end, too, or the client would not get to the answer; it is not kept.
async fn read<B: HttpBody<Data = Bytes>>(body: B) -> Result<Vec<u8>, Refusal> {
    let mut body = std::pin::pin!(body);
    let (mut written, mut bytes) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err(Refusal::bad_request("the body of the request broke off".to_owned())) };
        let Ok(data) = frame.into_data() else { continue };
        bytes += data.len();
        if bytes <= MOST_BYTES {
            written.extend_from_slice(&data);
        }
    }
    if bytes > MOST_BYTES { Err(Refusal::too_large(bytes, MOST_BYTES)) } else { Ok(written) }
}

fn response(code: StatusCode, kind: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Where `path` leads.
fn place(path: &str) -> Result<Place, Refusal> {
    let segments = path.split('/').filter(|part| !part.is_empty()).map(segment).collect::<Result<Vec<_>, _>>()?;
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let found = match &segments[..] {
        ["healthz" | "livez" | "readyz", ..] => Some(Place::Health),
        ["version"] => Some(Place::Document(discovery::version())),
        ["api"] => Some(Place::Document(discovery::core())),
        ["apis"] => Some(Place::Document(discovery::groups())),
        ["apis", group] => discovery::one_group(group).map(Place::Document),
        ["api", version, rest @ ..] => Group::find("", version).and_then(|group| in_group(group, rest)),
        // The core group is not among these.
        ["apis", group, version, rest @ ..] => {
            Group::find(group, version).filter(|group| !group.name.is_empty()).and_then(|group| in_group(group, rest))
        }
        _ => None,
    };
    found.ok_or_else(Refusal::no_path)
}

/// Where the rest of a path leads within `group`.
fn in_group(group: Group, rest: &[&str]) -> Option<Place> {
    let resource = |name: &str| group.resources.iter().copied().find(|resource| resource.name() == name);
    let sink = |name: &str| group.sink.filter(|sink| sink.name() == name);
    let api = group.api;
    match *rest {
        [] => Some(Place::Document(group.document())),
        [name] if sink(name).is_some() => Some(Place::Sink { sink: sink(name)?, group, name: None }),
        [name] => Some(Place::Many { resource: resource(name)?, api, namespace: None }),
        ["namespaces", _, name] if sink(name).is_some() => Some(Place::Sink { sink: sink(name)?, group, name: None }),
        ["namespaces", _, name, one] if sink(name).is_some() => {
            Some(Place::Sink { sink: sink(name)?, group, name: Some(one.to_owned()) })
        }
        ["namespaces", namespace, name] => {
            let resource = resource(name).filter(|resource| resource.is_namespaced())?;
            Some(Place::Many { resource, api, namespace: Some(namespace.to_owned()) })
        }
        ["namespaces", namespace, name, one] => {
            let resource = resource(name).filter(|resource| resource.is_namespaced())?;
            Some(Place::One { resource, api, key: (namespace.to_owned(), one.to_owned()) })
        }
        [name, one] => {
            let resource = resource(name).filter(|resource| !resource.is_namespaced())?;
            Some(Place::One { resource, api, key: (String::new(), one.to_owned()) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_those_of_kubernetes_lead() {
        let many = |resource, api, namespace: Option<&str>| Place::Many {
            resource,
            api,
            namespace: namespace.map(str::to_owned),
        };
        let one = |resource, namespace: &str, name: &str| Place::One {
            resource,
            api: ApiVersion::V1,
            key: (namespace.to_owned(), name.to_owned()),
        };
        let slices = Resource::EndpointSlices;
        for (path, expected) in [
            ("/api/v1/nodes", many(Resource::Nodes, ApiVersion::V1, None)),
            ("/api/v1/nodes/node-a", one(Resource::Nodes, "", "node-a")),
            ("/api/v1/services/", many(Resource::Services, ApiVersion::V1, None)),
            ("/api/v1/namespaces", many(Resource::Namespaces, ApiVersion::V1, None)),
            ("/api/v1/namespaces/shop", one(Resource::Namespaces, "", "shop")),
            ("/api/v1/namespaces/shop/services", many(Resource::Services, ApiVersion::V1, Some("shop"))),
            ("/api/v1/namespaces/shop/services/a%2Db", one(Resource::Services, "shop", "a-b")),
            ("/apis/discovery.k8s.io/v1beta1/endpointslices", many(slices, ApiVersion::V1Beta1, None)),
            ("/livez/ping", Place::Health),
        ] {
            assert_eq!(place(path).unwrap(), expected, "{path}");
        }
        for (path, kind) in [("/api", "APIVersions"), ("/apis", "APIGroupList"), ("/api/v1", "APIResourceList")] {
            assert!(matches!(place(path).unwrap(), Place::Document(document) if document["kind"] == kind), "{path}");
        }
        let events = place("/apis/events.k8s.io/v1/namespaces/default/events").unwrap();
        assert!(matches!(events, Place::Sink { sink: Sink::Events, name: None, .. }));
    }

    proptest::proptest! {
        #[test]
        fn no_request_makes_it_panic(path in "(/|[a-z]{0,3}|%|namespaces|services|v1|apis?){0,12}", query in "[ -~ä]{0,60}") {
            let place = place(&path);
            if let (Ok(Place::Many { resource, .. }), Ok(read)) = (&place, Query::read(&query)) {
                let _ = Selector::read(*resource, None, read.text("labelSelector"), read.text("fieldSelector"));
            }
            let _ = Selector::read(Resource::Services, None, &query, "");
            let _ = Selector::read(Resource::Services, None, "", &query);
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "/",
            "/apis/x",
            "/api/v2",
            "/apis//v1",
            "/api/v1/pods",
            "/api/v1/services/web",
            "/openapi/v3",
            "/apis/apps/v1",
            "/api/v1/namespaces/shop/nodes",
            "/api/v1/namespaces/shop/services/web/status",
            "/apis/discovery.k8s.io/v1/nodes",
        ] {
            assert_eq!(place(path).unwrap_err().code, 404, "{path}");
        }
        assert_eq!(place("/api/v1/nodes/%zz").unwrap_err().code, 400);
    }
}
