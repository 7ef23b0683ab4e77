//! What rules do to a packet.

use super::cursor::Frame;
use super::ending::{End, SourceAddress};
use super::lookup::Found;
use super::way::{Next, Way};
use super::{Event, Place};
use crate::node::{Outcome, Rewrite, Span, Statement, States, Table, Verdict};
use std::net::{IpAddr, SocketAddr};

/// No packet is in more chains than this, one calling the other. The kernel of nft allows 16; iptables, as many as a
/// table has.
const DEEPEST: usize = 1_000;

impl<'a> Way<'_, 'a> {
    /// Does what a statement says that tests nothing.
    pub(super) fn act(&mut self, statement: &'a Statement, place: Place, table: &'a Table) -> Next {
        match statement {
            Statement::If(..) | Statement::Aside(_) => Next::Statement,
            Statement::Mark { keep, flip } => {
                let from = self.cursor.packet.mark;
                let to = (from & keep) ^ flip;
                if from != to {
                    self.cursor.packet.mark = to;
                    self.step(Some(place), Event::Mark { from, to });
                    if self.cursor.source == SourceAddress::Kept && to & !from != 0 {
                        self.cursor.marked_by = Some(self.marking(place, table));
                    }
                }
                Next::Statement
            }
            Statement::Go(verdict) => self.go(verdict, place, table),
            Statement::Look(fields, set) => self.look(fields, set, place, table),
            Statement::Spread { modulus, map, .. } => self.spread(*modulus, map, place, table),
            Statement::Dnat(rewrite) => self.rewrite(rewrite, place),
            Statement::DnatBy(fields, set) => match self.find(fields, set, table) {
                Found::Outcome(Outcome::To(rewrite)) => self.rewrite(rewrite, place),
                Found::Nothing => Next::Miss,
                Found::Outcome(_) | Found::Unknown => self.unknown(place),
            },
            Statement::Redirect(port) => {
                let is_v4 = self.cursor.packet.is_v4();
                let address =
                    if self.cursor.is_own() { loopback(is_v4) } else { self.walker.surroundings.address(is_v4) };
                let port = port.of(self.cursor.packet.destination.port());
                self.dnat(SocketAddr::new(address, port), place)
            }
            Statement::Snat(rewrite) => {
                let span = rewrite.addresses.unwrap_or(Span::one(self.cursor.packet.source.ip()));
                self.cursor.source = SourceAddress::Written(span);
                self.cursor.source_by = Some(place);
                self.cursor.source_done = true;
                self.step(Some(place), Event::Snat(span));
                self.pass_base();
                Next::Elsewhere
            }
            Statement::Masquerade => {
                self.cursor.source =
                    SourceAddress::Node(self.walker.leaving_address(self.cursor.packet.destination.ip()));
                self.cursor.source_by = self.cursor.marked_by.or(Some(place));
                self.cursor.source_done = true;
                self.step(Some(place), Event::Masquerade);
                self.pass_base();
                Next::Elsewhere
            }
            Statement::Note(list) => {
                self.step(Some(place), Event::Note(list.clone()));
                Next::Statement
            }
            Statement::NoTrack => {
                self.cursor.untracked = true;
                self.cursor.packet.state = States::UNTRACKED;
                self.step(Some(place), Event::NoTrack);
                Next::Statement
            }
            Statement::Unknown(_) => self.unknown(place),
        }
    }

    /// The rule that is said to mark a packet: where a chain does nothing else, the one that leads into it.
    fn marking(&self, place: Place, table: &Table) -> Place {
        let is_marking = table.chains()[place.chain].rules.len() == 1;
        let caller = self.cursor.frames.iter().rev().nth(1).filter(|_| is_marking);
        // The calling chain goes on with the rule after it.
        caller.map_or(place, |frame| Place { chain: frame.chain, rule: frame.rule.checked_sub(1), ..place })
    }

    /// A statement that is not known here: the walk goes on as if it did nothing, and says so.
    pub(super) fn unknown(&mut self, place: Place) -> Next {
        self.cursor.is_uncertain = true;
        self.step(Some(place), Event::Unknown);
        Next::Statement
    }

    /// The destination becomes what a rule says. Of several, the first stands for all.
    pub(super) fn rewrite(&mut self, rewrite: &Rewrite, place: Place) -> Next {
        if let Some(several) = rewrite.several() {
            self.cursor.is_uncertain = true;
            self.step(Some(place), Event::OneOf(several));
        }
        self.dnat(rewrite.of(self.cursor.packet.destination), place)
    }

    pub(super) fn dnat(&mut self, to: SocketAddr, place: Place) -> Next {
        self.cursor.packet.destination = to;
        self.cursor.is_rewritten = true;
        self.cursor.destination_done = true;
        self.cursor.tried_before = Some(self.cursor.tried);
        self.step(Some(place), Event::Dnat(to));
        self.pass_base();
        Next::Elsewhere
    }

    pub(super) fn go(&mut self, verdict: &'a Verdict, place: Place, table: &'a Table) -> Next {
        match verdict {
            Verdict::Continue => Next::Statement,
            Verdict::Accept => {
                self.step(Some(place), Event::Accept);
                self.pass_base();
                Next::Elsewhere
            }
            Verdict::Drop => self.ended(End::Dropped, place),
            Verdict::Reject(with) if with.is_empty() => {
                let with = default_reject(self.cursor.packet.is_v4());
                self.ended(End::Rejected(with.into()), place)
            }
            Verdict::Reject(with) => self.ended(End::Rejected(with.clone()), place),
            Verdict::Queue => self.ended(End::Queued, place),
            Verdict::Return => {
                self.step(Some(place), Event::Return);
                if self.leave_chain() { Next::Elsewhere } else { Next::Nowhere }
            }
            Verdict::Jump(name) => self.enter(name, false, place, table),
            Verdict::Goto(name) => self.enter(name, true, place, table),
        }
    }

    pub(super) fn ended(&mut self, end: End, place: Place) -> Next {
        self.end(end, Some(place));
        Next::Nowhere
    }

    pub(super) fn enter(&mut self, name: &str, is_goto: bool, place: Place, table: &'a Table) -> Next {
        let Some(chain) = table.place(name) else {
            self.cursor.is_uncertain = true;
            self.step(Some(place), Event::Missing(name.into()));
            if is_of_service(name) {
                return self.ended(End::Unlisted(name.into()), place);
            }
            if let Some(mark) = mark_of(name) {
                let from = self.cursor.packet.mark;
                self.cursor.packet.mark |= mark;
                self.step(Some(place), Event::Mark { from, to: from | mark });
                self.cursor.marked_by = Some(place);
            }
            return if is_goto && !self.leave_chain() {
                Next::Nowhere
            } else if is_goto {
                Next::Elsewhere
            } else {
                Next::Statement
            };
        };
        let frames = &self.cursor.frames;
        let is_loop = frames.iter().any(|frame| frame.chain == chain || frame.through.contains(&chain));
        if frames.len() >= DEEPEST {
            return self.ended(End::GaveUp, place);
        }
        if is_loop {
            return self.ended(End::Loop, Place { table: place.table, chain, rule: None });
        }
        self.step(Some(place), Event::Enter { chain, is_goto });
        let mut through = Vec::new();
        if is_goto {
            if let Some(frame) = self.cursor.frames.pop() {
                through = frame.through;
                through.push(frame.chain);
            }
        } else {
            self.cursor.next_in_chain();
        }
        self.cursor.frames.push(Frame { chain, rule: 0, statement: 0, through });
        Next::Elsewhere
    }
}

/// The mark that kube-proxy's chain of this name sets, where no listing has it.
fn mark_of(name: &str) -> Option<u32> {
    match name {
        "KUBE-MARK-MASQ" => Some(0x4000),
        "KUBE-MARK-DROP" => Some(0x8000),
        _ => None,
    }
}

/// Whether a chain of this name is one that kube-proxy makes for a Service or an endpoint: a packet does not come back from
/// it as it was.
fn is_of_service(name: &str) -> bool {
    const OF_SERVICE: [&str; 10] = [
        "KUBE-SEP-",
        "KUBE-SVC-",
        "KUBE-SVL-",
        "KUBE-EXT-",
        "KUBE-FW-",
        "KUBE-XLB-",
        "service-",
        "local-",
        "external-",
        "endpoint-",
    ];
    OF_SERVICE.iter().any(|start| name.starts_with(start))
}

/// What a rejection answers that does not say it.
pub(super) fn default_reject(is_v4: bool) -> &'static str {
    if is_v4 { "icmp-port-unreachable" } else { "icmp6-port-unreachable" }
}

fn loopback(is_v4: bool) -> IpAddr {
    if is_v4 { IpAddr::from([127, 0, 0, 1]) } else { IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]) }
}
