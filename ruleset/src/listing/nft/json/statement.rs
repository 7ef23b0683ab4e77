//! Statements of nft's JSON, written as its text has them.

use super::expression::Writer;
use serde_json::Value;

/// The statements of a rule, with its comment, as one line of text.
pub(super) fn rule(rule: &Value) -> String {
    let mut writer = Writer::new();
    for statement in rule["expr"].as_array().into_iter().flatten() {
        match statement.as_object().and_then(|statement| statement.iter().next()) {
            Some((kind, value)) => writer.statement(kind, value),
            None => writer.expression(statement),
        }
    }
    if let Some(comment) = rule["comment"].as_str() {
        writer.word("comment");
        writer.quoted(comment);
    }
    writer.out
}

impl Writer {
    fn statement(&mut self, kind: &str, value: &Value) {
        match (kind, value) {
            ("match", _) => self.comparison(value),
            ("vmap", _) => {
                self.expression(&value["key"]);
                self.word("vmap");
                self.expression(&value["data"]);
            }
            ("mangle", _) => {
                self.expression(&value["key"]);
                self.word("set");
                self.marks = is_of_mark(&value["key"]);
                self.expression(&value["value"]);
                self.marks = false;
            }
            ("counter", Value::Object(_)) => {
                self.word(&format!("counter packets {} bytes {}", value["packets"], value["bytes"]));
            }
            ("counter" | "limit" | "quota" | "synproxy", Value::String(name)) => {
                self.word(&format!("{kind} name"));
                self.quoted(name);
            }
            ("ct helper" | "ct timeout" | "ct expectation", _) => {
                self.word(&format!("{kind} set"));
                self.quoted(value.as_str().unwrap_or_default());
            }
            ("ct count", _) => {
                let over = if value["inv"] == true { "over " } else { "" };
                self.word(&format!("ct count {over}{}", value["val"]));
            }
            ("limit", _) => self.limit(value),
            ("quota", _) => {
                let over = if value["inv"] == true { "over " } else { "" };
                self.word(&format!("quota {over}{} {}", value["val"], value["val_unit"].as_str().unwrap_or("bytes")));
            }
            ("log", _) => self.log(value),
            ("reject", _) => self.reject(value),
            ("dnat" | "snat" | "masquerade" | "redirect", _) => self.translation(kind, value),
            ("set" | "map", Value::Object(_)) => self.update(value),
            ("xt", Value::Object(_)) => {
                self.word(&format!("xt {}", value["type"].as_str().unwrap_or("match")));
                self.quoted(value["name"].as_str().unwrap_or_default());
            }
            ("xt", _) => self.word("xt match \"?\""),
            ("queue", _) => {
                self.word("queue");
                if value.get("num").is_some() {
                    self.word("num");
                    self.expression(&value["num"]);
                }
                self.flags(value);
            }
            ("flow", _) => {
                self.word("flow add");
                self.expression(&value["flowtable"]);
            }
            ("notrack", _) => self.word("notrack"),
            ("counter", Value::Null) => self.word(kind),
            ("last", _) => self.word("last used"),
            ("accept" | "drop" | "continue" | "return", _) => self.word(kind),
            ("jump" | "goto", _) => {
                self.word(kind);
                self.word(value["target"].as_str().unwrap_or_default());
            }
            _ => self.unknown(kind, value),
        }
    }

    /// A statement that is not known here: its name, and in quotes what it says.
    fn unknown(&mut self, kind: &str, value: &Value) {
        let said: String = value.to_string().chars().take(200).collect();
        self.word(kind);
        if !value.is_null() {
            self.quoted(&said);
        }
    }

