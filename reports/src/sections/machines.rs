//! A merged run whose sizes were measured on different machines.

use lab_core::dataset::{Dataset, Header, Merged};
use lab_core::units;
use lab_core::vocabulary::Clock;
use std::collections::BTreeSet;

/// What cannot be told from `datasets`, where one of them is of several machines; `None` where none is. Counted instructions
/// are the same on every machine.
pub(super) fn caution(datasets: &[Dataset]) -> Option<String> {
    let most = datasets.iter().map(|dataset| machines(&dataset.header)).max()?;
    (most > 1).then(|| {
        format!(
            "WARNING: these times are of {} or kernels: each size of a cluster was measured on one. Backends can be \
             compared at a size; how a cost grows from size to size cannot be told.",
            units::counted(most, "machine")
        )
    })
}

fn machines(header: &Header) -> u64 {
    if header.clock == Clock::Instructions {
        return 1;
    }
    let machine = |merged: &Merged| ["cpu", "cpus", "kernel"].map(|name| merged.host.get(name).cloned());
    header.merged.iter().map(machine).collect::<BTreeSet<_>>().len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use lab_core::plan::Plan;
    use lab_core::vocabulary::TargetName;

    fn merged(target: TargetName, cpus: &[&str]) -> Vec<Dataset> {
        let of = |cpu: &&str| Merged {
            id: "one".to_owned(),
            shard: None,
            host: [("cpu".to_owned(), (*cpu).to_owned())].into(),
            start: Timestamp::UNIX_EPOCH,
            end: None,
        };
        let header = Header { merged: cpus.iter().map(of).collect(), ..Header::example(Plan::example(target)) };
        vec![Dataset { header, cells: Vec::new(), end: None }]
    }

    #[test]
    fn only_times_of_several_machines_are_warned_of() {
        let said = caution(&merged(TargetName::Host, &["a", "b", "a"])).unwrap();
        assert!(said.contains("2 machines") && said.contains("cannot be told"), "{said}");
        assert_eq!(caution(&merged(TargetName::Host, &["a", "a"])), None);
        assert_eq!(caution(&merged(TargetName::Host, &[])), None);
        assert_eq!(caution(&merged(TargetName::Exact, &["a", "b"])), None);
    }
}
