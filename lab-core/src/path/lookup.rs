//! What maps have for a packet.

use super::way::{Next, Way};
use super::{Event, Place, Step};
use crate::node::{Field, KeyPart, Outcome, Set, SetRef, States, Table, Value};

/// What a map has for a packet.
pub(super) enum Found<'a> {
    Outcome(&'a Outcome),
    Nothing,
    /// The map, or a part of the packet, is not known.
    Unknown,
}

impl<'a> Way<'_, 'a> {
    pub(super) fn find(&self, fields: &[Field], set: &'a SetRef, table: &'a Table) -> Found<'a> {
        let Some((_, set)) = self.walker.set(set, table) else { return Found::Unknown };
        let Some(key) = self.walker.key(fields, &self.cursor) else { return Found::Unknown };
        match set.find(&key) {
            None if fields == [Field::State] => state_outcome(set, self.cursor.states()),
            None => Found::Nothing,
            Some(element) => element.outcome.as_ref().map_or(Found::Unknown, Found::Outcome),
        }
    }

    pub(super) fn look(&mut self, fields: &[Field], set: &'a SetRef, place: Place, table: &'a Table) -> Next {
        match self.find(fields, set, table) {
            Found::Nothing => Next::Miss,
            Found::Outcome(Outcome::Verdict(verdict)) => self.go(verdict, place, table),
            Found::Outcome(_) | Found::Unknown => self.unknown(place),
        }
    }

    /// One of several outcomes is picked, each with a share of the numbers.
    pub(super) fn spread(
        &mut self,
        modulus: u32,
        map: &'a [(u32, u32, Outcome)],
        place: Place,
        table: &'a Table,
    ) -> Next {
        let whole = f64::from(modulus.max(1));
        let size = |&(low, high, _): &(u32, u32, Outcome)| {
            f64::from(high.min(modulus.saturating_sub(1)).saturating_sub(low).saturating_add(1)) / whole
        };
        let reached = |entry: &&(u32, u32, Outcome)| entry.0 < modulus;
        let covered: f64 = map.iter().filter(reached).map(size).sum();
        let missed = (1.0 - covered).max(0.0);
        let start = self.cursor.clone();
        // The last one is walked here, the others after it; so they are put on the pile from the last to the first.
        if missed > 1e-12 {
            let mut other = start.clone();
            other.probability *= missed;
            other.picked = Some((place, None));
            other.next_in_chain();
            let event = Event::Passed { probability: missed };
            other.step = Some(self.walk.steps.len());
            self.walk.steps.push(Step { before: start.step, place: Some(place), event, tried: start.tried });
            self.ways.push(other);
        }
        for entry in map.iter().filter(reached).rev() {
            let chance = size(entry);
            self.cursor = start.clone();
            self.cursor.probability *= chance;
            self.cursor.picked = Some((place, Some(chance)));
            if covered < 1.0 - 1e-12 || map.len() > 1 {
                self.step(Some(place), Event::Picked { probability: chance });
            }
            let next = match &entry.2 {
                Outcome::Verdict(verdict) => self.go(verdict, place, table),
                Outcome::To(rewrite) => self.rewrite(rewrite, place),
                Outcome::Other(_) => self.unknown(place),
            };
            match next {
                Next::Nowhere => {}
                Next::Statement | Next::Miss => {
                    self.cursor.next_in_chain();
                    self.ways.push(self.cursor.clone());
                }
                Next::Elsewhere => self.ways.push(self.cursor.clone()),
            }
        }
        Next::Nowhere
    }
}

/// The element of a map of connection states that the packet's states meet.
fn state_outcome(set: &Set, states: States) -> Found<'_> {
    let meets = |value: &KeyPart| match value {
        KeyPart::One(Value::Number(bits)) => bits & u64::from(states.0) != 0,
        _ => false,
    };
    let element = set.elements().iter().find(|element| element.key.first().is_some_and(meets));
    element.and_then(|element| element.outcome.as_ref()).map_or(Found::Nothing, Found::Outcome)
}
