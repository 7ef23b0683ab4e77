//! Commands about nftables objects as values, and how `nft` spells them.
//!
//! The spelling is that of kube-proxy's library (`objects.go` in `kubernetes-sigs/knftables`).

use super::chain::Chain;
use super::rule::{Rule, word};
use super::set::{Element, Set, address_type};
use crate::cluster::Family;
use crate::layout::text::Text;
use std::time::Duration;

/// The table's name, in both families.
pub(super) const TABLE: &str = "kube-proxy";

/// What a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object<'a> {
    /// The table, which holds all the others.
    Table,
    /// A chain, by its name alone.
    Chain(Chain<'a>),
    /// A chain with its hook or comment: the text in braces, empty without any.
    Declaration(Chain<'a>, &'static str),
    /// A named set or verdict map.
    Set(Set),
    /// The set of an endpoint's clients, by what follows its prefix, and how long it remembers them.
    Affinity(&'a [u8], Duration),
    /// An element of a set or map.
    Element(Element<'a>),
    /// A rule, which comes last in its chain.
    Rule(Rule<'a>),
}

/// What a command does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// It is added, if it does not exist.
    Add,
    /// It is emptied.
    Flush,
    /// It is deleted.
    Delete,
}

/// Takes the commands of a transaction. One sink prints them, another counts them.
pub trait Sink {
    /// One command.
    fn command(&mut self, verb: Verb, object: &Object<'_>);

    /// The chain exists, and is empty.
    fn ensure(&mut self, chain: Chain<'_>) {
        self.declare(chain, "");
    }

    /// The chain exists with its properties, and is empty.
    fn declare(&mut self, chain: Chain<'_>, properties: &'static str) {
        self.command(Verb::Add, &Object::Declaration(chain, properties));
        self.command(Verb::Flush, &Object::Chain(chain));
    }

    /// The rule comes last in its chain.
    fn rule(&mut self, rule: Rule<'_>) {
        self.command(Verb::Add, &Object::Rule(rule));
    }

    /// The element is added.
    fn element(&mut self, element: Element<'_>) {
        self.command(Verb::Add, &Object::Element(element));
    }
}

/// The sink that prints the input of `nft -f -` for the table of one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    family: Family,
    text: Vec<u8>,
}

impl Script {
    /// An empty one, with room for so many bytes.
    #[must_use]
    pub fn new(family: Family, room: usize) -> Self {
        Self { family, text: Vec::with_capacity(room) }
    }

    /// What was printed.
    #[must_use]
    pub fn into_text(self) -> Vec<u8> {
        self.text
    }
}

impl Sink for Script {
    fn command(&mut self, verb: Verb, object: &Object<'_>) {
        let Self { family, text: out } = self;
        out.put(match verb {
            Verb::Add => "add ",
            Verb::Flush => "flush ",
            Verb::Delete => "delete ",
        });
        out.put(match object {
            Object::Table => "table ",
            Object::Chain(_) | Object::Declaration(..) => "chain ",
            Object::Set(set) => match set.kind() {
                "set" => "set ",
                _ => "map ",
            },
            Object::Affinity(..) => "set ",
            Object::Element(_) => "element ",
            Object::Rule(_) => "rule ",
        });
        out.put(word(*family)).put(" ").put(TABLE);
        if *object != Object::Table {
            out.put(" ");
        }
        match *object {
            Object::Table if verb == Verb::Add => out.put(r#" { comment "rules for kube-proxy" ; }"#),
            Object::Table => out,
            Object::Chain(chain) | Object::Declaration(chain, "") => chain.put_name(out),
            Object::Declaration(chain, properties) => chain.put_name(out).put(" { ").put(properties).put(" }"),
            Object::Set(set) => {
                out.put(set.name());
                if verb == Verb::Add {
                    set.put_type(*family, out.put(" { type ")).put(" ; comment \"").put(set.comment()).put("\" ; }");
                }
                out
            }
            Object::Affinity(endpoint, timeout) => {
                out.put("affinity-").put(endpoint);
                if verb == Verb::Add {
                    let seconds = u32::try_from(timeout.as_secs()).unwrap_or(u32::MAX);
                    out.put(" { type ").put(address_type(*family)).put(" ; flags dynamic,timeout ; timeout ");
                    out.number(seconds).put("s ; }");
                }
                out
            }
            Object::Element(element) => element.put(verb == Verb::Add, out),
            Object::Rule(rule) => rule.put(*family, out),
        }
        .put("\n");
    }
}
