//! `repmgr primary unregister`

mod plan;

use crate::cli::args::PrimaryUnregister;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::{Context, connect_node};
use crate::commands::notify::{self, Happening};
use crate::commands::primary::register::plan::Probe;
use crate::commands::registration::failed;
use crate::commands::vip;
use crate::domain::node::{NodeId, NodeRecord};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata;
use crate::pg::server;
use crate::pg::session::Session;
use crate::report;
use plan::{Facts, plan};

/// Runs `primary unregister`.
///
/// # Errors
/// [`Exit::DbConn`]: no connection to this node or to the primary; [`Exit::BadConfig`]: a check says no;
/// [`Exit::DbQuery`]: a query failed. In each case the record stands.
pub fn run(ctx: &Context, _args: &PrimaryUnregister) -> Result<Exit> {
    let mut local = ctx.local()?;
    metadata::require(&mut local)?;
    let own = ctx.node_id()?;
    if read(&mut local, own)?.is_none() {
        return Err(Error::new(Exit::BadConfig, format!("this node (ID: {own}) is not registered"))
            .hint("check \"node_id\" in the configuration file"));
    }
    let named = match ctx.general.node_id {
        Some(id) => Some(read(&mut local, id)?.ok_or_else(|| unknown(id))?.node_id),
        None => None,
    };
    let (mut s, _) = ctx.primary(&mut local)?;
    let registered = metadata::active_primary(&mut s)
        .map_err(|e| failed(e, "unable to read the record of the primary"))?
        .ok_or_else(no_primary)?;
    let target = match named {
        Some(id) => read(&mut s, id)?.ok_or_else(|| unknown(id))?,
        None => registered.clone(),
    };
    let probe = match connect_node(&target).and_then(|mut s| server::recovery(&mut s)) {
        Ok(recovery) => Probe::Answers(recovery),
        Err(e) => Probe::Unreachable(e.to_string()),
    };
    match ctx.effort() {
        Effort::DryRun => {
            let nodes = all(&mut s)?;
            let facts = Facts { target: &target, nodes: &nodes, probe: &probe, force: ctx.general.force() };
            plan(&facts)?;
            report::notice(format!("would unregister node {}", target.label()))
                .hint("leave out --dry-run to do it");
        }
        Effort::Apply => {
            let what = "unable to read the address of the node";
            let old = vip::recorded(&mut s, target.node_id).map_err(|e| failed(e, what))?;
            remove(ctx, &mut s, &target, &probe)?;
            let mut details = format!("node {} unregistered", target.label());
            if target.node_id != own {
                details += &format!(" from node {}", ctx.label()?);
            }
            let event = Happening::new(own, "primary_unregister").details(details);
            notify::event(ctx, Some(&mut s), &event);
            report::notice(format!("unregistered node {}", target.label()));
            if target.node_id == own {
                vip::leave(ctx, &old)?;
            }
        }
    }
    Ok(Exit::Success)
}

/// The records are read again under the lock: what was registered meanwhile counts.
fn remove(ctx: &Context, s: &mut Session, target: &NodeRecord, probe: &Probe) -> Result<()> {
    let what = format!("unable to delete the record of node {}", target.label());
    s.transaction(|s| {
        metadata::lock_nodes(s).map_err(|e| failed(e, &what))?;
        let nodes = all(s)?;
        let fresh =
            nodes.iter().find(|n| n.node_id == target.node_id).ok_or_else(|| unknown(target.node_id))?;
        plan(&Facts { target: fresh, nodes: &nodes, probe, force: ctx.general.force() })?;
        metadata::delete_node(s, target.node_id).map_err(|e| failed(e, &what))?;
        Ok(())
    })
}

fn read(s: &mut Session, id: NodeId) -> Result<Option<NodeRecord>> {
    metadata::node(s, id).map_err(|e| failed(e, &format!("unable to read the record of node {id}")))
}

fn all(s: &mut Session) -> Result<Vec<NodeRecord>> {
    metadata::all_nodes(s).map_err(|e| failed(e, "unable to read the node records"))
}

fn unknown(id: NodeId) -> Error {
    Error::new(Exit::BadConfig, format!("node {id} (given with --node-id) is not registered"))
        .hint("\"repmgr cluster show\" lists the registered nodes")
}

fn no_primary() -> Error {
    Error::new(Exit::BadConfig, "no active primary is registered")
        .hint("register it with \"repmgr primary register --force\"")
}
