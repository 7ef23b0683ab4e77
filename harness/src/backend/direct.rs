//! `direct`: no Service. The client connects to an endpoint. All other backends are compared with it.

use super::{Backend, Options};
use crate::tool::Runner;
use anyhow::Result;
use lab_core::cluster::ServicePort;
use lab_core::layout::{Installed, Layout, Tool};
use lab_core::vocabulary::BackendName;
use std::net::SocketAddrV4;
use std::sync::Arc;

pub(super) struct Direct;

impl Backend for Direct {
    fn name(&self) -> BackendName {
        BackendName::Direct
    }
    fn layout(&self, _: &Options) -> Option<Arc<dyn Layout>> {
        None
    }
    fn program(&self, _: Tool) -> &'static str {
        "none"
    }
    fn tools(&self) -> &'static [Tool] {
        &[]
    }
    fn modules(&self) -> &'static [&'static str] {
        &[]
    }
    fn installed(&self, _: &dyn Runner) -> Result<Installed> {
        Ok(Installed::default())
    }
    fn address(&self, service: &ServicePort, attempt: usize) -> SocketAddrV4 {
        service.endpoints[attempt % service.endpoints.len()]
    }
}
