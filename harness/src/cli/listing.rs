//! `svclab scenarios`: lists the scenarios and the studies that come with the program.

use super::output::say;
use super::{scenarios, studies};
use crate::process::exit::{Exit, Failure};
use std::process::ExitCode;

pub(crate) fn run() -> Result<ExitCode, Failure> {
    for (name, question) in scenarios::questions()? {
        say!("{name:<24}{question}");
    }
    say!("\nStudies, of several scenarios and the claims that they answer:\n");
    for (name, question) in studies::questions()? {
        say!("{name:<24}{question}");
    }
    say!(
        "\nRun one with: svclab scenario NAME, or svclab study NAME. Write your own as scenarios/README.md describes."
    );
    Ok(Exit::Done.into())
}
