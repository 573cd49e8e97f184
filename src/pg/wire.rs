//! A replication connection: what a server says of its identity and history, and its slots.

use super::connect;
use super::environment::Environment;
use super::error::{Failure, PgError};
use super::link::Link;
use super::session::{TextRow, text_rows};
use super::settings::{Settings, Speaks};
use crate::domain::conninfo::ConnInfo;
use crate::domain::lsn::{Lsn, Timeline};
use crate::domain::version::ServerVersion;
use crate::sys::clock::Deadline;
use std::fmt;
use std::time::Duration;

/// The answer to IDENTIFY_SYSTEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemIdentity {
    /// The cluster's number: the same on all its nodes.
    pub systemid: u64,
    /// The timeline it is on.
    pub timeline: Timeline,
    /// How far its WAL is flushed (primary) or replayed (standby).
    pub xlogpos: Lsn,
    /// `None`: a connection to no database, as it is here.
    pub dbname: Option<String>,
}

/// One line of a timeline's history: `timeline` ended at `lsn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// A timeline before the one in question.
    pub timeline: Timeline,
    /// Where the next one forked off it.
    pub lsn: Lsn,
}

/// A physical replication connection; each call ends within the limit.
pub struct Wire {
    link: Link,
    limit: Duration,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({})", self.link.place)
    }
}

/// How long a single call may take unless [`Wire::set_limit`] says otherwise.
const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

impl Wire {
    /// Connects as [`super::session::Session::connect`] does; password files are asked for the database
    /// `replication`.
    ///
    /// # Errors
    /// [`PgError`]; `53300` when all walsenders are in use, `28000` without an entry for `replication`
    /// in pg_hba.conf or without the role's privilege.
    pub fn connect(conninfo: &ConnInfo, deadline: Deadline) -> Result<Self, PgError> {
        Self::connect_in(conninfo, Environment::of_process(), deadline)
    }

    /// [`Wire::connect`] in an environment of the caller's.
    ///
    /// # Errors
    /// As there.
    pub fn connect_in(conninfo: &ConnInfo, env: Environment, deadline: Deadline) -> Result<Self, PgError> {
        let settings = Settings::of(conninfo, env, Speaks::Replication)?;
        Ok(Self { link: connect::connect(&settings, deadline)?, limit: DEFAULT_LIMIT })
    }

    /// The longest that any later single call may take. Default: 60 s.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// The server's version.
    #[must_use]
    pub fn version(&self) -> ServerVersion {
        self.link.version
    }

