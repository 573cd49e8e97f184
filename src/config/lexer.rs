//! repmgr.conf text → entries. Pure: no file is opened here.
//!
//! It takes what PostgreSQL's grammar takes and what is met in the field besides: C comments, typographic
//! quotes, values broken over lines, lines of prose. What a person should mend comes as a notice; what
//! cannot be understood without a risk comes as a fault.

mod value;

use std::fmt;
use value::Taken;

/// One thing that a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// What it says.
    pub says: Says,
}

/// What an entry says.
#[derive(Clone, PartialEq, Eq)]
pub enum Says {
    /// `key = value`, the value without its quotes.
    Set {
        /// As it was written.
        key: String,
        /// What holds, whatever its spelling was.
        value: String,
    },
    /// `include 'path'` and its kin.
    Include(Include, String),
}

/// Without the value, which may hold a password.
impl fmt::Debug for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { key, value: _ } => write!(f, "Set({key:?}, ***)"),
            Self::Include(how, path) => write!(f, "Include({how:?}, {path:?})"),
        }
    }
}

/// The ways to bring in other files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// The file must exist.
    File,
    /// The file may be missing.
    IfExists,
    /// Every `*.conf` of a folder, in the order of their names.
    Folder,
}

/// A remark about a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The line, from 1.
    pub line: usize,
    /// What there is to say. Never holds a value.
    pub text: String,
}

/// A file's text, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lexed {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// What was accepted and should be mended.
    pub notices: Vec<Remark>,
    /// What cannot be accepted.
    pub faults: Vec<Remark>,
}

/// Takes the bytes of a file apart. `known` tells whether a word is a key: it decides whether a line without
/// an equals sign is a setting or prose, and where a value ends whose quote was never closed.
#[must_use]
pub fn lex(bytes: &[u8], known: impl Fn(&str) -> bool) -> Lexed {
    let mut lexer = Lexer { known: &known, out: Lexed::default(), lines: Vec::new(), replaced: false, at: 0 };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        lexer.fault(1, "the file is UTF-16; save it as UTF-8");
        return lexer.out;
    }
    let text = String::from_utf8_lossy(bytes);
    lexer.replaced = matches!(text, std::borrow::Cow::Owned(_));
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    lexer.lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
    while lexer.at < lexer.lines.len() {
        lexer.line();
    }
    lexer.out
}

struct Lexer<'a> {
    known: &'a dyn Fn(&str) -> bool,
    out: Lexed,
    lines: Vec<&'a str>,
    /// The bytes were not UTF-8; U+FFFD stands for what could not be read.
    replaced: bool,
    /// The line that comes next, from 0.
    at: usize,
}

impl<'a> Lexer<'a> {
    fn notice(&mut self, line: usize, text: impl Into<String>) {
        self.out.notices.push(Remark { line, text: text.into() });
    }

    fn fault(&mut self, line: usize, text: impl Into<String>) {
        self.out.faults.push(Remark { line, text: text.into() });
    }

    /// Takes one line, and those that belong to it.
    fn line(&mut self) {
        let line = self.lines[self.at].trim();
        self.at += 1;
        let number = self.at;
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        if line.starts_with("//") {
            return self
                .notice(number, "\"//\" does not begin a comment in this file; taken as one, use \"#\"");
        }
        if let Some(inside) = line.strip_prefix("/*") {
            return self.block_comment(inside, number);
        }
        if line.starts_with('[') && line.ends_with(']') {
            return self.notice(number, "the file has no sections; this heading is ignored");
        }
        match self.key(line) {
            Some((key, rest)) => self.entry(key, rest, number),
            None => self.prose(line, number),
        }
    }

    /// Passes over `/* … */`, whose inside begins here. Never closed: only this line is a comment.
    fn block_comment(&mut self, inside: &'a str, number: usize) {
        self.notice(number, "\"/* */\" does not make a comment in this file; taken as one, use \"#\"");
        if let Some((_, after)) = inside.split_once("*/") {
            return self.after_block(after, number);
        }
        let open = self.at;
        for later in open..self.lines.len() {
            if let Some((_, after)) = self.lines[later].split_once("*/") {
                self.at = later + 1;
                return self.after_block(after, later + 1);
            }
        }
        self.notice(number, "the comment is never closed; it ends with its line");
    }

    /// What stands behind `*/` on its line is read as a line of its own.
    fn after_block(&mut self, after: &'a str, number: usize) {
        if !after.trim().is_empty() {
            self.at = number - 1;
            self.lines[self.at] = after;
        }
    }

