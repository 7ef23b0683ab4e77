//! The walk of a packet, held against the kernel: what the tools list of the node is read and walked, and real connections
//! must end where the walk says, from whom it says, and by the rules that it says.

mod case;
mod draw;
mod judge;
mod listed;
mod met;
mod sticky;
mod trace;

use crate::lab::Lab;
use anyhow::{Context, Result, ensure};
use lab_core::path::{Surroundings, Walker};
use std::env;
use std::error::Error;
use std::str::FromStr;

/// In the environment: the seed that cases are drawn from.
const SEED: &str = "SVCLAB_WALK_SEED";
/// The seed where none is given.
const USUAL_SEED: u64 = 20_261_129;
/// In the environment: how many connections are made in each lab, or all that can be if it is more.
const CASES: &str = "SVCLAB_WALK_CASES";
/// How many are made where that is not given.
const USUAL_CASES: usize = 40;
/// Of so many connections, one may be left without an answer: each of those takes a while.
const SHARE_OF_SILENT: usize = 12;

/// What is wrong with the walk in `lab`, a line each.
pub(crate) fn check(lab: &Lab) -> Result<Vec<String>> {
    let (seed, count) = (given(SEED, USUAL_SEED)?, given(CASES, USUAL_CASES)?);
    let state = listed::state(lab, &[])?;
    let walker = Walker::new(&state, Surroundings::of(&state));
    let (mut made, mut silent, mut wrong) = (0, 0, Vec::new());
    for case in draw::all(lab, seed)? {
        let walk = case.walk(lab, &walker)?;
        if judge::is_silent(&walk) {
            if silent == count / SHARE_OF_SILENT {
                continue;
            }
            silent += 1;
        }
        wrong.extend(judge::judge(lab, &case, &walk, &walker).err().map(|error| format!("{error:#}")));
        made += 1;
        if made == count {
            break;
        }
    }
    println!("{} {}: {made} connections, {silent} without an answer, from the seed {seed}", lab.backend, lab.layout);
    ensure!(made >= count.min(USUAL_CASES), "only {made} connections can be made");
    wrong.extend(sticky::check(lab, &walker).err().map(|error| format!("{error:#}")));
    wrong.extend(met::check(lab, &walker)?);
    if !wrong.is_empty() {
        wrong.push(format!("the cases were drawn with {SEED}={seed}"));
    }
    Ok(wrong)
}

/// The number in the environment's `name`, or `usual` if there is none.
fn given<T: FromStr<Err: Error + Send + Sync + 'static>>(name: &str, usual: T) -> Result<T> {
    match env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name}={text}: a number is wanted")),
        Err(_) => Ok(usual),
    }
}
