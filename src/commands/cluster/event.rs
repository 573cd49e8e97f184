//! `cluster event`: lists repmgr.events, newest first.

use crate::cli::args::ClusterEvent;
use crate::cli::choices::{Output, Rows};
use crate::cli::table::{self, Colour, Table};
use crate::commands::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata::{self, EventFilter, EventRow};
use crate::pg::session::{PgError, Session};
use serde_json::json;

/// Runs it.
///
/// # Errors
/// [`Exit::BadConfig`], [`Exit::DbConn`], [`Exit::DbQuery`].
pub fn run(ctx: &Context, args: &ClusterEvent) -> Result<Exit> {
    let mut session = ctx.local()?;
    metadata::require(&mut session)?;
    let filter = EventFilter {
        node_id: ctx.general.node_id,
        node_name: ctx.general.node_name.clone(),
        event: args.event.clone(),
        limit: match args.rows() {
            Rows::AtMost(n) => Some(i64::from(n)),
            Rows::All => None,
        },
    };
    let rows = metadata::list_events(&mut session, &filter)
        .map_err(|e| e.into_error(Exit::DbQuery, "unable to read the events"))?;
    if rows.is_empty() {
        registered(&mut session, &filter)?;
    }
    match args.output {
        Output::Json => table::print(&table::json(&as_json(&rows)))?,
        Output::Csv | Output::Text if rows.is_empty() => table::print("no matching events found\n")?,
        Output::Csv => table::print(&rows.iter().map(csv).collect::<String>())?,
        Output::Text => table::print(&as_table(&rows, args.compact).text_with_blank(Colour::of_stdout()))?,
    }
    Ok(Exit::Success)
}

/// A number or a name that nobody has is a slip of the fingers; the events of a node that was unregistered
/// are not.
fn registered(session: &mut Session, filter: &EventFilter) -> Result<()> {
    let failed = |e: PgError| e.into_error(Exit::DbQuery, "unable to read the node records");
    let stranger = match (filter.node_id, &filter.node_name) {
        (Some(id), _) if metadata::node(session, id).map_err(failed)?.is_none() => {
            format!("node {id} (given with --node-id)")
        }
        (None, Some(name)) if metadata::node_by_name(session, name).map_err(failed)?.is_none() => {
            format!("node \"{name}\" (given with --node-name)")
        }
        (_, _) => return Ok(()),
    };
    Err(Error::new(Exit::BadConfig, format!("{stranger} is not registered"))
        .hint("\"repmgr cluster show\" lists the registered nodes"))
}

fn flag(row: &EventRow) -> &'static str {
    if row.successful { "t" } else { "f" }
}

fn csv(row: &EventRow) -> String {
    let id = row.node_id.to_string();
    let name = row.node_name.as_deref().unwrap_or_default();
    table::csv([id.as_str(), name, &row.event, flag(row), &row.timestamp])
}

#[expect(clippy::fn_params_excessive_bools, reason = "the option as argh has it")]
fn as_table(rows: &[EventRow], compact: bool) -> Table {
    let headings = ["Node ID", "Name", "Event", "OK", "Timestamp", "Details"];
    let shown = if compact { 5 } else { 6 };
    let mut table = Table::new(headings.into_iter().take(shown));
    for row in rows {
        let fields = [
            row.node_id.to_string(),
            row.node_name.clone().unwrap_or_default(),
            row.event.clone(),
            flag(row).to_owned(),
            row.timestamp.clone(),
            row.details.clone(),
        ];
        table.row(fields.into_iter().take(shown));
    }
    table
}

fn as_json(rows: &[EventRow]) -> serde_json::Value {
    rows.iter()
        .map(|row| {
            json!({
                "node_id": row.node_id.0,
                "node_name": row.node_name,
                "event": row.event,
                "successful": row.successful,
                "timestamp": row.timestamp,
                "details": row.details,
            })
        })
        .collect()
}
