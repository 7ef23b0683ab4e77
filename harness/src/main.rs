//! svclab: a benchmark and scale-simulation laboratory for the data planes behind Kubernetes Services.

mod agent;
mod backend;
mod cli;
mod clock;
mod commission;
mod conduct;
mod document;
mod ended;
mod estimate;
mod event;
mod exit;
mod interrupt;
mod lab;
mod labs;
mod mark;
mod meter;
mod planting;
mod probe;
mod profiles;
mod programmer;
mod progress;
mod reruns;
mod run;
mod self_test;
mod store;
mod target;
mod tool;
mod traffic;
mod vm;

use std::process::ExitCode;

fn main() -> ExitCode {
    // One tool call may be a process of this program: see tool::launcher.
    if let Some(code) = tool::launcher::serve() {
        return code;
    }
    meter::give_memory_back();
    if agent::is_asked_for() {
        agent::main();
    }
    match cli::main() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("svclab: {:#}", failure.error);
            failure.exit.into()
        }
    }
}
