//! Watches: what there is, if it is asked for, and then every event, in order and once.
//!
//! A watch has no queue of its own: it has a place in the store's history, and reads on from there when its client has
//! taken what it got. So a slow client holds a few frames. If it falls so far behind that the history has dropped what it
//! needs, it gets `410 Gone`, as in Kubernetes, and lists again.

use crate::body::{Body, FRAME};
use crate::objects::Object;
use crate::request::{Form, Query};
use crate::resource::{ApiVersion, Resource};
use crate::selector::Selector;
use crate::served::Way;
use crate::site::{Site, Watching};
use crate::status::Refusal;
use crate::store::{Gone, Happened};
use crate::table;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How many frames wait for a client.
const FRAMES: usize = 2;
/// How many events are looked for at a time, so that the store is free in between.
const BATCH: usize = 256;
/// The longest time that a watch may be asked to last: longer ones last as long as the connection.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// With what there is, as `ADDED`.
    Whole {
        /// Whether a bookmark says where that ends.
        is_marked: bool,
    },
    /// With what happened after a version.
    After(u64),
}

/// One client's watch.
struct Watch {
    site: Arc<Site>,
    resource: Resource,
    api: ApiVersion,
    form: Form,
    selector: Selector,
    start: Start,
    way: Way,
    has_bookmarks: bool,
    /// The version up to which all was handed over; `None` until what there is was.
    sent: Option<u64>,
}

/// Why a watch ends early.
enum Ended {
    /// The client is gone.
    Left,
    /// It needs what is no longer kept.
    Gone(u64),
}

impl From<mpsc::error::SendError<Bytes>> for Ended {
    fn from(_: mpsc::error::SendError<Bytes>) -> Self {
        Self::Left
    }
}

/// The events of objects of `resource` that `selector` matches.
///
/// # Errors
/// If the query cannot be read, or asks for a watch that begins with what there is where that is not offered. A version
/// that is no longer kept is an `ERROR` event with the status 410, as in Kubernetes.
pub(crate) fn answer(
    site: &Arc<Site>,
    (resource, api, form): (Resource, ApiVersion, Form),
    selector: Selector,
    query: &Query,
) -> Result<Body, Refusal> {
    let version = query.number("resourceVersion")?.filter(|&version| version > 0);
    let timeout = query.timeout()?.filter(|&timeout| timeout < LONGEST);
    let is_whole = query.is_set("sendInitialEvents");
    let way = if is_whole { Way::WatchList } else { Way::Watch };
    site.ask(resource, way, |asked| asked.watches += 1);
    let start = match (query.find("sendInitialEvents"), version) {
        (Some(_), _) if site.settings.watching == Watching::ListFirst => {
            let message = "sendInitialEvents: forbidden: this server sends no initial events; list, then watch";
            return Err(Refusal::invalid(message.to_owned()));
        }
        (Some(_), _) if query.text("resourceVersionMatch") != "NotOlderThan" => {
            let message = "sendInitialEvents: resourceVersionMatch must be NotOlderThan beside it";
            return Err(Refusal::invalid(message.to_owned()));
        }
        (Some(_), version) if is_whole => {
            let now = site.store().version();
            if let Some(version) = version.filter(|&version| version > now) {
                return Err(Refusal::too_new(version, now));
            }
            Start::Whole { is_marked: true }
        }
        (_, Some(version)) => Start::After(version),
        (Some(_), None) => Start::After(site.store().version()),
        (None, None) => Start::Whole { is_marked: false },
    };
    let has_bookmarks = query.is_set("allowWatchBookmarks");
    let watch = Watch { site: Arc::clone(site), resource, api, form, selector, start, way, has_bookmarks, sent: None };
    let (frames, body) = mpsc::channel(FRAMES);
    tokio::spawn(watch.run(frames, timeout.map(|timeout| Instant::now() + timeout)));
    Ok(Body::Sent(body))
}

impl Watch {
    /// Sends events until the client leaves, or until `deadline`.
    async fn run(mut self, out: mpsc::Sender<Bytes>, deadline: Option<Instant>) {
        let _open = Open::new(&self);
        let ended = match deadline {
            None => Some(self.send(&out).await),
            Some(deadline) => timeout_at(deadline, self.send(&out)).await.ok(),
        };
        let last = match ended {
            Some(Ended::Left) => return,
            Some(Ended::Gone(version)) => self.line("ERROR", &Refusal::gone(self.resource, version).to_json()),
            // Time is up: a client that wants bookmarks learns how far it is, and goes on from there.
            None => match self.sent.filter(|_| self.has_bookmarks) {
                Some(version) => self.bookmark(version, false),
                None => return,
            },
        };
        let _ = out.send(last.into()).await;
    }

