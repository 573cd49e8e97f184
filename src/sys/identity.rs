//! Under whose name a program runs: numbers, with the groups that a login would have.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// A user to run a program as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// The other groups of the user, as /etc/group lists them.
    pub groups: Vec<u32>,
    /// Name and home from /etc/passwd. `None`: the number is not in it (LDAP, container).
    pub account: Option<Account>,
}

/// What /etc/passwd knows of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The login name.
    pub name: String,
    /// The home directory.
    pub home: String,
}

impl Identity {
    /// The user who owns `path`, with the groups that /etc/group gives that user.
    ///
    /// # Errors
    /// When `path` cannot be looked at.
    pub fn owner_of(path: &Path) -> io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let group = std::fs::read_to_string("/etc/group").unwrap_or_default();
        Ok(Self::from_tables(meta.uid(), meta.gid(), &passwd, &group))
    }

    /// True when the running program is somebody else and would have to change to this user.
    #[must_use]
    pub fn differs_from_us(&self) -> bool {
        rustix::process::geteuid().as_raw() != self.uid
    }

    fn from_tables(uid: u32, gid: u32, passwd: &str, group: &str) -> Self {
        let line = passwd
            .lines()
            .map(|l| l.split(':').collect::<Vec<_>>())
            .find(|f| matches!(f.as_slice(), [_, _, number, ..] if number.parse() == Ok(uid)));
        let Some([name, _, _, login_gid, _, home, ..]) = line.as_deref() else {
            return Self { uid, gid, groups: vec![gid], account: None };
        };
        let gid = login_gid.parse().unwrap_or(gid);
        let mut groups = vec![gid];
        for fields in group.lines().map(|l| l.split(':').collect::<Vec<_>>()) {
            if let [_, _, number, members] = fields.as_slice()
                && members.split(',').any(|m| m == *name)
                && let Ok(number) = number.parse()
                && !groups.contains(&number)
            {
                groups.push(number);
            }
        }
        let account = Account { name: (*name).to_owned(), home: (*home).to_owned() };
        Self { uid, gid, groups, account: Some(account) }
    }

    /// The variables a login would set.
    pub(super) fn environment(&self) -> Vec<(OsString, OsString)> {
        let Some(account) = &self.account else { return Vec::new() };
        [("HOME", &account.home), ("USER", &account.name), ("LOGNAME", &account.name)]
            .map(|(key, value)| (OsString::from(key), OsString::from(value)))
            .to_vec()
    }
}

/// What a child does between fork and exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtOurDeath {
    /// It goes on.
    GoesOn,
    /// It gets SIGTERM.
    Ends,
}

/// Makes `command` change user before it becomes the program.
pub(super) fn prepare(command: &mut Command, identity: Option<&Identity>, at_our_death: AtOurDeath) {
    if identity.is_none() && at_our_death == AtOurDeath::GoesOn {
        return;
    }
    let user = identity.map(|who| {
        let groups: Vec<rustix::process::Gid> =
            who.groups.iter().map(|g| rustix::process::Gid::from_raw(*g)).collect();
        (groups, rustix::process::Gid::from_raw(who.gid), rustix::process::Uid::from_raw(who.uid))
    });
    let parent = rustix::process::getpid();
    let enter = move || -> io::Result<()> {
        if let Some((groups, gid, uid)) = &user {
            rustix::thread::set_thread_groups(groups)?;
            rustix::thread::set_thread_res_gid(*gid, *gid, *gid)?;
            rustix::thread::set_thread_res_uid(*uid, *uid, *uid)?;
        }
        if at_our_death == AtOurDeath::Ends {
            // After the change of user, which clears it.
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
            // When we died before that, no signal comes any more.
            is_still_ours(parent)?;
        }
        Ok(())
    };
    // SAFETY: the closure runs in the forked child, which has one thread only; it makes plain system
    // calls on memory that was allocated before the fork, and neither allocates nor locks.
    unsafe { command.pre_exec(enter) };
}

/// An error in a child whose parent has died. A parent in another PID namespace cannot be seen and counts as alive.
fn is_still_ours(parent: rustix::process::Pid) -> io::Result<()> {
    match rustix::process::getppid() {
        Some(now) if now != parent => Err(io::Error::from_raw_os_error(libc::ECANCELED)),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_knows_when_its_parent_has_died() {
        let parent = rustix::process::getppid().unwrap();
        assert!(is_still_ours(parent).is_ok());
        assert!(is_still_ours(rustix::process::getpid()).is_err(), "another parent: ours has died");
    }

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\npostgres:x:26:26:PG:/var/lib/pgsql:/bin/bash\nodd\n";
    const GROUP: &str = "root:x:0:\npostgres:x:26:\nssl-cert:x:101:www,postgres\nother:x:102:postgres2\n";

    #[test]
    fn groups_are_those_that_name_the_user() {
        let who = Identity::from_tables(26, 500, PASSWD, GROUP);
        assert_eq!((who.gid, who.groups), (26, vec![26, 101]));
        assert_eq!(who.account.map(|a| a.home), Some("/var/lib/pgsql".to_owned()));
    }

    #[test]
    fn a_number_without_a_name_runs_with_the_group_of_the_directory() {
        let who = Identity::from_tables(4711, 4712, PASSWD, GROUP);
        assert_eq!((who.uid, who.gid, who.groups, who.account), (4711, 4712, vec![4712], None));
    }
}
