//! The lab's own ways of a sync: only what changed, with few processes and messages. All families go together.

use super::set::{Spelling, ipset};
use super::sync::{Start, Sync};
use super::{DEVICE, rules};
use crate::layout::text::Text;
use crate::layout::{Action, Invocation, Pace, Part, Request, Tool};
use std::fmt::Write;

use super::wanted::without;

/// Many requests a message, and one `ipset restore`.
pub(super) fn batched(syncs: &[Sync<'_>]) -> Vec<Action> {
    let requests = new_addresses(syncs).chain(servers(syncs)).chain(stale_addresses(syncs)).collect();
    around(syncs, [ask(requests)])
}

/// The same, but virtual servers go through one `ipvsadm --restore`.
pub(super) fn ipvsadm(syncs: &[Sync<'_>]) -> Vec<Action> {
    let mut text = String::new();
    for request in servers(syncs) {
        writeln!(text, "{}", request.ipvsadm()).expect("writing to memory does not fail");
    }
    let args = vec!["--restore".to_owned()];
    let restore = Invocation { tool: Tool::Ipvsadm, args, stdin: text.into_bytes() };
    let restore = (!restore.stdin.is_empty()).then_some(Action::Call(Part::VirtualServers, restore));
    around(syncs, [ask(new_addresses(syncs).collect()), restore, ask(stale_addresses(syncs).collect())])
}

/// The sets before `actions`, and the rules after them, where they differ.
fn around<const N: usize>(syncs: &[Sync<'_>], actions: [Option<Action>; N]) -> Vec<Action> {
    let rules = syncs.iter().filter_map(|sync| {
        let text = |state| rules::text(sync.layout, sync.family, state);
        let after = text(&sync.after);
        let changed = sync.start == Start::Empty || text(&sync.before) != after;
        changed.then(|| rules::write(sync.family, after))
    });
    sets(syncs).into_iter().chain(actions.into_iter().flatten()).chain(rules).collect()
}

/// Makes sets and changes their entries with a single process; `None` if there is nothing to do.
fn sets(syncs: &[Sync<'_>]) -> Option<Action> {
    let mut text = Vec::with_capacity(4096);
    for sync in syncs {
        let (family, sets) = (sync.family, sync.layout.version.sets());
        if sync.start == Start::Empty {
            sets.iter().for_each(|set| set.put_create(family, &mut text));
        }
        for &set in sets {
            let held = sync.held(set);
            text.reserve(64 * held.after.len().saturating_sub(held.before.len()));
            let mut line = |word: &str, entry: &super::set::Entry| {
                text.put(word).put(" ").put(set.name(family)).put(" ");
                entry.put(Spelling::Listed, &mut text);
                text.put("\n");
            };
            without(&held.before, &held.after).for_each(|entry| line("del", entry));
            without(&held.after, &held.before).for_each(|entry| line("add", entry));
        }
    }
    let call = Invocation { stdin: text, ..ipset(["-exist", "restore"]) };
    (!call.stdin.is_empty()).then_some(Action::Call(Part::Sets, call))
}

/// What changes about virtual and real servers, and nothing else.
fn servers(syncs: &[Sync<'_>]) -> impl Iterator<Item = Request> {
    syncs.iter().flat_map(|sync| {
        let changed = sync.after.servers.iter().flat_map(move |server| {
            let key = server.server.key;
            let removed = sync.stale_real_servers(server).map(move |address| Request::RemoveRealServer(key, address));
            sync.change_of(server).into_iter().chain(sync.new_real_servers(server)).chain(removed)
        });
        changed.chain(sync.stale_servers().map(|server| Request::RemoveVirtualServer(server.server.key)))
    })
}

fn new_addresses(syncs: &[Sync<'_>]) -> impl Iterator<Item = Request> {
    syncs.iter().flat_map(|sync| sync.new_addresses().map(|address| Request::AddAddress(DEVICE, address)))
}

fn stale_addresses(syncs: &[Sync<'_>]) -> impl Iterator<Item = Request> {
    syncs.iter().flat_map(|sync| sync.stale_addresses().map(|address| Request::RemoveAddress(DEVICE, address)))
}

fn ask(requests: Vec<Request>) -> Option<Action> {
    (!requests.is_empty()).then_some(Action::Ask(Pace::Batched, requests))
}
