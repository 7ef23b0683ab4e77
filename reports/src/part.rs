//! Parts of a report by name, for documents that show some of it.

use crate::report::{Report, Section};
use crate::{markdown, picture, terminal};
use lab_core::vocabulary::Unknown;

/// A part that can be shown by itself.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    name: String,
    pub(crate) section: Section,
    pub(crate) cells: Cells,
}

/// How much of its tables' cells is shown where there is room.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cells {
    /// All of it, on one line.
    Whole,
    /// What matters.
    Short,
    /// All of it, a line each.
    Lines,
}

impl Report {
    /// The part called `name`, as GitHub-flavoured Markdown without a heading.
    ///
    /// # Errors
    /// When there is no such part; it says which there are.
    pub fn markdown_part(&self, name: &str) -> Result<String, Unknown> {
        Ok(markdown::part(&self.part(name)?))
    }

    /// The part called `name`, as plain text of `width` columns.
    ///
    /// # Errors
    /// When there is no such part; it says which there are.
    pub fn terminal_part(&self, name: &str, width: u16) -> Result<String, Unknown> {
        Ok(terminal::part(&self.part(name)?, width))
    }

    /// The charts as SVG files of their own, that look right in light and in dark surroundings: the name of each, and its
    /// text.
    #[must_use]
    pub fn pictures(&self) -> Vec<(String, String)> {
        self.charts.iter().map(|chart| (chart.name.clone(), picture::draw(chart))).collect()
    }

    /// The chart called `name`, as one of [`Report::pictures`].
    ///
    /// # Errors
    /// When there is no such chart; it says which there are.
    pub fn picture(&self, name: &str) -> Result<String, Unknown> {
        let found = self.charts.iter().find(|chart| chart.name == name);
        let known = self.charts.iter().map(|chart| chart.name.as_str());
        found.map(picture::draw).ok_or_else(|| Unknown::new("chart", name, known))
    }

    /// The part called `name`.
    ///
    /// # Errors
    /// When there is none of that name in this report; it says which there are.
    fn part(&self, name: &str) -> Result<Part, Unknown> {
        let parts = self.parts();
        let unknown = || Unknown::new("section", name, parts.iter().map(|part| part.name.as_str()));
        parts.iter().find(|part| part.name == name).cloned().ok_or_else(unknown)
    }

    /// All that can be shown by itself: whole sections, and the tables that have a name.
    fn parts(&self) -> Vec<Part> {
        let part = |name: &str, section, cells| Part { name: name.to_owned(), section, cells };
        let of_tables = |tables| Section { tables, ..Section::default() };
        let answer = Section { about: self.caution.clone(), points: self.answer.clone(), ..Section::default() };
        let mut parts = vec![
            part("answer", answer, Cells::Whole),
            part("sizes", of_tables(self.sizes.clone()), Cells::Lines),
            part("overview", of_tables(self.overview.clone()), Cells::Short),
            part("compared", self.compared.clone(), Cells::Short),
        ];
        parts.extend(self.findings.iter().map(|section| part("findings", section.clone(), Cells::Whole)));
        let more = Section {
            points: self.more.iter().flat_map(|section| section.points.clone()).collect(),
            tables: self.more.iter().flat_map(|section| section.tables.clone()).collect(),
            ..Section::default()
        };
        parts.push(part("capacity", more, Cells::Lines));
        parts.extend(self.sources.iter().map(|section| part("sources", section.clone(), Cells::Whole)));
        for (name, section) in
            [("missing", &self.missing), ("environment", &self.environment), ("reading", &self.reading)]
        {
            parts.push(part(name, section.clone(), Cells::Whole));
        }
        for table in self.measured.iter().flat_map(|section| &section.tables).filter(|table| !table.id.is_empty()) {
            parts.push(part(&table.id, of_tables(vec![table.clone()]), Cells::Whole));
        }
        parts.retain(|part| !part.section.is_empty());
        parts
    }
}
