//! svclab: a benchmark and scale-simulation laboratory for the data planes behind Kubernetes Services.

/// Writes a line to standard error.
macro_rules! tell {
    ($($arg:tt)*) => { $crate::process::standard::tell(format_args!("{}\n", format_args!($($arg)*))) };
}

mod activity;
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

use process::standard;
use std::process::ExitCode;

fn main() -> ExitCode {
    // One tool call may be a process of this program: see tool::launcher.
    if let Some(code) = tool::launcher::serve() {
        return code;
    }
    meter::give_memory_back();
    agent::serve();
    match process::limits::check().and_then(|()| cli::main()) {
        Ok(code) => standard::complete(code),
        Err(failure) => {
            tell!("svclab: {:#}", failure.error);
            failure.exit.into()
        }
    }
}
