//! One HTML file that needs nothing but the reports that it links to.

use super::markdown::MOST;
use super::{Row, StudyPage};
use analysis::claims::Verdict;
use askama::Template;
use lab_core::foreign::shown_lines;

/// The page. Its template decides on layout only.
#[derive(Template)]
#[template(path = "study.html")]
struct Layout<'a> {
    page: &'a StudyPage,
}

impl StudyPage {
    /// As one HTML file, to stand beside the folders of its runs.
    #[must_use]
    pub fn html(&self) -> String {
        let page = Layout { page: self }.render().expect("the template writes to memory and its values print");
        shown_lines(&page).into_owned()
    }
}

impl Row {
    /// Whether its figures are folded away.
    fn is_long(&self) -> bool {
        self.figures.len() > MOST
    }

    /// The class of its verdict.
    fn class(&self) -> &'static str {
        match self.finding.verdict {
            Verdict::Reproduced => "yes",
            Verdict::NotReproduced => "no",
            Verdict::MeansSomethingElse => "else",
            Verdict::CannotBeTold => "open",
        }
    }
}
