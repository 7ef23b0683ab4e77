//! Which metrics stand together, in the shape of the tables that were published before.

use crate::grid::{Show, grid};
use crate::report::Section;
use crate::results::Results;
use lab_core::metric::Metric;

const MEDIANS: &str = "Beside a median stands its ratio to direct (×), below it its 95 % interval.";

/// The sections of measured figures; those that nothing was asked of are left out.
pub(crate) fn measured(results: &Results) -> Vec<Section> {
    use Show::{Exact, Median, Tail};
    let section = |title: &str, about: &str, metrics: &[(Metric, Show)]| Section {
        title: title.to_owned(),
        about: about.to_owned(),
        tables: metrics.iter().filter_map(|&(metric, show)| grid(results, metric, show)).collect(),
        ..Section::default()
    };
    let sections = [
        section(
            "Control plane",
            "What a change of Services costs. Below a median stands its 95 % interval.",
            &[
                (Metric::SyncFull, Median),
                (Metric::SyncChange, Median),
                (Metric::EndpointChange, Median),
                (Metric::RemoveService, Median),
                (Metric::AppendRule, Median),
            ],
        ),
        section("Bandwidth", MEDIANS, &[(Metric::Bandwidth, Median)]),
        section(
            "Connections",
            MEDIANS,
            &[
                (Metric::Connect, Median),
                (Metric::Connect, Tail),
                (Metric::FirstByte, Median),
                (Metric::FirstByte, Tail),
                (Metric::ConnectionsPerSecond, Median),
                (Metric::CpuSoftirq, Median),
            ],
        ),
        section(
            "CPU and memory",
            "What the backend's tool and the kernel spent. Below a median stands its 95 % interval.",
            &[
                (Metric::ToolUser, Median),
                (Metric::ToolSystem, Median),
                (Metric::ToolExec, Median),
                (Metric::ToolPeakRss, Median),
                (Metric::KernelMemory, Median),
            ],
        ),
        section(
            "Exact counts",
            "Properties of the installed state: the same every time, or the range is given.",
            &[
                (Metric::Rules, Exact),
                (Metric::Chains, Exact),
                (Metric::SetElements, Exact),
                (Metric::ScriptBytes, Exact),
            ],
        ),
    ];
    sections.into_iter().filter(|section| !section.tables.is_empty()).collect()
}