    /// False after a call that timed out or lost the connection.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.link.is_usable()
    }

    /// Who the server is.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn identify_system(&mut self) -> Result<SystemIdentity, PgError> {
        let mut row = self.one_row("IDENTIFY_SYSTEM")?.into_iter().map(Option::unwrap_or_default);
        let mut field = || row.next().unwrap_or_default();
        let (systemid, timeline, xlogpos, dbname) = (field(), field(), field(), field());
        match (systemid.parse(), timeline.parse(), xlogpos.parse()) {
            (Ok(systemid), Ok(timeline), Ok(xlogpos)) => Ok(SystemIdentity {
                systemid,
                timeline: Timeline(timeline),
                xlogpos,
                dbname: Some(dbname).filter(|d| !d.is_empty()),
            }),
            _ => Err(unexpected("IDENTIFY_SYSTEM")),
        }
    }

    /// The forks that led to a timeline, oldest first. Empty for timeline 1, which has no history.
    ///
    /// # Errors
    /// [`PgError`]; `58P01` when the server does not have that history.
    pub fn timeline_history(&mut self, timeline: Timeline) -> Result<Vec<HistoryEntry>, PgError> {
        match self.timeline_history_text(timeline)? {
            Some(text) => parse_history(&text).ok_or_else(|| unexpected("TIMELINE_HISTORY")),
            None => Ok(Vec::new()),
        }
    }

    /// The history file of a timeline. `None` for timeline 1, which has none.
    ///
    /// # Errors
    /// As [`Wire::timeline_history`].
    pub fn timeline_history_text(&mut self, timeline: Timeline) -> Result<Option<String>, PgError> {
        if timeline <= Timeline(1) {
            return Ok(None);
        }
        let row = self.one_row(&format!("TIMELINE_HISTORY {timeline}"))?;
        match row.into_iter().nth(1).flatten() {
            Some(text) => Ok(Some(text)),
            None => Err(unexpected("TIMELINE_HISTORY")),
        }
    }

    /// Makes a physical slot that reserves WAL at once.
    ///
    /// # Errors
    /// [`PgError`]; `42710` when it exists, `53400` when max_replication_slots is used up.
    pub fn create_physical_slot(&mut self, name: &str) -> Result<(), PgError> {
        let name = slot_name(name)?;
        self.rows(&format!("CREATE_REPLICATION_SLOT {name} PHYSICAL RESERVE_WAL")).map(drop)
    }

    /// Drops a slot that nobody uses.
    ///
    /// # Errors
    /// [`PgError`]; `42704` when there is none, `55006` while it is in use.
    pub fn drop_slot(&mut self, name: &str) -> Result<(), PgError> {
        let name = slot_name(name)?;
        self.rows(&format!("DROP_REPLICATION_SLOT {name}")).map(drop)
    }

    /// A setting as SHOW prints it.
    ///
    /// # Errors
    /// [`PgError`]; `42704` when there is no such setting.
    pub fn show(&mut self, parameter: &str) -> Result<String, PgError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if parameter.is_empty() || !parameter.chars().all(plain) {
            return Err(PgError::new(Failure::Sql, format!("\"{parameter}\" is not a setting's name")));
        }
        let row = self.one_row(&format!("SHOW {parameter}"))?;
        row.into_iter().next().flatten().ok_or_else(|| unexpected("SHOW"))
    }

    fn rows(&mut self, command: &str) -> Result<Vec<TextRow>, PgError> {
        let messages = self.link.call(self.limit, async |client| client.simple_query(command).await)?;
        Ok(text_rows(&messages))
    }

    fn one_row(&mut self, command: &str) -> Result<TextRow, PgError> {
        self.rows(command)?.into_iter().next().ok_or_else(|| unexpected(command))
    }
}

fn unexpected(command: &str) -> PgError {
    PgError::new(Failure::Sql, format!("unexpected answer to {command}"))
}

/// Slots are named by lower-case letters, digits and underscores, at most 63: such a name needs no quotes.
fn slot_name(name: &str) -> Result<&str, PgError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.len() < 64 && name.chars().all(plain) {
        return Ok(name);
    }
    let why = format!("replication slot name \"{name}\" contains invalid characters or is too long");
    Err(PgError::new(Failure::Sql, why).hint(
        "Replication slot names may only contain lower case letters, numbers, and the underscore character.",
    ))
}

/// Lines of `timeline LSN reason`; comments begin with `#`. `None`: not such a file.
#[must_use]
pub fn parse_history(text: &str) -> Option<Vec<HistoryEntry>> {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let timeline = Timeline(words.next()?.parse().ok()?);
            Some(HistoryEntry { timeline, lsn: words.next()?.parse().ok()? })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_file_gives_its_forks() {
        let entry = |timeline, lsn| HistoryEntry { timeline: Timeline(timeline), lsn: Lsn(lsn) };
        for (why, text, want) in [
            ("one fork", "1\t0/3000060\tno recovery target specified\n", Some(vec![entry(1, 0x300_0060)])),
            (
                "two, with a blank line and a comment",
                "1\t0/A0\tx\n\n# c\n2\t1/B0\tbefore 2020\n",
                Some(vec![entry(1, 0xA0), entry(2, 0x1_0000_00B0)]),
            ),
            ("empty", "", Some(vec![])),
            ("garbage", "x\ty", None),
            ("no position", "1", None),
        ] {
            assert_eq!(parse_history(text), want, "{why}");
        }
    }
}
