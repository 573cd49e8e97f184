//! `repmgr witness unregister`

use super::shared::given::{connect, given};
use super::shared::plan;
use crate::cli::args::WitnessUnregister;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::{Context, connect_node};
use crate::commands::notify::{self, Happening};
use crate::commands::registration::failed;
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata::{self, Event, Recorded};
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::report;
use std::time::Duration;

/// How long a query on the witness may take: the cluster's node records are locked meanwhile.
const WITNESS_LIMIT: Duration = Duration::from_secs(15);

/// Runs `witness unregister`.
///
/// # Errors
/// [`Exit::BadConfig`]: this node or the primary cannot be reached, no such node, not a witness;
/// [`Exit::DbQuery`]: a query failed. In each case the record stands.
pub fn run(ctx: &Context, _args: &WitnessUnregister) -> Result<Exit> {
    let own = ctx.node_id()?;
    let target = ctx.general.node_id.unwrap_or(own);
    report::info(format!("connecting to node {}", ctx.label()?));
    let mut local = local(ctx)?;
    report::info("connecting to primary node");
    let mut s = primary(ctx, local.as_mut())?;
    let nodes = all(&mut s)?;
    let record = plan::unregister(target, &nodes).map_err(|e| named(ctx, e, target, &nodes))?;
    if ctx.effort() == Effort::DryRun {
        report::notice(format!("would now unregister witness node {}", record.label()));
        report::info("every check for \"witness unregister\" passed");
        return Ok(Exit::Success);
    }
    report::info(format!("unregistering witness node {}", record.label()));
    let mut witness = if target == own { local } else { reach(record) };
    let happening = Happening::new(target, "witness_unregister").details("witness unregistration succeeded");
    let row = remove(&mut s, witness.as_mut(), target, &happening)?;
    notify::announce(ctx, &happening, Some(&row.timestamp));
    report::info("witness unregistration complete")
        .detail(format!("the record of node {} is removed", record.label()));
    Ok(Exit::Success)
}

/// A session on this node. `None`: it is down, and the user knows.
fn local(ctx: &Context) -> Result<Option<Session>> {
    match ctx.local() {
        Ok(mut s) => {
            s.set_limit(WITNESS_LIMIT);
            Ok(Some(s))
        }
        Err(e) if ctx.forced() => {
            report::notice(format!("{}, removing the node record on the primary only", e.message));
            Ok(None)
        }
        Err(e) => Err(Error { exit: Exit::BadConfig, ..e }
            .hint("to unregister a witness that is down, use -F/--force and give the primary's connection options")
            .hint("or run this on another node, with --node-id")),
    }
}

/// The primary: by the records that this node holds, else through the server that the options name.
fn primary(ctx: &Context, local: Option<&mut Session>) -> Result<Session> {
    let given = given(ctx)?;
    if let Some(local) = local {
        let found = metadata::require(local).and_then(|_| ctx.primary(local));
        match (found, &given) {
            (Ok((s, _)), _) => return Ok(s),
            (Err(_), Some(_)) => {}
            (Err(e), None) => {
                return Err(Error { exit: Exit::BadConfig, ..e }
                    .hint("give the connection options of the cluster's primary"));
            }
        }
    }
    let Some(conninfo) = given else {
        return Err(Error::new(Exit::BadConfig, "no connection options of the primary are given")
            .hint("give at least its host with -h/--host"));
    };
    let (mut s, recovery) = connect(ctx, &conninfo)?;
    metadata::require(&mut s)?;
    match recovery {
        Recovery::Primary => Ok(s),
        Recovery::Standby => {
            ctx.primary(&mut s).map(|(s, _)| s).map_err(|e| Error { exit: Exit::BadConfig, ..e })
        }
    }
}

/// A number that the user gave is named as such.
fn named(ctx: &Context, error: Error, target: NodeId, nodes: &[NodeRecord]) -> Error {
    if ctx.general.node_id.is_none() || nodes.iter().any(|n| n.node_id == target) {
        return error;
    }
    Error { message: format!("node {target} (given with --node-id) is not registered"), ..error }
}

fn all(s: &mut Session) -> Result<Vec<NodeRecord>> {
    metadata::all_nodes(s).map_err(|e| failed(e, "unable to read the node records"))
}

/// A session on the witness, to remove the record from its copy. `None`: it cannot be had.
fn reach(record: &NodeRecord) -> Option<Session> {
    match connect_node(record) {
        Ok(mut s) => {
            s.set_limit(WITNESS_LIMIT);
            Some(s)
        }
        Err(e) => {
            report::warning(format!(
                "witness node {} cannot be reached, its own copy of the records stays as it is",
                record.label()
            ))
            .detail(e.to_string());
            None
        }
    }
}

/// One transaction on the primary, with the event. The witness's copy goes first: cut off between the two, the
/// record on the primary still stands and the command is run again.
fn remove(
    s: &mut Session,
    witness: Option<&mut Session>,
    target: NodeId,
    happening: &Happening,
) -> Result<Recorded> {
    let what = format!("unable to unregister node {target}");
    let identifier = server::system_identifier(s).map_err(|e| failed(e, &what))?;
    s.transaction(|s| {
        metadata::lock_nodes(s).map_err(|e| failed(e, &what))?;
        let nodes = all(s)?;
        plan::unregister(target, &nodes)?;
        metadata::delete_node(s, target).map_err(|e| failed(e, &what))?;
        let row = Event {
            node_id: target,
            event: happening.event.to_owned(),
            successful: happening.successful,
            details: happening.details.clone(),
        };
        let row = metadata::record_event(s, &row).map_err(|e| failed(e, &what))?;
        if let Some(witness) = witness
            && let Err(e) = forget(witness, target, identifier)
        {
            report::warning("unable to remove the record from the witness's own copy").detail(e.to_string());
        }
        Ok(row)
    })
}

/// Removes the record from the witness's copy, when it is one. `identifier`: the cluster's, where the record's
/// connection string must not lead any more.
fn forget(witness: &mut Session, target: NodeId, identifier: u64) -> Result<(), PgError> {
    let stands = "SELECT pg_catalog.to_regclass('repmgr.nodes') IS NOT NULL";
    if server::system_identifier(witness)? == identifier
        || !witness.query_opt(stands, &[])?.is_some_and(|row| row.get(0))
    {
        return Ok(());
    }
    witness.transaction(|s| {
        s.batch("SET LOCAL lock_timeout = '5s'")?;
        if metadata::node(s, target)?.is_some_and(|n| n.role == Role::Witness) {
            metadata::delete_node(s, target)?;
        }
        Ok(())
    })
}
