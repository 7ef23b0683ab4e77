//! A packet on one way through the node: from base chain to base chain, and from hook to hook.

use super::cursor::{Cursor, Frame, Stage};
use super::ending::{End, Ending, SourceAddress};
use super::walker::{Base, Walk, Walker};
use super::{Event, Place, Step};
use crate::node::{NatKind, States, Table};
use std::mem;

/// kube-proxy's mark for packets to be masqueraded.
const MASQUERADE_MARK: u32 = 0x4000;
/// The mark by which kube-proxy up to 1.27 has kubelet's chain KUBE-FIREWALL drop a packet.
const DROP_MARK: u32 = 0x8000;
/// A walk has no more steps than this: some 50,000 endpoints.
pub(super) const MOST_STEPS: usize = 1_000_000;
/// A walk tries no more rules than this.
const MOST_TRIED: u64 = 200_000_000;

/// A walk that goes on at a cursor.
pub(super) struct Way<'w, 'a> {
    pub(super) walker: &'w Walker<'a>,
    pub(super) walk: &'w mut Walk,
    pub(super) cursor: Cursor,
    pub(super) ways: &'w mut Vec<Cursor>,
    pub(super) aside: &'w mut Vec<Cursor>,
}

/// What comes after a statement.
pub(super) enum Next {
    /// The rule's next statement.
    Statement,
    /// The rule does not apply.
    Miss,
    /// The cursor is at another place already.
    Elsewhere,
    /// This way is at its end.
    Nowhere,
}

