//! The metadata in the database: schema `repmgr` (the tables that repmgr's users know) and schema
//! `hg_repmgr` (what is ours alone, so that the first dumps and restores into the stock extension).
//!
//! [`install`] creates or upgrades, [`state`] and [`require`] look, the others read and write rows.

mod events;
mod history;
mod install;
mod nodes;
mod schema;

pub use events::{Event, EventFilter, EventRow, Recorded, list_events, record_event};
pub use history::{count_history, delete_history};
pub use install::{Installed, Origin, OurSchema, State, how_created, install, refuse, require, state};
pub use nodes::{
    Activity, Address, Insert, active_primary, address, all_nodes, become_primary, children, delete_node,
    init_voting_term, lock_nodes, node, node_by_name, save_node, set_active, set_address, set_upstream,
    with_upstream_names,
};
