//! Tables in a node that are not its layout's: packets pass them, too, and a sync may. Nothing is measured beside them.

use super::state::State;
use super::tools::Tools;
use crate::backend::tables::{Held, INJECTED, Maker};
use crate::cell_error::CellError;
use crate::tool::place::{Place, within};
use lab_core::vocabulary::BackendName;

/// Checks that `node` has no table but those of `state`. What is in those is compared elsewhere.
///
/// # Errors
/// `Failed` with the tables of others.
pub(super) fn none(tools: &Tools, node: &dyn Place, state: &State) -> Result<(), CellError> {
    let held = within(node, || (tools.held)())?;
    let backend = tools.backend.name();
    let others: Vec<String> =
        held.iter().filter(|table| !is_own(table, backend, state)).map(ToString::to_string).collect();
    match &others[..] {
        [] => Ok(()),
        others => Err(CellError::Failed(format!("the node has tables that nobody asked for: {}", others.join(", ")))),
    }
}

fn is_own(Held { maker, name, .. }: &Held, backend: BackendName, state: &State) -> bool {
    let by_nft = backend == BackendName::IptablesNft;
    match maker {
        Maker::Iptables => !by_nft && state.v4.tables.contains_key(name),
        Maker::Ip6tables => !by_nft && state.v6.tables.contains_key(name),
        // Rules that the lab injects are measured on purpose.
        Maker::NfTables(_) if name == INJECTED => true,
        Maker::NfTables("ip") if by_nft => state.v4.tables.contains_key(name),
        Maker::NfTables("ip6") if by_nft => state.v6.tables.contains_key(name),
        Maker::NfTables(family) => state.nft.tables.contains_key(&format!("{family} {name}")),
    }
}
