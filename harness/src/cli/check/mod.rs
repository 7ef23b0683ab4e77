//! `svclab check`: what of a cluster a release cannot do, or will do badly.

mod cold_start;
mod finding;
mod tried;

use super::asked::Asked;
use super::output::Form;
use super::{cluster, output, runs};
use crate::process::exit::{Exit, Failure};
use anyhow::Context;
use finding::{Finding, Findings};
use kube_dump::Dump;
use lab_core::cell::Variant;
use lab_core::cluster::{Cluster, Family};
use lab_core::layout::release::{self, Release};
use lab_core::proxy_config::ProxyConfig;
use lab_core::units;
use lab_core::vocabulary::{BackendName, LayoutName, Word};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;
use tried::Tried;

/// How many findings of a kind the text shows.
const SHOWN: usize = 5;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A cluster, as `kubectl get services,endpointslices -A -o json` prints it, in JSON or YAML: a file, a folder, a tar
    /// archive, or - for standard input; repeat it for more parts of it
    #[arg(long, value_name = "FILE", required = true)]
    cluster: Vec<PathBuf>,
    /// A kube-proxy release to check it for; repeat it for more [default: all]
    #[arg(long = "layout", value_name = "LAYOUT", value_parser = LayoutName::choose)]
    layouts: Vec<LayoutName>,
    /// A timed run whose law tells how long a cold start with this cluster takes
    #[arg(long, value_name = "RUN")]
    run: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

/// What was found.
#[derive(Serialize)]
struct Checked {
    services: usize,
    /// On cluster IPs, of both families.
    ports: usize,
    /// Of all ports; `None` if the cluster does not say.
    endpoints: Option<usize>,
    findings: Vec<Finding>,
    /// Of each release whose packets walk a list of Services.
    rules_tried: Vec<Tried>,
    /// What the run says of a cold start that is no finding.
    cold_starts: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let unreadable = |error: anyhow::Error| Failure::usage(error.context("--cluster"));
    let inputs = cluster::inputs(&args.cluster).map_err(unreadable)?;
    let dump = Dump::read(&inputs).map_err(|error| unreadable(error.into()))?;
    let mut checked = check(&dump, &args.layouts);
    if let Some(place) = &args.run {
        let asked = Asked::of(&args.cluster, &inputs, dump, 1.0).map_err(Failure::usage)?;
        for run in runs::read(std::slice::from_ref(place))? {
            let (found, lines) = cold_start::findings(&run, &asked).context("--run").map_err(Failure::usage)?;
            checked.findings.extend(found);
            checked.cold_starts.extend(lines);
        }
        checked.findings.sort_by_key(|finding| finding.severity);
    }
    let text = match args.form.is_json() {
        false => text(&checked),
        true => serde_json::to_string_pretty(&checked).map_err(anyhow::Error::from)? + "\n",
    };
    output::print(text.as_bytes())?;
    Ok(if checked.findings.is_empty() { Exit::Done } else { Exit::Differs }.into())
}

/// The rows of the releases asked for: all without any.
fn rows(layouts: &[LayoutName]) -> impl Iterator<Item = &'static Release> {
    release::RELEASES.iter().filter(|row| layouts.is_empty() || layouts.contains(&row.layout))
}

/// `iptables 1.36`, `ipvs 1.30`.
fn called(row: &Release) -> String {
    let mode = match row.backends[0] {
        BackendName::IptablesLegacy | BackendName::IptablesNft => "iptables",
        backend => backend.name(),
    };
    format!("{mode} {}", row.rules)
}

fn check(dump: &Dump, layouts: &[LayoutName]) -> Checked {
    // One of the cluster's own nodes, if it is known.
    let node = dump.nodes.first().unwrap_or(&dump.cluster.node).clone();
    let mut cluster = Cluster { node, ..dump.cluster.clone() };
    // The dump's notes say it of these. No release installs them.
    cluster.services.retain(|service| service.forbidden_name().is_none());
    let (mut findings, mut rules_tried) = (Findings::default(), Vec::new());
    for row in rows(layouts) {
        let variant = Variant { layout: row.layout, ..Variant::usual(row.backends[0]) };
        let Some(layout) = release::layout(variant, &ProxyConfig::default()) else { continue };
        let called = called(row);
        for caveat in layout.caveats(&cluster) {
            findings.add(&called, Finding::of_caveat(caveat));
        }
        if called.starts_with("iptables") {
            let most = Family::ALL.into_iter().filter_map(|family| Tried::most(&called, &*layout, &cluster, family));
            if let Some(tried) = most.max_by_key(|tried| tried.rules) {
                findings.extend(&called, tried.finding());
                rules_tried.push(tried);
            }
            findings.extend(&called, finding::large(&cluster));
        }
    }
    let mut findings = findings.in_order();
    findings.extend(finding::of_cluster(&cluster));
    findings.extend(dump.notes.iter().map(Finding::of_note));
    Checked {
        services: dump.cluster.services.len(),
        ports: Family::ALL.into_iter().map(|family| cluster.ports(family).count()).sum(),
        endpoints: dump
            .has_endpoints()
            .then(|| Family::ALL.into_iter().map(|family| cluster.endpoint_count(family)).sum()),
        findings,
        rules_tried,
        cold_starts: Vec::new(),
    }
}

fn text(checked: &Checked) -> String {
    let endpoints = |count: usize| units::counted(count as u64, "endpoint");
    let endpoints = checked.endpoints.map_or_else(|| "unknown endpoints".to_owned(), endpoints);
    let mut text = format!(
        "{}, {} on cluster IPs, {endpoints}\n",
        units::counted(checked.services as u64, "Service"),
        units::counted(checked.ports as u64, "port")
    );
    for Tried { release, rules, object, .. } in &checked.rules_tried {
        let rules = units::agreeing(*rules, "rule is", "rules are");
        text += &format!("{release}: at worst {rules} tried before an endpoint is chosen ({object})\n");
    }
    text.extend(checked.cold_starts.iter().map(|line| format!("{line}\n")));
    if checked.findings.is_empty() {
        return text + "\nnothing found\n";
    }
    let mut kind = None;
    let mut left = SHOWN;
    let mut hidden = 0;
    for finding in &checked.findings {
        let this = (finding.severity, &finding.releases);
        if kind != Some(this) {
            text += &more(std::mem::take(&mut hidden));
            text += &format!("\n{}\n", finding.heading());
            (kind, left) = (Some(this), SHOWN);
        }
        if left == 0 {
            hidden += 1;
        } else {
            left -= 1;
            text += &format!("  {}: {}\n", finding.object, finding.what);
        }
    }
    text + &more(hidden)
}

fn more(hidden: usize) -> String {
    if hidden == 0 { String::new() } else { format!("  {hidden} more like these; see all with: --format json\n") }
}
