//! What the guests of a scenario are made of: its kernels and tools, or the command line's in their place.

use anyhow::{Result, ensure};
use guests::{kernel, tools};
use lab_core::cell::Interned;
use lab_core::scenario::Scenario;
use lab_core::vocabulary::TargetName;

/// Takes the command line's `kernels` and `tools`, where there are any, in place of the scenario's. One kernel is that of the
/// whole run; it is an axis where it stands in place of one.
///
/// # Errors
/// When there is no such kernel, no such tools, or kernels are named for a run on `host`.
pub(super) fn choose(scenario: &mut Scenario, kernels: &[String], tools: Option<&String>) -> Result<()> {
    let mut named: Vec<Interned> = Vec::new();
    for name in kernels {
        let name = Interned::from(name.clone());
        if !named.contains(&name) {
            named.push(name);
        }
    }
    match named.as_slice() {
        [] => {}
        [only] if scenario.axes.kernels.is_empty() => scenario.guests.kernel = Some(only.as_str().to_owned()),
        several => {
            scenario.guests.kernel = None;
            scenario.axes.kernels = several.to_vec();
        }
    }
    if let Some(tools) = tools {
        scenario.guests.tools = Some(tools.clone());
    }
    // Told once, before targets are tried or anything is fetched.
    if let Some(asked) = &scenario.guests.tools {
        tools::to_fetch(asked)?;
    }
    let asked: Vec<&str> = match scenario.axes.kernels.as_slice() {
        [] => scenario.guests.kernel.iter().map(String::as_str).collect(),
        several => several.iter().map(|kernel| kernel.as_str()).collect(),
    };
    asked.iter().try_for_each(|kernel| kernel::check(kernel))?;
    ensure!(
        asked.is_empty() || scenario.target != Some(TargetName::Host),
        "the target host runs on this machine's kernel, not on {}; a kernel is chosen with --target exact or vm, or leave it \
         out",
        asked.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(keys: &str, kernels: &[&str]) -> Result<(Option<String>, Vec<&'static str>)> {
        let text = format!("name: mine\nquestion: What?\nservices: [1]\n{keys}\n");
        let mut scenario = Scenario::read("mine.yaml", &text).expect("it is a scenario");
        let kernels: Vec<String> = kernels.iter().map(|&name| name.to_owned()).collect();
        choose(&mut scenario, &kernels, None)?;
        Ok((scenario.guests.kernel, scenario.axes.kernels.iter().map(|kernel| kernel.as_str()).collect()))
    }

    #[test]
    fn the_command_line_s_kernels_stand_in_place_of_the_scenario_s() {
        let one = |name: &str| (Some(name.to_owned()), Vec::new());
        assert_eq!(chosen("", &[]).unwrap(), (None, Vec::new()));
        assert_eq!(chosen("kernel: debian-12", &[]).unwrap(), one("debian-12"));
        assert_eq!(chosen("kernel: debian-12", &["debian-13"]).unwrap(), one("debian-13"));
        let both = (None, vec!["debian-13", "debian-12"]);
        assert_eq!(chosen("kernel: debian-12", &["debian-13", "debian-12", "debian-13"]).unwrap(), both);
        // So that its cells are those that the scenario has of this kernel.
        let axis = "kernels: [debian-12, debian-13]";
        assert_eq!(chosen(axis, &["debian-13"]).unwrap(), (None, vec!["debian-13"]));
    }

    #[test]
    fn a_kernel_that_is_none_is_refused_and_so_is_one_on_host() {
        let said = |keys: &str, kernels: &[&str]| chosen(keys, kernels).unwrap_err().to_string();
        assert!(
            said("kernels: [debian-12, debian-14]", &[]).starts_with("unknown kernel \"debian-14\"; known: debian-12")
        );
        assert!(said("", &["debian-14"]).starts_with("unknown kernel \"debian-14\""));
        assert!(said("tools: debian-14", &[]).starts_with("unknown tools \"debian-14\""));
        let host = said("target: host\nkernels: [debian-12, debian-13]", &[]);
        assert!(
            host.starts_with("the target host runs on this machine's kernel, not on debian-12, debian-13; "),
            "{host}"
        );
    }
}
