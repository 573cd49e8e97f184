//! What the source is: version, settings, sizes, tablespaces, files outside its data directory.

use super::wish::Wish;
use crate::commands::context::Context;
use crate::domain::conninfo::ConnInfo;
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::server::{self, Slot};
use crate::pg::session::{PgError, Session};
use crate::report;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Settings of the source that the checks read.
const SETTINGS: &[&str] = &[
    "wal_level",
    "hot_standby",
    "archive_mode",
    "archive_command",
    "archive_library",
    "max_wal_senders",
    "max_replication_slots",
    "wal_log_hints",
    "data_checksums",
    "shared_preload_libraries",
    "data_directory",
    "config_file",
    "hba_file",
    "ident_file",
    "port",
    "recovery_target",
    "recovery_target_lsn",
    "recovery_target_name",
    "recovery_target_time",
    "recovery_target_timeline",
    "recovery_target_xid",
];

/// What the source is.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its version.
    pub version: ServerVersion,
    /// The number of its cluster.
    pub system: u64,
    /// Settings by name; one that this role may not see is absent.
    pub settings: BTreeMap<String, String>,
    /// Bytes in its data directory, without tablespaces and WAL. `None`: this role may not see all of them.
    pub base_bytes: Option<u64>,
    /// Tablespaces outside the data directory.
    pub tablespaces: Vec<Tablespace>,
    /// Connections that send WAL now.
    pub walsenders: u32,
    /// Physical slots.
    pub slots: Vec<Slot>,
    /// Slots of any kind.
    pub slots_used: u32,
    /// Configuration files outside the data directory.
    pub external: Vec<PathBuf>,
    /// Tells this running server from others: when and where it was started.
    pub instance: String,
}

/// A tablespace outside the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tablespace {
    /// Its name.
    pub name: String,
    /// Its folder on the source's host.
    pub location: PathBuf,
    /// Its size. `None`: this role may not see it.
    pub bytes: Option<u64>,
}

impl Source {
    /// A setting's value. `None`: not known.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }
}

/// Connects to the source.
///
/// # Errors
/// [`Exit::DbConn`].
pub fn connect(ctx: &Context, wish: &Wish) -> Result<Session> {
    report::info("opening a session on the source node")
        .detail(format!("connection string: {}", wish.source));
    ctx.connect(&wish.source, "the source node")
}

/// Reads everything; nothing is changed.
///
/// # Errors
/// [`Exit::DbConn`], [`Exit::DbQuery`].
pub fn read(ctx: &Context, wish: &Wish, session: &mut Session) -> Result<Source> {
    let failed =
        |e: PgError| e.into_error(Exit::DbQuery, "unable to read what must be known of the source node");
    match &wish.superuser {
        Some(name) => {
            let conninfo: ConnInfo = ctx.superuser(&wish.source);
            let mut session = ctx.connect(&conninfo, &format!("the source node as superuser \"{name}\""))?;
            if !server::is_superuser(&mut session).map_err(failed)? {
                return Err(Error::new(Exit::BadConfig, format!("role \"{name}\" is not a superuser"))
                    .detail("given with -S/--superuser"));
            }
            look(&mut session).map_err(failed)
        }
        None => look(session).map_err(failed),
    }
}

fn look(s: &mut Session) -> Result<Source, PgError> {
    let settings = server::settings(s, SETTINGS)?;
    let base_bytes = base_size(s)?;
    let (size, pretty) = server::data_size(s)?;
    if size > 0 {
        report::info(format!("the source holds {pretty}"));
    }
    let sql = "SELECT (SELECT count(*) FROM pg_catalog.pg_stat_replication)::pg_catalog.int4,
        (SELECT count(*) FROM pg_catalog.pg_replication_slots)::pg_catalog.int4";
    let counts = s.query_opt(sql, &[])?;
    let count = |at: usize| counts.as_ref().map_or(0, |row| row.get::<_, i32>(at).unsigned_abs());
    Ok(Source {
        version: s.version(),
        system: server::system_identifier(s)?,
        tablespaces: tablespaces(s)?,
        walsenders: count(0),
        slots_used: count(1),
        slots: server::physical_slots(s)?,
        external: external(s, &settings)?,
        instance: instance(s)?,
        settings,
        base_bytes,
    })
}

