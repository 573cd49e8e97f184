//! What a promotion will do, decided from the facts alone.

use super::facts::Facts;
use super::siblings::{self, Sibling};
use crate::cli::choices::{Force, Mode as Effort};
use crate::domain::node::{NodeRecord, Recovery, Role};
use crate::domain::size;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report;
use serde::{Deserialize, Serialize};

/// How a server is promoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By `service_promote_command`.
    Command(String),
    /// By pg_promote().
    Function,
    /// By this command line of pg_ctl.
    PgCtl(String),
}

impl Way {
    /// How messages name it.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Self::Function => "pg_promote()".to_owned(),
            Self::Command(line) | Self::PgCtl(line) => format!("command \"{line}\""),
        }
    }
}

/// What the journal keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Numbers of the nodes that are to follow.
    pub followers: Vec<i32>,
    /// When the server was started: its restart ends a promotion that was asked for.
    pub server_start: String,
}

/// What will be done.
#[derive(Debug)]
pub struct Plan {
    /// This node.
    pub own: NodeRecord,
    /// How.
    pub way: Way,
    /// The nodes that are to follow.
    pub followers: Vec<NodeRecord>,
    server_start: String,
    remarks: Vec<Remark>,
}

#[derive(Debug)]
enum Remark {
    /// Told in a dry run only.
    Info(String),
    Notice(Error),
    Warning(Error),
}

impl Plan {
    /// What the journal keeps of it.
    #[must_use]
    pub fn noted(&self) -> Noted {
        let followers = self.followers.iter().map(|n| n.node_id.0).collect();
        Noted { followers, server_start: self.server_start.clone() }
    }

    /// Says what is worth knowing of it.
    pub fn tell(&self, effort: Effort) {
        for remark in &self.remarks {
            match (remark, effort) {
                (Remark::Info(text), Effort::DryRun) => drop(report::info(text)),
                (Remark::Info(_), Effort::Apply) => {}
                (Remark::Warning(what), _) => report::setback(what),
                (Remark::Notice(what), _) => {
                    let message = report::notice(&what.message);
                    drop(what.detail.iter().fold(message, |message, detail| message.detail(detail)));
                }
            }
        }
    }
}

/// Decides.
///
/// # Errors
/// [`Exit::Promotion`]: not a standby, a primary is visible, replay is paused before 13, or there is no room
/// for the followers; [`Exit::Ssh`]: a follower cannot be reached.
pub fn plan(facts: &Facts) -> Result<Plan> {
    if facts.recovery == Recovery::Primary {
        return Err(facts.not_a_standby());
    }
    facts.no_other_primary()?;
    let mut remarks = Vec::new();
    remarks.extend(replay(facts)?);
    let followers = siblings_and_room(facts, &mut remarks)?;
    remarks.push(Remark::Info(format!("would promote this server by {}", facts.way.phrase())));
    Ok(Plan {
        own: facts.own.clone(),
        way: facts.way.clone(),
        followers,
        server_start: facts.server_start.clone(),
        remarks,
    })
}

/// The plan of a run that finds the server promoted by the run before it.
#[must_use]
pub fn resumed(facts: &Facts, noted: &Noted) -> Plan {
    let followers = facts.nodes.iter().filter(|n| noted.followers.contains(&n.node_id.0)).cloned().collect();
    let server_start = facts.server_start.clone();
    Plan { own: facts.own.clone(), way: facts.way.clone(), followers, server_start, remarks: Vec::new() }
}

