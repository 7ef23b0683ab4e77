//! A document with places for svclab's output, each between two HTML comments. The first comment holds the command.
//!
//! ```text
//! <!-- svclab report reports/examples/exact --format markdown --section answer -->
//! …svclab replaces this…
//! <!-- /svclab -->
//! ```
//!
//! Markdown is put in as it is, any other text in a fence. A command that ends with `> FILE.svg` puts its drawing into
//! that file, and the document shows it. Pure: `cli/splice/mod.rs` runs the commands and writes the files.

use anyhow::{Context, Result, bail, ensure};
use lab_core::units;
use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

/// The verbs that a document may call: they read, print, and change nothing.
const VERBS: &[&str] = &["report", "capacity", "query", "render", "plan"];

const OPEN: &str = "<!-- svclab";
const CLOSE: &str = "-->";
const END: &str = "<!-- /svclab -->";

/// A text with its places.
#[derive(Debug, PartialEq)]
pub(crate) struct Document {
    places: Vec<Place>,
    /// The text after the last place.
    rest: String,
}

/// A pair of markers.
#[derive(Debug, PartialEq)]
pub(crate) struct Place {
    /// The line of its first marker, counted from 1.
    pub(crate) line: usize,
    pub(crate) command: Command,
    /// The text before it, with its first marker.
    before: String,
    content: String,
}

/// A command line of svclab's own.
#[derive(Debug, PartialEq)]
pub(crate) struct Command {
    /// As the document has it: `svclab plan smoke`.
    line: String,
    /// The verb and what follows it.
    pub(crate) words: Vec<String>,
    /// The file its drawing goes into, beside or below the document.
    pub(crate) picture: Option<PathBuf>,
}

impl Document {
    /// Reads `text`, which is the document `name`.
    ///
    /// # Errors
    /// With `name:line`: a marker without its partner, or a command that cannot be read or is not allowed.
    pub(crate) fn read(name: &str, text: &str) -> Result<Self> {
        let mut places = Vec::new();
        let (mut before, mut fence) = (String::new(), None);
        let mut open: Option<Place> = None;
        for (line, number) in text.split_inclusive('\n').zip(1..) {
            let at = || format!("{name}:{number}");
            let marker = line.trim();
            if let Some(mut place) = open.take() {
                ensure!(
                    !is_open(marker),
                    "{}: a place within the place of line {}; end that with {END}",
                    at(),
                    place.line
                );
                if marker == END {
                    before = line.to_owned();
                    places.push(place);
                } else {
                    place.content.push_str(line);
                    open = Some(place);
                }
                continue;
            }
            before.push_str(line);
            follow(&mut fence, marker);
            if fence.is_some() {
                continue;
            }
            ensure!(marker != END, "{}: {END} ends no place; begin one with {OPEN} VERB … {CLOSE}", at());
            if is_open(marker) {
                let command = Command::read(marker).with_context(at)?;
                let before = std::mem::take(&mut before);
                open = Some(Place { line: number, command, before, content: String::new() });
            }
        }
        if let Some(place) = open {
            bail!("{name}:{}: this place has no end; end it with {END}", place.line);
        }
        Ok(Self { places, rest: before })
    }

    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The document with `contents` in its places, one each.
    pub(crate) fn with(&self, contents: &[String]) -> String {
        let mut text = String::new();
        for (place, content) in self.places.iter().zip(contents) {
            text.push_str(&place.before);
            text.push_str(content);
        }
        text + &self.rest
    }
}

