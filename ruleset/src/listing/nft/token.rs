//! The words and signs of a listing of nft, and where each line starts.

/// A word or a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, a number, an address, an operator, or a single `:` or `.`.
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
    /// `#` before what nft prints of a match or a target of iptables.
    Hash,
}

impl<'a> Token<'a> {
    /// The word, if it is one without quotes.
    pub(super) fn word(self) -> Option<&'a str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The word, in quotes or not.
    pub(super) fn name(self) -> Option<&'a str> {
        match self {
            Self::Word(word) | Self::Quoted(word) => Some(word),
            _ => None,
        }
    }
}

/// Cuts a text into tokens.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    /// How many bytes were taken.
    pub(super) place: usize,
    /// Where the last token starts.
    pub(super) start: usize,
    /// The number of the line that is being read; after the end of a line, the next one's.
    pub(super) line: usize,
    /// Whether a `#` is a token of its own, rather than the start of a comment.
    pub(super) keeps_hashes: bool,
}

impl<'a> Lexer<'a> {
    /// A lexer at the start of `text`, whose first line has this number.
    pub(super) fn new(text: &'a str, line: usize) -> Self {
        Self { text, place: 0, start: 0, line, keeps_hashes: false }
    }

    /// What was not taken yet.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.place..]
    }

    /// What stands between two places.
    pub(super) fn between(&self, start: usize, end: usize) -> &'a str {
        &self.text[start..end]
    }

    /// Takes what is left of the line, without its end.
    pub(super) fn skip_line(&mut self) -> &'a str {
        let rest = self.rest();
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        self.place += line.len();
        line
    }

    /// Whether only blanks were taken of this line.
    pub(super) fn is_at_line_start(&self) -> bool {
        let taken = self.text[..self.place].trim_end_matches([' ', '\t', '\r']);
        taken.is_empty() || taken.ends_with('\n')
    }

    /// Skips blanks and line ends.
    pub(super) fn skip_space(&mut self) {
        let rest = self.rest();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.line += rest.as_bytes()[..blanks].iter().filter(|&&byte| byte == b'\n').count();
        self.place += blanks;
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = &self.text[self.place..self.place + length];
        self.place += length;
        taken
    }

    /// Blanks, comments, and line ends after a backslash.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest().as_bytes();
            match rest.first() {
                Some(b' ' | b'\t' | b'\r') => self.place += 1,
                Some(b'\\') if rest.get(1) == Some(&b'\n') => {
                    self.place += 2;
                    self.line += 1;
                }
                Some(b'#') if !self.keeps_hashes || self.is_handle() => drop(self.skip_line()),
                _ => return,
            }
        }
    }

    /// Whether a comment says a handle: `# handle 5`, as `nft -a` has it.
    fn is_handle(&self) -> bool {
        let number = self.rest()[1..].trim_start_matches(' ').strip_prefix("handle ");
        number.is_some_and(|number| number.starts_with(|first: char| first.is_ascii_digit()))
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        self.start = self.place;
        let sign = match self.rest().as_bytes().first()? {
            b'{' => Token::Open,
            b'}' => Token::Close,
            b',' => Token::Comma,
            b';' => Token::Semicolon,
            b'#' => Token::Hash,
            b'\n' => {
                self.line += 1;
                Token::Newline
            }
            b'"' => {
                self.take(1);
                let rest = self.rest().as_bytes();
                let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\n')).unwrap_or(rest.len());
                let text = self.take(end);
                self.take(usize::from(self.rest().starts_with('"')));
                return Some(Token::Quoted(text));
            }
            _ => {
                let rest = self.rest().as_bytes();
                let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'}' | b',' | b';' | b'"');
                let end = rest.iter().position(ends).unwrap_or(rest.len());
                return Some(Token::Word(self.take(end)));
            }
        };
        self.take(1);
        Some(sign)
    }
}

/// `tokens` as one line, as nft writes it.
pub(super) fn spell(tokens: &[Token<'_>]) -> String {
    let mut out = String::with_capacity(tokens.len() * 8);
    let mut depth = 0_usize;
    let mut after_comma = false;
    for token in tokens {
        // Outside of braces, a list such as `established,related` has no blanks.
        let tight = *token == Token::Comma || (after_comma && depth == 0);
        if !out.is_empty() && !tight {
            out.push(' ');
        }
        after_comma = *token == Token::Comma;
        match token {
            Token::Word(word) => out.push_str(word),
            Token::Quoted(text) => {
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
            Token::Open => {
                depth += 1;
                out.push('{');
            }
            Token::Close => {
                depth = depth.saturating_sub(1);
                out.push('}');
            }
            Token::Comma => out.push(','),
            Token::Hash => out.push('#'),
            Token::Semicolon | Token::Newline => {}
        }
    }
    out
}
