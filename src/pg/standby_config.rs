//! The settings that make a data directory a standby of its upstream.
//!
//! From 12 on they stand in `postgresql.auto.conf`, with `standby.signal` beside it; before that in
//! `recovery.conf`. Other lines of those files are kept as they are.

use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sys::files;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Nobody's file of settings is larger.
const FILE_LIMIT: u64 = 16 << 20;

/// The files may hold a password.
const SECRET: u32 = 0o600;

/// What a standby is told.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StandbySettings {
    /// How the upstream is reached.
    pub primary_conninfo: String,
    /// Its slot there. `None`: it uses none, and a line that names one is taken out.
    pub primary_slot_name: Option<String>,
    /// PostgreSQL's text, such as `5min`. `None`, here and below: a line that is there already stays.
    pub recovery_min_apply_delay: Option<String>,
    /// How WAL is fetched from an archive.
    pub restore_command: Option<String>,
    /// How the archive is tidied.
    pub archive_cleanup_command: Option<String>,
}

/// One change of a file of settings.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Every line of the key goes, one with this value comes.
    Set(&'static str, String),
    /// Every line of the key goes.
    Remove(&'static str),
}

/// Without the value, which may hold a password.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set(key, _) => write!(f, "Set({key:?}, ***)"),
            Self::Remove(key) => write!(f, "Remove({key:?})"),
        }
    }
}

impl Change {
    const fn key(&self) -> &'static str {
        match self {
            Self::Set(key, _) | Self::Remove(key) => key,
        }
    }
}

impl StandbySettings {
    /// What is to change in the file of settings of a server of this version.
    #[must_use]
    pub fn changes(&self, version: ServerVersion) -> Vec<Change> {
        let mut changes = Vec::new();
        if version.uses_recovery_conf() {
            changes.push(Change::Set("standby_mode", "on".to_owned()));
        }
        changes.push(Change::Set("primary_conninfo", self.primary_conninfo.clone()));
        if version.uses_recovery_conf() {
            changes.push(Change::Set("recovery_target_timeline", "latest".to_owned()));
        }
        changes.push(match &self.primary_slot_name {
            Some(slot) => Change::Set("primary_slot_name", slot.clone()),
            None => Change::Remove("primary_slot_name"),
        });
        for (key, value) in [
            ("recovery_min_apply_delay", &self.recovery_min_apply_delay),
            ("restore_command", &self.restore_command),
            ("archive_cleanup_command", &self.archive_cleanup_command),
        ] {
            changes.extend(value.clone().map(|value| Change::Set(key, value)));
        }
        changes
    }
}

