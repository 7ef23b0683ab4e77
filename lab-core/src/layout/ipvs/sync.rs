//! One sync of one family's proxier, in kube-proxy's own way.
//!
//! The order is that of `syncProxyRules` in kube-proxy's `pkg/proxy/ipvs/proxier.go`.

use super::set::{Entry, MOST_ENTRIES, Set};
use super::wanted::{Server, Wanted, without};
use super::{DEVICE, Ipvs, Version, rules};
use crate::cluster::{Cluster, Family};
use crate::layout::{Action, Count, Pace, Part, Request};
use std::net::{IpAddr, SocketAddr};

/// What a sync starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// A node that was only prepared.
    Empty,
    /// A node with a cluster in force.
    InForce,
}

/// One sync of the proxier of one family.
pub(super) struct Sync<'a> {
    pub(super) layout: &'a Ipvs,
    pub(super) family: Family,
    pub(super) start: Start,
    pub(super) before: Wanted,
    pub(super) after: Wanted,
}

impl<'a> Sync<'a> {
    /// From an empty node to `cluster`.
    pub(super) fn full(layout: &'a Ipvs, cluster: &Cluster, family: Family) -> Self {
        let (before, after) = (Wanted::default(), Wanted::of(layout, cluster, family));
        Self { layout, family, start: Start::Empty, before, after }
    }

    /// From `before` to `after`.
    pub(super) fn partial(layout: &'a Ipvs, before: &Cluster, after: &Cluster, family: Family) -> Self {
        let [before, after] = [before, after].map(|cluster| Wanted::of(layout, cluster, family));
        Self { layout, family, start: Start::InForce, before, after }
    }

    /// Everything that kube-proxy does, without the clean-up of conntrack.
    pub(super) fn as_kube_proxy(&self) -> Vec<Action> {
        let (version, family) = (self.layout.version, self.family);
        let mut actions = Vec::new();
        if version == Version::V1_20 {
            actions.push(ask(vec![Request::ListAddresses(DEVICE)]));
        }
        actions.extend(rules::ensure(version, family, self.start == Start::InForce));
        actions.push(ask(vec![Request::GetDevice(DEVICE)]));
        actions.extend(version.sets().iter().map(|set| set.create(family)));
        actions.push(ask(self.services()));
        for &set in version.sets() {
            self.sync_set(set, &mut actions);
        }
        actions.push(rules::write(family, rules::text(self.layout, family, &self.after)));
        actions.push(ask(self.stale()));
        actions
    }

    /// `syncService`, then `syncEndpoint`, for every virtual server.
    fn services(&self) -> Vec<Request> {
        let endpoints: usize = self.after.servers.iter().map(|server| self.after.real_servers(server).len()).sum();
        let mut requests = Vec::with_capacity(16 + 6 * self.after.servers.len() + endpoints);
        match self.layout.version {
            Version::V1_20 if self.after.servers.iter().any(|server| !server.bound) => {
                requests.push(Request::ListLocalRoutes);
            }
            Version::V1_20 => {}
            Version::V1_30 => requests.extend([Request::ListAddresses(DEVICE), Request::ListOtherAddresses(DEVICE)]),
        }
        for server in &self.after.servers {
            self.service(server, &mut requests);
        }
        requests
    }

    fn service(&self, server: &Server, requests: &mut Vec<Request>) {
        let (key, address) = (server.server.key, server.server.key.address.ip());
        requests.push(Request::GetVirtualServer(key));
        requests.extend(self.change_of(server));
        // 1.20 does not look whether an address is bound.
        if server.bound && (self.layout.version == Version::V1_20 || !self.before.has_address(address)) {
            requests.extend([Request::GetDevice(DEVICE), Request::AddAddress(DEVICE, address)]);
        }
        requests.extend([Request::GetVirtualServer(key), Request::ListRealServers(key)]);
        requests.extend(self.new_real_servers(server));
        for address in self.stale_real_servers(server) {
            // It is listed once more to see whether it still has connections.
            requests.extend([Request::ListRealServers(key), Request::RemoveRealServer(key, address)]);
        }
    }

    /// Lists a set and corrects what differs, with a process for each entry (`syncIPSetEntries`).
    ///
    /// What does not fit is tried at every sync, and kube-proxy goes on when the tool refuses it.
    fn sync_set(&self, set: Set, actions: &mut Vec<Action>) {
        actions.push(set.list(self.family));
        let Held { before, after, wanted } = self.held(set);
        let fits = before.len() == self.before.entries(set).len() && after.len() == wanted.len();
        let call = |fits, call| if fits { Action::Call(Part::Sets, call) } else { Action::Try(Part::Sets, call) };
        // One that kube-proxy does not recognise in the listing goes and comes at every sync.
        let unrecognised = |entry: &&Entry| !entry.is_recognised();
        let again = || before.iter().filter(unrecognised).filter(|entry| wanted.binary_search(entry).is_ok());
        let stale = without(&before, wanted).chain(again());
        actions.extend(stale.map(|&entry| call(fits, set.delete(self.family, entry))));
        let new = without(wanted, &before).chain(again());
        actions.extend(new.map(|&entry| call(fits, set.add(self.family, entry))));
    }

