//! The words and signs of nft's language.

/// A word or a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, a number, an address, an operator, or a single `:`.
    Word(&'a str),
    /// What stands between quotes.
    Quoted(&'a str),
    /// `{`
    Open,
    /// `}`
    Close,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// The end of a line.
    Newline,
}

impl<'a> Token<'a> {
    /// The word, if it is one without quotes.
    pub(super) fn word(self) -> Option<&'a str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// Cuts a text into tokens. Comments from `#` to the end of a line are left out.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    rest: &'a str,
    /// The number of the line, from 1.
    pub(super) line: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1 }
    }

    /// The token that takes `length` bytes.
    fn take(&mut self, length: usize) -> &'a str {
        let (token, rest) = self.rest.split_at(length);
        self.rest = rest;
        token
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            match self.rest.as_bytes().first()? {
                b'#' => {
                    self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
                }
                b'\\' if self.rest[1..].starts_with('\n') => {
                    self.line += 1;
                    self.take(2);
                }
                _ => break,
            }
        }
        let sign = match self.rest.as_bytes()[0] {
            b'{' => Token::Open,
            b'}' => Token::Close,
            b',' => Token::Comma,
            b';' => Token::Semicolon,
            b'\n' => {
                self.line += 1;
                Token::Newline
            }
            b'"' => {
                self.take(1);
                let text = self.take(self.rest.find('"').unwrap_or(self.rest.len()));
                self.line += text.bytes().filter(|&byte| byte == b'\n').count();
                self.take(self.rest.len().min(1));
                return Some(Token::Quoted(text));
            }
            _ => {
                let end = self.rest.find([' ', '\t', '\r', '\n', '{', '}', ',', ';', '"']);
                return Some(Token::Word(self.take(end.unwrap_or(self.rest.len()))));
            }
        };
        self.take(1);
        Some(sign)
    }
}
