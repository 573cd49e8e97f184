//! Looks at every node at the same time.

use super::status::{Live, Observed, Reach};
use crate::commands::context::{Context, connect_node};
use crate::domain::node::{NodeId, NodeRecord};
use crate::error::Result;
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

/// The records of all nodes.
///
/// # Errors
/// As [`look`].
pub fn records(ctx: &Context) -> Result<Vec<NodeRecord>> {
    let mut session = match ctx.given()? {
        Some(conninfo) => ctx.connect(&conninfo, "the given server")?,
        None => ctx.local()?,
    };
    metadata::require(&mut session)?;
    metadata::all_nodes(&mut session)
        .map_err(|e| e.into_error(Exit::DbQuery, "unable to read the node records"))
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
        believed_upstream: believed_upstream(&mut s, record.node_id),
    })
}

/// The upstream that the node's own copy of the metadata gives it; a copy that cannot be read (not yet
/// replicated, a witness without one) says nothing.
fn believed_upstream(s: &mut Session, id: NodeId) -> Option<NodeId> {
    metadata::node(s, id).ok().flatten().and_then(|own| own.upstream_node_id)
}
