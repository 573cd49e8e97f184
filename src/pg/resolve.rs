//! Where a connection string leads: hosts, addresses and ports in the order they are tried.

use super::environment::{DEFAULT_PORT, socket_directory};
use super::error::{Failure, PgError};
use crate::domain::conninfo::ConnInfo;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::Builder;
use std::time::Duration;

/// One host of a connection string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// As given: name, address or socket directory. `None`: only an address was given.
    pub host: Option<String>,
    /// What is dialled instead of the host. `None`: the host itself.
    pub hostaddr: Option<IpAddr>,
    /// The port.
    pub port: u16,
}

/// Something to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A Unix socket; a path that begins with NUL is an abstract one.
    Socket(PathBuf),
    /// An address.
    Address(SocketAddr),
}

impl Candidate {
    /// The host as the password file and a certificate know it.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.host, self.hostaddr) {
            (Some(host), _) => host.clone(),
            (None, Some(address)) => address.to_string(),
            (None, None) => "localhost".to_owned(),
        }
    }

    fn socket(&self) -> Option<PathBuf> {
        let host = self.host.as_deref().filter(|_| self.hostaddr.is_none())?;
        let file = format!(".s.PGSQL.{}", self.port);
        match host.strip_prefix('@') {
            Some(name) => Some(format!("\0{name}/{file}").into()),
            None if host.starts_with('/') => Some(PathBuf::from(host).join(file)),
            None => None,
        }
    }

    /// The server as messages name it, `endpoint` being the one in hand.
    #[must_use]
    pub fn place(&self, endpoint: Option<&Endpoint>) -> String {
        match endpoint {
            Some(Endpoint::Socket(path)) => {
                format!("server on socket \"{}\"", path.to_string_lossy().replace('\0', "@"))
            }
            Some(Endpoint::Address(address)) if self.name() != address.ip().to_string() => {
                format!("server at \"{}\" ({}), port {}", self.name(), address.ip(), self.port)
            }
            Some(Endpoint::Address(_)) | None => format!("server at \"{}\", port {}", self.name(), self.port),
        }
    }

    /// What to dial, in order. A name is looked up within `patience`: the look-up may hang, so it has a thread.
    ///
    /// # Errors
    /// [`Failure::Lookup`], [`Failure::TimedOut`].
    pub fn endpoints(&self, patience: Duration) -> Result<Vec<Endpoint>, PgError> {
        if let Some(path) = self.socket() {
            return Ok(vec![Endpoint::Socket(path)]);
        }
        if let Some(ip) = self.hostaddr.or_else(|| self.host.as_deref().and_then(|h| h.parse().ok())) {
            return Ok(vec![Endpoint::Address(SocketAddr::new(ip, self.port))]);
        }
        let addresses = look_up(&self.name(), self.port, patience)?;
        Ok(addresses.into_iter().map(Endpoint::Address).collect())
    }
}

fn look_up(name: &str, port: u16, patience: Duration) -> Result<Vec<SocketAddr>, PgError> {
    look_up_on(Builder::new(), name, port, patience)
}

