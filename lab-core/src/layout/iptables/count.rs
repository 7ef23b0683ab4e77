//! The rules and chains of iptables, counted instead of printed.

use super::{Chain, Rule, Sink, Table};
use crate::layout::Count;

impl Sink for Count {
    fn table(&mut self, _: Table) {}

    fn chain(&mut self, _: Chain) {
        self.installed.chains += 1;
    }

    fn rule(&mut self, _: &Rule<'_>) {
        self.installed.rules += 1;
    }

    fn delete(&mut self, _: Chain) {
        self.installed.chains -= 1;
    }

    fn commit(&mut self) {}
}
