//! GitHub-flavoured Markdown: whole, or short enough for the summary of a step.

use super::page::{Depth, Group, Page};
use super::row::{Row, alike};
use crate::formats::markdown::{body, escape, folded, lay_out, marked};
use crate::prose;
use crate::report::{Column, Content, Table, TableCell};
use lab_core::foreign::shown_lines;
use lab_core::units;

/// How many rows of a group stand open in a document; the rest is folded.
const OPEN: usize = 25;

/// How many rows of a group a step's summary shows.
const SUMMARISED: usize = 20;

/// What GitHub takes of a step's summary, in bytes, with room to say that there is more:
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits>.
const LIMIT: usize = (1 << 20) - 1024;

impl Page {
    /// As GitHub-flavoured Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut blocks = head(self);
        for group in &self.groups {
            let open = if group.depth == Depth::Folded { 0 } else { group.rows.len().min(OPEN) };
            if open > 0 {
                blocks.extend(titled(group, &group.rows[..open]));
            }
            if let rest @ [_, ..] = &group.rows[open..] {
                let what = if open == 0 { group.heading() } else { format!("{}: the rest", group.title) };
                blocks.push(folded(&what, &lay_out(&table(group.depth, rest), TableCell::line)));
            }
        }
        for section in self.more.iter().filter(|section| !section.is_empty()) {
            blocks.push(format!("## {}", escape(&section.title)));
            blocks.extend(body(section, TableCell::short));
        }
        blocks.push(folded(&self.reading.title, &body(&self.reading, TableCell::line).join("\n\n")));
        shown_lines(&(blocks.join("\n\n") + "\n")).into_owned()
    }

    /// As Markdown that is short enough for the summary of a step on GitHub (`$GITHUB_STEP_SUMMARY`), which may have a
    /// mebibyte.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut blocks = head(self);
        for group in self.groups.iter().filter(|group| group.depth != Depth::Folded) {
            let shown = &group.rows[..group.rows.len().min(SUMMARISED)];
            blocks.extend(titled(group, shown));
            if let left @ 1.. = group.rows.len() - shown.len() {
                blocks.push(format!("… and {} more.", units::count(left as u64)));
            }
        }
        for section in self.more.iter().filter(|section| !section.is_empty()) {
            blocks.push(folded(&section.title, &body(section, TableCell::short).join("\n\n")));
        }
        let mut text = String::new();
        for block in blocks {
            if text.len() + block.len() > LIMIT {
                text.push_str("There is more than GitHub shows here: the report has it.\n");
                break;
            }
            text.push_str(&block);
            text.push_str("\n\n");
        }
        text.trim_end().to_owned() + "\n"
    }
}

/// What stands before the rows: what differs besides them, and what they come to.
fn head(page: &Page) -> Vec<String> {
    let mut blocks = vec![format!("# {}", escape(&page.title))];
    blocks.extend(page.about.iter().map(|text| escape(text)));
    // One table, which needs no title of its own below the section's.
    blocks.push(format!("## {}", escape(&page.differences.title)));
    if !page.differences.about.is_empty() {
        blocks.push(escape(&page.differences.about));
    }
    blocks.extend(page.differences.tables.iter().map(|table| lay_out(table, TableCell::short)));
    blocks.push("## What it comes to".to_owned());
    blocks.push(marked(&page.verdict));
    blocks
}

fn titled(group: &Group, rows: &[Row]) -> Vec<String> {
    let mut blocks = vec![format!("### {}", escape(&group.heading()))];
    if !group.about.is_empty() {
        blocks.push(escape(&group.about));
    }
    blocks.push(lay_out(&table(group.depth, rows), TableCell::short));
    blocks
}

/// The rows as a table, with as much as their group says of each.
fn table(depth: Depth, rows: &[Row]) -> Table {
    let told = depth == Depth::Told;
    let changes = rows.iter().any(|row| !row.change.is_empty());
    let alike = alike(rows);
    let reasons = rows.iter().any(|row| !row.said().is_empty() || !row.causes.is_empty());
    let columns = [
        (true, "what", Content::Key),
        (true, "before", Content::Number),
        (true, "after", Content::Number),
        (changes, "change", Content::Number),
        (changes, "ratio", Content::Number),
        (changes && told, "allowed", Content::Number),
        (reasons, if told && changes { "why, and what it is made of" } else { "why" }, Content::Text),
    ];
    let line = |row: &Row| {
        let word = if told || alike { "" } else { row.toward.word() };
        let cells = [
            TableCell::text(&row.name),
            row.before.clone(),
            row.after.clone(),
            TableCell::number(prose::joined([&row.change, word], " ")),
            TableCell::number(&row.ratio),
            TableCell::number(&row.allowed),
            TableCell::text(prose::joined(std::iter::once(&row.said()).chain(&row.causes), "; ")),
        ];
        cells.into_iter().zip(&columns).filter(|(_, (there, ..))| *there).map(|(cell, _)| cell).collect()
    };
    let rows = rows.iter().map(line).collect();
    let columns = columns.into_iter().filter(|(there, ..)| *there);
    let columns = columns.map(|(_, title, content)| Column::new(title, content)).collect();
    Table { columns, rows, ..Table::default() }
}
