//! Virtual machines: what a guest is made of.

pub(crate) mod kernel;
