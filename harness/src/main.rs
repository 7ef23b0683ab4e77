//! svclab: a benchmark and scale-simulation laboratory for the data planes behind Kubernetes Services.

mod agent;
mod backend;
mod cell_error;
mod cli;
mod driver;
mod fleet;
mod lab;
mod meter;
mod probe;
mod process;
mod run;
mod self_test;
mod session;
mod targets;
mod tool;

use std::process::ExitCode;

fn main() -> ExitCode {
    // One tool call may be a process of this program: see tool::launcher.
    if let Some(code) = tool::launcher::serve() {
        return code;
    }
    meter::give_memory_back();
    agent::serve();
    match cli::main() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("svclab: {:#}", failure.error);
            failure.exit.into()
        }
    }
}
