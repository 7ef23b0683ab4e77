//! What guests are made of, where a scenario says it: their kernel or kernels, and their tools.
//!
//! The names are the program's, which knows what there is.

use crate::cell::Interned;
use crate::document::{Entry, Reader, Value};
use crate::foreign::quoted;

/// What guests are made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guests {
    /// The kernel of every guest; `None` for the program's choice, or where several are compared.
    pub kernel: Option<String>,
    /// The tools that program a node; `None` for this machine's.
    pub tools: Option<String>,
}

/// What a kernel is called.
const KERNEL: &str = "the name of a kernel, such as debian-13 (svclab fetch list has them)";

impl Reader<'_> {
    /// One kernel and the tools, as far as they are said.
    pub(super) fn guests(&mut self, kernel: Option<&Entry>, tools: Option<&Entry>) -> Option<Guests> {
        let kernel = kernel.map_or(Some(None), |entry| self.named(entry, KERNEL).map(Some));
        let of = "the name of a suite, such as debian-13, or the folder of a root file system";
        let tools = tools.map_or(Some(None), |entry| self.named(entry, of).map(Some));
        Some(Guests { kernel: kernel?, tools: tools? })
    }

    /// The kernels that are compared. `one` is what says that there is one kernel only.
    pub(super) fn kernels(&mut self, entry: Option<&Entry>, one: Option<&Entry>) -> Vec<Interned> {
        let Some(entry) = entry else { return Vec::new() };
        if one.is_some() {
            let both =
                "kernels: it says which kernels are compared, and kernel that there is one; leave one of them out";
            self.problem(entry.line, both.to_owned());
        }
        let items = match &entry.node.value {
            Value::Text(_) => std::slice::from_ref(&entry.node),
            _ => self.list(entry, "names of kernels").unwrap_or_default(),
        };
        let mut kernels: Vec<Interned> = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(name) if kernels.iter().any(|kernel| kernel.as_str() == name) => {
                    self.problem(item.line, format!("kernels: {} stands in it twice", quoted(name)));
                }
                Value::Text(name) if !name.trim().is_empty() => kernels.push(name.clone().into()),
                _ => self.wrong_value("kernels", item, KERNEL),
            }
        }
        kernels
    }

    fn named(&mut self, entry: &Entry, allowed: &str) -> Option<String> {
        match &entry.node.value {
            Value::Text(name) if !name.trim().is_empty() => Some(name.clone()),
            _ => {
                self.wrong(entry, allowed);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::cell::Cell;
    use crate::scenario::Scenario;
    use crate::vocabulary::TargetName;

    fn read(keys: &str) -> Result<Scenario, String> {
        let text = format!("name: mine\nquestion: What?\nservices: [1]\n{keys}\n");
        Scenario::read("s.yaml", &text).map_err(|problems| problems.to_string())
    }

    #[test]
    fn kernels_are_an_axis_and_one_kernel_is_none() {
        let several = read("kernels: [debian-12, debian-13]\nbackends: [direct, nftables]").unwrap();
        let cells = several.plan(TargetName::Exact, 1).cells;
        let on = |name: &str| {
            let is = |cell: &&Cell| cell.variant.kernel.is_some_and(|kernel| kernel.as_str() == name);
            cells.iter().filter(is).count()
        };
        assert!(on("debian-12") > 0 && on("debian-12") == on("debian-13"));
        assert_eq!(on("debian-12") * 2, cells.len());
        // What traffic is held against ran on the same kernel.
        assert!(cells.iter().all(|cell| cell.direct().variant.kernel == cell.variant.kernel));
        let one = read("kernel: debian-13\ntools: debian-12").unwrap();
        assert_eq!((one.guests.kernel.as_deref(), one.guests.tools.as_deref()), (Some("debian-13"), Some("debian-12")));
        assert!(one.axes.kernels.is_empty());
        assert_eq!(read("kernels: debian-13").unwrap().axes.kernels.len(), 1);
    }

    #[test]
    fn what_names_no_kernel_is_a_problem() {
        let problem = |keys: &str, what: &str| {
            let said = read(keys).unwrap_err();
            assert!(said.starts_with("s.yaml:4: ") && said.contains(what), "{said}");
        };
        problem("kernels: [debian-12, debian-12]", "kernels: \"debian-12\" stands in it twice");
        problem("kernels: []", "kernels: ");
        problem("kernels: [12]", "kernels: found 12; it takes the name of a kernel");
        problem("kernel: 12", "kernel: found 12; it takes the name of a kernel");
        problem("tools: ['']", "tools: ");
        problem("kernels: [debian-12]\nkernel: debian-12", "leave one of them out");
    }
}
