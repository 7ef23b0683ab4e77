//! GitHub-flavoured Markdown.

use crate::report::{Content, Report, Section, Table};

/// `report` as Markdown.
pub(crate) fn render(report: &Report) -> String {
    let mut blocks = vec![format!("# {}", escape(&report.title))];
    if !report.question.is_empty() {
        blocks.push(format!("**{}**", escape(&report.question)));
    }
    if !report.caution.is_empty() {
        blocks.push(format!("> {}", escape(&report.caution)));
    }
    blocks.extend(report.answer.iter().map(|paragraph| escape(paragraph)));
    for section in report.sections() {
        blocks.extend(render_section(section));
    }
    blocks.join("\n\n") + "\n"
}

fn render_section(section: &Section) -> Vec<String> {
    let mut blocks = vec![format!("## {}", escape(&section.title))];
    if !section.about.is_empty() {
        blocks.push(escape(&section.about));
    }
    if !section.points.is_empty() {
        blocks.push(section.points.iter().map(|point| format!("- {}", escape(point))).collect::<Vec<_>>().join("\n"));
    }
    blocks.extend(section.tables.iter().flat_map(render_table));
    for (what, command) in &section.commands {
        let longest = command.split(|character| character != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        blocks.push(format!("{what}:\n\n{fence}sh\n{command}\n{fence}"));
    }
    blocks
}

fn render_table(table: &Table) -> Vec<String> {
    let mut blocks = vec![format!("### {}", escape(&table.title))];
    if !table.about.is_empty() {
        blocks.push(escape(&table.about));
    }
    let line = |fields: Vec<String>| format!("| {} |", fields.join(" | "));
    let mut lines = vec![
        line(table.columns.iter().map(|column| escape(&column.title)).collect()),
        line(table.columns.iter().map(|column| rule(column.content).to_owned()).collect()),
    ];
    lines.extend(table.rows.iter().map(|row| line(row.iter().map(|cell| escape(&cell.line())).collect())));
    blocks.push(lines.join("\n"));
    blocks.extend(table.notes.iter().map(|note| escape(note)));
    blocks
}

fn rule(content: Content) -> &'static str {
    match content {
        Content::Number => "---:",
        Content::Key | Content::Text => "---",
    }
}

/// `text` as Markdown shows it literally, on one line.
fn escape(text: &str) -> String {
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
