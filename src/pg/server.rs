//! Facts about a running server, each one query. Nothing here changes anything.

use crate::domain::lsn::{Lsn, Timeline};
use crate::domain::node::Recovery;
use crate::pg::session::{PgError, Session};
use postgres::types::PgLsn;
use std::collections::BTreeMap;

/// Source: `pg_is_in_recovery()`.
///
/// # Errors
/// [`PgError`].
pub fn recovery(s: &mut Session) -> Result<Recovery, PgError> {
    let row = s.query_opt("SELECT pg_catalog.pg_is_in_recovery()", &[])?;
    Ok(if row.is_some_and(|row| row.get(0)) { Recovery::Standby } else { Recovery::Primary })
}

/// The number that all copies of one cluster share. Source: the control file, by SQL.
///
/// # Errors
/// [`PgError`].
pub fn system_identifier(s: &mut Session) -> Result<u64, PgError> {
    let row = s.query_opt("SELECT system_identifier FROM pg_catalog.pg_control_system()", &[])?;
    Ok(row.map_or(0, |row| row.get::<_, i64>(0)).cast_unsigned())
}

/// The timeline that a primary writes or a standby replays. The last checkpoint alone would lag behind
/// a promotion: on a primary the current WAL file's name tells, on a standby the newest of what it
/// receives, must recover to and has checkpointed.
///
/// # Errors
/// [`PgError`].
pub fn timeline(s: &mut Session) -> Result<Timeline, PgError> {
    let sql = "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN greatest(
            (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),
            (SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery()),
            (SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver))
        ELSE ('x' || pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))
            ::pg_catalog.bit(32)::pg_catalog.int4 END";
    let row = s.query_opt(sql, &[])?;
    Ok(Timeline(row.and_then(|row| row.get::<_, Option<i32>>(0)).unwrap_or(0).cast_unsigned()))
}

/// Values of settings by name, with their units resolved as `SHOW` prints them. A name that this version
/// does not have, or this role may not see, is absent.
///
/// # Errors
/// [`PgError`].
pub fn settings(s: &mut Session, names: &[&str]) -> Result<BTreeMap<String, String>, PgError> {
    let sql = "SELECT name, coalesce(pg_catalog.current_setting(name, true), '')
        FROM pg_catalog.pg_settings WHERE name = ANY ($1)";
    Ok(s.query(sql, &[&names])?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// A connection that sends WAL. Positions are `None` before the first answer, or for another role's
/// connection without pg_read_all_stats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walsender {
    /// Process id.
    pub pid: i32,
    /// What the receiver calls itself: a standby's node name.
    pub application_name: String,
    /// `streaming`, `catchup`, `backup`, `startup`, `stopping`; empty: may not be seen.
    pub state: String,
    /// Sent to the receiver.
    pub sent: Option<Lsn>,
    /// Replayed by the receiver.
    pub replayed: Option<Lsn>,
    /// `async`, `sync`, `quorum`, `potential`; empty: may not be seen.
    pub sync_state: String,
}

/// Source: `pg_stat_replication`.
///
/// # Errors
/// [`PgError`].
pub fn walsenders(s: &mut Session) -> Result<Vec<Walsender>, PgError> {
    let sql = "SELECT pid, coalesce(application_name, ''), coalesce(state, ''), sent_lsn, replay_lsn,
        coalesce(sync_state, '') FROM pg_catalog.pg_stat_replication ORDER BY pid";
    Ok(s.query(sql, &[])?
        .iter()
        .map(|row| Walsender {
            pid: row.get(0),
            application_name: row.get(1),
            state: row.get(2),
            sent: lsn(row.get(3)),
            replayed: lsn(row.get(4)),
            sync_state: row.get(5),
        })
        .collect())
}

/// A physical replication slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// A receiver is attached.
    pub active: bool,
    /// The oldest WAL it holds back. `None`: never used.
    pub restart: Option<Lsn>,
}

/// Physical, permanent slots. Source: `pg_replication_slots`.
///
/// # Errors
/// [`PgError`].
pub fn physical_slots(s: &mut Session) -> Result<Vec<Slot>, PgError> {
    let sql = "SELECT slot_name::pg_catalog.text, active, restart_lsn FROM pg_catalog.pg_replication_slots
        WHERE slot_type = 'physical' AND NOT temporary ORDER BY slot_name";
    let slots = s.query(sql, &[])?;
    Ok(slots.iter().map(|r| Slot { name: r.get(0), active: r.get(1), restart: lsn(r.get(2)) }).collect())
}

