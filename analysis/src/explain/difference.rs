//! What differs between two nodes in what packets meet. Order in KUBE-SERVICES, counters and comments are no difference.

use super::entry::{Entry, Reached, entries};
use super::explanation::{EQUAL, way};
use super::{Client, Clients, Outcome};
use lab_core::node::{Side, Statement, Test};
use lab_core::path::{End, SourceAddress, Walker};
use lab_core::vocabulary::Origin;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// What differs for one entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The entry: the first node's, or the second's where the first has none.
    pub entry: Entry,
    /// What differs.
    pub what: Differing,
}

/// What differs, and which packets were compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Differences {
    /// What differs.
    pub found: Vec<Difference>,
    /// Where the packets came from that were walked on both nodes.
    pub clients: Vec<Client>,
    /// How many packets met something on either node that is not known, so that nothing is certain of them.
    pub uncertain: usize,
}

/// What differs for an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Differing {
    /// Only the first node has it.
    OnlyFirst,
    /// Only the second node has it.
    OnlySecond,
    /// Packets from this place meet something else.
    Meets {
        /// Where from.
        client: Client,
        /// What they meet on the first node and not on the second, each with its probability.
        first: Vec<(Met, f64)>,
        /// What they meet on the second node and not on the first.
        second: Vec<(Met, f64)>,
    },
}

/// What a packet meets in the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Met {
    /// An endpoint, with the source rewritten (`true`) or not.
    Endpoint(SocketAddr, bool),
    /// The node or another host, at the address that was dialled.
    Undirected,
    /// It is dropped.
    Dropped,
    /// It is refused with this error.
    Rejected(String),
    /// Something else.
    Other(String),
}

/// Sources that rules name are walked from, up to so many.
const MOST_NAMED: usize = 24;

/// Where packets come from to both nodes: the places that stand for pods, the node and outside, and an address of each range
/// that rules of either node tell sources by.
fn clients_of(walkers: [&Walker<'_>; 2], places: [&Clients; 2]) -> Vec<Client> {
    let mut addresses = BTreeSet::new();
    for (walker, places) in walkers.into_iter().zip(places) {
        for is_v4 in [true, false] {
            addresses.insert(places.address(Client::At(Origin::Pod), is_v4));
        }
        let rules = walker.state().tables.iter().flat_map(|table| table.chains()).flat_map(|chain| &chain.rules);
        let mut named = BTreeSet::new();
        for statement in rules.flat_map(|rule| &rule.statements) {
            if let Statement::If(_, Test::Address(Side::Source, span)) = statement {
                // A single address is an endpoint that calls itself, of which there may be very many.
                let is_told = !span.is_one() && !span.is_all() && !span.first.is_loopback();
                named.extend(is_told.then(|| span.nth(1)).flatten());
            }
        }
        addresses.extend(named.into_iter().take(MOST_NAMED));
    }
    let places = [Client::At(Origin::Outside), Client::At(Origin::Node)];
    places.into_iter().chain(addresses.into_iter().map(Client::Address)).collect()
}

/// What differs from the first node to the second.
#[must_use]
pub fn difference(first: &Walker<'_>, second: &Walker<'_>) -> Differences {
    let keyed = |walker: &Walker<'_>| -> BTreeMap<(u8, Reached, u16), Entry> {
        // A node's own address is the node's, whatever it is.
        let place = |entry: &Entry| match entry.at {
            Reached::At(address) if is_node_port(entry) => Reached::AtNode(address.is_ipv4()),
            at => at,
        };
        entries(walker.state()).into_iter().map(|entry| ((entry.protocol, place(&entry), entry.port), entry)).collect()
    };
    let (one, other) = (keyed(first), keyed(second));
    let (one_clients, other_clients) =
        (Clients::of(first.state(), first.surroundings()), Clients::of(second.state(), second.surroundings()));
    let clients = clients_of([first, second], [&one_clients, &other_clients]);
    let (mut differences, mut uncertain) = (Vec::new(), 0);
    let places: BTreeSet<_> = one.keys().chain(other.keys()).copied().collect();
    for place in places {
        match (one.get(&place), other.get(&place)) {
            (Some(entry), None) => differences.push(Difference { entry: entry.clone(), what: Differing::OnlyFirst }),
            (None, Some(entry)) => differences.push(Difference { entry: entry.clone(), what: Differing::OnlySecond }),
            (Some(entry), Some(held)) => {
                // An endpoint that calls its own Service comes last: which those are, the others' ways tell.
                let (mut asked, mut own) = (clients.clone(), None);
                while let Some(client) = asked.pop() {
                    let (a, known) = met(first, &one_clients, entry, client);
                    let (b, also_known) = met(second, &other_clients, held, client);
                    uncertain += usize::from(!(known && also_known));
                    if own.is_none() {
                        own = a.keys().find_map(endpoint).map(Client::Address);
                        asked.splice(0..0, own);
                    }
                    let (first, second) = (missing(&a, &b), missing(&b, &a));
                    if !first.is_empty() || !second.is_empty() {
                        let what = Differing::Meets { client, first, second };
                        differences.push(Difference { entry: entry.clone(), what });
                    }
                }
            }
            (None, None) => {}
        }
    }
    Differences { found: differences, clients, uncertain }
}

/// The address of an endpoint.
fn endpoint(met: &Met) -> Option<IpAddr> {
    match met {
        Met::Endpoint(address, _) => Some(address.ip()),
        _ => None,
    }
}

fn is_node_port(entry: &Entry) -> bool {
    entry.access == Some(lab_core::vocabulary::Access::NodePort)
}

/// What packets of `client` to `entry` meet, with probabilities; and whether all on the way is known.
fn met(walker: &Walker<'_>, clients: &Clients, entry: &Entry, client: Client) -> (BTreeMap<Met, f64>, bool) {
    let dialled = entry.dialled(|is_v4| walker.surroundings().address(is_v4));
    let mut met = BTreeMap::new();
    if !client.reaches(dialled) {
        return (met, true);
    }
    let way = way(walker, clients, (entry, dialled), client, &|_| ());
    for outcome in way.usual() {
        *met.entry(of(outcome)).or_default() += outcome.ending.probability;
    }
    (met, !way.is_uncertain())
}

fn of(outcome: &Outcome) -> Met {
    let ending = &outcome.ending;
    match &ending.end {
        End::Sent | End::Delivered if ending.is_rewritten => {
            Met::Endpoint(ending.destination, ending.source != SourceAddress::Kept)
        }
        End::Sent | End::Delivered => Met::Undirected,
        End::Dropped | End::MarkedToDrop => Met::Dropped,
        End::Rejected(with) => Met::Rejected(with.to_string()),
        End::Unlisted(chain) => Met::Other(format!("the chain {chain}")),
        End::Queued => Met::Other("a program".to_owned()),
        End::Loop | End::GaveUp => Met::Other("no end".to_owned()),
    }
}

/// What is in `one` and not in `other`, or with another probability.
fn missing(one: &BTreeMap<Met, f64>, other: &BTreeMap<Met, f64>) -> Vec<(Met, f64)> {
    let equal = |a: f64, b: f64| (a - b).abs() <= EQUAL * a.max(b);
    one.iter()
        .filter(|(met, probability)| !other.get(met).is_some_and(|held| equal(**probability, *held)))
        .map(|(met, probability)| (met.clone(), *probability))
        .collect()
}
