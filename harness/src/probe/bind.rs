//! `bind_dummy`, `bind_alias`, `bind_routes` and `bind_range`: the ways to make cluster IPs a node's own, each on an empty node
//! with one neighbour. What they cost for all cluster IPs and for one more, and what the neighbour is answered.
//!
//! kube-proxy's ipvs mode binds each cluster IP to a dummy device. A single local route for the whole range makes every address
//! of it the node's own, also those that no Service has.

use super::{Probe, Reading, reading};
use crate::cell_error::CellError;
use crate::lab::Lab;
use crate::lab::binding::{Binding, Bound};
use crate::process::clock::ns;
use lab_core::cell::Cell;
use lab_core::metric::Metric;
use lab_core::plan::Plan;
use lab_core::vocabulary::ProbeName;
use std::time::Duration;

pub(super) struct Bind {
    name: ProbeName,
    binding: Binding,
}

pub(super) static DUMMY: Bind = Bind { name: ProbeName::BindDummy, binding: Binding::Dummy };
pub(super) static ALIAS: Bind = Bind { name: ProbeName::BindAlias, binding: Binding::Alias };
pub(super) static ROUTES: Bind = Bind { name: ProbeName::BindRoutes, binding: Binding::Routes };
pub(super) static RANGE: Bind = Bind { name: ProbeName::BindRange, binding: Binding::Range };

impl Probe for Bind {
    fn name(&self) -> ProbeName {
        self.name
    }

    fn run(&self, lab: &dyn Lab, _: &Cell, plan: &Plan, limit: Duration) -> Result<Vec<Reading>, CellError> {
        let Bound { all, accounts, more, unbind, memory, answers } = lab.bind(self.binding, limit)?;
        // A range holds every address of a Service to come.
        let more = Some(reading(plan, Metric::BindOne, more.into_iter().map(ns).collect()));
        let count = |metric, count: u32| Reading::new(metric, vec![f64::from(count)]);
        let rest = [
            Reading::new(Metric::Unbind, vec![ns(unbind)]),
            Reading::new(Metric::BindMemory, vec![memory as f64]),
            count(Metric::ArpAnswered, answers.arp),
            count(Metric::ArpAnsweredStrict, answers.arp_strict),
            count(Metric::PingAnswered, answers.ping),
            count(Metric::StrayAnswered, answers.stray),
        ];
        let first = Reading::new(Metric::of(self.name), vec![ns(all)]).on(accounts);
        Ok([first].into_iter().chain(more.filter(|more| !more.samples.is_empty())).chain(rest).collect())
    }
}
