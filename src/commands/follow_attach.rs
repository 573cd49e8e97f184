//! From one upstream to another, for the commands that do it (`standby follow`, `node rejoin`, `standby switchover`):
//! slots, settings, attachment, record. Each may be done again.

use super::follow_target::{Target, parsed, replication_conninfo};
use crate::commands::context::{Context, connect_deadline};
use crate::commands::registration::failed;
use crate::commands::standby::clone::primary_conninfo;
use crate::domain::node::{NodeId, NodeRecord, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata::{self, Event, EventFilter};
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::pg::standby_config::StandbySettings;
use crate::pg::wire::Wire;
use crate::report;
use crate::sys::clock::{self, Deadline};
use std::time::Duration;

/// Between two looks whether a standby is attached, or a slot is free.
const STEP: Duration = Duration::from_millis(100);

/// How long a walsender may hold the slot after its standby went elsewhere.
const SLOT_RELEASE: Duration = Duration::from_secs(5);

/// The slot of this node, on whichever upstream. `None`: none is used.
///
/// # Errors
/// [`Exit::BadConfig`]: no configuration.
pub fn slot(ctx: &Context) -> Result<Option<String>> {
    let settings = ctx.settings()?;
    Ok(settings.use_replication_slots.then(|| format!("repmgr_slot_{}", settings.node_id)))
}

/// The settings of this node as a standby of `upstream`. Delay and archive stay as they are.
///
/// # Errors
/// [`Exit::BadConfig`].
pub fn settings(ctx: &Context, upstream: &NodeRecord) -> Result<StandbySettings> {
    let settings = ctx.settings()?;
    let user = Some(upstream.repluser.as_str()).filter(|user| !user.is_empty());
    let password = std::env::var("PGPASSWORD").ok();
    let name = Some(settings.node_name.as_str());
    let conninfo = primary_conninfo(settings, &parsed(upstream)?, user, name, password.as_deref());
    Ok(StandbySettings {
        primary_conninfo: conninfo.with_secrets(),
        primary_slot_name: slot(ctx)?,
        ..StandbySettings::default()
    })
}

/// Room for one more standby there, by the numbers.
///
/// # Errors
/// [`Exit::Follow`]: there is none; [`Exit::DbQuery`].
pub fn check_room(target: &mut Target, name: &str, slot: Option<&str>) -> Result<()> {
    let asking = |e: PgError| e.into_error(Exit::DbQuery, "unable to read the state of the node to follow");
    let limits = server::settings(&mut target.session, &["max_wal_senders", "max_replication_slots"])
        .map_err(asking)?;
    let limit = |name: &str| limits.get(name).and_then(|v| v.parse::<usize>().ok());
    let senders = server::walsenders(&mut target.session).map_err(asking)?;
    let attached = senders.iter().any(|w| w.application_name == name);
    if let Some(most) = limit("max_wal_senders")
        && senders.len() >= most
        && !attached
    {
        return Err(Error::new(Exit::Follow, "the node to follow has no free walsender")
            .detail(format!(
                "\"max_wal_senders\" of node {} is {most}, all are in use",
                target.record.label()
            ))
            .hint("raise max_wal_senders there and restart it"));
    }
    let Some(slot) = slot else { return Ok(()) };
    let slots = server::physical_slots(&mut target.session).map_err(asking)?;
    match slots.iter().find(|s| s.name == slot) {
        Some(found) if found.active && !attached => Err(Error::new(
            Exit::Follow,
            format!("replication slot \"{slot}\" of the node to follow is in use"),
        )
        .detail(format!("another standby is attached to node {} by it", target.record.label()))
        .hint("check that no other node has this \"node_id\"")),
        Some(_) => Ok(()),
        None => match limit("max_replication_slots") {
            Some(most) if slots.len() >= most => {
                Err(Error::new(Exit::Follow, "the node to follow has no free replication slot")
                    .detail(format!("\"max_replication_slots\" of node {} is {most}", target.record.label()))
                    .hint("drop slots that nobody uses, or raise max_replication_slots there and restart it"))
            }
            Some(_) | None => Ok(()),
        },
    }
}

/// Whether a slot was there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is new.
    Now,
    /// It was there.
    Before,
}

/// Makes the slot on the target, or takes the one that is there.
///
/// # Errors
/// [`Exit::Follow`].
pub fn make_slot(target: &mut Target, name: &str) -> Result<Made> {
    match target.wire.create_physical_slot(name) {
        Ok(()) => {
            report::info(format!("replication slot \"{name}\" made on node {}", target.record.label()));
            Ok(Made::Now)
        }
        Err(e) if e.has_sqlstate("42710") => Ok(Made::Before),
        Err(e) => {
            let what = format!("unable to make slot \"{name}\" on node {}", target.record.label());
            Err(e.into_error(Exit::Follow, what))
        }
    }
}

