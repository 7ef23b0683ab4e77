//! IPVS's part of the way.

use super::Event;
use super::action::default_reject;
use super::cursor::Stage;
use super::ending::End;
use super::way::Way;
use std::net::IpAddr;

impl Way<'_, '_> {
    /// IPVS may take the packet.
    pub(super) fn ipvs(&mut self) -> bool {
        if self.cursor.by_ipvs.is_some() {
            return true;
        }
        let packet = &self.cursor.packet;
        let (protocol, to) = (packet.protocol, packet.destination);
        let servers = &self.walker.state.servers;
        let found = servers.iter().position(|server| server.serves(protocol, to.ip(), to.port()));
        let Some(place) = found else { return true };
        let server = &servers[place];
        let total: f64 = server.real.iter().map(|real| f64::from(real.weight)).sum();
        if total <= 0.0 {
            self.step(None, Event::Ipvs { server: place, real: None });
            let with = default_reject(self.cursor.packet.is_v4());
            return self.end(End::Rejected(with.into()), None);
        }
        let start = self.cursor.clone();
        for (number, real) in server.real.iter().enumerate().rev().filter(|(_, real)| real.weight > 0) {
            let chance = f64::from(real.weight) / total;
            self.cursor = start.clone();
            self.cursor.probability *= chance;
            self.cursor.by_ipvs = Some(server.address);
            self.cursor.destination_done = true;
            self.cursor.is_rewritten = true;
            self.cursor.packet.destination = real.address;
            self.cursor.tried_before = Some(self.cursor.tried);
            self.step(None, Event::Ipvs { server: place, real: Some(number) });
            if self.is_kept_in(real.address.ip()) {
                self.end(End::Dropped, None);
                continue;
            }
            // The packet goes out as one of the node's own.
            self.move_to(Stage::Output);
            self.ways.push(self.cursor.clone());
        }
        false
    }

    /// Whether IPVS drops the packet on its way to `real`: what comes from a loopback address does not leave the node
    /// (`crosses_local_route_boundary`).
    fn is_kept_in(&self, real: IpAddr) -> bool {
        self.cursor.packet.source.ip().is_loopback() && !self.walker.surroundings.is_local(real)
    }
}
