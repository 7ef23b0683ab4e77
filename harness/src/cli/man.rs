//! `svclab man`: man pages, one for each verb.

use crate::process::exit::{Exit, Failure};
use anyhow::Context;
use clap::Command;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder for the pages; read one with: man DIR/svclab-gate.1
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(crate) fn run(args: &Args, command: Command) -> Result<ExitCode, Failure> {
    let shown = args.folder.display();
    let written = fs::create_dir_all(&args.folder).and_then(|()| clap_mangen::generate_to(command, &args.folder));
    written.with_context(|| format!("writing man pages to {shown}")).map_err(Failure::usage)?;
    tell!("{shown}");
    Ok(Exit::Done.into())
}