/// What is received and not replayed yet, and a pause of replay.
fn replay(facts: &Facts) -> Result<Option<Remark>> {
    let behind = match (facts.position.received, facts.position.replayed) {
        (Some(received), Some(replayed)) if received > replayed => Some((received, replayed)),
        _ => None,
    };
    let told = behind.map(|(received, replayed)| {
        let bytes = size::pretty(received.since(replayed));
        format!("received up to {received}, replayed up to {replayed}: {bytes} to go")
    });
    if facts.paused && !facts.version.follows_by_reload() {
        let error = Error::new(
            Exit::Promotion,
            "replay is paused here, and a server of this version is not promoted while it is",
        )
        .hint("resume it: SELECT pg_wal_replay_resume()");
        return Err(match told {
            Some(told) => error.detail(told),
            None => error,
        });
    }
    if facts.paused {
        let what = Error::new(Exit::Promotion, "replay is paused here; the promotion ends the pause");
        return Ok(Some(Remark::Warning(match told {
            Some(told) => what.detail(told),
            None => what,
        })));
    }
    let what = "WAL that this node has received is to be replayed before it can be a primary";
    Ok(told.map(|told| Remark::Notice(Error::new(Exit::Promotion, what).detail(told))))
}

fn siblings_and_room(facts: &Facts, remarks: &mut Vec<Remark>) -> Result<Vec<NodeRecord>> {
    let Some(following) = &facts.following else {
        if !facts.siblings.is_empty() {
            let count = facts.siblings.len();
            let what = format!("without --siblings-follow, nodes that keep their old upstream: {count}");
            let mut left = Error::new(Exit::Promotion, what)
                .hint("have them follow afterwards: \"repmgr standby follow\" on each");
            left.detail = facts.siblings.iter().map(line).collect();
            remarks.push(Remark::Warning(left));
        }
        room(facts, &[], remarks)?;
        return Ok(Vec::new());
    };
    let lost: Vec<&Sibling> = following.iter().filter(|s| s.unreachable.is_some()).collect();
    if lost.is_empty() && !following.is_empty() {
        remarks.push(Remark::Info("ssh reaches every node that is to follow".to_owned()));
    }
    let followers: Vec<NodeRecord> =
        following.iter().filter(|s| s.unreachable.is_none()).map(|s| s.record.clone()).collect();
    if !lost.is_empty() {
        demand(facts.force, siblings::unreachable(following), remarks)?;
    }
    room(facts, &followers, remarks)?;
    Ok(followers)
}

fn line(node: &NodeRecord) -> String {
    let kind = if node.role == Role::Witness { "witness" } else { "node" };
    format!("{kind} {}", node.label())
}

/// Whether the followers find walsenders and slots here.
fn room(facts: &Facts, followers: &[NodeRecord], remarks: &mut Vec<Remark>) -> Result<()> {
    let standbys: Vec<&NodeRecord> = followers.iter().filter(|n| n.role == Role::Standby).collect();
    let (most, used) = facts.walsenders;
    let (needed, free) = (standbys.len(), most.saturating_sub(used));
    if needed as u64 > u64::from(free) {
        let error = Error::new(Exit::Promotion, "this node has not enough free walsenders for its siblings")
            .detail(format!("walsenders needed: {needed}, free: {free} (\"max_wal_senders\" is {most})"))
            .hint("raise max_wal_senders and restart this server, or use -F/--force");
        demand(facts.force, error, remarks)?;
    } else {
        remarks.push(Remark::Info(format!("walsenders needed: {needed}, free: {free}")));
    }
    let (most, present) = &facts.slots;
    let wanted =
        standbys.iter().filter_map(|n| n.slot_name.as_ref()).filter(|name| !present.contains(name)).count();
    if wanted == 0 {
        return Ok(());
    }
    let free = (*most as usize).saturating_sub(present.len());
    if wanted > free {
        let error =
            Error::new(Exit::Promotion, "this node has not enough free replication slots for its siblings")
                .detail(format!(
                    "replication slots needed: {wanted}, free: {free} (\"max_replication_slots\" is {most})"
                ))
                .hint("raise max_replication_slots and restart this server, or use -F/--force");
        return demand(facts.force, error, remarks);
    }
    remarks.push(Remark::Info(format!("replication slots needed: {wanted}, free: {free}")));
    Ok(())
}

/// What `-F` makes a warning of.
fn demand(force: Force, error: Error, remarks: &mut Vec<Remark>) -> Result<()> {
    match force {
        Force::No => Err(error),
        Force::Yes => {
            remarks.push(Remark::Warning(Error { hint: Vec::new(), ..error }));
            Ok(())
        }
    }
}
