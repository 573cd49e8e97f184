//! From a connection string to a session: hosts in turn, TLS or not, the right kind of server, all in one deadline.

use super::error::{Failure, PgError};
use super::link::Link;
use super::resolve::{Candidate, Endpoint, candidates};
use super::settings::{Settings, Speaks};
use super::tls::SslMode;
use super::transport::{Handshake, Negotiated, Pipe, dial, secure};
use crate::domain::conninfo::ConnInfo;
use crate::sys::clock::Deadline;
use std::time::Duration;
use tokio_postgres::{Client, Config, Connection, SimpleQueryMessage};

/// A way to a server that led there: a cancel request takes it again.
#[derive(Clone)]
pub(super) struct Route {
    endpoint: Endpoint,
    tls: Option<Handshake>,
    info: ConnInfo,
}

impl Route {
    /// Dials and negotiates.
    pub(super) async fn open(&self) -> Result<Pipe, PgError> {
        secure(dial(&self.endpoint, &self.info).await?, self.tls.as_ref()).await
    }
}

/// Whether the connection in hand was encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Used {
    Plain,
    Tls,
}

struct Refused {
    error: PgError,
    used: Used,
}

type Opened = (Client, Connection<Pipe, Pipe>);

/// What one of `waiting` attempts may take of the time that is left.
fn share(deadline: Deadline, per_host: Option<Duration>, waiting: usize) -> Deadline {
    let left = deadline.left();
    let fair = left / u32::try_from(waiting.max(1)).unwrap_or(u32::MAX);
    match per_host {
        Some(each) if each.saturating_mul(u32::try_from(waiting).unwrap_or(u32::MAX)) <= left => {
            deadline.at_most(each)
        }
        Some(each) => deadline.at_most(each.min(fair)),
        None => deadline.at_most(fair),
    }
}

/// What target_session_attrs asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
}

/// The kinds to look for, one pass over the hosts each.
fn kinds(settings: &Settings) -> Result<&'static [Kind], PgError> {
    if settings.speaks == Speaks::Replication {
        return Ok(&[Kind::Any]);
    }
    Ok(match settings.info.get("target_session_attrs") {
        None | Some("any") => &[Kind::Any],
        Some("read-write") => &[Kind::ReadWrite],
        Some("read-only") => &[Kind::ReadOnly],
        Some("primary") => &[Kind::Primary],
        Some("standby") => &[Kind::Standby],
        Some("prefer-standby") => &[Kind::Standby, Kind::Any],
        Some(other) => {
            let why = format!("invalid target_session_attrs value: \"{other}\"");
            return Err(PgError::new(Failure::BadConnInfo, why));
        }
    })
}

/// How long connecting may take by the string alone: connect_timeout for each host of each pass.
/// `None`: without end.
pub(super) fn patience(settings: &Settings) -> Result<Option<Duration>, PgError> {
    let dials = candidates(&settings.info)?.len().saturating_mul(kinds(settings)?.len());
    let dials = u32::try_from(dials).unwrap_or(u32::MAX);
    Ok(settings.per_host.map(|each| each.saturating_mul(dials)))
}

/// Connects to the first host that answers as wanted.
pub(super) fn connect(settings: &Settings, deadline: Deadline) -> Result<Link, PgError> {
    let hosts = candidates(&settings.info)?;
    let mut failures: Vec<PgError> = Vec::new();
    let passes = kinds(settings)?;
    for (pass, kind) in passes.iter().enumerate() {
        for (at, host) in hosts.iter().enumerate() {
            let waiting = hosts.len() * (passes.len() - pass) - at;
            match try_host(settings, host, *kind, deadline, waiting) {
                Ok(link) => return Ok(link),
                Err(mut found) => {
                    let last = found.last().is_some_and(ends_the_search) || deadline.passed();
                    failures.append(&mut found);
                    if last {
                        return Err(summed_up(failures));
                    }
                }
            }
        }
    }
    Err(summed_up(failures))
}

