//! Which endpoints are in which slice: as Kubernetes' controller of endpoint slices does it (`reconciler.go`), so that a
//! change of one endpoint changes one slice.

use super::pod::{Group, Pod};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// The most endpoints of a slice: the controller's default.
pub(crate) const MOST: usize = 100;

/// A slice that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Existing {
    pub(crate) name: String,
    /// Its endpoints, in its order.
    pub(crate) addresses: Vec<IpAddr>,
}

/// A slice that is to be: its name, if it exists already, and its endpoints.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Planned<'a> {
    pub(crate) name: Option<String>,
    pub(crate) pods: Vec<Pod<'a>>,
}

/// The slices that are to hold the pods of `group`, of which `existing` are there.
///
/// Endpoints stay where they are. New ones fill the slices that lose some, the fullest first; what is left goes together
/// into the fullest other slice that has room for all of it, or else into new slices.
pub(crate) fn plan<'a>(group: &Group<'a>, existing: Vec<Existing>) -> Vec<Planned<'a>> {
    let mut wanted: BTreeMap<IpAddr, Pod<'a>> = group.pods.iter().map(|pod| (pod.address, *pod)).collect();
    let (mut changed, mut unchanged) = (Vec::new(), Vec::new());
    for Existing { name, addresses } in existing {
        let pods: Vec<Pod<'a>> = addresses.iter().filter_map(|address| wanted.remove(address)).collect();
        let is_changed = pods.len() < addresses.len();
        let slice = Planned { name: Some(name), pods };
        if is_changed { changed.push(slice) } else { unchanged.push(slice) }
    }
    let mut left = wanted.into_values().collect::<Vec<_>>().into_iter();
    changed.sort_by_key(|slice| std::cmp::Reverse(slice.pods.len()));
    for slice in &mut changed {
        let room = MOST.saturating_sub(slice.pods.len());
        slice.pods.extend(left.by_ref().take(room));
    }
    while left.len() > 0 {
        let more = left.len();
        let room = |slice: &&mut Planned<'a>| slice.pods.len() + more <= MOST;
        match unchanged.iter_mut().filter(room).max_by_key(|slice| slice.pods.len()) {
            Some(slice) => slice.pods.extend(left.by_ref()),
            None => changed.push(Planned { name: None, pods: left.by_ref().take(MOST).collect() }),
        }
    }
    changed.extend(unchanged);
    changed.retain(|slice| !slice.pods.is_empty());
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::cluster::{Conditions, Family};

    fn address(number: usize) -> IpAddr {
        IpAddr::from([10, 0, (number >> 8) as u8, number as u8])
    }

    fn group(numbers: impl Iterator<Item = usize>) -> Group<'static> {
        let pod = |number| Pod { address: address(number), conditions: Conditions::default(), place: None };
        Group { family: Family::V4, ports: Vec::new(), pods: numbers.map(pod).collect() }
    }

    /// The slices' names and sizes.
    fn sizes(planned: &[Planned<'_>]) -> Vec<(String, usize)> {
        planned.iter().map(|slice| (slice.name.clone().unwrap_or_default(), slice.pods.len())).collect()
    }

    fn existing(name: &str, numbers: impl Iterator<Item = usize>) -> Existing {
        Existing { name: name.to_owned(), addresses: numbers.map(address).collect() }
    }

    #[test]
    fn a_slice_has_a_hundred_endpoints_at_most() {
        let new = |count| (String::new(), count);
        assert_eq!(sizes(&plan(&group(0..250), Vec::new())), [new(100), new(100), new(50)]);
    }

    #[test]
    fn an_endpoint_that_is_replaced_changes_its_slice_alone() {
        let there = vec![existing("a", 0..100), existing("b", 100..150)];
        let planned = plan(&group((0..40).chain(41..151)), there.clone());
        assert_eq!(sizes(&planned), [("a".to_owned(), 100), ("b".to_owned(), 50)]);
        let addresses = |slice: &Planned<'_>| slice.pods.iter().map(|pod| pod.address).collect::<Vec<_>>();
        assert_eq!(addresses(&planned[1]), there[1].addresses);
        assert_eq!(addresses(&planned[0])[99], address(150));
    }

    #[test]
    fn what_is_added_goes_where_there_is_room_for_all_of_it() {
        let there = || vec![existing("a", 0..95), existing("b", 100..130)];
        let old = || (0..95).chain(100..130);
        let added = |count: usize| sizes(&plan(&group(old().chain(200..200 + count)), there()));
        assert_eq!(added(5), [("a".to_owned(), 100), ("b".to_owned(), 30)]);
        assert_eq!(added(6), [("a".to_owned(), 95), ("b".to_owned(), 36)]);
        assert_eq!(added(80), [(String::new(), 80), ("a".to_owned(), 95), ("b".to_owned(), 30)]);
    }

    #[test]
    fn an_empty_slice_goes() {
        assert!(plan(&group(0..0), vec![existing("a", 0..3)]).is_empty());
    }
}
