//! Goes through a listing's lines and gives each to what it is a part of.

use super::address::Addresses;
use super::column::Columns;
use super::command::{self, Hint};
use super::draft::{Draft, Form};
use super::dump::{Dump, Held};
use super::ipset::Ipsets;
use super::ipvs::Servers;
use super::note::quote;
use super::oddity::{Oddities, Oddity};
use super::{Listing, Note, Reading, nft, option};
use crate::words;

/// What is known across listings.
#[derive(Debug, Default)]
pub(super) struct Reader {
    reading: Reading,
    held: Held,
    ipsets: Ipsets,
    servers: Servers,
    addresses: Addresses,
    /// What is being read of the present listing.
    dump: Dump,
    columns: Option<Columns>,
    oddities: Oddities,
    /// Whether a line was recognised.
    is_recognised: bool,
}

impl Reader {
    /// What was read.
    pub(super) fn end(self) -> Reading {
        self.reading
    }

    /// Reads a listing.
    pub(super) fn read(&mut self, listing: &Listing<'_>) {
        let first_note = self.reading.notes.len();
        self.is_recognised = false;
        let (mut offset, mut number) = (0, 0);
        while offset < listing.text.len() {
            let rest = &listing.text[offset..];
            let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
            number += 1;
            // Posts have their listings between backquotes.
            let line = rest[..end].trim().trim_matches('`').trim();
            if let Some(length) = nftables(line, rest) {
                self.end_dump(listing.name);
                let tables = self.reading.state.tables.len();
                nft::read(listing.name, number, &rest[..length], &mut self.reading);
                self.held.note(tables, &self.reading);
                self.is_recognised = true;
                number += rest[..length].matches('\n').count() - usize::from(rest[..length].ends_with('\n'));
                offset += length;
                continue;
            }
            offset += end;
            self.line(listing.name, line, number);
        }
        self.end_dump(listing.name);
        self.ipsets.end();
        self.servers.end();
        self.addresses.end();
        self.dump = Dump::default();
        let oddities = std::mem::take(&mut self.oddities);
        let notes = &mut self.reading.notes;
        if self.is_recognised {
            notes.extend(oddities.notes(listing.name));
        } else {
            let says = match listing.text.lines().map(str::trim).find(|line| !line.is_empty()) {
                Some(line) => format!(
                    "no listing of iptables, nft, ipset, ipvsadm or ip in it is recognised; it starts with {}",
                    quote(line)
                ),
                None => "no listing of iptables, nft, ipset, ipvsadm or ip in it is recognised: it is empty".to_owned(),
            };
            notes.push(Note { listing: listing.name.into(), line: 0, says });
        }
        notes[first_note..].sort_by_key(|note| note.line);
    }

    fn end_dump(&mut self, listing: &str) {
        self.columns = None;
        if !self.dump.is_empty() {
            self.dump.end(listing, &mut self.held, &mut self.oddities, &mut self.reading);
        }
    }

    /// Reads a line that is none of nftables.
    fn line(&mut self, listing: &str, line: &str, number: usize) {
        if line.is_empty() {
            self.ipsets.end_members();
            return;
        }
        if self.rules(listing, line, number) {
            self.is_recognised = true;
            return;
        }
        let (state, oddities) = (&mut self.reading.state, &mut self.oddities);
        if self.ipsets.line(line, number, state, oddities)
            || self.servers.line(line, number, state, oddities)
            || self.addresses.line(line, state)
        {
            self.is_recognised = true;
            self.end_dump(listing);
            self.dump.hint = Hint::default();
            return;
        }
        if self.column(line, number) || self.ipsets.member(line, &mut self.reading.state) {
            return;
        }
        if let Some(hint) = Hint::of_header(line) {
            if hint.differs(&self.dump.hint) {
                self.end_dump(listing);
            }
            self.dump.hint = hint;
        } else if let Some(hint) = Hint::of_command(line) {
            // A heading that has more words than a command is one all the same.
            self.end_dump(listing);
            self.dump.hint = hint;
        } else if let Some(draft) =
            self.dump.open(&[Form::Save, Form::Options, Form::Columns]).filter(|_| command::is_gap(line))
        {
            draft.gap();
        } else if command::is_gap(line) || !command::is_quiet(line) {
            self.oddities.add(Oddity::Line, number, || quote(line));
        }
    }

