//! What two runs differ in besides their numbers, and what that means for comparing them.

use super::layouts::{aligned, layouts};
use lab_core::cell::{Cell, Interned};
use lab_core::dataset::{Dataset, Header};
use lab_core::kube_proxy::KubeProxy;
use lab_core::plan::Plan;
use lab_core::vocabulary::{BackendName, Clock, LayoutName, ProbeName, TargetName, Word, words};
use std::collections::{BTreeMap, BTreeSet};

/// Something that runs can differ in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// What durations are counted in.
    Clock,
    /// `host`, `vm` or `exact`.
    Target,
    /// Which cells, and whatever of the plan changes what is measured in them.
    Plan,
    /// The kernel that was measured.
    Kernel,
    /// The versions of the tools that program it, and of iperf3 and QEMU.
    Tools,
    /// Whose rules were installed.
    Layout,
    /// The machine, on a wall clock.
    Machine,
    /// svclab itself.
    Svclab,
    /// What else guests are made of: their initramfs, their memory.
    Guest,
}

words!("difference", Aspect {
    Clock = "clock",
    Target = "target",
    Plan = "plan",
    Kernel = "kernel",
    Tools = "tools",
    Layout = "layout",
    Machine = "machine",
    Svclab = "svclab",
    Guest = "guest",
});

/// What a difference means for comparing runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bearing {
    /// Nothing can be compared, whatever is allowed.
    Forbids,
    /// The runs are not comparable, unless it is allowed: then it is the subject of the comparison.
    Asks,
    /// They are comparable. It is said, since it may explain a change.
    Explains,
}

/// One thing that two runs differ in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What kind of thing.
    pub aspect: Aspect,
    /// Which one of them: `nft`, `kernel_package`; empty where there is only one.
    pub name: String,
    /// What it was; empty where there was none.
    pub before: String,
    /// What it is; empty where there is none.
    pub after: String,
    /// What that means.
    pub bearing: Bearing,
}

/// Everything that the two runs differ in besides their numbers; what matters most comes first.
#[must_use]
pub fn differences(before: &Dataset, after: &Dataset) -> Vec<Difference> {
    let (was, is) = (&before.header, &after.header);
    let mut found = Found { counted: was.clock == Clock::Instructions && is.clock == Clock::Instructions, all: vec![] };
    found.add(Aspect::Clock, "", &was.clock.to_string(), &is.clock.to_string(), Bearing::Forbids);
    found.add(Aspect::Target, "", &was.plan.target.to_string(), &is.plan.target.to_string(), Bearing::Asks);
    found.plan(&aligned(before, after).header.plan, &is.plan);
    found.kernel(was, is);
    found.tools(was, is);
    found.layouts(before, after);
    found.machine(was, is);
    let svclab = |header: &Header| format!("{} {}", header.version, header.revision).trim_end().to_owned();
    found.add(Aspect::Svclab, "", &svclab(was), &svclab(is), Bearing::Explains);
    found.guest(was, is);
    found.all.sort_by_key(|difference| (difference.bearing, difference.aspect));
    found.all
}

/// Facts of a machine that are other ones at every look, or that other aspects speak of.
const PASSING: &[&str] = &["load_average", "processors_in_use", "kernel", "kernel_version"];

/// Facts of a machine that times depend on.
const TIMING: &[&str] = &["arch", "clocksource", "cpu", "cpus", "memory_bytes", "mitigations", "virtualised"];

/// Facts of guests that other aspects speak of, and what changes no sample.
const TOLD: &[&str] = &["kernel", "kernel_name", "kernel_package", "kernel_sha256", "qemu", "memory_mib", "split"];

/// By how much memory may differ, as a share: what a kernel keeps for itself differs from boot to boot.
const SAME_MEMORY: f64 = 0.02;

struct Found {
    /// Whether both runs count instructions, so that the machine under them is of no account.
    counted: bool,
    all: Vec<Difference>,
}

