//! What a promotion looks at.

use super::plan::Way;
use super::siblings::{self, Sibling};
use crate::cli::choices::Force;
use crate::commands::context::{Context, connect_node};
use crate::commands::node::service::service_settings;
use crate::commands::registration::failed;
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::ctl::{self, Action};
use crate::pg::metadata;
use crate::pg::server::{self, Position};
use crate::pg::session::{PgError, Session};
use crate::sys::parallel::in_parallel;
use std::time::Duration;

/// A node that connects but does not say in this time what it is, is not seen.
const PATIENCE: Duration = Duration::from_secs(10);

/// The advisory lock by which promotions of different nodes keep each other out; any number will do.
const PROMOTION_LOCK: i64 = 0x6867_7072_6f6d_6f74;

/// A registered node, and what it said when it was asked whether it is in recovery.
#[derive(Debug)]
pub struct Seen {
    /// Its record.
    pub record: NodeRecord,
    /// The session by which it was asked. `None`: it could not be.
    pub session: Option<Session>,
    /// What it said, or why it did not.
    pub answer: Result<Recovery, PgError>,
}

/// Whether the siblings are to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followers {
    /// `--siblings-follow`
    Siblings,
    /// They stay as they are.
    None,
}

/// Everything that decides.
#[derive(Debug)]
pub struct Facts {
    /// On the server to be promoted.
    pub session: Session,
    /// Its version.
    pub version: ServerVersion,
    /// Its record, as its own copy of the metadata has it.
    pub own: NodeRecord,
    /// What it is.
    pub recovery: Recovery,
    /// Replay is paused. A primary's is not.
    pub paused: bool,
    /// How far it is.
    pub position: Position,
    /// Every record.
    pub nodes: Vec<NodeRecord>,
    /// When this server was started, as it says it.
    pub server_start: String,
    /// All other nodes.
    pub others: Vec<Seen>,
    /// Active nodes below the same upstream, in the order of their numbers.
    pub siblings: Vec<NodeRecord>,
    /// What was seen of the siblings. `None`: they are not to follow.
    pub following: Option<Vec<Sibling>>,
    /// `max_wal_senders`, and how many are in use.
    pub walsenders: (u32, u32),
    /// `max_replication_slots`, and the names of those that are there.
    pub slots: (u32, Vec<String>),
    /// How it would be promoted.
    pub way: Way,
    /// `-F`.
    pub force: Force,
}

impl Facts {
    /// Refuses when another node is a primary.
    ///
    /// # Errors
    /// [`Exit::Promotion`].
    pub fn no_other_primary(&self) -> Result<()> {
        let primaries: Vec<String> = self
            .others
            .iter()
            .filter(|seen| matches!(seen.answer, Ok(Recovery::Primary)))
            .map(|seen| seen.record.label())
            .collect();
        if primaries.is_empty() {
            return Ok(());
        }
        let mut error = Error::new(Exit::Promotion, "this cluster has a primary");
        error.detail = primaries.iter().map(|label| format!("node {label} runs as a primary")).collect();
        Err(error)
    }

    /// Keeps the promotions of other nodes out until these facts are dropped, and looks once more whether one
    /// of them was there first. The lock is taken on each node that answers, in the order of their numbers, so
    /// that of two promotions at once one is let through; standbys give such locks too.
    ///
    /// # Errors
    /// [`Exit::Promotion`].
    pub fn keep_others_out(&mut self) -> Result<()> {
        let own = self.own.node_id;
        let mut order: Vec<(NodeId, String, &mut Session)> = vec![(own, self.own.label(), &mut self.session)];
        for seen in &mut self.others {
            order.extend(seen.session.as_mut().map(|s| (seen.record.node_id, seen.record.label(), s)));
        }
        order.sort_by_key(|(id, _, _)| *id);
        for (id, label, session) in order {
            match try_lock(session) {
                Ok(true) => {}
                Ok(false) => {
                    return Err(Error::new(
                        Exit::Promotion,
                        "another node of this cluster is being promoted",
                    )
                    .detail(format!("its promotion holds the lock on node {label}"))
                    .hint("wait for its end, then look at \"repmgr cluster show\"; one that has died is forgotten in seconds"));
                }
                Err(e) if id == own => {
                    return Err(e.into_error(Exit::DbQuery, "unable to lock out other promotions"));
                }
                // It went away since it was asked.
                Err(_) => {}
            }
        }
        for seen in &mut self.others {
            if let Some(session) = &mut seen.session {
                seen.answer = server::recovery(session);
            }
        }
        self.no_other_primary()
    }

    /// The refusal of a server that is a primary.
    #[must_use]
    pub fn not_a_standby(&self) -> Error {
        let error = Error::new(Exit::Promotion, "this node is a primary, only a standby can be promoted");
        if self.own.role == Role::Primary && self.own.active {
            return error;
        }
        error
            .detail(format!(
                "node {} runs as a primary; its record says {}{}",
                self.own.label(),
                if self.own.active { "" } else { "inactive " },
                self.own.role
            ))
            .hint("if it is the primary now, enter it with \"repmgr primary register --force\"")
    }
}

