//! What a rule of iptables is made of, whichever listing has it.

use super::value;
use lab_core::node::{
    AddressKind, Direction, Element, Field, KeyPart, Pick, Rule, Set, SetRef, Side, Statement, States, Test, Verdict,
    WrittenPort,
};

/// A rule's tests and target, as they are read.
///
/// Tests that the packet decides are put first, the most selective ones in front; the others stay in their order: the
/// kernel tries them left to right, and some of them leave a trace.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Each with its rank.
    statements: Vec<(u8, Statement)>,
    /// Its comment.
    comment: Option<String>,
    /// Packets and bytes.
    pub(super) counters: Option<(u64, u64)>,
    /// Whether its addresses are of IPv4, if it has any.
    pub(super) is_v4: Option<bool>,
    /// Whether it rewrites the destination without saying to what.
    pub(super) lacks_destination: bool,
}

/// A target with its options, as far as they are told.
#[derive(Debug, Default)]
pub(super) struct Target<'a> {
    /// Its name: of a verdict, an extension or a chain.
    pub(super) name: &'a str,
    /// Whether it is a goto.
    pub(super) is_goto: bool,
    /// What the mark becomes: bits that stay, bits that are turned.
    pub(super) mark: Option<(u32, u32)>,
    /// What the address becomes.
    pub(super) to: Option<&'a str>,
    /// What the port becomes.
    pub(super) ports: Option<&'a str>,
    /// The error that is answered.
    pub(super) reject: Option<&'a str>,
    /// Whether `CT` turns tracking off.
    pub(super) is_notrack: bool,
    /// Its options as they stand.
    pub(super) options: String,
}

/// After every test that the packet decides.
const LATER: u8 = 100;
/// After everything else.
const LAST: u8 = 200;

impl Parts {
    /// Adds a test: the rule goes on if it holds (`true`) or does not.
    pub(super) fn test(&mut self, holds: bool, test: Test) {
        let rank = rank(&test);
        self.statements.push((rank, Statement::If(holds, test)));
    }

    /// Adds a test that is not known.
    pub(super) fn unknown(&mut self, text: impl Into<Box<str>>) {
        self.test(true, Test::Unknown(text.into()));
    }

    /// How many statements there are.
    pub(super) fn len(&self) -> usize {
        self.statements.len()
    }

    /// Adds a test that is not known before the statements from `place` on.
    pub(super) fn unknown_at(&mut self, place: usize, text: &str) {
        self.statements.insert(place, (LATER, Statement::If(true, Test::Unknown(text.into()))));
    }

    /// Adds what is done before the target.
    pub(super) fn then(&mut self, statement: Statement) {
        self.statements.push((LATER, statement));
    }

    /// Adds a comment. A rule with several has them one after the other.
    pub(super) fn comment(&mut self, text: &str) {
        match &mut self.comment {
            None => self.comment = Some(text.to_owned()),
            Some(held) => {
                held.push_str("; ");
                held.push_str(text);
            }
        }
    }

    /// Adds a test of an address: one, a network, or several with commas between.
    pub(super) fn address(&mut self, holds: bool, side: Side, word: &str) {
        if let Some(span) = value::span(word) {
            self.is_v4.get_or_insert(span.first.is_ipv4());
            if !(span.is_all() && holds) {
                self.test(holds, Test::Address(side, span));
            }
            return;
        }
        match word.split(',').map(value::span).collect::<Option<Vec<_>>>() {
            Some(spans) => {
                let mut set = Set::new("addresses");
                for span in spans {
                    self.is_v4.get_or_insert(span.first.is_ipv4());
                    let key = [KeyPart::Addresses(span)].into();
                    set.add(Element { key, outcome: None, comment: None, is_excluded: false });
                }
                self.test(holds, Test::Member([Field::Address(side)].into(), SetRef::Written(Box::new(set))));
            }
            None => {
                let option = if side == Side::Source { "-s" } else { "-d" };
                self.unknown(format!("{}{option} {word}", negation(holds)));
            }
        }
    }

