//! The words for what a walk shows.

use super::Explained;
use analysis::explain::{Client, Entry, protocol_name};
use lab_core::foreign::{short, shown};
use lab_core::path::{Assumption, End, Ending, Place, SourceAddress};
use lab_core::vocabulary::{Access, Origin};
use std::net::SocketAddr;

/// A rule's own words are cut to so many characters.
const RULE: usize = 64;
/// Shares that differ less than this from one in a whole number are shown as such.
const NEAR: f64 = 1e-4;

impl Explained<'_> {
    /// A chain, by table and name: `nat KUBE-SERVICES`.
    pub(super) fn chain(&self, place: Place) -> String {
        let table = &self.walker.state().tables[place.table];
        shown(&format!("{} {}", table.name, table.chains()[place.chain].name))
    }

    /// A chain's name.
    pub(super) fn chain_name(&self, place: Place) -> String {
        shown(&self.walker.state().tables[place.table].chains()[place.chain].name)
    }

    /// A rule: `rule 3 of nat KUBE-SERVICES`; its chain's policy where there is no rule.
    pub(super) fn rule(&self, place: Place) -> String {
        match place.rule {
            Some(rule) => format!("rule {} of {}", rule + 1, self.chain(place)),
            None => format!("the policy of {}", self.chain(place)),
        }
    }

    /// What a rule says: its comment or, without one, its words.
    pub(super) fn says(&self, place: Place) -> String {
        let chain = &self.walker.state().tables[place.table].chains()[place.chain];
        let Some(rule) = place.rule.and_then(|rule| chain.rules.get(rule)) else { return String::new() };
        short(rule.comment.as_deref().unwrap_or(&rule.text), RULE)
    }

    /// A rule's own words.
    pub(super) fn own_words(&self, place: Place) -> String {
        let chain = &self.walker.state().tables[place.table].chains()[place.chain];
        place.rule.and_then(|rule| chain.rules.get(rule)).map_or_else(String::new, |rule| short(&rule.text, RULE * 2))
    }

    /// Where a packet comes from, with its address: `a pod (10.244.255.254)`.
    pub(super) fn client(&self, client: Client, is_v4: bool) -> String {
        let address = self.clients.address(client, is_v4);
        match client {
            Client::Address(address) => address.to_string(),
            Client::At(origin) => format!("{} ({address})", origin_words(origin)),
        }
    }

    /// What a packet ends as: `sent`, `dropped by rule 3 of …`.
    pub(super) fn end(&self, ending: &Ending) -> String {
        let by = |verb: &str| match ending.by {
            Some(place) => format!("{verb} by {}", self.rule(place)),
            None => format!("{verb} by IPVS: no real server"),
        };
        match &ending.end {
            End::Sent if ending.is_rewritten => "sent".to_owned(),
            End::Sent => "sent on as it is: no rule leads to an endpoint".to_owned(),
            End::Delivered if ending.is_rewritten => "delivered on the node".to_owned(),
            End::Delivered => "delivered to the node itself: no rule leads to an endpoint".to_owned(),
            End::Dropped => by("dropped"),
            End::MarkedToDrop => {
                let by = ending.by.map_or_else(String::new, |place| format!(" by {}", self.rule(place)));
                format!("marked{by} to be dropped; kubelet's KUBE-FIREWALL, which does it, is not in the listing")
            }
            End::Rejected(with) if with.is_empty() => by("rejected"),
            End::Rejected(with) => by(&format!("rejected ({})", shown(with))),
            End::Queued => by("handed to a program"),
            End::Unlisted(_) => "not known from there on".to_owned(),
            End::Loop => match ending.by {
                Some(place) => format!("{} leads back to itself; the kernel refuses that", self.chain(place)),
                None => "the chains lead back to themselves".to_owned(),
            },
            End::GaveUp => "not known: the walk was ended, it took too long".to_owned(),
        }
    }

    /// Where an ending leads: an address, or the chain that no listing has.
    pub(super) fn leads_to(&self, ending: &Ending) -> String {
        match &ending.end {
            End::Unlisted(chain) => format!("{} (not in the listing)", shown(chain)),
            _ => ending.destination.to_string(),
        }
    }

    /// The source address that a packet leaves with, and why.
    pub(super) fn source(&self, ending: &Ending) -> String {
        let by = ending.source_by.map_or_else(String::new, |place| format!(", by {}", self.rule(place)));
        match ending.source {
            SourceAddress::Kept => "kept".to_owned(),
            SourceAddress::Node(Some(address)) => format!("the node's, {address}{by}"),
            SourceAddress::Node(None) => format!("the node's{by}"),
            SourceAddress::Written(span) => format!("{span}{by}"),
        }
    }

    /// What a side way takes for granted.
    pub(super) fn assumed(&self, assumption: &Assumption) -> String {
        match assumption {
            Assumption::SeenBefore { list, seconds: Some(seconds) } => {
                format!("the client was sent there in the last {seconds} s (list {})", shown(list))
            }
            Assumption::SeenBefore { list, seconds: None } => {
                format!("the client was sent there before (set {})", shown(list))
            }
            Assumption::OverLimit(place) => format!("the limit of {} is reached", self.rule(*place)),
            Assumption::Unknown(place) => {
                format!("{} applies, which is not known here: {}", self.rule(*place), self.own_words(*place))
            }
        }
    }
}

pub(super) fn origin_words(origin: Origin) -> &'static str {
    match origin {
        Origin::Pod => "a pod",
        Origin::Node => "the node",
        Origin::Outside => "outside",
    }
}

/// What an entry is, for a heading.
pub(super) fn access(entry: &Entry) -> &'static str {
    match entry.access {
        Some(Access::ClusterIp) => "its cluster IP",
        Some(Access::NodePort) => "its node port",
        Some(Access::LoadBalancer) => "its load balancer's address",
        Some(Access::ExternalIp) => "an external IP",
        None if entry.name.is_empty() => "an address that no Service's rules name",
        None => "an external address",
    }
}

/// `10.96.0.10:53/udp`
pub(super) fn destination(address: SocketAddr, protocol: u8) -> String {
    format!("{address}/{}", protocol_name(protocol))
}

/// A probability: `1/7` where it is one in a whole number, otherwise in percent.
pub(super) fn share(probability: f64) -> String {
    if probability <= 0.0 {
        return "0".to_owned();
    }
    let whole = (1.0 / probability).round();
    match () {
        () if (probability - 1.0).abs() < NEAR => "1".to_owned(),
        () if (probability * whole - 1.0).abs() < NEAR && whole < 1e6 => format!("1/{whole}"),
        () => percent(probability),
    }
}

/// A probability in percent, with two decimals.
fn percent(probability: f64) -> String {
    match probability * 100.0 {
        percent if percent < 0.005 => "< 0.01 %".to_owned(),
        percent => format!("{percent:.2} %"),
    }
}

/// A probability as a rule states it: `0.14286`.
pub(super) fn written(probability: f64) -> String {
    format!("{probability:.5}")
}

/// A mark.
pub(super) fn mark(mark: u32) -> String {
    format!("{mark:#x}")
}
