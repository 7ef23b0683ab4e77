//! The terminal that svclab writes to.

/// Columns of the terminal, at least 80; those of a page if there is none.
pub(crate) fn width() -> u16 {
    const PAGE: u16 = 100;
    console::Term::stdout().size_checked().map_or(PAGE, |(_, columns)| columns.max(80))
}
