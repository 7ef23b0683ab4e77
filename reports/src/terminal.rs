//! Plain text for a terminal.

use crate::report::{Cell, Content, Report, Section, Table};
use comfy_table::{CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, TableStyle};

/// The least width that a table of a few words can be laid out in.
const NARROWEST: u16 = 60;

/// A rule under the head and nothing else.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none());

/// `report` in `width` columns.
pub(crate) fn render(report: &Report, width: u16) -> String {
    let width = width.max(NARROWEST);
    let mut blocks = vec![underline(&report.title, '═')];
    let prose = std::iter::once(&report.question).chain(&report.answer).filter(|text| !text.is_empty());
    blocks.extend(prose.map(|text| wrap(text, width, "")));
    for section in &report.sections {
        blocks.extend(render_section(section, width));
    }
    blocks.join("\n\n") + "\n"
}

fn render_section(section: &Section, width: u16) -> Vec<String> {
    let mut blocks = vec![underline(&section.title, '═')];
    if !section.about.is_empty() {
        blocks.push(wrap(&section.about, width, ""));
    }
    blocks.extend(section.points.iter().map(|point| wrap(point, width, "- ")));
    blocks.extend(section.tables.iter().map(|table| render_table(table, width)));
    if let Some((what, command)) = &section.command {
        blocks.push(format!("{what}:\n\n  {command}"));
    }
    blocks
}

/// A table, in several parts beside each other's keys when its columns do not fit.
fn render_table(table: &Table, width: u16) -> String {
    let head = if table.about.is_empty() { table.title.clone() } else { format!("{}: {}", table.title, table.about) };
    let mut parts = vec![wrap(&head, width, "")];
    parts.extend(split(table, width).iter().map(|columns| lay_out(table, columns, width)));
    parts.extend(table.notes.iter().map(|note| wrap(note, width, "")));
    parts.join("\n")
}

/// The columns of each part of `table`: the keys, and as many of the numbers as fit. Prose wraps instead.
fn split(table: &Table, width: u16) -> Vec<Vec<usize>> {
    let of = |content: Content| (0..table.columns.len()).filter(move |&index| table.columns[index].content == content);
    if of(Content::Text).next().is_some() {
        return vec![(0..table.columns.len()).collect()];
    }
    let keys: Vec<usize> = of(Content::Key).collect();
    let taken: usize = keys.iter().map(|&index| column_width(table, index)).sum();
    let mut parts: Vec<(usize, Vec<usize>)> = Vec::new();
    for index in of(Content::Number) {
        let column = column_width(table, index);
        match parts.last_mut().filter(|(used, _)| used + column <= width.into()) {
            Some((used, part)) => {
                *used += column;
                part.push(index);
            }
            None => parts.push((taken + column, keys.iter().copied().chain([index]).collect())),
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

/// The width of a column with its padding.
fn column_width(table: &Table, index: usize) -> usize {
    let cells = table.rows.iter().map(|row| write(&row[index]));
    let lines = cells.chain([table.columns[index].title.clone()]);
    2 + lines.flat_map(|text| text.lines().map(|line| line.chars().count()).collect::<Vec<_>>()).max().unwrap_or(0)
}

fn lay_out(table: &Table, columns: &[usize], width: u16) -> String {
    let mut text = comfy_table::Table::new();
    text.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    text.set_header(columns.iter().map(|&index| table.columns[index].title.as_str()));
    for row in &table.rows {
        text.add_row(columns.iter().map(|&index| write(&row[index])));
    }
    for (place, &index) in columns.iter().enumerate() {
        if let (Content::Number, Some(column)) = (table.columns[index].content, text.column_mut(place)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    text.trim_fmt()
}

/// A cell in lines: the number with its ratio, and below it what qualifies it.
fn write(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Absent(word) => (*word).to_owned(),
        Cell::Value { number, ratio, details } => {
            let first = format!("{number} {ratio}").trim_end().to_owned();
            std::iter::once(&first).chain(details).cloned().collect::<Vec<_>>().join("\n")
        }
    }
}

fn underline(title: &str, line: char) -> String {
    format!("{title}\n{}", line.to_string().repeat(title.chars().count()))
}

/// `text` in lines of at most `width`, the first led by `lead` and the others indented as far.
fn wrap(text: &str, width: u16, lead: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = lead.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        if !empty && line.chars().count() + 1 + word.chars().count() > width.into() {
            lines.push(std::mem::replace(&mut line, " ".repeat(lead.len())));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines.join("\n")
}
