//! What the end of a tool's run means, and which tools are called.

mod tampered;

use super::judge::judge;
use super::state::State;
use super::*;
use crate::tool::place::Here;
use crate::tool::{Ending, Runner, ToolRun};
use lab_core::cluster::AddressPlan;
use lab_core::layout::Tool;
use lab_core::proxy_config::ProxyConfig;
use lab_core::vocabulary::BackendName;
use std::collections::BTreeSet;
use std::marker::Sync;
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

/// Records every call, and does what the tools do with it. A node may be tampered with: the input of a tool is another.
struct Fake {
    calls: Mutex<Vec<(String, String, Vec<u8>)>>,
    kernel: Mutex<State>,
    tamper: Box<dyn Fn(String) -> String + Send + Sync>,
}

impl Fake {
    fn leaked() -> &'static Self {
        Self::tampering(|input| input)
    }

    /// With tools that read something else than they are given.
    fn tampering(tamper: impl Fn(String) -> String + Send + Sync + 'static) -> &'static Self {
        Box::leak(Box::new(Self { calls: Mutex::default(), kernel: Mutex::default(), tamper: Box::new(tamper) }))
    }

    fn calls(&self) -> Vec<(String, String, Vec<u8>)> {
        self.calls.lock().unwrap().clone()
    }

    /// What `program` lists of a table: iptables-legacy-save or ip6tables-legacy-save.
    fn listing(&self, program: &str, table: &str) -> String {
        let kernel = self.kernel.lock().unwrap();
        let tables = if program.starts_with("ip6") { &kernel.v6 } else { &kernel.v4 };
        let Some(chains) = tables.tables.get(table) else { return String::new() };
        let built_in = |name: &str| name.chars().all(|letter| letter.is_ascii_uppercase());
        let policy = |name: &str| if built_in(name) { "ACCEPT" } else { "-" };
        let declared = chains.keys().map(|name| format!(":{name} {} [0:0]\n", policy(name)));
        let rules = chains
            .iter()
            .flat_map(|(name, chain)| chain.rules.iter().map(move |rule| format!("-A {name} {}\n", rule.text())));
        let head = std::iter::once(format!("*{table}\n"));
        head.chain(declared).chain(rules).chain(["COMMIT\n".to_owned()]).collect()
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
        self.calls.lock().unwrap().push((program.to_owned(), args.join(" "), stdin.to_vec()));
        let tool = match program {
            "iptables-legacy" => Tool::Iptables,
            "iptables-legacy-restore" => Tool::IptablesRestore,
            "ip6tables-legacy" => Tool::Ip6tables,
            "ip6tables-legacy-restore" => Tool::Ip6tablesRestore,
            "nft" => Tool::Nft,
            _ => {
                let stdout = args.last().map_or(String::new(), |table| self.listing(program, table));
                return Ok(ToolRun { stdout, ..run(Ending::Exited(0), 0, "") });
            }
        };
        let input = (self.tamper)(String::from_utf8(stdin.to_vec()).unwrap());
        let call = Invocation { tool, args: args.to_vec(), stdin: input.into_bytes() };
        let done = self.kernel.lock().unwrap().apply(&call.into()).is_ok();
        Ok(run(Ending::Exited(i32::from(!done)), stdin.len() as u64, ""))
    }
}

fn rules(fake: &'static Fake) -> Rules {
    let backend = backend::named(BackendName::IptablesLegacy);
    // Neither asks the kernel nor sets its parameters.
    let proxy = ProxyConfig { nfacct: false, localhost_node_ports: false, ..ProxyConfig::default() };
    let layout = Options { proxy, ..Options::usual(backend.name()) }.layout().unwrap();
    Rules { tools: Tools { backend, runner: fake, held: || Ok(BTreeSet::new()) }, layout, expected: Mutex::default() }
}

fn load(fake: &'static Fake) -> Result<Loaded, CellError> {
    rules(fake).install(&Here, &Cluster::generate(3, &AddressPlan::new(2)), Duration::from_secs(9))
}

#[test]
fn a_load_prepares_syncs_once_and_counts() {
    let fake = Fake::leaked();
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
    // Two are the syncs' own reads. Each table is listed once to be counted, once to be compared.
    assert_eq!(saves.len(), 2 + 6 + 6);
    let of_family = |program: &str| program.starts_with("iptables-legacy") || program.starts_with("ip6tables-legacy");
    assert!(calls.iter().all(|(program, _, _)| of_family(program) || program == "nft"));
}

#[test]
fn a_rule_that_is_not_there_fails_the_load() {
    let error = load(Fake::tampering(|input| input.replacen("-A KUBE-MARK-MASQ", "#", 1))).unwrap_err();
    assert!(error.reason().starts_with("installed 66 rules, "), "{error:?}");
    assert!(error.reason().contains("where the layout says 68 rules, "), "{error:?}");
}

#[test]
fn a_new_start_on_a_node_with_its_rules_leaves_them_as_they_are() {
    let fake = Fake::leaked();
    let (rules, cluster) = (rules(fake), Cluster::generate(3, &AddressPlan::new(2)));
    let limit = Duration::from_secs(9);
    rules.install(&Here, &cluster, limit).unwrap();
    let before = fake.kernel.lock().unwrap().clone();
    let cost = rules.restart(&Here, &cluster, limit).unwrap();
    assert!(cost.part(Metric::SyncRead) > Duration::ZERO && cost.writes() > Duration::ZERO, "{cost:?}");
    rules.count(&Here, &cluster).unwrap();
    rules.verify(&Here).unwrap();
    assert_eq!(*fake.kernel.lock().unwrap(), before);
}

#[test]
fn a_load_that_must_fail_and_does_leaves_the_node_empty_and_one_that_does_not_fails_the_cell() {
    let (cluster, limit) = (Cluster::generate(3, &AddressPlan::new(2)), Duration::from_secs(9));
    let refusing = rules(Fake::tampering(|input| input.replace("-A OUTPUT -j KUBE", "no rule")));
    refusing.prepare(&Here).unwrap();
    assert!(refusing.fail(&Here, &cluster, limit).unwrap().wall > Duration::ZERO);
    refusing.load(&Here, &cluster, limit).unwrap();
    refusing.count(&Here, &cluster).unwrap();
    refusing.verify(&Here).unwrap();
    let taking = rules(Fake::leaked());
    taking.prepare(&Here).unwrap();
    let error = taking.fail(&Here, &cluster, limit).unwrap_err();
    assert_eq!(error, CellError::Failed("iptables-legacy-restore did what the kernel had to refuse".to_owned()));
}

#[test]
fn an_appended_rule_is_taken_away_by_the_same_tool() {
    let fake = Fake::leaked();
    let (rules, cluster) = (rules(fake), Cluster::generate(3, &AddressPlan::new(2)));
    let limit = Duration::from_secs(9);
    rules.install(&Here, &cluster, limit).unwrap();
    let installed = fake.calls().len();
    rules.append(&Here, &cluster, limit).unwrap();
    rules.take_away(&Here, &cluster, limit).unwrap();
    rules.start(&Here, Operation::Append(&cluster)).unwrap().unwrap();
    let calls = fake.calls().into_iter().skip(installed);
    let calls: Vec<String> = calls.map(|(program, args, _)| format!("{program} {args}")).collect();
    assert_eq!(calls[0].replace(" -A ", " -D "), calls[1]);
    assert_eq!(calls[2..], ["iptables-legacy --version"]);
}