fn is_open(marker: &str) -> bool {
    marker.strip_prefix(OPEN).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// Keeps in `fence` the end of the code fence that `line` is in. A marker in a fence is only an example.
fn follow(fence: &mut Option<String>, line: &str) {
    match fence {
        Some(end) if line.starts_with(end.as_str()) && line.trim_start_matches(&end[..1]).is_empty() => *fence = None,
        Some(_) => {}
        None => {
            let run = ['`', '~'].map(|tick| line.chars().take_while(|found| *found == tick).collect::<String>());
            *fence = run.into_iter().find(|run| run.len() >= 3);
        }
    }
}

impl Command {
    /// The command in a `marker` that opens a place.
    fn read(marker: &str) -> Result<Self> {
        let Some(line) = marker.strip_prefix("<!--").and_then(|rest| rest.strip_suffix(CLOSE)) else {
            bail!("a marker needs its own line, and ends with {CLOSE} on that line");
        };
        let line = line.trim().to_owned();
        let (mut words, redirected) = split(&line)?;
        words.remove(0);
        let Some(verb) = words.first() else { bail!("the marker names no verb; known: {}", VERBS.join(", ")) };
        ensure!(
            VERBS.contains(&verb.as_str()),
            "a document cannot call svclab {verb}; it can call {}",
            VERBS.join(", ")
        );
        ensure!(
            !words.iter().any(|word| word == "--out" || word.starts_with("--out=")),
            "--out: a document's command writes no files; a drawing goes into one with > FILE.svg"
        );
        let picture = redirected.map(|file| picture(&file)).transpose()?;
        Ok(Self { line, words, picture })
    }

    /// The content of its place if the command printed `text`.
    pub(crate) fn content(&self, text: &str) -> String {
        if let Some(file) = &self.picture {
            let title = title(text).unwrap_or_else(|| self.line.clone());
            return format!("\n![{title}]({})\n\n{}\n", file.display(), self.credit());
        }
        let text = text.trim_end();
        if self.is_markdown() {
            return format!("\n{}\n\n{}\n", text.trim_start_matches('\n'), self.credit());
        }
        let fence = "`".repeat(longest_fence(text).max(2) + 1);
        format!("\n{fence}console\n$ {}\n{text}\n{fence}\n", self.line)
    }

    /// The command, for readers of the rendered document.
    fn credit(&self) -> String {
        let ticks = if self.line.contains('`') { "``" } else { "`" };
        format!("Made by {ticks}{}{ticks}", self.line)
    }

    fn is_markdown(&self) -> bool {
        self.words.iter().any(|word| word == "--format=markdown")
            || self.words.windows(2).any(|pair| pair == ["--format", "markdown"])
    }
}

/// The words of `line` as a shell would split it, and the file behind `>`.
fn split(line: &str) -> Result<(Vec<String>, Option<String>)> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let (mut files, mut redirected) = (Vec::new(), false);
    let mut rest = line.chars();
    loop {
        let next = rest.next();
        match next {
            Some(quote @ ('"' | '\'')) => {
                let quoted: String = rest.by_ref().take_while(|character| *character != quote).collect();
                // The rest begins after the second quote, if there was one.
                let ended = line[..line.len() - rest.as_str().len()].ends_with(quote);
                ensure!(ended && !quoted.is_empty(), "a quote {quote} is not ended, or holds nothing");
                word.get_or_insert_default().push_str(&quoted);
            }
            Some(character) if !character.is_whitespace() && character != '>' => {
                word.get_or_insert_default().push(character);
            }
            _ => {
                if let Some(word) = word.take() {
                    if redirected { files.push(word) } else { words.push(word) }
                }
                match next {
                    Some('>') => {
                        ensure!(!redirected, "a command has one > FILE");
                        redirected = true;
                    }
                    Some(_) => {}
                    None => break,
                }
            }
        }
    }
    match (redirected, files.as_mut_slice()) {
        (false, _) => Ok((words, None)),
        (true, [file]) => Ok((words, Some(std::mem::take(file)))),
        (true, _) => bail!("> is followed by the name of one file, at the end"),
    }
}

/// The file for a drawing: it must be beside or below the document.
fn picture(file: &str) -> Result<PathBuf> {
    let path = Path::new(file);
    let below = path.components().all(|part| matches!(part, Component::Normal(_)));
    let named = path.extension().is_some_and(|extension| extension == "svg") && !file.contains([' ', '(', ')']);
    ensure!(below && named, "> {file}: a drawing goes into a file *.svg in the document's folder or below it");
    Ok(path.to_owned())
}

fn title(svg: &str) -> Option<String> {
    let (_, title) = svg.split_once("<title>")?;
    let (title, _) = title.split_once("</title>")?;
    let plain = title.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    Some(plain.replace(['[', ']'], ""))
}

fn longest_fence(text: &str) -> usize {
    text.lines().map(|line| line.trim_start().chars().take_while(|tick| *tick == '`').count()).max().unwrap_or(0)
}

impl Place {
    /// Where it differs from `new`, a line each as `diff` marks them; `None` where it does not.
    pub(crate) fn difference(&self, new: &str) -> Option<String> {
        difference(&self.content, new)
    }
}

/// Where `old` differs from `new`, without their common start and end: the first few lines of each.
fn difference(old: &str, new: &str) -> Option<String> {
    const SHOWN: usize = 6;
    if old == new {
        return None;
    }
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let alike = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[alike..], &new[alike..]);
    let alike = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let mut text = String::new();
    for (sign, lines) in [('-', &old[..old.len() - alike]), ('+', &new[..new.len() - alike])] {
        for line in lines.iter().take(SHOWN) {
            let _ = writeln!(text, "{sign}{line}");
        }
        if let Some(more) = lines.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(text, "{sign}… and {} more", units::counted(more as u64, "line"));
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests;
