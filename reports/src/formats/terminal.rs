//! Plain text for a terminal.

use super::excerpt::Excerpt;
use crate::report::{Content, Report, Section, Table};
use comfy_table::{CellAlignment, ContentArrangement, ContentLineStyle, LineStyle, TableStyle};
use lab_core::foreign::{short, shown_lines};

/// The least width that a table of a few words can be laid out in.
pub(crate) const NARROWEST: u16 = 60;

/// A rule under the head and nothing else.
const STYLE: TableStyle = TableStyle::new()
    .header_lines(ContentLineStyle::none())
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .content_lines(ContentLineStyle::none());

impl Report {
    /// What it comes to, as plain text of about a screen that fits `width` columns, which is taken to be at least 60: the
    /// answer, what costs least at each size, and what is missing.
    #[must_use]
    pub fn screen(&self, width: u16) -> String {
        let width = width.max(NARROWEST);
        let head = [underline(&self.title, '═'), wrap(&self.question, width, ""), wrap(&self.caution, width, "")];
        let mut blocks: Vec<String> = head.into_iter().filter(|text| !text.is_empty()).collect();
        blocks.extend(self.answer.iter().map(|point| wrap(&point.line(), width, "")));
        let bare = |table: &Table| Table { about: String::new(), ..shortened(table) };
        blocks.extend(self.sizes.iter().map(|table| render_table(&bare(table), width)));
        let unmeasured: Vec<String> = self.unmeasured.iter().map(|line| shortened_line(line, width)).collect();
        blocks.extend((!unmeasured.is_empty()).then(|| unmeasured.join("\n")));
        blocks.push(wrap(ALL, width, ""));
        shown_lines(&(blocks.join("\n\n") + "\n")).into_owned()
    }

    /// All that fits a terminal, as plain text of `width` columns, which is taken to be at least 60: what is measured beside
    /// what, what was published, and what is missing.
    #[must_use]
    pub fn terminal(&self, width: u16) -> String {
        let width = width.max(NARROWEST);
        let mut blocks = vec![underline(&self.title, '═')];
        let prose = [&self.question, &self.caution].into_iter().filter(|text| !text.is_empty());
        blocks.extend(prose.map(|text| wrap(text, width, "")));
        blocks.extend(self.answer.iter().map(|point| wrap(&point.line(), width, "")));
        blocks.extend(self.sizes.iter().map(|table| render_table(&shortened(table), width)));
        blocks.extend(self.overview.iter().map(|table| render_table(table, width)));
        blocks.extend(self.findings.iter().chain(&self.more).flat_map(|section| render_section(section, width)));
        blocks.extend(render_section(&self.missing, width));
        blocks.push(self.brief.iter().map(|sentence| wrap(sentence, width, "")).collect::<Vec<_>>().join("\n"));
        blocks.extend(self.environment.commands.iter().map(|(what, command)| format!("{what}:\n\n  {command}")));
        blocks.push(wrap(MORE, width, ""));
        shown_lines(&(blocks.join("\n\n") + "\n")).into_owned()
    }
}

pub(crate) fn excerpt(excerpt: &Excerpt, width: u16) -> String {
    let width = width.max(NARROWEST);
    let blocks = render_section(&excerpt.section, width);
    // What it is called, if anything, is its first block.
    let blocks = blocks.into_iter().skip(usize::from(excerpt.section.title.is_empty()));
    let commands = excerpt.section.commands.iter().map(|(what, command)| format!("{what}:\n\n  {command}"));
    shown_lines(&(blocks.chain(commands).collect::<Vec<_>>().join("\n\n") + "\n")).into_owned()
}

const ALL: &str = "All tables and findings, and each reason: svclab report with this run, or --full at the next. Every \
                   interval, and how to read it: report.html, report.md.";

/// `line`, cut to `width` columns.
fn shortened_line(line: &str, width: u16) -> String {
    short(line, usize::from(width).saturating_sub(1))
}

const MORE: &str = "Every interval, ratio to direct, percentile and position, the environment, and how to read it all: \
                    report.html and report.md.";

/// Sections by themselves, in `width` columns, which is taken to be at least 60.
pub(crate) fn sections(sections: &[Section], width: u16) -> String {
    let width = width.max(NARROWEST);
    shown_lines(
        &(sections.iter().flat_map(|section| render_section(section, width)).collect::<Vec<_>>().join("\n\n") + "\n"),
    )
    .into_owned()
}

pub(crate) fn render_section(section: &Section, width: u16) -> Vec<String> {
    let mut blocks = vec![underline(&section.title, '═')];
    if !section.about.is_empty() {
        blocks.push(wrap(&section.about, width, ""));
    }
    blocks.extend(section.points.iter().map(|point| wrap(&point.line(), width, "- ")));
    blocks.extend(section.tables.iter().map(|table| render_table(table, width)));
    blocks
}

