//! `svclab doctor`: what runs here, what is missing, and the remedy.

use super::output::say;
use crate::backend::{self, BACKENDS, Backend};
use crate::cell_error::{Missing, Obstacle};
use crate::fleet::kvm;
use crate::process::exit::{Exit, Failure};
use crate::targets::Examination;
use guests::tool::version;
use guests::{kernel, qemu};
use lab_core::vocabulary::Word;
use std::process::ExitCode;

pub(crate) fn run() -> Result<ExitCode, Failure> {
    let facts = netns_topology::facts::gather();
    let fact = |name: &str| facts.get(name).map_or("unknown", String::as_str);
    say!("kernel {} on {} ({} CPUs)", fact("kernel"), fact("cpu"), fact("cpus"));
    let host = host();
    let guests = guests();
    kube_proxy();
    Ok(if host || guests { Exit::Done } else { Exit::CannotRun }.into())
}

/// Tries everything out on this kernel, and says whether any backend runs there.
fn host() -> bool {
    say!("target host");
    let found = match Examination::make(None) {
        Ok(found) => found,
        Err(missing) => {
            report("host", &Err(missing));
            return false;
        }
    };
    for line in found.sandbox {
        match line {
            Ok(what) => show("ok", "host", &what),
            Err(limit) => show("limited", "host", &remedied(&limit)),
        }
    }
    let any = found.backends.values().any(Result::is_ok);
    for (name, check) in found.backends {
        match check {
            Err(Obstacle::Broken(why)) => show("broken", name.name(), &why),
            Err(Obstacle::Missing(missing)) => report(name.name(), &Err(missing)),
            Ok(()) => report(name.name(), &Ok(version_of(backend::named(name)))),
        }
    }
    for (name, check) in found.probes {
        if let Err(missing) = check {
            report(&format!("probe {name}"), &Err(missing));
        }
    }
    any
}

/// Looks for what guests need, without starting one, and says whether any backend would run there.
fn guests() -> bool {
    let emulator = qemu::find();
    let engine = || version(qemu::PROGRAM).unwrap_or_default();
    say!("targets vm and exact");
    report("qemu", &emulator.clone().map(|_| engine()));
    let (kernel, modules) = match kernel::default() {
        Ok(Some(kernel)) => (Ok(format!("{} ({})", kernel.name, kernel.release)), Some(kernel)),
        Ok(None) => (Ok("debian-12, to be fetched on first use".to_owned()), None),
        Err(missing) => (Err(missing), None),
    };
    report("kernel", &kernel);
    let tried = |works| if works { "works" } else { "to be tried on first use" }.to_owned();
    report("kvm (vm)", &kvm::recalled().map(tried));
    let mut any = false;
    for backend in BACKENDS {
        let check = backend::check_tools(*backend).and_then(|()| match &modules {
            Some(kernel) => kernel.load_order(backend.modules()).map(drop),
            None => Ok(()),
        });
        any |= check.is_ok();
        report(backend.name().name(), &check.map(|()| version_of(*backend)));
    }
    any && emulator.is_ok() && kernel.is_ok()
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

fn report(what: &str, check: &Result<String, Missing>) {
    match check {
        Ok(how) => show("ok", what, how),
        Err(missing) => show("missing", what, &remedied(missing)),
    }
}

fn show(state: &str, what: &str, details: &str) {
    say!("  {state:<9}{what:<18}{details}");
}

fn remedied(missing: &Missing) -> String {
    format!("{}\n{:29}remedy: {}", missing.why, "", missing.remedy)
}
