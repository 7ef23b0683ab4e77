//! The step from one cluster state to the next. A full load is a change from the empty cluster.

use crate::cluster::{Cluster, Family, Service, ServicePort, Supply};
use std::collections::HashMap;
use std::sync::Arc;

/// Two states of a cluster, one after the other. Copies share the states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is installed.
    pub before: Arc<Cluster>,
    /// What is to be installed.
    pub after: Arc<Cluster>,
}

/// What a change does to one Service, or to one port of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<T> {
    /// It is the same before and after.
    Kept(T),
    /// It is new.
    Added(T),
    /// It differs. A port counts as altered if any port of its Service differs, because kube-proxy rewrites a changed
    /// Service whole.
    Altered {
        /// What it was.
        before: T,
        /// What it becomes.
        after: T,
    },
    /// It is removed.
    Removed(T),
}

impl<T: Copy> Step<T> {
    /// What it was; `None` if it is new.
    #[must_use]
    pub fn before(self) -> Option<T> {
        match self {
            Self::Kept(before) | Self::Altered { before, .. } | Self::Removed(before) => Some(before),
            Self::Added(_) => None,
        }
    }

    /// What it becomes; `None` if it is removed.
    #[must_use]
    pub fn after(self) -> Option<T> {
        match self {
            Self::Kept(after) | Self::Altered { after, .. } | Self::Added(after) => Some(after),
            Self::Removed(_) => None,
        }
    }
}

impl<'a> Step<&'a Service> {
    /// The same for each port in `family`: first the ports after the change, then the removed ones.
    pub fn ports(self, family: Family) -> impl Iterator<Item = Step<ServicePort<'a>>> {
        let (before, after) = (self.before(), self.after());
        let becomes = move |port: ServicePort<'a>| match self {
            Self::Kept(_) => Step::Kept(port),
            _ => match before.and_then(|before| port.in_state(before)) {
                Some(before) => Step::Altered { before, after: port },
                None => Step::Added(port),
            },
        };
        let lost = before.into_iter().flat_map(move |before| before.ports_of(family));
        let lost = lost.filter(move |port| after.is_none_or(|after| port.in_state(after).is_none()));
        after.into_iter().flat_map(move |after| after.ports_of(family)).map(becomes).chain(lost.map(Step::Removed))
    }
}

impl Change {
    /// To a cluster with one more Service at the end.
    #[must_use]
    pub fn adding(cluster: &Arc<Cluster>, supply: &dyn Supply) -> Self {
        Self { before: Arc::clone(cluster), after: Arc::new(cluster.with_service_added(supply)) }
    }

    /// To a cluster without the middle Service.
    #[must_use]
    pub fn removing(cluster: &Arc<Cluster>) -> Self {
        Self { before: Arc::clone(cluster), after: Arc::new(cluster.with_middle_removed()) }
    }

    /// To a cluster whose middle Service has its last endpoint replaced by the spare one.
    #[must_use]
    pub fn replacing_endpoint(cluster: &Arc<Cluster>, supply: &dyn Supply) -> Self {
        Self { before: Arc::clone(cluster), after: Arc::new(cluster.with_endpoint_replaced(supply)) }
    }

    /// To a cluster whose middle Service is scaled to zero: it has no endpoints.
    #[must_use]
    pub fn scaling_to_zero(cluster: &Arc<Cluster>) -> Self {
        Self { before: Arc::clone(cluster), after: Arc::new(cluster.with_middle_at_zero()) }
    }

    /// The opposite change.
    #[must_use]
    pub fn undone(&self) -> Self {
        Self { before: Arc::clone(&self.after), after: Arc::clone(&self.before) }
    }

    /// What happens to every Service: those of `after` in its order, then the removed ones in the order of `before`.
    ///
    /// O(N), and fast if both states begin and end with the same Services: only those in between are looked up.
    #[must_use]
    pub fn services(&self) -> Vec<Step<&Service>> {
        let (before, after) = (&self.before.services[..], &self.after.services[..]);
        let alike = |(before, after): &(&Arc<Service>, &Arc<Service>)| {
            Arc::ptr_eq(before, after) || before.key() == after.key()
        };
        let front = before.iter().zip(after).take_while(alike).count();
        let (before_rest, after_rest) = (&before[front..], &after[front..]);
        let back = before_rest.iter().rev().zip(after_rest.iter().rev()).take_while(alike).count();
        let before_between = &before_rest[..before_rest.len() - back];
        let after_between = &after_rest[..after_rest.len() - back];

        let mut left: HashMap<(&str, &str), &Arc<Service>> =
            before_between.iter().map(|service| (service.key(), service)).collect();
        let mut steps = Vec::with_capacity(after.len() + before_between.len());
        let both = |(before, after)| step(Some(before), after);
        steps.extend(before.iter().zip(after).take(front).map(both));
        steps.extend(after_between.iter().map(|service| step(left.remove(&service.key()), service)));
        steps.extend(before[before.len() - back..].iter().zip(&after[after.len() - back..]).map(both));
        let gone = before_between.iter().filter(|service| left.contains_key(&service.key()));
        steps.extend(gone.map(|service| Step::Removed(&**service)));
        steps
    }

    /// What happens to every port in `family`, Service by Service.
    pub fn ports(&self, family: Family) -> impl Iterator<Item = Step<ServicePort<'_>>> {
        self.services().into_iter().flat_map(move |step| step.ports(family))
    }
}

