//! What is no text: the kernel's answers, programs, modules; and the manifests beside what was fetched.

use super::Target;
use crate::seeds::Seeds;
use guests::untrusted;
use node_netlink::message::Writer;
use std::fs;

/// As much of a program as its headers, its segments and its section headers are in.
const LARGEST: usize = 200 << 10;

pub(super) const NETLINK: Target = Target {
    name: "netlink",
    seeds: || Seeds::binary(vec![service(2), service(10), address()]),
    read: |bytes| _ = node_netlink::untrusted::answers(bytes),
};

pub(super) const ELF: Target =
    Target { name: "elf", seeds: || Seeds::binary(vec![program()]), read: |bytes| _ = untrusted::elf(bytes) };

pub(super) const MODULE: Target =
    Target { name: "module", seeds: || Seeds::binary(vec![module()]), read: |bytes| _ = untrusted::module(bytes) };

pub(super) const MANIFEST: Target = Target {
    name: "manifest",
    seeds: || {
        let kernel = "{\"suite\":\"debian-12\",\"package\":\"linux-image-6.1.0-56-amd64\",\"version\":\"6.1.192-2\",\
                      \"release\":\"6.1.0-56-amd64\",\"vmlinuz_sha256\":\"00\",\"debs\":[{\"package\":\"x\",\"sha256\":\
                      \"ff\"}],\"fetched\":\"2026-11-21T14:00:00Z\"}\n";
        let tools = "{\"suite\":\"debian-13\",\"packages\":[\"iptables 1.8.11-2\"],\"root_sha256\":\"00\",\"debs\":[],\
                     \"fetched\":\"2026-11-21T14:00:00Z\"}\n";
        Seeds::text(vec![kernel.into(), tools.into()])
    },
    read: |bytes| _ = untrusted::manifest(bytes),
};

/// A virtual server and a real one, as the kernel tells them.
fn service(family: u16) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.message(0x1b, 2, 7, |writer| {
        writer.header(&[1, 1, 0, 0]);
        writer.nested(1, |writer| {
            writer.attribute(1, &family.to_ne_bytes());
            writer.attribute(2, &6_u16.to_ne_bytes());
            writer.attribute(3, &[10; 16]);
            writer.attribute(4, &80_u16.to_be_bytes());
            writer.attribute(6, b"rr\0");
            writer.attribute(7, &[0; 8]);
            writer.attribute(8, &0_u32.to_ne_bytes());
            writer.attribute(9, &u32::MAX.to_ne_bytes());
        });
    });
    writer.message(0x1b, 2, 8, |writer| {
        writer.header(&[5, 1, 0, 0]);
        writer.nested(2, |writer| {
            writer.attribute(1, &[10; 16]);
            writer.attribute(2, &8080_u16.to_be_bytes());
            writer.attribute(3, &0_u32.to_ne_bytes());
            writer.attribute(4, &1_u32.to_ne_bytes());
            writer.attribute(11, &family.to_ne_bytes());
        });
    });
    writer.bytes().to_vec()
}

/// An address of a device.
fn address() -> Vec<u8> {
    let mut writer = Writer::default();
    writer.message(20, 2, 1, |writer| {
        writer.header(&[2, 32, 0, 0]);
        writer.header(&3_u32.to_ne_bytes());
        writer.attribute(1, &[10, 96, 0, 1]);
        writer.attribute(2, &[10, 96, 0, 1]);
    });
    writer.bytes().to_vec()
}

/// The beginning of a program that is on every machine; sections are not needed.
fn program() -> Vec<u8> {
    let mut bytes = fs::read("/bin/true").or_else(|_| fs::read("/proc/self/exe")).unwrap_or_default();
    bytes.truncate(LARGEST);
    bytes
}

/// A module's file with nothing in it but what is read: its header, one section of entries, and the sections' names.
fn module() -> Vec<u8> {
    let entries = b"depends=nf-conntrack,libcrc32c\0softdep=pre: a b post: c\0alias=ip_vs_rr\0vermagic=6.1.0 SMP\0";
    let names = b"\0.modinfo\0.shstrtab\0";
    let section = |name: u32, kind: u32, offset: usize, size: usize| {
        let mut header = [name.to_le_bytes(), kind.to_le_bytes()].concat();
        for number in [0, 0, offset as u64, size as u64, 0, 1, 0] {
            header.extend(number.to_le_bytes());
        }
        header
    };
    let (first, second) = (64, 64 + entries.len());
    let table = second + names.len();
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([1_u16, 62].map(u16::to_le_bytes).concat());
    file.extend(1_u32.to_le_bytes());
    file.extend([0_u64, 0, table as u64].map(u64::to_le_bytes).concat());
    file.extend(0_u32.to_le_bytes());
    file.extend([64_u16, 0, 0, 64, 3, 2].map(u16::to_le_bytes).concat());
    file.extend(entries);
    file.extend(names);
    file.extend(
        [section(0, 0, 0, 0), section(1, 1, first, entries.len()), section(10, 3, second, names.len())].concat(),
    );
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_read() {
        assert!(untrusted::elf(&program()) && untrusted::module(&module()));
        assert!((MANIFEST.seeds)().all.iter().all(|seed| untrusted::manifest(seed)));
        assert!((NETLINK.seeds)().all.iter().all(|seed| node_netlink::untrusted::answers(seed) > 0));
    }
}