    /// What goes in the end: addresses and virtual servers that nothing wants.
    fn stale(&self) -> Vec<Request> {
        let mut requests = Vec::new();
        let unbind = |address: IpAddr| [Request::GetDevice(DEVICE), Request::RemoveAddress(DEVICE, address)];
        let mut addresses: Vec<IpAddr> = self.stale_addresses().collect();
        match self.layout.version {
            Version::V1_30 => {
                requests.extend(addresses.into_iter().flat_map(unbind));
                requests.push(Request::ListVirtualServers);
                requests.extend(self.stale_servers().map(|server| Request::RemoveVirtualServer(server.server.key)));
            }
            // An address goes with its first virtual server.
            Version::V1_20 => {
                requests.extend([Request::ListAddresses(DEVICE), Request::ListVirtualServers]);
                for server in self.stale_servers() {
                    let key = server.server.key;
                    requests.push(Request::RemoveVirtualServer(key));
                    if let Some(place) = addresses.iter().position(|&address| address == key.address.ip()) {
                        requests.extend(unbind(addresses.remove(place)));
                    }
                }
            }
        }
        requests
    }

    /// Counts what a full sync installs.
    pub(super) fn count(&self, count: &mut Count) {
        rules::count(self.layout, self.family, &self.after, count);
        let installed = &mut count.installed;
        installed.set_elements +=
            self.layout.version.sets().iter().map(|&set| self.held(set).after.len() as u64).sum::<u64>();
        installed.virtual_servers += self.after.servers.len() as u64;
        let real = self.after.servers.iter().map(|server| self.after.real_servers(server).len() as u64);
        installed.real_servers += real.sum::<u64>();
        installed.addresses += self.after.addresses.len() as u64;
    }

    /// How a virtual server comes to be what it is; `None` if it is so already.
    pub(super) fn change_of(&self, server: &Server) -> Option<Request> {
        match self.before.server(&server.server.key) {
            None => Some(Request::AddVirtualServer(server.server)),
            Some(before) if before.server != server.server => Some(Request::UpdateVirtualServer(server.server)),
            Some(_) => None,
        }
    }

    pub(super) fn new_real_servers<'s>(&'s self, server: &'s Server) -> impl Iterator<Item = Request> + 's {
        let (key, real) = (server.server.key, self.after.real_servers(server));
        let before = self.before.server(&key).map_or(&[][..], |before| self.before.real_servers(before));
        let unchanged = before == real;
        let new = real.iter().filter(move |real| !unchanged && !before.contains(real));
        new.map(move |&real| Request::AddRealServer(key, real))
    }

    pub(super) fn stale_real_servers<'s>(&'s self, server: &'s Server) -> impl Iterator<Item = SocketAddr> + 's {
        let real = self.after.real_servers(server);
        let before = self.before.server(&server.server.key).map_or(&[][..], |before| self.before.real_servers(before));
        let unchanged = before == real;
        before.iter().filter(move |before| !unchanged && !real.contains(before)).map(|before| before.address)
    }

    /// The virtual servers that no Service has any more, without those that kube-proxy is to leave alone.
    pub(super) fn stale_servers(&self) -> impl Iterator<Item = &Server> {
        let excluded = |address: IpAddr| self.layout.config.exclude_cidrs.iter().any(|range| range.contains(&address));
        let gone = self.before.servers.iter().filter(|server| self.after.server(&server.server.key).is_none());
        gone.filter(move |server| !excluded(server.server.key.address.ip()))
    }

    pub(super) fn new_addresses(&self) -> impl Iterator<Item = IpAddr> {
        without(&self.after.addresses, &self.before.addresses).copied()
    }

    pub(super) fn stale_addresses(&self) -> impl Iterator<Item = IpAddr> {
        without(&self.before.addresses, &self.after.addresses).copied()
    }

    /// What is in `set`.
    pub(super) fn held(&self, set: Set) -> Held<'_> {
        let [before, after] = [&self.before, &self.after].map(|state| stored(set, state.entries(set)));
        Held { before, after, wanted: self.after.entries(set) }
    }
}

/// The entries of a set.
pub(super) struct Held<'a> {
    /// What the set holds at the start.
    pub(super) before: std::borrow::Cow<'a, [Entry]>,
    /// What it holds in the end.
    pub(super) after: std::borrow::Cow<'a, [Entry]>,
    /// What is wanted in the end, fitting or not.
    pub(super) wanted: &'a [Entry],
}

/// What of `entries` a set takes: the first ones that fit.
pub(super) fn stored(set: Set, entries: &[Entry]) -> std::borrow::Cow<'_, [Entry]> {
    let most = if set.is_limited() { MOST_ENTRIES } else { entries.len() };
    if entries.iter().all(Entry::can_be_stored) {
        entries[..entries.len().min(most)].into()
    } else {
        entries.iter().copied().filter(Entry::can_be_stored).take(most).collect()
    }
}

fn ask(requests: Vec<Request>) -> Action {
    Action::Ask(Pace::OneByOne, requests)
}
