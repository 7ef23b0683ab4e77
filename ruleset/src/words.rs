//! A line's words, with the quotes that iptables and ipset write.

use std::borrow::Cow;

/// The words of `line`. Between double quotes a blank is a character like any other, and so is what follows a backslash.
pub(crate) fn split(line: &str) -> Vec<Cow<'_, str>> {
    let mut words = Vec::with_capacity(24);
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', '\t', '\n', '\r', '"']).unwrap_or(rest.len());
        if rest[end..].starts_with('"') {
            let (word, after) = plainly_quoted(rest).unwrap_or_else(|| {
                let (word, after) = quoted(rest);
                (Cow::Owned(word), after)
            });
            words.push(word);
            rest = after.trim_start();
        } else {
            words.push(Cow::Borrowed(&rest[..end]));
            rest = rest[end..].trim_start();
        }
    }
    words
}

/// A word at the start of `text` that is one pair of quotes without a backslash, and what follows it: the usual case.
fn plainly_quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = text.strip_prefix('"')?;
    let end = inner.bytes().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let after = inner[end..].strip_prefix('"')?;
    after.is_empty().then_some(()).or(after.starts_with([' ', '\t', '\n', '\r']).then_some(()))?;
    Some((Cow::Borrowed(&inner[..end]), after))
}

/// A word with quotes at the start of `text`, without them, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let (mut word, mut open, mut characters) = (String::new(), false, text.char_indices());
    while let Some((place, character)) = characters.next() {
        match character {
            '"' => open = !open,
            '\\' if open => word.extend(characters.next().map(|(_, escaped)| escaped)),
            _ if character.is_whitespace() && !open => return (word, &text[place..]),
            _ => word.push(character),
        }
    }
    (word, "")
}

/// Appends `word` to `out`, in quotes where it needs them.
pub(crate) fn push(out: &mut String, word: &str) {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    if !word.is_empty() && word.bytes().all(plain) {
        out.push_str(word);
        return;
    }
    out.push('"');
    for character in word.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_a_word_together() {
        assert_eq!(
            split(r#" -A X  --comment "a \"b\" \\ c" -j Y"#),
            ["-A", "X", "--comment", r#"a "b" \ c"#, "-j", "Y"]
        );
        assert_eq!(split(r#"--comment "" -j "open"#), ["--comment", "", "-j", "open"]);
    }

    #[test]
    fn what_is_pushed_is_read_back() {
        for word in ["plain", "", "two words", r#"a"b\c"#, "tab\there"] {
            let mut out = String::new();
            push(&mut out, word);
            assert_eq!(split(&out), [word]);
        }
    }
}