/// Drops the slot of this node on a server that it has left. One that cannot be reached is told, and is no
/// failure: its slot is gone when it rejoins.
pub fn drop_slot(ctx: &Context, node: &NodeRecord, name: &str) {
    let conninfo = ctx.settings().and_then(|settings| replication_conninfo(settings, node));
    let dropped = conninfo.map(|conninfo| {
        let wire = Wire::connect(&conninfo, connect_deadline(&conninfo));
        wire.and_then(|mut wire| release(&mut wire, name))
    });
    let what = format!("unable to drop slot \"{name}\" on node {}", node.label());
    let hint = || {
        format!("it holds back WAL there; when that server runs: SELECT pg_drop_replication_slot('{name}')")
    };
    match dropped {
        Ok(Ok(Gone::Dropped)) => {
            report::info(format!("replication slot \"{name}\" dropped on node {}", node.label()));
        }
        Ok(Ok(Gone::Never)) => {}
        Ok(Err(e)) if e.sqlstate.is_none() => drop(report::info(what).detail(e.to_string()).hint(hint())),
        Ok(Err(e)) => drop(report::warning(what).detail(e.to_string()).hint(hint())),
        Err(why) => report::setback(&why),
    }
}

enum Gone {
    Dropped,
    Never,
}

fn release(wire: &mut Wire, name: &str) -> Result<Gone, PgError> {
    let deadline = Deadline::after(SLOT_RELEASE);
    loop {
        match wire.drop_slot(name) {
            Ok(()) => return Ok(Gone::Dropped),
            Err(e) if e.has_sqlstate("42704") => return Ok(Gone::Never),
            Err(e) if e.has_sqlstate("55006") && !deadline.passed() => clock::pause(STEP),
            Err(e) => return Err(e),
        }
    }
}

/// Waits until the target has a walsender of this name that streams or catches up.
///
/// # Errors
/// [`Exit::Follow`]: not in time.
pub fn wait_attached(target: &mut Target, name: &str, patience: Duration) -> Result<()> {
    let mut last = None;
    let attached = clock::poll_until(Deadline::after(patience), STEP, || {
        match is_attached(&mut target.session, name) {
            Ok(true) => return Some(()),
            Ok(false) => last = None,
            Err(e) => last = Some(e.message),
        }
        if !target.session.is_usable()
            && let Ok(fresh) = super::follow_target::connect(&target.record)
        {
            target.session = fresh;
        }
        None
    });
    attached.ok_or_else(|| {
        let label = target.record.label();
        let error = Error::new(Exit::Follow, format!("this node did not attach to node {label} in time"))
            .hint("look at the log of this server; \"primary_conninfo\" is set already, it goes on trying");
        match last {
            Some(why) => error.detail(why),
            None => error.detail(format!(
                "no walsender of \"{name}\" there after {} seconds (\"standby_follow_timeout\")",
                patience.as_secs()
            )),
        }
    })
}

/// A state that this role may not see counts as attached: the name alone tells as much.
///
/// # Errors
/// [`PgError`].
pub fn is_attached(s: &mut Session, name: &str) -> Result<bool, PgError> {
    let serves = |w: &server::Walsender| {
        w.application_name == name && matches!(w.state.as_str(), "" | "streaming" | "catchup")
    };
    Ok(server::walsenders(s)?.iter().any(serves))
}

/// Whether a command runs for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// It does.
    First,
    /// It takes up one that was cut off, and may have written its event already.
    Again,
}

/// Enters, on the primary, this node as a standby of `upstream`, with the event, in one transaction. Returns
/// the event's time, where it was written.
///
/// # Errors
/// [`Exit::DbQuery`]; [`Exit::BadConfig`]: the primary has no record of this node.
pub fn enter(
    primary: &mut Session,
    own: NodeId,
    upstream: NodeId,
    event: &str,
    details: &str,
    run: Run,
) -> Result<Option<String>> {
    let what = "unable to write the record of this node on the primary";
    let row =
        Event { node_id: own, event: event.to_owned(), successful: true, details: Some(details.to_owned()) };
    primary.transaction(|s| {
        let asking = |e: PgError| failed(e, what);
        // This very node may be the one that is waited for.
        s.batch("SET LOCAL synchronous_commit = local").map_err(asking)?;
        metadata::lock_nodes(s).map_err(asking)?;
        let known = metadata::node(s, own).map_err(asking)?;
        if known.is_none() {
            return Err(Error::new(
                Exit::BadConfig,
                format!("this node (ID: {own}) is not registered on the primary"),
            )
            .hint("enter it with \"repmgr standby register\""));
        }
        let stands = known
            .is_some_and(|n| n.role == Role::Standby && n.active && n.upstream_node_id == Some(upstream));
        if !stands {
            metadata::set_upstream(s, own, upstream).map_err(asking)?;
        } else if run == Run::Again && is_last_event(s, &row).map_err(asking)? {
            return Ok(None);
        }
        s.batch("SAVEPOINT event").map_err(asking)?;
        match metadata::record_event(s, &row) {
            Ok(recorded) => Ok(Some(recorded.timestamp)),
            Err(e) if s.is_usable() => {
                report::warning(format!("unable to record event \"{event}\"")).detail(e.to_string());
                s.batch("ROLLBACK TO SAVEPOINT event").map_err(asking)?;
                Ok(None)
            }
            Err(e) => Err(asking(e)),
        }
    })
}

/// Whether this is what the node told last.
fn is_last_event(s: &mut Session, event: &Event) -> Result<bool, PgError> {
    let filter = EventFilter { node_id: Some(event.node_id), limit: Some(1), ..EventFilter::default() };
    let last = metadata::list_events(s, &filter)?;
    Ok(last.first().is_some_and(|row| {
        row.event == event.event && row.successful && Some(&row.details) == event.details.as_ref()
    }))
}
