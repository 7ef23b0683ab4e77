//! A comparison or a judgement as values, before anything is laid out.

use super::row::Row;
use crate::report::{Point, Section};

/// Everything that is to be read of two runs beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// What it is, and what it comes to in a word.
    pub(super) title: String,
    pub(super) about: Vec<String>,
    /// What the runs differ in besides their numbers.
    pub(super) differences: Section,
    pub(super) verdict: Point,
    pub(super) standing: Standing,
    /// The rows, what matters most first.
    pub(super) groups: Vec<Group>,
    /// What others add, such as the guest's hottest functions: shown behind the rows.
    pub more: Vec<Section>,
    /// By which policy, and how to read it.
    pub(super) reading: Section,
    /// The ends of the axis on which changes are drawn, as ratios.
    pub(super) axis: f64,
}

/// How good what a page comes to is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Good,
    Bad,
    /// That is not asked, or cannot be told.
    Open,
}

/// Rows of which the same is to be said.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    /// What it is called within a page: `regressed`.
    pub(super) id: &'static str,
    pub(super) title: String,
    /// What becomes of them; may be empty.
    pub(super) about: String,
    /// What is said of each row.
    pub(super) depth: Depth,
    pub(super) rows: Vec<Row>,
}

/// How much is said of each row of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// By which rule, why, and what it is made of.
    Told,
    /// Only what was and what is.
    Listed,
    /// What was and what is, where there is room to fold it; elsewhere nothing.
    Folded,
}
