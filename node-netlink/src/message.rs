//! Netlink's framing: writes and reads messages of attributes (linux/netlink.h).
//!
//! ```text
//! | length u32 | kind u16 | flags u16 | sequence u32 | port u32 | family's header | attributes … |
//!                                            an attribute: | length u16 | kind u16 | value | padding to 4 |
//! ```

/// The bytes before a message's payload: `struct nlmsghdr`.
const HEADER: usize = 16;
/// The bytes before an attribute's value: `struct nlattr`.
const ATTRIBUTE_HEADER: usize = 4;
/// Attributes up to this size are assembled before they are appended. An IPv6 address fits.
const SHORT: usize = 20;
const FLAGS_AT: usize = 6;
/// An attribute's kind without `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
const KIND_MASK: u16 = 0x3fff;

/// Writes messages one after the other into a buffer, which is reused.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    last: usize,
}

impl Writer {
    /// Appends a message; `payload` writes the family's header and the attributes.
    pub fn message(&mut self, kind: u16, flags: u16, sequence: u32, payload: impl FnOnce(&mut Self)) {
        let mut header = [0; HEADER];
        header[4..6].copy_from_slice(&kind.to_ne_bytes());
        header[FLAGS_AT..8].copy_from_slice(&flags.to_ne_bytes());
        header[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.last = self.bytes.len();
        self.bytes.extend_from_slice(&header);
        payload(self);
        let length = u32::try_from(self.bytes.len() - self.last).expect("a message is shorter than 4 GiB");
        self.bytes[self.last..self.last + 4].copy_from_slice(&length.to_ne_bytes());
    }

    /// Appends a family's fixed header, whose length is a multiple of 4.
    pub fn header(&mut self, bytes: &[u8]) {
        debug_assert!(bytes.len().is_multiple_of(4), "a header of {} bytes needs padding", bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends an attribute.
    ///
    /// # Panics
    /// When `value` does not fit into an attribute, which ends at 64 KiB.
    // Nearly every caller's length is constant. Inlined, this is one check for room and a few stores.
    #[inline(always)]
    pub fn attribute(&mut self, kind: u16, value: &[u8]) {
        let end = ATTRIBUTE_HEADER + value.len();
        let mut framed = [0; SHORT];
        framed[..2].copy_from_slice(&attribute_length(end).to_ne_bytes());
        framed[2..ATTRIBUTE_HEADER].copy_from_slice(&kind.to_ne_bytes());
        if end <= SHORT {
            framed[ATTRIBUTE_HEADER..end].copy_from_slice(value);
            self.bytes.extend_from_slice(&framed[..align(end)]);
        } else {
            self.bytes.extend_from_slice(&framed[..ATTRIBUTE_HEADER]);
            self.bytes.extend_from_slice(value);
            self.bytes.extend_from_slice(&[0; 3][..align(end) - end]);
        }
    }

    /// Appends an attribute that contains those that `inside` writes.
    ///
    /// # Panics
    /// When they do not fit into an attribute, which ends at 64 KiB.
    #[inline]
    pub fn nested(&mut self, kind: u16, inside: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        let kind = (kind | libc::NLA_F_NESTED as u16).to_ne_bytes();
        self.bytes.extend_from_slice(&[0, 0, kind[0], kind[1]]);
        inside(self);
        let length = attribute_length(self.bytes.len() - start).to_ne_bytes();
        self.bytes[start..start + 2].copy_from_slice(&length);
    }

    /// Adds flags to the last message.
    pub fn flag_last(&mut self, flags: u16) {
        if let Some([low, high]) = self.bytes.get_mut(self.last + FLAGS_AT..).and_then(<[u8]>::first_chunk_mut) {
            [*low, *high] = (u16::from_ne_bytes([*low, *high]) | flags).to_ne_bytes();
        }
    }

    /// The bytes so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Empties the buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.last = 0;
    }
}

fn attribute_length(length: usize) -> u16 {
    u16::try_from(length).expect("an attribute is shorter than 64 KiB")
}

/// A message that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its type: netlink's own below 16, the family's from there on.
    pub kind: u16,
    /// `NLM_F_…`.
    pub flags: u16,
    /// The number of the request it answers.
    pub sequence: u32,
    /// The family's header and the attributes.
    pub payload: &'a [u8],
}

/// Every message in `bytes`. The last is `None` if the rest is no message.
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Option<Message<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let message = first_message(bytes);
        bytes = message.and_then(|message| bytes.get(align(HEADER + message.payload.len())..)).unwrap_or_default();
        Some(message)
    })
}

