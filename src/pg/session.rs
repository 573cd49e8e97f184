//! A connection to a server with a deadline on every call.

use super::connect;
use super::environment::Environment;
use super::link::Link;
use super::settings::{Settings, Speaks};
use crate::domain::conninfo::ConnInfo;
use crate::domain::version::ServerVersion;
use crate::sys::clock::Deadline;
use postgres::Row;
use postgres::types::ToSql;
use std::fmt;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

pub use super::error::{Failure, PgError};

/// A row of text, as the simple protocol gives it. `None`: NULL.
pub type TextRow = Vec<Option<String>>;

/// How long a single call may take unless [`Session::set_limit`] says otherwise.
const DEFAULT_LIMIT: Duration = Duration::from_secs(60);

/// The server ends a statement by itself this much after we gave it up, in case the cancel request was lost.
const GRACE: Duration = Duration::from_secs(1);

/// One connection. Every call ends within the session's limit, whatever the server does (half a second more
/// when a statement has to be cancelled).
pub struct Session {
    link: Link,
    limit: Duration,
    /// The statement_timeout in force on the server. `None`: not known to be ours.
    server_limit: Option<Duration>,
    pid: Option<i32>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.link.place)
    }
}

impl Session {
    /// Connects; tries each host in turn and divides the deadline among them. Environment, service file and
    /// password file fill in what the string leaves open; connect_timeout is 2 s unless given; search_path is
    /// empty.
    ///
    /// # Errors
    /// [`PgError`] of the last host tried, with all of them in the detail.
    pub fn connect(conninfo: &ConnInfo, deadline: Deadline) -> Result<Self, PgError> {
        Self::connect_in(conninfo, Environment::of_process(), deadline)
    }

    /// [`Session::connect`] in an environment of the caller's.
    ///
    /// # Errors
    /// As there.
    pub fn connect_in(conninfo: &ConnInfo, env: Environment, deadline: Deadline) -> Result<Self, PgError> {
        let settings = Settings::of(conninfo, env, Speaks::Sql)?;
        let link = connect::connect(&settings, deadline)?;
        Ok(Self { link, limit: DEFAULT_LIMIT, server_limit: None, pid: None })
    }

    /// The longest that any later single call may take. Default: 60 s.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// The longest that a single call may take now.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// The server's version.
    #[must_use]
    pub fn version(&self) -> ServerVersion {
        self.link.version
    }

    /// The server as messages name it: `server at "10.77.0.1", port 5432`.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.link.place
    }

    /// What the user should be told about the way the connection was made; empty: nothing.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.link.warnings
    }

    /// False after a call that timed out or lost the connection: connect anew.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.link.is_usable()
    }

    /// The process that serves this session there.
    ///
    /// # Errors
    /// [`PgError`]: it is asked for once.
    pub fn backend_pid(&mut self) -> Result<i32, PgError> {
        if let Some(pid) = self.pid {
            return Ok(pid);
        }
        let rows = self.simple_query("SELECT pg_catalog.pg_backend_pid()")?;
        let text = rows.into_iter().next().and_then(|r| r.into_iter().next()).flatten();
        let pid = text.and_then(|t| t.parse().ok());
        let pid = pid.ok_or_else(|| PgError::new(Failure::Sql, "pg_backend_pid() gave no number"))?;
        self.pid = Some(pid);
        Ok(pid)
    }

    /// Rows of a query with parameters.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn query(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, PgError> {
        self.call(async |client| client.query(sql, params).await)
    }

    /// The first row. `None`: no row.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn query_opt(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, PgError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Runs one statement and returns the number of rows it touched.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn execute(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, PgError> {
        self.call(async |client| client.execute(sql, params).await)
    }

    /// Runs statements without parameters, as psql -c does.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn batch(&mut self, sql: &str) -> Result<(), PgError> {
        self.call(async |client| client.batch_execute(sql).await)
    }

    /// Runs statements without parameters and returns all rows as text, in one round trip.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn simple_query(&mut self, sql: &str) -> Result<Vec<TextRow>, PgError> {
        let messages = self.call(async |client| client.simple_query(sql).await)?;
        Ok(text_rows(&messages))
    }

    /// Runs `work` in one transaction: committed when it succeeds, rolled back when it fails. Not nested.
    ///
    /// # Errors
    /// Those of `work`, BEGIN and COMMIT.
    pub fn transaction<T, E: From<PgError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.batch("BEGIN")?;
        // COMMIT of a transaction in which a statement failed is answered by ROLLBACK and not by an error:
        // the statement before it gives the error.
        let done = work(self).and_then(|value| {
            self.batch("SELECT 1; COMMIT")?;
            Ok(value)
        });
        if done.is_err() && self.is_usable() {
            // The caller learns the first failure; a connection that cannot even roll back is closed by it.
            drop(self.link.call(self.limit, async |client| client.batch_execute("ROLLBACK").await));
            // A SET in there is undone too.
            self.server_limit = None;
        }
        done
    }

    /// One exchange within the limit, which the server is told when it has changed: both are one wait.
    fn call<T>(
        &mut self,
        work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, PgError> {
        let wanted = self.limit.saturating_add(GRACE);
        let ms = i32::try_from(wanted.as_millis()).unwrap_or(i32::MAX);
        let tell = (self.server_limit != Some(wanted)).then(|| format!("SET statement_timeout = {ms}"));
        let known = &mut self.server_limit;
        self.link.call(self.limit, async |client| {
            if let Some(sql) = tell {
                match client.batch_execute(&sql).await {
                    Ok(()) => *known = Some(wanted),
                    // The statement to come says so itself.
                    Err(e) if e.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => {}
                    Err(e) => return Err(e),
                }
            }
            work(client).await
        })
    }
}

pub(super) fn text_rows(messages: &[SimpleQueryMessage]) -> Vec<TextRow> {
    let text = |row: &tokio_postgres::SimpleQueryRow| -> TextRow {
        (0..row.len()).map(|at| row.try_get(at).ok().flatten().map(str::to_owned)).collect()
    };
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(text(row)),
            SimpleQueryMessage::CommandComplete(_) | SimpleQueryMessage::RowDescription(_) | _ => None,
        })
        .collect()
}

/// How long connecting by this string takes at the most: connect_timeout for each of its hosts
/// (twice with target_session_attrs=prefer-standby); `longest` when
/// connect_timeout=0 sets no end, or the string cannot be used.
#[must_use]
pub fn connect_patience(conninfo: &ConnInfo, longest: Duration) -> Duration {
    let settings = Settings::of(conninfo, Environment::of_process(), Speaks::Sql);
    settings.and_then(|s| connect::patience(&s)).ok().flatten().map_or(longest, |p| p.min(longest))
}
