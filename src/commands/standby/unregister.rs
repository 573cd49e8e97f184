//! `repmgr standby unregister`

use crate::cli::args::StandbyUnregister;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::commands::notify::{self, Happening};
use crate::commands::registration::failed;
use crate::domain::node::{NodeId, NodeRecord, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata;
use crate::pg::server;
use crate::pg::session::Session;
use crate::report;

/// Runs `standby unregister`.
///
/// # Errors
/// [`Exit::DbConn`]: no connection to this node; [`Exit::BadConfig`]: no primary, no such node, not a standby,
/// or other nodes hang on it; [`Exit::DbQuery`]: a query failed. In each case the record stands.
pub fn run(ctx: &Context, _args: &StandbyUnregister) -> Result<Exit> {
    report::info(format!("opening a session on node {}", ctx.label()?));
    let mut local = ctx.local()?;
    metadata::require(&mut local)?;
    let target = chosen(ctx, &mut local)?;
    report::info("looking for the primary");
    let (mut s, _) = ctx.primary(&mut local).map_err(|e| Error { exit: Exit::BadConfig, ..e })?;
    match ctx.effort() {
        Effort::DryRun => {
            let nodes = all(&mut s)?;
            let record = plan(target, &nodes)?;
            report::notice(format!("would unregister node {}", record.label()))
                .hint("leave out --dry-run to do it");
        }
        Effort::Apply => {
            let record = s.transaction(|s| {
                metadata::lock_nodes(s).map_err(|e| failed(e, "unable to lock the node records"))?;
                let nodes = all(s)?;
                let record = plan(target, &nodes)?.clone();
                let what = format!("unable to delete the record of node {target}");
                metadata::delete_node(s, target).map_err(|e| failed(e, &what))?;
                Ok::<NodeRecord, Error>(record)
            })?;
            notify::event(ctx, Some(&mut s), &Happening::new(target, "standby_unregister"));
            report::notice(format!("unregistered node {}", record.label()));
            tell_of_slot(&mut s, &record);
        }
    }
    Ok(Exit::Success)
}

/// The node that `--node-id` or `--node-name` names, else this one.
fn chosen(ctx: &Context, local: &mut Session) -> Result<NodeId> {
    let general = &ctx.general;
    match (general.node_id, &general.node_name) {
        (Some(id), name) => {
            if name.is_some() {
                report::warning("--node-id is given, --node-name is ignored");
            }
            let known = metadata::node(local, id).map_err(|e| failed(e, "unable to read the node record"))?;
            known.map(|n| n.node_id).ok_or_else(|| unknown(&id.to_string(), "--node-id"))
        }
        (None, Some(name)) => {
            let known = metadata::node_by_name(local, name)
                .map_err(|e| failed(e, "unable to read the node record"))?;
            known.map(|n| n.node_id).ok_or_else(|| unknown(&format!("\"{name}\""), "--node-name"))
        }
        (None, None) => ctx.node_id(),
    }
}

fn unknown(node: &str, option: &str) -> Error {
    Error::new(Exit::BadConfig, format!("node {node} (given with {option}) is not registered"))
        .hint("\"repmgr cluster show\" lists the registered nodes")
}

fn all(s: &mut Session) -> Result<Vec<NodeRecord>> {
    metadata::all_nodes(s).map_err(|e| failed(e, "unable to read the node records"))
}

/// The record that may go.
fn plan(target: NodeId, nodes: &[NodeRecord]) -> Result<&NodeRecord> {
    let record = nodes.iter().find(|n| n.node_id == target).ok_or_else(|| {
        Error::new(Exit::BadConfig, format!("node {target} is not registered"))
            .hint("\"repmgr cluster show\" lists the registered nodes")
    })?;
    if record.role != Role::Standby {
        let error =
            Error::new(Exit::BadConfig, format!("node {target} stays registered: it is not a standby"))
                .detail(format!("node {} is registered as {}", record.label(), record.role));
        return Err(match record.role {
            Role::Primary => error.hint("see \"repmgr primary unregister\""),
            Role::Witness => error.hint("see \"repmgr witness unregister\""),
            Role::Standby | Role::Unknown => error,
        });
    }
    let children: Vec<String> =
        nodes.iter().filter(|n| n.upstream_node_id == Some(target)).map(NodeRecord::label).collect();
    if children.is_empty() {
        return Ok(record);
    }
    let message = format!("node {target} stays registered: it is the upstream of other nodes");
    Err(Error::new(Exit::BadConfig, message)
        .detail(format!("these nodes name it as their upstream: {}", children.join(", ")))
        .hint("have them follow another node with \"repmgr standby follow\", or unregister them first"))
}

/// A slot that nobody uses any more keeps WAL for ever.
fn tell_of_slot(s: &mut Session, record: &NodeRecord) {
    let Some(name) = &record.slot_name else { return };
    // Only a remark: what cannot be looked at is not worth an error.
    let slots = server::physical_slots(s).unwrap_or_default();
    if slots.iter().any(|slot| slot.name == *name) {
        report::warning(format!("the primary still has replication slot \"{name}\" of this node"))
            .detail("a slot that nobody uses keeps WAL until the disk is full")
            .hint(format!("once the standby is gone, execute: SELECT pg_drop_replication_slot('{name}')"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_standby_that_nobody_streams_from_goes() {
        let node = |id: i32, role, upstream: Option<i32>| NodeRecord {
            node_id: NodeId(id),
            upstream_node_id: upstream.map(NodeId),
            active: true,
            node_name: format!("n{id}"),
            role,
            location: "default".to_owned(),
            priority: 100,
            conninfo: String::new(),
            repluser: "repmgr".to_owned(),
            slot_name: None,
            config_file: String::new(),
            virtual_ip: None,
            network_card: None,
        };
        let nodes = [
            node(1, Role::Primary, None),
            node(2, Role::Standby, Some(1)),
            node(3, Role::Standby, Some(2)),
            node(4, Role::Witness, Some(1)),
        ];
        for (why, id, want) in [
            ("a leaf", 3, None),
            ("an upstream", 2, Some("\"n3\" (ID: 3)")),
            ("a primary", 1, Some("not a standby")),
            ("a witness", 4, Some("not a standby")),
            ("nobody", 9, Some("node 9 is not registered")),
        ] {
            match (plan(NodeId(id), &nodes), want) {
                (Ok(got), None) => assert_eq!(got.node_id, NodeId(id), "{why}"),
                (Err(got), Some(want)) => assert!(got.to_string().contains(want), "{why}: {got}"),
                (got, want) => panic!("{why}: {got:?}, not {want:?}"),
            }
        }
    }
}
