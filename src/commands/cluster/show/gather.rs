//! Looks at every node at the same time.

use super::status::{Belief, Live, Observed, Reach};
use crate::commands::context::{Context, connect_node};
use crate::domain::conninfo::ConnInfo;
use crate::domain::node::{NodeId, NodeRecord, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata;
use crate::pg::server;
use crate::pg::session::{Failure, PgError, Session};
use crate::sys::parallel::in_parallel;
use std::time::Duration;

/// A node that connects but does not answer these few questions in this time is not well.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the records from the server that was named, else from this node, and asks each node.
///
/// # Errors
/// [`Exit::BadConfig`], [`Exit::DbConn`], [`Exit::DbQuery`]: the records could not be read.
pub fn look(ctx: &Context) -> Result<Vec<Observed>> {
    let nodes = records(ctx)?;
    Ok(in_parallel(nodes, |record: NodeRecord| {
        let reach = match ask(&record) {
            Ok(live) => Reach::Up(live),
            Err(e) if e.is(Failure::Denied) || e.is(Failure::Sql) => Reach::Rejecting(e.to_string()),
            Err(e) => Reach::Down(e.to_string()),
        };
        Observed { record, reach }
    }))
}

/// The records of all nodes: at least one.
///
/// # Errors
/// As [`look`].
pub fn records(ctx: &Context) -> Result<Vec<NodeRecord>> {
    let mut session = match ctx.given()? {
        Some(given) => ctx.connect(&beside_own(ctx, given)?, "the given server")?,
        None => ctx.local()?,
    };
    metadata::require(&mut session)?;
    let nodes = metadata::all_nodes(&mut session)
        .map_err(|e| e.into_error(Exit::DbQuery, "unable to read the node records"))?;
    if nodes.is_empty() {
        return Err(Error::new(Exit::BadConfig, "no node is registered")
            .detail("table \"repmgr.nodes\" is empty")
            .hint("register the primary first: \"repmgr primary register\""));
    }
    Ok(nodes)
}

/// What was given with `-h`, `-p`, `-U`, `-d` over this node's conninfo. With a configuration file these
/// change what they name and no more; the original passes over them then, so that scripts carry them along.
fn beside_own(ctx: &Context, given: ConnInfo) -> Result<ConnInfo> {
    if ctx.loaded.is_none() || given.get("service").is_some() {
        return Ok(given);
    }
    let mut conninfo = ctx.own_conninfo()?;
    if given.get("host").is_some() {
        conninfo.remove("hostaddr");
    }
    for (key, value) in given.iter() {
        conninfo.set(key, value);
    }
    Ok(conninfo)
}

fn ask(record: &NodeRecord) -> Result<Live, PgError> {
    let mut s = connect_node(record)?;
    s.set_limit(PATIENCE);
    let recovery = server::recovery(&mut s)?;
    let position = server::position(&mut s)?;
    Ok(Live {
        recovery,
        timeline: server::timeline(&mut s)?,
        current: position.current,
        replayed: position.replayed,
        attached: server::walsenders(&mut s)?.into_iter().map(|w| w.application_name).collect(),
        belief: belief(&mut s, record.node_id),
    })
}

/// A copy that cannot be read (not replicated yet, a witness without one) says nothing.
fn belief(s: &mut Session, id: NodeId) -> Belief {
    match metadata::node(s, id).ok().flatten() {
        None => Belief::Nothing,
        Some(own) if own.role == Role::Primary => Belief::Primary,
        Some(own) => own.upstream_node_id.map_or(Belief::NoUpstream, Belief::Upstream),
    }
}
