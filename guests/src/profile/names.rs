//! Names of functions that stay the same from build to build.

use std::cmp::Reverse;

/// Suffixes that compilers give to copies and parts of a function.
const APPENDED: [&str; 5] = [".isra.", ".constprop.", ".part.", ".cold", ".llvm."];

/// `symbol` demangled and without such a suffix.
pub(super) fn plain(symbol: &str) -> String {
    let end = APPENDED.iter().filter_map(|mark| symbol.find(mark)).min().unwrap_or(symbol.len());
    // The alternative form leaves out a hash that changes with every build.
    rustc_demangle::try_demangle(&symbol[..end]).map_or_else(|_| symbol[..end].to_owned(), |name| format!("{name:#}"))
}

/// Orders names of the same address: the least is used.
pub(super) fn rank(symbol: &str) -> impl Ord + use<'_> {
    let underscores = symbol.bytes().take_while(|&byte| byte == b'_').count();
    (underscores, symbol.len(), Reverse(symbol))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_copies_of_a_function_are_called_by_its_name() {
        assert_eq!(plain("nft_rule_dump.isra.0.cold"), "nft_rule_dump");
        assert_eq!(plain("memcpy"), "memcpy");
        assert_eq!(plain("_ZN6svclab4tool6launch17h0123456789abcdefE"), "svclab::tool::launch");
    }

    #[test]
    fn a_place_is_called_by_its_plainest_name() {
        let mut names = ["__GI_memcpy", "memcpy@x", "memcpy", "_memcpy"];
        names.sort_by(|one, other| rank(one).cmp(&rank(other)));
        assert_eq!(names[0], "memcpy");
    }
}
