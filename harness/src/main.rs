//! svclab.
fn main() {}
