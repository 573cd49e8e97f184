//! The server that is to be followed, and where a node stands beside it.

use super::follow_footing::Course;
use crate::commands::context::{connect_deadline, connect_node};
use crate::commands::standby::clone::for_replication;
use crate::config::Settings;
use crate::domain::conninfo::ConnInfo;
use crate::domain::lsn::Timeline;
use crate::domain::node::{NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::pg::wire::{self, HistoryEntry, Wire};
use crate::report;
use crate::sys::files;
use crate::sys::parallel::in_parallel;
use std::path::Path;
use std::time::Duration;

/// A node that connects but does not say in this time what it is, is not seen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A history file has a line a promotion.
const HISTORY_LIMIT: u64 = 1 << 20;

/// The server that is to be followed.
#[derive(Debug)]
pub struct Target {
    /// Its record.
    pub record: NodeRecord,
    /// A session on it.
    pub session: Session,
    /// A replication connection to it, as its record's user for replication.
    pub wire: Wire,
    /// What it is.
    pub recovery: Recovery,
    /// How far it is.
    pub course: Course,
}

impl Target {
    /// Looks anew how far it is.
    ///
    /// # Errors
    /// [`Exit::DbConn`].
    pub fn look_again(&mut self) -> Result<()> {
        self.course = course(&mut self.wire).map_err(|e| no_wire(&self.record, e))?;
        Ok(())
    }
}

/// Connects to a node in both ways.
///
/// # Errors
/// [`Exit::DbConn`]: either is not possible.
pub fn open(settings: &Settings, record: &NodeRecord, mut session: Session) -> Result<Target> {
    let conninfo = replication_conninfo(settings, record)?;
    let recovery = server::recovery(&mut session).map_err(|e| no_session(record, e))?;
    let mut wire = Wire::connect(&conninfo, connect_deadline(&conninfo)).map_err(|e| no_wire(record, e))?;
    wire.set_limit(PATIENCE);
    let course = course(&mut wire).map_err(|e| no_wire(record, e))?;
    Ok(Target { record: record.clone(), session, wire, recovery, course })
}

/// A session on a node that is to be followed.
///
/// # Errors
/// [`Exit::DbConn`].
pub fn connect(record: &NodeRecord) -> Result<Session> {
    connect_node(record).map_err(|e| no_session(record, e))
}

fn no_session(record: &NodeRecord, e: PgError) -> Error {
    e.into_error(Exit::DbConn, format!("cannot connect to node {}", record.label()))
        .detail(format!("connection string: {}", record.shown_conninfo()))
}

fn no_wire(record: &NodeRecord, e: PgError) -> Error {
    let full = e.has_sqlstate("53300");
    let what = format!("cannot connect to node {} for replication", record.label());
    let error = e.into_error(Exit::DbConn, what);
    error.hint(if full {
        "raise max_wal_senders there"
    } else {
        "check its pg_hba.conf (database \"replication\"), and the password of the user for replication"
    })
}

/// How a node is reached for replication: its conninfo, with the user for replication that it registered.
///
/// # Errors
/// [`Exit::BadConfig`]: the record cannot be used.
pub fn replication_conninfo(settings: &Settings, record: &NodeRecord) -> Result<ConnInfo> {
    let conninfo = parsed(record)?;
    let user = Some(record.repluser.as_str()).filter(|user| !user.is_empty());
    Ok(for_replication(settings, &conninfo, user))
}

/// The connection string of a record.
///
/// # Errors
/// [`Exit::BadConfig`].
pub fn parsed(record: &NodeRecord) -> Result<ConnInfo> {
    ConnInfo::parse(&record.conninfo).map_err(|why| {
        Error::new(Exit::BadConfig, format!("the record of node {} cannot be used", record.label()))
            .detail(format!("its \"conninfo\": {why}"))
            .hint("correct conninfo on that node and register it anew with --force")
    })
}

fn course(wire: &mut Wire) -> Result<Course, PgError> {
    let identity = wire.identify_system()?;
    Ok(Course {
        system: identity.systemid,
        timeline: identity.timeline,
        position: identity.xlogpos,
        history: Some(wire.timeline_history(identity.timeline)?),
    })
}

/// How far a running standby is.
///
/// # Errors
/// [`PgError`].
pub fn own_course(s: &mut Session, data_dir: &Path) -> Result<Course, PgError> {
    let timeline = server::timeline(s)?;
    let position = server::position(s)?;
    let end = position.received.max(position.replayed).max(position.current);
    Ok(Course {
        system: server::system_identifier(s)?,
        timeline,
        position: end.unwrap_or(crate::domain::lsn::Lsn(0)),
        history: local_history(data_dir, timeline),
    })
}

/// The forks that led to a timeline, from the data directory of this node. `None`: the file is not there or
/// cannot be read.
#[must_use]
pub fn local_history(data_dir: &Path, timeline: Timeline) -> Option<Vec<HistoryEntry>> {
    if timeline <= Timeline(1) {
        return Some(Vec::new());
    }
    let path = data_dir.join(format!("pg_wal/{:08X}.history", timeline.0));
    let text = files::read_small(&path, HISTORY_LIMIT).ok()?;
    let found = wire::parse_history(&String::from_utf8_lossy(&text));
    if found.is_none() {
        report::debug(format!("\"{}\" is not a history file", path.display()));
    }
    found
}

/// The only running primary among these nodes, all of which are asked at once. `None`: there is none.
///
/// # Errors
/// [`Exit::Follow`]: there is more than one, and it is not for us to choose.
pub fn primary_among(nodes: &[NodeRecord]) -> Result<Option<(NodeRecord, Session)>> {
    let candidates: Vec<_> = nodes.iter().filter(|n| n.role != Role::Witness).cloned().collect();
    let asked = in_parallel(candidates, |record: NodeRecord| {
        let mut s = connect_node(&record).ok()?;
        s.set_limit(PATIENCE);
        match server::recovery(&mut s) {
            Ok(Recovery::Primary) => Some((record, s)),
            Ok(Recovery::Standby) | Err(_) => None,
        }
    });
    let mut primaries: Vec<_> = asked.into_iter().flatten().collect();
    if primaries.len() < 2 {
        return Ok(primaries.pop());
    }
    let mut error = Error::new(Exit::Follow, "more than one node is a primary")
        .hint("stop the one that is out of date; or name the one to follow with --upstream-node-id");
    error.detail = primaries.iter().map(|(record, _)| format!("node {}", record.label())).collect();
    Err(error)
}
