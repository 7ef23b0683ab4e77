//! Listings of a node, as people paste them, read into lab-core's [`NodeState`].
//!
//! Tolerant: an excerpt, a listing that is cut off, a line of something else are noted and passed over. The other modules
//! of this crate are strict, since they judge what the lab itself installed.

mod address;
mod column;
mod command;
mod draft;
mod dump;
mod extension;
mod ipset;
mod ipvs;
mod nft;
mod note;
mod oddity;
mod option;
mod parts;
mod reader;
mod value;
mod word;

pub use note::Note;

use lab_core::node::NodeState;

/// A listing, or several one after the other, such as a file of a support bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listing<'a> {
    /// Its name for messages, such as a path.
    pub name: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// What the listings say of a node.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// What the node holds.
    pub state: NodeState,
    /// What was passed over or does not add up, in the order of the listings.
    pub notes: Vec<Note>,
}

/// Reads listings of one node: what `iptables-save`, `iptables -S` and `-L`, `nft list ruleset`, `ipset list` and `save`,
/// `ipvsadm -Ln` and `-Sn`, and `ip addr` print.
///
/// Which of them a text is, its lines tell. One listing may have several one after the other, with prompts and headings
/// between. Its name is asked only whether it is of IPv6, where nothing in it tells. It never fails: what is not
/// understood becomes a note, or a statement that is not known.
#[must_use]
pub fn read(listings: &[Listing<'_>]) -> Reading {
    let mut reader = reader::Reader::default();
    listings.iter().for_each(|listing| reader.read(listing));
    reader.end()
}
