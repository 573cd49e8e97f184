//! Rows of `repmgr.events`.

use super::field;
use crate::domain::node::NodeId;
use crate::pg::session::{PgError, Session};

/// Something that happened to a node, as it goes into the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The node that tells it.
    pub node_id: NodeId,
    /// repmgr's name for it (`standby_clone`).
    pub event: String,
    /// Whether it went well.
    pub successful: bool,
    /// Free text. `None`: nothing to add.
    pub details: Option<String>,
}

/// A row that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The server's time stamp, as text with its zone.
    pub timestamp: String,
}

/// Writes an event.
///
/// # Errors
/// [`PgError`].
pub fn record_event(s: &mut Session, event: &Event) -> Result<Recorded, PgError> {
    let sql = "INSERT INTO repmgr.events (node_id, event, successful, details) VALUES ($1, $2, $3, $4)
        RETURNING event_timestamp::pg_catalog.text";
    let row = s.query_opt(sql, &[&event.node_id.0, &event.event, &event.successful, &event.details])?;
    // The column may be NULL in a table that was altered: the event is written all the same.
    let timestamp = row.map_or(Ok(None), |row| field::<Option<String>>(&row, 0))?;
    Ok(Recorded { timestamp: timestamp.unwrap_or_default() })
}

/// Which rows to list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only this node's. `None`: every node's.
    pub node_id: Option<NodeId>,
    /// Only the node's of this name. `None`: every node's.
    pub node_name: Option<String>,
    /// Only events of this name. `None`: all.
    pub event: Option<String>,
    /// At most so many. `None`: all.
    pub limit: Option<i64>,
}

/// A row as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// The node that told it.
    pub node_id: NodeId,
    /// Its name. `None`: it is not registered any more.
    pub node_name: Option<String>,
    /// The event's name.
    pub event: String,
    /// Whether it went well.
    pub successful: bool,
    /// `YYYY-MM-DD HH24:MI:SS` in the session's time zone.
    pub timestamp: String,
    /// Free text; empty: none.
    pub details: String,
}

/// Lists events, newest first.
///
/// # Errors
/// [`PgError`].
pub fn list_events(s: &mut Session, filter: &EventFilter) -> Result<Vec<EventRow>, PgError> {
    let sql = "SELECT e.node_id, n.node_name, e.event, e.successful,
        coalesce(pg_catalog.to_char(e.event_timestamp, 'YYYY-MM-DD HH24:MI:SS'), ''), coalesce(e.details, '')
        FROM repmgr.events e LEFT JOIN repmgr.nodes n ON n.node_id = e.node_id
        WHERE ($1::pg_catalog.int4 IS NULL OR e.node_id = $1)
          AND ($2::pg_catalog.text IS NULL OR n.node_name = $2)
          AND ($3::pg_catalog.text IS NULL OR e.event = $3)
        ORDER BY e.event_timestamp DESC, e.ctid DESC LIMIT $4";
    let id = filter.node_id.map(|id| id.0);
    let rows = s.query(sql, &[&id, &filter.node_name, &filter.event, &filter.limit])?;
    let read = |row| -> Result<EventRow, PgError> {
        Ok(EventRow {
            node_id: NodeId(field(row, 0)?),
            node_name: field(row, 1)?,
            event: field(row, 2)?,
            successful: field(row, 3)?,
            timestamp: field(row, 4)?,
            details: field(row, 5)?,
        })
    };
    rows.iter().map(read).collect()
}
