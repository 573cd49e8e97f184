//! Is a server there? The four answers of PQping and pg_isready.

use super::connect;
use super::environment::Environment;
use super::error::{Failure, PgError};
use super::settings::{Settings, Speaks};
use crate::domain::conninfo::ConnInfo;
use crate::sys::clock::Deadline;

/// What pg_isready would say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ping {
    /// The server takes connections, be it that it would not take ours.
    Accepting,
    /// It answers that it takes none now: starting up, shutting down, recovering.
    Rejecting,
    /// No answer that a server would give.
    NoResponse,
    /// The connection string cannot be used: nothing was tried.
    NoAttempt,
}

impl Ping {
    /// The number that pg_isready ends with.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Accepting => 0,
            Self::Rejecting => 1,
            Self::NoResponse => 2,
            Self::NoAttempt => 3,
        }
    }
}

/// Asks a server; wrong credentials do not matter.
#[must_use]
pub fn ping(conninfo: &ConnInfo, deadline: Deadline) -> Ping {
    ping_in(conninfo, Environment::of_process(), deadline).0
}

/// [`ping`] in an environment of the caller's, with the failure that stands behind the answer.
#[must_use]
pub fn ping_in(conninfo: &ConnInfo, env: Environment, deadline: Deadline) -> (Ping, Option<PgError>) {
    let mut plain = conninfo.clone();
    // Which kind of server it is does not matter either.
    plain.set("target_session_attrs", "any");
    let settings = match Settings::of(&plain, env, Speaks::Sql) {
        Ok(settings) => settings,
        Err(e) => return (Ping::NoAttempt, Some(e)),
    };
    match connect::connect(&settings, deadline) {
        Ok(_) => (Ping::Accepting, None),
        Err(e) => (answer(&e), Some(e)),
    }
}

fn answer(error: &PgError) -> Ping {
    match error.failure {
        Failure::BadConnInfo => Ping::NoAttempt,
        Failure::Rejecting => Ping::Rejecting,
        Failure::Denied | Failure::Sql => Ping::Accepting,
        Failure::Lookup | Failure::Refused | Failure::TimedOut | Failure::Tls | Failure::Lost => {
            Ping::NoResponse
        }
    }
}
