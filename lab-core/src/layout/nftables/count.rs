//! The objects of nftables, counted instead of printed.

use super::{Element, Object, Sink, Verb};
use crate::layout::Count;

impl Sink for Count {
    fn command(&mut self, verb: Verb, object: &Object<'_>) {
        match object {
            _ if verb != Verb::Add => {}
            Object::Rule(_) => self.installed.rules += 1,
            Object::Declaration(_) => self.installed.chains += 1,
            Object::Element(Element::ClusterIp(service)) if !self.cluster_ips.insert(service.cluster_ip()) => {}
            Object::Element(_) => self.installed.set_elements += 1,
            Object::Table | Object::Chain(_) | Object::Set(_) => {}
        }
    }
}
