//! Published figures that measured ones are put beside, each with its source.

use serde::Deserialize;
use std::sync::LazyLock;

/// The figures, as `data/published.yaml` gives them; units are in the names of the series.
static PUBLISHED: LazyLock<Vec<Reference>> = LazyLock::new(|| {
    serde_saphyr::from_str(include_str!("../data/published.yaml"))
        .expect("the file is part of the program, and a test reads it")
});

/// One published table or chart.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Reference {
    /// The name scenarios call it by.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// Who published it, where and when.
    pub source: String,
}

/// Every published table and chart that the lab knows.
#[must_use]
pub fn all() -> &'static [Reference] {
    &PUBLISHED
}

/// The one with the id `id`.
#[must_use]
pub fn find(id: &str) -> Option<&'static Reference> {
    all().iter().find(|reference| reference.id == id)
}
