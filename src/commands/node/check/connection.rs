//! Checks that are about making a connection, or need none.

use super::evaluate::{self, Finding};
use crate::cli::args::NodeCheck;
use crate::commands::context::{Context, connect_deadline};
use crate::domain::conninfo::ConnInfo;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::environment::{self, Environment};
use crate::pg::metadata;
use crate::pg::session::Session;
use crate::pg::wire::Wire;
use crate::report;
use std::path::PathBuf;
use std::time::Duration;

/// A server that connects but does not answer in this time is not well.
const PATIENCE: Duration = Duration::from_secs(10);

/// Can this node be reached by its own connection string?
///
/// # Errors
/// [`Exit::BadConfig`]: the string cannot be read.
pub fn db_connection(ctx: &Context) -> Result<Finding> {
    let conninfo = ctx.superuser(&ctx.own_conninfo()?);
    let what = format!("local node {}", ctx.label()?);
    match ctx.connect(&conninfo, &what) {
        Ok(_) => Ok(evaluate::db_connection(None)),
        Err(e) => {
            report::setback(&e);
            Ok(evaluate::db_connection(Some(&conninfo.to_string())))
        }
    }
}

/// What `--replication-connection` prints behind `--connection=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// It can be made.
    Ok,
    /// It cannot.
    Bad,
    /// No node was named, or it is not registered.
    Unknown,
    /// This node's own server cannot be asked for the record.
    NoRecord,
}

impl Connection {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Bad => "BAD",
            Self::Unknown => "UNKNOWN",
            Self::NoRecord => "CONNECTION_ERROR",
        }
    }
}

/// Can this host open a replication connection to a registered node?
///
/// # Errors
/// [`Exit::BadConfig`]: our own connection string cannot be read.
pub fn replication_connection(ctx: &Context, args: &NodeCheck) -> Result<Connection> {
    let Some(id) = args.remote_node_id else {
        report::info("no node to connect to was named").hint("name it with --remote-node-id");
        return Ok(Connection::Unknown);
    };
    let own = ctx.own_conninfo()?;
    let mut local = match Session::connect(&own, connect_deadline(&own)) {
        Ok(session) => session,
        Err(e) => {
            report::setback(&e.into_error(Exit::DbConn, "cannot connect to the local node"));
            return Ok(Connection::NoRecord);
        }
    };
    local.set_limit(PATIENCE);
    let record = match metadata::node(&mut local, id) {
        Ok(Some(record)) => record,
        Ok(None) => {
            report::setback(&Error::new(Exit::BadConfig, format!("node {id} is not registered")));
            return Ok(Connection::Unknown);
        }
        Err(e) => {
            report::setback(&e.into_error(Exit::DbQuery, format!("unable to read the record of node {id}")));
            return Ok(Connection::Unknown);
        }
    };
    drop(local);
    let Ok(mut conninfo) = ConnInfo::parse(&record.conninfo) else {
        report::setback(&Error::new(
            Exit::BadConfig,
            format!("the connection string of node {} cannot be read", record.label()),
        ));
        return Ok(Connection::Bad);
    };
    if !record.repluser.is_empty() && conninfo.get("user") != Some(record.repluser.as_str()) {
        conninfo.set("user", record.repluser.as_str());
        conninfo.remove("password");
    }
    match Wire::connect(&conninfo, connect_deadline(&conninfo)) {
        Ok(_) => Ok(Connection::Ok),
        Err(e) => {
            let what = format!("unable to open a replication connection to node {}", record.label());
            report::setback(
                &e.into_error(Exit::DbConn, what).detail(format!("connection string: {conninfo}")),
            );
            Ok(Connection::Bad)
        }
    }
}

/// The password file that connections to this node would be looked up in. `None`: none is set, and there is no home.
#[must_use]
pub fn passfile(ctx: &Context) -> Option<PathBuf> {
    let env = Environment::of_process();
    let own = ctx.own_conninfo().unwrap_or_default();
    let named = environment::complete(&own, &env).ok()?.get("passfile").map(PathBuf::from);
    named.or_else(|| env.home_file(".pgpass"))
}
