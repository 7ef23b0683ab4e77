//! What the end of a tool's run means, and which tools are called.

use super::judge::judge;
use super::*;
use crate::tool::place::Here;
use crate::tool::{Ending, Runner, ToolRun};
use lab_core::cluster::AddressPlan;
use lab_core::layout::Tool;
use lab_core::proxy_config::ProxyConfig;
use lab_core::vocabulary::BackendName;
use std::collections::BTreeSet;
use std::sync::Mutex;

fn call() -> Invocation {
    let stdin = b"*nat\n:A - [0:0]\n-A A -j NOPE\nCOMMIT\n".to_vec();
    Invocation { tool: Tool::IptablesRestore, args: Vec::new(), stdin }
}

fn run(ending: Ending, read: u64, stderr: &str) -> ToolRun {
    ToolRun { wall: Duration::from_secs(9), read, stderr: stderr.to_owned(), ..ToolRun::of(ending) }
}

fn judged(run: ToolRun) -> CellError {
    judge("iptables-restore", &call(), run, Duration::from_secs(9)).unwrap_err()
}

#[test]
fn a_refusal_names_the_line_and_the_tools_own_message() {
    let stderr = "iptables-restore v1.8.9 (legacy): Couldn't load target `NOPE'\n\nError occurred at line: 3\n";
    let reason = "iptables-restore refused line 3 of 4 in the node: \"iptables-restore v1.8.9 (legacy): Couldn't load \
                  target `NOPE'\"";
    assert_eq!(judged(run(Ending::Exited(2), 36, stderr)), CellError::Failed(reason.to_owned()));
}

#[test]
fn a_tool_out_of_time_says_how_far_it_had_read() {
    let half = "iptables-restore was killed after 9.00 s; it had read 44 % of its input (line 2 of 4)";
    assert_eq!(judged(run(Ending::TimedOut, 16, "")), CellError::OverBudget(half.to_owned()));
    let all = "iptables-restore was killed after 9.00 s; it had read all of its input";
    assert_eq!(judged(run(Ending::TimedOut, 36, "")), CellError::OverBudget(all.to_owned()));
    assert_eq!(
        judge("iptables-restore", &call(), run(Ending::TooSlow, 16, ""), Duration::from_secs(40)).unwrap_err(),
        CellError::OverBudget(format!("{half}, too little to finish within 40.0 s"))
    );
}

#[test]
fn a_transaction_too_long_for_an_ordinary_user_is_skipped_with_the_remedy() {
    let error =
        judged(run(Ending::Exited(4), 36, "iptables-restore: line 4 failed: sendmsg() failed: Message too long\n"));
    assert!(
        matches!(&error, CellError::Skipped(reason) if reason.contains("sysctl -w net.core.wmem_max=")),
        "{error:?}"
    );
}

#[test]
fn a_signal_fails_the_cell_and_an_interrupt_says_nothing_of_it() {
    assert_eq!(judged(run(Ending::Signalled(9), 0, "")).reason(), "iptables-restore was killed by signal 9");
    assert_eq!(judged(run(Ending::Interrupted, 0, "")), CellError::Interrupted);
    assert!(judge("iptables-restore", &call(), run(Ending::Exited(0), 36, ""), Duration::ZERO).is_ok());
}

/// Records every call. Answers a listing of a table with the rules and chains sent so far, except those it hides.
#[derive(Default)]
struct Fake {
    calls: Mutex<Vec<(String, String, Vec<u8>)>>,
    hidden: usize,
}

impl Fake {
    fn leaked(hidden: usize) -> &'static Self {
        Box::leak(Box::new(Self { hidden, ..Self::default() }))
    }

    fn calls(&self) -> Vec<(String, String, Vec<u8>)> {
        self.calls.lock().unwrap().clone()
    }

    /// What iptables-legacy-save or ip6tables-legacy-save would list of all tables. It is called for three, and lists all
    /// at the first.
    fn listing(&self, program: &str) -> String {
        let mut calls = self.calls();
        calls.retain(|(tool, _, _)| tool.starts_with("ip6") == program.starts_with("ip6"));
        let arguments = calls.iter().filter(|(_, args, _)| args.contains("-N ") || args.contains("-I "));
        let mut lines: BTreeSet<String> = arguments
            .map(|(_, args, _)| match args.split_once("-N ") {
                Some((_, rest)) => format!(":{} - [0:0] {args}", rest.split(' ').next().unwrap_or_default()),
                None => format!("-A {args}"),
            })
            .collect();
        let mut table = String::new();
        for (_, _, stdin) in &calls {
            for line in String::from_utf8_lossy(stdin).lines() {
                match line.as_bytes() {
                    [b'*', ..] => table = line[1..].to_owned(),
                    [b':', ..] => {
                        let name = line[1..].split(' ').next().unwrap_or_default();
                        let made = format!(":{name} - [0:0]");
                        let known =
                            lines.iter().any(|line| line.starts_with(&made) && line.contains(&format!("-t {table}")));
                        if !known {
                            lines.insert(format!("{made} -t {table}"));
                        }
                    }
                    [b'-', b'A', ..] => drop(lines.insert(format!("{line} -t {table}"))),
                    _ => {}
                }
            }
        }
        let hidden = if program.starts_with("ip6") { 0 } else { self.hidden };
        lines.into_iter().skip(hidden).collect::<Vec<_>>().join("\n")
    }
}

