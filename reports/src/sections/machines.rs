//! A merged run whose sizes were measured on different machines.

use lab_core::dataset::Dataset;
use lab_core::units;

/// What cannot be told from `datasets`, where one of them is of several machines; `None` where none is. Counted instructions
/// are the same on every machine.
pub(super) fn caution(datasets: &[Dataset]) -> Option<String> {
    let most = datasets.iter().map(|dataset| dataset.header.machines()).max()?;
    (most > 1).then(|| {
        format!(
            "WARNING: these times are of {} or kernels: each size of a cluster was measured on one. Backends can be \
             compared at a size; how a cost grows from size to size cannot be told.",
            units::counted(most, "machine")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::dataset::{Header, Merged};
    use lab_core::plan::Plan;
    use lab_core::vocabulary::TargetName;

    fn merged(target: TargetName, cpus: &[&str]) -> Vec<Dataset> {
        let header = Header::example(Plan::example(target));
        let of = |cpu: &&str| Merged { host: [("cpu".to_owned(), (*cpu).to_owned())].into(), ..Merged::of(&header) };
        let merged = cpus.iter().map(of).collect();
        vec![Dataset { header: Header { merged, ..header }, cells: Vec::new(), end: None }]
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
