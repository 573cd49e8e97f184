//! Rows of `repmgr.monitoring_history`.

use crate::domain::node::NodeId;
use crate::pg::session::{PgError, Session};

/// Shared condition: older than so many days (0: all), of one standby or of every one.
const WHERE: &str = "WHERE ($1::pg_catalog.int4 = 0
        OR last_monitor_time < pg_catalog.now() - pg_catalog.make_interval(days => $1::pg_catalog.int4))
    AND ($2::pg_catalog.int4 IS NULL OR standby_node_id = $2)";

/// How many rows [`delete_history`] would delete.
///
/// # Errors
/// [`PgError`].
pub fn count_history(s: &mut Session, keep_days: i32, node: Option<NodeId>) -> Result<i64, PgError> {
    let sql = format!("SELECT count(*) FROM repmgr.monitoring_history {WHERE}");
    let node = node.map(|id| id.0);
    Ok(s.query_opt(&sql, &[&keep_days, &node])?.map_or(0, |row| row.get(0)))
}

/// Deletes rows older than `keep_days` days (0: all), of one standby or of every one. Returns how many went.
///
/// # Errors
/// [`PgError`].
pub fn delete_history(s: &mut Session, keep_days: i32, node: Option<NodeId>) -> Result<u64, PgError> {
    let node = node.map(|id| id.0);
    s.execute(&format!("DELETE FROM repmgr.monitoring_history {WHERE}"), &[&keep_days, &node])
}

/// Makes the room of deleted rows usable again.
///
/// # Errors
/// [`PgError`]; the rows are gone all the same.
pub fn vacuum_history(s: &mut Session) -> Result<(), PgError> {
    s.batch("VACUUM repmgr.monitoring_history")
}
