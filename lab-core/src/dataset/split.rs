//! Where the time of samples went, where a clock counts instructions.

use serde::{Deserialize, Serialize};

/// Where the time of one sample went. All but `entries` add up to what its windows took by the guest's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Split {
    /// Instructions executed in processes.
    pub user: u64,
    /// Instructions executed in the kernel, interrupts included.
    pub kernel: u64,
    /// How often the kernel was entered from a process: by system calls, page faults and interrupts.
    pub entries: u64,
    /// Nanoseconds of the guest's clock in which nothing was there to run.
    pub waited: u64,
}

/// The splits of a record's samples, in their order: as many as there are samples, or none. In the file each part is a
/// list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Columns", into = "Columns")]
pub struct Splits(pub Vec<Split>);

impl Splits {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Columns {
    user: Vec<u64>,
    kernel: Vec<u64>,
    entries: Vec<u64>,
    waited: Vec<u64>,
}

impl From<Splits> for Columns {
    fn from(Splits(splits): Splits) -> Self {
        let part = |of: fn(&Split) -> u64| splits.iter().map(of).collect();
        Self {
            user: part(|split| split.user),
            kernel: part(|split| split.kernel),
            entries: part(|split| split.entries),
            waited: part(|split| split.waited),
        }
    }
}

/// Only as far as every part is there.
impl From<Columns> for Splits {
    fn from(Columns { user, kernel, entries, waited }: Columns) -> Self {
        let executed = user.into_iter().zip(kernel);
        let parts = executed.zip(entries.into_iter().zip(waited));
        Self(parts.map(|((user, kernel), (entries, waited))| Split { user, kernel, entries, waited }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_a_list() {
        let one = Split { user: 1, kernel: 2, entries: 3, waited: 4 };
        let splits = Splits(vec![one, Split { user: 5, ..one }]);
        let text = r#"{"user":[1,5],"kernel":[2,2],"entries":[3,3],"waited":[4,4]}"#;
        assert_eq!(serde_json::to_string(&splits).unwrap(), text);
        assert_eq!(serde_json::from_str::<Splits>(text).unwrap(), splits);
        let short = r#"{"user":[1,5],"kernel":[2],"entries":[3,3],"waited":[4,4]}"#;
        assert_eq!(serde_json::from_str::<Splits>(short).unwrap(), Splits(vec![one]));
    }
}
