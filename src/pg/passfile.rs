//! The password file: `host:port:database:user:password`, wildcards, backslash escapes, 0600 or ignored.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What is looked up. `database` is `replication` for a replication connection.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Host as given, `localhost` for a default socket directory.
    pub host: &'a str,
    /// Port as given.
    pub port: &'a str,
    /// Database.
    pub database: &'a str,
    /// User.
    pub user: &'a str,
}

/// What a look into the file gave.
#[derive(Clone, PartialEq, Eq)]
pub enum Found {
    /// The first line that matches has this password.
    Password(String),
    /// No line matches, or there is no file.
    Nothing,
    /// The file is not used, and why.
    Ignored(String),
}

/// Looks a password up.
#[must_use]
pub fn look_up(path: &Path, wanted: Wanted<'_>) -> Found {
    let Ok(meta) = std::fs::metadata(path) else {
        return Found::Nothing;
    };
    if !meta.is_file() {
        return Found::Ignored(format!("password file \"{}\" is not a plain file", path.display()));
    }
    if meta.mode() & 0o077 != 0 {
        return Found::Ignored(format!(
            "password file \"{}\" has group or world access and is ignored; permissions should be u=rw (0600) or less",
            path.display()
        ));
    }
    match std::fs::read(path) {
        Ok(bytes) => find(&String::from_utf8_lossy(&bytes), wanted).map_or(Found::Nothing, Found::Password),
        Err(e) => Found::Ignored(format!("password file \"{}\" cannot be read: {e}", path.display())),
    }
}

/// The password of the first line of a password file's text that matches. `None`: no line does.
#[must_use]
pub fn find(text: &str, wanted: Wanted<'_>) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let rest = [wanted.host, wanted.port, wanted.database, wanted.user]
            .iter()
            .try_fold(line.trim_end_matches('\r'), |rest, value| match_field(rest, value))?;
        Some(unescape(rest))
    })
}

/// What follows the field at the start of `line` when the field is `*` or `value`.
fn match_field<'a>(line: &'a str, value: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut wanted = value.chars();
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        let c = match c {
            ':' => return wanted.next().is_none().then(|| &line[at + 1..]),
            '\\' => chars.next()?.1,
            other => other,
        };
        if wanted.next() != Some(c) {
            return None;
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const ME: Wanted<'static> = Wanted { host: "n1", port: "5432", database: "repmgr", user: "rep" };

    #[test]
    fn the_first_matching_line_wins() {
        for (why, text, want) in [
            ("exact", "n1:5432:repmgr:rep:pw", Some("pw")),
            ("wildcards", "*:*:*:*:pw", Some("pw")),
            ("first of two", "*:*:*:*:a\nn1:5432:repmgr:rep:b", Some("a")),
            ("comments and others are passed over", "#*:*:*:*:c\nn2:*:*:*:x\n\n*:*:*:rep:pw", Some("pw")),
            ("escapes in the password", r"*:*:*:*:a\:b\\c", Some(r"a:b\c")),
            ("a colon in the password needs no escape", "*:*:*:*:a:b", Some("a:b")),
            ("escapes in a field", r"n\1:5432:*:*:pw", Some("pw")),
            ("CRLF", "*:*:*:*:pw\r\n", Some("pw")),
            ("a prefix of the host is not the host", "n:*:*:*:pw", None),
            ("a longer host neither", "n11:*:*:*:pw", None),
            ("a star is a wildcard only alone", "n*:*:*:*:pw", None),
            ("too few fields", "n1:5432:repmgr:pw", None),
            ("another database", "*:*:replication:*:pw", None),
            ("empty", "", None),
        ] {
            assert_eq!(find(text, ME).as_deref(), want, "{why}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_ignored_with_a_reason() {
        let path = std::env::temp_dir().join(format!("passfile-{}", std::process::id()));
        std::fs::write(&path, "*:*:*:*:pw\n").unwrap();
        for (mode, want) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match look_up(&path, ME) {
                Found::Password(p) => assert!(want && p == "pw", "{mode:o}"),
                Found::Ignored(why) => assert!(!want && why.contains("0600"), "{mode:o} {why}"),
                Found::Nothing => panic!("{mode:o}"),
            }
        }
        std::fs::remove_file(&path).unwrap();
        assert!(look_up(&path, ME) == Found::Nothing, "no file, no warning");
        assert!(matches!(look_up(&std::env::temp_dir(), ME), Found::Ignored(_)), "a directory");
    }
}
