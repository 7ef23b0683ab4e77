//! Where a packet may end.

use super::{Assumption, Place};
use crate::node::Span;
use std::net::{IpAddr, SocketAddr};

/// What becomes of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum End {
    /// It leaves the node, to another host or a pod.
    Sent,
    /// It is for a program of the node itself.
    Delivered,
    /// It is dropped: by this rule, or by its chain's policy where there is no rule.
    Dropped,
    /// It is marked to be dropped, by a chain that no listing has: kubelet's KUBE-FIREWALL.
    MarkedToDrop,
    /// It is answered with this error, such as `icmp-port-unreachable`.
    Rejected(Box<str>),
    /// A program decides over it.
    Queued,
    /// It goes into this chain, which no listing has.
    Unlisted(Box<str>),
    /// The chains lead back to this one. The kernel refuses such chains.
    Loop,
    /// The walk was ended: it took too long.
    GaveUp,
}

/// The source address that a packet leaves with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceAddress {
    /// The one that it came with.
    Kept,
    /// The node's, by masquerading: this one, where it can be told.
    Node(Option<IpAddr>),
    /// One of these, by SNAT.
    Written(Span),
}

/// One way in which a packet may end.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// What becomes of it.
    pub end: End,
    /// The rule or the chain that decides; `None` where none does.
    pub by: Option<Place>,
    /// Where it goes in the end.
    pub destination: SocketAddr,
    /// Whether its destination was rewritten on the way.
    pub is_rewritten: bool,
    /// Its source address then.
    pub source: SourceAddress,
    /// The rule that marked it for masquerading, or rewrote its source.
    pub source_by: Option<Place>,
    /// The rule that picked the destination, and the probability that is written there; the last one that did not, where the
    /// destination is what the picks left over.
    pub picked: Option<(Place, Option<f64>)>,
    /// How likely it is, under its assumptions: 0 to 1.
    pub probability: f64,
    /// What it takes for granted; empty on the main way.
    pub assuming: Vec<Assumption>,
    /// Whether something on the way was not known: it may be otherwise.
    pub is_uncertain: bool,
    /// Rules that it was tried against on the whole way.
    pub tried: u64,
    /// Rules that it was tried against before its destination was rewritten.
    pub tried_before: u64,
    /// The last step, as a place in the walk's steps.
    pub step: usize,
}