/// As in libpq, a server that turns us away ends the search; one that is not there or not ready does not.
fn ends_the_search(error: &PgError) -> bool {
    matches!(error.failure, Failure::Denied | Failure::BadConnInfo)
}

/// The last failure, with the ones before it as its detail.
fn summed_up(mut failures: Vec<PgError>) -> PgError {
    let Some(mut last) = failures.pop() else {
        return PgError::late();
    };
    failures.retain(|f| f.message != last.message);
    if !failures.is_empty() {
        let mut before: Vec<String> = Vec::new();
        before.extend(last.detail.take());
        before.extend(failures.into_iter().map(|f| f.message));
        last.detail = Some(before.join("; "));
    }
    last
}

fn try_host(
    settings: &Settings,
    host: &Candidate,
    kind: Kind,
    deadline: Deadline,
    hosts_left: usize,
) -> Result<Link, Vec<PgError>> {
    let mut end = share(deadline, settings.per_host, hosts_left);
    let endpoints = host.endpoints(end.left()).map_err(|e| vec![e])?;
    let mut failures = Vec::new();
    for (at, endpoint) in endpoints.iter().enumerate() {
        let waiting = endpoints.len() - at + hosts_left - 1;
        if at > 0 || waiting > hosts_left {
            end = share(deadline, settings.per_host, waiting);
        }
        match try_endpoint(settings, host, endpoint, kind, end) {
            Ok(link) => return Ok(link),
            Err(mut found) => {
                let last = found.last().is_some_and(ends_the_search);
                failures.append(&mut found);
                if last {
                    break;
                }
            }
        }
    }
    Err(failures)
}

/// One address, with TLS and without as sslmode says.
fn try_endpoint(
    settings: &Settings,
    host: &Candidate,
    endpoint: &Endpoint,
    kind: Kind,
    end: Deadline,
) -> Result<Link, Vec<PgError>> {
    let place = host.place(Some(endpoint));
    let is_socket = matches!(endpoint, Endpoint::Socket(_));
    let ways: &[Used] = match settings.mode {
        _ if is_socket => &[Used::Plain],
        SslMode::Disable => &[Used::Plain],
        SslMode::Allow => &[Used::Plain, Used::Tls],
        SslMode::Prefer => &[Used::Tls, Used::Plain],
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => &[Used::Tls],
    };
    let mut failures = Vec::new();
    for way in ways {
        let route = match route(settings, host, endpoint, *way) {
            Ok(route) => route,
            Err(error) => {
                let beyond_repair = error.is(Failure::BadConnInfo);
                failures.push(if beyond_repair { error } else { error.at(&place) });
                if beyond_repair {
                    break;
                }
                continue;
            }
        };
        match try_route(settings, host, route, kind, &place, end) {
            Ok(link) => return Ok(link),
            Err(refused) => {
                let other_way = worth_the_other_way(&refused, *way);
                failures.push(refused.error);
                if !other_way {
                    break;
                }
            }
        }
    }
    Err(failures)
}

fn route(settings: &Settings, host: &Candidate, endpoint: &Endpoint, way: Used) -> Result<Route, PgError> {
    let tls = match way {
        Used::Plain => None,
        Used::Tls => Some(settings.handshake(host, endpoint)?),
    };
    Ok(Route { endpoint: endpoint.clone(), tls, info: settings.info.clone() })
}

/// pg_hba.conf may have an entry for the other way, and a handshake may fail where none is demanded.
/// When TLS was tried and the server has none, the plain way has been tried already.
fn worth_the_other_way(refused: &Refused, way: Used) -> bool {
    match refused.error.failure {
        Failure::Tls => true,
        Failure::Denied => refused.error.has_sqlstate("28000") && refused.used == way,
        Failure::BadConnInfo
        | Failure::Lookup
        | Failure::Refused
        | Failure::TimedOut
        | Failure::Rejecting
        | Failure::Lost
        | Failure::Sql => false,
    }
}

