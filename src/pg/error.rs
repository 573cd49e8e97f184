//! Why a call to a server failed: the kind for callers, the words for people.

use crate::error::Error;
use crate::exit::Exit;
use std::error::Error as StdError;
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
    /// The server answers, but takes no such session now (57P03: starting up, shutting down, recovery;
    /// or target_session_attrs asks for another kind of server).
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgError {
    /// The kind.
    pub failure: Failure,
    /// One line, in psql's words where the server gave them; never a password.
    pub message: String,
    /// The server's DETAIL, or the failures of the other hosts that were tried. `None`: neither.
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

impl StdError for PgError {}

impl PgError {
    /// A failure that is not an answer of the server.
    #[must_use]
    pub fn new(failure: Failure, message: impl Into<String>) -> Self {
        Self { failure, message: message.into(), detail: None, hint: None, sqlstate: None }
    }

    /// With a hint, unless it has one.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// True when it is of this kind.
    #[must_use]
    pub fn is(&self, failure: Failure) -> bool {
        self.failure == failure
    }

    /// True when the server answered with this SQLSTATE.
    #[must_use]
    pub fn has_sqlstate(&self, code: &str) -> bool {
        self.sqlstate.as_deref() == Some(code)
    }

    /// The command's error: `message` says what was wanted, the server's words become its DETAIL and HINT.
    #[must_use]
    pub fn into_error(self, exit: Exit, message: impl Into<String>) -> Error {
        let mut error = Error::new(exit, message).detail(self.message);
        error.detail.extend(self.detail);
        error.hint.extend(self.hint);
        error
    }

    /// A failed connection attempt to the server that `place` names.
    pub(super) fn connecting(place: &str, cause: &tokio_postgres::Error) -> Self {
        let mut error = Self::of(cause);
        if cause.to_string() == "invalid configuration" {
            error.failure = Failure::Denied;
            error.message = match source_text(cause) {
                missing if missing.contains("password missing") => {
                    "fe_sendauth: no password supplied".to_owned()
                }
                other => other,
            };
        }
        if error.sqlstate.is_some() && error.failure == Failure::Sql {
            error.failure = Failure::Denied;
        }
        error.at(place)
    }

    /// Puts the place in front of a connection failure, and proposes what to do.
    pub(super) fn at(mut self, place: &str) -> Self {
        self.message = format!("connection to {place} failed: {}", self.message);
        match connection_hint(self.failure, self.sqlstate.as_deref(), &self.message) {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// A failed call on a session.
    pub(super) fn of(cause: &tokio_postgres::Error) -> Self {
        if let Some(db) = cause.as_db_error() {
            return Self {
                failure: kind_of(db.code().code(), end_of_session(db)),
                message: one_line(&format!("{}:  {}", db.severity(), db.message())),
                detail: db.detail().map(one_line),
                hint: db.hint().map(one_line),
                sqlstate: Some(db.code().code().to_owned()),
            };
        }
        if let Some(io) = cause.source().and_then(|s| s.downcast_ref::<std::io::Error>()) {
            return Self::of_io(io);
        }
        let text = cause.to_string();
        if cause.is_closed() {
            return Self::new(Failure::Lost, "server closed the connection unexpectedly");
        }
        let failure = match text.as_str() {
            "error communicating with the server" | "unexpected message from server" => Failure::Lost,
            "authentication error" => Failure::Denied,
            _ => Failure::Sql,
        };
        let message = match cause.source() {
            Some(_) => format!("{text}: {}", source_text(cause)),
            None => text,
        };
        Self::new(failure, one_line(&message))
    }

    /// A failed call of the operating system.
    pub(super) fn of_io(io: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        #[expect(clippy::wildcard_enum_match_arm, reason = "std's list, which grows")]
        match io.kind() {
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::BrokenPipe
            | ErrorKind::ConnectionAborted => {
                Self::new(Failure::Lost, "server closed the connection unexpectedly")
            }
            ErrorKind::TimedOut => Self::new(Failure::TimedOut, plain(io)),
            ErrorKind::InvalidData | ErrorKind::InvalidInput => Self::new(Failure::Lost, plain(io)),
            _ => Self::new(Failure::Refused, plain(io)),
        }
    }

    /// No answer in time.
    pub(super) fn late() -> Self {
        Self::new(Failure::TimedOut, "timeout expired")
    }
}

impl From<PgError> for Error {
    /// The server's words as the message: a connection's failure is [`Exit::DbConn`], a statement's
    /// [`Exit::DbQuery`]. Say what was wanted with [`PgError::into_error`] where that is known.
    fn from(e: PgError) -> Self {
        let exit = match e.failure {
            Failure::BadConnInfo => Exit::BadConfig,
            Failure::Lookup
            | Failure::Refused
            | Failure::TimedOut
            | Failure::Rejecting
            | Failure::Denied
            | Failure::Tls
            | Failure::Lost => Exit::DbConn,
            Failure::Sql => Exit::DbQuery,
        };
        let mut error = Self::new(exit, e.message);
        error.detail.extend(e.detail);
        error.hint.extend(e.hint);
        error
    }
}

/// Whether an answer ends the connection. The severity that people read is in the server's language.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Session {
    Ends,
    GoesOn,
}

fn end_of_session(db: &tokio_postgres::error::DbError) -> Session {
    use tokio_postgres::error::Severity;
    match db.parsed_severity() {
        Some(Severity::Fatal | Severity::Panic) => Session::Ends,
        Some(_) => Session::GoesOn,
        None if matches!(db.severity(), "FATAL" | "PANIC") => Session::Ends,
        None => Session::GoesOn,
    }
}

fn kind_of(sqlstate: &str, session: Session) -> Failure {
    match sqlstate {
        "57P03" => Failure::Rejecting,
        "57P01" | "57P02" | "57P04" | "57P05" | "25P03" | "25P04" => Failure::Lost,
        "53300" => Failure::Denied,
        "3D000" | "42501" if session == Session::Ends => Failure::Denied,
        code if code.starts_with("28") => Failure::Denied,
        code if code.starts_with("08") && session == Session::Ends => Failure::Lost,
        _ => Failure::Sql,
    }
}

fn connection_hint(failure: Failure, sqlstate: Option<&str>, message: &str) -> Option<&'static str> {
    Some(match failure {
        Failure::Denied => match sqlstate {
            Some("28P01") => "check the password in the conninfo, in PGPASSWORD or in the password file",
            None if message.contains("password") => {
                "give the password in the password file (~/.pgpass), in PGPASSWORD or in the conninfo"
            }
            Some("28000") => {
                "check that pg_hba.conf on that server has an entry for this user, database and host, and reload the server"
            }
            Some("3D000") => "create the database, or correct dbname in the conninfo",
            Some("53300") => "raise max_connections on that server, or end idle sessions",
            Some(_) | None => return None,
        },
        Failure::Refused if message.contains(" on socket ") => {
            "check that the server is running on this host and that unix_socket_directories and port are right"
        }
        Failure::Refused => {
            "check that the server is running there and that listen_addresses and port are right"
        }
        Failure::TimedOut => {
            "check that the host is up, that no firewall drops the packets and that the server is not hanging; connect_timeout in the conninfo sets how long to wait"
        }
        Failure::Lookup => "check the host name in the conninfo, /etc/hosts and the name server",
        Failure::Rejecting => "wait until the server takes connections; its log tells what it is doing",
        Failure::Lost => "see the log of that server",
        Failure::BadConnInfo | Failure::Tls | Failure::Sql => return None,
    })
}

fn source_text(e: &tokio_postgres::Error) -> String {
    e.source().map(ToString::to_string).unwrap_or_default()
}

/// The operating system's words without Rust's number behind them.
fn plain(io: &std::io::Error) -> String {
    let text = one_line(&io.to_string());
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Text on one line: lines joined by a blank.
pub(super) fn one_line(text: &str) -> String {
    text.split('\n').map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A time as a message says it.
pub(super) fn spoken(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{} ms", time.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_sorted_by_its_code_and_by_whether_it_ends_the_session() {
        for (code, session, want) in [
            ("57P03", Session::Ends, Failure::Rejecting),
            ("57P01", Session::Ends, Failure::Lost),
            ("28P01", Session::Ends, Failure::Denied),
            ("3D000", Session::Ends, Failure::Denied),
            ("3D000", Session::GoesOn, Failure::Sql),
            ("42501", Session::GoesOn, Failure::Sql),
            ("42501", Session::Ends, Failure::Denied),
            ("53300", Session::Ends, Failure::Denied),
            ("08P01", Session::GoesOn, Failure::Sql),
            ("08P01", Session::Ends, Failure::Lost),
            ("42P01", Session::GoesOn, Failure::Sql),
        ] {
            assert_eq!(kind_of(code, session), want, "{code}");
        }
    }

    #[test]
    fn a_commands_error_has_the_servers_words_as_detail_and_hint() {
        let mut e = PgError::new(Failure::Refused, "Connection refused").at("server at \"h\", port 1");
        e.detail = Some("more".to_owned());
        let error = e.clone().into_error(Exit::DbConn, "unable to connect to node \"n\"");
        assert_eq!(error.message, "unable to connect to node \"n\"");
        assert_eq!(
            error.detail,
            ["connection to server at \"h\", port 1 failed: Connection refused", "more"]
        );
        assert_eq!(error.hint.len(), 1);
        assert_eq!(Error::from(e).exit, Exit::DbConn);
        assert_eq!(Error::from(PgError::new(Failure::Sql, "x")).exit, Exit::DbQuery);
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(one_line("a\n  b\n\nc"), "a b c");
        assert_eq!(spoken(Duration::from_millis(2_000)), "2 s");
        assert_eq!(spoken(Duration::from_millis(2_500)), "2500 ms");
    }
}