impl<'a> Way<'_, 'a> {
    /// Marks the first stage's beginning. A way that branched off is in the middle of one.
    pub(super) fn enter_stage(&mut self) {
        if self.cursor.step.is_none() {
            self.step(None, Event::Hook(self.cursor.stage.hook()));
            if !self.walker.has_rules(self.cursor.packet.is_v4()) {
                self.cursor.is_uncertain = true;
                self.step(None, Event::NoRules);
            }
        }
    }

    /// Takes a step, or several that belong together. Says whether there is more to do.
    pub(super) fn go_on(&mut self) -> bool {
        if self.walk.steps.len() > MOST_STEPS || self.cursor.tried > MOST_TRIED {
            return self.end(End::GaveUp, None);
        }
        match self.cursor.frames.last() {
            None => self.next_base(),
            Some(_) => self.next_rule(),
        }
    }

    pub(super) fn step(&mut self, place: Option<Place>, event: Event) {
        let step = Step { before: self.cursor.step, place, event, tried: self.cursor.tried };
        self.cursor.step = Some(self.walk.steps.len());
        self.walk.steps.push(step);
    }

    pub(super) fn end(&mut self, end: End, by: Option<Place>) -> bool {
        self.masquerade_unlisted(&end);
        self.step(by, Event::End(end.clone()));
        let cursor = &mut self.cursor;
        self.walk.endings.push(Ending {
            end,
            by,
            destination: cursor.packet.destination,
            is_rewritten: cursor.is_rewritten,
            source: cursor.source,
            source_by: cursor.source_by,
            picked: cursor.picked,
            probability: cursor.probability,
            assuming: mem::take(&mut cursor.assuming),
            is_uncertain: cursor.is_uncertain,
            tried: cursor.tried,
            tried_before: cursor.tried_before.unwrap_or(cursor.tried),
            step: cursor.step.unwrap_or_default(),
        });
        false
    }

    /// If KUBE-MARK-MASQ marked the packet, and no listing has the chain that masquerades it, it is masqueraded still.
    fn masquerade_unlisted(&mut self, end: &End) {
        let is_marked = self.cursor.source == SourceAddress::Kept && self.cursor.packet.mark & MASQUERADE_MARK != 0;
        let is_listed = || {
            let chains = ["KUBE-POSTROUTING", "masquerading"];
            let listed = |table: &Table| chains.iter().any(|name| table.chain(name).is_some());
            self.walker.state.tables.iter().any(listed)
        };
        let is_left = match end {
            End::Unlisted(_) => true,
            End::Sent | End::Delivered => !is_listed(),
            _ => false,
        };
        if is_marked && is_left {
            self.cursor.source = SourceAddress::Node(self.walker.leaving_address(self.cursor.packet.destination.ip()));
            self.cursor.source_by = self.cursor.marked_by;
        }
    }

    /// Goes to the stage's next base chain, or to the next stage.
    pub(super) fn next_base(&mut self) -> bool {
        let is_v4 = self.cursor.packet.is_v4();
        let bases = self.walker.bases(self.cursor.stage);
        let Some(&(base, v4, v6)) = bases.get(self.cursor.base) else { return self.next_stage() };
        if !(if is_v4 { v4 } else { v6 }) {
            self.cursor.base += 1;
            return true;
        }
        match base {
            Base::Ipvs => {
                self.cursor.base += 1;
                self.ipvs()
            }
            Base::Taken { .. } if self.is_past_nat() => {
                self.cursor.base += 1;
                true
            }
            Base::Taken { table, chain } => {
                self.cursor.is_uncertain = true;
                self.step(Some(Place { table, chain, rule: None }), Event::Taken);
                self.cursor.frames.push(Frame { chain, rule: 0, statement: 0, through: Vec::new() });
                true
            }
            Base::Chain { table, chain, kind } => {
                if kind == NatKind::Nat && self.is_past_nat() {
                    self.cursor.base += 1;
                    return true;
                }
                let held = &self.walker.table(table).chains()[chain];
                if !held.rules.is_empty() || held.drops {
                    self.step(Some(Place { table, chain, rule: None }), Event::Base);
                }
                self.cursor.frames.push(Frame { chain, rule: 0, statement: 0, through: Vec::new() });
                true
            }
        }
    }

    /// Whether the kernel asks no nat chain any more at this stage: the connection is an old one, or was decided on.
    pub(super) fn is_past_nat(&self) -> bool {
        let cursor = &self.cursor;
        let is_first = cursor.packet.state.meets(States::NEW.or(States::RELATED));
        let done = match cursor.stage {
            Stage::Prerouting | Stage::Output => cursor.destination_done,
            Stage::Input | Stage::Postrouting => cursor.source_done,
            Stage::Forward | Stage::LoopedPrerouting | Stage::LoopedInput => true,
        };
        done || !is_first || cursor.untracked
    }

    /// The stage's last base chain is passed.
    pub(super) fn next_stage(&mut self) -> bool {
        let is_local = self.walker.surroundings.is_local(self.cursor.packet.destination.ip());
        let next = match self.cursor.stage {
            Stage::Prerouting => {
                self.cursor.destination_done = true;
                self.step(None, Event::Routed(is_local));
                if is_local { Stage::Input } else { Stage::Forward }
            }
            Stage::Output => {
                self.cursor.destination_done = true;
                Stage::Postrouting
            }
            Stage::Forward => Stage::Postrouting,
            Stage::Postrouting => {
                self.cursor.source_done = true;
                if !is_local {
                    return self.leave(End::Sent);
                }
                Stage::LoopedPrerouting
            }
            Stage::LoopedPrerouting => Stage::LoopedInput,
            Stage::Input | Stage::LoopedInput => return self.leave(End::Delivered),
        };
        self.move_to(next);
        true
    }

    /// The packet is through. If KUBE-MARK-DROP marked it, and no listing has the chain that drops it, it will be dropped.
    fn leave(&mut self, end: End) -> bool {
        let is_marked = self.cursor.packet.mark & DROP_MARK != 0;
        let is_listed = |table: &Table| table.chain("KUBE-FIREWALL").is_some_and(|chain| !chain.rules.is_empty());
        if is_marked && !self.walker.state.tables.iter().any(is_listed) {
            let by = self.cursor.marked_by;
            self.cursor.is_uncertain = true;
            return self.end(End::MarkedToDrop, by);
        }
        self.end(end, None)
    }

    pub(super) fn move_to(&mut self, stage: Stage) {
        self.cursor.stage = stage;
        self.cursor.base = 0;
        self.step(None, Event::Hook(stage.hook()));
    }

    /// The base chain that is being passed.
    pub(super) fn base_place(&self) -> (usize, usize) {
        match self.walker.bases(self.cursor.stage)[self.cursor.base].0 {
            Base::Chain { table, chain, .. } | Base::Taken { table, chain } => (table, chain),
            Base::Ipvs => unreachable!("IPVS has no rules"),
        }
    }

    /// A packet is at the end of its base chain.
    pub(super) fn policy(&mut self) -> bool {
        let (table, chain) = self.base_place();
        if self.walker.table(table).chains()[chain].drops {
            return self.end(End::Dropped, Some(Place { table, chain, rule: None }));
        }
        self.pass_base();
        true
    }

    /// The base chain lets the packet pass.
    pub(super) fn pass_base(&mut self) {
        self.cursor.frames.clear();
        self.cursor.base += 1;
    }

    /// The innermost chain has no more rules.
    pub(super) fn leave_chain(&mut self) -> bool {
        self.cursor.frames.pop();
        if self.cursor.frames.is_empty() { self.policy() } else { true }
    }
}