/// Slots that have lost WAL they were to hold back (13 and later tell).
///
/// # Errors
/// [`PgError`].
pub fn lost_slots(s: &mut Session) -> Result<Vec<String>, PgError> {
    if s.version().major() < 13 {
        return Ok(Vec::new());
    }
    let sql = "SELECT slot_name::pg_catalog.text FROM pg_catalog.pg_replication_slots
        WHERE slot_type = 'physical' AND wal_status = 'lost'";
    Ok(s.query(sql, &[])?.iter().map(|row| row.get(0)).collect())
}

/// Tells a running server from others: the microsecond of its start, and its port.
///
/// # Errors
/// [`PgError`].
pub fn instance(s: &mut Session) -> Result<String, PgError> {
    let sql = "SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time())::pg_catalog.text || ' '
        || pg_catalog.current_setting('port')";
    Ok(s.query_opt(sql, &[])?.map(|row| row.get(0)).unwrap_or_default())
}

/// `None`: this role may not see the size of every tablespace.
fn base_size(s: &mut Session) -> Result<Option<u64>, PgError> {
    let sql = "SELECT CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'MEMBER') THEN
        (SELECT pg_catalog.sum(pg_catalog.pg_tablespace_size(oid))::pg_catalog.int8
         FROM pg_catalog.pg_tablespace WHERE spcname IN ('pg_default', 'pg_global')) END";
    Ok(s.query_opt(sql, &[])?
        .and_then(|row| row.get::<_, Option<i64>>(0))
        .and_then(|b| u64::try_from(b).ok()))
}

fn tablespaces(s: &mut Session) -> Result<Vec<Tablespace>, PgError> {
    let sql = "SELECT spcname::pg_catalog.text, pg_catalog.pg_tablespace_location(oid),
        CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'MEMBER')
             THEN pg_catalog.pg_tablespace_size(oid) END
        FROM pg_catalog.pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY spcname";
    let rows = s.query(sql, &[])?;
    let all = rows.iter().map(|row| Tablespace {
        name: row.get(0),
        location: PathBuf::from(row.get::<_, String>(1)),
        bytes: row.get::<_, Option<i64>>(2).and_then(|b| u64::try_from(b).ok()),
    });
    // One that lies within the data directory has no absolute path.
    Ok(all.filter(|t| t.location.is_absolute()).collect())
}

/// Configuration files outside the data directory, those that are included too. Empty when this role may
/// not see where they are.
fn external(s: &mut Session, settings: &BTreeMap<String, String>) -> Result<Vec<PathBuf>, PgError> {
    let Some(data) = settings.get("data_directory").map(PathBuf::from) else { return Ok(Vec::new()) };
    let named = ["config_file", "hba_file", "ident_file"];
    let mut found: Vec<PathBuf> = named
        .iter()
        .filter_map(|name| settings.get(*name))
        .filter(|p| !p.is_empty())
        .map(PathBuf::from)
        .collect();
    let sql =
        "SELECT DISTINCT sourcefile FROM pg_catalog.pg_settings WHERE sourcefile IS NOT NULL ORDER BY 1";
    let sources = s.query(sql, &[])?;
    found.extend(sources.iter().map(|row| PathBuf::from(row.get::<_, String>(0))));
    let mut outside: Vec<PathBuf> = Vec::new();
    for path in found {
        if path.is_absolute() && !below(&path, &data) && !outside.contains(&path) {
            outside.push(path);
        }
    }
    Ok(outside)
}

fn below(path: &Path, dir: &Path) -> bool {
    path.starts_with(dir)
}
