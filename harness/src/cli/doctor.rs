//! `svclab doctor`: what runs here, what is missing, and the remedy.

use super::output::{Form, print_json, say};
use crate::backend::{self, BACKENDS, Backend};
use crate::cell_error::{Missing, Obstacle};
use crate::fleet::kvm;
use crate::process::exit::{Exit, Failure};
use crate::targets::Examination;
use guests::tool::version;
use guests::{kernel, qemu};
use lab_core::vocabulary::Word;
use serde::Serialize;
use serde_json::json;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    form: Form,
}

/// What was found of one thing.
#[derive(Debug, Serialize)]
struct Line {
    /// `ok`, `limited`, `broken` or `missing`.
    state: &'static str,
    what: String,
    /// Its version or place; what is wrong with it where it is not `ok`.
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// What some targets have, and whether any backend runs there.
struct Found {
    lines: Vec<Line>,
    any: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let facts = netns_topology::facts::gather();
    let fact = |name: &str| facts.get(name).map_or("unknown", String::as_str);
    let (host, guests) = (host(), guests());
    if args.form.is_json() {
        print_json(&json!({ "machine": facts, "host": host.lines, "guests": guests.lines }))?;
    } else {
        say!("kernel {} on {} ({} CPUs)", fact("kernel"), fact("cpu"), fact("cpus"));
        say!("target host");
        host.lines.iter().for_each(Line::show);
        say!("targets vm and exact");
        guests.lines.iter().for_each(Line::show);
        kube_proxy();
    }
    Ok(if host.any || guests.any { Exit::Done } else { Exit::CannotRun }.into())
}

/// Tries everything out on this kernel.
fn host() -> Found {
    let examined = match Examination::make(None) {
        Ok(examined) => examined,
        Err(missing) => return Found { lines: vec![Line::of("host", Err(missing))], any: false },
    };
    let mut lines: Vec<Line> = Vec::new();
    for line in examined.sandbox {
        lines.push(match line {
            Ok(what) => Line::of("host", Ok(what)),
            Err(limit) => Line { state: "limited", ..Line::of("host", Err(limit)) },
        });
    }
    let any = examined.backends.values().any(Result::is_ok);
    for (name, check) in examined.backends {
        lines.push(match check {
            Err(Obstacle::Broken(why)) => Line { state: "broken", ..Line::of(name.name(), Ok(why)) },
            Err(Obstacle::Missing(missing)) => Line::of(name.name(), Err(missing)),
            Ok(()) => Line::of(name.name(), Ok(version_of(backend::named(name)))),
        });
    }
    for (name, check) in examined.probes {
        lines.extend(check.err().map(|missing| Line::of(&format!("probe {name}"), Err(missing))));
    }
    Found { lines, any }
}

/// Looks for what guests need, without starting one.
fn guests() -> Found {
    let emulator = qemu::find();
    let (kernel, modules) = match kernel::default() {
        Ok(Some(kernel)) => (Ok(format!("{} ({})", kernel.name, kernel.release)), Some(kernel)),
        Ok(None) => (Ok("debian-12, to be fetched on first use".to_owned()), None),
        Err(missing) => (Err(missing), None),
    };
    let tried = |works| if works { "works" } else { "to be tried on first use" }.to_owned();
    let engine = emulator.clone().map(|_| version(qemu::PROGRAM).unwrap_or_default());
    let ready = emulator.is_ok() && kernel.is_ok();
    let mut lines =
        vec![Line::of("qemu", engine), Line::of("kernel", kernel), Line::of("kvm (vm)", kvm::recalled().map(tried))];
    let mut any = false;
    for backend in BACKENDS {
        let check = backend::check_tools(*backend).and_then(|()| match &modules {
            Some(kernel) => kernel.load_order(backend.modules()).map(drop),
            None => Ok(()),
        });
        any |= check.is_ok();
        lines.push(Line::of(backend.name().name(), check.map(|()| version_of(*backend))));
    }
    Found { lines, any: any && ready }
}

/// Where kube-proxy binaries come from: the lab downloads none.
fn kube_proxy() {
    say!("kube-proxy, a real one (scenario --kube-proxy, fidelity)");
    say!("  bring one or several, such as --kube-proxy old=PATH --kube-proxy new=PATH:");
    say!("  a release     https://dl.k8s.io/v1.36.2/bin/linux/amd64/kube-proxy");
    say!("  docker        docker create --name kp registry.k8s.io/kube-proxy:v1.36.2");
    say!("                docker cp kp:/usr/local/bin/kube-proxy .");
    say!("  containerd    ctr images mount registry.k8s.io/kube-proxy:v1.36.2 DIR, then DIR/usr/local/bin/kube-proxy");
    say!("  neither       skopeo copy docker://registry.k8s.io/kube-proxy:v1.36.2 dir:DIR, then the layer that has it");
    say!("  your own      make WHAT=cmd/kube-proxy, in a tree of Kubernetes");
}

fn version_of(backend: &dyn Backend) -> String {
    if backend.tools().is_empty() {
        return "needs no tool".to_owned();
    }
    let versions = backend.tools().iter().filter_map(|&tool| version(backend.program(tool))).next();
    versions.unwrap_or_else(|| "its tools say no version".to_owned())
}

impl Line {
    fn of(what: &str, check: Result<String, Missing>) -> Self {
        let what = what.to_owned();
        match check {
            Ok(found) => Self { state: "ok", what, found, remedy: None },
            Err(Missing { why, remedy }) => Self { state: "missing", what, found: why, remedy: Some(remedy) },
        }
    }

    fn show(&self) {
        let Self { state, what, found, remedy } = self;
        let remedy = remedy.as_ref().map(|remedy| format!("\n{:29}remedy: {remedy}", "")).unwrap_or_default();
        say!("  {state:<9}{what:<18}{found}{remedy}");
    }
}
