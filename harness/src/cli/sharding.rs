//! `--shard`: which part of a plan, by number or from the variables of the engine that started this process.

use anyhow::{Context, Result, anyhow, bail, ensure};
use lab_core::foreign::quoted;
use lab_core::shard::{NoShard, Shard};
use std::env;
use std::str::FromStr;

/// What the option says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhichShard {
    /// This one.
    Named(Shard),
    /// The one that the engine's variables say, of so many, or of as many as they say.
    Auto(Option<u32>),
}

/// An engine's variables for a process's number and how many there are.
struct Engine {
    number: &'static str,
    /// The variable of the first number, or that number itself.
    first: First,
    count: Option<&'static str>,
    /// The variable of the last number, where an array may have gaps.
    last: Option<&'static str>,
}

enum First {
    Always(u32),
    Variable(&'static str),
}

/// Kubernetes' Indexed Jobs, Slurm's arrays, GitLab's parallel jobs and others that name theirs alike.
const ENGINES: &[Engine] = &[
    Engine { number: "JOB_COMPLETION_INDEX", first: First::Always(0), count: None, last: None },
    Engine {
        number: "SLURM_ARRAY_TASK_ID",
        first: First::Variable("SLURM_ARRAY_TASK_MIN"),
        count: Some("SLURM_ARRAY_TASK_COUNT"),
        last: Some("SLURM_ARRAY_TASK_MAX"),
    },
    Engine { number: "CI_NODE_INDEX", first: First::Always(1), count: Some("CI_NODE_TOTAL"), last: None },
];

impl FromStr for WhichShard {
    type Err = NoShard;

    fn from_str(text: &str) -> Result<Self, NoShard> {
        match text.strip_prefix("auto") {
            Some("") => Ok(Self::Auto(None)),
            Some(rest) => {
                let of = rest.strip_prefix('/').and_then(|of| of.parse().ok());
                let of = of.ok_or_else(|| NoShard::Form(text.to_owned()))?;
                Shard::new(1, of).map(|shard| Self::Auto(Some(shard.of)))
            }
            None => text.parse().map(Self::Named),
        }
    }
}

impl WhichShard {
    /// The shard of this process.
    ///
    /// # Errors
    /// When the engine's variables do not say it.
    pub(crate) fn shard(self) -> Result<Shard> {
        self.among(&|name| env::var(name).ok())
    }

    fn among(self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Shard> {
        let of = match self {
            Self::Named(shard) => return Ok(shard),
            Self::Auto(of) => of,
        };
        let number = |name: &str| -> Result<Option<u32>> {
            let parse = |value: String| {
                value
                    .trim()
                    .parse()
                    .map_err(|_| anyhow!("--shard auto: {name} is {}, which is no number", quoted(&value)))
            };
            variable(name).map(parse).transpose()
        };
        for engine in ENGINES {
            let Some(own) = number(engine.number)? else { continue };
            let first = match engine.first {
                First::Always(first) => first,
                First::Variable(name) => number(name)?.unwrap_or(0),
            };
            let count = engine.count.map(number).transpose()?.flatten();
            let last = engine.last.map(number).transpose()?.flatten();
            if let (Some(last), Some(count)) = (last, count) {
                ensure!(
                    last.saturating_sub(first) + 1 == count,
                    "--shard auto: the array has {count} of the tasks {first} to {last}, so that a number does not say which \
                     shard it is; say both: --shard \"${}/N\"",
                    engine.number
                );
            }
            let of = of
                .or(count)
                .with_context(|| format!("--shard auto: {} says no count; say it: --shard auto/16", engine.number))?;
            // A number below the first is none.
            let counted = own.saturating_add(1).saturating_sub(first);
            return Shard::new(counted, of).context("--shard auto");
        }
        let names: Vec<&str> = ENGINES.iter().map(|engine| engine.number).collect();
        bail!(
            "--shard auto: none of {} is set; an engine sets one for each of its tasks. By hand: --shard 3/16",
            names.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(asked: &str, variables: &[(&str, &str)]) -> Result<String> {
        let variable =
            |name: &str| variables.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned());
        let asked: WhichShard = asked.parse()?;
        Ok(asked.among(&variable)?.to_string())
    }

    #[test]
    fn each_engine_s_numbers_are_understood() {
        assert_eq!(of("3/16", &[]).unwrap(), "3/16");
        assert_eq!(of("auto/16", &[("JOB_COMPLETION_INDEX", "0")]).unwrap(), "1/16");
        let slurm = |id| [("SLURM_ARRAY_TASK_ID", id), ("SLURM_ARRAY_TASK_MIN", "5"), ("SLURM_ARRAY_TASK_COUNT", "3")];
        assert_eq!(of("auto", &slurm("7")).unwrap(), "3/3");
        let some = [&slurm("7")[..], &[("SLURM_ARRAY_TASK_MAX", "9")]].concat();
        assert!(format!("{:#}", of("auto", &some).unwrap_err()).contains("3 of the tasks 5 to 9"));
        assert_eq!(of("auto", &[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "4")]).unwrap(), "2/4");
    }

    #[test]
    fn what_is_missing_is_said() {
        let said = |asked, variables: &[(&str, &str)]| format!("{:#}", of(asked, variables).unwrap_err());
        assert!(said("auto", &[]).contains("--shard 3/16"));
        assert!(said("auto", &[("JOB_COMPLETION_INDEX", "0")]).contains("auto/16"));
        assert!(said("auto/2", &[("JOB_COMPLETION_INDEX", "2")]).contains("no shard 3 of 2"));
        assert!(said("auto/2", &[("CI_NODE_INDEX", "x")]).contains("\"x\""));
        for text in ["auto/0", "auto/", "automatic", "auto16"] {
            assert!(of(text, &[("JOB_COMPLETION_INDEX", "0")]).is_err(), "{text}");
        }
    }
}
