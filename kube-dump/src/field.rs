//! What objects have in common: protocols, port numbers, addresses, and text that is parsed.

use crate::note::quoted;
use lab_core::cluster::Protocol;
use lab_core::json;
use std::net::IpAddr;
use std::str::FromStr;

/// A protocol in Kubernetes' spelling; TCP by default.
pub(crate) fn protocol(name: Option<&str>) -> Result<Protocol, String> {
    match name.unwrap_or("TCP") {
        "TCP" => Ok(Protocol::Tcp),
        "UDP" => Ok(Protocol::Udp),
        "SCTP" => Ok(Protocol::Sctp),
        other => Err(format!("{other} is not a protocol", other = quoted(other))),
    }
}

/// A port, from 1 to 65535.
pub(crate) fn port_number(number: i32) -> Result<u16, String> {
    let port = u16::try_from(number).ok().filter(|&number| number > 0);
    port.ok_or_else(|| format!("{number} is not a port (1 to 65535)"))
}

/// Parses `text`; `what` says what it should be.
pub(crate) fn parse<T: FromStr>(text: &str, what: &str) -> Result<T, String> {
    // The API server accepts blanks around source ranges.
    text.trim().parse().map_err(|_| format!("{text} is not {what}", text = quoted(text)))
}

/// An address that a packet from elsewhere may have as its destination. `what` says whose it should be.
pub(crate) fn address(text: &str, what: &str) -> Result<IpAddr, String> {
    let address = parse::<IpAddr>(text, what)?.to_canonical();
    if address.is_unspecified() || address.is_loopback() || address.is_multicast() {
        return Err(format!("{text} cannot be {what}"));
    }
    Ok(address)
}

/// What is wrong with an object, without lines and columns within it: nobody sees it by itself.
pub(crate) fn said(error: &serde_json::Error) -> String {
    json::problem(error)
}
