//! `svclab splice`: writes svclab's output into documents.

pub(crate) mod document;

use super::output::say;
use crate::cli::handed;
use crate::cli::splice::document::{Document, Place};
use crate::process::exit::{Exit, Failure};
use crate::tool::{Ending, Real, Runner, ended_by};
use anyhow::{Context, Result, anyhow, bail, ensure};
use lab_core::shell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// How long one command of a document may take.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Documents with places to fill
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Change nothing; list what is out of date, and exit with 1 if anything is
    #[arg(long)]
    check: bool,
}

const HELP: &str = "A place stands between two markers, each on a line of its own:

  <!-- svclab report runs/mine --format markdown --section answer -->
  <!-- /svclab -->

svclab writes the command and its output between them. The command runs in the document's folder. It can be report, \
capacity, query, render or plan. `> FILE.svg` at its end puts a drawing into that file, and the document shows it.";

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut outdated = 0;
    // Commands change the working folder, so relative names would break.
    let files: Result<Vec<_>> = args.files.iter().map(|file| Ok((file, find(file)?))).collect();
    for (file, place) in files.map_err(Failure::usage)? {
        outdated += splice(&file.display().to_string(), &place, args.check).map_err(Failure::usage)?;
    }
    if args.check && outdated > 0 {
        let error = anyhow!("{outdated} out of date; update with: svclab splice {}", shell::paths(&args.files));
        return Err(Failure { exit: Exit::Differs, error });
    }
    Ok(Exit::Done.into())
}

fn find(file: &Path) -> Result<PathBuf> {
    fs::canonicalize(file).with_context(|| format!("reading the document {}", file.display()))
}

/// Updates the document, or only checks it. Returns how many places and drawings were out of date.
fn splice(name: &str, file: &Path, check: bool) -> Result<usize> {
    let text = handed::text(file).with_context(|| format!("reading the document {name}"))?;
    let document = Document::read(name, &text)?;
    ensure!(!document.places().is_empty(), "{name} has no place to fill; `svclab splice --help` shows an example");
    let folder = file.parent().context("a file is in a folder")?;
    std::env::set_current_dir(folder).with_context(|| format!("entering the folder of {name}"))?;

    let (mut contents, mut outdated) = (Vec::new(), 0);
    for place in document.places() {
        let printed = call(place).with_context(|| format!("{name}:{}", place.line))?;
        let content = place.command.content(&printed);
        if let Some(difference) = place.difference(&content) {
            outdated += 1;
            if check {
                say!("{name}:{}: out of date\n{}", place.line, difference.trim_end());
            }
        }
        if let Some(picture) = &place.command.picture
            && fs::read_to_string(picture).ok().as_ref() != Some(&printed)
        {
            outdated += 1;
            if check {
                say!("{name}:{}: {} is not what the command draws", place.line, picture.display());
            } else {
                fs::write(picture, &printed).with_context(|| format!("writing {}", picture.display()))?;
            }
        }
        contents.push(content);
    }
    if !check {
        let new = document.with(&contents);
        if new != text {
            fs::write(file, new).with_context(|| format!("writing {name}"))?;
        }
        say!("{name}: places {}, brought up to date {outdated}", contents.len());
    }
    Ok(outdated)
}

/// The output of the command of `place`, run by this same program.
fn call(place: &Place) -> Result<String> {
    let program = std::env::current_exe().context("finding svclab itself")?;
    let program = program.to_str().context("svclab's own path is not UTF-8")?;
    let run = Real.run(program, &place.command.words, b"", LIMIT)?;
    let said = run.stderr.trim();
    let said = said.strip_prefix("svclab: ").unwrap_or(said);
    match run.ending {
        Ending::Exited(0) if run.stdout.trim().is_empty() => bail!("the command printed nothing {said}"),
        Ending::Exited(0) => Ok(run.stdout),
        Ending::Exited(_) => bail!("{said}"),
        Ending::TimedOut | Ending::TooSlow => bail!("the command took more than {} s", LIMIT.as_secs()),
        Ending::Signalled(signal) => bail!("the command {}: {said}", ended_by(signal)),
        Ending::Interrupted => bail!("interrupted"),
    }
}
