//! An array job for Slurm's sbatch.

use super::{GUESTS, Work};

/// The script. A task that is started again goes on where it was.
pub(super) fn script(work: &Work) -> String {
    let Work { name, shards, memory, scenario, .. } = work;
    let (line, runs) = (work.line(&format!("\"$SLURM_ARRAY_TASK_ID/{shards}\"")), work.runs());
    format!(
        "#!/bin/bash\n\
         #SBATCH --job-name=svclab-{name}\n\
         #SBATCH --array=1-{shards}\n\
         #SBATCH --cpus-per-task={GUESTS}\n\
         #SBATCH --mem={memory}M\n\
         #SBATCH --requeue\n\
         #SBATCH --output=svclab-{name}-%a.log\n\
         #SBATCH --open-mode=append\n\
         # A task that is started again keeps what its folder has: at most one guest's work is lost. To start only some\n\
         # again: sbatch --array=3,7 with this file.\n\
         # When all are done: svclab merge {runs} --out runs/{scenario}\n\
         set -euo pipefail\n\
         exec {line}\n"
    )
}