    /// The key of a line and what follows it (the equals sign passed over). `None`: the line is no setting.
    fn key<'b>(&self, line: &'b str) -> Option<(&'b str, &'b str)> {
        let end = line.find(|c: char| !is_key(c)).unwrap_or(line.len());
        let (key, rest) = line.split_at(end);
        if !key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let behind = rest.trim_start();
        if let Some(value) = behind.strip_prefix('=') {
            return Some((key, value.trim_start()));
        }
        // PostgreSQL's grammar lets the equals sign away; prose looks like that too.
        let named = (self.known)(key) || include(key).is_some();
        let quoted_or_one_word = value::opens_quote(behind) || one_word(behind);
        (named && rest.starts_with(char::is_whitespace) && quoted_or_one_word).then_some((key, behind))
    }

    fn entry(&mut self, key: &str, rest: &'a str, number: usize) {
        let value = match value::take(rest) {
            Ok(Taken { value, notices, faults, block, .. }) => {
                notices.into_iter().for_each(|text| self.notice(number, text));
                let faulty = !faults.is_empty();
                faults.into_iter().for_each(|text| self.fault(number, format!("{key}: {text}")));
                if let Some(inside) = block {
                    self.block_comment(inside, number);
                }
                if faulty {
                    return;
                }
                value
            }
            Err(open) => match self.broken(key, open, number) {
                Some(value) => value,
                None => return,
            },
        };
        if value.contains('\0') {
            return self.fault(number, format!("{key}: the value holds a NUL byte"));
        }
        if self.replaced && value.contains(char::REPLACEMENT_CHARACTER) {
            self.notice(
                number,
                format!("{key}: the value is not UTF-8; what could not be read was replaced"),
            );
        }
        let says = match include(key) {
            Some(way) => Says::Include(way, value),
            None => Says::Set { key: key.to_owned(), value },
        };
        self.out.entries.push(Entry { line: number, says });
    }

    /// A quoted value that runs over lines: they are joined by one space each. It may not run into what looks
    /// like the next setting. `None`: its quote is never closed, which has been said.
    fn broken(&mut self, key: &str, open: value::Open<'a>, number: usize) -> Option<String> {
        /// More lines than anybody breaks a command into: a missing quote should not eat the file.
        const MOST: usize = 16;
        let mut joined = open.inside.trim_end().to_owned();
        let last = self.lines.len().min(self.at + MOST);
        for later in self.at..last {
            let line = self.lines[later].trim();
            if self.begins_setting(line) {
                break;
            }
            joined.push(' ');
            match open.quote.close(line) {
                Some(taken) if taken.faults.is_empty() => {
                    joined.push_str(taken.raw);
                    let closed = self.at;
                    self.at = later + 1;
                    let text =
                        format!("{key}: the value runs over {} lines; they are joined", later + 2 - closed);
                    self.notice(number, text);
                    if let Some(inside) = taken.block {
                        self.block_comment(inside, later + 1);
                    }
                    return Some(open.quote.unescape(&joined));
                }
                Some(_) => break,
                None => joined.push_str(line),
            }
        }
        self.fault(number, format!("{key}: the quote that opens the value is never closed"));
        None
    }

    /// A conninfo broken over lines goes on with `passfile=…`, which is a key of ours as well.
    fn begins_setting(&self, line: &str) -> bool {
        let word = &line[..line.find(|c: char| !is_key(c)).unwrap_or(line.len())];
        let sets = line[word.len()..].trim_start().starts_with('=');
        word != "passfile" && sets && (self.known)(word)
    }

    fn prose(&mut self, line: &str, number: usize) {
        let word = &line[..line.find(|c: char| !is_key(c)).unwrap_or(line.len())];
        if (self.known)(word) {
            self.notice(number, format!("{word}: there is no equals sign; the line is ignored"));
        } else {
            self.notice(number, "this line is not a setting; ignored");
        }
    }
}

/// Letters that a key can have; the dash only so that a mistyped key is recognised as one.
fn is_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// One word, and behind it at most a comment.
fn one_word(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| !c.is_whitespace() && c != '#').trim_start();
    !text.is_empty() && (rest.is_empty() || rest.starts_with('#') || rest.starts_with("//"))
}

fn include(key: &str) -> Option<Include> {
    match key {
        "include" => Some(Include::File),
        "include_if_exists" => Some(Include::IfExists),
        "include_dir" => Some(Include::Folder),
        _ => None,
    }
}

/// A line that reads back as `key` and `value`: the canonical spelling.
#[must_use]
pub fn write(key: &str, value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    for c in value.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    format!("{key}='{quoted}'")
}
