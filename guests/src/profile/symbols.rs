//! The kernel's functions, from the lines of `/proc/kallsyms` that a guest sends.
//!
//! Guests have no address space randomisation, so the kernel's own functions are at the same addresses in all of them.

use super::{Function, names};

/// What the kernel is called in a profile.
const KERNEL: &str = "kernel";
/// No function is larger. Code further behind a symbol has none.
const LARGEST: u64 = 1 << 20;

/// The lines about code in `text`, which has the form of `/proc/kallsyms`; with `modules_only`, only those of modules.
pub(crate) fn of_code(text: &str, modules_only: bool) -> String {
    let is_code = |line: &&str| {
        let kind = line.split(' ').nth(1).unwrap_or_default();
        matches!(kind, "t" | "T" | "w" | "W") && (!modules_only || line.ends_with(']'))
    };
    let mut lines = String::new();
    for line in text.lines().filter(is_code) {
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}

/// The kernel's lines, and the modules'.
pub(super) fn split(sent: &str) -> (String, String) {
    let (modules, kernel): (Vec<&str>, Vec<&str>) = sent.lines().partition(|line| line.ends_with(']'));
    (kernel.join("\n"), modules.join("\n"))
}

/// The address of every function of the kernel and its modules.
pub(super) struct Symbols(Vec<(u64, Function)>);

impl Symbols {
    /// From lines of `/proc/kallsyms`: an address, a letter, a name, and for modules a tab and their name in brackets.
    pub(super) fn of(kernel: &str, modules: &str) -> Self {
        let mut lines: Vec<(u64, &str, &str)> = kernel.lines().chain(modules.lines()).filter_map(line).collect();
        lines.sort_by(|one, other| (one.0, names::rank(one.1)).cmp(&(other.0, names::rank(other.1))));
        lines.dedup_by_key(|line| line.0);
        let function = |module: &str, name| {
            let binary = if module.is_empty() { KERNEL.to_owned() } else { format!("{module}.ko") };
            Function::new(binary, Some(&names::plain(name)))
        };
        Self(lines.into_iter().map(|(address, name, module)| (address, function(module, name))).collect())
    }

    pub(super) fn function(&self, address: u64) -> Function {
        let next = self.0.partition_point(|(start, _)| *start <= address);
        let found = next.checked_sub(1).map(|place| &self.0[place]);
        let found = found.filter(|(start, _)| address - start < LARGEST);
        found.map_or_else(|| Function::new(KERNEL, None), |(_, function)| function.clone())
    }
}

fn line(line: &str) -> Option<(u64, &str, &str)> {
    let (address, rest) = line.split_once(' ')?;
    let (_, name) = rest.split_once(' ')?;
    let (name, module) = name.split_once('\t').unwrap_or((name, ""));
    Some((u64::from_str_radix(address, 16).ok()?, name, module.trim_matches(['[', ']'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KALLSYMS: &str = "\
ffffffff81000000 T _stext
ffffffff81000000 T startup_64
ffffffff81001000 t clear_page_rep
ffffffff82000000 D jiffies
ffffffffc0001000 t nft_do_chain.part.0\t[nf_tables]
ffffffffc0001400 T nft_do_chain\t[nf_tables]
ffffffffc0009000 d nft_net_id\t[nf_tables]
";

    #[test]
    fn data_is_no_code_and_modules_can_be_had_alone() {
        assert_eq!(of_code(KALLSYMS, false).lines().count(), 5);
        assert_eq!(of_code(KALLSYMS, true).lines().count(), 2);
    }

    #[test]
    fn an_address_is_in_the_function_that_begins_before_it() {
        let (kernel, modules) = split(&of_code(KALLSYMS, false));
        let symbols = Symbols::of(&kernel, &modules);
        let named = |address| {
            let Function { binary, symbol } = symbols.function(address);
            format!("{binary} {}", symbol.as_deref().unwrap_or("nothing"))
        };
        assert_eq!(named(0xffff_ffff_8100_0010), "kernel startup_64");
        assert_eq!(named(0xffff_ffff_8100_1000), "kernel clear_page_rep");
        assert_eq!(named(0xffff_ffff_c000_13ff), "nf_tables.ko nft_do_chain");
        assert_eq!(named(0xffff_ffff_c000_1400), "nf_tables.ko nft_do_chain");
        assert_eq!(named(0xffff_ffff_8200_0000), "kernel nothing");
        assert_eq!(named(0xffff_8000_0000_0000), "kernel nothing");
    }
}
