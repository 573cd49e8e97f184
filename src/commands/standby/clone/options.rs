//! What `pg_basebackup_options` holds that the plan has to know of.

use crate::domain::shell;
use crate::error::{Error, Result};
use crate::exit::Exit;
use std::path::PathBuf;

/// Options of pg_basebackup that take a value: short, long.
const WITH_VALUE: &[(char, &str)] = &[
    ('D', "pgdata"),
    ('F', "format"),
    ('r', "max-rate"),
    ('T', "tablespace-mapping"),
    ('X', "wal-method"),
    ('S', "slot"),
    ('Z', "compress"),
    ('c', "checkpoint"),
    ('l', "label"),
    ('d', "dbname"),
    ('h', "host"),
    ('p', "port"),
    ('s', "status-interval"),
    ('U', "username"),
    ('t', "target"),
    ('i', "incremental"),
    ('\0', "waldir"),
    ('\0', "manifest-checksums"),
    ('\0', "sync-method"),
];

/// The options of the user's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupOptions {
    /// As they go onto the command line, last.
    pub words: Vec<String>,
    /// How WAL comes along. `None`: the user leaves that to us.
    pub wal_method: Option<WalMethod>,
    /// A slot of the user's own, or `--no-slot`: ours is not named on the command line then.
    pub slot_is_theirs: bool,
    /// Where the copy's WAL is to lie. `None`: within the data directory.
    pub wal_dir: Option<PathBuf>,
    /// Tablespaces that these options map: old, new.
    pub mapping: Vec<(PathBuf, PathBuf)>,
    /// No backup manifest: nothing to verify the copy by.
    pub no_manifest: bool,
}

/// How WAL comes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalMethod {
    /// On a connection of its own, during the copy.
    Stream,
    /// On the same connection, at its end.
    Fetch,
    /// Not at all: an archive must have it.
    Nothing,
}

/// Reads the options.
///
/// # Errors
/// [`Exit::BadConfig`]: unbalanced quotes, or an option that would not leave a data directory in the place we choose.
pub fn read(line: &str) -> Result<BackupOptions> {
    let words = shell::split(line).map_err(|why| wrong(&why.to_string()))?;
    let mut out = BackupOptions::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        for (name, value) in expand(word, &mut rest)? {
            take(&mut out, name, &value)?;
        }
    }
    out.words = words;
    Ok(out)
}

/// The options in one word: a long one, or a bundle of short ones of which the last may have a value.
fn expand<'a>(word: &str, rest: &mut impl Iterator<Item = &'a String>) -> Result<Vec<(String, String)>> {
    let mut value_of =
        |name: &str| rest.next().cloned().ok_or_else(|| wrong(&format!("option \"{name}\" needs a value")));
    if let Some(long) = word.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (long, None),
        };
        // The name before PostgreSQL 10.
        let name = name.replace("xlog", "wal");
        let takes = WITH_VALUE.iter().any(|(_, n)| *n == name);
        let value = match value {
            Some(value) => value,
            None if takes => value_of(word)?,
            None => String::new(),
        };
        return Ok(vec![(name, value)]);
    }
    let Some(bundle) = word.strip_prefix('-') else {
        return Err(wrong(&format!("\"{word}\" is no option")));
    };
    let mut out = Vec::new();

    for (at, letter) in bundle.char_indices() {
        match WITH_VALUE.iter().find(|(short, _)| *short == letter) {
            Some((_, name)) => {
                let glued = bundle.get(at + letter.len_utf8()..).filter(|v| !v.is_empty());
                let value = match glued {
                    Some(value) => value.to_owned(),
                    None => value_of(word)?,
                };
                out.push(((*name).to_owned(), value));
                break;
            }
            None => out.push((letter.to_string(), String::new())),
        }
    }
    Ok(out)
}

