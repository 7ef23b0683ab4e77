//! What Services and endpoint slices have in common: protocols, port numbers, and text that is parsed.

use lab_core::cluster::Protocol;
use std::str::FromStr;

/// A protocol in Kubernetes' spelling; TCP by default.
pub(crate) fn protocol(name: Option<&str>) -> Result<Protocol, String> {
    match name.unwrap_or("TCP") {
        "TCP" => Ok(Protocol::Tcp),
        "UDP" => Ok(Protocol::Udp),
        "SCTP" => Ok(Protocol::Sctp),
        other => Err(format!("\"{other}\" is not a protocol")),
    }
}

pub(crate) fn port_number(number: i32) -> Result<u16, String> {
    u16::try_from(number).map_err(|_| format!("{number} is not a port"))
}

/// Parses `text`; `what` says what it should be.
pub(crate) fn parse<T: FromStr>(text: &str, what: &str) -> Result<T, String> {
    // The API server accepts blanks around source ranges.
    text.trim().parse().map_err(|_| format!("\"{text}\" is not {what}"))
}
