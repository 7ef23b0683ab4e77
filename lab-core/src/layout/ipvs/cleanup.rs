//! How a node gets rid of everything.

use super::set::{Set, ipset};
use super::{DEVICE, Version, rules};
use crate::cluster::Family;
use crate::layout::iptables::{Table, Tools};
use crate::layout::{Action, Pace, Part, Request};

/// As `kube-proxy --cleanup` (`cleanupLeftovers`): what it made, by name. The sets come last, because rules refer to them.
///
/// It goes further in two things, so that nothing stays: kube-proxy forgets the IPv6 sets, and 1.20 the chains that mark.
pub(super) fn by_name(version: Version) -> Vec<Action> {
    let requests = vec![Request::Clear, Request::GetDevice(DEVICE), Request::RemoveDevice(DEVICE)];
    let mut actions = vec![Action::Ask(Pace::OneByOne, requests)];
    let families = version.families();
    actions.extend(families.iter().flat_map(|&family| rules::clean_up(version, family)));
    actions.extend(families.iter().flat_map(|&family| version.sets().iter().map(move |set: &Set| set.destroy(family))));
    actions
}

/// Everything at once. A node of the lab has no other rules and sets.
pub(super) fn at_once() -> Vec<Action> {
    let mut actions = vec![Action::Ask(Pace::OneByOne, vec![Request::Clear, Request::RemoveDevice(DEVICE)])];
    let empty = |family| Tools::patient(family).empty(&[Table::Nat, Table::Filter]).into();
    actions.extend(Family::ALL.map(empty));
    actions.push(Action::Call(Part::Sets, ipset(["destroy"])));
    actions
}