fn take(out: &mut BackupOptions, name: String, value: &str) -> Result<()> {
    match name.as_str() {
        "wal-method" => {
            out.wal_method = Some(match value {
                "s" | "stream" => WalMethod::Stream,
                "f" | "fetch" => WalMethod::Fetch,
                "n" | "none" => WalMethod::Nothing,
                other => return Err(wrong(&format!("\"{other}\" is no way to copy WAL"))),
            });
        }
        "slot" | "no-slot" => out.slot_is_theirs = true,
        "waldir" => out.wal_dir = Some(PathBuf::from(value)),
        "no-manifest" => out.no_manifest = true,
        "tablespace-mapping" => {
            let (old, new) = split_mapping(value)
                .ok_or_else(|| wrong(&format!("\"{value}\" does not map a tablespace (OLD=NEW)")))?;
            out.mapping.push((old, new));
        }
        "pgdata" => return Err(wrong("the place of the copy is \"data_directory\"")),
        "target" => return Err(wrong("the copy must come to this host")),
        "incremental" => return Err(wrong("an incremental backup is no data directory")),
        "format" if value != "p" && value != "plain" => {
            return Err(wrong("only the plain format makes a data directory"));
        }
        "password" | "W" => {
            return Err(wrong(
                "nobody can answer a question for a password; use a password file (\"passfile\")",
            ));
        }
        "create-slot" | "C" => {
            return Err(wrong("slots are made by this program; set \"use_replication_slots\""));
        }
        _ => {}
    }
    Ok(())
}

/// `OLD=NEW`; an equals sign of a path stands behind a backslash.
fn split_mapping(text: &str) -> Option<(PathBuf, PathBuf)> {
    let mut old = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if chars.next_if(|(_, next)| *next == '=').is_some() => old.push('='),
            '=' => {
                let new = text.get(at + 1..)?.replace("\\=", "=");
                return (!old.is_empty() && !new.is_empty()).then(|| (old.into(), new.into()));
            }
            other => old.push(other),
        }
    }
    None
}

fn wrong(what: &str) -> Error {
    Error::new(Exit::BadConfig, "invalid \"pg_basebackup_options\"").detail(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_plan_must_know_is_found_in_any_spelling() {
        let d = BackupOptions::default;
        for (why, line, want) in [
            ("nothing", "", d()),
            ("of no interest", "-v --no-sync -r 10M", d()),
            ("glued", "-Xfetch", BackupOptions { wal_method: Some(WalMethod::Fetch), ..d() }),
            ("apart", "-X none", BackupOptions { wal_method: Some(WalMethod::Nothing), ..d() }),
            ("bundled", "-PvX s", BackupOptions { wal_method: Some(WalMethod::Stream), ..d() }),
            ("long", "--wal-method=fetch", BackupOptions { wal_method: Some(WalMethod::Fetch), ..d() }),
            ("old name", "--xlog-method fetch", BackupOptions { wal_method: Some(WalMethod::Fetch), ..d() }),
            ("a slot", "-S mine", BackupOptions { slot_is_theirs: true, ..d() }),
            ("no slot", "--no-slot", BackupOptions { slot_is_theirs: true, ..d() }),
            ("a value that looks like an option", "-l -X", d()),
            ("WAL elsewhere", "--waldir=/w", BackupOptions { wal_dir: Some("/w".into()), ..d() }),
            (
                "a mapping",
                r"-T '/a\=b=/c'",
                BackupOptions { mapping: vec![("/a=b".into(), "/c".into())], ..d() },
            ),
            ("plain format", "-Fp", d()),
        ] {
            let got = read(line).map(|o| BackupOptions { words: Vec::new(), ..o });
            assert_eq!(got, Ok(want), "{why}");
        }
    }

    #[test]
    fn what_would_not_make_a_data_directory_is_refused() {
        for (why, line) in [
            ("another place", "-D /x"),
            ("tar", "--format=tar"),
            ("tar, bundled", "-vFt"),
            ("on the server", "-t server:/x"),
            ("open quote", "-l 'x"),
            ("a value is missing", "-X"),
            ("no such way", "-X often"),
            ("stray word", "fast"),
            ("its own slot", "-C -S x"),
        ] {
            assert_eq!(read(line).unwrap_err().exit, Exit::BadConfig, "{why}");
        }
    }
}
