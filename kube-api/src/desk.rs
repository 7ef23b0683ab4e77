//! Requests that are answered without a socket: what a program that tries many of them asks.

use crate::objects::Objects;
use crate::route;
use crate::site::{Settings, Site};
use crate::store::Store;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::ACCEPT;
use std::io;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// A server without a socket.
#[derive(Debug)]
pub struct Desk {
    site: Arc<Site>,
    runtime: Runtime,
}

impl Desk {
    /// A desk where `objects` are asked for.
    ///
    /// # Errors
    /// If the runtime cannot be made.
    pub fn new(objects: &Objects) -> io::Result<Self> {
        let settings = Settings::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(Self { site: Arc::new(Site::new(Store::new(objects, settings.history), settings)), runtime })
    }

    /// The status of the answer to a request; `None` if HTTP has no such request. What streams is not waited for.
    #[must_use]
    pub fn ask(&self, method: &str, target: &str, accept: &[u8], body: &[u8]) -> Option<u16> {
        let request = Request::builder().method(method).uri(target).header(ACCEPT, accept);
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).ok()?;
        let Ok(answer) = self.runtime.block_on(route::answer(request, &self.site));
        Some(answer.status().as_u16())
    }
}
