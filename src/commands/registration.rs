//! What `primary register` and `standby register` have in common: this node's record.

use super::context::Context;
use super::notify::Happening;
use crate::config::Settings;
use crate::domain::node::{NodeId, NodeRecord, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata::{self, Address};
use crate::pg::session::{PgError, Session};
use crate::report;

/// The name of the slot that a node uses on its upstream.
fn slot_name(id: NodeId) -> String {
    format!("repmgr_slot_{id}")
}

/// This node's record as configuration and command line give it, active.
///
/// `replication_user` is the command line's. Without it, and without replication_user in the file, it is the
/// user of conninfo, or else `connected_as`: the role that a connection by conninfo really had.
///
/// # Errors
/// [`Exit::BadConfig`] without a usable configuration.
pub fn own_record(
    ctx: &Context,
    role: Role,
    upstream: Option<NodeId>,
    replication_user: Option<&str>,
    connected_as: &str,
) -> Result<NodeRecord> {
    let settings = ctx.settings()?;
    let conninfo = ctx.own_conninfo()?;
    let repluser = replication_user
        .or(settings.replication_user.as_deref())
        .or(conninfo.get("user"))
        .unwrap_or(connected_as);
    let node_id = ctx.node_id()?;
    let file = ctx.loaded.as_ref().and_then(|loaded| loaded.file.as_ref());
    Ok(NodeRecord {
        node_id,
        upstream_node_id: upstream,
        active: true,
        node_name: settings.node_name.clone(),
        role,
        location: settings.location.clone(),
        priority: settings.priority,
        conninfo: settings.conninfo.clone(),
        repluser: repluser.to_owned(),
        slot_name: settings.use_replication_slots.then(|| slot_name(node_id)),
        config_file: file.map(|path| path.display().to_string()).unwrap_or_default(),
        virtual_ip: joined(&settings.virtual_ip),
        network_card: joined(&settings.network_card),
    })
}

fn joined(list: &[String]) -> Option<String> {
    (!list.is_empty()).then(|| list.join(","))
}

/// The role that this session's connection was made as.
///
/// # Errors
/// [`PgError`].
pub fn connected_as(s: &mut Session) -> Result<String, PgError> {
    let sql = "SELECT session_user::pg_catalog.text";
    Ok(s.query_opt(sql, &[])?.map(|row| row.get(0)).unwrap_or_default())
}

/// Stores the address of `record` in our own schema; an address that went out of the configuration goes out
/// there too. To be called in the transaction that writes the record.
///
/// # Errors
/// [`PgError`].
pub fn store_address(s: &mut Session, record: &NodeRecord) -> Result<(), PgError> {
    let known = metadata::address(s, record.node_id)?;
    let none = record.virtual_ip.is_none() && record.network_card.is_none();
    if none && known.is_none() {
        return Ok(());
    }
    let address = Address {
        virtual_ip: record.virtual_ip.clone(),
        network_card: record.network_card.clone(),
        http_address: known.and_then(|known| known.http_address),
    };
    metadata::set_address(s, record.node_id, &address).map(drop)
}

/// Says what becomes of the address of a node that is no primary.
pub fn tell_of_address(settings: &Settings) {
    if !settings.virtual_ip.is_empty() {
        report::info(format!("virtual IP \"{}\" is recorded", settings.virtual_ip.join(",")))
            .detail("only the primary has it up");
    }
}

/// The error of a query on the metadata, with what to do where a privilege is lacking.
#[must_use]
pub fn failed(e: PgError, what: &str) -> Error {
    let (lacking, locked) = (e.has_sqlstate("42501"), e.has_sqlstate("55P03"));
    let error = e.into_error(Exit::DbQuery, what);
    if lacking {
        return error.hint(
            "GRANT the user of \"conninfo\" USAGE on schema \"repmgr\" and all privileges on its tables",
        );
    }
    if locked {
        return error.hint("another registration is under way: run the command again");
    }
    error
}

/// With what the user's script is told of the primary.
#[must_use]
pub fn about(happening: Happening, primary: &NodeRecord) -> Happening {
    happening.about(primary.node_id, &primary.node_name, primary.shown_conninfo())
}
