//! The part of a line behind the key: quotes, escapes, comments.

/// A value, and what stood behind it.
pub(super) struct Taken<'a> {
    /// Without quotes and comments.
    pub value: String,
    /// As it was written between its quotes; empty for an unquoted one.
    pub raw: &'a str,
    /// What was accepted and should be mended.
    pub notices: Vec<&'static str>,
    /// What cannot be accepted.
    pub faults: Vec<&'static str>,
    /// The inside of a `/*` comment that this line does not close.
    pub block: Option<&'a str>,
}

/// A quoted value whose quote is not closed on its line.
pub(super) struct Open<'a> {
    /// What stands behind the quote, escapes untouched.
    pub inside: &'a str,
    /// The quote.
    pub quote: Quote,
}

/// The kinds of quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    /// `'…'`
    Plain,
    /// `"…"`
    Double,
    /// `‘…’`, as a word processor makes of `'…'`.
    Curly,
    /// `“…”`
    CurlyDouble,
}

const C_COMMENT: &str =
    "what follows the value is taken as a comment; a comment begins with \"#\" in this file";
const CURLY: &str = "typographic quotes are taken as quotes; use '…'";
const DOUBLE: &str = "\"…\" is taken as quotes; use '…'";

/// Whether a quoted value begins here.
pub(super) fn opens_quote(text: &str) -> bool {
    text.starts_with('\'') || curly(text).is_some()
}

fn curly(text: &str) -> Option<Quote> {
    match text.chars().next()? {
        '‘' | '’' => Some(Quote::Curly),
        '“' | '”' => Some(Quote::CurlyDouble),
        _ => None,
    }
}

/// Takes the value off what follows a key.
///
/// # Errors
/// [`Open`]: the value goes on with the next line.
pub(super) fn take(text: &str) -> Result<Taken<'_>, Open<'_>> {
    if let Some(inside) = text.strip_prefix('\'') {
        return quoted(Quote::Plain, inside);
    }
    if let Some(quote) = curly(text) {
        let inside = &text[text.chars().next().map_or(0, char::len_utf8)..];
        return quoted(quote, inside).map(|taken| noticed(taken, CURLY));
    }
    if let Some(inside) = text.strip_prefix('"') {
        // A command may begin with a quoted word: only a quote that closes at the end is one of ours.
        match Quote::Double.close(inside) {
            Some(taken) if taken.faults.is_empty() => return Ok(noticed(taken, DOUBLE)),
            Some(_) | None => {}
        }
    }
    Ok(unquoted(text))
}

fn noticed<'a>(mut taken: Taken<'a>, notice: &'static str) -> Taken<'a> {
    if !taken.notices.contains(&notice) {
        taken.notices.insert(0, notice);
    }
    taken
}

fn quoted(quote: Quote, inside: &str) -> Result<Taken<'_>, Open<'_>> {
    quote.close(inside).or_else(|| quote.close_mixed(inside)).ok_or(Open { inside, quote })
}

/// Without quotes a value ends at `#`, or at ` //` or ` /*` (white space before it, so that URIs survive).
fn unquoted(text: &str) -> Taken<'_> {
    let mut end = text.len();
    let mut notices = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let rest = &text[at..];
        let c_comment = rest.starts_with("//") || (rest.starts_with("/*") && rest.contains("*/"));
        if c == '#' || (before.is_whitespace() && c_comment) {
            if c != '#' {
                notices.push(C_COMMENT);
            }
            end = at;
            break;
        }
        before = c;
    }
    let value = text[..end].trim().to_owned();
    Taken { value, raw: "", notices, faults: Vec::new(), block: None }
}

impl Quote {
    const fn closes(self, c: char) -> bool {
        match self {
            Self::Plain => c == '\'',
            Self::Double => c == '"',
            Self::Curly => matches!(c, '‘' | '’'),
            Self::CurlyDouble => matches!(c, '“' | '”'),
        }
    }

    /// Finds the closing quote: not a doubled one, not one behind a backslash. `None`: there is none.
    pub(super) fn close(self, inside: &str) -> Option<Taken<'_>> {
        let mut chars = inside.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == '\\' {
                chars.next();
            } else if self.closes(c) {
                if chars.peek().is_some_and(|&(_, next)| next == c) {
                    chars.next();
                    continue;
                }
                return Some(self.taken(&inside[..at], &inside[at + c.len_utf8()..]));
            }
        }
        None
    }

    /// A word processor bends one quote of a pair at times: `'value’`, `’value'`. Only at the very end, since
    /// it might be an apostrophe.
    fn close_mixed(self, inside: &str) -> Option<Taken<'_>> {
        let is_other = |c: char| match self {
            Self::Plain => matches!(c, '‘' | '’'),
            Self::Curly => c == '\'',
            Self::CurlyDouble => c == '"',
            Self::Double => false,
        };
        let at = inside.find(is_other)?;
        let width = inside[at..].chars().next().map_or(1, char::len_utf8);
        let taken = self.taken(&inside[..at], &inside[at + width..]);
        taken.faults.is_empty().then(|| noticed(taken, CURLY))
    }

    fn taken<'a>(self, raw: &'a str, rest: &'a str) -> Taken<'a> {
        let rest = rest.trim();
        let mut taken =
            Taken { value: self.unescape(raw), raw, notices: Vec::new(), faults: Vec::new(), block: None };
        if let Some(inside) = rest.strip_prefix("/*") {
            match inside.split_once("*/") {
                Some((_, after)) if after.trim().is_empty() || after.trim().starts_with('#') => {
                    taken.notices.push(C_COMMENT);
                }
                Some(_) => taken.faults.push("something stands behind the value and its comment"),
                None => taken.block = Some(inside),
            }
        } else if rest.starts_with("//") {
            taken.notices.push(C_COMMENT);
        } else if !rest.is_empty() && !rest.starts_with('#') {
            taken
                .faults
                .push("something stands behind the closing quote; a quote within a value is doubled: ''");
        }
        taken
    }

    /// PostgreSQL's escapes: `''` and `\'` are a quote, `\n` and its kin and `\101` are characters, any other
    /// character behind a backslash is itself.
    pub(super) fn unescape(self, raw: &str) -> String {
        let mut value = String::with_capacity(raw.len());
        let mut chars = raw.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\\' {
                match chars.next() {
                    Some('b') => value.push('\u{8}'),
                    Some('f') => value.push('\u{c}'),
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some(first @ '0'..='7') => {
                        let mut number = first.to_digit(8).unwrap_or(0);
                        for _ in 0..2 {
                            match chars.peek().and_then(|next| next.to_digit(8)) {
                                Some(digit) => number = number * 8 + digit,
                                None => break,
                            }
                            chars.next();
                        }
                        value.push(char::from_u32(number & 0xff).unwrap_or('?'));
                    }
                    Some(other) => value.push(other),
                    None => value.push('\\'),
                }
            } else {
                if self.closes(c) && chars.peek() == Some(&c) {
                    chars.next();
                }
                value.push(c);
            }
        }
        value
    }
}
