//! All node records at once, for a witness: its copy is renewed, not changed.

use super::nodes::{Address, Insert, address, all_nodes, lock_nodes, save_node, set_address};
use crate::domain::node::{NodeId, NodeRecord};
use crate::pg::session::{PgError, Session};

/// Node records with the addresses of our own schema beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copy {
    /// Every record, by number.
    pub nodes: Vec<NodeRecord>,
    /// The addresses that there are.
    pub addresses: Vec<(NodeId, Address)>,
}

/// Reads all of it.
///
/// # Errors
/// [`PgError`].
pub fn read_copy(s: &mut Session) -> Result<Copy, PgError> {
    let nodes = all_nodes(s)?;
    let mut addresses = Vec::new();
    for node in &nodes {
        addresses.extend(address(s, node.node_id)?.map(|address| (node.node_id, address)));
    }
    Ok(Copy { nodes, addresses })
}

/// Makes the records of `s` those of `copy`, in one transaction: readers see the old ones until then. False:
/// they were the same already and nothing was written.
///
/// # Errors
/// [`PgError`].
pub fn replace_nodes(s: &mut Session, copy: &Copy) -> Result<bool, PgError> {
    s.transaction(|s| {
        lock_nodes(s)?;
        let old = read_copy(s)?;
        if old.nodes == copy.nodes && old.addresses == copy.addresses {
            return Ok(false);
        }
        s.batch("SET CONSTRAINTS ALL DEFERRED")?;
        // Not TRUNCATE: that keeps readers out, and this is done often.
        s.batch("DELETE FROM repmgr.nodes")?;
        for node in &copy.nodes {
            save_node(s, node, Insert::OrUpdate)?;
        }
        let ours = "SELECT pg_catalog.to_regclass('hg_repmgr.node_address') IS NOT NULL";
        if s.query_opt(ours, &[])?.is_some_and(|row| row.get(0)) {
            s.batch("DELETE FROM hg_repmgr.node_address")?;
            for (id, address) in &copy.addresses {
                set_address(s, *id, address)?;
            }
        }
        Ok(true)
    })
}
