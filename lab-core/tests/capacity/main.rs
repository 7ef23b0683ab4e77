//! Whether capacity recovers the truth: data drawn from laws that are known, against what is said of them.

mod synthetic;
mod truth;
