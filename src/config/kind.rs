//! Kinds of values: what a text must look like, and the one canonical text that each value has.

use super::Mode;
use super::amount;
use super::values::{LIST_MARK, PAIR_MARK};
use crate::domain::conninfo::ConnInfo;
use std::net::IpAddr;

/// What a setting's value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no, in repmgr's eight spellings.
    Bool,
    /// A whole number within bounds, both included. With [`Below::Absent`], -1 means "none".
    Int(i64, i64, Below),
    /// A span of time; the unit is that of a bare number.
    Time(Unit, Least),
    /// A number of bytes with PostgreSQL's units; -1 means "no limit".
    Size,
    /// One of some words.
    Word(&'static [&'static str], Case),
    /// One of some words in any case; anything else is a warning and the default.
    LenientWord(&'static [&'static str]),
    /// Text of at most so many bytes.
    Text(usize),
    /// A command line, run by a shell.
    Command,
    /// A file or folder; a slash at its end is dropped.
    Path,
    /// libpq's connection string.
    Conninfo,
    /// Words set apart by commas or white space.
    List,
    /// Addresses of a network card, each with or without a prefix length.
    Addresses,
    /// PostgreSQL's own text for a span of time; a bare number is milliseconds there.
    Delay,
    /// `old=new`; every line of the file adds one.
    Mapping,
}

/// Whether -1 is a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// No.
    Refused,
    /// Yes: nothing is set.
    Absent,
    /// No; but hg_repmgr takes 0 although the least is higher.
    ZeroForHg,
}

/// The unit of a bare number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Minutes (hg_repmgr's standby_wait_timeout).
    Minutes,
}

/// The least span of time that makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Least {
    /// Zero is a value.
    Zero,
    /// More than nothing.
    AboveZero,
    /// More than nothing for repmgr; hg_repmgr takes zero.
    ZeroForHg,
    /// Zero and -1 mean that it never ends.
    Never,
}

/// Whether capitals matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// They do.
    Sensitive,
    /// They do not.
    Any,
}

/// What is wrong with a value, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong. Never holds a password.
    pub wrong: String,
    /// What is allowed.
    pub allowed: String,
}

impl Kind {
    /// The canonical text of a value; empty for absence.
    ///
    /// # Errors
    /// [`Complaint`] when `text` is no value of this kind.
    pub fn canonical(self, text: &str, mode: Mode) -> Result<String, Complaint> {
        let complain = |wrong: String| Complaint { wrong, allowed: self.allowed(mode) };
        let given = || format!("invalid value \"{text}\"");
        if text.is_empty() && self.needs_text() {
            return Err(complain("the value is empty".into()));
        }
        match self {
            Self::Bool => amount::boolean(text).map(|b| b.to_string()).ok_or_else(|| complain(given())),
            Self::Int(least, most, below) => {
                integer(text, lowest(least, below, mode), most, below).map_err(complain)
            }
            Self::Time(unit, least) => time(text, unit, least, mode).map_err(complain),
            Self::Size => size(text).ok_or_else(|| complain(given())),
            Self::Word(words, case) => word(text, words, case).ok_or_else(|| complain(given())),
            Self::LenientWord(words) => lenient(text, words).ok_or_else(|| complain(given())),
            Self::Text(most) if text.len() > most => {
                Err(complain(format!("the value is {} bytes long", text.len())))
            }
            Self::Text(_) | Self::Command => Ok(text.to_owned()),
            Self::Path => Ok(path(text)),
            Self::Conninfo => match ConnInfo::parse(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(why) => Err(complain(why.to_string())),
            },
            Self::List => Ok(list(text)),
            Self::Addresses => addresses(text).map_err(complain),
            Self::Delay => amount::delay(text).then(|| text.to_owned()).ok_or_else(|| complain(given())),
            Self::Mapping => mapping(text).ok_or_else(|| complain(given())),
        }
    }

    /// Whether an empty value is a mistake; elsewhere it means that nothing is set.
    const fn needs_text(self) -> bool {
        match self {
            Self::Bool | Self::Int(..) | Self::Time(..) | Self::Size | Self::Word(..) | Self::Mapping => true,
            Self::LenientWord(_) | Self::Text(_) | Self::Command | Self::Path | Self::Conninfo => false,
            Self::List | Self::Addresses | Self::Delay => false,
        }
    }

    /// What is allowed, for a message and the manual.
    #[must_use]
    pub fn allowed(self, mode: Mode) -> String {
        match self {
            Self::Bool => "0, 1, true, false, on, off, yes, no".into(),
            Self::Int(least, most, below) => {
                let least = lowest(least, below, mode);
                let none = if below == Below::Absent { "-1 (none), or " } else { "" };
                let most_there_is = most == i64::from(i32::MAX);
                if most_there_is {
                    format!("{none}a number, {least} or greater")
                } else {
                    format!("{none}a number from {least} to {most}")
                }
            }
            Self::Time(_, least) => {
                let units = "us, ms, s, min, h, d";
                match (least, mode) {
                    (Least::Zero, _) | (Least::ZeroForHg, Mode::Hg) => {
                        format!("0 or more, with a unit if wanted: {units}")
                    }
                    (Least::AboveZero, _) | (Least::ZeroForHg, Mode::Repmgr) => {
                        format!("more than 0, with a unit if wanted: {units}")
                    }
                    (Least::Never, _) => format!("-1 (never), or a time, with a unit if wanted: {units}"),
                }
            }
            Self::Size => {
                "-1 (no limit), or a number of bytes, with a unit if wanted: B, kB, MB, GB, TB".into()
            }
            Self::Word(words, _) | Self::LenientWord(words) => words.join(", "),
            Self::Text(most) if most < usize::MAX => format!("text of at most {most} bytes"),
            Self::Text(_) => "text".into(),
            Self::Command => "a command line".into(),
            Self::Path => "a path".into(),
            Self::Conninfo => "a connection string of libpq: keyword=value pairs, or a URI".into(),
            Self::List => "words, set apart by commas".into(),
            Self::Addresses => {
                "IPv4 or IPv6 addresses, with a prefix length if wanted, set apart by commas".into()
            }
            Self::Delay => "a number, with a unit if wanted: ms, s, min, h, d".into(),
            Self::Mapping => "old_path=new_path".into(),
        }
    }