    /// Adds a test of the transport protocol.
    pub(super) fn protocol(&mut self, holds: bool, word: &str) {
        match value::protocol(word) {
            Some(0) => {}
            Some(number) => self.test(holds, Test::Protocol(number)),
            None => self.unknown(format!("{}-p {word}", negation(holds))),
        }
    }

    /// Adds a test of a device, unless it stands for all.
    pub(super) fn device(&mut self, holds: bool, direction: Direction, name: &str) {
        if !matches!(name, "*" | "any" | "+") {
            self.test(holds, Test::Device(direction, name.into()));
        }
    }

    /// Adds a test of a port: one, or from a first to a last one.
    pub(super) fn port(&mut self, holds: bool, side: Side, word: &str) -> Option<()> {
        let (first, last) = value::ports(word)?;
        self.test(holds, Test::Port(side, first, last));
        Some(())
    }

    /// Adds a test of a port against several, of one side or of either.
    pub(super) fn ports(&mut self, holds: bool, side: Option<Side>, list: &str) -> Option<()> {
        let ranges = list.split(',').map(value::ports).collect::<Option<Box<[_]>>>()?;
        let test = match side {
            Some(side) => Test::Ports(side, ranges),
            None => Test::EitherPort(ranges),
        };
        self.test(holds, test);
        Some(())
    }

    /// Adds a test of the mark.
    pub(super) fn mark(&mut self, holds: bool, word: &str) -> Option<()> {
        let (value, mask) = value::mark(word)?;
        self.test(holds, Test::Mark { value, mask });
        Some(())
    }

    /// Adds a test of the connection's state.
    pub(super) fn states(&mut self, holds: bool, list: &str) -> Option<()> {
        let states = list.split(',').map(States::named).collect::<Option<Vec<_>>>()?;
        let states = states.into_iter().fold(States::default(), States::or);
        self.test(holds, Test::State(states));
        Some(())
    }

    /// Adds a test of what kind of address one is. Several kinds are read only where none of them may hold.
    pub(super) fn kind(&mut self, holds: bool, side: Side, list: &str) -> Option<()> {
        if holds && list.contains(',') {
            return None;
        }
        for kind in list.split(',') {
            let kind = match kind {
                "LOCAL" => AddressKind::Local,
                "UNICAST" => AddressKind::Unicast,
                "BROADCAST" => AddressKind::Broadcast,
                "MULTICAST" => AddressKind::Multicast,
                _ => AddressKind::Other,
            };
            self.test(holds, Test::Kind(side, kind));
        }
        Some(())
    }

    /// Adds a test against a set of ipset: `dst,dst`.
    pub(super) fn ipset(&mut self, holds: bool, name: &str, sides: &str) -> Option<()> {
        let side = |word| match word {
            "src" => Some(Side::Source),
            "dst" => Some(Side::Destination),
            _ => None,
        };
        let sides = sides.split(',').map(side).collect::<Option<Box<[_]>>>()?;
        self.test(holds, Test::InIpset(name.into(), sides));
        Some(())
    }

    /// Adds a pick at random.
    pub(super) fn random(&mut self, holds: bool, probability: &str) -> Option<()> {
        let probability = value::probability(probability)?;
        self.test(holds, Test::Pick(Pick::Random(probability)));
        Some(())
    }

    /// Adds a pick of each so-many-th packet.
    pub(super) fn nth(&mut self, holds: bool, every: &str, packet: &str) -> Option<()> {
        let pick = Pick::Nth(every.parse().ok().filter(|every| *every > 0)?, packet.parse().ok()?);
        self.test(holds, Test::Pick(pick));
        Some(())
    }

    /// The rule, once everything is added.
    pub(super) fn rule(mut self, text: &str, line: u32) -> Rule {
        self.statements.sort_by_key(|(rank, _)| *rank);
        Rule {
            text: text.into(),
            line,
            comment: self.comment.map(Into::into),
            counters: self.counters,
            statements: self.statements.into_iter().map(|(_, statement)| statement).collect(),
        }
    }

