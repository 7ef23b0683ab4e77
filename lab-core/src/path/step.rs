//! The steps of a walk, as a tree in which each step knows the one before it.

use super::{Assumption, End, Place};
use crate::node::{HookPoint, Span};
use std::net::SocketAddr;

/// What happens at a step.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The packet comes to a hook.
    Hook(HookPoint),
    /// It meets this base chain there.
    Base,
    /// It goes into another chain of the table.
    Enter {
        /// The chain's place.
        chain: usize,
        /// It comes back to where the last jump was made, not here.
        is_goto: bool,
    },
    /// The rule leads to a chain that no listing has. The walk goes on as if it came back from it.
    Missing(Box<str>),
    /// Lines of the listing are left out here.
    Gap,
    /// Its mark changes.
    Mark {
        /// What it was.
        from: u32,
        /// What it is now.
        to: u32,
    },
    /// The client is noted in this list.
    Note(Box<str>),
    /// The rule is picked.
    Picked {
        /// The probability of being picked, of those that come here.
        probability: f64,
    },
    /// The rule is passed over by chance.
    Passed {
        /// The probability of that, of those that come here.
        probability: f64,
    },
    /// From here on the walk takes this to hold.
    Assume(Assumption),
    /// Its destination becomes one of these; the first stands for all.
    OneOf(Box<str>),
    /// A chain that nothing in the listings calls here is passed: kube-proxy has it called.
    Taken,
    /// No rules of its family are in the listings.
    NoRules,
    /// Its destination is rewritten.
    Dnat(SocketAddr),
    /// Its source will be rewritten to the node's address.
    Masquerade,
    /// Its source is rewritten to one of these.
    Snat(Span),
    /// The connection is not tracked, so that nothing is rewritten.
    NoTrack,
    /// The rule lets it pass the base chain.
    Accept,
    /// It goes back to the calling chain.
    Return,
    /// It is for the node (`true`) or goes on to another host.
    Routed(bool),
    /// IPVS takes it, by this virtual server.
    Ipvs {
        /// The virtual server's place in the node's list.
        server: usize,
        /// The real server's place in its list.
        real: Option<usize>,
    },
    /// A part of the rule is not known here: from here on it may be otherwise.
    Unknown,
    /// The rule does not apply. Only listed when asked for.
    Missed,
    /// The packet's end.
    End(End),
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The step before it.
    pub before: Option<usize>,
    /// Where it happens; `None` outside of the tables.
    pub place: Option<Place>,
    /// What happens.
    pub event: Event,
    /// Rules that the packet was tried against up to here.
    pub tried: u64,
}