/// The file of settings with the changes made: other lines stay as they are, in whatever encoding; ours come
/// last in it.
#[must_use]
pub fn render(old: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut out = Vec::with_capacity(old.len() + 512);
    for line in lines(old) {
        let ours = setting(&String::from_utf8_lossy(line))
            .is_some_and(|(key, _)| changes.iter().any(|c| c.key().eq_ignore_ascii_case(key)));
        if !ours {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
    }
    for change in changes {
        match change {
            Change::Set(key, value) => {
                out.extend_from_slice(format!("{key} = {}\n", quoted(value)).as_bytes());
            }
            Change::Remove(_) => {}
        }
    }
    out
}

fn lines(contents: &[u8]) -> impl Iterator<Item = &[u8]> {
    contents.split_inclusive(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

/// A value as PostgreSQL's files of settings want it: within single quotes, quotes and backslashes doubled.
/// A line break, which such a file cannot hold, becomes `\n`.
#[must_use]
pub fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('\'');
    for c in value.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    out.push('\'');
    out
}

/// Key and value of a line. `None`: a comment, an empty line, or no setting.
fn setting(line: &str) -> Option<(&str, String)> {
    let line = line.trim_start();
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$')))
        .unwrap_or(line.len());
    let (key, rest) = line.split_at_checked(end)?;
    if key.is_empty() {
        return None;
    }
    let rest = rest.trim_start();
    Some((key, value(rest.strip_prefix('=').unwrap_or(rest).trim_start())))
}

/// The value at the start of the text, quotes taken off.
fn value(text: &str) -> String {
    let Some(inner) = text.strip_prefix('\'') else {
        let end = text.find(|c: char| c.is_ascii_whitespace() || c == '#').unwrap_or(text.len());
        return text.get(..end).unwrap_or_default().to_owned();
    };
    let mut out = String::new();
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' if chars.next_if_eq(&'\'').is_some() => out.push('\''),
            '\'' => break,
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('b') => out.push('\u{8}'),
                Some('f') => out.push('\u{c}'),
                Some(first @ '0'..='7') => {
                    let mut code = u32::from(first) - u32::from('0');
                    for _ in 0..2 {
                        if let Some(digit) = chars.next_if(|d| ('0'..='7').contains(d)) {
                            code = code * 8 + u32::from(digit) - u32::from('0');
                        }
                    }
                    out.extend(char::from_u32(code));
                }
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

/// The last value of a key in a file of settings; bytes in it that are not UTF-8 are replaced. `None`: it is not
/// set there.
#[must_use]
pub fn lookup(contents: &[u8], key: &str) -> Option<String> {
    let contents = String::from_utf8_lossy(contents);
    contents.lines().filter_map(setting).rfind(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v)
}

/// The file that holds a standby's settings.
#[must_use]
pub fn settings_file(data_dir: &Path, version: ServerVersion) -> PathBuf {
    data_dir.join(if version.uses_recovery_conf() { "recovery.conf" } else { "postgresql.auto.conf" })
}

/// True when the directory's server starts as a standby: `standby.signal` is there, or before 12 a
/// `recovery.conf`.
#[must_use]
pub fn is_standby(data_dir: &Path, version: ServerVersion) -> bool {
    data_dir.join(signal_file(version)).exists()
}

const fn signal_file(version: ServerVersion) -> &'static str {
    if version.uses_recovery_conf() { "recovery.conf" } else { "standby.signal" }
}

/// Makes the directory a standby of its upstream. The settings come first, the signal file last, so that a
/// crash in between leaves nothing that starts as a standby of nobody.
///
/// # Errors
/// [`Exit::BadConfig`] when a file cannot be read or written; it is as it was before then.
pub fn write(data_dir: &Path, version: ServerVersion, settings: &StandbySettings) -> Result<()> {
    change(&settings_file(data_dir, version), &settings.changes(version))?;
    if !version.uses_recovery_conf() {
        let path = data_dir.join(signal_file(version));
        files::write_atomic(&path, b"", SECRET).map_err(|why| cannot("write", &path, &why))?;
    }
    Ok(())
}

/// Points a standby to another upstream; what makes it a standby is left alone, since a server that was
/// promoted meanwhile must not become one at its next start.
///
/// # Errors
/// As [`write`].
pub fn point(data_dir: &Path, version: ServerVersion, settings: &StandbySettings) -> Result<()> {
    let path = settings_file(data_dir, version);
    if version.uses_recovery_conf() && !path.exists() {
        return Err(Error::new(Exit::BadConfig, format!("\"{}\" is not there", path.display()))
            .detail("this server is no standby any more"));
    }
    change(&path, &settings.changes(version))
}

/// Makes the directory a standby's no more: the signal file (before 12 the whole `recovery.conf`) is
/// removed, and so are the lines that name an upstream.
///
/// # Errors
/// [`Exit::BadConfig`] when a file cannot be removed or written.
pub fn remove(data_dir: &Path, version: ServerVersion) -> Result<()> {
    let path = data_dir.join(signal_file(version));
    files::remove_file(&path).map_err(|why| cannot("remove", &path, &why))?;
    if version.uses_recovery_conf() {
        return Ok(());
    }
    let changes = ["primary_conninfo", "primary_slot_name"].map(Change::Remove);
    change(&settings_file(data_dir, version), &changes)
}

/// The connection string that the directory's own file of settings names (it may hold a password). `None`:
/// it names none; a line in `postgresql.conf` is not looked at.
///
/// # Errors
/// [`Exit::BadConfig`] when the file is there and cannot be read.
pub fn read_primary_conninfo(data_dir: &Path, version: ServerVersion) -> Result<Option<String>> {
    Ok(read(&settings_file(data_dir, version))?.and_then(|text| lookup(&text, "primary_conninfo")))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    // A site may keep it elsewhere and link to it.
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match files::read_small(&real, FILE_LIMIT) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(cannot("read", path, &why)),
    }
}

fn change(path: &Path, changes: &[Change]) -> Result<()> {
    let old = read(path)?;
    let new = render(old.as_deref().unwrap_or_default(), changes);
    if old.as_deref() == Some(new.as_slice()) {
        return Ok(());
    }
    files::write_atomic(path, &new, SECRET).map_err(|why| cannot("write", path, &why))
}

