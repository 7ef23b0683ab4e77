//! The terminal that svclab writes to.

/// The columns of a page, where there is no terminal and nobody says how many.
const PAGE: u16 = 100;
/// The fewest that tables are laid out for: with less there would be a letter a line.
const LEAST: u16 = 40;

/// Columns of the terminal, those that `COLUMNS` says, or those of a page: 40 at least.
pub(crate) fn width() -> u16 {
    let terminal = console::Term::stdout().size_checked().map(|(_, columns)| columns);
    let said = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    terminal.or_else(said).unwrap_or(PAGE).max(LEAST)
}
