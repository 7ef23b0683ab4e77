//! Names of functions, such that the same function has the same one in another build.

use std::cmp::Reverse;

/// What compilers append to a function's name where they keep a copy of it, or a part of it, elsewhere.
const APPENDED: [&str; 5] = [".isra.", ".constprop.", ".part.", ".cold", ".llvm."];

/// `symbol` as people know it: demangled, without a compiler's marks.
pub(super) fn plain(symbol: &str) -> String {
    let end = APPENDED.iter().filter_map(|mark| symbol.find(mark)).min().unwrap_or(symbol.len());
    // The alternative form leaves out a hash that is another in every build.
    rustc_demangle::try_demangle(&symbol[..end]).map_or_else(|_| symbol[..end].to_owned(), |name| format!("{name:#}"))
}

/// Orders names of the same place: the one that it is to be called by is the least.
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
