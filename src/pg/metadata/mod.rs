//! The metadata in the database: schema `repmgr` (the tables that repmgr's users know) and schema
//! `hg_repmgr` (what is ours alone, so that the first dumps and restores into the stock extension).
//!
//! [`install`] creates or upgrades, [`state`] and [`require`] look, the others read and write rows.

use crate::pg::session::{Failure, PgError};
use postgres::types::FromSql;
use postgres::{Column, Row};

mod events;
mod history;
mod install;
mod nodes;
mod replace;
mod schema;

pub use events::{Event, EventFilter, EventRow, Recorded, list_events, record_event};
pub use history::{count_history, delete_history, vacuum_history};
pub use install::{Installed, Origin, OurSchema, State, how_created, install, refuse, require, state};
pub use nodes::{
    Activity, Address, Insert, active_primary, address, all_nodes, become_primary, children, delete_node,
    init_voting_term, lock_nodes, node, node_by_name, save_node, set_active, set_address, set_upstream,
    with_upstream_names,
};
pub use replace::{Copy, read_copy, replace_nodes};

/// A column of a row of the site's own tables: one of another type, or NULL where none is expected, is an error and
/// does not end the program.
///
/// # Errors
/// [`Failure::Sql`].
pub fn field<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, PgError> {
    row.try_get(at).map_err(|e| {
        let column = row.columns().get(at).map_or("?", Column::name);
        PgError::new(Failure::Sql, format!("column \"{column}\" of the metadata cannot be read: {e}")).hint(
            "compare the tables in the schemas \"repmgr\" and \"hg_repmgr\" with those of another cluster",
        )
    })
}
