//! Refusals: what a client did not get, as the API's `Status` object.

use crate::resource::Resource;
use lab_core::foreign::quoted;
use serde_json::{Value, json};

/// Why a request is not answered as it asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) code: u16,
    /// Kubernetes' word for it, which clients branch on.
    reason: &'static str,
    pub(crate) message: String,
    /// What else clients look at.
    details: Value,
}

impl Refusal {
    fn new(code: u16, reason: &'static str, message: String) -> Self {
        Self { code, reason, message, details: Value::Null }
    }

    /// The path leads nowhere.
    pub(crate) fn no_path() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource".to_owned())
    }

    /// There is no such object.
    pub(crate) fn no_object(resource: &str, group: &str, name: &str) -> Self {
        let called = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let details = json!({"name": name, "group": group, "kind": resource});
        Self { details, ..Self::new(404, "NotFound", format!("{called} {name} not found", name = quoted(name))) }
    }

    /// Nothing can be written here.
    pub(crate) fn read_only(method: &str) -> Self {
        let message =
            format!("{method} is not allowed: svclab's API server serves the lab's cluster, and takes no changes");
        Self::new(405, "MethodNotAllowed", message)
    }

    /// The client takes none of the forms that there are.
    pub(crate) fn no_form(accepted: &str) -> Self {
        let message = format!(
            "only application/json is to be had here, and the client accepts only: {accepted}; for kube-proxy, set \
             contentType: application/json under clientConnection in its configuration"
        );
        Self::new(406, "NotAcceptable", message)
    }

    /// The request cannot be understood.
    pub(crate) fn bad_request(message: String) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// The request is understood, but asks for what is not offered, or not so.
    pub(crate) fn invalid(message: String) -> Self {
        Self::new(422, "Invalid", message)
    }

    /// The body of a request is too large.
    pub(crate) fn too_large(bytes: usize, most: usize) -> Self {
        let message = format!("the body of the request has {bytes} bytes; at most {most} are read");
        Self::new(413, "RequestEntityTooLarge", message)
    }

    /// The version is too old, or another server's: the client lists again.
    pub(crate) fn gone(resource: Resource, version: u64) -> Self {
        let message = format!(
            "the resourceVersion {version} of {resource} is too old, or another server's: list them again without it"
        );
        Self::new(410, "Expired", message)
    }

    /// The version is still to come. Clients know that by the cause.
    pub(crate) fn too_new(version: u64, now: u64) -> Self {
        let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        let details = json!({"causes": [cause], "retryAfterSeconds": 1});
        Self { details, ..Self::new(504, "Timeout", format!("Too large resource version: {version}, current: {now}")) }
    }

    /// As the API says it.
    pub(crate) fn to_json(&self) -> Value {
        let Self { code, reason, message, details } = self;
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        if !details.is_null() {
            status["details"] = details.clone();
        }
        status
    }
}