    /// Reads a line of `iptables-save` or `iptables -S`, or the heading of a chain of `iptables -L`.
    fn rules(&mut self, listing: &str, line: &str, number: usize) -> bool {
        match line.as_bytes()[0] {
            b'*' => self.table(listing, line, number),
            b':' => self.declaration(line, number),
            b'-' | b'[' => self.rule(line, number).is_some(),
            b'C' if line == "COMMIT" => {
                if let Some(draft) = self.dump.open(&[Form::Save]) {
                    draft.is_complete = true;
                }
                self.dump.close();
                true
            }
            b'C' => self.heading(listing, line, number).is_some(),
            _ => false,
        }
    }

    /// `*nat`
    fn table(&mut self, listing: &str, line: &str, number: usize) -> bool {
        let name = &line[1..];
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            return false;
        }
        let other_form = self.columns.is_some() || self.dump.open(&[Form::Options]).is_some();
        if other_form || self.dump.has(name) {
            self.end_dump(listing);
        }
        self.dump.start(Form::Save, Some(name), number);
        true
    }

    /// `:INPUT DROP [12:3400]`
    fn declaration(&mut self, line: &str, number: usize) -> bool {
        let mut words = line[1..].split_whitespace();
        let (Some(name), Some(policy)) = (words.next(), words.next()) else { return false };
        if !matches!(policy, "ACCEPT" | "DROP" | "-" | "QUEUE" | "RETURN") {
            return false;
        }
        let draft = match self.dump.open(&[Form::Save]) {
            Some(draft) => draft,
            None => self.dump.start(Form::Save, None, number),
        };
        draft.open(name).drops |= policy == "DROP";
        true
    }

    /// `-A KUBE-SERVICES -d …`, `[1:60] -A …`, `-N KUBE-SERVICES`, `-P INPUT ACCEPT`
    fn rule(&mut self, line: &str, number: usize) -> Option<()> {
        let (counters, rest) = match line.strip_prefix('[') {
            Some(rest) => {
                let (counters, rest) = rest.split_once("] ")?;
                let (packets, bytes) = counters.split_once(':')?;
                (Some((packets.parse().ok()?, bytes.parse().ok()?)), rest)
            }
            None => (None, line),
        };
        let (verb, rest) = rest.split_once(char::is_whitespace)?;
        let rest = rest.trim_start();
        let (name, rest) =
            rest.split_once(char::is_whitespace).map_or((rest, ""), |(name, rest)| (name, rest.trim_start()));
        if name.is_empty() || name.starts_with('-') {
            // `-A -t 10.96.0.1:443` is of ipvsadm.
            return None;
        }
        match verb {
            "-A" | "--append" => {
                let words = words::split(rest);
                let mut parts = option::read(&words);
                parts.counters = counters.or(parts.counters);
                let (dump, oddities) = (&mut self.dump, &mut self.oddities);
                let draft = match dump.open(&[Form::Save, Form::Options]) {
                    Some(draft) => draft,
                    None => {
                        self.columns = None;
                        dump.start(Form::Options, None, number)
                    }
                };
                draft.add(name, parts, rest, number, oddities);
            }
            "-N" | "--new-chain" if rest.is_empty() => drop(self.listed(name, number).open(name)),
            "-P" | "--policy" if matches!(rest.split_whitespace().next(), Some("ACCEPT" | "DROP")) => {
                self.listed(name, number).open(name).drops = rest.starts_with("DROP");
            }
            _ => return None,
        }
        Some(())
    }

    /// The table of `iptables -S` in which `name` is declared: the open one, as long as it has no rules.
    fn listed(&mut self, name: &str, number: usize) -> &mut Draft {
        let is_open = |draft: &mut Draft| !draft.has_rules() && !draft.has(name);
        self.columns = None;
        if self.dump.open(&[Form::Options]).is_some_and(is_open) {
            return self.dump.open(&[Form::Options]).expect("it is open");
        }
        self.dump.start(Form::Options, None, number)
    }

    /// `Chain INPUT (policy ACCEPT 12 packets, 34 bytes)`, `Chain KUBE-SERVICES (2 references)`
    fn heading(&mut self, listing: &str, line: &str, number: usize) -> Option<()> {
        let (name, about) = line.strip_prefix("Chain ")?.trim_start().split_once(char::is_whitespace)?;
        let mut about = about.trim_start().strip_prefix('(')?.split_whitespace();
        let drops = match about.next()? {
            "policy" => about.next()?.starts_with("DROP"),
            _ if about.next()?.starts_with("reference") => false,
            _ => return None,
        };
        if self.columns.is_none() && !self.dump.is_empty() {
            self.end_dump(listing);
        }
        if self.dump.open(&[Form::Columns]).is_none_or(|draft| draft.ends_before(name)) {
            self.dump.start(Form::Columns, None, number);
        }
        self.columns.get_or_insert(Columns::plain());
        let draft = self.dump.open(&[Form::Columns])?;
        draft.open(name).drops = drops;
        Some(())
    }

    /// A heading of columns, or a rule under it.
    fn column(&mut self, line: &str, number: usize) -> bool {
        let Some(columns) = self.columns else { return false };
        if let Some(columns) = Columns::read(line) {
            if !columns.has_devices {
                self.oddities.add(Oddity::NoDevices, number, String::new);
            }
            self.columns = Some(columns);
            return true;
        }
        let Some((parts, text)) = columns.rule(line) else { return false };
        let Some(draft) = self.dump.open(&[Form::Columns]) else { return false };
        draft.add_to_last(parts, text, number, &mut self.oddities);
        true
    }
}

