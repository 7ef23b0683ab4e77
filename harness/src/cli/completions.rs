//! `svclab completions`: a shell's completion script.

use super::output;
use crate::process::exit::{Exit, Failure};
use clap::Command;
use clap_complete::{Shell, generate};
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

const HELP: &str = "\
  bash        svclab completions bash > ~/.local/share/bash-completion/completions/svclab
  zsh         svclab completions zsh > DIR/_svclab, where DIR is in your fpath
  fish        svclab completions fish > ~/.config/fish/completions/svclab.fish
  elvish      svclab completions elvish >> ~/.config/elvish/rc.elv
  powershell  svclab completions powershell >> $PROFILE";

pub(crate) fn run(args: &Args, mut command: Command) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    generate(args.shell, &mut command, "svclab", &mut script);
    output::print(&script)?;
    Ok(Exit::Done.into())
}
