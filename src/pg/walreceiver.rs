//! Switching a standby's WAL receiver off and on. PostgreSQL has no switch for it: the time between two attempts
//! to receive is made a day longer, and the process is ended.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::postmaster;
use crate::pg::session::{PgError, Session};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::path::Path;

/// The setting that holds the time between two attempts, in milliseconds.
pub const SETTING: &str = "wal_retrieve_retry_interval";

/// What is added to it, in milliseconds: a day. As repmgr does it, so that either program undoes the other's.
pub const DAY: i64 = 86_400_000;

/// How things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// In force, in milliseconds.
    pub current: i64,
    /// What the files say, when that is a plain number: in force after the next reload.
    pub filed: Option<i64>,
    /// The server's default.
    pub default: i64,
    /// Whether a file other than that of ALTER SYSTEM sets it.
    pub configured: bool,
}

impl Interval {
    /// The undisturbed time between two attempts. `None`: nobody has made it longer.
    #[must_use]
    pub fn undisturbed(&self) -> Option<i64> {
        let longer = |value: &i64| *value >= DAY;
        Some(self.current).filter(longer).or(self.filed.filter(longer)).map(|value| value - DAY)
    }
}

/// Reads it; needs a superuser.
///
/// # Errors
/// [`PgError`].
pub fn interval(s: &mut Session) -> Result<Interval, PgError> {
    let sql = "SELECT s.setting::pg_catalog.int8, s.boot_val::pg_catalog.int8,
        (SELECT f.setting FROM pg_catalog.pg_file_settings f WHERE f.name = s.name
          ORDER BY f.seqno DESC LIMIT 1),
        EXISTS (SELECT 1 FROM pg_catalog.pg_file_settings f WHERE f.name = s.name
                   AND f.sourcefile !~ '/postgresql\\.auto\\.conf$')
        FROM pg_catalog.pg_settings s WHERE s.name = $1";
    let row = s.query_opt(sql, &[&SETTING])?;
    Ok(row.map_or(Interval { current: 0, filed: None, default: 0, configured: false }, |row| Interval {
        current: row.get(0),
        default: row.get(1),
        filed: row.get::<_, Option<String>>(2).and_then(|text| text.parse().ok()),
        configured: row.get(3),
    }))
}

/// Sets it by ALTER SYSTEM, `None`: takes it out of there, and has the server read its files.
///
/// # Errors
/// [`PgError`].
pub fn set_interval(s: &mut Session, milliseconds: Option<i64>) -> Result<(), PgError> {
    match milliseconds {
        Some(value) => s.batch(&format!("ALTER SYSTEM SET {SETTING} = {value}"))?,
        None => s.batch(&format!("ALTER SYSTEM RESET {SETTING}"))?,
    }
    s.batch("SELECT pg_catalog.pg_reload_conf()")
}

/// The process that receives WAL. `None`: none does.
///
/// # Errors
/// [`PgError`].
pub fn pid(s: &mut Session) -> Result<Option<i32>, PgError> {
    let sql = "SELECT pid FROM pg_catalog.pg_stat_wal_receiver WHERE pid IS NOT NULL";
    Ok(s.query_opt(sql, &[])?.map(|row| row.get(0)))
}

/// Ends a WAL receiver of the server in `data_dir`, on this host: pg_terminate_backend does not reach it. One that
/// is gone by then is none to end.
///
/// # Errors
/// [`Exit::BadConfig`]: no such server runs here, the process is none of its own, or may not be signalled.
pub fn end(data_dir: &Path, pid: i32) -> Result<()> {
    let what = || Error::new(Exit::BadConfig, format!("unable to end the WAL receiver (process {pid})"));
    let server = postmaster::find(data_dir)?.ok_or_else(|| {
        what()
            .detail(format!("no server runs in \"{}\" on this host", data_dir.display()))
            .hint("run this on the host of the node, and check \"data_directory\"")
    })?;
    let Some(id) = Pid::from_raw(pid) else { return Ok(()) };
    // The parent is looked at when the number cannot change hands any more.
    let signalled = match rustix::process::pidfd_open(id, PidfdFlags::empty()) {
        Ok(pidfd) => {
            is_child(pid, server.pid).then(|| rustix::process::pidfd_send_signal(&pidfd, Signal::TERM))
        }
        Err(rustix::io::Errno::NOSYS) => {
            is_child(pid, server.pid).then(|| rustix::process::kill_process(id, Signal::TERM))
        }
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        Err(why) => Some(Err(why)),
    };
    match signalled {
        Some(Ok(()) | Err(rustix::io::Errno::SRCH)) => Ok(()),
        Some(Err(why)) => {
            Err(what().detail(why.to_string()).hint("run this as the owner of the data directory"))
        }
        None if !Path::new(&format!("/proc/{pid}")).exists() => Ok(()),
        None => Err(what()
            .detail(format!("it is no process of the server in \"{}\"", data_dir.display()))
            .hint("run this on the host of the node, and check \"conninfo\" and \"data_directory\"")),
    }
}

/// Whether `parent` has started `pid`.
fn is_child(pid: i32, parent: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // After the name in brackets: the state, then the parent.
    let found = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
    found == Some(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_interval_is_found_in_force_or_on_file() {
        let all = |current, filed| Interval { current, filed, default: 5000, configured: false };
        for (why, interval, want) in [
            ("as it came", all(5000, None), None),
            ("disabled", all(DAY + 5000, Some(DAY + 5000)), Some(5000)),
            ("cut off before the reload", all(5000, Some(DAY + 5000)), Some(5000)),
            ("enabled again, cut off before the reload", all(DAY + 700, Some(700)), Some(700)),
            ("the round number", all(DAY, None), Some(0)),
        ] {
            assert_eq!(interval.undisturbed(), want, "{why}");
        }
    }

    #[test]
    fn a_child_is_told_from_a_stranger() {
        let own = i32::try_from(std::process::id()).unwrap();
        let parent = std::os::unix::process::parent_id();
        assert!(is_child(own, parent));
        assert!(!is_child(own, parent + 1));
        assert!(!is_child(0, parent));
    }
}
