//! The encoding of files: UTF-8, with or without a mark before it. Another one is named, with what to do.

/// Why bytes are no text in UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// They begin with the mark of UTF-16, as PowerShell and editors of Windows write it.
    #[error("it is in UTF-16; save it in UTF-8")]
    Utf16,
    /// There is a byte 0 in them.
    #[error("line {line} has a byte 0, which no text has: it is a file of another kind, or damaged")]
    Nul {
        /// The number of the line, from 1.
        line: usize,
    },
    /// There are bytes that are none of UTF-8's.
    #[error("line {line} is not in UTF-8, at its byte {byte}; it may be in Latin-1: save it in UTF-8")]
    NotUtf8 {
        /// The number of the line, from 1.
        line: usize,
        /// Which of the line's bytes, from 1.
        byte: usize,
    },
}

/// The mark of UTF-8, which editors of Windows put before it.
const MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// The text that `bytes` are, without a mark before it.
///
/// # Errors
/// When they are none in UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, NotText> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(NotText::Utf16);
    }
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    let line = |before: &[u8]| 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        NotText::NotUtf8 { line: line(before), byte: before.len() - start + 1 }
    })?;
    match text.find('\0') {
        Some(place) => Err(NotText::Nul { line: line(&bytes[..place]) }),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_encoding_is_named_with_its_line_and_what_to_do() {
        assert_eq!(text(b"\xef\xbb\xbfname: x\n"), Ok("name: x\n"));
        assert_eq!(text("größe".as_bytes()), Ok("größe"));
        let said = |bytes: &[u8]| text(bytes).unwrap_err().to_string();
        assert_eq!(said(b"\xff\xfen\0a\0"), "it is in UTF-16; save it in UTF-8");
        assert_eq!(
            said(b"name: x\ngr\xf6sse\n"),
            "line 2 is not in UTF-8, at its byte 3; it may be in Latin-1: save it in UTF-8"
        );
        assert!(said(b"a\n\0").starts_with("line 2 has a byte 0"));
    }
}