fn step<'a>(before: Option<&'a Arc<Service>>, after: &'a Arc<Service>) -> Step<&'a Service> {
    match before {
        None => Step::Added(after),
        // Shared Services are equal without a look at them.
        Some(before) if before == after => Step::Kept(after),
        Some(before) => Step::Altered { before, after },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{AddressPlan, Port};
    use proptest::prelude::*;

    /// How many Services a change keeps, and its other steps by name.
    fn changed(change: &Change) -> (usize, Vec<Step<&str>>) {
        let (mut kept, mut changed) = (0, Vec::new());
        for step in change.services() {
            match step {
                Step::Kept(_) => kept += 1,
                Step::Added(service) => changed.push(Step::Added(service.name.as_str())),
                Step::Altered { before, after } => {
                    changed.push(Step::Altered { before: &before.name, after: &after.name })
                }
                Step::Removed(service) => changed.push(Step::Removed(service.name.as_str())),
            }
        }
        (kept, changed)
    }

    fn cluster(services: u32) -> (Arc<Cluster>, AddressPlan) {
        let plan = AddressPlan::new(2);
        (Arc::new(Cluster::generate(services, &plan)), plan)
    }

    #[test]
    fn adding_adds_the_service_after_the_last() {
        let (cluster, plan) = cluster(3);
        assert_eq!(changed(&Change::adding(&cluster, &plan)), (3, vec![Step::Added("svc-00004")]));
    }

    #[test]
    fn removing_removes_the_middle_one() {
        let (cluster, _) = cluster(3);
        assert_eq!(changed(&Change::removing(&cluster)), (2, vec![Step::Removed("svc-00002")]));
    }

    #[test]
    fn replacing_an_endpoint_alters_the_middle_one() {
        let (cluster, plan) = cluster(3);
        let altered = Step::Altered { before: "svc-00002", after: "svc-00002" };
        assert_eq!(changed(&Change::replacing_endpoint(&cluster, &plan)), (2, vec![altered]));
    }

    #[test]
    fn scaling_to_zero_leaves_the_middle_one_without_endpoints() {
        let (cluster, _) = cluster(3);
        let change = Change::scaling_to_zero(&cluster);
        let altered = Step::Altered { before: "svc-00002", after: "svc-00002" };
        assert_eq!(changed(&change), (2, vec![altered]));
        assert_eq!(change.after.endpoint_count(Family::V4), 4);
    }

    #[test]
    fn a_service_that_loses_one_port_for_another_is_written_whole() {
        let named = |name: &str| Port { name: name.to_owned(), ..Port::default() };
        let with = |ports: &[&str]| {
            let mut cluster = Cluster::generate(1, &AddressPlan::new(0));
            cluster.service_mut(0).ports = ports.iter().map(|name| named(name)).collect();
            Arc::new(cluster)
        };
        let change = Change { before: with(&["a", "b"]), after: with(&["c", "b"]) };
        let said = |step: Step<ServicePort<'_>>| match step {
            Step::Kept(port) => format!("kept {port}"),
            Step::Added(port) => format!("added {port}"),
            Step::Altered { after, .. } => format!("altered {after}"),
            Step::Removed(port) => format!("removed {port}"),
        };
        let steps: Vec<String> = change.ports(Family::V4).map(said).collect();
        let expected = ["added default/svc-00001:c", "altered default/svc-00001:b", "removed default/svc-00001:a"];
        assert_eq!(steps, expected);
        assert_eq!(change.ports(Family::V6).count(), 0);
    }

    #[test]
    fn what_was_added_is_removed_on_the_way_back() {
        let (cluster, plan) = cluster(3);
        let back = Change::adding(&cluster, &plan).undone();
        assert_eq!(changed(&back), (3, vec![Step::Removed("svc-00004")]));
        assert_eq!(back.after, cluster);
    }

    proptest! {
        #[test]
        fn steps_are_what_looking_up_every_service_says(
            before in proptest::sample::subsequence((0..12usize).collect::<Vec<_>>(), 0..=12).prop_shuffle(),
            after in proptest::sample::subsequence((0..12usize).collect::<Vec<_>>(), 0..=12).prop_shuffle(),
            altered in proptest::collection::hash_set(0..12usize, 0..4),
        ) {
            let all = Cluster::generate(12, &AddressPlan::new(1)).services;
            let pick = |places: &[usize]| places.iter().map(|&place| all[place].clone()).collect::<Vec<_>>();
            let mut change = Change {
                before: Arc::new(Cluster { services: pick(&before), ..Cluster::default() }),
                after: Arc::new(Cluster { services: pick(&after), ..Cluster::default() }),
            };
            for service in &mut Arc::make_mut(&mut change.after).services {
                let service = Arc::make_mut(service);
                let place = all.iter().position(|other| other.name == service.name).unwrap();
                service.ports[0].number += u16::from(altered.contains(&place));
            }
            let mut expected: Vec<Step<&Service>> = Vec::new();
            for service in &change.after.services {
                let was = change.before.services.iter().find(|other| other.key() == service.key());
                expected.push(step(was, service));
            }
            for service in &change.before.services {
                if !change.after.services.iter().any(|other| other.key() == service.key()) {
                    expected.push(Step::Removed(service));
                }
            }
            prop_assert_eq!(change.services(), expected);
        }
    }
}
