//! A whole walk: each of a packet's ways, one after the other.

use super::Packet;
use super::cursor::Cursor;
use super::walker::{Walk, Walker};
use super::way::Way;

impl Walker<'_> {
    /// Walks `packet` to each of its ends.
    #[must_use]
    pub fn walk(&self, packet: Packet) -> Walk {
        let mut walk = Walk { packet: packet.clone(), steps: Vec::new(), endings: Vec::new() };
        // Ways that are still to be walked, the next one last. A way that takes something for granted waits.
        let (mut ways, mut aside) = (vec![Cursor::new(packet)], Vec::new());
        while let Some(cursor) = ways.pop().or_else(|| aside.pop()) {
            let mut way = Way { walker: self, walk: &mut walk, cursor, ways: &mut ways, aside: &mut aside };
            way.enter_stage();
            while way.go_on() {}
        }
        walk
    }
}