fn cannot(what: &str, path: &Path, why: &io::Error) -> Error {
    Error::new(Exit::BadConfig, format!("unable to {what} \"{}\"", path.display()))
        .detail(why.to_string())
        .hint("check the owner and the permissions of the data directory, and the room on its file system")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V11: ServerVersion = ServerVersion(110_022);
    const V15: ServerVersion = ServerVersion(150_018);

    fn settings() -> StandbySettings {
        StandbySettings {
            primary_conninfo: r"host=n1 password='it\'s'".to_owned(),
            primary_slot_name: Some("repmgr_slot_2".to_owned()),
            ..StandbySettings::default()
        }
    }

    fn text(old: &[u8], changes: &[Change]) -> String {
        String::from_utf8(render(old, changes)).unwrap()
    }

    #[test]
    fn other_lines_stay_and_ours_are_replaced() {
        let old = "# Do not edit\nwork_mem = '8MB'\nprimary_conninfo='host=old'\n PRIMARY_SLOT_NAME 'a'\n\
                   restore_command = 'cp %p'\n# primary_conninfo = 'kept'\nbroken line";
        let want = "# Do not edit\nwork_mem = '8MB'\nrestore_command = 'cp %p'\n# primary_conninfo = 'kept'\nbroken line\n\
                    primary_conninfo = 'host=n1 password=''it\\\\''s'''\nprimary_slot_name = 'repmgr_slot_2'\n";
        let got = text(old.as_bytes(), &settings().changes(V15));
        assert_eq!(got, want);
        assert_eq!(text(got.as_bytes(), &settings().changes(V15)), want, "a second time changes nothing");
        let none = StandbySettings { primary_slot_name: None, ..settings() };
        assert!(!text(got.as_bytes(), &none.changes(V15)).contains("slot"), "no slot: no line of one");
    }

    #[test]
    fn lines_in_another_encoding_stay_byte_for_byte() {
        let old = b"# caf\xe9\r\nrestore_command = 'cp /b\xe4r/%f'\nprimary_conninfo = 'user=\xfc'\n\nlast";
        let got = render(old, &[Change::Set("primary_conninfo", "host=n1".to_owned())]);
        let want = b"# caf\xe9\r\nrestore_command = 'cp /b\xe4r/%f'\n\nlast\nprimary_conninfo = 'host=n1'\n";
        assert_eq!(got.as_slice(), want.as_slice());
        assert_eq!(lookup(&got, "primary_conninfo").as_deref(), Some("host=n1"));
        assert_eq!(render(b"", &[]), b"", "an empty file stays empty");
        assert_eq!(render(b"\n", &[]), b"\n", "and so does an empty line");
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", settings().changes(V15));
        assert!(shown.contains("primary_conninfo") && !shown.contains("it"), "{shown}");
    }

    #[test]
    fn before_12_the_file_makes_the_standby() {
        let got = text(
            b"",
            &StandbySettings { recovery_min_apply_delay: Some("5min".into()), ..settings() }.changes(V11),
        );
        let keys: Vec<_> = got.lines().filter_map(setting).collect();
        let want = [
            ("standby_mode", "on"),
            ("primary_conninfo", r"host=n1 password='it\'s'"),
            ("recovery_target_timeline", "latest"),
            ("primary_slot_name", "repmgr_slot_2"),
            ("recovery_min_apply_delay", "5min"),
        ];
        assert_eq!(keys, want.map(|(k, v)| (k, v.to_owned())));
    }

    #[test]
    fn lines_are_read_as_postgresql_reads_them() {
        for (why, line, want) in [
            ("usual", "a = 'b'", Some("b")),
            ("no blanks", "a='b'", Some("b")),
            ("no equals sign", "a 'b c' # x", Some("b c")),
            ("bare", "a = b#x", Some("b")),
            ("escapes", r"a = 'x''y\'z\\ \101'", Some(r"x'y'z\ A")),
            ("other case", "A = b", Some("b")),
            ("the last one wins", "a = b\na = c", Some("c")),
            ("comment", "#a = b", None),
            ("a longer key", "ab = c", None),
        ] {
            assert_eq!(lookup(line.as_bytes(), "a").as_deref(), want, "{why}");
        }
    }

    proptest! {
        #[test]
        fn any_value_survives_the_file(value in r"([^\x00]|['\\\n\r#=]){0,40}") {
            let text = text(b"a = 'b'\n", &[Change::Set("primary_conninfo", value.clone())]);
            prop_assert_eq!(text.lines().count(), 2);
            prop_assert_eq!(lookup(text.as_bytes(), "primary_conninfo"), Some(value));
        }
    }
}
