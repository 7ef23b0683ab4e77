//! GitHub-flavoured Markdown, to stand beside the folders of its runs.

use super::{Row, StudyPage};
use crate::formats::markdown::escape;
use lab_core::foreign::shown_lines;

const HEAD: &str =
    "| claim | by whom | verdict | what it means | figures | report |\n| --- | --- | --- | --- | --- | --- |";

/// So many figures of a claim are shown; more are folded away.
pub(super) const MOST: usize = 6;

impl StudyPage {
    /// As GitHub-flavoured Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut blocks = vec![format!("# {}", escape(&self.title)), format!("**{}**", escape(&self.question))];
        blocks.extend(Some(escape(&self.about)).filter(|about| !about.is_empty()));
        let rows = self.rows.iter().map(line);
        blocks.push(std::iter::once(HEAD.to_owned()).chain(rows).collect::<Vec<_>>().join("\n"));
        blocks.push("## Scenarios".to_owned());
        let scenarios = self.scenarios.iter().map(|told| {
            let name = if told.ran { link(&told.folder) } else { escape(&told.folder) };
            let question =
                if told.question.is_empty() { String::new() } else { format!(" {}", escape(&told.question)) };
            format!("- {name}:{question} ({})", escape(&told.state))
        });
        blocks.push(scenarios.collect::<Vec<_>>().join("\n"));
        blocks.push(format!("Made by `{}`", self.command));
        shown_lines(&(blocks.join("\n\n") + "\n")).into_owned()
    }
}

fn line(row: &Row) -> String {
    let figures: Vec<String> = row.figures.iter().map(|figure| escape(figure)).collect();
    let mut listed = figures.join("<br>");
    if figures.len() > MOST {
        listed = format!("<details><summary>{} figures</summary>{listed}</details>", figures.len());
    }
    let runs: Vec<String> = row.runs.iter().map(|folder| link(folder)).collect();
    format!(
        "| {} | {} | **{}** | {} | {} | {} |",
        escape(row.says),
        escape(&row.by),
        row.finding.verdict,
        escape(&row.sentences()),
        listed,
        runs.join("<br>")
    )
}

/// The report in `folder`, under its name.
fn link(folder: &str) -> String {
    format!("[{}](<{folder}/report.md>)", escape(folder))
}