fn try_route(
    settings: &Settings,
    host: &Candidate,
    route: Route,
    kind: Kind,
    place: &str,
    end: Deadline,
) -> Result<Link, Refused> {
    let plain = |error| Refused { error, used: Used::Plain };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| plain(PgError::of_io(&e).at(place)))?;
    let (config, ignored) = settings.config(host);
    let opened = runtime.block_on(async {
        match tokio::time::timeout(end.left(), start(&route, &config, settings.speaks, place)).await {
            Ok(done) => done,
            Err(_) => Err(plain(PgError::late().at(place))),
        }
    });
    let (client, connection) = opened.map_err(|mut refused| {
        if let (Failure::Denied, Some(why)) = (refused.error.failure, &ignored) {
            refused.error.hint = Some(why.clone());
        }
        refused
    })?;
    let mut link = Link::new(runtime, client, connection, place.to_owned(), route);
    link.warnings.extend(ignored);
    link.warnings.extend(settings.unheeded());
    check_kind(&mut link, kind, end).map_err(plain)?;
    Ok(link)
}

async fn start(route: &Route, config: &Config, speaks: Speaks, place: &str) -> Result<Opened, Refused> {
    let pipe = route.open().await.map_err(|e| Refused { error: e.at(place), used: Used::Tls })?;
    let used = if pipe.is_encrypted() { Used::Tls } else { Used::Plain };
    let pipe = match speaks {
        Speaks::Sql => pipe,
        Speaks::Replication => pipe.for_replication(),
    };
    let opened = config.connect_raw(pipe, Negotiated).await;
    opened.map_err(|e| Refused { error: PgError::connecting(place, &e), used })
}

fn check_kind(link: &mut Link, kind: Kind, end: Deadline) -> Result<(), PgError> {
    if kind == Kind::Any {
        return Ok(());
    }
    let sql = "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only')";
    let answer = link.call(end.left(), async |client| client.simple_query(sql).await)?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0) == Some("t"), row.get(1) == Some("on"))),
        SimpleQueryMessage::CommandComplete(_) | SimpleQueryMessage::RowDescription(_) | _ => None,
    });
    let (recovery, read_only) = row.unwrap_or_default();
    let why = match kind {
        Kind::ReadWrite if read_only => "session is read-only",
        Kind::ReadOnly if !read_only => "session is not read-only",
        Kind::Primary if recovery => "server is in hot standby mode",
        Kind::Standby if !recovery => "server is not in hot standby mode",
        Kind::Any | Kind::ReadWrite | Kind::ReadOnly | Kind::Primary | Kind::Standby => return Ok(()),
    };
    let place = link.place.clone();
    let mut error = PgError::new(Failure::Rejecting, why).at(&place);
    error.hint = Some("target_session_attrs in the conninfo asks for another kind of server".to_owned());
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::super::environment::Environment;
    use super::*;

    #[test]
    fn patience_is_for_each_host_and_each_pass() {
        for (why, text, want) in [
            ("one host", "host=a connect_timeout=3", Some(3)),
            ("each host", "host=a,b connect_timeout=3", Some(6)),
            (
                "a standby first, then any",
                "host=a,b connect_timeout=3 target_session_attrs=prefer-standby",
                Some(12),
            ),
            ("no end", "host=a connect_timeout=0", None),
        ] {
            let info = ConnInfo::parse(&format!("user=u {text}")).unwrap();
            let settings = Settings::of(&info, Environment::default(), Speaks::Sql).unwrap();
            assert_eq!(patience(&settings).unwrap(), want.map(Duration::from_secs), "{why}");
        }
    }

    #[test]
    fn attempts_divide_the_deadline_and_never_add_up_to_more() {
        let s = Duration::from_secs;
        for (why, left, per_host, waiting, want) in [
            ("enough for all: each its own", s(60), Some(s(2)), 3, s(2)),
            ("not enough: a fair part", s(3), Some(s(2)), 3, s(1)),
            ("no connect_timeout: a fair part", s(10), None, 2, s(5)),
            ("alone", s(1), Some(s(2)), 1, s(1)),
        ] {
            let got = share(Deadline::after(left), per_host, waiting).left();
            assert!(got <= want && got + Duration::from_millis(200) > want, "{why}: {got:?}");
        }
    }
}