impl Found {
    fn add(&mut self, aspect: Aspect, name: &str, before: &str, after: &str, bearing: Bearing) {
        if before != after {
            let [name, before, after] = [name, before, after].map(str::to_owned);
            self.all.push(Difference { aspect, name, before, after, bearing });
        }
    }

    /// Of a plan, what changes what is measured.
    fn plan(&mut self, was: &Plan, is: &Plan) {
        let both: Vec<&Cell> = was.cells.iter().filter(|cell| is.cells.contains(cell)).collect();
        let cells = |plan: &Plan| match plan.cells.iter().collect::<BTreeSet<_>>().len() - both.len() {
            0 => format!("{}", plan.cells.len()),
            alone => format!("{}, {alone} of them only here", plan.cells.len()),
        };
        if both.len() < was.cells.len() || both.len() < is.cells.len() {
            self.add(Aspect::Plan, "cells", &cells(was), &cells(is), Bearing::Asks);
        }
        let asked = |probes: &[ProbeName]| both.iter().any(|cell| probes.contains(&cell.probe));
        let mut dial = |name, matters: bool, before: String, after: String| {
            if matters {
                self.add(Aspect::Plan, name, &before, &after, Bearing::Asks);
            }
        };
        let seconds = |time: std::time::Duration| format!("{time:?}");
        dial("dials", asked(&[ProbeName::Connect]), was.dials.to_string(), is.dials.to_string());
        let sends = asked(&[ProbeName::ConnectionsPerSecond, ProbeName::Bandwidth]);
        dial("traffic", sends, seconds(was.traffic), seconds(is.traffic));
        dial("churn", asked(&[ProbeName::Churn]), seconds(was.churn), seconds(is.churn));
        let any = both.iter().any(|cell| cell.variant.backend != BackendName::Direct);
        let affinity = |plan: &Plan| plan.persistence.map_or("none".to_owned(), seconds);
        dial("affinity", any, affinity(was), affinity(is));
        let settings = |plan: &Plan| serde_json::to_string(&plan.proxy).unwrap_or_default();
        dial("kube-proxy", true, settings(was), settings(is));
        let guests = was.target != TargetName::Host && is.target != TargetName::Host;
        dial("memory", guests, format!("{} MiB", was.memory), format!("{} MiB", is.memory));
        let exact = was.target.is_exact() && is.target.is_exact();
        dial("seed", exact, was.seed.to_string(), is.seed.to_string());
    }

    fn kernel(&mut self, was: &Header, is: &Header) {
        let fact = |header: &Header, name: &str| {
            let facts = if header.plan.target == TargetName::Host { &header.host } else { &header.guest };
            facts.get(name).cloned().unwrap_or_default()
        };
        self.add(Aspect::Kernel, "", &fact(was, "kernel"), &fact(is, "kernel"), Bearing::Asks);
        for name in ["kernel_version", "kernel_package", "kernel_sha256"] {
            self.add(Aspect::Kernel, name, &fact(was, name), &fact(is, name), Bearing::Asks);
        }
        // One that only one of them compares is part of the plans' difference.
        for kernel in kernels(was).intersection(&kernels(is)) {
            for name in ["kernel", "kernel_package", "kernel_sha256"] {
                let name = Header::kernel_fact(name, *kernel);
                self.add(Aspect::Kernel, &name, &fact(was, &name), &fact(is, &name), Bearing::Asks);
            }
        }
    }

