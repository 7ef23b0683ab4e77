//! Some of a state's chains, to be compared without the others.

use super::Tables;
use crate::difference::{Held, Object};
use std::collections::HashSet;

/// Chains of `tables`, each by its table and its name.
#[derive(Debug, Clone)]
pub struct Selection<'a> {
    /// All chains.
    pub tables: &'a Tables,
    /// Those that count.
    pub chains: HashSet<(&'a str, &'a str)>,
}

impl Held for Selection<'_> {
    fn objects(&self) -> Vec<Object<'_>> {
        let mut objects = self.tables.objects();
        objects.retain(|object| self.chains.contains(&(object.table.as_ref(), object.name.as_ref())));
        objects
    }
}
