//! Rules that match nothing, ahead of whatever a node does with a packet.
//!
//! They are in an nftables table of their own, whatever the backend: its hook comes ahead of connection tracking and of
//! every backend's dispatch, and unlike the `raw` table of iptables it is gone without a trace when it is taken away.

use crate::cell_error::CellError;
use crate::tool::{Ending, Runner};
use netns_topology::Namespace;
use std::fmt::Write;
use std::time::Duration;

const TABLE: &str = "svclab-slowdown";

/// Time to plant them, and to take them away.
const LIMIT: Duration = Duration::from_secs(60);

/// Rules that are in force until they are taken away.
#[must_use]
pub(crate) struct Rules {
    runner: &'static dyn Runner,
}

impl Rules {
    /// Puts `count` of them into `node`.
    pub(crate) fn plant(node: &Namespace, runner: &'static dyn Runner, count: u32) -> Result<Self, CellError> {
        nft(node, runner, &script(count))?;
        Ok(Self { runner })
    }

    /// Takes them away from `node`, where they are.
    pub(crate) fn remove(self, node: &Namespace) -> Result<(), CellError> {
        nft(node, self.runner, &format!("delete table ip {TABLE}\n"))
    }
}

/// What nft is given. Nothing comes from 192.0.2.0/24, which is kept for documents (RFC 5737).
fn script(count: u32) -> String {
    // NF_IP_PRI_RAW: connection tracking and everything that rewrites addresses come later.
    let mut script = format!(
        "table ip {TABLE} {{\n\tchain ahead {{\n\t\ttype filter hook prerouting priority -300; policy accept;\n"
    );
    for number in 0..count {
        let _ = writeln!(script, "\t\tip saddr 192.0.2.{} drop", number % 256);
    }
    script + "\t}\n}\n"
}

fn nft(node: &Namespace, runner: &'static dyn Runner, script: &str) -> Result<(), CellError> {
    let run = node.visit(|| runner.run("nft", &["-f".to_owned(), "-".to_owned()], script.as_bytes(), LIMIT))?;
    match run.ending {
        Ending::Exited(0) => Ok(()),
        Ending::Interrupted => Err(CellError::Interrupted),
        _ => Err(CellError::Failed(format!("nft refused the planted rules in the node: {}", run.stderr.trim()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_rules_are_a_table_of_their_own_ahead_of_all_others() {
        let expected = "table ip svclab-slowdown {\n\tchain ahead {\n\t\ttype filter hook prerouting priority -300; \
                        policy accept;\n\t\tip saddr 192.0.2.0 drop\n\t\tip saddr 192.0.2.1 drop\n\t}\n}\n";
        assert_eq!(script(2), expected);
    }
}