/// Where a server stands in the WAL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Written (primary). `None`: in recovery.
    pub current: Option<Lsn>,
    /// Received, flushed or not (standby). `None`: the WAL receiver never ran; it is not 0/0.
    pub received: Option<Lsn>,
    /// Replayed (standby). `None`: not in recovery.
    pub replayed: Option<Lsn>,
    /// Seconds since the last replayed transaction's commit, 0 when all received WAL is replayed.
    /// `None`: not in recovery, or nothing replayed since the start.
    pub replay_age: Option<i64>,
}

/// One look at all of it.
///
/// # Errors
/// [`PgError`].
pub fn position(s: &mut Session) -> Result<Position, PgError> {
    let sql = "SELECT CASE WHEN NOT r THEN pg_catalog.pg_current_wal_lsn() END,
        CASE WHEN r THEN pg_catalog.pg_last_wal_receive_lsn() END,
        CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn() END,
        CASE WHEN NOT r THEN NULL
             WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0
             ELSE extract(epoch FROM pg_catalog.clock_timestamp()
                          - pg_catalog.pg_last_xact_replay_timestamp())::pg_catalog.int8 END
        FROM pg_catalog.pg_is_in_recovery() r";
    let Some(row) = s.query_opt(sql, &[])? else { return Ok(Position::default()) };
    Ok(Position {
        current: lsn(row.get(0)),
        received: lsn(row.get(1)),
        replayed: lsn(row.get(2)),
        replay_age: row.get(3),
    })
}

/// What a standby's WAL receiver says of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalReceiver {
    /// `streaming`, `starting`, …; empty: may not be seen.
    pub status: String,
    /// The slot it uses. `None`: none.
    pub slot: Option<String>,
    /// The connection string in use, its password already hidden by PostgreSQL. Empty: may not be seen.
    pub conninfo: String,
}

/// Source: `pg_stat_wal_receiver`. `None`: none runs.
///
/// # Errors
/// [`PgError`].
pub fn walreceiver(s: &mut Session) -> Result<Option<WalReceiver>, PgError> {
    let sql = "SELECT coalesce(status, ''), slot_name::pg_catalog.text, coalesce(conninfo, '')
        FROM pg_catalog.pg_stat_wal_receiver WHERE pid IS NOT NULL";
    Ok(s.query_opt(sql, &[])?.map(|row| WalReceiver {
        status: row.get(0),
        slot: row.get::<_, Option<String>>(1).filter(|name| !name.is_empty()),
        conninfo: row.get(2),
    }))
}

/// Bytes of all databases, and the same as PostgreSQL prints it (`29 MB`). Databases that this role may
/// not connect to are left out.
///
/// # Errors
/// [`PgError`].
pub fn data_size(s: &mut Session) -> Result<(u64, String), PgError> {
    let sql = "SELECT b, pg_catalog.pg_size_pretty(b) FROM (SELECT coalesce(pg_catalog.sum(
        CASE WHEN pg_catalog.has_database_privilege(oid, 'CONNECT')
                  OR pg_catalog.pg_has_role('pg_read_all_stats', 'MEMBER')
             THEN pg_catalog.pg_database_size(oid) END), 0)::pg_catalog.int8 AS b
        FROM pg_catalog.pg_database) d";
    let row = s.query_opt(sql, &[])?;
    Ok(row.map_or((0, String::new()), |row| (u64::try_from(row.get::<_, i64>(0)).unwrap_or(0), row.get(1))))
}

/// Tablespaces outside the data directory: name and path on the server's host.
///
/// # Errors
/// [`PgError`].
pub fn tablespaces(s: &mut Session) -> Result<Vec<(String, String)>, PgError> {
    let sql = "SELECT spcname::pg_catalog.text, pg_catalog.pg_tablespace_location(oid)
        FROM pg_catalog.pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY spcname";
    Ok(s.query(sql, &[])?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Whether this session's role is a superuser.
///
/// # Errors
/// [`PgError`].
pub fn is_superuser(s: &mut Session) -> Result<bool, PgError> {
    let sql = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
    Ok(s.query_opt(sql, &[])?.is_some_and(|row| row.get(0)))
}

fn lsn(value: Option<PgLsn>) -> Option<Lsn> {
    value.map(|l| Lsn(u64::from(l)))
}
