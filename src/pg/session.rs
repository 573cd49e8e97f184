//! A connection to a server with a deadline on every call.

use crate::domain::conninfo::ConnInfo;
use crate::domain::version::ServerVersion;
use crate::sys::clock::Deadline;
use postgres::Row;
use postgres::types::ToSql;
use std::fmt;
use std::time::Duration;

/// What kind of failure it was: callers decide by this, people read the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// The connection string cannot be used.
    BadConnInfo,
    /// The host's name was not found.
    Lookup,
    /// Nothing listens there, or the network said no.
    Refused,
    /// No answer before the deadline, while connecting or in a query.
    TimedOut,
    /// The server answers, but takes no connections now (57P03: starting up, shutting down, recovery).
    Rejecting,
    /// pg_hba.conf has no entry for us, wrong password, no such role, no such database, too many connections.
    Denied,
    /// TLS was required and could not be had, or the certificate is not good.
    Tls,
    /// The connection was there and is lost.
    Lost,
    /// The server refused the statement; `sqlstate` tells why.
    Sql,
}

/// A failed call, as the server or the network told it.
#[derive(Clone, Debug)]
pub struct PgError {
    /// The kind.
    pub failure: Failure,
    /// One line, in psql's words where the server gave them; never a password.
    pub message: String,
    /// The server's DETAIL. `None`: it gave none.
    pub detail: Option<String>,
    /// The server's HINT, or ours. `None`: none.
    pub hint: Option<String>,
    /// Five characters (`42P01`). `None`: the failure was not an answer of the server.
    pub sqlstate: Option<String>,
}

impl fmt::Display for PgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PgError {}

/// One connection. Every call ends within the session's limit, whatever the server does.
pub struct Session {
    _private: (),
}

#[allow(unused_variables, clippy::unwrap_used, reason = "stub until the session lands")]
impl Session {
    /// Connects; tries each host in turn and divides the deadline among them.
    ///
    /// # Errors
    /// [`PgError`] of the last host tried, with all of them in the detail.
    pub fn connect(conninfo: &ConnInfo, deadline: Deadline) -> Result<Self, PgError> {
        unreachable!()
    }

    /// The longest that any later single call may take. Default: 60 s.
    pub fn set_limit(&mut self, limit: Duration) {}

    /// The server's version.
    #[must_use]
    pub fn version(&self) -> ServerVersion {
        unreachable!()
    }

    /// Rows of a query with parameters.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn query(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, PgError> {
        unreachable!()
    }

    /// The first row. `None`: no row.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn query_opt(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, PgError> {
        unreachable!()
    }

    /// Runs one statement and returns the number of rows it touched.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn execute(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, PgError> {
        unreachable!()
    }

    /// Runs statements without parameters, as psql -c does.
    ///
    /// # Errors
    /// [`PgError`].
    pub fn batch(&mut self, sql: &str) -> Result<(), PgError> {
        unreachable!()
    }

    /// Runs `f` in a transaction.
    ///
    /// # Errors
    /// What `f` returns.
    pub fn transaction<T, E: From<PgError>>(
        &mut self,
        f: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        f(self)
    }
}

impl PgError {
    /// Into the project's error.
    #[must_use]
    pub fn into_error(self, exit: crate::exit::Exit, message: impl Into<String>) -> crate::error::Error {
        crate::error::Error::new(exit, message).detail(self.message)
    }
}
