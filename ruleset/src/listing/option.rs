//! Rules as options: what `iptables-save` and `iptables -S` print.

use super::parts::{Parts, Target, negation};
use super::value;
use lab_core::node::{Direction, Side, Statement, Test};
use std::borrow::Cow;
use std::net::SocketAddr;

/// Reads the options of a rule.
pub(super) fn read(words: &[Cow<'_, str>]) -> Parts {
    let mut parts = Parts::default();
    let mut words = words;
    let mut holds = true;
    while let Some((first, rest)) = words.split_first() {
        let first = first.as_ref();
        if first == "!" {
            (holds, words) = (false, rest);
            continue;
        }
        words = match basic(first) {
            Some(option) => {
                // `-s ! 10.0.0.0/8` is how old versions wrote it.
                let (holds, rest) = match rest.split_first() {
                    Some((word, rest)) if word == "!" => (!holds, rest),
                    _ => (holds, rest),
                };
                match option {
                    Basic::Match | Basic::Target { .. } => {
                        let end = end(rest);
                        let (inner, after) = rest.split_at(end);
                        match option {
                            Basic::Target { is_goto } => target(&mut parts, is_goto, inner),
                            _ => module(&mut parts, inner),
                        }
                        after
                    }
                    Basic::Counters => {
                        let number = |place: usize| rest.get(place).and_then(|word| word.parse().ok());
                        parts.counters = number(0).zip(number(1));
                        &rest[rest.len().min(2)..]
                    }
                    Basic::Fragment => {
                        parts.unknown(format!("{}-f", negation(holds)));
                        rest
                    }
                    Basic::Nothing => rest,
                    _ => match rest.split_first() {
                        Some((value, rest)) => {
                            match option {
                                Basic::Address(side) => parts.address(holds, side, value),
                                Basic::Device(direction) => parts.device(holds, direction, value),
                                _ => parts.protocol(holds, value),
                            }
                            rest
                        }
                        None => {
                            parts.unknown(first);
                            rest
                        }
                    },
                }
            }
            None => {
                // `-p tcp --dport 80` needs no `-m tcp`.
                let end = end(words).max(1);
                let (inner, after) = words.split_at(end);
                let name = match first {
                    "--dport" | "--sport" | "--destination-port" | "--source-port" => "tcp",
                    _ => "",
                };
                options(&mut parts, name, inner, holds);
                after
            }
        };
        holds = true;
    }
    parts
}

/// An option of the rule itself.
#[derive(Clone, Copy)]
enum Basic {
    Address(Side),
    Device(Direction),
    Protocol,
    Match,
    Target { is_goto: bool },
    Counters,
    Fragment,
    Nothing,
}

fn basic(word: &str) -> Option<Basic> {
    Some(match word {
        "-s" | "--source" | "--src" => Basic::Address(Side::Source),
        "-d" | "--destination" | "--dst" => Basic::Address(Side::Destination),
        "-p" | "--protocol" | "--proto" => Basic::Protocol,
        "-i" | "--in-interface" => Basic::Device(Direction::In),
        "-o" | "--out-interface" => Basic::Device(Direction::Out),
        "-m" | "--match" => Basic::Match,
        "-j" | "--jump" => Basic::Target { is_goto: false },
        "-g" | "--goto" => Basic::Target { is_goto: true },
        "-c" | "--set-counters" => Basic::Counters,
        "-f" | "--fragment" => Basic::Fragment,
        "-4" | "-6" | "--ipv4" | "--ipv6" | "-w" | "--wait" => Basic::Nothing,
        _ => return None,
    })
}

/// Where the words of a match or a target end: before the next option of the rule itself.
fn end(words: &[Cow<'_, str>]) -> usize {
    let mut place = 0;
    while let Some(word) = words.get(place) {
        let of_rule = |word: &str| basic(word).is_some();
        match word.as_ref() {
            "--comment" | "--log-prefix" | "--nflog-prefix" => place += 2,
            "!" if words.get(place + 1).is_some_and(|next| of_rule(next)) => return place,
            word if place > 0 && of_rule(word) => return place,
            _ => place += 1,
        }
    }
    words.len()
}

/// Reads a match: its name, then its options.
fn module(parts: &mut Parts, words: &[Cow<'_, str>]) {
    match words.split_first() {
        Some((name, rest)) => options(parts, name, rest, true),
        None => parts.unknown("-m"),
    }
}

/// An option of a match or a target, with its values.
struct Given<'a> {
    holds: bool,
    name: &'a str,
    values: &'a [Cow<'a, str>],
}

impl<'a> Given<'a> {
    fn first(&self) -> &'a str {
        self.values.first().map_or("", AsRef::as_ref)
    }

    fn text(&self) -> String {
        format!("{}{} {}", negation(self.holds), self.name, self.values.join(" ")).trim_end().to_owned()
    }
}

