//! What kube-proxy asks nft for: at its start, and before it writes.

use super::Version;
use super::object::TABLE;
use super::rule::word;
use super::set::Set;
use crate::cluster::Family;
use crate::layout::{Action, Invocation, Part, Tool};

fn nft(args: &[&str], stdin: &str) -> Invocation {
    let args = args.iter().map(|&word| word.to_owned()).collect();
    Invocation { tool: Tool::Nft, args, stdin: stdin.as_bytes().to_vec() }
}

/// Whether nft works, in each family (`New` in knftables).
pub(super) fn at_start() -> Vec<Action> {
    let check = |family| {
        let table = format!("add table {} {TABLE} {{ comment \"test\" ; }}\n", word(family));
        [nft(&["--version"], ""), nft(&["--check", "-f", "-"], &table)]
    };
    Family::ALL.into_iter().flat_map(check).map(Action::from).collect()
}

/// What is listed before a sync. `whole`: it writes the fixed part, too.
///
/// A listing of a table that is not there yet fails.
pub(super) fn before_sync(version: Version, family: Family, whole: bool) -> Vec<Action> {
    let family = word(family);
    let read = |args: &[&str]| Action::Try(Part::Reads, nft(args, ""));
    match version {
        Version::V1_30 => {
            vec![read(&["--json", "list", "chains", family]), read(&["--json", "list", "sets", family])]
        }
        Version::V1_36 => {
            let sets = if whole { &Set::OF_SERVICES[..] } else { &[] };
            let list = |set: &Set| read(&["--json", "list", set.kind(), family, TABLE, set.name()]);
            let all = read(&["--json", "--terse", "list", "table", family, TABLE]);
            sets.iter().map(list).chain([all]).collect()
        }
        // It asks the kernel itself.
        Version::V1_37 => Vec::new(),
    }
}
