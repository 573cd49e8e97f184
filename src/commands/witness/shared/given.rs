//! The cluster's primary, as the connection options name it.

use crate::commands::context::Context;
use crate::domain::conninfo::ConnInfo;
use crate::domain::node::Recovery;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::server;
use crate::pg::session::Session;

/// The server of the connection options; user and database are those of this node's conninfo unless given.
/// `None`: no host was given.
///
/// # Errors
/// [`Exit::BadConfig`]: a connection string that cannot be read.
pub fn given(ctx: &Context) -> Result<Option<ConnInfo>> {
    let Some(mut given) = ctx.given()? else { return Ok(None) };
    if ["host", "hostaddr", "service"].iter().all(|key| given.get(key).is_none_or(str::is_empty)) {
        return Ok(None);
    }
    let own = ctx.own_conninfo()?;
    for key in ["user", "dbname"] {
        if let (None, Some(value), None) = (given.get(key), own.get(key), given.get("service")) {
            given.set(key, value);
        }
    }
    Ok(Some(given))
}

/// A session on that server, and whether it is in recovery.
///
/// # Errors
/// [`Exit::BadConfig`]: no connection.
pub fn connect(ctx: &Context, conninfo: &ConnInfo) -> Result<(Session, Recovery)> {
    let refused = |e: Error| {
        Error { exit: Exit::BadConfig, ..e }.hint("give the connection options of the cluster's primary")
    };
    let mut s = ctx.connect(conninfo, "the primary database").map_err(refused)?;
    let recovery = server::recovery(&mut s).map_err(|e| {
        e.into_error(Exit::DbQuery, "unable to determine whether the given server is in recovery")
    })?;
    Ok((s, recovery))
}
