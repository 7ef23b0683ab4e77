//! A difference in words.

use super::{Difference, Kind, What};
use std::fmt;

impl Kind {
    /// What it is called.
    fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Chain => "chain",
            Self::Set => "set",
            Self::Map => "map",
            Self::Ipset => "ipset",
            Self::VirtualServer => "virtual server",
        }
    }

    /// What it holds.
    fn holds(self) -> &'static str {
        match self {
            Self::Table | Self::Chain => "rule",
            Self::Set | Self::Map => "element",
            Self::Ipset => "entry",
            Self::VirtualServer => "real server",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind.name(), self.name)?;
        if !self.table.is_empty() {
            write!(out, " of {}", self.table)?;
        }
        let holds = self.kind.holds();
        let at = |place: &Option<usize>| place.map_or(String::new(), |place| format!(" {place}"));
        match &self.what {
            What::Absent => write!(out, " is missing"),
            What::Foreign(0) => write!(out, " should not be there"),
            What::Foreign(lines) => write!(out, " should not be there; it holds {lines} × {holds}"),
            What::Made { found, expected } => write!(out, " is \"{found}\", expected \"{expected}\""),
            What::Other { place, found, expected } => {
                write!(out, ": {holds}{} is \"{found}\", expected \"{expected}\"", at(place))
            }
            What::Missing { place, line } => write!(out, ": {holds}{} is missing: \"{line}\"", at(place)),
            What::Unexpected { place, line } => write!(out, ": {holds}{} should not be there: \"{line}\"", at(place)),
            What::Moved { line, found, expected } => {
                write!(out, ": {holds} {found} is \"{line}\", expected as {holds} {expected}")
            }
        }
    }
}
