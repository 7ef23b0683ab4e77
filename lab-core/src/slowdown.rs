//! Slowdowns that are injected into a run, to test whether the gate finds them.

use crate::cell::Cell;
use crate::foreign::quoted;
use crate::vocabulary::ProbeName;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// An injected slowdown of one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slowdown {
    /// The cell.
    pub cell: Cell,
    /// The means.
    pub means: Means,
}

/// How a cell is made slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// The first tool of each sample burns this much processor time in its own process before it starts.
    Delay(Duration),
    /// So many rules that match nothing. Every packet into the node is tested against them first.
    Rules(u32),
}

impl Slowdown {
    /// Checks that the cell's probe can notice it.
    ///
    /// # Errors
    /// When it cannot; the message says which means would work.
    pub fn check(&self) -> Result<(), Unsuited> {
        if self.means.suits(self.cell.probe) { Ok(()) } else { Err(Unsuited(self.cell.probe, self.means)) }
    }
}

impl Means {
    /// Whether `probe` can notice it: a delay if it times tools, rules if it sends packets.
    #[must_use]
    pub fn suits(self, probe: ProbeName) -> bool {
        match self {
            Self::Delay(_) => probe.programs(),
            Self::Rules(_) => !probe.programs(),
        }
    }

    /// The delay; zero for rules.
    #[must_use]
    pub fn delay(self) -> Duration {
        match self {
            Self::Delay(delay) => delay,
            Self::Rules(_) => Duration::ZERO,
        }
    }
}

/// A slowdown that its cell's probe cannot notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsuited(ProbeName, Means);

impl std::error::Error for Unsuited {}

impl fmt::Display for Unsuited {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(probe, means) = self;
        match means {
            Means::Delay(_) => {
                write!(out, "{probe} times no tool, so a delay does not slow it down; inject rules")
            }
            Means::Rules(_) => {
                write!(out, "{probe} sends no packets, so rules do not slow it down; inject a delay")
            }
        }
    }
}

/// Every value has the same length.
///
/// A job of another length would change what the guest counts. With a fixed length the guest runs the same instructions
/// up to the injected slowdown.
impl fmt::Display for Means {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(time) => write!(out, "delay {:020}", time.as_nanos()),
            Self::Rules(count) => write!(out, "rules {count:020}"),
        }
    }
}

/// A text that is no [`Means`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable(String);

impl std::error::Error for Unreadable {}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is neither \"delay\" with its nanoseconds nor \"rules\" with their number", quoted(&self.0))
    }
}

impl FromStr for Means {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let unreadable = || Unreadable(text.to_owned());
        let (word, number) = text.split_once(' ').ok_or_else(unreadable)?;
        let number: u64 = number.parse().map_err(|_| unreadable())?;
        match word {
            "delay" => Ok(Self::Delay(Duration::from_nanos(number))),
            "rules" => Ok(Self::Rules(u32::try_from(number).map_err(|_| unreadable())?)),
            _ => Err(unreadable()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axes::Axes;
    use crate::vocabulary::BackendName;

    #[test]
    fn means_are_written_in_one_width_and_read_back() {
        let delays = [0, 1, u64::MAX].map(|nanoseconds| Means::Delay(Duration::from_nanos(nanoseconds)));
        for means in delays.into_iter().chain([0, 7, u32::MAX].map(Means::Rules)) {
            let written = means.to_string();
            assert_eq!(written.len(), 26, "{written}");
            assert_eq!(written.parse(), Ok(means));
        }
        for text in ["", "delay", "delay x", "rules 4294967296", "nap 1"] {
            assert!(text.parse::<Means>().unwrap_err().to_string().starts_with(&format!("\"{text}\" is neither ")));
        }
    }

    #[test]
    fn a_delay_suits_what_calls_tools_and_rules_suit_what_sends_packets() {
        let axes = Axes { services: vec![4], backends: vec![BackendName::IptablesNft], ..Axes::default() };
        for cell in axes.expand() {
            let checked = |means| Slowdown { cell, means }.check();
            let unsuited = match (checked(Means::Delay(Duration::from_millis(1))), checked(Means::Rules(9))) {
                (Ok(()), Err(unsuited)) | (Err(unsuited), Ok(())) => unsuited,
                other => panic!("{cell:?}: {other:?}"),
            };
            let said = unsuited.to_string();
            assert!(said.starts_with(&cell.probe.to_string()), "{said}");
        }
    }
}
