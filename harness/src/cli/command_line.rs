//! Reads the command line. What is wrong with it is said as everything else is: behind the program's name.

use crate::process::exit::Exit;
use clap::builder::PossibleValue;
use clap::builder::TypedValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error, Parser};
use lab_core::vocabulary::Word;
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::process::ExitCode;

/// What the command line says.
///
/// # Errors
/// How the program ends where there is nothing more to do: it was asked for help or its version, or the command line is
/// wrong, which has been said.
pub(super) fn read<P: Parser>() -> Result<P, ExitCode> {
    P::try_parse().map_err(|error| {
        if !error.use_stderr() {
            // A reader that has seen enough is no failure.
            let _ = error.print();
            return Exit::Done.into();
        }
        tell!("svclab: {}", said(error, &P::command()));
        Exit::Usage.into()
    })
}

/// What `error` says of the command line of `command`, without the verbs that are hidden.
fn said(mut error: Error, command: &Command) -> String {
    let is_hidden = |name: &String| command.find_subcommand(name).is_some_and(Command::is_hide_set);
    let suggested = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) => names.clone(),
        Some(ContextValue::String(name)) => vec![name.clone()],
        _ => Vec::new(),
    };
    let shown: Vec<String> = suggested.iter().filter(|name| !is_hidden(name)).cloned().collect();
    if shown.is_empty() {
        error.remove(ContextKind::SuggestedSubcommand);
    } else if shown != suggested {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(shown));
    }
    let text = error.render().to_string();
    text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned()
}

/// Parses a word of a closed set by its name. An unknown one is answered as in a scenario.
pub(crate) fn word<W: Word + Send + Sync>() -> impl TypedValueParser<Value = W> {
    Words(PhantomData)
}

#[derive(Debug, Clone)]
struct Words<W>(PhantomData<W>);

impl<W: Word + Send + Sync> TypedValueParser for Words<W> {
    type Value = W;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<W, Error> {
        W::find(&value.to_string_lossy()).map_err(|unknown| {
            let arg = arg.map_or_else(String::new, |arg| format!("{arg}: "));
            Error::raw(ErrorKind::ValueValidation, format!("{arg}{unknown}")).with_cmd(command)
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(W::ALL.iter().map(|word| PossibleValue::new(word.name()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lab_core::vocabulary::BackendName;

    fn command() -> Command {
        let verb = Command::new("gate").arg(Arg::new("backend").long("backend").value_parser(word::<BackendName>()));
        Command::new("svclab").subcommand(verb).subcommand(Command::new("guest").hide(true))
    }

    fn refused(arguments: &[&str]) -> String {
        said(command().try_get_matches_from(arguments).unwrap_err(), &command())
    }

    #[test]
    fn a_hidden_verb_is_not_suggested() {
        let text = refused(&["svclab", "gues"]);
        assert!(text.starts_with("unrecognized subcommand 'gues'") && !text.contains("guest"), "{text}");
        assert!(refused(&["svclab", "gat"]).contains("'gate'"));
    }

    #[test]
    fn the_beginning_of_two_names_is_answered_with_both() {
        let text = refused(&["svclab", "gate", "--backend", "iptables"]);
        assert!(text.contains("did you mean \"iptables-legacy\" or \"iptables-nft\"?"), "{text}");
        let text = refused(&["svclab", "gate", "--backend", "cilium"]);
        assert!(text.contains("the backend \"cilium\" is not covered"), "{text}");
    }
}
