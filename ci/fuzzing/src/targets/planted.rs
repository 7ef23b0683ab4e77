//! Faults by which the limits are tested: they are no readers, and are tried only by name.

use super::Target;
use crate::seeds::Seeds;
use std::hint::black_box;

const fn of(name: &'static str, read: fn(&[u8])) -> Target {
    Target { name, seeds: || Seeds::text(vec![b"a 1".to_vec()]), read }
}

pub(super) const ALL: &[Target] = &[
    of("planted-panic", |bytes| assert!(!bytes.contains(&b'9'), "a nine")),
    of("planted-hang", |bytes| {
        while black_box(bytes.contains(&b'9')) {
            std::thread::yield_now();
        }
    }),
    of("planted-memory", |bytes| {
        if bytes.contains(&b'9') {
            drop(black_box(vec![1_u8; 2 << 30]));
        }
    }),
    of("planted-depth", |bytes| {
        if bytes.contains(&b'9') {
            black_box(deeper(1));
        }
    }),
    of("planted-nothing", |bytes| _ = black_box(bytes.len())),
];

fn deeper(depth: u64) -> u64 {
    let kept = black_box([depth; 64]);
    if black_box(depth) == 0 { 0 } else { deeper(depth + 1) + kept[0] }
}
