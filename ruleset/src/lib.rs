//! What a node holds, read from the tools' listings into rules as values, and compared.
//!
//! Each module reads what one tool lists and applies what it is given, onto the same kind of value: so that the state
//! after several syncs can be computed, and compared with what the kernel lists. Two spellings of a rule are equal.
//!
//! Pure: no tool is called here.

mod address;
mod difference;
pub mod ipset;
pub mod iptables;
pub mod ipvs;
pub mod listing;
pub mod nft;
mod printed;
mod unreadable;
mod words;

pub use difference::{Comparison, Difference, Held, Kind, Line, Object, Order, What, difference};
pub use unreadable::Unreadable;