/// The options in `words`, of which the first holds if `holds`.
fn given<'a>(words: &'a [Cow<'a, str>], mut holds: bool) -> impl Iterator<Item = Given<'a>> {
    let mut place = 0;
    std::iter::from_fn(move || {
        while words.get(place).is_some_and(|word| word == "!") {
            holds = false;
            place += 1;
        }
        let name = words.get(place)?.as_ref();
        place += 1;
        if words.get(place).is_some_and(|word| word == "!")
            && words.get(place + 1).is_some_and(|next| !next.starts_with("--"))
        {
            holds = !holds;
            place += 1;
        }
        let start = place;
        let takes_any = matches!(name, "--comment" | "--log-prefix" | "--nflog-prefix");
        while words
            .get(place)
            .is_some_and(|word| if takes_any { place == start } else { word != "!" && !word.starts_with("--") })
        {
            place += 1;
        }
        let given = Given { holds, name, values: &words[start..place] };
        holds = true;
        Some(given)
    })
}

/// Reads the options of the match `module`.
fn options(parts: &mut Parts, module: &str, words: &[Cow<'_, str>], holds: bool) {
    match module {
        "recent" => recent(parts, words),
        "statistic" => statistic(parts, words),
        "addrtype" if words.iter().any(|word| word.starts_with("--limit-iface")) => {
            unknown(parts, module, words, holds)
        }
        "limit" | "hashlimit" => limit(parts, module, words),
        "physdev" => match given(words, holds).collect::<Vec<_>>()[..] {
            [Given { holds, name: "--physdev-is-in", .. }] => parts.test(holds, Test::Bridged),
            _ => unknown(parts, module, words, holds),
        },
        "ipvs" => match virtual_server(&given(words, holds).collect::<Vec<_>>()) {
            Some(test) => parts.test(true, test),
            None => unknown(parts, module, words, holds),
        },
        "tcp" | "udp" | "sctp" | "dccp" | "udplite" | "comment" | "mark" | "conntrack" | "state" | "addrtype"
        | "set" | "multiport" | "iprange" | "nfacct" => {
            for given in given(words, holds) {
                if option(parts, module, &given).is_none() {
                    parts.unknown(format!("-m {module} {}", given.text()));
                }
            }
        }
        "icmp" | "icmp6" if words.is_empty() => {}
        _ => unknown(parts, module, words, holds),
    }
}

/// `--vproto 6 --vaddr 192.0.2.1 --vport 80`, as kube-proxy writes it.
fn virtual_server(given: &[Given<'_>]) -> Option<Test> {
    let value = |name: &str| given.iter().find(|given| given.holds && given.name == name).map(Given::first);
    let address = SocketAddr::new(value("--vaddr")?.parse().ok()?, value::port(value("--vport")?)?);
    let test = Test::Virtual(value::protocol(value("--vproto")?)?, address);
    (given.len() == 3).then_some(test)
}

fn unknown(parts: &mut Parts, module: &str, words: &[Cow<'_, str>], holds: bool) {
    let dash = if module.is_empty() { "" } else { "-m " };
    parts.unknown(format!("{}{dash}{module} {}", negation(holds), words.join(" ")).trim());
}

/// Reads one option of a match; `None` if it is not known, or not with these values.
fn option(parts: &mut Parts, module: &str, given: &Given<'_>) -> Option<()> {
    let (holds, first) = (given.holds, given.first());
    match (module, given.name) {
        ("comment", "--comment") => parts.comment(first),
        ("mark", "--mark") => parts.mark(holds, first)?,
        ("conntrack", "--ctstate") | ("state", "--state") => parts.states(holds, first)?,
        ("addrtype", "--src-type") => parts.kind(holds, Side::Source, first)?,
        ("addrtype", "--dst-type") => parts.kind(holds, Side::Destination, first)?,
        ("set", "--match-set") => parts.ipset(holds, first, given.values.get(1)?)?,
        ("multiport", "--dports" | "--destination-ports") => parts.ports(holds, Some(Side::Destination), first)?,
        ("multiport", "--sports" | "--source-ports") => parts.ports(holds, Some(Side::Source), first)?,
        ("multiport", "--ports") => parts.ports(holds, None, first)?,
        ("iprange", "--src-range") => parts.test(holds, Test::Address(Side::Source, value::span(first)?)),
        ("iprange", "--dst-range") => parts.test(holds, Test::Address(Side::Destination, value::span(first)?)),
        ("tcp", "--tcp-flags") => parts.test(holds, value::tcp_flags(first, given.values.get(1)?)?),
        ("tcp", "--syn") => parts.test(holds, value::tcp_flags("FIN,SYN,RST,ACK", "SYN")?),
        ("nfacct", "--nfacct-name") => parts.then(Statement::Aside(format!("nfacct {first}").into())),
        ("tcp" | "udp" | "sctp" | "dccp" | "udplite", "--dport" | "--destination-port") => {
            parts.port(holds, Side::Destination, first)?;
        }
        ("tcp" | "udp" | "sctp" | "dccp" | "udplite", "--sport" | "--source-port") => {
            parts.port(holds, Side::Source, first)?;
        }
        _ => return None,
    }
    Some(())
}

fn recent(parts: &mut Parts, words: &[Cow<'_, str>]) {
    let (mut list, mut seconds, mut does, mut simple) = ("DEFAULT", 0, None, true);
    for given in given(words, true) {
        match given.name {
            "--name" => list = given.first(),
            "--seconds" => match given.first().parse() {
                Ok(number) => seconds = number,
                Err(_) => simple = false,
            },
            "--rcheck" | "--update" | "--set" => does = Some((given.holds, given.name)),
            "--reap" | "--rsource" | "--mask" => {}
            _ => simple = false,
        }
    }
    match does {
        Some((holds, "--rcheck")) if simple => parts.test(holds, Test::Seen(list.into(), seconds)),
        Some((true, "--update")) if simple => {
            parts.test(true, Test::Seen(list.into(), seconds));
            parts.then(Statement::Note(list.into()));
        }
        Some((true, "--set")) if simple => parts.then(Statement::Note(list.into())),
        _ => unknown(parts, "recent", words, true),
    }
}

fn statistic(parts: &mut Parts, words: &[Cow<'_, str>]) {
    let (mut probability, mut every, mut packet) = (None, None, "0");
    for given in given(words, true) {
        match given.name {
            "--probability" => probability = Some((given.holds, given.first())),
            "--every" => every = Some((given.holds, given.first())),
            "--packet" => packet = given.first(),
            _ => {}
        }
    }
    let read = match (probability, every) {
        (Some((holds, probability)), None) => parts.random(holds, probability),
        (None, Some((holds, every))) => parts.nth(holds, every, packet),
        _ => None,
    };
    if read.is_none() {
        unknown(parts, "statistic", words, true);
    }
}

fn limit(parts: &mut Parts, module: &str, words: &[Cow<'_, str>]) {
    let mut text = String::new();
    for given in given(words, true) {
        let name = given.name.trim_start_matches("--").trim_start_matches(module).trim_start_matches('-');
        for word in [name].into_iter().chain(given.values.iter().map(AsRef::as_ref)).filter(|word| !word.is_empty()) {
            text.push_str(if text.is_empty() { "" } else { " " });
            text.push_str(word);
        }
    }
    parts.test(true, Test::Limited(text.into()));
}

/// Reads a target: its name, then its options.
fn target(parts: &mut Parts, is_goto: bool, words: &[Cow<'_, str>]) {
    let Some((name, rest)) = words.split_first() else {
        parts.unknown(if is_goto { "-g" } else { "-j" });
        return;
    };
    let mut target = Target { name, is_goto, options: rest.join(" "), ..Target::default() };
    for given in given(rest, true) {
        let first = given.first();
        match given.name {
            "--set-mark" => target.mark = value::mark_change("set", first),
            "--set-xmark" => target.mark = value::mark_change("xset", first),
            "--or-mark" => target.mark = value::mark_change("or", first),
            "--and-mark" => target.mark = value::mark_change("and", first),
            "--xor-mark" => target.mark = value::mark_change("xor", first),
            "--to-destination" | "--to-source" => target.to = Some(first),
            "--to-ports" | "--to-port" => target.ports = Some(first),
            "--reject-with" => target.reject = Some(first),
            "--notrack" => target.is_notrack = true,
            _ => {}
        }
    }
    parts.target(&target);
}
