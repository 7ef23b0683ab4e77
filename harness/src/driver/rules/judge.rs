//! What the end of a tool's run means for the cell.

use crate::backend::transaction;
use crate::cell_error::{CellError, Missing};
use crate::process::clock;
use crate::tool::{Ending, ToolRun, ended_by, refusal};
use lab_core::layout::Invocation;
use std::time::Duration;

/// The result of a tool's run for the cell.
pub(super) fn judge(program: &str, call: &Invocation, run: ToolRun, limit: Duration) -> Result<ToolRun, CellError> {
    match run.ending {
        Ending::Exited(0) => Ok(run),
        Ending::Interrupted => Err(CellError::Interrupted),
        Ending::Signalled(signal) => Err(CellError::Failed(format!("{program} {}", ended_by(signal)))),
        Ending::TimedOut => Err(CellError::OverBudget(progress(program, call, &run))),
        Ending::TooSlow => {
            let progress = progress(program, call, &run);
            let reason = format!("{progress}, too little to finish within {}", clock::spell(limit));
            Err(CellError::OverBudget(reason))
        }
        Ending::Exited(_) if run.stderr.contains("Message too long") => Err(CellError::Skipped(too_long(program))),
        Ending::Exited(_) => Err(match refusal::lacking(&run.stderr) {
            Some(words) => CellError::Skipped(format!("the kernel lacks what {program} asks it for: \"{words}\"")),
            None => CellError::Failed(refused(program, call, &run)),
        }),
    }
}

fn too_long(program: &str) -> String {
    let why = format!("without root, {program} can send {} bytes at once, and this is more", transaction::limit());
    Missing { why, remedy: transaction::REMEDY.to_owned() }.to_string()
}

fn refused(program: &str, call: &Invocation, run: &ToolRun) -> String {
    let refusal = refusal::read(&run.stderr);
    let line = refusal.line.map_or(String::new(), |line| format!(" line {line} of {}", lines(&call.stdin)));
    format!("{program} refused{line} in the node: \"{}\"", refusal.message)
}

/// How far a tool had come when it ran out of time.
fn progress(program: &str, call: &Invocation, run: &ToolRun) -> String {
    let time = clock::spell(run.wall);
    let total = call.stdin.len();
    let read = usize::try_from(run.read).unwrap_or(total).min(total);
    if read == total {
        return format!("{program} was killed after {time}; it had read all of its input");
    }
    format!(
        "{program} was killed after {time}; it had read {} % of its input (line {} of {})",
        100 * read / total,
        lines(&call.stdin[..read]),
        lines(&call.stdin)
    )
}

fn lines(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'\n').count()
}
