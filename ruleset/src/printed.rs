//! States as the tools would list them: for who has a state and wants a listing.

use crate::ipset::Sets;
use crate::iptables::{Policy, Tables};
use crate::ipvs::Servers;
use crate::nft::{Ruleset, Set};
use std::fmt::Write;

impl Tables {
    /// As `iptables-save` prints it.
    #[must_use]
    pub fn save(&self) -> String {
        let mut out = String::new();
        for (name, chains) in &self.tables {
            let _ = writeln!(out, "*{name}");
            for (chain, held) in chains {
                let policy = match held.policy {
                    Policy::Return => "-",
                    Policy::Accept => "ACCEPT",
                    Policy::Drop => "DROP",
                };
                let _ = writeln!(out, ":{chain} {policy} [0:0]");
            }
            for (chain, held) in chains {
                for rule in &held.rules {
                    let _ = writeln!(out, "-A {chain} {}", rule.text());
                }
            }
            out.push_str("COMMIT\n");
        }
        out
    }
}

impl Ruleset {
    /// As `nft list ruleset` prints it, but for the spelling of numbers.
    #[must_use]
    pub fn list(&self) -> String {
        let mut out = String::new();
        for (name, table) in &self.tables {
            let _ = writeln!(out, "table {name} {{");
            for (name, set) in &table.sets {
                let _ = writeln!(out, "\t{} {name} {{", if set.is_map { "map" } else { "set" });
                properties(&set.properties, &mut out);
                elements(set, &mut out);
                out.push_str("\t}\n");
            }
            for (name, chain) in &table.chains {
                let _ = writeln!(out, "\tchain {name} {{");
                properties(&chain.properties, &mut out);
                for rule in &chain.rules {
                    let _ = writeln!(out, "\t\t{rule}");
                }
                out.push_str("\t}\n");
            }
            out.push_str("}\n");
        }
        out
    }
}

fn properties(properties: &str, out: &mut String) {
    if !properties.is_empty() {
        let _ = writeln!(out, "\t\t{properties}");
    }
}

fn elements(set: &Set, out: &mut String) {
    if set.elements.is_empty() {
        return;
    }
    out.push_str("\t\telements = { ");
    for (place, (key, rest)) in set.elements.iter().enumerate() {
        if place > 0 {
            out.push_str(",\n\t\t\t     ");
        }
        out.push_str(key);
        if !rest.is_empty() {
            out.push(' ');
            out.push_str(rest);
        }
    }
    out.push_str(" }\n");
}

impl Sets {
    /// As `ipset save` prints it.
    #[must_use]
    pub fn save(&self) -> String {
        let mut out = String::new();
        for (name, set) in &self.sets {
            let _ = writeln!(out, "create {name} {}", set.kind);
            for entry in &set.entries {
                let _ = writeln!(out, "add {name} {entry}");
            }
        }
        out
    }
}

impl Servers {
    /// As `ipvsadm -Sn` prints it.
    #[must_use]
    pub fn save(&self) -> String {
        let mut out = String::new();
        for (key, server) in &self.servers {
            let (protocol, address) = key.split_once(' ').unwrap_or(("FWM", key));
            let option = match protocol {
                "TCP" => "-t",
                "UDP" => "-u",
                "SCTP" => "--sctp-service",
                _ => "-f",
            };
            let _ = write!(out, "-A {option} {address} -s {}", server.scheduler);
            if let Some(seconds) = server.persistence {
                let _ = write!(out, " -p {seconds}");
            }
            if !server.flags.is_empty() {
                let _ = write!(out, " -b {}", server.flags.join(","));
            }
            out.push('\n');
            for (real, rest) in &server.real {
                let (forwarding, weight) = rest.split_once(' ').unwrap_or((rest, "1"));
                let forwarding = match forwarding {
                    "Masq" => "-m",
                    "Tunnel" => "-i",
                    _ => "-g",
                };
                let _ = writeln!(out, "-a {option} {address} -r {real} {forwarding} -w {weight}");
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iptables::Family;

    #[test]
    fn what_is_printed_is_read_back() {
        let save = "*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -m comment --comment \"a b\" -j KUBE-SERVICES\n-A KUBE-SERVICES -d 10.96.0.10 -p tcp -m tcp --dport 80 -j DROP\nCOMMIT\n";
        let tables = Tables::read(Family::V4, save).unwrap();
        assert_eq!(Tables::read(Family::V4, &tables.save()).unwrap(), tables);

        let list = "table ip kube-proxy {\n\tset cluster-ips {\n\t\ttype ipv4_addr\n\t\tcomment \"x y\"\n\t\telements = { 10.96.0.1,\n 10.96.0.2 }\n\t}\n\tmap service-ips {\n\t\ttype ipv4_addr . inet_proto . inet_service : verdict\n\t\telements = { 10.96.0.1 . tcp . 80 comment \"a/b\" : goto service-A-a/b/tcp/ }\n\t}\n\tchain filter-input {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tct state new jump service-A-a/b/tcp/\n\t}\n\tchain service-A-a/b/tcp/ {\n\t\tmeta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 10.0.0.1 . 80, 1 : 10.0.0.2 . 80 }\n\t}\n}\n";
        let ruleset = Ruleset::read(list).unwrap();
        assert_eq!(Ruleset::read(&ruleset.list()).unwrap(), ruleset);

        let sets = Sets::read_save("create A hash:ip,port family inet maxelem 10\nadd A 10.0.0.1,tcp:80\n").unwrap();
        assert_eq!(Sets::read_save(&sets.save()).unwrap(), sets);

        let servers = "-A -t 10.0.0.1:80 -s mh -p 300 -b mh-port\n-a -t 10.0.0.1:80 -r 10.1.0.1:80 -m -w 2\n-A -u 10.0.0.1:53 -s rr\n";
        let servers = Servers::read_save(servers).unwrap();
        assert_eq!(Servers::read_save(&servers.save()).unwrap(), servers);
    }
}
