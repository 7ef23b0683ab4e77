//! Whether capacity recovers the truth: data drawn from laws that are known, against what is said of them; and whether it
//! refuses where it should.

mod load;
mod refusal;
mod synthetic;
mod truth;
