//! Finds files of a crate that import each other in a loop.
//!
//! Each file is parsed; each path in it that begins in the crate is followed, through re-exports, to the file that
//! defines what it names. A module's file and the files of its direct children may use each other: a `mod.rs` holds the
//! trait and the registry, its children implement the trait. Tests are not looked at.
//!
//! Not seen: what is reached by a method call or a field alone, and what a `*` re-exports.

mod graph;
mod modules;
mod paths;

pub use graph::{Edge, Loop, loops};
pub use modules::Modules;
