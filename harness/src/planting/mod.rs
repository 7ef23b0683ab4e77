//! What is planted into which visits, so that a guest with a slowdown is the same guest as one without, up to the
//! visit that is slowed down: everything is written in one width, and read only when its visit comes.

mod rules;

pub(crate) use rules::Rules;

use lab_core::cell::Cell;
use lab_core::plan::{Plan, Visit};
use lab_core::slowdown::Means;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Kernel modules that planted rules need, loaded only when some are planted.
pub(crate) const MODULES: &[&str] = &["nf_tables"];

/// What is planted into a run of visits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Planting {
    /// What is planted into each visit, in their order.
    slots: Vec<String>,
    /// Where [`MODULES`] are that are to be loaded, in this order; none where the kernel sees to that.
    modules: Vec<String>,
}

impl Planting {
    /// What `plan` has planted into `visits`.
    pub(crate) fn of(plan: &Plan, visits: &[Visit]) -> Self {
        let nothing = Means::Delay(Duration::ZERO);
        let planted = |cell: &Cell| plan.slowdowns.iter().find(|slowdown| slowdown.cell == *cell);
        let means = |visit: &Visit| planted(&visit.cell).map_or(nothing, |slowdown| slowdown.means);
        Self { slots: visits.iter().map(|visit| means(visit).to_string()).collect(), modules: Vec::new() }
    }

    /// With the files of [`MODULES`], which are to be loaded in this order.
    pub(crate) fn with_modules(self, files: &[String]) -> Self {
        Self { modules: files.to_vec(), ..self }
    }

    /// The files of what the kernel needs for planted rules.
    pub(crate) fn modules(&self) -> &[String] {
        &self.modules
    }

    /// What is planted into the `place`th visit.
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
    fn what_is_planted_changes_no_length_and_is_found_at_its_visits() {
        let cells = Axes { services: vec![4], ..Axes::default() }.expand();
        let plan = Plan { rounds: 2, cells: cells.clone(), ..Plan::example(TargetName::Host) };
        let slowdown = Slowdown { cell: cells[3], means: Means::Rules(1000) };
        let planted = Plan { slowdowns: vec![slowdown], ..plan.clone() };
        let visits = plan.boots().concat();
        let [without, with] = [&plan, &planted].map(|plan| Planting::of(plan, &visits));
        let length = |planting: &Planting| serde_json::to_string(planting).unwrap().len();
        assert_eq!(length(&without), length(&with));
        for (place, visit) in visits.iter().enumerate() {
            assert_eq!(without.at(place), None);
            assert_eq!(with.at(place), (visit.cell == cells[3]).then_some(slowdown.means));
        }
    }
}