    /// The unit of a bare number. Empty: it has none.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Time(Unit::Seconds, _) => "s",
            Self::Time(Unit::Minutes, _) => "min",
            Self::Delay => "ms",
            Self::Size => "B",
            Self::Bool | Self::Int(..) | Self::Word(..) | Self::LenientWord(_) | Self::Text(_) => "",
            Self::Command | Self::Path | Self::Conninfo | Self::List | Self::Addresses | Self::Mapping => "",
        }
    }
}

/// The least whole number that counts in this mode.
const fn lowest(least: i64, below: Below, mode: Mode) -> i64 {
    match (below, mode) {
        (Below::ZeroForHg, Mode::Hg) => 0,
        (Below::ZeroForHg, Mode::Repmgr) | (Below::Refused | Below::Absent, _) => least,
    }
}

fn integer(text: &str, least: i64, most: i64, below: Below) -> Result<String, String> {
    let number: i64 = text.parse().map_err(|_| format!("invalid value \"{text}\""))?;
    match below {
        Below::Absent if number == -1 => Ok(String::new()),
        _ if number < least => Err(format!("{number} is too small")),
        _ if number > most => Err(format!("{number} is too large")),
        Below::Absent | Below::Refused | Below::ZeroForHg => Ok(number.to_string()),
    }
}

fn time(text: &str, unit: Unit, least: Least, mode: Mode) -> Result<String, String> {
    let endless = least == Least::Never && text == "-1";
    if endless {
        return Ok(String::new());
    }
    let micros = amount::micros(text, unit).ok_or_else(|| format!("invalid value \"{text}\""))?;
    match (least, mode) {
        (Least::Never, _) if micros == 0 => Ok(String::new()),
        (Least::AboveZero, _) | (Least::ZeroForHg, Mode::Repmgr) if micros == 0 => {
            Err(format!("\"{text}\" is too small"))
        }
        _ => Ok(micros.to_string()),
    }
}

fn size(text: &str) -> Option<String> {
    if text == "-1" { Some(String::new()) } else { amount::bytes(text).map(|n| n.to_string()) }
}

fn word(text: &str, words: &[&str], case: Case) -> Option<String> {
    let same = |known: &&&str| match case {
        Case::Sensitive => **known == text,
        Case::Any => known.eq_ignore_ascii_case(text),
    };
    words.iter().find(same).map(|known| (*known).to_owned())
}

/// `ERR` is the original's other word for ERROR.
fn lenient(text: &str, words: &[&str]) -> Option<String> {
    let text = if text.eq_ignore_ascii_case("ERR") { "ERROR" } else { text };
    word(text, words, Case::Any)
}

/// Without slashes at its end, but `/` stays `/`.
fn path(text: &str) -> String {
    let cut = text.trim_end_matches('/');
    if cut.is_empty() && !text.is_empty() { "/".to_owned() } else { cut.to_owned() }
}

/// The members of a list as people write one.
pub(super) fn members(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|m| !m.is_empty())
}

fn list(text: &str) -> String {
    members(text).collect::<Vec<_>>().join(&LIST_MARK.to_string())
}

fn addresses(text: &str) -> Result<String, String> {
    for member in members(text) {
        let (address, prefix) = member.split_once('/').map_or((member, None), |(a, p)| (a, Some(p)));
        let address: IpAddr = address.parse().map_err(|_| format!("\"{member}\" is not an address"))?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let fits = prefix.is_none_or(|p| p.parse::<u8>().is_ok_and(|bits| bits <= longest));
        if !fits {
            return Err(format!("the prefix length of \"{member}\" is not a number from 0 to {longest}"));
        }
    }
    Ok(list(text))
}

/// `old=new`; `\=` is an equals sign within a path. Quotes take the backslash away: then the sign before the only
/// `/` that can begin the second path counts.
fn mapping(text: &str) -> Option<String> {
    split_mapping(text).or_else(|| {
        let mut signs = text.match_indices("=/").map(|(at, _)| at);
        let (sign, None) = (signs.next()?, signs.next()) else { return None };
        let escaped = |path: &str| path.replace("\\=", "=").replace('=', "\\=");
        split_mapping(&format!("{}={}", escaped(text.get(..sign)?), escaped(text.get(sign + 1..)?)))
    })
}

fn split_mapping(text: &str) -> Option<String> {
    let mut halves = [String::new(), String::new()];
    let mut at = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'=') => {
                chars.next();
                halves[at].push('=');
            }
            '=' if at == 0 => at = 1,
            '=' | LIST_MARK | PAIR_MARK => return None,
            other => halves[at].push(other),
        }
    }
    let [old, new] = halves;
    let (old, new) = (path(old.trim()), path(new.trim()));
    (!old.is_empty() && !new.is_empty()).then(|| format!("{old}{PAIR_MARK}{new}"))
}
