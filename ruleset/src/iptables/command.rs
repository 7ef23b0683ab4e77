//! What the command `iptables` does.

use super::Tables;
use super::restore::command;
use std::borrow::Cow;

impl Tables {
    /// Does what `iptables` does with these arguments.
    ///
    /// # Errors
    /// Why it would refuse.
    pub fn call(&mut self, args: &[impl AsRef<str>]) -> Result<(), String> {
        let (table, words) = parsed(args)?;
        let table = self.tables.entry(table.to_owned()).or_default();
        command(table, self.family, &words)
    }
}

/// The table and the chain that `iptables` changes with these arguments; `None` if it is no single chain.
#[must_use]
pub fn changed(args: &[impl AsRef<str>]) -> Option<(String, String)> {
    let (table, words) = parsed(args).ok()?;
    Some((table.to_owned(), words.get(1)?.to_string()))
}

/// The table, and the command with what it is about.
fn parsed(args: &[impl AsRef<str>]) -> Result<(&str, Vec<Cow<'_, str>>), String> {
    let (mut table, mut words) = ("filter", Vec::with_capacity(args.len()));
    let mut args = args.iter().map(AsRef::as_ref).peekable();
    let mut verb = None;
    while let Some(word) = args.next() {
        match word {
            "-t" | "--table" => table = args.next().ok_or("-t needs a table")?,
            "-w" | "-W" | "--wait" | "--wait-interval" => {
                args.next_if(|next| next.parse::<u64>().is_ok());
            }
            // A comment may be any word, even one of these.
            "--comment" => words.extend([Some(word), args.next()].into_iter().flatten().map(Cow::Borrowed)),
            _ => {
                if verb.is_none() && is_command(word) {
                    verb = Some(words.len());
                }
                words.push(Cow::Borrowed(word));
            }
        }
    }
    let verb = verb.ok_or("there is no command")?;
    // kube-proxy puts the command first; another order is as good.
    words.rotate_left(verb);
    Ok((table, words))
}

fn is_command(word: &str) -> bool {
    matches!(word, "-A" | "-I" | "-D" | "-N" | "-X" | "-F" | "-P" | "-C")
        || matches!(word, "--append" | "--insert" | "--delete" | "--new-chain" | "--delete-chain" | "--flush")
        || matches!(word, "--policy" | "--check")
}
