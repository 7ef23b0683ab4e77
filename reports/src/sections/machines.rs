//! What must be known of the machines: one was busy, or a merged run is of several.

use lab_core::dataset::{Busy, Dataset};
use lab_core::units;

/// What must be known of the machines of `datasets` before any of their times is read; may be empty.
pub(super) fn cautions(datasets: &[Dataset]) -> Vec<String> {
    busy(datasets).into_iter().chain(several(datasets)).collect()
}

/// That a machine was busy when a timed run began: by the busiest.
fn busy(datasets: &[Dataset]) -> Option<String> {
    let all = datasets.iter().filter_map(|dataset| dataset.header.busy());
    let Busy { load, cpus } = all.max_by(|one, other| one.load.total_cmp(&other.load))?;
    let (cpus, whose) = (units::counted(cpus.into(), "processor"), if datasets.len() > 1 { "a" } else { "the" });
    Some(format!(
        "WARNING: {whose} machine was busy when the run began: load {load:.1} on {cpus}. Times are longer than on a quiet \
         one, and differ more from round to round; ratios of one run are less affected."
    ))
}

/// What cannot be told from `datasets`, where one of them is of several machines; `None` where none is. Counted instructions
/// are the same on every machine.
fn several(datasets: &[Dataset]) -> Option<String> {
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
    fn a_busy_machine_is_told_where_it_changes_the_numbers() {
        let of = |target: TargetName, load: &str, in_use: Option<&str>| {
            let facts = [("load_average", load), ("cpus", "2")];
            let facts = facts.into_iter().chain(in_use.map(|share| ("processors_in_use", share)));
            let host = facts.map(|(name, fact)| (name.to_owned(), fact.to_owned())).collect();
            let header = Header { host, ..Header::example(Plan::example(target)) };
            busy(&[Dataset { header, cells: Vec::new(), end: None }])
        };
        let said = of(TargetName::Host, "6.02 5.00 4.00", None).unwrap();
        assert!(said.contains("load 6.0 on 2 processors"), "{said}");
        assert_eq!(of(TargetName::Host, "6.02 5.00 4.00", Some("0.60")).unwrap(), said);
        assert_eq!(of(TargetName::Host, "6.02 5.00 4.00", Some("0.03")), None, "what made the load has ended");
        assert_eq!(of(TargetName::Host, "0.90 5.00 4.00", None), None);
        assert_eq!(of(TargetName::Exact, "6.02 5.00 4.00", None), None, "instructions do not depend on it");
        assert_eq!(of(TargetName::Host, "?", None), None, "it is not known");
    }

    #[test]
    fn only_times_of_several_machines_are_warned_of() {
        let said = several(&merged(TargetName::Host, &["a", "b", "a"])).unwrap();
        assert!(said.contains("2 machines") && said.contains("cannot be told"), "{said}");
        assert_eq!(several(&merged(TargetName::Host, &["a", "a"])), None);
        assert_eq!(several(&merged(TargetName::Host, &[])), None);
        assert_eq!(several(&merged(TargetName::Exact, &["a", "b"])), None);
    }
}
