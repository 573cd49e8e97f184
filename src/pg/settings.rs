//! A connection string made complete, and what each host gets of it.

use super::environment::{self, Environment, SOCKET_DIRECTORIES};
use super::error::{Failure, PgError};
use super::passfile::{self, Found, Wanted};
use super::resolve::{Candidate, Endpoint};
use super::tls::{SslMode, client_config, server_name};
use super::transport::{Handshake, Start, Without};
use crate::domain::conninfo::ConnInfo;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslMode as Negotiation, SslNegotiation};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Which of the server's two languages is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaks {
    /// SQL.
    Sql,
    /// The commands of physical replication.
    Replication,
}

/// libpq waits no shorter than this for a host.
const SHORTEST_CONNECT_TIMEOUT: u64 = 2;

/// Used when neither the string nor PGCONNECT_TIMEOUT says it.
const DEFAULT_CONNECT_TIMEOUT: &str = "2";

/// A completed connection string, and what is the same for all its hosts.
pub(super) struct Settings {
    pub(super) info: ConnInfo,
    env: Environment,
    pub(super) mode: SslMode,
    pub(super) speaks: Speaks,
    /// `None`: only the deadline counts.
    pub(super) per_host: Option<Duration>,
}

impl Settings {
    /// Completes the string and checks what can be checked without a server.
    pub(super) fn of(given: &ConnInfo, env: Environment, speaks: Speaks) -> Result<Self, PgError> {
        let bad = |why: String| PgError::new(Failure::BadConnInfo, why);
        let mut info = environment::complete(given, &env).map_err(bad)?;
        info.set_default("connect_timeout", DEFAULT_CONNECT_TIMEOUT);
        info.set_default("fallback_application_name", "repmgr");
        // As the original has it: with synchronous_standby_names set and no such standby yet, a COMMIT would wait for
        // the very standby that is to be registered.
        let ours = "-csearch_path= -csynchronous_commit=local";
        let options = match info.get("options") {
            Some(given) => format!("{given} {ours}"),
            None => ours.to_owned(),
        };
        info.set("options", options);
        if info.get("user").is_none() {
            return Err(bad(
                "no user name: neither the conninfo nor the operating system gives one".to_owned()
            )
            .hint("set user in the conninfo"));
        }
        if info.get("gssencmode") == Some("require") {
            return Err(bad("gssencmode=require is not supported".to_owned()));
        }
        let mode = SslMode::of(&info)?;
        if info.get("sslnegotiation") == Some("direct") && mode < SslMode::Require {
            return Err(bad(
                "weak sslmode may not be used with sslnegotiation=direct (use require, verify-ca or verify-full)".to_owned(),
            ));
        }
        let per_host = connect_timeout(&info)?;
        Ok(Self { info, env, mode, speaks, per_host })
    }

    /// A restriction that the string asks for and that is not enforced.
    pub(super) fn unheeded(&self) -> Option<String> {
        let wanted = self.info.get("require_auth")?;
        Some(format!("require_auth={wanted} in the connection parameters is not enforced by this program"))
    }

    pub(super) fn handshake(&self, candidate: &Candidate, endpoint: &Endpoint) -> Result<Handshake, PgError> {
        let address = match endpoint {
            Endpoint::Address(address) => Some(address.ip()),
            Endpoint::Socket(_) => None,
        };
        let name = server_name(candidate.host.as_deref(), address, self.mode)?;
        let config = client_config(&self.info, self.mode, &self.env)?;
        let direct = self.info.get("sslnegotiation") == Some("direct");
        Ok(Handshake {
            connector: MakeRustlsConnect::new(config),
            name,
            start: if direct { Start::Direct } else { Start::Asked },
            without: if self.mode == SslMode::Prefer { Without::GoOn } else { Without::Fail },
        })
    }

    /// The part that tokio-postgres sends, with this host's password; and why the password file was not used.
    pub(super) fn config(&self, candidate: &Candidate) -> (Config, Option<String>) {
        let mut config = Config::new();
        // The stream comes negotiated: see `Negotiated`.
        config.ssl_mode(Negotiation::Require).ssl_negotiation(SslNegotiation::Direct);
        let get = |key| self.info.get(key);
        config.user(get("user").unwrap_or_default());
        if let (Speaks::Sql, Some(dbname)) = (self.speaks, get("dbname")) {
            config.dbname(dbname);
        }
        config.options(get("options").unwrap_or_default());
        if let Some(name) = get("application_name").or_else(|| get("fallback_application_name")) {
            config.application_name(name);
        }
        config.channel_binding(match get("channel_binding") {
            Some("disable") => ChannelBinding::Disable,
            Some("require") => ChannelBinding::Require,
            Some(_) | None => ChannelBinding::Prefer,
        });
        match self.password(candidate) {
            Found::Password(password) => {
                config.password(password);
                (config, None)
            }
            Found::Nothing => (config, None),
            Found::Ignored(why) => (config, Some(why)),
        }
    }

    fn password(&self, candidate: &Candidate) -> Found {
        if let Some(password) = self.info.get("password") {
            return Found::Password(password.to_owned());
        }
        let Some(file) = self.info.get("passfile") else {
            return Found::Nothing;
        };
        let name = candidate.name();
        let port = candidate.port.to_string();
        let host = if SOCKET_DIRECTORIES.contains(&name.as_str()) { "localhost" } else { &name };
        let database = match self.speaks {
            Speaks::Sql => self.info.get("dbname").unwrap_or_default(),
            Speaks::Replication => "replication",
        };
        let user = self.info.get("user").unwrap_or_default();
        passfile::look_up(file.as_ref(), Wanted { host, port: &port, database, user })
    }
}

fn connect_timeout(info: &ConnInfo) -> Result<Option<Duration>, PgError> {
    let text = info.get("connect_timeout").unwrap_or_default().trim();
    let seconds: i32 = text.parse().map_err(|_| {
        let why = format!("invalid integer value \"{text}\" for connection option \"connect_timeout\"");
        PgError::new(Failure::BadConnInfo, why)
    })?;
    Ok(u64::try_from(seconds)
        .ok()
        .filter(|s| *s > 0)
        .map(|s| Duration::from_secs(s.max(SHORTEST_CONNECT_TIMEOUT))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_timeout_is_read_as_libpq_reads_it() {
        for (text, want) in [
            ("10", Ok(Some(10))),
            ("1", Ok(Some(2))),
            ("0", Ok(None)),
            ("-1", Ok(None)),
            (" 5 ", Ok(Some(5))),
            ("abc", Err(())),
            ("2s", Err(())),
        ] {
            let mut info = ConnInfo::default();
            info.set("connect_timeout", text);
            let got = connect_timeout(&info).map(|d| d.map(|d| d.as_secs())).map_err(|_| ());
            assert_eq!(got, want, "{text}");
        }
    }
}
