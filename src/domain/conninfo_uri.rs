//! The URI form of a connection string: `postgresql://user:password@host:port,host/dbname?key=value`.

use super::conninfo::{BadConnInfo, ConnInfo};

/// What follows `postgresql://` or `postgres://`. `None`: the text is not a URI.
#[must_use]
pub fn rest(text: &str) -> Option<&str> {
    ["postgresql://", "postgres://"].iter().find_map(|prefix| text.strip_prefix(prefix))
}

/// Parses what follows the prefix. Messages do not repeat the URI: it may hold a password.
pub(super) fn parse(rest: &str) -> Result<ConnInfo, BadConnInfo> {
    let mut info = ConnInfo::default();
    let after_credentials = take_credentials(rest, &mut info)?;
    let after_hosts = take_hosts(after_credentials, &mut info)?;
    let (path, query) = match after_hosts.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (after_hosts, None),
    };
    if let Some(database) = path.strip_prefix('/').filter(|d| !d.is_empty()) {
        info.set("dbname", decode(database)?);
    }
    for pair in query.filter(|q| !q.is_empty()).into_iter().flat_map(|q| q.split('&')) {
        store_parameter(pair, &mut info)?;
    }
    Ok(info)
}

fn bad(why: impl Into<String>) -> BadConnInfo {
    BadConnInfo(why.into())
}

/// `user[:password]@`; the first `@` before a slash ends it.
fn take_credentials<'a>(text: &'a str, info: &mut ConnInfo) -> Result<&'a str, BadConnInfo> {
    let Some(at) = text.find(['@', '/']).filter(|i| text[*i..].starts_with('@')) else {
        return Ok(text);
    };
    let (user, password) = match text[..at].split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (&text[..at], None),
    };
    if !user.is_empty() {
        info.set("user", decode(user)?);
    }
    if let Some(password) = password.filter(|p| !p.is_empty()) {
        info.set("password", decode(password)?);
    }
    Ok(&text[at + 1..])
}

/// `host[:port][,host[:port]…]` up to the path or the query.
fn take_hosts<'a>(text: &'a str, info: &mut ConnInfo) -> Result<&'a str, BadConnInfo> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    let mut rest = text;
    loop {
        let (host, after) = take_host(rest)?;
        let (port, after) = match after.strip_prefix(':') {
            Some(after) => after.split_at(after.find(['/', '?', ',']).unwrap_or(after.len())),
            None => ("", after),
        };
        hosts.push(host);
        ports.push(port);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => {
                rest = after;
                break;
            }
        }
    }
    // An empty list of one is no list; `,` alone means two default hosts.
    let hosts = hosts.join(",");
    if !hosts.is_empty() {
        info.set("host", decode(&hosts)?);
    }
    let ports = ports.join(",");
    if !ports.is_empty() {
        info.set("port", decode(&ports)?);
    }
    Ok(rest)
}

/// One host, without the brackets of an IPv6 address.
fn take_host(text: &str) -> Result<(&str, &str), BadConnInfo> {
    let Some(inner) = text.strip_prefix('[') else {
        return Ok(text.split_at(text.find([':', '/', '?', ',']).unwrap_or(text.len())));
    };
    let Some((address, after)) = inner.split_once(']') else {
        return Err(bad("end of string reached when looking for matching \"]\" in IPv6 host address in URI"));
    };
    if address.is_empty() {
        return Err(bad("IPv6 host address may not be empty in URI"));
    }
    match after.chars().next() {
        None | Some(':' | '/' | '?' | ',') => Ok((address, after)),
        Some(other) => Err(bad(format!(
            "unexpected character \"{other}\" after the IPv6 host address in URI (expected \":\" or \"/\")"
        ))),
    }
}

fn store_parameter(pair: &str, info: &mut ConnInfo) -> Result<(), BadConnInfo> {
    let Some((key, value)) = pair.split_once('=') else {
        return Err(bad(format!("missing key/value separator \"=\" in URI query parameter: \"{}\"", pair)));
    };
    if value.contains('=') {
        return Err(bad(format!("extra key/value separator \"=\" in URI query parameter: \"{key}\"")));
    }
    let (key, value) = (decode(key)?, decode(value)?);
    if key == "ssl" && value == "true" {
        info.set("sslmode", "require");
        return Ok(());
    }
    info.store(&key, &value).map_err(|_| bad(format!("invalid URI query parameter: \"{key}\"")))
}

fn decode(text: &str) -> Result<String, BadConnInfo> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b != b'%' {
            out.push(b);
            continue;
        }
        let digit =
            |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(0), Some(0)) => return Err(bad("forbidden value %00 in percent-encoded value of the URI")),
            (Some(high), Some(low)) => out.push(high << 4 | low),
            (None, _) | (_, None) => return Err(bad("invalid percent-encoded token in the URI")),
        }
    }
    String::from_utf8(out).map_err(|_| bad("a percent-encoded value of the URI is not UTF-8"))
}
