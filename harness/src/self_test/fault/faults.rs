//! The faults of a run of visits, as a guest is told of them.
//!
//! A guest with a fault is the same guest as one without, up to the visit that is slower: every fault is written in one
//! width, and read only when its visit comes.

use lab_core::cell::Cell;
use lab_core::plan::{Plan, Visit};
use lab_core::slowdown::Means;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is injected into a run of visits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Faults {
    /// What is injected into each visit, in their order.
    slots: Vec<String>,
    /// The files of the modules that rules need, in the order in which they are loaded; none where the kernel loads them.
    modules: Vec<String>,
}

impl Faults {
    /// What `plan` injects into `visits`.
    pub(crate) fn of(plan: &Plan, visits: &[Visit]) -> Self {
        let nothing = Means::Delay(Duration::ZERO);
        let fault = |cell: &Cell| plan.slowdowns.iter().find(|slowdown| slowdown.cell == *cell);
        let means = |visit: &Visit| fault(&visit.cell).map_or(nothing, |slowdown| slowdown.means);
        Self { slots: visits.iter().map(|visit| means(visit).to_string()).collect(), modules: Vec::new() }
    }

    /// With the files of the modules that rules need.
    pub(crate) fn with_modules(self, files: &[String]) -> Self {
        Self { modules: files.to_vec(), ..self }
    }

    /// The files of the modules that rules need.
    pub(crate) fn modules(&self) -> &[String] {
        &self.modules
    }

    /// What is injected into the `place`th visit.
    pub(crate) fn at(&self, place: usize) -> Option<Means> {
        let means = self.slots.get(place)?.parse().ok()?;
        (means != Means::Delay(Duration::ZERO)).then_some(means)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::axes::Axes;
    use lab_core::slowdown::Slowdown;
    use lab_core::vocabulary::TargetName;

    #[test]
    fn a_fault_changes_no_length_and_is_found_at_its_visits() {
        let cells = Axes { services: vec![4], ..Axes::default() }.expand();
        let plan = Plan { rounds: 2, cells: cells.clone(), ..Plan::example(TargetName::Host) };
        let slowdown = Slowdown { cell: cells[3], means: Means::Rules(1000) };
        let faulty = Plan { slowdowns: vec![slowdown], ..plan.clone() };
        let visits = plan.boots().concat();
        let [without, with] = [&plan, &faulty].map(|plan| Faults::of(plan, &visits));
        let length = |faults: &Faults| serde_json::to_string(faults).unwrap().len();
        assert_eq!(length(&without), length(&with));
        for (place, visit) in visits.iter().enumerate() {
            assert_eq!(without.at(place), None);
            assert_eq!(with.at(place), (visit.cell == cells[3]).then_some(slowdown.means));
        }
    }
}
