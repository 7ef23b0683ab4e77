//! Excerpts of a report by name, for documents that show some of it.

use super::{markdown, picture, terminal};
use crate::report::{Report, Section};
use lab_core::vocabulary::Unknown;

/// A part that can be shown by itself.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    name: String,
    pub(crate) section: Section,
    pub(crate) detail: Detail,
}

/// How much of its tables' cells is shown where there is room.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Detail {
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
        Ok(markdown::excerpt(&self.excerpt(name)?))
    }

    /// The part called `name`, as plain text of `width` columns.
    ///
    /// # Errors
    /// When there is no such part; it says which there are.
    pub fn terminal_part(&self, name: &str, width: u16) -> Result<String, Unknown> {
        Ok(terminal::excerpt(&self.excerpt(name)?, width))
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
    fn excerpt(&self, name: &str) -> Result<Excerpt, Unknown> {
        let all = self.excerpts();
        let unknown = || Unknown::new("section", name, all.iter().map(|excerpt| excerpt.name.as_str()));
        all.iter().find(|excerpt| excerpt.name == name).cloned().ok_or_else(unknown)
    }

    /// All that can be shown by itself: whole sections, and the tables that have a name.
    fn excerpts(&self) -> Vec<Excerpt> {
        let excerpt = |name: &str, section, detail| Excerpt { name: name.to_owned(), section, detail };
        let of_tables = |tables| Section { tables, ..Section::default() };
        let answer = Section { about: self.caution.clone(), points: self.answer.clone(), ..Section::default() };
        let mut all = vec![
            excerpt("answer", answer, Detail::Whole),
            excerpt("sizes", of_tables(self.sizes.clone()), Detail::Lines),
            excerpt("overview", of_tables(self.overview.clone()), Detail::Short),
            excerpt("compared", self.compared.clone(), Detail::Short),
        ];
        all.extend(self.findings.iter().map(|section| excerpt("findings", section.clone(), Detail::Whole)));
        let more = Section {
            points: self.more.iter().flat_map(|section| section.points.clone()).collect(),
            tables: self.more.iter().flat_map(|section| section.tables.clone()).collect(),
            ..Section::default()
        };
        all.push(excerpt("capacity", more, Detail::Lines));
        all.extend(self.sources.iter().map(|section| excerpt("sources", section.clone(), Detail::Whole)));
        for (name, section) in
            [("missing", &self.missing), ("environment", &self.environment), ("reading", &self.reading)]
        {
            all.push(excerpt(name, section.clone(), Detail::Whole));
        }
        for table in self.measured.iter().flat_map(|section| &section.tables).filter(|table| !table.id.is_empty()) {
            all.push(excerpt(&table.id, of_tables(vec![table.clone()]), Detail::Whole));
        }
        all.retain(|excerpt| !excerpt.section.is_empty());
        all
    }
}
