//! The steps of a walk to one of its ends, in few words each.

use super::Explained;
use super::words::{mark, share};
use lab_core::foreign::shown;
use lab_core::node::{Forwarding, RealServer, VirtualServer};
use lab_core::path::{Ending, Event, Place, Step, Walk};

/// A step as a row of a table.
pub(super) struct Line {
    /// The hook, on the first row of it.
    pub(super) hook: String,
    /// The chain: `nat KUBE-SERVICES`.
    pub(super) chain: String,
    /// The rule's number, from 1; empty where it is none's.
    pub(super) rule: String,
    /// What the rule says.
    pub(super) says: String,
    /// What happens.
    pub(super) happens: String,
}

/// The places in the walk's steps from its start to `ending`.
pub(super) fn path(walk: &Walk, ending: &Ending) -> Vec<usize> {
    let mut path = Vec::new();
    let mut next = Some(ending.step);
    while let Some(step) = next {
        path.push(step);
        next = walk.steps[step].before;
    }
    path.reverse();
    path
}

impl Explained<'_> {
    /// The steps to `ending`.
    pub(super) fn lines(&self, walk: &Walk, ending: &Ending) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut hook = String::new();
        for place in path(walk, ending) {
            let step = &walk.steps[place];
            if let Event::Hook(name) = step.event {
                name.name().clone_into(&mut hook);
                continue;
            }
            let Some(happens) = self.happens(step) else { continue };
            // What several steps of one rule do stands in one row.
            let rule = step.place.and_then(|place| place.rule).map_or_else(String::new, |rule| (rule + 1).to_string());
            let chain = step.place.map_or_else(String::new, |place| self.chain(place));
            match lines.last_mut() {
                Some(last) if hook.is_empty() && step.place.is_some() && last.chain == chain && last.rule == rule => {
                    last.happens = format!("{}; {happens}", last.happens);
                }
                _ => {
                    let says = step.place.map_or_else(String::new, |place| self.says(place));
                    lines.push(Line { hook: std::mem::take(&mut hook), chain, rule, says, happens });
                }
            }
        }
        lines
    }

    /// What happens at a step, in a few words; `None` where nothing is to be told.
    fn happens(&self, step: &Step) -> Option<String> {
        let state = self.walker.state();
        Some(match &step.event {
            Event::Hook(_) | Event::Base | Event::Passed { .. } | Event::Return => return None,
            Event::Enter { chain, is_goto } => {
                let place = Place { chain: *chain, rule: None, ..step.place? };
                format!("{} {}", if *is_goto { "⇒" } else { "→" }, self.chain_name(place))
            }
            Event::Missing(chain) => format!("→ {}, which is not in the listing", shown(chain)),
            Event::Gap => "lines of the listing are left out here; what they do is not known".to_owned(),
            Event::Mark { from, to } => format!("mark {} becomes {}", mark(*from), mark(*to)),
            Event::Note(list) => format!("the client is noted in {}", shown(list)),
            Event::Picked { probability } => {
                format!("picked, with {} of those that come here", share(*probability))
            }
            Event::Assume(assumption) => format!("if {}", self.assumed(assumption)),
            Event::OneOf(several) => format!("the destination becomes one of {several}; the first stands for all"),
            Event::Taken => "no chain in the listings leads here; kube-proxy has it called at this hook".to_owned(),
            Event::NoRules => "no rules of this address family are in the listings".to_owned(),
            Event::Dnat(to) => format!("destination becomes {to}"),
            Event::Masquerade => "source becomes the node's address".to_owned(),
            Event::Snat(span) => format!("source becomes {span}"),
            Event::NoTrack => "not tracked: nothing is rewritten".to_owned(),
            Event::Accept => "accepted".to_owned(),
            Event::Routed(true) => "routed: it is for the node".to_owned(),
            Event::Routed(false) => return None,
            Event::Ipvs { server, real } => {
                let server = &state.servers[*server];
                match real {
                    Some(real) => virtual_server(server, &server.real[*real]),
                    None => format!("IPVS, virtual server {}: it has no real server", server.address),
                }
            }
            Event::Unknown => "not known here: from here on it may be otherwise".to_owned(),
            Event::Missed => "tried, does not apply".to_owned(),
            Event::End(_) => return None,
        })
    }
}

/// What a virtual server does with a packet, and whether a client stays with its real server.
fn virtual_server(server: &VirtualServer, real: &RealServer) -> String {
    let done = match real.forwarding {
        Forwarding::Masquerade => format!("destination becomes {}", real.address),
        Forwarding::Route | Forwarding::Tunnel => format!("sent to {} as it is", real.address),
    };
    let stays = match server.persistence {
        Some(seconds) => format!("; a client stays there for {seconds} s"),
        None if matches!(&*server.scheduler, "sh" | "mh" | "dh") => "; a client always meets the same one".to_owned(),
        None => String::new(),
    };
    format!("IPVS, virtual server {} ({}): {done}{stays}", server.address, shown(&server.scheduler))
}
