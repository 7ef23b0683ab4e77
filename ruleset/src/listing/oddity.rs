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
        let more = match count {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let again = |what: &str| {
            format!(
                "{what} {first} comes a second time and is left out: it would be another node's; explain one node at a \
                 time{more}"
            )
        };
        match self {
            Self::Line if count == 1 => {
                format!("1 line is of no listing of iptables, nft, ipset, ipvsadm or ip: {first}")
            }
            Self::Line => {
                format!("{count} lines are of no listing of iptables, nft, ipset, ipvsadm or ip; first: {first}")
            }
            Self::Guess => format!("no table is named here; by its chains it is taken for {first}{more}"),
            Self::Cut => format!("table {first} has no COMMIT: it is cut off, and what is missing is not known{more}"),
            Self::NoDevices => {
                "iptables -L without -v does not show the devices of a rule (-i, -o): a rule for one device \
                                looks as if it were for all; list with iptables-save"
                    .to_owned()
            }
            Self::Table => again("table"),
            Self::Chain => again("chain"),
            Self::NoDestination => {
                format!("a DNAT does not say where to; list with another version of iptables: {first}{more}")
            }
            Self::Set => again("set"),
            Self::Element => format!("an element of a set is not understood and is left out: {first}{more}"),
            Self::Server => again("virtual server"),
            Self::ServerAddress => format!(
                "a server without an address and a port in numbers is left out; list with ipvsadm -Ln: {first}{more}"
            ),
            Self::MarkServer => format!("a virtual server by firewall mark is left out: {first}{more}"),
            Self::NoWeights => {
                "this listing of ipvsadm shows no forwarding and weight; every real server is taken for one \
                                of weight 1 with masquerading; list with ipvsadm -Ln"
                    .to_owned()
            }
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