    /// `ip daddr 10.0.0.1`, `meta mark & 0x4000 == 0x4000`
    fn comparison(&mut self, value: &Value) {
        let left = &value["left"];
        self.marks = is_of_mark(left) || left["&"].as_array().is_some_and(|sides| sides.iter().any(is_of_mark));
        self.expression(left);
        let is_masked = ["&", "|", "^"].iter().any(|sign| left.get(sign).is_some());
        match value["op"].as_str() {
            Some("==" | "in") | None if !is_masked => {}
            Some("in") => self.word("=="),
            Some(sign) => self.word(sign),
            None => {}
        }
        self.expression(&value["right"]);
        self.marks = false;
    }

    fn limit(&mut self, value: &Value) {
        let word = |key: &str| value[key].as_str().unwrap_or_default();
        let over = if value["inv"] == true { "over " } else { "" };
        let unit = match word("rate_unit") {
            "" | "packets" => String::new(),
            unit => format!(" {unit}"),
        };
        self.word(&format!("limit rate {over}{}{unit}/{}", value["rate"], word("per")));
        match (value["burst"].as_u64(), word("burst_unit")) {
            // nft's text leaves out what it gives by itself.
            (None | Some(0 | 5), "" | "packets") => {}
            (Some(burst), "") => self.word(&format!("burst {burst} packets")),
            (Some(burst), unit) => self.word(&format!("burst {burst} {unit}")),
            (None, _) => {}
        }
    }

    fn log(&mut self, value: &Value) {
        self.word("log");
        for key in ["prefix", "group", "snaplen", "queue-threshold", "level"] {
            match &value[key] {
                Value::String(text) if key == "prefix" => {
                    self.word(key);
                    self.quoted(text);
                }
                Value::Null => {}
                value => {
                    self.word(key);
                    self.expression(value);
                }
            }
        }
        if value.get("flags").is_some() {
            self.word("flags");
            self.expression(&value["flags"]);
        }
    }

    fn reject(&mut self, value: &Value) {
        self.word("reject");
        match (value["type"].as_str(), value["expr"].as_str()) {
            (Some("tcp reset"), _) => self.word("with tcp reset"),
            // nft's text leaves out what it gives by itself.
            (Some(_), Some("port-unreachable")) => {}
            (Some(kind), Some(error)) => self.word(&format!("with {kind} {error}")),
            _ => {}
        }
    }

    /// `dnat ip to 10.0.0.1:80 fully-random`
    fn translation(&mut self, kind: &str, value: &Value) {
        self.word(kind);
        if let Some(family) = value["family"].as_str() {
            self.word(family);
        }
        let (addresses, port) = (value.get("addr"), value.get("port"));
        if addresses.is_some() || port.is_some() {
            self.word("to");
        }
        if let Some(addresses) = addresses {
            let start = self.out.len() + 1;
            self.expression(addresses);
            let is_plain = self.out.get(start..).is_some_and(|word| word.contains(':') && !word.contains(' '));
            if port.is_some() && is_plain {
                self.out.insert(start, '[');
                self.out.push(']');
            }
        }
        if let Some(port) = port {
            let mut writer = Self::new();
            writer.expression(port);
            if addresses.is_none() {
                self.out.push(' ');
            }
            self.out.push(':');
            self.out.push_str(&writer.out);
        }
        self.flags(value);
    }

    fn flags(&mut self, value: &Value) {
        if value.get("flags").is_some() {
            self.expression(&value["flags"]);
        }
    }

    /// `update @affinity-… { ip saddr timeout 10800s }`
    fn update(&mut self, value: &Value) {
        let word = |key: &str| value[key].as_str().unwrap_or_default();
        self.word(word("op"));
        self.word(if value.get("map").is_some() { word("map") } else { word("set") });
        self.word("{");
        self.element(&value["elem"], value.get("data"));
        for statement in value["stmt"].as_array().into_iter().flatten().filter_map(Value::as_object) {
            statement.iter().take(1).for_each(|(kind, value)| self.statement(kind, value));
        }
        self.word("}");
    }
}

/// Whether an expression is the mark of a packet or of a connection.
fn is_of_mark(expression: &Value) -> bool {
    ["meta", "ct"].iter().any(|kind| expression[kind]["key"] == "mark")
}
