//! The step from one cluster state to the next. A full load is a change from the empty cluster.

use crate::cluster::{AddressPlan, Cluster, ServiceKey, ServicePort};
use std::collections::HashMap;
use std::sync::Arc;

/// Two states of a cluster, one after the other. Copies share the states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is in force.
    pub before: Arc<Cluster>,
    /// What is to be.
    pub after: Arc<Cluster>,
}

/// What a change does to one Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// It is the same before and after.
    Kept(&'a ServicePort),
    /// It is new.
    Added(&'a ServicePort),
    /// Its address, port or endpoints are others than before.
    Altered {
        /// What it was.
        before: &'a ServicePort,
        /// What it becomes.
        after: &'a ServicePort,
    },
    /// It is gone.
    Removed(&'a ServicePort),
}

impl Change {
    /// To a cluster with one more Service at the end.
    #[must_use]
    pub fn adding(cluster: &Arc<Cluster>, plan: &AddressPlan) -> Self {
        Self { before: Arc::clone(cluster), after: Arc::new(cluster.with_service_added(plan)) }
    }

    /// To a cluster without the middle Service.
    #[must_use]
    pub fn removing(cluster: &Arc<Cluster>) -> Self {
        Self { before: Arc::clone(cluster), after: Arc::new(cluster.with_middle_removed()) }
    }

    /// To a cluster whose middle Service has its last endpoint replaced by the spare one.
    #[must_use]
    pub fn replacing_endpoint(cluster: &Arc<Cluster>, plan: &AddressPlan) -> Self {
        Self { before: Arc::clone(cluster), after: Arc::new(cluster.with_endpoint_replaced(plan)) }
    }

    /// The way back.
    #[must_use]
    pub fn undone(&self) -> Self {
        Self { before: Arc::clone(&self.after), after: Arc::clone(&self.before) }
    }

    /// What happens to every Service: those of `after` in its order, then the removed ones in the order of `before`.
    ///
    /// O(N), and quick where the two states agree from the front and from the back: only what lies between is looked up.
    #[must_use]
    pub fn steps(&self) -> Vec<Step<'_>> {
        let (before, after) = (&self.before.services[..], &self.after.services[..]);
        let alike = |(before, after): &(&ServicePort, &ServicePort)| before.key() == after.key();
        let front = before.iter().zip(after).take_while(alike).count();
        let (before_rest, after_rest) = (&before[front..], &after[front..]);
        let back = before_rest.iter().rev().zip(after_rest.iter().rev()).take_while(alike).count();
        let before_between = &before_rest[..before_rest.len() - back];
        let after_between = &after_rest[..after_rest.len() - back];

        let mut left: HashMap<ServiceKey<'_>, &ServicePort> =
            before_between.iter().map(|service| (service.key(), service)).collect();
        let mut steps = Vec::with_capacity(after.len() + before_between.len());
        let both = |(before, after)| step(Some(before), after);
        steps.extend(before.iter().zip(after).take(front).map(both));
        steps.extend(after_between.iter().map(|service| step(left.remove(&service.key()), service)));
        steps.extend(before[before.len() - back..].iter().zip(&after[after.len() - back..]).map(both));
        let gone = before_between.iter().filter(|service| left.contains_key(&service.key()));
        steps.extend(gone.map(Step::Removed));
        steps
    }

    /// The Services that are new, in the order of `after`.
    pub fn added(&self) -> impl Iterator<Item = &ServicePort> {
        self.steps().into_iter().filter_map(|step| if let Step::Added(service) = step { Some(service) } else { None })
    }

    /// The Services that are gone, in the order of `before`.
    pub fn removed(&self) -> impl Iterator<Item = &ServicePort> {
        self.steps().into_iter().filter_map(|step| if let Step::Removed(service) = step { Some(service) } else { None })
    }

    /// The Services that are others than before, as they were and as they become, in the order of `after`.
    pub fn altered(&self) -> impl Iterator<Item = (&ServicePort, &ServicePort)> {
        self.steps()
            .into_iter()
            .filter_map(|step| if let Step::Altered { before, after } = step { Some((before, after)) } else { None })
    }
}

fn step<'a>(before: Option<&'a ServicePort>, after: &'a ServicePort) -> Step<'a> {
    match before {
        None => Step::Added(after),
        Some(before) if before == after => Step::Kept(after),
        Some(before) => Step::Altered { before, after },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names<'a>(services: impl Iterator<Item = &'a ServicePort>) -> Vec<&'a str> {
        services.map(|service| service.name.as_str()).collect()
    }

    fn cluster(services: u32) -> (Arc<Cluster>, AddressPlan) {
        let plan = AddressPlan::new(2);
        (Arc::new(Cluster::generate(services, &plan)), plan)
    }

    #[test]
    fn adding_adds_the_service_after_the_last() {
        let (cluster, plan) = cluster(3);
        let change = Change::adding(&cluster, &plan);
        assert_eq!(names(change.added()), ["svc-00004"]);
        assert_eq!((change.removed().count(), change.altered().count()), (0, 0));
    }

    #[test]
    fn removing_removes_the_middle_one() {
        let (cluster, _) = cluster(3);
        let change = Change::removing(&cluster);
        assert_eq!(names(change.removed()), ["svc-00002"]);
        assert_eq!((change.added().count(), change.altered().count()), (0, 0));
    }

    #[test]
    fn replacing_an_endpoint_alters_the_middle_one() {
        let (cluster, plan) = cluster(3);
        let change = Change::replacing_endpoint(&cluster, &plan);
        assert_eq!(names(change.altered().map(|(_, after)| after)), ["svc-00002"]);
        assert_eq!((change.added().count(), change.removed().count()), (0, 0));
    }

    #[test]
    fn what_was_added_is_removed_on_the_way_back() {
        let (cluster, plan) = cluster(3);
        let back = Change::adding(&cluster, &plan).undone();
        assert_eq!(names(back.removed()), ["svc-00004"]);
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
                before: Arc::new(Cluster { services: pick(&before) }),
                after: Arc::new(Cluster { services: pick(&after) }),
            };
            for service in &mut Arc::make_mut(&mut change.after).services {
                let place = all.iter().position(|other| other.name == service.name).unwrap();
                service.port += u16::from(altered.contains(&place));
            }
            let mut expected: Vec<Step<'_>> = Vec::new();
            for service in &change.after.services {
                let was = change.before.services.iter().find(|other| other.key() == service.key());
                expected.push(step(was, service));
            }
            for service in &change.before.services {
                if !change.after.services.iter().any(|other| other.key() == service.key()) {
                    expected.push(Step::Removed(service));
                }
            }
            prop_assert_eq!(change.steps(), expected);
        }
    }
}