/// Looks at this server, at all other nodes and, when they are to follow, at the siblings.
///
/// # Errors
/// [`Exit::DbConn`], [`Exit::DbQuery`]; [`Exit::BadConfig`]: no metadata, or no record of this node.
pub fn gather(ctx: &Context, followers: Followers) -> Result<Facts> {
    let mut s = ctx.local()?;
    let asking = |e: PgError| e.into_error(Exit::DbQuery, "unable to read the state of this server");
    let recovery = server::recovery(&mut s).map_err(asking)?;
    metadata::require(&mut s)?;
    let nodes = metadata::all_nodes(&mut s).map_err(|e| failed(e, "unable to read the node records"))?;
    let id = ctx.node_id()?;
    let own = own_record(&nodes, id)?;
    let others = look_around(nodes.iter().filter(|n| n.node_id != id).cloned().collect());
    let siblings = siblings::of(&own, &nodes);
    let following = (followers == Followers::Siblings).then(|| siblings::reach(ctx, &siblings));
    let limits = server::settings(&mut s, &["max_wal_senders", "max_replication_slots"]).map_err(asking)?;
    let limit = |name: &str| limits.get(name).and_then(|v| v.parse().ok()).unwrap_or(0);
    let used = server::walsenders(&mut s).map_err(asking)?.len();
    let slots = server::physical_slots(&mut s).map_err(asking)?.into_iter().map(|slot| slot.name).collect();
    Ok(Facts {
        version: s.version(),
        paused: recovery == Recovery::Standby && is_paused(&mut s).map_err(asking)?,
        position: server::position(&mut s).map_err(asking)?,
        walsenders: (limit("max_wal_senders"), u32::try_from(used).unwrap_or(u32::MAX)),
        slots: (limit("max_replication_slots"), slots),
        way: way(ctx, &mut s)?,
        server_start: server_start(&mut s).map_err(asking)?,
        session: s,
        nodes,
        own,
        recovery,
        others,
        siblings,
        following,
        force: ctx.general.force(),
    })
}

fn own_record(nodes: &[NodeRecord], id: NodeId) -> Result<NodeRecord> {
    nodes.iter().find(|n| n.node_id == id).cloned().ok_or_else(|| {
        Error::new(Exit::BadConfig, format!("this node (ID: {id}) is not registered"))
            .detail("a promotion writes the record of the new primary")
            .hint("register the node with \"repmgr standby register\" while its primary runs")
    })
}

fn is_paused(s: &mut Session) -> Result<bool, PgError> {
    let row = s.query_opt("SELECT pg_catalog.pg_is_wal_replay_paused()", &[])?;
    Ok(row.is_some_and(|row| row.get(0)))
}

/// Asks all these nodes at once whether they are in recovery. A witness is not asked: its server is no copy.
#[must_use]
pub fn look_around(nodes: Vec<NodeRecord>) -> Vec<Seen> {
    let nodes: Vec<_> = nodes.into_iter().filter(|n| n.role != Role::Witness).collect();
    in_parallel(nodes, |record: NodeRecord| {
        let asked = connect_node(&record).and_then(|mut s| {
            s.set_limit(PATIENCE);
            server::recovery(&mut s).map(|recovery| (s, recovery))
        });
        match asked {
            Ok((session, recovery)) => Seen { record, session: Some(session), answer: Ok(recovery) },
            Err(why) => Seen { record, session: None, answer: Err(why) },
        }
    })
}

/// How this server would be promoted: by service_promote_command; else, from 12 on and where this role may
/// call it, by pg_promote(); else by pg_ctl.
///
/// # Errors
/// [`Exit::DbQuery`]; [`Exit::BadConfig`] when pg_ctl is needed and is nowhere.
pub fn way(ctx: &Context, s: &mut Session) -> Result<Way> {
    let service = service_settings(ctx.settings()?);
    if let Some(command) = service.configured(Action::Promote) {
        return Ok(Way::Command(command.to_owned()));
    }
    if may_call_promote(s)
        .map_err(|e| e.into_error(Exit::DbQuery, "unable to read the privileges of this role"))?
    {
        return Ok(Way::Function);
    }
    ctl::service_command(Action::Promote, &service).map(Way::PgCtl)
}

/// NULL, for a function that this version does not have, counts as no.
fn may_call_promote(s: &mut Session) -> Result<bool, PgError> {
    let sql = "SELECT pg_catalog.has_function_privilege(
        pg_catalog.to_regprocedure('pg_catalog.pg_promote(boolean,integer)')::pg_catalog.oid, 'EXECUTE')";
    Ok(s.query_opt(sql, &[])?.and_then(|row| row.get::<_, Option<bool>>(0)).unwrap_or(false))
}

/// A promoter whose host dies must not hold its locks for the hours that TCP would.
const SHORT_MEMORY: &str =
    "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3";

fn try_lock(s: &mut Session) -> Result<bool, PgError> {
    s.batch(SHORT_MEMORY)?;
    let row = s.query_opt("SELECT pg_catalog.pg_try_advisory_lock($1)", &[&PROMOTION_LOCK])?;
    Ok(row.is_some_and(|row| row.get(0)))
}

fn server_start(s: &mut Session) -> Result<String, PgError> {
    let sql = "SELECT extract(epoch FROM pg_catalog.pg_postmaster_start_time())::pg_catalog.text";
    Ok(s.query_opt(sql, &[])?.map(|row| row.get(0)).unwrap_or_default())
}
