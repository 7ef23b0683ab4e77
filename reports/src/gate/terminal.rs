//! Plain text for a terminal: what matters, and how much was left out.

use super::page::{Depth, Group, Page};
use super::row::{Row, alike};
use crate::formats::terminal::{NARROWEST, render_section, render_table, underline, wrap};
use crate::report::{Column, Content, Section, Table, TableCell};
use lab_core::units;

/// How many rows of a group are shown.
const SHOWN: usize = 15;

/// `page` in `width` columns.
pub(super) fn render(page: &Page, width: u16) -> String {
    let width = width.max(NARROWEST);
    let mut blocks = vec![underline(&page.title, '═')];
    blocks.extend(page.about.iter().map(|text| wrap(text, width, "")));
    let differences = Section { tables: Vec::new(), ..page.differences.clone() };
    blocks.extend(render_section(&differences, width));
    blocks.extend(page.differences.tables.iter().map(|table| untitled(table, width)));
    blocks.push(underline(page.verdict.head.trim_end_matches('.'), '═'));
    blocks.push(wrap(&page.verdict.text, width, ""));
    for group in page.groups.iter().filter(|group| group.depth != Depth::Folded) {
        blocks.push(underline(&group.heading(), '═'));
        if !group.about.is_empty() {
            blocks.push(wrap(&group.about, width, ""));
        }
        let shown = &group.rows[..group.rows.len().min(SHOWN)];
        match group.depth {
            Depth::Told => blocks.extend(shown.iter().map(|row| told(row, width))),
            Depth::Listed | Depth::Folded => blocks.push(listed(shown, width)),
        }
        if let left @ 1.. = group.rows.len() - shown.len() {
            blocks.push(wrap(
                &format!("… and {} more; every other format has them.", units::count(left as u64)),
                width,
                "",
            ));
        }
    }
    blocks.extend(page.more.iter().flat_map(|section| render_section(section, width)));
    blocks.join("\n\n") + "\n"
}

/// A row with all that is to be said of it, in a few lines.
fn told(row: &Row, width: u16) -> String {
    let measure = row.measure();
    let measure = if measure.is_empty() { measure } else { format!(": {measure}") };
    let mut lines = vec![wrap(&row.name, width, ""), wrap(&format!("{}{measure}", row.span()), width, "  ")];
    let said = row.said();
    if !said.is_empty() {
        lines.push(wrap(&said, width, "  "));
    }
    lines.extend(row.causes.iter().map(|cause| wrap(cause, width, "  - ")));
    lines.join("\n")
}

/// A line a row.
fn listed(rows: &[Row], width: u16) -> String {
    let alike = alike(rows);
    let changes = rows.iter().any(|row| !row.change.is_empty());
    let line = |row: &Row| {
        let mut name = match row.toward.word() {
            word if alike || word.is_empty() => row.name.clone(),
            word => format!("{word}: {}", row.name),
        };
        let said = if row.change.is_empty() { &row.why } else { &row.beside };
        if !said.is_empty() {
            name = format!("{name}: {said}");
        }
        let change = changes.then(|| TableCell::number(&row.change));
        change.into_iter().chain([TableCell::number(row.span()), TableCell::text(name)]).collect()
    };
    let change = changes.then(|| Column::new("change", Content::Number));
    let others = [Column::new("before → after", Content::Number), Column::new("what", Content::Text)];
    let columns = change.into_iter().chain(others).collect();
    let table = Table { columns, rows: rows.iter().map(line).collect(), ..Table::default() };
    untitled(&table, width)
}

/// A table below a heading that says what it is.
fn untitled(table: &Table, width: u16) -> String {
    let table = Table { title: String::new(), ..table.clone() };
    render_table(&table, width).trim_start_matches('\n').to_owned()
}

impl Group {
    /// Its title with how many rows it has.
    pub(super) fn heading(&self) -> String {
        format!("{}: {}", self.title, units::count(self.rows.len() as u64))
    }
}
