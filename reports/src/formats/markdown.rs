//! GitHub-flavoured Markdown, short enough for a pull request: what is not the answer is folded.

use super::excerpt::{Detail, Excerpt};
use crate::report::{Column, Content, Point, Report, Section, Table, TableCell};
use lab_core::foreign::shown_lines;

impl Report {
    /// As GitHub-flavoured Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut blocks = vec![format!("# {}", escape(&self.title))];
        if !self.question.is_empty() {
            blocks.push(format!("**{}**", escape(&self.question)));
        }
        if !self.caution.is_empty() {
            blocks.push(format!("> {}", escape(&self.caution)));
        }
        blocks.extend(self.answer.iter().map(marked));
        for table in &self.sizes {
            blocks.push(format!("## {}", escape(&table.title)));
            blocks.push(escape(&table.about));
            blocks.push(lay_out(table, in_lines));
        }
        let sections = std::iter::once(&self.compared).chain(&self.findings).chain(&self.more);
        for section in sections.filter(|section| !section.is_empty()) {
            blocks.push(format!("## {}", escape(&section.title)));
            blocks.extend(body(section, TableCell::short));
        }
        for section in self.sources.iter().chain([&self.missing, &self.environment, &self.reading]) {
            let unsaid = Section { commands: Vec::new(), ..section.clone() };
            blocks.push(folded(&section.title, &body(&unsaid, TableCell::line).join("\n\n")));
        }
        blocks.extend(self.environment.commands.iter().map(command));
        shown_lines(&(blocks.join("\n\n") + "\n")).into_owned()
    }
}

/// `inner` behind a line that unfolds it.
pub(crate) fn folded(title: &str, inner: &str) -> String {
    format!("<details><summary>{}</summary>\n\n{inner}\n\n</details>", escape(title))
}

/// An excerpt by itself, for a document that has its own headings.
pub(crate) fn excerpt(excerpt: &Excerpt) -> String {
    let Excerpt { section, detail, .. } = excerpt;
    let write = match detail {
        Detail::Whole => TableCell::line,
        Detail::Short => TableCell::short,
        Detail::Lines => in_lines,
    };
    let alone = Section { tables: Vec::new(), commands: Vec::new(), ..section.clone() };
    let mut blocks = body(&alone, write);
    for table in &section.tables {
        blocks.push(match table.about.as_str() {
            "" => format!("**{}**", escape(&table.title)),
            about => format!("**{}**: {}", escape(&table.title), escape(about)),
        });
        blocks.push(lay_out(table, write));
        blocks.extend(table.notes.iter().map(|note| escape(note)));
    }
    blocks.extend(section.commands.iter().map(command));
    shown_lines(&(blocks.join("\n\n") + "\n")).into_owned()
}

pub(crate) fn sections(sections: &[Section]) -> String {
    let blocks = sections.iter().flat_map(|section| {
        let title = format!("## {}", escape(&section.title));
        std::iter::once(title).chain(body(section, TableCell::short))
    });
    shown_lines(&(blocks.collect::<Vec<_>>().join("\n\n") + "\n")).into_owned()
}

/// What is in a section, without its title.
pub(crate) fn body(section: &Section, write: fn(&TableCell) -> String) -> Vec<String> {
    let mut blocks = Vec::new();
    if !section.about.is_empty() {
        blocks.push(escape(&section.about));
    }
    if !section.points.is_empty() {
        blocks.push(section.points.iter().map(|point| format!("- {}", marked(point))).collect::<Vec<_>>().join("\n"));
    }
    for table in &section.tables {
        blocks.push(format!("### {}", escape(&table.title)));
        blocks.push(lay_out(table, write));
        blocks.extend(table.notes.iter().map(|note| escape(note)));
    }
    blocks.extend(section.commands.iter().map(command));
    blocks
}

/// A point with its head in bold.
pub(crate) fn marked(point: &Point) -> String {
    let text = escape(&point.text);
    match point.lead().trim_end() {
        "" => text,
        lead => format!("**{}** {text}", escape(lead)),
    }
}

fn command((what, command): &(String, String)) -> String {
    let longest = command.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{what}:\n\n{fence}sh\n{command}\n{fence}")
}

/// The lines of a table, each cell as `write` has it.
pub(crate) fn lay_out(table: &Table, write: fn(&TableCell) -> String) -> String {
    let line = |fields: Vec<String>| format!("| {} |", fields.join(" | "));
    let mut lines = vec![
        line(table.columns.iter().map(|column| escape(&head(column))).collect()),
        line(
            table
                .columns
                .iter()
                .map(|column| if column.content == Content::Number { "---:" } else { "---" }.to_owned())
                .collect(),
        ),
    ];
    let cell = |cell: &TableCell| escape(&write(cell)).replace(BREAK, "<br>");
    lines.extend(table.rows.iter().map(|row| line(row.iter().map(cell).collect())));
    lines.join("\n")
}

/// Stands for a line break until the text is escaped: no character that text has.
const BREAK: &str = "\u{2028}";

/// What a cell says first, and below it what else there is, a line each.
fn in_lines(cell: &TableCell) -> String {
    cell.lines(BREAK)
}

/// The title of a column, with what it is a part of where that is not what one expects.
fn head(column: &Column) -> String {
    match column.group.strip_prefix("published") {
        Some(_) => format!("{}: {}", column.group, column.title),
        None => column.title.clone(),
    }
}

/// `text` as Markdown shows it literally, on one line.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '<' | '[' | ']' | '|' | '#' | '&' => escaped.extend(['\\', character]),
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}
