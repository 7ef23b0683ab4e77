//! Damages inputs: bytes, spans and lines, numbers and words. What is put in comes from other seeds, and from what tends
//! to be overlooked.

use crate::seeds::{Seeds, is_of_word};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// No input has more bytes.
const LONGEST: usize = 256 << 10;
/// The most damages of one input.
const MOST: usize = 8;

/// What numbers are replaced by.
const NUMBERS: [&[u8]; 24] = [
    b"0",
    b"-1",
    b"1",
    b"010",
    b"1e2",
    b"1.0",
    b"1e300",
    b"-1e308",
    b"1e999",
    b"NaN",
    b"inf",
    b"255",
    b"256",
    b"65535",
    b"65536",
    b"2147483648",
    b"4294967295",
    b"4294967296",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"0x7fffffffffffffff",
    b"340282366920938463463374607431768211456",
];

/// What is put in anywhere.
const PIECES: [&[u8]; 30] = [
    b"",
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b",",
    b":",
    b": ",
    b"=",
    b"- ",
    b"\n---\n",
    b"null",
    b"&a ",
    b"*a",
    b"<<: ",
    b"%",
    b"!",
    b"#",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
];

/// The numbers of a file that is not text.
const WORDS: [u64; 8] = [0, 1, 0x7f, 0xffff, 0x7fff_ffff, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, u64::MAX];

/// The input with this number, the same in every run with the same `seed`.
#[must_use]
pub fn input(seeds: &Seeds, seed: u64, number: u64) -> Vec<u8> {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    // Every seed as it is, first.
    if let Some(whole) = usize::try_from(number).ok().and_then(|number| seeds.all.get(number)) {
        return whole.clone();
    }
    let mut bytes = dice.of(&seeds.all).cloned().unwrap_or_default();
    for _ in 0..=dice.below(MOST) {
        damage(&mut bytes, seeds, &mut dice);
        bytes.truncate(LONGEST);
    }
    bytes
}

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.0.next_u64() % sides.max(1) as u64).unwrap_or(0)
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }

    /// A span of up to `longest` bytes, mostly a short one.
    fn span(&mut self, length: usize, longest: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let longest = if self.below(4) == 0 { longest } else { longest.min(16) };
        start..(start + self.below(longest + 1)).min(length)
    }
}

fn damage(bytes: &mut Vec<u8>, seeds: &Seeds, dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    match dice.below(15) {
        0 => _ = bytes.get_mut(at).map(|byte| *byte ^= 1 << dice.below(8)),
        1 => _ = bytes.get_mut(at).map(|byte| *byte = dice.below(256) as u8),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(dice.span(bytes.len(), 4096))),
        4 => {
            let part = bytes[dice.span(bytes.len(), 4096)].to_vec();
            insert(bytes, at, &part);
        }
        5 => {
            let other = dice.of(&seeds.all).map_or(&[][..], Vec::as_slice);
            let part = other[dice.span(other.len(), 4096)].to_vec();
            insert(bytes, at, &part);
        }
        6 => {
            // The rest of another seed.
            let other = dice.of(&seeds.all).map_or(&[][..], Vec::as_slice);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[dice.below(other.len() + 1)..]);
        }
        7 => insert(bytes, at, PIECES[dice.below(PIECES.len())]),
        8 => {
            let word = dice.of(&seeds.words).map_or(&[][..], Vec::as_slice);
            insert(bytes, at, word);
        }
        9 | 10 => {
            let word = dice.of(&seeds.words).map_or(&[][..], Vec::as_slice);
            replace(bytes, at, is_of_word, word);
        }
        11 | 12 => {
            if seeds.is_text {
                replace(bytes, at, |byte| byte.is_ascii_digit() || byte == b'.', NUMBERS[dice.below(NUMBERS.len())]);
            } else {
                let (word, width) = (WORDS[dice.below(WORDS.len())].to_le_bytes(), 1 << dice.below(4));
                let end = (at + width).min(bytes.len());
                bytes[at.min(end)..end].copy_from_slice(&word[..end - at.min(end)]);
            }
        }
        13 => lines(bytes, dice),
        _ => {
            // Many of one kind, within each other or one after the other.
            let piece = match dice.below(2) {
                0 => PIECES[dice.below(PIECES.len())],
                _ => dice.of(&seeds.words).map_or(&[][..], Vec::as_slice),
            };
            let many = piece.repeat(1 << dice.below(12));
            insert(bytes, at, &many);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    bytes.splice(at..at, part.iter().copied());
}

/// Replaces the next run of bytes that are `of` it, from `at` on.
fn replace(bytes: &mut Vec<u8>, at: usize, of: impl Fn(u8) -> bool, by: &[u8]) {
    let Some(start) = (at..bytes.len()).find(|&place| of(bytes[place])) else { return };
    let end = (start..bytes.len()).find(|&place| !of(bytes[place])).unwrap_or(bytes.len());
    bytes.splice(start..end, by.iter().copied());
}

/// Doubles, drops or exchanges lines.
fn lines(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let mut all: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    if all.is_empty() {
        return;
    }
    let (one, other) = (dice.below(all.len()), dice.below(all.len()));
    match dice.below(3) {
        0 => all.swap(one, other),
        1 => all.insert(other, all[one]),
        _ => drop(all.drain(one.min(other)..(one.max(other) + 1).min(one.min(other) + 20))),
    }
    *bytes = all.concat();
}