    /// Tools are asked for by the plan: one that only one of two plans needs is part of the plans' difference.
    fn tools(&mut self, was: &Header, is: &Header) {
        let planned_alike = !self.all.iter().any(|difference| difference.aspect == Aspect::Plan);
        let qemu = |header: &Header| header.guest.get("qemu").cloned().unwrap_or_default();
        for name in names(&was.tools, &is.tools) {
            let (before, after) = (was.tools.get(name), is.tools.get(name));
            let both = before.is_some() && after.is_some();
            let bearing = if both || planned_alike { Bearing::Asks } else { Bearing::Explains };
            self.add(Aspect::Tools, name, said(before), said(after), bearing);
        }
        if !qemu(was).is_empty() && !qemu(is).is_empty() {
            self.add(Aspect::Tools, "qemu", &qemu(was), &qemu(is), Bearing::Asks);
        }
        // Two builds of kube-proxy are compared on purpose.
        for before in &was.plan.kube_proxies {
            if let Some(after) = is.plan.kube_proxies.iter().find(|after| after.name == before.name) {
                self.add(Aspect::Tools, before.name.as_str(), &build(before), &build(after), Bearing::Explains);
            }
        }
    }

    fn layouts(&mut self, before: &Dataset, after: &Dataset) {
        let (was, is) = (layouts(before), layouts(after));
        for (of @ (backend, driver), layouts) in &was {
            if let Some(others) = is.get(of) {
                let told = |layouts: &BTreeSet<LayoutName>| {
                    layouts.iter().map(|layout| layout.name()).collect::<Vec<_>>().join(", ")
                };
                let called = match driver.is_kube_proxy() {
                    true => format!("{backend} by {driver}"),
                    false => backend.name().to_owned(),
                };
                self.add(Aspect::Layout, &called, &told(layouts), &told(others), Bearing::Asks);
            }
        }
    }

    fn machine(&mut self, was: &Header, is: &Header) {
        for name in names(&was.host, &is.host) {
            let measured = was.plan.target == TargetName::Host && is.plan.target == TargetName::Host;
            if PASSING.contains(&name) && (name != "kernel" || measured) {
                continue;
            }
            let (before, after) = (said(was.host.get(name)), said(is.host.get(name)));
            if name == "memory_bytes" && near(before, after) {
                continue;
            }
            let timing = TIMING.contains(&name) && !self.counted;
            self.add(Aspect::Machine, name, before, after, if timing { Bearing::Asks } else { Bearing::Explains });
        }
    }

    fn guest(&mut self, was: &Header, is: &Header) {
        let told: Vec<String> = kernels(was)
            .union(&kernels(is))
            .flat_map(|kernel| TOLD.iter().map(|name| Header::kernel_fact(name, *kernel)))
            .collect();
        for name in names(&was.guest, &is.guest) {
            if told.iter().any(|told| told == name) {
                continue;
            }
            // Guests that run beside each other share the machine's time, not their own.
            if TOLD.contains(&name) || name == "jobs" && self.counted {
                continue;
            }
            let (before, after) = (said(was.guest.get(name)), said(is.guest.get(name)));
            let asks = name == "cpus" && !before.is_empty() && !after.is_empty();
            self.add(Aspect::Guest, name, before, after, if asks { Bearing::Asks } else { Bearing::Explains });
        }
    }
}

/// The kernels that a run compares.
fn kernels(header: &Header) -> BTreeSet<Interned> {
    header.plan.cells.iter().filter_map(|cell| cell.variant.kernel).collect()
}

fn names<'a>(was: &'a BTreeMap<String, String>, is: &'a BTreeMap<String, String>) -> BTreeSet<&'a str> {
    was.keys().chain(is.keys()).map(String::as_str).collect()
}

fn said(fact: Option<&String>) -> &str {
    fact.map_or("", String::as_str)
}

fn near(before: &str, after: &str) -> bool {
    match (before.parse::<f64>(), after.parse::<f64>()) {
        (Ok(before), Ok(after)) => (before - after).abs() <= SAME_MEMORY * before.max(after),
        _ => false,
    }
}

/// Which build a kube-proxy is: its version and the beginning of its checksum.
fn build(binary: &KubeProxy) -> String {
    let sum = binary.sha256.get(..12).unwrap_or(&binary.sha256);
    format!("{}, SHA-256 {sum}", binary.version)
}
