//! A packet on its way: where it is, what it has become, and what was taken for granted.

use super::ending::SourceAddress;
use super::{Assumption, Packet, Place, Start};
use crate::node::Side;
use std::net::{IpAddr, SocketAddr};

/// A chain that is being passed.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// The chain's place in its table.
    pub(super) chain: usize,
    /// The rule that comes next.
    pub(super) rule: usize,
    /// The statement of it that comes next.
    pub(super) statement: usize,
    /// Chains that led here by `goto`, this one left out.
    pub(super) through: Vec<usize>,
}

/// A part of the way through the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It came in.
    Prerouting,
    /// It is for the node.
    Input,
    /// It is for another host.
    Forward,
    /// The node sends it.
    Output,
    /// It leaves.
    Postrouting,
    /// It left for the node itself, and comes in again by the loopback device.
    LoopedPrerouting,
    /// It came in by the loopback device.
    LoopedInput,
}

/// A packet on its way.
#[derive(Debug, Clone)]
pub(super) struct Cursor {
    /// What it is by now. Its source is the first one still: rewriting it is the last thing that happens.
    pub(super) packet: Packet,
    /// The part of the way.
    pub(super) stage: Stage,
    /// The base chain of the stage that is passed, or comes next.
    pub(super) base: usize,
    /// The chains that it is in, from the base chain on; empty between base chains.
    pub(super) frames: Vec<Frame>,
    /// Whether the destination was rewritten.
    pub(super) is_rewritten: bool,
    /// Whether the first hook that may rewrite the destination is passed: no later one does.
    pub(super) destination_done: bool,
    /// Whether the source is decided on.
    pub(super) source_done: bool,
    /// The virtual server by which IPVS sent it.
    pub(super) by_ipvs: Option<SocketAddr>,
    /// Whether conntrack does not see it.
    pub(super) untracked: bool,
    /// The source that it leaves with.
    pub(super) source: SourceAddress,
    /// The rule that last set a bit of the mark.
    pub(super) marked_by: Option<Place>,
    /// The rule that decided on the source: the one that set the mark, or that rewrote it.
    pub(super) source_by: Option<Place>,
    /// The last rule that was picked, with the probability written there.
    pub(super) picked: Option<(Place, Option<f64>)>,
    pub(super) probability: f64,
    pub(super) assuming: Vec<Assumption>,
    pub(super) is_uncertain: bool,
    pub(super) tried: u64,
    pub(super) tried_before: Option<u64>,
    /// The last step.
    pub(super) step: Option<usize>,
}

impl Cursor {
    /// At the start of the way.
    pub(super) fn new(packet: Packet) -> Self {
        let stage = match packet.start {
            Start::CameIn => Stage::Prerouting,
            Start::OfNode => Stage::Output,
        };
        Self {
            packet,
            stage,
            base: 0,
            frames: Vec::new(),
            is_rewritten: false,
            destination_done: false,
            source_done: false,
            by_ipvs: None,
            untracked: false,
            source: SourceAddress::Kept,
            marked_by: None,
            source_by: None,
            picked: None,
            probability: 1.0,
            assuming: Vec::new(),
            is_uncertain: false,
            tried: 0,
            tried_before: None,
            step: None,
        }
    }

    /// An address as tests see it.
    pub(super) fn address(&self, side: Side) -> IpAddr {
        match (side, self.source) {
            (Side::Source, SourceAddress::Node(Some(address))) => address,
            (Side::Source, SourceAddress::Written(span)) => span.first,
            (Side::Source, _) => self.packet.source.ip(),
            (Side::Destination, _) => self.packet.destination.ip(),
        }
    }

    /// Goes on with the next rule of the innermost chain.
    pub(super) fn next_in_chain(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.rule += 1;
            frame.statement = 0;
        }
    }

    /// Whether the node itself sends it.
    pub(super) fn is_own(&self) -> bool {
        self.packet.start == Start::OfNode
    }
}
