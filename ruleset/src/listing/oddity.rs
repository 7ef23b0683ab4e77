//! What is passed over in a listing, counted by its kind: a listing with thousands of odd lines gets one note for each kind.

use super::Note;
use std::collections::BTreeMap;

/// A kind of what is passed over, or of what is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Oddity {
    /// A line of no listing.
    Line,
    /// A table whose name is not told.
    Guess,
    /// A table without `COMMIT`.
    Cut,
    /// A listing that does not show devices.
    NoDevices,
    /// A table that was read before.
    Table,
    /// A chain that was read before.
    Chain,
    /// A `DNAT` that does not say where to.
    NoDestination,
    /// A set that was read before.
    Set,
    /// An element that is not read.
    Element,
    /// A virtual server that was read before.
    Server,
    /// A server whose address is not read.
    ServerAddress,
    /// A virtual server by firewall mark.
    MarkServer,
    /// A listing of servers without their weights.
    NoWeights,
}

impl Oddity {
    /// What a note says of `count` of them, of which `first` is the first.
    fn says(self, count: usize, first: &str) -> String {
        let others = match count {
            1 => String::new(),
            2 => "; so is 1 more".to_owned(),
            count => format!("; so are {} more", count - 1),
        };
        match self {
            Self::Line if count == 1 => format!("1 line is of no listing of iptables, nft, ipset, ipvsadm or ip: {first}"),
            Self::Line => format!("{count} lines are of no listing of iptables, nft, ipset, ipvsadm or ip; first: {first}"),
            Self::Guess => format!("no table is named here; by its chains it is taken for {first}{others}"),
            Self::Cut => format!("table {first} has no COMMIT: it is cut off, and what is missing is not known{others}"),
            Self::NoDevices => {
                "iptables -L without -v does not show the devices of a rule (-i, -o): rules for one device look as if they were \
                 for all"
                    .to_owned()
            }
            Self::Table => format!(
                "table {first} comes a second time and is left out: it would be another node's; explain one node at a \
                 time{others}"
            ),
            Self::Chain => format!(
                "chain {first} comes a second time and is left out: it would be another node's; explain one node at a \
                 time{others}"
            ),
            Self::NoDestination => format!("DNAT does not say where to: {first}{others}"),
            Self::Set => format!(
                "set {first} comes a second time and is left out: it would be another node's; explain one node at a \
                 time{others}"
            ),
            Self::Element => format!("an element of a set is not read and left out: {first}{others}"),
            Self::Server => format!(
                "virtual server {first} comes a second time and is left out: it would be another node's; explain one node \
                 at a time{others}"
            ),
            Self::ServerAddress => format!(
                "a server without an address and a port in numbers is left out: {first}{others}; list with ipvsadm -Ln"
            ),
            Self::MarkServer => format!("a virtual server by firewall mark is left out: {first}{others}"),
            Self::NoWeights => "this listing of ipvsadm shows no scheduler, forwarding and weight; every real server is \
                                 taken for one of weight 1 with masquerading; list with ipvsadm -Ln"
                .to_owned(),
        }
    }
}

/// How often each kind was met in a listing, and where first.
#[derive(Debug, Default)]
pub(super) struct Oddities(BTreeMap<Oddity, (usize, usize, String)>);

impl Oddities {
    /// Counts one at `line`. `first` says what it is, for a message; it is asked for the first one only.
    pub(super) fn add(&mut self, oddity: Oddity, line: usize, first: impl FnOnce() -> String) {
        self.0.entry(oddity).or_insert_with(|| (0, line, first())).0 += 1;
    }

    /// A note for each kind.
    pub(super) fn notes(self, listing: &str) -> impl Iterator<Item = Note> + '_ {
        let note = move |(oddity, (count, line, first)): (Oddity, (usize, usize, String))| Note {
            listing: listing.into(),
            line,
            says: oddity.says(count, &first),
        };
        self.0.into_iter().map(note)
    }
}
