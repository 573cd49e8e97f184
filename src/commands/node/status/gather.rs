//! Looks at this node's server.

use super::picture::{Archiving, Facts, Replay};
use crate::commands::context::Context;
use crate::commands::node::shared::{self, asking};
use crate::domain::lsn::Lsn;
use crate::domain::node::Role;
use crate::error::Result;
use crate::pg::control_file;
use crate::pg::metadata;
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::report;
use std::time::Duration;

/// Walking over all files of a large cluster takes its time.
const SIZE_PATIENCE: Duration = Duration::from_secs(60);

/// Reads everything that `node status` shows.
///
/// # Errors
/// [`crate::exit::Exit::DbConn`], [`crate::exit::Exit::BadConfig`], [`crate::exit::Exit::DbQuery`].
pub fn look(ctx: &Context) -> Result<Facts> {
    let settings = ctx.settings()?;
    let (mut session, record) = shared::open(ctx, &ctx.own_conninfo()?)?;
    let s = &mut session;
    let stats = shared::stats(s).map_err(asking("the node's replication statistics"))?;
    let upstream = match record.upstream_node_id {
        Some(id) => metadata::node(s, id).map_err(asking("the record of the upstream node"))?,
        None => None,
    };
    let missing_slots = if stats.max_slots > 0 {
        shared::missing_slots(s, record.node_id).map_err(asking("the replication slots"))?
    } else {
        Vec::new()
    };
    Ok(Facts {
        upstream_name: upstream.map(|u| u.node_name),
        version: version(s).map_err(asking("the server's version"))?,
        size: size(s),
        system_identifier: ctx.general.verbose.then(|| match control_file::read(&settings.data_directory) {
            Ok(control) => Some(control.system_identifier),
            Err(e) => {
                report::warning("unable to read the control file").detail(e.to_string());
                None
            }
        }),
        inactive_slots: inactive_slots(s).map_err(asking("the replication slots"))?,
        missing_slots,
        archiving: archiving(ctx, s)?,
        children: shared::children(s, record.node_id).map_err(asking("the state of the downstream nodes"))?,
        replay: if record.role == Role::Standby {
            Some(replay(s).map_err(asking("the position of replay"))?)
        } else {
            None
        },
        stats,
        record,
    })
}

/// Without what packagers add behind it.
fn version(s: &mut Session) -> Result<String, PgError> {
    let row = s.query_opt("SELECT pg_catalog.current_setting('server_version')", &[])?;
    let text: String = row.map_or_else(String::new, |row| row.get(0));
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}

/// `unknown` when the server does not tell: a database that vanishes meanwhile is no reason to show nothing.
fn size(s: &mut Session) -> String {
    let limit = s.limit();
    s.set_limit(SIZE_PATIENCE);
    let size = server::data_size(s);
    s.set_limit(limit);
    match size {
        Ok((_, text)) => text,
        Err(e) => {
            report::warning("unable to determine the size of the data").detail(e.to_string());
            "unknown".to_owned()
        }
    }
}

fn inactive_slots(s: &mut Session) -> Result<Vec<String>, PgError> {
    let sql = "SELECT slot_name::pg_catalog.text FROM pg_catalog.pg_replication_slots
        WHERE slot_type = 'physical' AND NOT active ORDER BY slot_name";
    Ok(s.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

fn archiving(ctx: &Context, s: &mut Session) -> Result<Archiving> {
    let data = &ctx.settings()?.data_directory;
    let sql =
        "SELECT pg_catalog.current_setting('archive_mode'), pg_catalog.current_setting('archive_command')";
    let row = s.query_opt(sql, &[]).map_err(asking("the archiving settings"))?;
    let (mode, command) = row.map_or_else(Default::default, |row| (row.get(0), row.get(1)));
    let ready = match shared::ready_files(data) {
        Ok(ready) => Some(ready),
        Err(why) => {
            report::error("unable to read the directory of archiving states")
                .detail(format!("\"{}/pg_wal/archive_status\": {why}", data.display()))
                .hint("check \"data_directory\", and run this as its owner");
            None
        }
    };
    Ok(Archiving { mode, command, ready })
}

/// Also of a server that was promoted: what it received and replayed before.
fn replay(s: &mut Session) -> Result<Replay, PgError> {
    let lag = shared::lag_seconds(s)?;
    let sql = "SELECT coalesce(pg_catalog.pg_last_wal_receive_lsn(), '0/0')::pg_catalog.text,
        coalesce(pg_catalog.pg_last_wal_replay_lsn(), '0/0')::pg_catalog.text,
        CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_is_wal_replay_paused() ELSE false END";
    let row = s.query_opt(sql, &[])?;
    let lsn = |text: &str| text.parse().unwrap_or(Lsn(0));
    Ok(row.map_or(Replay { lag, received: Lsn(0), replayed: Lsn(0), paused: false }, |row| Replay {
        lag,
        received: lsn(row.get(0)),
        replayed: lsn(row.get(1)),
        paused: row.get(2),
    }))
}
