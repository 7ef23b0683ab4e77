//! The real kube-proxy that tests may have.
//!
//! Shared by test binaries through `#[path]`.

use std::path::Path;

/// Names it.
const VARIABLE: &str = "SVCLAB_KUBE_PROXY";

/// Whether there is one.
pub(crate) fn there() -> Result<(), String> {
    let file = std::env::var(VARIABLE).map_err(|_| format!("{VARIABLE} names no kube-proxy binary"))?;
    if Path::new(&file).is_file() { Ok(()) } else { Err(format!("{VARIABLE} names {file}, which is no file")) }
}

/// Where it is.
pub(crate) fn file() -> String {
    std::env::var(VARIABLE).unwrap_or_default()
}