    /// Adds the target.
    pub(super) fn target(&mut self, target: &Target<'_>) {
        let unknown = || {
            let Target { name, options, .. } = target;
            if options.is_empty() { Box::from(*name) } else { format!("{name} {options}").into() }
        };
        let statement = match target.name {
            "ACCEPT" => Statement::Go(Verdict::Accept),
            "DROP" => Statement::Go(Verdict::Drop),
            "RETURN" => Statement::Go(Verdict::Return),
            "REJECT" => Statement::Go(Verdict::Reject(target.reject.unwrap_or_default().into())),
            "QUEUE" | "NFQUEUE" => Statement::Go(Verdict::Queue),
            "MARK" => {
                target.mark.map_or_else(|| Statement::Unknown(unknown()), |(keep, flip)| Statement::Mark { keep, flip })
            }
            "MASQUERADE" => Statement::Masquerade,
            "DNAT" | "SNAT" => match target.to.and_then(value::rewrite) {
                Some(rewrite) => {
                    self.is_v4 = self.is_v4.or(value::family(&rewrite));
                    if target.name == "DNAT" { Statement::Dnat(rewrite) } else { Statement::Snat(rewrite) }
                }
                None => {
                    self.lacks_destination = target.name == "DNAT";
                    Statement::Unknown(unknown())
                }
            },
            "REDIRECT" => match target.ports.map(value::written_port) {
                None => Statement::Redirect(WrittenPort::Same),
                Some(Some(port)) => Statement::Redirect(port),
                Some(None) => Statement::Unknown(unknown()),
            },
            "NOTRACK" => Statement::NoTrack,
            "CT" if target.is_notrack => Statement::NoTrack,
            name if is_aside(name) => Statement::Aside(unknown()),
            name if is_extension(name) || !target.options.is_empty() => Statement::Unknown(unknown()),
            name if target.is_goto => Statement::Go(Verdict::Goto(name.into())),
            name => Statement::Go(Verdict::Jump(name.into())),
        };
        self.statements.push((LAST, statement));
    }
}

/// The sign of a test that must not hold.
pub(super) fn negation(holds: bool) -> &'static str {
    if holds { "" } else { "! " }
}

/// Targets that change nothing on a packet's way.
pub(super) fn is_aside(name: &str) -> bool {
    matches!(
        name,
        "LOG"
            | "NFLOG"
            | "ULOG"
            | "TRACE"
            | "AUDIT"
            | "TCPMSS"
            | "TCPOPTSTRIP"
            | "TOS"
            | "DSCP"
            | "ECN"
            | "TTL"
            | "HL"
            | "CHECKSUM"
            | "CLASSIFY"
            | "SECMARK"
            | "CONNSECMARK"
            | "IDLETIMER"
            | "LED"
            | "RATEEST"
    )
}

/// Targets of iptables that are no chains and whose effect is not read here.
pub(super) fn is_extension(name: &str) -> bool {
    matches!(
        name,
        "CT" | "CONNMARK"
            | "NETMAP"
            | "TEE"
            | "TPROXY"
            | "SET"
            | "SYNPROXY"
            | "CLUSTERIP"
            | "HMARK"
            | "DNPT"
            | "SNPT"
            | "MIRROR"
            | "SAME"
    )
}

/// The place of a test among the others of its rule.
fn rank(test: &Test) -> u8 {
    match test {
        Test::Address(Side::Destination, _) | Test::Member(..) => 0,
        Test::Protocol(_) => 1,
        Test::Port(Side::Destination, ..) | Test::Ports(Side::Destination, _) => 2,
        Test::Port(..) | Test::Ports(..) | Test::EitherPort(_) => 3,
        Test::Address(Side::Source, _) => 4,
        Test::Mark { .. } => 5,
        Test::Kind(..) => 6,
        Test::State(_) => 7,
        Test::Device(..) | Test::IsV4(_) | Test::Bridged | Test::Virtual(..) | Test::TcpFlags { .. } => 8,
        Test::InIpset(..) => 9,
        Test::Pick(_) | Test::Seen(..) | Test::Limited(_) | Test::Unknown(_) => LATER,
    }
}
