//! Lists, whole or page by page: all pages show the version that the first one was of.

use super::{Gone, Kept, Store};
use crate::objects::Key;
use crate::resource::Resource;
use crate::selector::Selector;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Part of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Kept>,
    /// The last of these, if there are more after it.
    pub(crate) next: Option<Key>,
    /// How many more there are, with or without what the selector leaves out.
    pub(crate) left: usize,
}

impl Store {
    /// At most `limit` objects that `selector` matches, by namespace and name, of those that come after the key `after`: as
    /// all was in version `at`.
    ///
    /// # Errors
    /// If what changed since then is no longer kept.
    pub(crate) fn page(
        &self,
        resource: Resource,
        selector: &Selector,
        at: u64,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Page, Gone> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let now = self.now[resource.index()].range::<Key, _>((from, Bound::Unbounded));
        if at == self.version() {
            return Ok(cut(now.map(|(_, kept)| kept), selector, limit));
        }
        // What objects were before the first event after that version.
        let mut was: BTreeMap<Key, Option<Kept>> = BTreeMap::new();
        self.events(resource, at, |event, _| {
            let object = event.before.as_ref().map(|kept| &kept.object).or(event.after.as_ref());
            if let Some(object) = object {
                was.entry(object.key.clone()).or_insert_with(|| event.before.clone());
            }
            true
        })?;
        let mut then: BTreeMap<&Key, &Kept> = now.filter(|(key, _)| !was.contains_key(*key)).collect();
        let before = was.range::<Key, _>((from, Bound::Unbounded));
        then.extend(before.filter_map(|(key, kept)| Some((key, kept.as_ref()?))));
        Ok(cut(then.into_values(), selector, limit))
    }
}

fn cut<'a>(kept: impl Iterator<Item = &'a Kept>, selector: &Selector, limit: usize) -> Page {
    let mut kept = kept.filter(|kept| selector.matches(&kept.object));
    let items: Vec<Kept> = kept.by_ref().take(limit).cloned().collect();
    let left = kept.count();
    let next = items.last().filter(|_| left > 0).map(|kept| kept.object.key.clone());
    Page { items, next, left }
}