impl Runner for Fake {
    fn run_late(
        &self,
        _: Duration,
        program: &str,
        args: &[String],
        stdin: &[u8],
        _: Duration,
    ) -> anyhow::Result<ToolRun> {
        let args = args.join(" ");
        let stdout = if args == "-t filter" { self.listing(program) } else { String::new() };
        self.calls.lock().unwrap().push((program.to_owned(), args, stdin.to_vec()));
        Ok(ToolRun { stdout, ..run(Ending::Exited(0), stdin.len() as u64, "") })
    }
}

fn rules(fake: &'static Fake) -> Rules {
    let backend = backend::named(BackendName::IptablesLegacy);
    // Neither asks the kernel nor sets its parameters.
    let proxy = ProxyConfig { nfacct: false, localhost_node_ports: false, ..ProxyConfig::default() };
    let layout = Options { proxy, ..Options::usual(backend.name()) }.layout().unwrap();
    Rules { tools: Tools { backend, runner: fake }, layout }
}

fn load(fake: &'static Fake) -> Result<Loaded, CellError> {
    rules(fake).install(&Here, &Cluster::generate(3, &AddressPlan::new(2)), Duration::from_secs(9))
}

#[test]
fn a_load_prepares_syncs_once_and_counts() {
    let fake = Fake::leaked(0);
    let load = load(fake).unwrap();
    let calls = fake.calls();
    let syncs: Vec<_> = calls.iter().filter(|(program, _, _)| program == "iptables-legacy-restore").collect();
    assert_eq!(syncs.len(), 1);
    assert_eq!(syncs[0].1, "-w 5 --noflush --counters");
    let inputs: usize = calls.iter().filter(|call| call.0.ends_with("-restore")).map(|call| call.2.len()).sum();
    assert!(load.counts.contains(&(Metric::ScriptBytes, inputs as f64)), "{load:?}");
    // In each family 5 rules in nat, 3 in filter, and 14 jumps from built-in chains; S·(2 + 3E) rules.
    let rules = 2 * (5 + 3 + 14) + 3 * (2 + 3 * 2);
    assert!(load.counts.contains(&(Metric::Rules, f64::from(rules))), "{load:?}");
    let saves: Vec<_> = calls.iter().filter(|(program, _, _)| program.ends_with("tables-legacy-save")).collect();
    // Two are the syncs' own reads.
    assert_eq!(saves.len(), 2 + 6);
    let of_family = |program: &str| program.starts_with("iptables-legacy") || program.starts_with("ip6tables-legacy");
    assert!(calls.iter().all(|(program, _, _)| of_family(program) || program == "nft"));
}

#[test]
fn a_rule_that_is_not_there_fails_the_load() {
    let error = load(Fake::leaked(1)).unwrap_err();
    assert!(error.reason().starts_with("installed 67 rules, "), "{error:?}");
    assert!(error.reason().contains("where the layout says 68 rules, "), "{error:?}");
}

#[test]
fn an_appended_rule_is_taken_away_by_the_same_tool() {
    let fake = Fake::leaked(0);
    let (rules, cluster) = (rules(fake), Cluster::generate(3, &AddressPlan::new(2)));
    let limit = Duration::from_secs(9);
    rules.append(&Here, &cluster, limit).unwrap();
    rules.take_away(&Here, &cluster, limit).unwrap();
    rules.start(&Here, Operation::Append(&cluster)).unwrap().unwrap();
    let calls: Vec<String> = fake.calls().into_iter().map(|(program, args, _)| format!("{program} {args}")).collect();
    assert_eq!(calls[0].replace(" -A ", " -D "), calls[1]);
    assert_eq!(calls[2..], ["iptables-legacy --version"]);
}
