//! What `node status` and `node check` both look at. Reads only.

use crate::commands::context::Context;
use crate::domain::conninfo::ConnInfo;
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata::{self, field};
use crate::pg::server::{self, Walsender};
use crate::pg::session::{PgError, Session};
use std::path::Path;
use std::time::Duration;

/// A server that connects but does not answer one small question in this time is not well.
const PATIENCE: Duration = Duration::from_secs(10);

/// A session on this node, and its record there.
///
/// # Errors
/// [`Exit::DbConn`]; [`Exit::BadConfig`]: no metadata, or this node is not registered; [`Exit::DbQuery`].
pub fn open(ctx: &Context, conninfo: &ConnInfo) -> Result<(Session, NodeRecord)> {
    let what = format!("local node {}", ctx.label()?);
    let mut s = ctx.connect(conninfo, &what)?;
    s.set_limit(PATIENCE);
    metadata::require(&mut s)?;
    let id = ctx.node_id()?;
    let record = metadata::node(&mut s, id)
        .map_err(|e| e.into_error(Exit::DbQuery, format!("unable to read the record of node {id}")))?;
    match record {
        Some(record) => Ok((s, record)),
        None => Err(Error::new(Exit::BadConfig, format!("node {id} is not registered"))
            .detail(format!("the metadata on {} lists other nodes only", s.place()))
            .hint("check \"node_id\" in the configuration file, or register this node first")),
    }
}

/// Puts a failed question into words.
pub fn asking(what: &'static str) -> impl Fn(PgError) -> Error {
    move |e| e.into_error(Exit::DbQuery, format!("unable to read {what}"))
}

/// Numbers about replication on a server, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// `max_wal_senders`.
    pub max_wal_senders: i32,
    /// Rows of `pg_stat_replication`.
    pub wal_senders: i64,
    /// `max_replication_slots`.
    pub max_slots: i32,
    /// Physical slots, temporary ones too.
    pub slots: i64,
    /// Those with a receiver.
    pub active_slots: i64,
    /// Whether it is in recovery.
    pub recovery: Recovery,
}

impl Stats {
    /// Physical slots without a receiver.
    #[must_use]
    pub const fn inactive_slots(&self) -> i64 {
        self.slots - self.active_slots
    }
}

/// Source: settings, `pg_stat_replication`, `pg_replication_slots`, in one query.
///
/// # Errors
/// [`PgError`].
pub fn stats(s: &mut Session) -> Result<Stats, PgError> {
    let sql = "SELECT pg_catalog.current_setting('max_wal_senders')::pg_catalog.int4,
        (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication),
        pg_catalog.current_setting('max_replication_slots')::pg_catalog.int4,
        (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots WHERE slot_type = 'physical'),
        (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots WHERE slot_type = 'physical' AND active),
        pg_catalog.pg_is_in_recovery()";
    let rows = s.query(sql, &[])?;
    let Some(row) = rows.first() else {
        return Err(PgError::new(crate::pg::session::Failure::Sql, "the server gave no row"));
    };
    let recovery = if row.get(5) { Recovery::Standby } else { Recovery::Primary };
    Ok(Stats {
        max_wal_senders: row.get(0),
        wal_senders: row.get(1),
        max_slots: row.get(2),
        slots: row.get(3),
        active_slots: row.get(4),
        recovery,
    })
}

/// Whether the session's role sees what belongs to other roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// A superuser, or a member of the role that was asked about or of `pg_monitor`.
    Full,
    /// Only its own.
    Own,
}

/// Asks whether the role is a member of `predefined` (`pg_read_all_stats`, …).
///
/// # Errors
/// [`PgError`].
pub fn sight(s: &mut Session, predefined: &str) -> Result<Sight, PgError> {
    let sql = "SELECT pg_catalog.pg_has_role('pg_monitor', 'MEMBER')
        OR pg_catalog.pg_has_role($1::pg_catalog.text::pg_catalog.name, 'MEMBER')";
    if server::is_superuser(s)? {
        return Ok(Sight::Full);
    }
    let row = s.query_opt(sql, &[&predefined])?;
    Ok(if row.is_some_and(|row| row.get(0)) { Sight::Full } else { Sight::Own })
}

/// How a standby hangs on the server that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// It streams, or nothing speaks against it.
    Attached,
    /// No walsender has its name.
    Detached,
    /// A walsender has its name and is in this state (`catchup`, `startup`, …).
    InState(String),
    /// Several walsenders have its name: two nodes share one.
    Ambiguous,
}

/// Finds a node among walsenders by its name. Pure.
#[must_use]
pub fn attachment(senders: &[Walsender], name: &str, sight: Sight) -> Attachment {
    let mut named = senders.iter().filter(|w| w.application_name == name);
    match (named.next(), named.next()) {
        (None, _) => Attachment::Detached,
        (Some(_), Some(_)) => Attachment::Ambiguous,
        (Some(one), None) if sight == Sight::Own || one.state == "streaming" => Attachment::Attached,
        (Some(one), None) => Attachment::InState(one.state.clone()),
    }
}

/// A node that should stream from this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// How it hangs on this node.
    pub attachment: Attachment,
}

