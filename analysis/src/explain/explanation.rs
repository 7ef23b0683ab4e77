//! What becomes of packets to a target: the walks, and their endings gathered.

use super::target::usual_clients;
use super::{Client, Clients, Entry, Resolved};
use lab_core::path::{Assumption, End, Ending, Packet, Place, SourceAddress, Walk, Walker};
use std::collections::{HashMap, hash_map};
use std::net::SocketAddr;

/// Probabilities that differ by less than this, by their ratio, are equal: the kernel keeps 31 bits, and kube-proxy up to
/// 1.15 writes five digits.
pub(crate) const EQUAL: f64 = 1e-4;

/// What becomes of packets to one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// From each client to each entry.
    pub ways: Vec<Way>,
}

/// What becomes of one client's packets to one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// The client.
    pub client: Client,
    /// The entry.
    pub entry: Entry,
    /// The address that is dialled.
    pub dialled: SocketAddr,
    /// The walk.
    pub walk: Walk,
    /// Its endings, gathered: those that a client without a history meets first, then the others.
    pub outcomes: Vec<Outcome>,
}

/// Endings that are one to the client: the same end, destination and source.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The first of them, which stands for all. Its probability is the sum of theirs.
    pub ending: Ending,
}

impl Way {
    /// The outcomes that a client without a history meets.
    pub fn usual(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.ending.assuming.is_empty())
    }

    /// The others, each of which takes something for granted.
    pub fn otherwise(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| !outcome.ending.assuming.is_empty())
    }

    /// Whether the endpoints that a client without a history may get differ in their probability.
    #[must_use]
    pub fn is_uneven(&self) -> bool {
        let mut probabilities =
            self.usual().filter(|outcome| outcome.is_endpoint()).map(|outcome| outcome.ending.probability);
        let Some(first) = probabilities.next() else { return false };
        let (low, high) = probabilities.fold((first, first), |(low, high), other| (low.min(other), high.max(other)));
        high > low * (1.0 + EQUAL)
    }

    /// Whether something on the way was not known, but for the endpoints' own chains.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        self.usual().any(|outcome| outcome.ending.is_uncertain && !matches!(outcome.ending.end, End::Unlisted(_)))
    }
}

impl Outcome {
    /// Whether it ends at an endpoint, or at the chain of one that no listing has.
    #[must_use]
    pub fn is_endpoint(&self) -> bool {
        is_endpoint(&self.ending)
    }
}

fn is_endpoint(ending: &Ending) -> bool {
    match &ending.end {
        End::Unlisted(_) => true,
        End::Sent | End::Delivered => ending.is_rewritten,
        _ => false,
    }
}

/// Walks from `clients`, or the usual ones if there are none, to each of the ways of `resolved`. `prepare` may change each
/// packet before its walk.
#[must_use]
pub fn explain(
    walker: &Walker<'_>,
    places: &Clients,
    resolved: &Resolved,
    clients: &[Client],
    prepare: &dyn Fn(&mut Packet),
) -> Explanation {
    let mut ways = Vec::new();
    for (entry, dialled) in &resolved.ways {
        let usual = usual_clients(entry.access);
        let clients = if clients.is_empty() { &usual[..] } else { clients };
        for &client in clients.iter().filter(|client| client.reaches(*dialled)) {
            ways.push(way(walker, places, (entry, *dialled), client, prepare));
        }
    }
    Explanation { ways }
}

/// What becomes of the packets of `client` to an entry, dialled at this address.
pub(super) fn way(
    walker: &Walker<'_>,
    places: &Clients,
    (entry, dialled): (&Entry, SocketAddr),
    client: Client,
    prepare: &dyn Fn(&mut Packet),
) -> Way {
    let mut packet = places.packet(client, entry.protocol, dialled);
    prepare(&mut packet);
    let walk = walker.walk(packet);
    let outcomes = gathered(&walk.endings);
    Way { client, entry: entry.clone(), dialled, walk, outcomes }
}

/// What makes two endings one.
type Key<'a> = (&'a [Assumption], &'a End, SocketAddr, bool, SourceAddress, Option<Place>);

fn key(ending: &Ending) -> Key<'_> {
    let by = ending.by.filter(|_| !is_endpoint(ending));
    (&ending.assuming, &ending.end, ending.destination, ending.is_rewritten, ending.source, by)
}

/// Endings that are one to the client, together.
fn gathered(endings: &[Ending]) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut places: HashMap<Key<'_>, usize> = HashMap::with_capacity(endings.len());
    for ending in endings {
        match places.entry(key(ending)) {
            hash_map::Entry::Occupied(held) => {
                let outcome = &mut outcomes[*held.get()];
                outcome.ending.probability += ending.probability;
            }
            hash_map::Entry::Vacant(free) => {
                free.insert(outcomes.len());
                outcomes.push(Outcome { ending: ending.clone() });
            }
        }
    }
    outcomes.sort_by_key(|outcome| outcome.ending.assuming.len());
    outcomes
}
