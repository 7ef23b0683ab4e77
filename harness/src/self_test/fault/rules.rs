//! Rules that match nothing, ahead of whatever a node does with a packet.
//!
//! They are in an nftables table of their own, whatever the backend: its hook comes ahead of connection tracking and of
//! every backend's dispatch, and unlike the `raw` table of iptables it is gone without a trace when it is taken away.

use crate::backend::tables::INJECTED as TABLE;
use crate::cell_error::CellError;
use crate::tool::Runner;
use crate::tool::place::{Place, within};
use std::fmt::Write;
use std::time::Duration;

/// Kernel modules that the rules need. They are loaded only when there are such rules.
pub(crate) const MODULES: &[&str] = &["nf_tables"];

/// Time to add them, and to remove them.
const LIMIT: Duration = Duration::from_secs(60);

/// Rules that are in force until they are removed.
#[must_use]
pub(super) struct Rules {
    runner: &'static dyn Runner,
}

impl Rules {
    /// Puts `count` of them into `node`.
    pub(super) fn add(node: &dyn Place, runner: &'static dyn Runner, count: u32) -> Result<Self, CellError> {
        nft(node, runner, &script(count))?;
        Ok(Self { runner })
    }

    /// Removes them from `node`, where they are.
    pub(super) fn remove(self, node: &dyn Place) -> Result<(), CellError> {
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

fn nft(node: &dyn Place, runner: &'static dyn Runner, script: &str) -> Result<(), CellError> {
    let run = within(node, || runner.run("nft", &["-f".to_owned(), "-".to_owned()], script.as_bytes(), LIMIT))?;
    run.through("nft, given the injected rules,").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injected_rules_are_a_table_of_their_own_ahead_of_all_others() {
        let expected = "table ip svclab-slowdown {\n\tchain ahead {\n\t\ttype filter hook prerouting priority -300; \
                        policy accept;\n\t\tip saddr 192.0.2.0 drop\n\t\tip saddr 192.0.2.1 drop\n\t}\n}\n";
        assert_eq!(script(2), expected);
    }
}