fn look_up_on(
    thread: Builder,
    name: &str,
    port: u16,
    patience: Duration,
) -> Result<Vec<SocketAddr>, PgError> {
    let failed = |failure, why: &str| {
        PgError::new(failure, format!("could not translate host name \"{name}\" to address: {why}"))
            .hint("check the host name in the conninfo, /etc/hosts and the name server")
    };
    let (sender, receiver) = mpsc::channel();
    let wanted = (name.to_owned(), port);
    let begun = thread.spawn(move || {
        let found = wanted.to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        // Nobody listens any more when the look-up came too late.
        drop(sender.send(found));
    });
    if let Err(why) = begun {
        // Not here instead: nothing would end it at the deadline.
        return Err(PgError {
            hint: Some("check the limit on tasks of this user and service (ulimit -u, TasksMax)".to_owned()),
            ..failed(Failure::Lookup, &format!("no thread for the look-up: {why}"))
        });
    }
    match receiver.recv_timeout(patience) {
        Ok(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Ok(Ok(_)) => Err(failed(Failure::Lookup, "no address")),
        Ok(Err(e)) => {
            let text = e.to_string();
            Err(failed(Failure::Lookup, text.rsplit(": ").next().unwrap_or(&text)))
        }
        Err(_) => Err(failed(Failure::TimedOut, "timeout expired")),
    }
}

/// The hosts that a completed connection string names.
///
/// # Errors
/// [`Failure::BadConnInfo`]: lists of different lengths, a bad port, a bad address.
pub fn candidates(info: &ConnInfo) -> Result<Vec<Candidate>, PgError> {
    let bad = |why: String| PgError::new(Failure::BadConnInfo, why);
    let list = |key| info.get(key).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let (hosts, addresses) = (list("host"), list("hostaddr"));
    let ports = list("port").unwrap_or_else(|| vec![DEFAULT_PORT]);
    let count = addresses.as_ref().or(hosts.as_ref()).map_or(1, Vec::len);
    if let (Some(hosts), Some(addresses)) = (&hosts, &addresses)
        && hosts.len() != addresses.len()
    {
        return Err(bad(format!(
            "could not match {} host names to {} hostaddr values",
            hosts.len(),
            addresses.len()
        )));
    }
    if ports.len() != 1 && ports.len() != count {
        return Err(bad(format!("could not match {} port numbers to {count} hosts", ports.len())));
    }
    let nth = |list: &Option<Vec<&str>>, at: usize| {
        list.as_ref().and_then(|l| l.get(at)).copied().filter(|v| !v.is_empty()).map(str::to_owned)
    };
    let mut found = Vec::with_capacity(count);
    for at in 0..count {
        let port = ports.get(at).or(ports.first()).copied().filter(|p| !p.is_empty()).unwrap_or(DEFAULT_PORT);
        let number = port.parse().ok().filter(|n| *n > 0);
        let number: u16 = number.ok_or_else(|| bad(format!("invalid port number: \"{port}\"")))?;
        let hostaddr = match nth(&addresses, at) {
            Some(text) => {
                let parsed = text.parse::<IpAddr>();
                Some(parsed.map_err(|_| bad(format!("could not parse network address \"{text}\"")))?)
            }
            None => None,
        };
        let host = match (nth(&hosts, at), hostaddr) {
            (Some(host), _) => Some(host),
            (None, Some(_)) => None,
            (None, None) => Some(socket_directory(port).to_owned()),
        };
        found.push(Candidate { host, hostaddr, port: number });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Result<Vec<String>, String> {
        let info = ConnInfo::parse(text).unwrap();
        let found = candidates(&info).map_err(|e| e.message)?;
        let place = |c: &Candidate| {
            let endpoints = c.endpoints(Duration::from_secs(5)).map_err(|e| e.message)?;
            Ok(c.place(endpoints.first()))
        };
        found.iter().map(place).collect()
    }

    #[test]
    fn hosts_addresses_and_ports_pair_up_as_in_libpq() {
        for (text, want) in [
            ("host=127.0.0.1", Ok(vec!["server at \"127.0.0.1\", port 5432"])),
            (
                "host=127.0.0.1,::1 port=1,2",
                Ok(vec!["server at \"127.0.0.1\", port 1", "server at \"::1\", port 2"]),
            ),
            (
                "host=127.0.0.1,127.0.0.2 port=7",
                Ok(vec!["server at \"127.0.0.1\", port 7", "server at \"127.0.0.2\", port 7"]),
            ),
            (
                "host=127.0.0.1,127.0.0.2 port=,7",
                Ok(vec!["server at \"127.0.0.1\", port 5432", "server at \"127.0.0.2\", port 7"]),
            ),
            ("host=db hostaddr=127.0.0.1", Ok(vec!["server at \"db\" (127.0.0.1), port 5432"])),
            ("hostaddr=127.0.0.1", Ok(vec!["server at \"127.0.0.1\", port 5432"])),
            ("host=/x port=9", Ok(vec!["server on socket \"/x/.s.PGSQL.9\""])),
            ("host=@x port=9", Ok(vec!["server on socket \"@x/.s.PGSQL.9\""])),
            ("port=9", Ok(vec!["server on socket \"/var/run/postgresql/.s.PGSQL.9\""])),
            ("host=a,b port=1,2,3", Err("could not match 3 port numbers to 2 hosts")),
            ("host=a,b hostaddr=127.0.0.1", Err("could not match 2 host names to 1 hostaddr values")),
            ("host=127.0.0.1 port=x", Err("invalid port number: \"x\"")),
            ("host=127.0.0.1 port=0", Err("invalid port number: \"0\"")),
            ("host=127.0.0.1 port=65536", Err("invalid port number: \"65536\"")),
            ("hostaddr=db", Err("could not parse network address \"db\"")),
        ] {
            let want = want
                .map(|places| places.into_iter().map(str::to_owned).collect::<Vec<_>>())
                .map_err(str::to_owned);
            assert_eq!(places(text), want, "{text}");
        }
    }

    #[test]
    fn a_look_up_without_a_thread_is_an_error_and_no_panic() {
        let impossible = Builder::new().stack_size(1 << 62);
        let error = look_up_on(impossible, "localhost", 1, Duration::from_secs(5)).unwrap_err();
        assert!(error.is(Failure::Lookup) && error.message.contains("no thread"), "{}", error.message);
    }
}
