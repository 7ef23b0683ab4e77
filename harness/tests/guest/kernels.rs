//! Several kernels in one run: each cell is measured on its own, in every shard and after them all.

use super::refused::{cached, release};
use super::{SUITE, SVCLAB, dataset, ended, workplace};
use anyhow::{Result, ensure};
use lab_core::dataset::CellRecord;
use lab_core::vocabulary::Outcome;
use std::process::Command;

/// One kernel under two names, so that nothing else is fetched.
pub(super) fn cells_of_a_kernel_run_on_it_and_shards_are_merged() -> Result<()> {
    let same = format!("{}:{}", cached()?.join("vmlinuz").display(), release()?.display());
    let folder = workplace(&format!(
        "name: guest\nquestion: Which kernel?\ntarget: exact\nservices: [4]\nbackends: [direct, nftables]\n\
         probes: [connect]\npositions: [first]\ndials: 10\nkernels: ['{SUITE}', '{same}']\n"
    ))?;
    for shard in ["1/2", "2/2"] {
        let mut run = Command::new(SVCLAB);
        run.current_dir(folder.path()).args(["scenario", "guest.yaml", "--shard", shard, "--out"]);
        ended(&run.arg(shard.replace('/', "-")).output()?, 0)?;
    }
    let mut merge = Command::new(SVCLAB);
    ended(&merge.current_dir(folder.path()).args(["merge", "1-2", "2-2", "--out", "out"]).output()?, 0)?;
    let run = dataset(folder.path(), "out")?;
    let on = |name: &str| -> Vec<&CellRecord> {
        run.cells.iter().filter(|one| one.cell.variant.kernel.is_some_and(|kernel| kernel.as_str() == name)).collect()
    };
    let (one, other) = (on(SUITE), on(&same));
    ensure!(one.len() + other.len() == run.cells.len() && !one.is_empty(), "{:?}", run.cells);
    let samples = |records: &[&CellRecord]| -> Vec<_> {
        records.iter().map(|one| (one.cell.variant.backend, one.metric, one.outcome, one.samples.clone())).collect()
    };
    ensure!(samples(&one) == samples(&other), "{one:?}\n{other:?}");
    ensure!(one.iter().all(|record| record.outcome == Outcome::Measured), "{one:?}");
    let released = |records: &[&CellRecord]| run.header.kernel_of(&records[0].cell).map(str::to_owned);
    ensure!(released(&one).is_some() && released(&one) == released(&other), "{:?}", run.header.guest);
    Ok(())
}
