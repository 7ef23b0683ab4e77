//! Listings of a node, as people paste them, read into lab-core's [`NodeState`].
//!
//! Tolerant: an excerpt, a listing that is cut off, a line of something else are noted and passed over. The other modules
//! of this crate are strict, since they judge what the lab itself installed.

mod nft;
mod note;

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

/// Reads listings of one node.
#[must_use]
pub fn read(listings: &[Listing<'_>]) -> Reading {
    let mut reading = Reading::default();
    listings.iter().for_each(|listing| nft::read(listing.name, 1, listing.text, &mut reading));
    reading
}
