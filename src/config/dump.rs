//! `--dump-config`: every setting with its value, where it comes from, its default and its unit.

use super::kind::Kind;
use super::load::Loaded;
use super::settings::{Preset, Setting, TABLE};
use super::{Item, Mode, lexer};
use crate::domain::conninfo::ConnInfo;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A setting as it holds.
struct Held<'a> {
    row: &'static Setting,
    /// As written or as the default has it, without passwords. `None`: nothing is set.
    value: Option<String>,
    /// The line that set it. `None`: the default holds.
    item: Option<&'a Item>,
}

/// One line a key, in the form of the file, so that it can be read back (but for passwords, which are left
/// out): `key='value'`, then where it comes from.
#[must_use]
pub fn dump_text(loaded: &Loaded) -> String {
    let mut text = String::new();
    if let Some(file) = &loaded.file {
        let _ = writeln!(text, "# {}", file.display());
    }
    let _ = writeln!(text, "# compatibility: {}", loaded.compatibility.word());
    for held in held(loaded) {
        let setting = match &held.value {
            Some(value) => lexer::write(held.row.name, value),
            None => format!("#{}=", held.row.name),
        };
        let origin = held.item.map_or_else(|| "default".to_owned(), Item::place);
        let mut remarks = vec![origin];
        if held.item.is_some() {
            remarks.push(format!("default: {}", default(held.row, loaded.compatibility)));
        }
        if !held.row.kind.unit().is_empty() {
            remarks.push(format!("unit: {}", held.row.kind.unit()));
        }
        let _ = writeln!(text, "{setting}  # {}", remarks.join("; "));
    }
    text
}

/// The same for programs. `value` and `default` are texts as the file would have them, or null.
#[must_use]
pub fn dump_json(loaded: &Loaded) -> Value {
    let settings: Vec<Value> = held(loaded)
        .into_iter()
        .map(|held| {
            let row = held.row;
            json!({
                "name": row.name,
                "value": held.value,
                "origin": match held.item {
                    Some(item) => json!({ "file": item.file.display().to_string(), "line": item.line }),
                    None => json!("default"),
                },
                "default": row.default(loaded.compatibility),
                "default_from": match row.preset {
                    Preset::Same(other) => Some(other),
                    Preset::Required | Preset::Unset | Preset::Is(_) | Preset::ByMode { .. } => None,
                },
                "unit": Some(row.kind.unit()).filter(|unit| !unit.is_empty()),
                "reload": row.taken == super::settings::Taken::Reload,
                "family": row.origin.word(),
            })
        })
        .collect();
    json!({
        "file": loaded.file.as_ref().map(|file| file.display().to_string()),
        "files": loaded.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
        "compatibility": loaded.compatibility.word(),
        "settings": settings,
    })
}

/// What holds when the file does not name a key, for people.
pub(super) fn default(row: &Setting, mode: Mode) -> String {
    match (row.preset, row.default(mode)) {
        (Preset::Same(other), _) => other.to_owned(),
        (_, Some(text)) => text.to_owned(),
        (_, None) => "none".to_owned(),
    }
}

/// tablespace_mapping has an entry a line, and one that says so when there is none.
fn held(loaded: &Loaded) -> Vec<Held<'_>> {
    let mut all = Vec::new();
    for row in TABLE {
        let mut lines = loaded.items.iter().filter(|item| item.key == row.name);
        let shown: Vec<&Item> =
            if row.kind == Kind::Mapping { lines.collect() } else { lines.next_back().into_iter().collect() };
        // A word that was not understood has been warned about: the default holds.
        let shown: Vec<&Item> =
            shown.into_iter().filter(|item| holds(row, item, loaded.compatibility)).collect();
        for item in &shown {
            all.push(Held { row, value: Some(without_secrets(row.kind, &item.value)), item: Some(item) });
        }
        if shown.is_empty() {
            all.push(Held { row, value: by_default(row, loaded), item: None });
        }
    }
    all
}

