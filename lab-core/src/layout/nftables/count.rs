//! The objects of nftables, counted instead of printed.

use super::{Key, Object, Set, Sink, Verb};
use crate::layout::Count;

impl Sink for Count {
    fn command(&mut self, verb: Verb, object: &Object<'_>) {
        match (verb, object) {
            (Verb::Add, Object::Rule(_)) => self.installed.rules += 1,
            (Verb::Add, Object::Declaration(..)) => self.installed.chains += 1,
            (Verb::Add, Object::Element(element)) => match (element.set, element.key) {
                // 1.30 adds it once for each port.
                (Set::ClusterIps, Key::Address(address)) if !self.cluster_ips.insert(address) => {}
                _ => self.installed.set_elements += 1,
            },
            (Verb::Delete, Object::Element(_)) => self.installed.set_elements -= 1,
            _ => {}
        }
    }
}
