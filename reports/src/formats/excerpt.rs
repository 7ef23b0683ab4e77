//! Excerpts of a report by name, for documents that show some of it.

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
    Short,
    /// All of it, a line each.
    Lines,
}

impl Report {
    /// The part called `name`.
    ///
    /// # Errors
    /// When there is none of that name in this report; it says which there are.
    pub(super) fn excerpt(&self, name: &str) -> Result<Excerpt, Unknown> {
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
