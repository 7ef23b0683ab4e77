//! Trying a packet against rules, one after the other.

use super::judge::Judgement;
use super::way::{MOST_STEPS, Next, Way};
use super::{Assumption, Event, Place, Step};
use crate::node::{Rule, Statement, Table, Test};

/// Side ways are walked as long as they take no more than so many things for granted.
const MOST_ASSUMPTIONS: usize = 2;

impl<'a> Way<'_, 'a> {
    /// Tries the next rule of the innermost chain, or goes on within it.
    pub(super) fn next_rule(&mut self) -> bool {
        let (table_place, _) = self.base_place();
        let table = self.walker.table(table_place);
        let frame = self.cursor.frames.last_mut().expect("a chain is being passed");
        let chain = &table.chains()[frame.chain];
        let (chain_place, mut rule) = (frame.chain, frame.rule);
        let index = self.walker.indexes.get(&(table_place, chain_place));
        if let Some(index) = index.filter(|_| frame.statement == 0 && !self.walker.lists_misses) {
            let next = index.next(rule, self.cursor.packet.destination.ip()).unwrap_or(chain.rules.len());
            self.cursor.tried += (next - rule) as u64;
            rule = next;
            frame.rule = next;
        }
        if frame.statement == 0 && chain.gaps.binary_search(&rule).is_ok() {
            let place = Place {
                table: table_place,
                chain: chain_place,
                rule: Some(rule).filter(|&rule| rule < chain.rules.len()),
            };
            self.cursor.is_uncertain = true;
            self.step(Some(place), Event::Gap);
        }
        let Some(held) = chain.rules.get(rule) else { return self.leave_chain() };
        self.apply(Place { table: table_place, chain: chain_place, rule: Some(rule) }, held, table)
    }

    /// Applies a rule from the statement on that the cursor says.
    pub(super) fn apply(&mut self, place: Place, rule: &'a Rule, table: &'a Table) -> bool {
        let start = self.cursor.frames.last().map_or(0, |frame| frame.statement);
        if start == 0 {
            self.cursor.tried += 1;
        }
        for (number, statement) in rule.statements.iter().enumerate().skip(start) {
            if let Some(frame) = self.cursor.frames.last_mut() {
                frame.statement = number + 1;
            }
            let goes_on = match statement {
                Statement::If(expected, test) => self.test(*expected, test, place, table),
                other => self.act(other, place, table),
            };
            match goes_on {
                Next::Statement => {}
                Next::Miss => {
                    if self.walker.lists_misses {
                        self.step(Some(place), Event::Missed);
                    }
                    break;
                }
                Next::Elsewhere => return true,
                Next::Nowhere => return false,
            }
        }
        self.cursor.next_in_chain();
        true
    }

    pub(super) fn test(&mut self, expected: bool, test: &'a Test, place: Place, table: &'a Table) -> Next {
        match self.walker.judge(test, table, &self.cursor) {
            Judgement::Decided(holds) if holds == expected => Next::Statement,
            Judgement::Decided(_) => Next::Miss,
            Judgement::Chance(chance) => {
                let chance = if expected { chance } else { 1.0 - chance };
                self.picked(place, chance)
            }
            Judgement::IfSeen(list, seconds) => {
                let assumption = Assumption::SeenBefore { list: list.into(), seconds };
                self.assume(assumption, place, expected)
            }
            Judgement::IfWithinLimit => self.assume(Assumption::OverLimit(place), place, !expected),
            Judgement::Unknown => {
                self.cursor.is_uncertain = true;
                // Whether it is negated is not known either: the side way is the one on which the rule applies.
                self.assume(Assumption::Unknown(place), place, true)
            }
        }
    }

    /// The rule applies with probability `chance`: the walk branches.
    pub(super) fn picked(&mut self, place: Place, chance: f64) -> Next {
        let rest = 1.0 - chance;
        if rest > 0.0 {
            let mut other = self.cursor.clone();
            other.probability *= rest;
            other.picked = Some((place, None));
            other.next_in_chain();
            if chance <= 0.0 {
                self.cursor = other;
                return Next::Elsewhere;
            }
            let step = Step {
                before: other.step,
                place: Some(place),
                event: Event::Passed { probability: rest },
                tried: other.tried,
            };
            other.step = Some(self.walk.steps.len());
            self.walk.steps.push(step);
            self.ways.push(other);
        }
        self.cursor.probability *= chance;
        self.cursor.picked = Some((place, Some(chance)));
        self.step(Some(place), Event::Picked { probability: chance });
        Next::Statement
    }

    /// On the main way the assumption does not hold; a side way, on which it does, is walked later. `applies` says on which
    /// of both the rule goes on.
    pub(super) fn assume(&mut self, assumption: Assumption, place: Place, applies_if_so: bool) -> Next {
        let is_known = self.cursor.assuming.contains(&assumption);
        let holds_here = is_known || self.cursor.assuming.iter().any(|other| same_client(other, &assumption));
        if holds_here {
            return if is_known == applies_if_so { Next::Statement } else { Next::Miss };
        }
        if self.cursor.assuming.len() < MOST_ASSUMPTIONS && self.aside.len() < MOST_STEPS {
            let mut side = self.cursor.clone();
            side.assuming.push(assumption.clone());
            let event = Event::Assume(assumption);
            let step = Step { before: side.step, place: Some(place), event, tried: side.tried };
            side.step = Some(self.walk.steps.len());
            self.walk.steps.push(step);
            if !applies_if_so {
                side.next_in_chain();
            }
            self.aside.push(side);
        }
        if applies_if_so { Next::Miss } else { Next::Statement }
    }
}

/// Whether both say that one client was sent somewhere before: it is noted in one list only.
fn same_client(one: &Assumption, other: &Assumption) -> bool {
    matches!((one, other), (Assumption::SeenBefore { .. }, Assumption::SeenBefore { .. }))
}
