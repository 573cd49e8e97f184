//! Rows of `repmgr.nodes`.

use super::field;
use crate::domain::node::{NodeId, NodeRecord, Role};
use crate::pg::session::{PgError, Session};
use postgres::Row;
use postgres::types::ToSql;
use std::collections::BTreeMap;

/// Columns in the order [`record`] reads them. hg_repmgr's two columns are read through the row as JSON,
/// since repmgr's own table does not have them.
const SELECT: &str = "SELECT n.node_id, n.upstream_node_id, n.active, n.node_name, n.type, n.location,
    n.priority, n.conninfo, n.repluser::pg_catalog.text, n.slot_name, n.config_file,
    pg_catalog.to_jsonb(n) OPERATOR(pg_catalog.->>) 'virtual_ip',
    pg_catalog.to_jsonb(n) OPERATOR(pg_catalog.->>) 'network_card'
    FROM repmgr.nodes n";

/// A row of [`SELECT`]. The table may be anybody's: a column of another type is an error, not an end of the program.
fn record(row: &Row) -> Result<NodeRecord, PgError> {
    let none_if_empty = |text: Option<String>| text.filter(|t| !t.is_empty());
    Ok(NodeRecord {
        node_id: NodeId(field(row, 0)?),
        upstream_node_id: field::<Option<i32>>(row, 1)?.map(NodeId),
        active: field(row, 2)?,
        node_name: field(row, 3)?,
        role: Role::from_word(field(row, 4)?),
        location: field(row, 5)?,
        priority: field(row, 6)?,
        conninfo: field(row, 7)?,
        repluser: field(row, 8)?,
        slot_name: none_if_empty(field(row, 9)?),
        config_file: field(row, 10)?,
        virtual_ip: none_if_empty(field(row, 11)?),
        network_card: none_if_empty(field(row, 12)?),
    })
}

/// Every node, by number.
///
/// # Errors
/// [`PgError`].
pub fn all_nodes(s: &mut Session) -> Result<Vec<NodeRecord>, PgError> {
    s.query(&format!("{SELECT} ORDER BY n.node_id"), &[])?.iter().map(record).collect()
}

/// One node. `None`: no such number.
///
/// # Errors
/// [`PgError`].
pub fn node(s: &mut Session, id: NodeId) -> Result<Option<NodeRecord>, PgError> {
    s.query_opt(&format!("{SELECT} WHERE n.node_id = $1"), &[&id.0])?.as_ref().map(record).transpose()
}

/// One node by its name. `None`: no such name. Names are unique by our checks, not by the table: the
/// lowest number wins.
///
/// # Errors
/// [`PgError`].
pub fn node_by_name(s: &mut Session, name: &str) -> Result<Option<NodeRecord>, PgError> {
    let sql = format!("{SELECT} WHERE n.node_name = $1 ORDER BY n.node_id LIMIT 1");
    s.query_opt(&sql, &[&name])?.as_ref().map(record).transpose()
}

/// The record of the active primary. `None`: there is none.
///
/// # Errors
/// [`PgError`].
pub fn active_primary(s: &mut Session) -> Result<Option<NodeRecord>, PgError> {
    let sql = format!("{SELECT} WHERE n.type = 'primary' AND n.active ORDER BY n.node_id LIMIT 1");
    s.query_opt(&sql, &[])?.as_ref().map(record).transpose()
}

/// Nodes whose upstream is `id`, active or not, by number.
///
/// # Errors
/// [`PgError`].
pub fn children(s: &mut Session, id: NodeId) -> Result<Vec<NodeRecord>, PgError> {
    let sql = format!("{SELECT} WHERE n.upstream_node_id = $1 ORDER BY n.node_id");
    s.query(&sql, &[&id.0])?.iter().map(record).collect()
}

/// Each node beside the name of its upstream. `None`: it has none, or the upstream is not registered.
#[must_use]
pub fn with_upstream_names(nodes: Vec<NodeRecord>) -> Vec<(NodeRecord, Option<String>)> {
    let names: BTreeMap<NodeId, String> = nodes.iter().map(|n| (n.node_id, n.node_name.clone())).collect();
    nodes
        .into_iter()
        .map(|n| {
            let upstream = n.upstream_node_id.and_then(|id| names.get(&id).cloned());
            (n, upstream)
        })
        .collect()
}

