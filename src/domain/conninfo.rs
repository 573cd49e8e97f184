//! libpq's connection strings: key=value and URI, in the order they were written, redacted when printed.

use super::conninfo_keywords::{self as keywords, Shown};
use super::conninfo_uri as uri;
use std::fmt;

/// A parsed connection string. `Display` and `Debug` leave secrets out; [`ConnInfo::with_secrets`] keeps them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ConnInfo {
    params: Vec<(String, String)>,
}

/// Why a text is not a connection string. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadConnInfo(pub String);

impl fmt::Display for BadConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadConnInfo {}

/// True for what `-d` takes as a connection string rather than as a database's name.
#[must_use]
pub fn looks_like_conninfo(text: &str) -> bool {
    uri::rest(text).is_some() || text.contains('=')
}

impl ConnInfo {
    /// Parses key=value or URI form. A keyword given twice has its last value.
    ///
    /// # Errors
    /// [`BadConnInfo`] in libpq's terms; what may be part of a password is not repeated in it.
    pub fn parse(text: &str) -> Result<Self, BadConnInfo> {
        match uri::rest(text) {
            Some(rest) => uri::parse(rest),
            None => parse_pairs(text),
        }
    }

    /// Stores a value under a keyword as it was written, translated as libpq does it.
    ///
    /// # Errors
    /// [`BadConnInfo`] names a keyword that libpq does not know.
    pub fn store(&mut self, key: &str, value: &str) -> Result<(), BadConnInfo> {
        if key == "requiressl" {
            self.set("sslmode", if value.starts_with('1') { "require" } else { "prefer" });
            return Ok(());
        }
        if keywords::find(key).is_none() {
            return Err(BadConnInfo(format!("invalid connection option \"{key}\"")));
        }
        self.set(key, value);
        Ok(())
    }

    /// The value of a keyword. `None`: not given, or given empty (libpq treats both alike).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// Sets a keyword, in its place when it is there already, else at the end.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        let value = value.into();
        match self.params.iter_mut().find(|(k, _)| k == key) {
            Some((_, v)) => *v = value,
            None => self.params.push((key.to_owned(), value)),
        }
    }

    /// Sets a keyword unless it has a value.
    pub fn set_default(&mut self, key: &str, value: impl Into<String>) {
        if self.get(key).is_none() {
            self.set(key, value);
        }
    }

    /// Takes a keyword out.
    pub fn remove(&mut self, key: &str) {
        self.params.retain(|(k, _)| k != key);
    }

    /// Keywords and values in the order they were written, empty ones and secrets included.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// key=value form, quoted as libpq wants it, the password included: for PostgreSQL's own files and
    /// connections, never for a message.
    #[must_use]
    pub fn with_secrets(&self) -> String {
        joined(self.iter())
    }
}

/// key=value form without the secrets.
impl fmt::Display for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(self.iter().filter(|(k, _)| keywords::shown(k) == Shown::Openly)))
    }
}

impl fmt::Debug for ConnInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnInfo({self})")
    }
}

fn joined<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    pairs.map(|(k, v)| format!("{k}={}", quoted(v))).collect::<Vec<_>>().join(" ")
}

/// A value as it must stand after `=`: bare where it can be, else in single quotes.
#[must_use]
pub fn quoted(value: &str) -> String {
    let plain = |c: char| !is_space(c) && c != '\'' && c != '\\';
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len() + 2);
    out.push('\'');
    for c in value.chars() {
        if c == '\'' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('\'');
    out
}

/// C's isspace.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn parse_pairs(text: &str) -> Result<ConnInfo, BadConnInfo> {
    let mut info = ConnInfo::default();
    let mut rest = text.trim_start_matches(is_space);
    let mut last = "";
    while !rest.is_empty() {
        let end = rest.find(|c| c == '=' || is_space(c)).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let Some(after) = after.trim_start_matches(is_space).strip_prefix('=') else {
            return Err(missing_equals(key, last));
        };
        let (value, after) = take_value(after.trim_start_matches(is_space))?;
        info.store(key, &value)?;
        last = key;
        rest = after.trim_start_matches(is_space);
    }
    Ok(info)
}

/// After a secret the stray word is most likely a piece of it, so it is not repeated.
fn missing_equals(word: &str, last: &str) -> BadConnInfo {
    let place = match keywords::find(last).map(|k| k.shown) {
        Some(Shown::Never) => format!("the value of \"{last}\""),
        Some(Shown::Openly) | None => format!("\"{word}\""),
    };
    BadConnInfo(format!("missing \"=\" after {place} in connection info string"))
}

/// The value at the start of `text`, and what follows it.
fn take_value(text: &str) -> Result<(String, &str), BadConnInfo> {
    let mut value = String::new();
    let quoted = text.starts_with('\'');
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if !quoted && is_space(c) => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(BadConnInfo("unterminated quoted string in connection info string".to_owned()));
    }
    Ok((value, ""))
}

#[cfg(test)]
#[path = "conninfo_tests.rs"]
mod tests;
