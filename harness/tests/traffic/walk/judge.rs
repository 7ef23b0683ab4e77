//! Whether a connection ends as its walk says.

use super::case::Case;
use crate::lab::Lab;
use crate::wire::{self, Reply, Transport};
use anyhow::{Context, Result, ensure};
use lab_core::path::{End, Ending, SourceAddress, Walk, Walker};
use std::net::Ipv6Addr;
use std::time::Duration;

/// How long a client waits where the walk says that nothing comes.
const QUIET: Duration = Duration::from_millis(500);
/// A refusal that comes later than this is one of the second SYN.
const SECOND_SYN: Duration = Duration::from_secs(1);

/// The ways of a client without a history.
pub(super) fn usual(walk: &Walk) -> impl Iterator<Item = &Ending> {
    walk.endings.iter().filter(|ending| ending.assuming.is_empty() && ending.probability > 0.0)
}

/// What a client notices of an ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noticed {
    /// An endpoint's answer.
    Answer,
    /// A refusal: by a rule, or by the node itself, where nobody listens.
    Refusal,
    /// Nothing: it or its answer is dropped, or it goes on unrewritten to where nobody has its destination.
    Nothing,
}

fn noticed(walk: &Walk, ending: &Ending) -> Option<Noticed> {
    match &ending.end {
        // It arrives, but the answer finds no way back to ::1: IPv6 has no `route_localnet`.
        End::Sent if walk.packet.source.ip() == Ipv6Addr::LOCALHOST => Some(Noticed::Nothing),
        End::Sent | End::Delivered if ending.is_rewritten => Some(Noticed::Answer),
        End::Delivered | End::Rejected(_) => Some(Noticed::Refusal),
        End::Sent | End::Dropped => Some(Noticed::Nothing),
        End::MarkedToDrop | End::Queued | End::Unlisted(_) | End::Loop | End::GaveUp => None,
    }
}

/// Whether the walk says that the client is left without an answer.
pub(super) fn is_silent(walk: &Walk) -> bool {
    usual(walk).all(|ending| noticed(walk, ending) == Some(Noticed::Nothing))
}

/// Makes the connection of `case`, and says which ending of `walk` it came to.
pub(super) fn judge<'w>(lab: &Lab, case: &Case, walk: &'w Walk, walker: &Walker<'_>) -> Result<&'w Ending> {
    let told = || format!("the walk says {}", usual(walk).map(told).collect::<Vec<_>>().join("; "));
    let told = || format!("{case} ({}): {}", walk.packet.source.ip(), told());
    let is_clear = |ending: &Ending| !ending.is_uncertain && noticed(walk, ending).is_some();
    ensure!(usual(walk).all(is_clear), "{}", told());
    let total: f64 = usual(walk).map(|ending| ending.probability).sum();
    ensure!((total - 1.0).abs() < 1e-6, "{}", told());
    let reply = connect(lab, case, walk)?;
    let found = usual(walk).find(|ending| agrees(walk, ending, &reply, walker));
    found.with_context(|| format!("{}; and the kernel: {reply:?}", told()))
}

/// An ending in few words.
fn told(ending: &Ending) -> String {
    let doubt = if ending.is_uncertain { ", uncertain" } else { "" };
    let Ending { end, destination, source, probability, .. } = ending;
    format!("{end:?} to {destination}, source {source:?}, probability {probability:.4}{doubt}")
}

fn connect(lab: &Lab, case: &Case, walk: &Walk) -> Result<Reply> {
    let (place, transport) = (case.place(lab)?, case.transport());
    let is_refused = usual(walk).all(|ending| noticed(walk, ending) == Some(Noticed::Refusal));
    if is_refused && transport == Transport::Tcp {
        return Ok(wire::refusal(place, case.to, case.bound())?.map_or(Reply::Silence, Reply::Refused));
    }
    if is_silent(walk) {
        return wire::ask_within(place, transport, case.to, case.bound(), QUIET);
    }
    wire::ask(place, transport, case.to, case.bound())
}

fn agrees(walk: &Walk, ending: &Ending, reply: &Reply, walker: &Walker<'_>) -> bool {
    match (noticed(walk, ending), reply) {
        (Some(Noticed::Answer), Reply::Answered { reached, client }) => {
            let is_seen = match ending.source {
                SourceAddress::Kept => *client == walk.packet.source.ip(),
                SourceAddress::Node(Some(address)) => *client == address,
                SourceAddress::Node(None) => walker.surroundings().is_local(*client),
                SourceAddress::Written(span) => span.contains(*client),
            };
            *reached == ending.destination && is_seen
        }
        (Some(Noticed::Refusal), Reply::Refused(after)) => *after < SECOND_SYN,
        (Some(Noticed::Nothing), Reply::Silence) => true,
        _ => false,
    }
}
