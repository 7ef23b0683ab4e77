//! A study: scenarios in their order, with the claims that each of them answers; a YAML file in `studies/`.

use crate::claims::{self, Claim};
use lab_core::document::{Entry, Node, Problems, Reader, Value};
use lab_core::foreign::quoted;
use lab_core::vocabulary::Unknown;

/// The keys of a study, in the order in which `studies/README.md` documents them.
const KEYS: &[&str] = &["name", "question", "about", "scenarios"];
/// The keys of one of its scenarios.
const SCENARIO_KEYS: &[&str] = &["scenario", "claims"];

/// Scenarios and the claims that they answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// What it is called.
    pub name: String,
    /// What it asks.
    pub question: String,
    /// What a reader should know of it; may be empty.
    pub about: String,
    /// In the order in which they run.
    pub asked: Vec<Asked>,
}

/// A scenario of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name, or its file, from the study's own folder.
    pub scenario: String,
    /// The ids of the claims that it answers.
    pub claims: Vec<String>,
}

impl Asked {
    /// Whether it is a scenario's file, not its name.
    #[must_use]
    pub fn is_file(&self) -> bool {
        is_file(&self.scenario)
    }

    /// Whether it is `name`: as the study spells it, or as its run's folder is called.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        name == self.scenario || name == self.folder()
    }

    /// What its run's folder is called: the scenario's name, or its file's without the end.
    #[must_use]
    pub fn folder(&self) -> &str {
        let file = self.scenario.rsplit('/').next().unwrap_or_default();
        file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).unwrap_or(file)
    }
}

fn is_file(scenario: &str) -> bool {
    scenario.contains('/') || scenario.contains('.')
}

impl Study {
    /// Reads the YAML `text` of `file`, a name for messages. A scenario is one of `known`, or a file.
    ///
    /// # Errors
    /// Every problem found, each with its line.
    pub fn read(file: &str, text: &str, known: &[&str]) -> Result<Self, Problems> {
        Reader::read(file, text, |reader, node| study(reader, node, known))
    }

    /// Its claims, each once, in the order in which they are answered.
    #[must_use]
    pub fn claims(&self) -> Vec<&'static Claim> {
        let mut claims: Vec<&'static Claim> = Vec::new();
        for claim in self.asked.iter().flat_map(|asked| &asked.claims).filter_map(|id| claims::find(id).ok()) {
            if !claims.iter().any(|other| other.id == claim.id) {
                claims.push(claim);
            }
        }
        claims
    }
}

fn study(reader: &mut Reader<'_>, node: &Node, known: &[&str]) -> Option<Study> {
    let Value::Map(entries) = &node.value else {
        let found = reader.found(node);
        reader.problem(node.line.max(1), format!("found {found}; a study is a mapping of: {}", KEYS.join(", ")));
        return None;
    };
    reader.top = entries.first().map_or(1, |entry| entry.line);
    reader.known(entries, KEYS);
    let name = required(reader, entries, "name").and_then(|entry| reader.name(entry));
    let question = required(reader, entries, "question").and_then(|entry| reader.text(entry));
    let about =
        entries.iter().find(|entry| entry.key == "about").map_or(Some(String::new()), |entry| reader.text(entry));
    let list = required(reader, entries, "scenarios").and_then(|entry| reader.list(entry, "scenarios"));
    let mut asked: Vec<Asked> = Vec::new();
    for node in list? {
        let Some(one) = scenario(reader, node, known) else { continue };
        if asked.iter().any(|other| other.folder() == one.folder()) {
            reader.problem(node.line, format!("scenarios: {} is there twice; name it once", quoted(&one.scenario)));
        }
        asked.push(one);
    }
    Some(Study { name: name?, question: question?, about: about?, asked })
}

fn required<'n>(reader: &mut Reader<'_>, entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    let found = entries.iter().find(|entry| entry.key == key);
    if found.is_none() {
        reader.problem(reader.top, format!("{key} is missing"));
    }
    found
}

fn scenario(reader: &mut Reader<'_>, node: &Node, known: &[&str]) -> Option<Asked> {
    let Value::Map(entries) = &node.value else {
        reader.wrong_value("scenarios", node, "a mapping of: scenario, claims");
        return None;
    };
    let top = std::mem::replace(&mut reader.top, node.line);
    reader.known(entries, SCENARIO_KEYS);
    let name = required(reader, entries, "scenario").and_then(|entry| Some((entry.line, reader.text(entry)?)));
    let list = required(reader, entries, "claims").and_then(|entry| reader.list(entry, "claims"));
    reader.top = top;
    let (line, scenario) = name?;
    if !is_file(&scenario) && !known.contains(&scenario.as_str()) {
        let unknown = Unknown::new("scenario", &scenario, known.iter().copied());
        reader.problem(line, format!("scenario: {unknown}; or name a YAML file"));
    }
    let mut claims = Vec::new();
    for node in list? {
        match &node.value {
            Value::Text(id) => match claims::find(id) {
                Ok(claim) => claims.push(claim.id.to_owned()),
                Err(unknown) => reader.problem(node.line, format!("claims: {unknown}")),
            },
            _ => reader.wrong_value("claims", node, "the name of a claim"),
        }
    }
    Some(Asked { scenario, claims })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["add-one-rule", "memory"];

    #[test]
    fn a_study_is_read_with_its_scenarios_and_their_claims() {
        let text = "name: small\nquestion: Is it so?\nscenarios:\n  - scenario: memory\n    claims: [iptables-memory]\n  \
                    - {scenario: mine/own.yaml, claims: [iptables-memory, ipvs-cpu]}\n";
        let study = Study::read("small.yaml", text, KNOWN).unwrap();
        assert_eq!(study.asked.iter().map(Asked::folder).collect::<Vec<_>>(), ["memory", "own"]);
        assert_eq!(study.claims().iter().map(|claim| claim.id).collect::<Vec<_>>(), ["iptables-memory", "ipvs-cpu"]);
    }

    #[test]
    fn what_is_unknown_in_a_study_is_told_with_file_line_and_what_is_known() {
        let text = "name: small\nquestion: Is it so?\nscenarios:\n  - scenario: memori\n    claims: [iptables-memry]\n  \
                    - claims: 3\nwhat: else\n";
        let said = Study::read("small.yaml", text, KNOWN).unwrap_err().to_string();
        for part in [
            "small.yaml:4: scenario: unknown scenario \"memori\"; known: add-one-rule, memory (did you mean \"memory\"?)",
            "small.yaml:5: claims: unknown claim \"iptables-memry\"; known: iptables-add-rule,",
            "small.yaml:6: scenario is missing",
            "small.yaml:7: ",
        ] {
            assert!(said.contains(part), "{part}\n{said}");
        }
        let twice = "name: a\nquestion: b\nscenarios:\n  - {scenario: memory, claims: [ipvs-cpu]}\n  - {scenario: memory, claims: [ipvs-cpu]}\n";
        let said = Study::read("small.yaml", twice, KNOWN).unwrap_err().to_string();
        assert!(said.contains("small.yaml:5: scenarios: \"memory\" is there twice"), "{said}");
    }
}