/// What to do when the number is taken already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insert {
    /// Leave the row alone.
    IfAbsent,
    /// Write over it (`--force`).
    OrUpdate,
}

/// Writes a record; false: the number was taken and [`Insert::IfAbsent`] left it alone. On a table with
/// hg_repmgr's columns the address is written too.
///
/// # Errors
/// [`PgError`].
pub fn save_node(s: &mut Session, n: &NodeRecord, how: Insert) -> Result<bool, PgError> {
    let mut columns = WRITTEN.join(", ");
    let mut values = "$1, $2, $3, $4, $5, $6, $7, $8, $9::pg_catalog.text, nullif($10, ''), $11".to_owned();
    let upstream = n.upstream_node_id.map(|id| id.0);
    let role = n.role.word();
    let slot = n.slot_name.clone().unwrap_or_default();
    // hg_repmgr's columns may be NOT NULL: an empty text is its word for "none".
    let address = [n.virtual_ip.clone().unwrap_or_default(), n.network_card.clone().unwrap_or_default()];
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![
        &n.node_id.0,
        &upstream,
        &n.active,
        &n.node_name,
        &role,
        &n.location,
        &n.priority,
        &n.conninfo,
        &n.repluser,
        &slot,
        &n.config_file,
    ];
    let with_address = address_columns(s)? == AddressColumns::Present;
    if with_address {
        columns.push_str(", virtual_ip, network_card");
        values.push_str(", $12, $13");
        params.extend([&address[0] as &(dyn ToSql + Sync), &address[1]]);
    }
    let conflict = match how {
        Insert::IfAbsent => "DO NOTHING".to_owned(),
        Insert::OrUpdate => {
            let all = columns.split(", ").skip(1);
            let sets: Vec<String> = all.map(|column| format!("{column} = excluded.{column}")).collect();
            format!("(node_id) DO UPDATE SET {}", sets.join(", "))
        }
    };
    let sql = format!("INSERT INTO repmgr.nodes ({columns}) VALUES ({values}) ON CONFLICT {conflict}");
    Ok(s.execute(&sql, &params)? > 0)
}

/// The columns that every table has, in the order in which [`save_node`] writes them.
const WRITTEN: [&str; 11] = [
    "node_id",
    "upstream_node_id",
    "active",
    "node_name",
    "type",
    "location",
    "priority",
    "conninfo",
    "repluser",
    "slot_name",
    "config_file",
];

/// Whether `nodes` has hg_repmgr's columns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AddressColumns {
    Present,
    Absent,
}

fn address_columns(s: &mut Session) -> Result<AddressColumns, PgError> {
    let sql =
        "SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid = 'repmgr.nodes'::pg_catalog.regclass
        AND attname IN ('virtual_ip', 'network_card') AND NOT attisdropped";
    let both = s.query_opt(sql, &[])?.is_some_and(|row| row.get::<_, i64>(0) == 2);
    Ok(if both { AddressColumns::Present } else { AddressColumns::Absent })
}

/// Keeps every other registration out until the transaction ends, repmgr's own included; readers go on.
/// Must be called in a transaction.
///
/// # Errors
/// [`PgError`] with SQLSTATE 55P03 when another one holds the table for longer than ten seconds.
pub fn lock_nodes(s: &mut Session) -> Result<(), PgError> {
    s.batch("SET LOCAL lock_timeout = '10s'; LOCK TABLE repmgr.nodes IN SHARE ROW EXCLUSIVE MODE")
}

/// Makes the election's term 1 unless there is one.
///
/// # Errors
/// [`PgError`].
pub fn init_voting_term(s: &mut Session) -> Result<(), PgError> {
    let sql = "INSERT INTO repmgr.voting_term (term)
        SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM repmgr.voting_term)";
    s.execute(sql, &[]).map(drop)
}

