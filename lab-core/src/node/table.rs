//! Tables and chains, whichever tool made them.

use super::{Rule, Set};
use std::collections::HashMap;

/// What made a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Maker {
    /// iptables of either variant: the listing does not tell.
    Iptables,
    /// iptables-legacy.
    IptablesLegacy,
    /// iptables-nft.
    IptablesNft,
    /// nft.
    Nft,
}

impl Maker {
    /// Whether its tables are those of iptables.
    #[must_use]
    pub fn is_iptables(self) -> bool {
        self != Self::Nft
    }
}

/// The families of the packets that meet a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Families {
    /// `ip`
    V4,
    /// `ip6`
    V6,
    /// `inet`
    Both,
    /// `arp`, `bridge`, `netdev`: no packet of a walk meets it.
    Other,
}

impl Families {
    /// Whether a packet of IPv4 (`true`) or IPv6 meets it.
    #[must_use]
    pub fn includes(self, is_v4: bool) -> bool {
        match self {
            Self::V4 => is_v4,
            Self::V6 => !is_v4,
            Self::Both => true,
            Self::Other => false,
        }
    }
}

/// Where the kernel calls a base chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookPoint {
    /// A packet came in.
    Prerouting,
    /// It is for the node itself.
    Input,
    /// It is for another host.
    Forward,
    /// The node itself sends it.
    Output,
    /// It leaves.
    Postrouting,
}

impl HookPoint {
    /// In the order in which packets meet them.
    pub const ALL: [Self; 5] = [Self::Prerouting, Self::Input, Self::Forward, Self::Output, Self::Postrouting];

    /// The name, in capitals as iptables has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prerouting => "PREROUTING",
            Self::Input => "INPUT",
            Self::Forward => "FORWARD",
            Self::Output => "OUTPUT",
            Self::Postrouting => "POSTROUTING",
        }
    }

    /// The hook of this name, in capitals or not.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name().eq_ignore_ascii_case(name))
    }
}

/// What a base chain may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NatKind {
    /// It sees every packet.
    Filter,
    /// It sees the first packet of a connection, and may rewrite its addresses.
    Nat,
    /// As `Filter`; a packet of the node itself gets a new route after it.
    Route,
}

/// Where and when a base chain is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hook {
    /// Where.
    pub point: HookPoint,
    /// Chains of lower priority come first.
    pub priority: i32,
    /// What it may do.
    pub kind: NatKind,
}

impl Hook {
    /// Where the kernel calls the chain `name` of iptables' table `table`; `None` if it calls none of this name.
    #[must_use]
    pub fn of_iptables(table: &str, name: &str) -> Option<Self> {
        use HookPoint::{Forward, Input, Output, Postrouting, Prerouting};
        let point = HookPoint::ALL.into_iter().find(|hook| hook.name() == name)?;
        let (priority, kind) = match (table, point) {
            ("raw", Prerouting | Output) => (-300, NatKind::Filter),
            ("mangle", Output) => (-150, NatKind::Route),
            ("mangle", _) => (-150, NatKind::Filter),
            ("nat", Prerouting | Output) => (-100, NatKind::Nat),
            ("nat", Input | Postrouting) => (100, NatKind::Nat),
            ("filter", Input | Forward | Output) => (0, NatKind::Filter),
            ("security", Input | Forward | Output) => (50, NatKind::Filter),
            _ => return None,
        };
        Some(Self { point, priority, kind })
    }
}

/// A chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// Its name.
    pub name: Box<str>,
    /// Where the kernel calls it; `None` for a chain that only other chains call.
    pub hook: Option<Hook>,
    /// Whether a packet at the end of a base chain is dropped.
    pub drops: bool,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
    /// Lines of the listing that are left out here, such as `......`, by the number of rules before them. What is in them
    /// is not known.
    pub gaps: Vec<usize>,
}

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What made it.
    pub maker: Maker,
    /// Whose packets meet it.
    pub families: Families,
    /// Its name, such as `nat` or `kube-proxy`.
    pub name: Box<str>,
    /// The listing that it was read from: a file's name.
    pub source: Box<str>,
    /// Its sets and maps, of nftables.
    pub sets: HashMap<Box<str>, Set>,
    chains: Vec<Chain>,
    places: HashMap<Box<str>, usize>,
}

impl Table {
    /// A table without chains.
    #[must_use]
    pub fn new(maker: Maker, families: Families, name: impl Into<Box<str>>, source: impl Into<Box<str>>) -> Self {
        Self {
            maker,
            families,
            name: name.into(),
            source: source.into(),
            sets: HashMap::new(),
            chains: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Its chains, in the listing's order.
    #[must_use]
    pub fn chains(&self) -> &[Chain] {
        &self.chains
    }

    /// How many rules it has, in all chains.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.chains.iter().map(|chain| chain.rules.len()).sum()
    }

    /// The place of the chain of this name in [`chains`](Self::chains).
    #[must_use]
    pub fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The chain of this name.
    #[must_use]
    pub fn chain(&self, name: &str) -> Option<&Chain> {
        self.place(name).map(|place| &self.chains[place])
    }

    /// The chain of this name, which is made if there is none. In a table of iptables it gets its hook by its name.
    pub fn chain_mut(&mut self, name: &str) -> &mut Chain {
        let place = match self.places.get(name) {
            Some(&place) => place,
            None => {
                let hook = self.maker.is_iptables().then(|| Hook::of_iptables(&self.name, name)).flatten();
                let name: Box<str> = name.into();
                self.places.insert(name.clone(), self.chains.len());
                self.chains.push(Chain { name, hook, drops: false, rules: Vec::new(), gaps: Vec::new() });
                self.chains.len() - 1
            }
        };
        &mut self.chains[place]
    }
}
