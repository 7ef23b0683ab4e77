//! What stands for lines that are left out.

/// Whether a line, or a word, stands for others that are left out: `......`, `[...]`, `…`, `<snip>`.
pub(super) fn is_gap(line: &str) -> bool {
    let line = line.trim();
    let inner = line.trim_matches(['[', ']', '(', ')', '<', '>', ' ']);
    let dots = inner.chars().filter(|&character| character == '.').count();
    line == "<snip>"
        || inner == "…"
        || (dots >= 2 && inner.chars().all(|character| matches!(character, '.' | ' ' | '…')))
}
