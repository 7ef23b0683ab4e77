//! How to read a report and when not to trust it.

use crate::prose::services_of;
use crate::report::Section;
use crate::results::Results;
use lab_core::units;
use lab_core::vocabulary::Clock;

/// The number of Services that Kubernetes supports (kubernetes/community, sig-scalability, thresholds).
const SUPPORTED: u32 = 10_000;

/// What to bear in mind with these results.
pub(crate) fn section(results: &Results) -> Section {
    let mut points = vec![
        "A figure is the median of all rounds' samples. The 95 % interval is a bootstrap that resamples whole rounds \
         and then the samples in them; where two intervals overlap, this report speaks of no difference. With three \
         samples an interval is no more than their range."
            .to_owned(),
        "The ratio to direct (×) is the median over rounds of the cell's median divided by that of direct in the same \
         round, at the same size and position: what the machine does to both cancels out. direct is the same \
         connection without any Service."
            .to_owned(),
        "Every cell was verified before it was measured: the server answered from an endpoint of the Service that was \
         dialled, or the cell failed. Nothing that was not measured is left out: its outcome stands in the table, and \
         its reason in the list above."
            .to_owned(),
    ];
    match results.dataset.header.clock {
        Clock::Wall => points.push(
            "These are wall-clock times of one machine that other programs shared. Compare them within this run, not \
             with another machine's; distrust a difference that is smaller than the intervals, or that one round \
             alone makes."
                .to_owned(),
        ),
    }
    points.push(
        "conntrack takes a connection past the rules after its first packet. Bandwidth is therefore expected to be the \
         same at the first and at the last Service, whatever the number of rules; connect and first_byte are where \
         rules show."
            .to_owned(),
    );
    let beyond: Vec<u32> = results.sizes().into_iter().filter(|size| *size > SUPPORTED).collect();
    if let Some(largest) = beyond.last() {
        points.push(format!(
            "Kubernetes supports {} in a cluster; {} is past that ({} is {} the limit): read it as where things go, not \
             as what anyone should run.",
            services_of(&[SUPPORTED]),
            services_of(&beyond),
            units::count((*largest).into()),
            units::ratio(f64::from(*largest) / f64::from(SUPPORTED)),
        ));
    }
    Section { title: "How to read this, and when not to trust it".to_owned(), points, ..Section::default() }
}
