//! Who this process is, from /etc/passwd: a static program must not load the host's name service.

use std::path::PathBuf;

/// An account of this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// Its home directory.
    pub home: PathBuf,
}

/// The account of the effective user. `None`: /etc/passwd does not list it (a directory service may).
#[must_use]
pub fn own() -> Option<Account> {
    by_uid(rustix::process::geteuid().as_raw())
}

/// The account with this number. `None`: /etc/passwd does not list it.
#[must_use]
pub fn by_uid(uid: u32) -> Option<Account> {
    let text = std::fs::read("/etc/passwd").ok()?;
    String::from_utf8_lossy(&text).lines().filter_map(account).find(|a| a.uid == uid)
}

fn account(line: &str) -> Option<Account> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let home = fields.nth(2)?.into();
    Some(Account { name, uid, home })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_passwd_gives_name_number_and_home() {
        for (why, line, want) in [
            ("ordinary", "pg:x:26:27:Pg,,,:/var/lib/pgsql:/bin/bash", Some(("pg", 26, "/var/lib/pgsql"))),
            ("no shell", "pg:x:26:27::/h", Some(("pg", 26, "/h"))),
            ("NIS entry", "+::::::", None),
            ("comment", "# x", None),
            ("cut off", "pg:x:26", None),
        ] {
            let want =
                want.map(|(name, uid, home)| Account { name: name.to_owned(), uid, home: home.into() });
            assert_eq!(account(line), want, "{why}");
        }
    }
}