/// Marks a node active or inactive; false: no such node.
///
/// # Errors
/// [`PgError`].
pub fn set_active(s: &mut Session, id: NodeId, active: Activity) -> Result<bool, PgError> {
    let value = active == Activity::Active;
    Ok(s.execute("UPDATE repmgr.nodes SET active = $2 WHERE node_id = $1", &[&id.0, &value])? > 0)
}

/// Makes a node the active primary without an upstream, and every other primary inactive; false: no such
/// node. To be called in a transaction.
///
/// # Errors
/// [`PgError`].
pub fn become_primary(s: &mut Session, id: NodeId) -> Result<bool, PgError> {
    let others = "UPDATE repmgr.nodes SET active = false WHERE type = 'primary' AND active AND node_id <> $1";
    s.execute(others, &[&id.0])?;
    let own = "UPDATE repmgr.nodes SET type = 'primary', upstream_node_id = NULL, active = true
        WHERE node_id = $1";
    Ok(s.execute(own, &[&id.0])? > 0)
}

/// Makes a node an active standby of `upstream`; false: no such node.
///
/// # Errors
/// [`PgError`].
pub fn set_upstream(s: &mut Session, id: NodeId, upstream: NodeId) -> Result<bool, PgError> {
    let sql = "UPDATE repmgr.nodes SET type = 'standby', upstream_node_id = $2, active = true
        WHERE node_id = $1";
    Ok(s.execute(sql, &[&id.0, &upstream.0])? > 0)
}

/// Whether a node takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It takes part.
    Active,
    /// Known, but out of the game.
    Inactive,
}

/// Takes a node's record and its address out; false: no such node. To be called in a transaction.
///
/// # Errors
/// [`PgError`]; a record that others name as their upstream cannot go (foreign key).
pub fn delete_node(s: &mut Session, id: NodeId) -> Result<bool, PgError> {
    let gone = s.execute("DELETE FROM repmgr.nodes WHERE node_id = $1", &[&id.0])? > 0;
    if ours_stands(s)? {
        s.execute("DELETE FROM hg_repmgr.node_address WHERE node_id = $1", &[&id.0])?;
    }
    Ok(gone)
}

/// Where clients and the other daemons find a node, when `nodes` has no columns for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Addresses with their prefix, separated by commas. `None`: none.
    pub virtual_ip: Option<String>,
    /// The cards they are bound to. `None`: none.
    pub network_card: Option<String>,
    /// `host:port` of the daemon's port. `None`: not known.
    pub http_address: Option<String>,
}

/// A node's address. `None`: none stored, or a database without our own schema.
///
/// # Errors
/// [`PgError`].
pub fn address(s: &mut Session, id: NodeId) -> Result<Option<Address>, PgError> {
    if !ours_stands(s)? {
        return Ok(None);
    }
    let sql = "SELECT virtual_ip, network_card, http_address FROM hg_repmgr.node_address WHERE node_id = $1";
    let Some(row) = s.query_opt(sql, &[&id.0])? else { return Ok(None) };
    Ok(Some(Address {
        virtual_ip: field(&row, 0)?,
        network_card: field(&row, 1)?,
        http_address: field(&row, 2)?,
    }))
}

/// Stores a node's address in our own schema; the address of the daemon's port is left as it is where
/// `address` has none. False: that schema does not stand, nothing is stored.
///
/// # Errors
/// [`PgError`].
pub fn set_address(s: &mut Session, id: NodeId, address: &Address) -> Result<bool, PgError> {
    if !ours_stands(s)? {
        return Ok(false);
    }
    let sql = "INSERT INTO hg_repmgr.node_address AS a (node_id, virtual_ip, network_card, http_address)
        VALUES ($1, $2, $3, $4) ON CONFLICT (node_id) DO UPDATE SET virtual_ip = excluded.virtual_ip,
        network_card = excluded.network_card, http_address = coalesce(excluded.http_address, a.http_address)";
    s.execute(sql, &[&id.0, &address.virtual_ip, &address.network_card, &address.http_address])?;
    Ok(true)
}

fn ours_stands(s: &mut Session) -> Result<bool, PgError> {
    let sql = "SELECT pg_catalog.to_regclass('hg_repmgr.node_address') IS NOT NULL";
    Ok(s.query_opt(sql, &[])?.is_some_and(|row| row.get(0)))
}