fn holds(row: &Setting, item: &Item, mode: Mode) -> bool {
    match row.kind {
        Kind::LenientWord(_) => row.kind.canonical(&item.value, mode).is_ok_and(|text| !text.is_empty()),
        Kind::Bool | Kind::Int(..) | Kind::Time(..) | Kind::Size | Kind::Word(..) | Kind::Text(_) => true,
        Kind::Command | Kind::Path | Kind::Conninfo | Kind::List | Kind::Addresses | Kind::Delay => true,
        Kind::Mapping => true,
    }
}

fn by_default(row: &Setting, loaded: &Loaded) -> Option<String> {
    match row.preset {
        Preset::Same(other) => {
            let other = super::settings::find(other)?;
            let value = match loaded.origin(other.name) {
                Some(item) => item.value.clone(),
                None => other.default(loaded.compatibility)?.to_owned(),
            };
            let bare = value.chars().all(|c| c.is_ascii_digit() || c == '.');
            let unit = if bare && other.kind.unit() != row.kind.unit() { other.kind.unit() } else { "" };
            Some(value + unit)
        }
        Preset::Required | Preset::Unset | Preset::Is(_) | Preset::ByMode { .. } => {
            row.default(loaded.compatibility).map(str::to_owned)
        }
    }
}

/// The value as it may be shown.
fn without_secrets(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Conninfo => {
            ConnInfo::parse(value).map_or_else(|_| "(not a connection string)".to_owned(), |c| c.to_string())
        }
        Kind::Command | Kind::Text(_) => without_password_words(value),
        Kind::Bool | Kind::Int(..) | Kind::Time(..) | Kind::Size | Kind::Word(..) | Kind::LenientWord(_) => {
            value.to_owned()
        }
        Kind::Path | Kind::List | Kind::Addresses | Kind::Delay | Kind::Mapping => value.to_owned(),
    }
}

/// A command may carry `PGPASSWORD=…`, `password=…` or a URI's `user:word@`: what follows is starred out.
fn without_password_words(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find_password(rest) {
        shown.push_str(&rest[..at]);
        shown.push_str("***");
        rest = after_secret(&rest[at..]);
    }
    shown.push_str(rest);
    without_uri_passwords(&shown)
}

/// Where a password begins, behind `password=` in any case.
fn find_password(text: &str) -> Option<usize> {
    const WORD: &str = "password=";
    // ASCII lower case keeps every position.
    text.to_ascii_lowercase().find(WORD).map(|at| at + WORD.len())
}

/// What follows a secret: it ends at white space or the shell's marks; a quoted one at its quote.
fn after_secret(text: &str) -> &str {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
    match quote {
        Some(quote) => text[1..].find(quote).map_or("", |end| &text[end + 2..]),
        None => {
            let ends = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '&' | ';' | '|');
            text.find(ends).map_or("", |end| &text[end..])
        }
    }
}

fn without_uri_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, authority) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = authority
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"'))
            .unwrap_or(authority.len());
        match authority[..end]
            .rfind('@')
            .and_then(|host| authority[..host].find(':').map(|colon| (colon, host)))
        {
            Some((colon, host)) => {
                shown.push_str(&authority[..=colon]);
                shown.push_str("***");
                rest = &authority[host..];
            }
            None => rest = authority,
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_within_commands_are_not_shown() {
        for (given, want) in [
            ("PGPASSWORD=secret psql", "PGPASSWORD=*** psql"),
            ("psql 'host=a password=secret'", "psql 'host=a password=***'"),
            ("x password='my secret' y", "x password=*** y"),
            ("x Password=secret&b", "x Password=***&b"),
            ("x postgresql://u:secret@h/db y", "x postgresql://u:***@h/db y"),
            ("x http://h:80/p", "x http://h:80/p"),
            ("x password=", "x password=***"),
            ("repmgr standby promote", "repmgr standby promote"),
        ] {
            assert_eq!(without_password_words(given), want);
        }
    }
}
