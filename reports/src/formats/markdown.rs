//! GitHub-flavoured Markdown, short enough for a pull request: what is not the answer is folded.

use super::excerpt::{Detail, Excerpt};
use crate::report::{Column, Content, Point, Report, Section, Table, TableCell};

/// `report` as Markdown.
pub(crate) fn render(report: &Report) -> String {
    let mut blocks = vec![format!("# {}", escape(&report.title))];
    if !report.question.is_empty() {
        blocks.push(format!("**{}**", escape(&report.question)));
    }
    if !report.caution.is_empty() {
        blocks.push(format!("> {}", escape(&report.caution)));
    }
    blocks.extend(report.answer.iter().map(marked));
    for table in &report.sizes {
        blocks.push(format!("## {}", escape(&table.title)));
        blocks.push(escape(&table.about));
        blocks.push(lay_out(table, in_lines));
    }
    let sections = std::iter::once(&report.compared).chain(&report.findings).chain(&report.more);
    for section in sections.filter(|section| !section.is_empty()) {
        blocks.push(format!("## {}", escape(&section.title)));
        blocks.extend(body(section, TableCell::short));
    }
    for section in report.sources.iter().chain([&report.missing, &report.environment, &report.reading]) {
        let unsaid = Section { commands: Vec::new(), ..section.clone() };
        let body = body(&unsaid, TableCell::line).join("\n\n");
        blocks.push(format!("<details><summary>{}</summary>\n\n{body}\n\n</details>", escape(&section.title)));
    }
    blocks.extend(report.environment.commands.iter().map(command));
    blocks.join("\n\n") + "\n"
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
    blocks.join("\n\n") + "\n"
}

/// Sections by themselves.
pub(crate) fn sections(sections: &[Section]) -> String {
    let blocks = sections.iter().flat_map(|section| {
        let title = format!("## {}", escape(&section.title));
        std::iter::once(title).chain(body(section, TableCell::short))
    });
    blocks.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// What is in a section, without its title.
pub(crate) fn body(section: &Section, write: fn(&TableCell) -> String) -> Vec<String> {
    let mut blocks = Vec::new();
    if !section.about.is_empty() {
        blocks.push(escape(&section.about));
    }
    if !section.points.is_empty() {
        blocks.push(section.points.iter().map(point).collect::<Vec<_>>().join("\n"));
    }
    for table in &section.tables {
        blocks.push(format!("### {}", escape(&table.title)));
        blocks.push(lay_out(table, write));
        blocks.extend(table.notes.iter().map(|note| escape(note)));
    }
    blocks.extend(section.commands.iter().map(command));
    blocks
}

fn point(point: &Point) -> String {
    format!("- {}", marked(point))
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
        line(table.columns.iter().map(|column| rule(column.content).to_owned()).collect()),
    ];
    let cell = |cell: &TableCell| escape(&write(cell)).replace(BREAK, "<br>");
    lines.extend(table.rows.iter().map(|row| line(row.iter().map(cell).collect())));
    lines.join("\n")
}

/// Stands for a line break until the text is escaped: no character that text has.
const BREAK: &str = "\u{2028}";

/// What a cell says first, and below it what else there is, a line each.
fn in_lines(cell: &TableCell) -> String {
    match cell {
        TableCell::Value { details, .. } => {
            std::iter::once(cell.short()).chain(details.iter().cloned()).collect::<Vec<_>>().join(BREAK)
        }
        _ => cell.short(),
    }
}

/// The title of a column, with what it is a part of where that is not what one expects.
fn head(column: &Column) -> String {
    match column.group.strip_prefix("published") {
        Some(_) => format!("{}: {}", column.group, column.title),
        None => column.title.clone(),
    }
}

fn rule(content: Content) -> &'static str {
    match content {
        Content::Number => "---:",
        Content::Key | Content::Text => "---",
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