/// `table` with its first rows, its last and one between them, where there are more: rows of several lines fill a screen.
fn shortened(table: &Table) -> Table {
    const FEW: usize = 3;
    let last = table.rows.len().saturating_sub(1);
    let kept = [0, table.rows.len() / 2, last];
    let rows = table.rows.iter().enumerate().filter(|(place, _)| last < FEW || kept.contains(place));
    Table { rows: rows.map(|(_, row)| row.clone()).collect(), ..table.clone() }
}

/// A table, in several parts beside each other's keys when its columns do not fit.
pub(crate) fn render_table(table: &Table, width: u16) -> String {
    let head = if table.about.is_empty() { table.title.clone() } else { format!("{}: {}", table.title, table.about) };
    let mut parts = vec![wrap(&head, width, "")];
    parts.extend(split(table, width).iter().map(|columns| lay_out(table, columns, width)));
    parts.extend(table.notes.iter().map(|note| wrap(note, width, "")));
    parts.join("\n")
}

/// The columns of each part of `table`: the keys, and as many of the others as fit. Prose wraps, as long as no word breaks.
fn split(table: &Table, width: u16) -> Vec<Vec<usize>> {
    let of = |content: Content| (0..table.columns.len()).filter(move |&index| table.columns[index].content == content);
    let all: Vec<usize> = (0..table.columns.len()).collect();
    let has_prose = of(Content::Text).next().is_some();
    if has_prose && all.iter().map(|&index| word_width(table, index)).sum::<usize>() <= width.into() {
        return vec![all];
    }
    let keys: Vec<usize> = of(Content::Key).collect();
    let column_width = |index: usize| match table.columns[index].content {
        Content::Text => word_width(table, index).max(column_width(table, index).min(COMFORTABLE)),
        Content::Key | Content::Number => column_width(table, index),
    };
    let taken: usize = keys.iter().map(|&index| column_width(index)).sum();
    let mut parts: Vec<(usize, Vec<usize>)> = Vec::new();
    for index in all.into_iter().filter(|index| !keys.contains(index)) {
        let column = column_width(index);
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

/// What prose is laid out in where there is room, with the gap to the next column.
const COMFORTABLE: usize = 28;

/// The width of a column's longest word, with the gap to the next.
fn word_width(table: &Table, index: usize) -> usize {
    let cells = table.rows.iter().map(|row| row[index].lines("\n")).chain([table.columns[index].title.clone()]);
    2 + cells.flat_map(|text| text.split_whitespace().map(|word| word.chars().count()).max()).max().unwrap_or(0)
}

/// The width of a column with the gap to the next.
fn column_width(table: &Table, index: usize) -> usize {
    2 + content_width(table, index).max(widest(&head(table, index)))
}

fn content_width(table: &Table, index: usize) -> usize {
    table.rows.iter().map(|row| widest(&row[index].lines("\n"))).max().unwrap_or(0)
}

fn widest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

/// A column's title in lines about as wide as what stands below it, broken after a space or a dash.
fn head(table: &Table, index: usize) -> String {
    const NARROW: usize = 14;
    let title = &table.columns[index].title;
    if table.columns[index].content != Content::Number {
        return title.clone();
    }
    let pieces = title.split_inclusive([' ', '-']);
    let widest_piece = pieces.clone().map(|piece| piece.trim_end().chars().count()).max().unwrap_or(0);
    // What fits into one line of the usual width is not broken for a narrow column's sake.
    let narrow = if title.contains(": ") { NARROW } else { 0 };
    let width = content_width(table, index).max(widest_piece).max(narrow);
    let mut lines = vec![String::new()];
    for piece in pieces {
        let line = lines.last_mut().expect("there is a line from the start");
        if line.chars().count() + piece.trim_end().chars().count() <= width {
            line.push_str(piece);
        } else {
            lines.push(piece.to_owned());
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn lay_out(table: &Table, columns: &[usize], width: u16) -> String {
    let mut text = comfy_table::Table::new();
    text.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    text.set_header(columns.iter().map(|&index| head(table, index)));
    for row in &table.rows {
        text.add_row(columns.iter().map(|&index| row[index].lines("\n")));
    }
    for (place, &index) in columns.iter().enumerate() {
        let Some(column) = text.column_mut(place) else { continue };
        column.set_padding((0, 1));
        if table.columns[index].content == Content::Number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    text.trim_fmt()
}

pub(crate) fn underline(title: &str, line: char) -> String {
    format!("{title}\n{}", line.to_string().repeat(title.chars().count()))
}

/// `text` in lines of at most `width`, the first led by `lead` and the others indented as far.
pub(crate) fn wrap(text: &str, width: u16, lead: &str) -> String {
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
