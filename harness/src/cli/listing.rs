//! `svclab scenarios`: lists the scenarios and the studies that come with the program.

use super::output::{Form, print_json, say};
use super::{scenarios, studies};
use crate::process::exit::{Exit, Failure};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    form: Form,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let (scenarios, studies) = (scenarios::questions()?, studies::questions()?);
    if args.form.is_json() {
        let listed = |all: &[(&str, String)]| -> Vec<Value> {
            all.iter().map(|(name, question)| json!({ "name": name, "question": question })).collect()
        };
        print_json(&json!({ "scenarios": listed(&scenarios), "studies": listed(&studies) }))?;
        return Ok(Exit::Done.into());
    }
    for (name, question) in scenarios {
        say!("{name:<24}{question}");
    }
    say!("\nStudies, of several scenarios and the claims that they answer:\n");
    for (name, question) in studies {
        say!("{name:<24}{question}");
    }
    say!(
        "\nRun one with: svclab scenario NAME, or svclab study NAME. Write your own as scenarios/README.md describes."
    );
    Ok(Exit::Done.into())
}
