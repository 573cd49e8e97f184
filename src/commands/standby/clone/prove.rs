//! Proof by doing: the replication connections that the copy will need are made, all at the same time.

use crate::commands::context::connect_deadline;
use crate::domain::conninfo::ConnInfo;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::session::PgError;
use crate::pg::wire::Wire;
use crate::report::{self, Level};

/// Makes `count` connections, holds them together, and lets them go.
///
/// # Errors
/// [`Exit::BadConfig`], as the original: one of them cannot be made, or leads to another cluster.
pub fn connections(met: Level, conninfo: &ConnInfo, count: u32, system: u64) -> Result<()> {
    let mut held = Vec::new();
    for number in 1..=count {
        let wire = Wire::connect(conninfo, connect_deadline(conninfo));
        held.push(wire.map_err(|why| failed(why, conninfo, number, count))?);
    }
    for wire in &mut held {
        let identity = wire
            .identify_system()
            .map_err(|e| e.into_error(Exit::BadConfig, "a replication connection does not answer"))?;
        if identity.systemid != system {
            return Err(Error::new(Exit::BadConfig, "replication connections lead to another cluster")
                .detail(format!(
                    "system identifier there: {}, of the source node: {system}",
                    identity.systemid
                ))
                .detail(format!("connection string: {conninfo}")));
        }
    }
    report::say(met, format!("the source takes the {count} replication connections that a clone needs"));
    Ok(())
}

fn failed(why: PgError, conninfo: &ConnInfo, number: u32, count: u32) -> Error {
    let user = conninfo.get("user").unwrap_or("(default)").to_owned();
    let used_up = why.sqlstate.as_deref() == Some("53300");
    let text = why.message.clone();
    let mut error = why
        .into_error(Exit::BadConfig, "unable to make the replication connections that a clone needs")
        .detail(format!("{} of {count} could be made, as user \"{user}\"", number - 1));
    if used_up {
        error.hint = vec![format!("raise max_wal_senders on the source by at least {}", count - number + 1)];
    } else if text.contains("must be superuser or replication role") || text.contains("REPLICATION attribute")
    {
        error.hint = vec![format!("on the source: ALTER ROLE \"{user}\" REPLICATION")];
    } else if text.contains("pg_hba.conf") {
        error.hint = vec![format!(
            "add a line for database \"replication\", user \"{user}\" and this host to the source's pg_hba.conf, and reload it"
        )];
    }
    error
}