    /// Sends events, and never ends but early. Whatever was sent when it is given up is noted.
    async fn send(&mut self, out: &mpsc::Sender<Bytes>) -> Ended {
        match self.events(out).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn events(&mut self, out: &mpsc::Sender<Bytes>) -> Result<std::convert::Infallible, Ended> {
        let mut changed = self.site.store().subscribe(self.resource);
        let mut version = match self.start {
            Start::Whole { is_marked } => self.send_whole(out, is_marked).await?,
            Start::After(version) => version,
        };
        self.sent = Some(version);
        let every = self.site.settings.bookmarks;
        let mut bookmark = Instant::now() + every;
        loop {
            // Seen before it is looked: what comes in between wakes once more.
            changed.mark_unchanged();
            loop {
                let (frame, upto, is_all) = self.batch(version).map_err(|Gone| Ended::Gone(version))?;
                if !frame.is_empty() {
                    out.send(frame.into()).await?;
                }
                version = upto;
                self.sent = Some(version);
                if is_all {
                    break;
                }
            }
            if self.has_bookmarks && Instant::now() >= bookmark {
                out.send(self.bookmark(version, false).into()).await?;
                bookmark = Instant::now() + every;
            }
            tokio::select! {
                _ = changed.changed() => {}
                () = out.closed() => return Err(Ended::Left),
                () = sleep_until(bookmark), if self.has_bookmarks => {}
            }
        }
    }

    /// Sends what there is. Returns the version that it is of.
    async fn send_whole(&self, out: &mpsc::Sender<Bytes>, is_marked: bool) -> Result<u64, Ended> {
        let (page, version) = {
            let store = self.site.store();
            let version = store.version();
            (store.page(self.resource, &self.selector, version, None, usize::MAX), version)
        };
        let page = page.map_err(|Gone| Ended::Gone(version))?;
        let mut frame = Vec::with_capacity(FRAME);
        for kept in page.items {
            self.write(Happened::Added, &kept.object, kept.version, &mut frame);
            if frame.len() >= FRAME {
                out.send(std::mem::replace(&mut frame, Vec::with_capacity(FRAME)).into()).await?;
            }
        }
        if is_marked {
            frame.extend(self.bookmark(version, true));
        }
        if !frame.is_empty() {
            out.send(frame.into()).await?;
        }
        self.site.hand_over(self.resource, self.way);
        Ok(version)
    }

    /// Some events after `version` as a frame, the version up to which these are, and whether that is all for now.
    fn batch(&self, version: u64) -> Result<(Vec<u8>, u64, bool), Gone> {
        let mut found = Vec::new();
        let upto = {
            let store = self.site.store();
            store.events(self.resource, version, |event, version| {
                if let Some((happened, object)) = event.seen(|object| self.selector.matches(object)) {
                    found.push((happened, Arc::clone(object), version));
                }
                found.len() < BATCH
            })?
        };
        let mut frame = Vec::new();
        let is_all = found.len() < BATCH;
        for (happened, object, version) in found {
            self.write(happened, &object, version, &mut frame);
        }
        Ok((frame, upto, is_all))
    }

    fn write(&self, happened: Happened, object: &Object, version: u64, out: &mut Vec<u8>) {
        let kind = match happened {
            Happened::Added => "ADDED",
            Happened::Modified => "MODIFIED",
            Happened::Deleted => "DELETED",
        };
        out.extend_from_slice(b"{\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\",\"object\":");
        match self.form {
            Form::Objects => object.write(self.api, version, out),
            Form::Table => table::whole(object, self.api, version, out),
        }
        out.extend_from_slice(b"}\n");
    }

    /// Says that all up to `version` was sent; `is_end` at the end of what there was at first.
    fn bookmark(&self, version: u64, is_end: bool) -> Vec<u8> {
        let mut metadata = json!({"resourceVersion": version.to_string(), "creationTimestamp": null});
        if is_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let object = json!({
            "kind": self.resource.kind(), "apiVersion": self.resource.api_version(self.api), "metadata": metadata,
        });
        self.line("BOOKMARK", &object)
    }

    fn line(&self, kind: &str, object: &Value) -> Vec<u8> {
        format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n").into_bytes()
    }
}

/// Counts an open watch for as long as it lives.
struct Open {
    site: Arc<Site>,
    resource: Resource,
    way: Way,
}

impl Open {
    fn new(watch: &Watch) -> Self {
        watch.site.ask(watch.resource, watch.way, |asked| asked.open += 1);
        Self { site: Arc::clone(&watch.site), resource: watch.resource, way: watch.way }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.site.ask(self.resource, self.way, |asked| asked.open -= 1);
    }
}
