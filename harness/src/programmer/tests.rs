//! What is made of the ways in which a tool's run ends.

use super::*;

fn call() -> Invocation {
    let stdin = b"*nat\n:A - [0:0]\n-A A -j NOPE\nCOMMIT\n".to_vec();
    Invocation { tool: Tool::IptablesRestore, args: Vec::new(), stdin }
}

fn run(ending: Ending, read: u64, stderr: &str) -> ToolRun {
    let none = Duration::ZERO;
    let (stdout, stderr) = (String::new(), stderr.to_owned());
    ToolRun { ending, wall: none, user: none, system: none, peak_rss: 0, read, stdout, stderr }
}

fn judged(run: ToolRun) -> Ended {
    judge("iptables-restore", &call(), run, Duration::from_secs(9)).unwrap_err()
}

#[test]
fn a_refusal_names_the_line_and_the_tools_own_message() {
    let stderr = "iptables-restore v1.8.9 (legacy): Couldn't load target `NOPE'\n\nError occurred at line: 3\n";
    let reason = "iptables-restore refused line 3 of 4 in the node: \"iptables-restore v1.8.9 (legacy): Couldn't load \
                  target `NOPE'\"";
    assert_eq!(judged(run(Ending::Exited(2), 36, stderr)), Ended::Failed(reason.to_owned()));
}

#[test]
fn a_tool_out_of_time_says_how_far_it_had_read() {
    let half = "iptables-restore was ended after 9 s; it had read 44 % of its input (line 2 of 4)";
    assert_eq!(judged(run(Ending::TimedOut, 16, "")), Ended::OverBudget(half.to_owned()));
    let all = "iptables-restore was ended after 9 s; it had read all of its input";
    assert_eq!(judged(run(Ending::TimedOut, 36, "")), Ended::OverBudget(all.to_owned()));
}

#[test]
fn a_transaction_too_long_for_an_ordinary_user_is_skipped_with_the_remedy() {
    let ended =
        judged(run(Ending::Exited(4), 36, "iptables-restore: line 4 failed: sendmsg() failed: Message too long\n"));
    assert!(matches!(&ended, Ended::Skipped(reason) if reason.contains("sysctl -w net.core.wmem_max=")), "{ended:?}");
}

#[test]
fn a_signal_fails_the_cell_and_an_interrupt_says_nothing_of_it() {
    assert_eq!(judged(run(Ending::Signalled(9), 0, "")).reason(), "iptables-restore was ended by signal 9");
    assert_eq!(judged(run(Ending::Interrupted, 0, "")), Ended::Interrupted);
    assert!(judge("iptables-restore", &call(), run(Ending::Exited(0), 36, ""), Duration::ZERO).is_ok());
}