impl Child {
    /// `name (ID: n)`, as lists of children have it.
    #[must_use]
    pub fn listed(&self) -> String {
        format!("{} (ID: {})", self.name, self.id)
    }

    /// True when it streams.
    #[must_use]
    pub fn attached(&self) -> bool {
        self.attachment == Attachment::Attached
    }
}

/// The nodes registered below `id`, by number; a witness is none, as it does not stream.
///
/// # Errors
/// [`PgError`].
pub fn children(s: &mut Session, id: NodeId) -> Result<Vec<Child>, PgError> {
    let records = metadata::children(s, id)?;
    let sight = sight(s, "pg_read_all_stats")?;
    let senders = server::walsenders(s)?;
    Ok(records
        .into_iter()
        .filter(|record| record.role != Role::Witness)
        .map(|record| Child {
            id: record.node_id,
            attachment: attachment(&senders, &record.node_name, sight),
            name: record.node_name,
        })
        .collect())
}

/// A standby below this node whose slot is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingSlot {
    /// The standby's number.
    pub id: NodeId,
    /// The standby's name.
    pub node: String,
    /// The slot it is registered with.
    pub slot: String,
}

/// Slots that records name and the server does not have.
///
/// # Errors
/// [`PgError`].
pub fn missing_slots(s: &mut Session, id: NodeId) -> Result<Vec<MissingSlot>, PgError> {
    let sql = "SELECT n.node_id, n.node_name, n.slot_name FROM repmgr.nodes n
        WHERE n.upstream_node_id = $1 AND n.type = 'standby' AND n.slot_name IS NOT NULL
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots r
                           WHERE r.slot_name::pg_catalog.text = n.slot_name)
        ORDER BY n.node_id";
    let rows = s.query(sql, &[&id.0])?;
    let read = |row| -> Result<MissingSlot, PgError> {
        Ok(MissingSlot { id: NodeId(field(row, 0)?), node: field(row, 1)?, slot: field(row, 2)? })
    };
    rows.iter().map(read).collect()
}

/// WAL files that wait for archiving: plain files `*.ready` below `pg_wal/archive_status`.
///
/// # Errors
/// What the system said of the directory.
pub fn ready_files(data_dir: &Path) -> std::io::Result<u32> {
    let mut count = 0;
    for entry in std::fs::read_dir(data_dir.join("pg_wal/archive_status"))? {
        let entry = entry?;
        let ready = entry.file_name().to_string_lossy().ends_with(".ready");
        // One that is archived while we look has waited all the same.
        if ready && entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
            count += 1;
        }
    }
    Ok(count)
}

/// Seconds since the last replayed transaction's commit; 0 when all that was received is replayed, or when
/// nothing tells. Of a clock behind the primary's it makes no negative lag.
///
/// # Errors
/// [`PgError`].
pub fn lag_seconds(s: &mut Session) -> Result<i64, PgError> {
    let sql =
        "SELECT CASE WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0
        ELSE coalesce(extract(epoch FROM pg_catalog.clock_timestamp()
                              - pg_catalog.pg_last_xact_replay_timestamp())::pg_catalog.int8, 0) END";
    Ok(s.query_opt(sql, &[])?.map_or(0, |row| row.get::<_, i64>(0)).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(name: &str, state: &str) -> Walsender {
        Walsender {
            pid: 1,
            application_name: name.to_owned(),
            state: state.to_owned(),
            sent: None,
            replayed: None,
            sync_state: String::new(),
        }
    }

    #[test]
    fn a_standby_is_attached_when_one_walsender_streams_under_its_name() {
        let (a, full) = ("a", Sight::Full);
        for (why, senders, sight, want) in [
            ("it streams", vec![sender(a, "streaming"), sender("b", "backup")], full, Attachment::Attached),
            ("nobody has its name", vec![sender("b", "streaming")], full, Attachment::Detached),
            ("no walsender at all", vec![], full, Attachment::Detached),
            ("it still catches up", vec![sender(a, "catchup")], full, Attachment::InState("catchup".into())),
            ("its state is hidden from this role", vec![sender(a, "")], Sight::Own, Attachment::Attached),
            (
                "the state of a new walsender is empty",
                vec![sender(a, "")],
                full,
                Attachment::InState("".into()),
            ),
            (
                "two share the name: nobody can tell which is which",
                vec![sender(a, "streaming"), sender(a, "streaming")],
                full,
                Attachment::Ambiguous,
            ),
            ("names are case-sensitive", vec![sender("A", "streaming")], full, Attachment::Detached),
        ] {
            assert_eq!(attachment(&senders, a, sight), want, "{why}");
        }
    }

    #[test]
    fn only_ready_files_are_counted() {
        let data = std::env::temp_dir().join(format!("node-facts-{}", std::process::id()));
        let status = data.join("pg_wal/archive_status");
        std::fs::create_dir_all(status.join("dir.ready")).unwrap();
        for name in
            ["000000010000000000000001.ready", "00000002.history.ready", "000000010000000000000000.done", "x"]
        {
            std::fs::write(status.join(name), "").unwrap();
        }
        assert_eq!(ready_files(&data).unwrap(), 2);
        assert!(ready_files(&data.join("none")).is_err());
        std::fs::remove_dir_all(&data).unwrap();
    }
}
