//! `svclab guest`: runs a program of this machine in a guest, on another kernel. For tests; hidden from `--help`.

use crate::fleet::alone;
use crate::process::exit::Failure;
use crate::process::interrupt;
use crate::session::spec::Guests;
use anyhow::Context;
use guests::Program;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The program; its libraries and the backends' tools are copied into the guest
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// A variable of its environment; repeat it for more
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    environment: Vec<(String, String)>,
    /// The guest's kernel: a name of `svclab fetch list` or VMLINUZ:MODULES_DIR
    #[arg(long, value_name = "KERNEL")]
    kernel: Option<String>,
    /// The backends' tools: debian-12, debian-13, debian-sid or a folder with a root file system. They are in /tools
    #[arg(long, value_name = "SUITE|DIR")]
    tools: Option<String>,
    /// The guest's memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(512..))]
    memory: u32,
    /// The program's arguments
    #[arg(last = true, value_name = "ARGS")]
    arguments: Vec<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a variable is given as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) fn run(args: Args) -> Result<ExitCode, Failure> {
    interrupt::listen()?;
    let Args { program, environment, kernel, tools, memory, arguments } = args;
    let file = std::fs::canonicalize(&program).with_context(|| format!("--program {}", program.display()));
    let file = file.map_err(Failure::usage)?;
    alone::run(&Guests { kernel, tools, ..Guests::default() }, memory, Program { file, arguments, environment })
}
