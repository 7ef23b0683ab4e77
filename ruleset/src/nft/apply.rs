//! What the commands of nft do: `add`, `create`, `insert`, `delete`, `destroy` and `flush`.

use super::lexer::Token;
use super::properties::Properties;
use super::spelling::{group, spell};
use super::{Chain, Ruleset, Set, Table};

/// The family and the name of a table at the start of `tokens`, and what follows. The family is `ip` where none is given.
pub(super) fn table_name<'a, 'b>(tokens: &'b [Token<'a>]) -> (Option<String>, &'b [Token<'a>]) {
    match tokens {
        [Token::Word(family @ ("ip" | "ip6" | "inet" | "arp" | "bridge" | "netdev")), Token::Word(name), rest @ ..] => {
            (Some(format!("{family} {name}")), rest)
        }
        [Token::Word(name), rest @ ..] => (Some(format!("ip {name}")), rest),
        _ => (None, tokens),
    }
}

/// Does what `verb` does with `tokens`.
pub(super) fn command(ruleset: &mut Ruleset, verb: &str, tokens: &[Token<'_>]) -> Result<(), String> {
    let Some((Token::Word(object), tokens)) = tokens.split_first() else {
        return Err(format!("{verb} needs an object"));
    };
    if (verb, *object) == ("flush", "ruleset") {
        ruleset.tables.clear();
        return Ok(());
    }
    let (name, tokens) = table_name(tokens);
    let name = name.ok_or_else(|| format!("{verb} {object} needs a table"))?;
    if *object == "table" {
        return of_table(ruleset, verb, name, tokens);
    }
    let table = ruleset.tables.get_mut(&name).ok_or_else(|| format!("there is no table {name}"))?;
    let (what, rest) = match tokens.split_first() {
        Some((Token::Word(what), rest)) => (*what, rest),
        _ => return Err(format!("{verb} {object} needs a name")),
    };
    match *object {
        "chain" => of_chain(table, verb, what, rest),
        "set" | "map" => of_set(table, verb, what, *object == "map", rest),
        "rule" => of_rule(table, verb, what, rest),
        "element" => of_element(table, verb, what, rest),
        other => Err(format!("unknown object {other}")),
    }
}

fn of_table(ruleset: &mut Ruleset, verb: &str, name: String, rest: &[Token<'_>]) -> Result<(), String> {
    match verb {
        "add" | "create" => {
            let properties = properties(rest)?;
            if ruleset.tables.contains_key(&name) {
                return exists(verb, "table", &name);
            }
            ruleset.tables.insert(name, Table { properties: properties.text(), ..Table::default() });
        }
        "delete" | "destroy" => {
            let gone = ruleset.tables.remove(&name);
            gone.map(drop).or((verb == "destroy").then_some(())).ok_or_else(|| missing("table", &name))?;
        }
        "flush" => {
            let table = ruleset.tables.get_mut(&name).ok_or_else(|| missing("table", &name))?;
            table.chains.values_mut().for_each(|chain| chain.rules.clear());
        }
        _ => return Err(format!("unknown command {verb}")),
    }
    Ok(())
}

fn of_chain(table: &mut Table, verb: &str, name: &str, rest: &[Token<'_>]) -> Result<(), String> {
    match verb {
        "add" | "create" => {
            let properties = properties(rest)?;
            match table.chains.get_mut(name) {
                Some(_) if verb == "create" => return exists(verb, "chain", name),
                // A chain that is there keeps what it was told.
                Some(_) => {}
                None => {
                    let chain = Chain { properties: properties.text(), rules: Vec::new() };
                    table.chains.insert(name.into(), chain);
                }
            }
        }
        "delete" | "destroy" => {
            let gone = table.chains.remove(name);
            gone.map(drop).or((verb == "destroy").then_some(())).ok_or_else(|| missing("chain", name))?;
        }
        "flush" => chain(table, name)?.rules.clear(),
        _ => return Err(format!("unknown command {verb}")),
    }
    Ok(())
}

fn of_set(table: &mut Table, verb: &str, name: &str, is_map: bool, rest: &[Token<'_>]) -> Result<(), String> {
    match verb {
        "add" | "create" => {
            let properties = properties(rest)?;
            match table.sets.get(name) {
                Some(_) if verb == "create" => return exists(verb, "set", name),
                Some(_) => {}
                None => {
                    let set = Set { is_map, properties: properties.text(), ..Set::default() };
                    table.sets.insert(name.into(), set);
                }
            }
        }
        "delete" | "destroy" => {
            let gone = table.sets.remove(name);
            gone.map(drop).or((verb == "destroy").then_some(())).ok_or_else(|| missing("set", name))?;
        }
        "flush" => set(table, name)?.elements.clear(),
        _ => return Err(format!("unknown command {verb}")),
    }
    Ok(())
}

fn of_rule(table: &mut Table, verb: &str, name: &str, rest: &[Token<'_>]) -> Result<(), String> {
    let rules = &mut chain(table, name)?.rules;
    if let Some(Token::Word(place @ ("index" | "handle" | "position"))) = rest.first() {
        return Err(format!("{verb} rule by its {place} is not known here"));
    }
    match verb {
        "add" | "create" => rules.push(spell(rest).into()),
        "insert" => rules.insert(0, spell(rest).into()),
        _ => return Err(format!("unknown command {verb} rule")),
    }
    Ok(())
}

fn of_element(table: &mut Table, verb: &str, name: &str, rest: &[Token<'_>]) -> Result<(), String> {
    let Some((Token::Open, rest)) = rest.split_first() else { return Err("elements need braces".to_owned()) };
    let set = set(table, name)?;
    for tokens in rest[..group(rest)].split(|token| *token == Token::Comma) {
        match verb {
            "add" | "create" => add_element(set, tokens)?,
            "delete" | "destroy" => {
                let (key, _) = element(tokens);
                let gone = set.elements.remove(key.as_str());
                gone.map(drop).or((verb == "destroy").then_some(())).ok_or_else(|| missing("element", &key))?;
            }
            _ => return Err(format!("unknown command {verb} element")),
        }
    }
    Ok(())
}

/// Adds one element. One that is there may be added again, but not with another value.
pub(super) fn add_element(set: &mut Set, tokens: &[Token<'_>]) -> Result<(), String> {
    let (key, rest) = element(tokens);
    if key.is_empty() {
        return Ok(());
    }
    match set.elements.get(key.as_str()) {
        Some(held) if value(held) != value(&rest) => Err(format!("element {key} is there with another value")),
        Some(_) => Ok(()),
        None => {
            set.elements.insert(key.into(), rest.into());
            Ok(())
        }
    }
}

/// An element's key, and the rest of it.
fn element(tokens: &[Token<'_>]) -> (String, String) {
    let ends = |token: &Token<'_>| matches!(token, Token::Word(":" | "comment" | "timeout" | "expires" | "counter"));
    let (key, rest) = tokens.split_at(tokens.iter().position(ends).unwrap_or(tokens.len()));
    (spell(key), spell(rest))
}

/// The value in the rest of an element.
fn value(rest: &str) -> &str {
    rest.rfind(": ").map_or("", |place| &rest[place..])
}

fn properties(rest: &[Token<'_>]) -> Result<Properties, String> {
    let mut properties = Properties::default();
    if let Some((Token::Open, rest)) = rest.split_first() {
        properties.take_all(&rest[..group(rest)])?;
    }
    Ok(properties)
}

fn chain<'a>(table: &'a mut Table, name: &str) -> Result<&'a mut Chain, String> {
    table.chains.get_mut(name).ok_or_else(|| missing("chain", name))
}

fn set<'a>(table: &'a mut Table, name: &str) -> Result<&'a mut Set, String> {
    table.sets.get_mut(name).ok_or_else(|| missing("set", name))
}

fn missing(object: &str, name: &str) -> String {
    format!("there is no {object} {name}")
}

fn exists(verb: &str, object: &str, name: &str) -> Result<(), String> {
    if verb == "add" { Ok(()) } else { Err(format!("{object} {name} exists")) }
}
