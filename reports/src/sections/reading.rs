//! How to read a report and when not to trust it.

use crate::prose::services_of;
use crate::report::{Point, Section};
use crate::results::Results;
use crate::results::clock;
use lab_core::vocabulary::Clock;
use lab_core::{reference, units};

/// What to bear in mind with these results.
pub(crate) fn section(results: &Results) -> Section {
    let clock = results.clock();
    let mut points = Vec::new();
    match clock {
        Clock::Instructions => points.extend([
            "A figure is the median of all samples. What is counted in instructions comes out the same every time in a \
             guest with the same entropy; where there are several replicas, guests with an entropy of their own, the \
             range is from the smallest of their medians to the largest. It is no interval of confidence."
                .to_owned(),
            "The ratio to direct (×) is the cell's median divided by that of direct in the same replica, at the same size \
             and position. direct is the same connection without any Service."
                .to_owned(),
        ]),
        Clock::Wall | Clock::WallEmulated => points.extend([
            "A figure is the median of all rounds' samples. The 95 % interval is a bootstrap that resamples whole rounds \
             and then the samples in them; where two intervals overlap, this report speaks of no difference. With three \
             samples an interval is no more than their range."
                .to_owned(),
            "The ratio to direct (×) is the median over rounds of the cell's median divided by that of direct in the same \
             round, at the same size and position: what the machine does to both cancels out. direct is the same \
             connection without any Service."
                .to_owned(),
        ]),
    }
    points.push(
        "Every cell was verified before it was measured: the server answered from an endpoint of the Service that was \
         dialled, or the cell failed. Nothing that was not measured is left out: its outcome stands in the table, and \
         its reason in the list above."
            .to_owned(),
    );
    match clock {
        Clock::Wall => points.push(
            "These are wall-clock times of one machine that other programs shared. Compare them within this run, not \
             with another machine's; distrust a difference that is smaller than the intervals, or that one round \
             alone makes."
                .to_owned(),
        ),
        Clock::WallEmulated => points.push(clock::caution(clock)),
        Clock::Instructions => {
            points.push(clock::caution(clock));
            points.push(
                "While a guest has nothing to do the virtual clock jumps to its next timer, so that a wait counts as if \
                 instructions had run. Shares are of that clock; bandwidth and connections are counted per instruction of \
                 everything that ran, both ends included."
                    .to_owned(),
            );
        }
    }
    points.push(
        "conntrack takes a connection past the rules after its first packet. Bandwidth is therefore expected to be the \
         same at the first and at the last Service, whatever the number of rules; connect and first_byte are where \
         rules show."
            .to_owned(),
    );
    points.extend(beyond(results));
    let points = points.into_iter().map(Point::from).collect();
    Section { title: "How to read this, and when not to trust it".to_owned(), points, ..Section::default() }
}

/// What Kubernetes supports, where a size is past it.
pub(crate) fn beyond(results: &Results) -> Option<String> {
    let limits = reference::find("kubernetes-limits")?;
    let &supported = limits.services.first()?;
    let beyond: Vec<u32> = results.sizes().into_iter().filter(|size| *size > supported).collect();
    let &largest = beyond.last()?;
    Some(format!(
        "Kubernetes supports {} in a cluster ({}); {} is past that ({} is {} the limit): read it as where things go, not \
         as what anyone should run.",
        services_of(&[supported]),
        limits.source,
        services_of(&beyond),
        units::count(largest.into()),
        units::ratio(f64::from(largest) / f64::from(supported)),
    ))
}