fn first_message(bytes: &[u8]) -> Option<Message<'_>> {
    let header: &[u8; HEADER] = bytes.first_chunk()?;
    let number = |at| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    Some(Message {
        kind: u16::from_ne_bytes([header[4], header[5]]),
        flags: u16::from_ne_bytes([header[6], header[7]]),
        sequence: number(8),
        payload: bytes.get(HEADER..number(0) as usize)?,
    })
}

/// Every attribute in `bytes`: its kind without flags, and its value. One that is cut off ends the list.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let [l0, l1, k0, k1] = *bytes.first_chunk()?;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let value = bytes.get(ATTRIBUTE_HEADER..length)?;
        bytes = bytes.get(align(length)..).unwrap_or_default();
        Some((u16::from_ne_bytes([k0, k1]) & KIND_MASK, value))
    })
}

/// The value of the first attribute of `kind` in `bytes`.
#[must_use]
pub fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|(found, _)| *found == kind).map(|(_, value)| value)
}

/// Netlink pads everything to 4 bytes.
fn align(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message with a plain and a nested attribute. Both need padding.
    fn written() -> Writer {
        let mut writer = Writer::default();
        writer.message(0x1b, 1, 7, |w| {
            w.header(&[1, 2, 3, 4]);
            w.attribute(6, b"rr\0");
            w.nested(2, |w| w.attribute(3, b"\x1f\x90"));
        });
        writer
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_message_is_laid_out_byte_by_byte() {
        let expected = [
            &[40, 0, 0, 0, 0x1b, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0][..],
            &[1, 2, 3, 4],
            &[7, 0, 6, 0, b'r', b'r', 0, 0],
            &[12, 0, 2, 0x80, 6, 0, 3, 0, 0x1f, 0x90, 0, 0],
        ];
        assert_eq!(written().bytes(), expected.concat());
    }

    #[test]
    fn what_was_written_is_read_back() {
        let writer = written();
        let all: Vec<_> = messages(writer.bytes()).collect();
        let [Some(Message { kind: 0x1b, flags: 1, sequence: 7, payload })] = all[..] else { panic!("{all:?}") };
        assert_eq!(attribute(&payload[4..], 6), Some(&b"rr\0"[..]));
        assert_eq!(attributes(attribute(&payload[4..], 2).unwrap()).collect::<Vec<_>>(), [(3, &b"\x1f\x90"[..])]);
        assert_eq!(attribute(&payload[4..], 4), None);
    }

    #[test]
    fn only_the_last_message_is_flagged() {
        let mut writer = Writer::default();
        writer.flag_last(4);
        writer.message(16, 1, 1, |_| ());
        writer.message(16, 1, 2, |_| ());
        writer.flag_last(4);
        let flags: Vec<u16> = messages(writer.bytes()).map(|message| message.unwrap().flags).collect();
        assert_eq!(flags, [1, 5]);
    }

    #[test]
    fn a_length_that_cannot_be_ends_the_messages() {
        assert_eq!(messages(&[9; 40]).collect::<Vec<_>>(), [None]);
        assert_eq!(messages(&[0; 40]).collect::<Vec<_>>(), [None]);
    }

    proptest! {
        #[test]
        fn anything_at_all_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for message in messages(&bytes).flatten() {
                attributes(message.payload).for_each(drop);
            }
            attributes(&bytes).flat_map(|(_, value)| attributes(value)).for_each(drop);
        }

        #[test]
        fn attributes_are_read_back_as_they_were_written(
            values in proptest::collection::vec((1..KIND_MASK, proptest::collection::vec(any::<u8>(), 0..40)), 0..9)
        ) {
            let mut writer = Writer::default();
            values.iter().for_each(|(kind, value)| writer.attribute(*kind, value));
            let read: Vec<_> = attributes(writer.bytes()).map(|(kind, value)| (kind, value.to_vec())).collect();
            prop_assert_eq!(read, values);
        }
    }
}