/// How long the text of nftables is that starts here, if any starts here.
fn nftables(line: &str, rest: &str) -> Option<usize> {
    /// `{"nftables": [` is at the start, whatever blanks there are.
    const START: usize = 200;
    if line.starts_with('{') {
        let start = rest.char_indices().nth(START).map_or(rest, |(end, _)| &rest[..end]);
        return start.contains("\"nftables\"").then(|| braces(rest, |_| false));
    }
    if !is_table(line) {
        return None;
    }
    // Tables that follow each other are one text.
    let mut length = 0;
    loop {
        length += braces(&rest[length..], is_other);
        let next = rest[length..].split_inclusive('\n').take_while(|line| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#')
        });
        let blank: usize = next.map(str::len).sum();
        let following = rest[length + blank..].lines().next().unwrap_or_default().trim();
        if !is_table(following) {
            return Some(length);
        }
        length += blank;
    }
}

/// Whether a line starts a table of nft.
fn is_table(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let Some("table") = words.next() else { return false };
    let mut next = words.next();
    if matches!(next, Some("ip" | "ip6" | "inet" | "arp" | "bridge" | "netdev")) {
        next = words.next();
    }
    next.is_some_and(|name| name.ends_with('{') || words.next().is_some_and(|brace| brace.starts_with('{')))
}

/// Whether a line is of another listing, so that a text of nftables was cut off before it.
fn is_other(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("-A ")
        || line.starts_with("Chain ")
        || line.starts_with("# Generated by")
        || line.starts_with("$ ")
        || line.strip_prefix('*').is_some_and(|name| name.trim_end().bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The length of `text` up to the line in which the braces that it opens are closed, or before a line at which it ends.
fn braces(text: &str, ends: impl Fn(&str) -> bool) -> usize {
    let (mut depth, mut length, mut is_quoted, mut is_escaped) = (0_usize, 0, false, false);
    for line in text.split_inclusive('\n') {
        if length > 0 && ends(line) {
            return length;
        }
        length += line.len();
        let mut opened = false;
        for byte in line.bytes() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => is_quoted = !is_quoted,
                b'{' if !is_quoted => (depth, opened) = (depth + 1, true),
                b'}' if !is_quoted => (depth, opened) = (depth.saturating_sub(1), true),
                // What comes after it in a line is a comment.
                b'#' if !is_quoted => break,
                _ => {}
            }
        }
        // Neither nft nor its JSON breaks a line in quotes.
        is_quoted = false;
        if depth == 0 && (opened || length == text.len()) {
            return length;
        }
    }
    length
}
