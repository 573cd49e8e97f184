//! What `standby follow` looks at: this node, whom to follow, and the primary, which keeps the records.

use crate::cli::args::StandbyFollow;
use crate::cli::choices::{FollowWait, Mode as Effort};
use crate::commands::context::Context;
use crate::commands::follow_attach;
use crate::commands::follow_footing::{Course, Footing, Obstacle, judge};
use crate::commands::follow_target::{self, Target};
use crate::commands::registration::failed;
use crate::commands::standby::clone::shown;
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata;
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::report;
use crate::sys::clock::{self, Deadline};
use std::time::Duration;

/// Between two looks for a primary.
const STEP: Duration = Duration::from_secs(1);

/// How long a standby that we would follow may take to receive what we have already.
const CATCH_UP: Duration = Duration::from_secs(5);

/// Everything that decides.
#[derive(Debug)]
pub struct Facts {
    /// On this node.
    pub local: Session,
    /// Its version.
    pub version: ServerVersion,
    /// The record of this node, as its own copy of the metadata has it.
    pub own: NodeRecord,
    /// How far it is.
    pub course: Course,
    /// Every record.
    pub nodes: Vec<NodeRecord>,
    /// Whom it is to follow.
    pub target: Target,
    /// The primary, when it is not the target.
    pub primary: Option<(NodeRecord, Session)>,
}

impl Facts {
    /// The primary's record, and a session on it.
    pub fn primary(&mut self) -> (NodeRecord, &mut Session) {
        match &mut self.primary {
            Some((record, session)) => (record.clone(), session),
            None => (self.target.record.clone(), &mut self.target.session),
        }
    }

    /// What a dry run says would be done.
    ///
    /// # Errors
    /// [`Exit::BadConfig`].
    pub fn tell(&self, ctx: &Context) -> Result<()> {
        let label = self.target.record.label();
        if let Some(slot) = follow_attach::slot(ctx)? {
            report::info(format!("would use replication slot \"{slot}\" on node {label}"));
        }
        let mut message = report::info("would write these settings:");
        for line in shown(&follow_attach::settings(ctx, &self.target.record)?) {
            message = message.detail(line);
        }
        drop(message);
        let restart = !self.version.follows_by_reload() || ctx.settings()?.standby_follow_restart;
        report::info(format!("would {} this server", if restart { "restart" } else { "reload" }));
        Ok(())
    }
}

/// Looks.
///
/// # Errors
/// See [`super::run`].
pub fn gather(ctx: &Context, args: &StandbyFollow) -> Result<Facts> {
    let mut local = ctx.local()?;
    let asking = |e: PgError| e.into_error(Exit::DbQuery, "unable to read the state of this server");
    check_local(ctx, &mut local)?;
    metadata::require(&mut local)?;
    let nodes = metadata::all_nodes(&mut local).map_err(|e| failed(e, "unable to read the node records"))?;
    let id = ctx.node_id()?;
    let own = nodes.iter().find(|n| n.node_id == id).cloned().ok_or_else(|| {
        Error::new(Exit::BadConfig, format!("this node (ID: {id}) is not registered"))
            .hint("enter it with \"repmgr standby register\"")
    })?;
    let settings = ctx.settings()?;
    let patience = match args.wait {
        None => Duration::ZERO,
        Some(FollowWait::AsConfigured) => settings.primary_follow_timeout,
        Some(FollowWait::UpTo(time)) => time,
    };
    let deadline = Deadline::after(patience);
    let others: Vec<NodeRecord> = nodes.iter().filter(|n| n.node_id != id).cloned().collect();
    let (record, session) = match args.upstream_node_id {
        Some(upstream) => {
            report::notice(format!("looking for node {upstream}"));
            named(upstream, id, &nodes, deadline)?
        }
        None => {
            report::notice("looking for the primary");
            primary(&others, deadline, patience)?
        }
    };
    let mut target = follow_target::open(settings, &record, session)?;
    let primary = match target.recovery {
        Recovery::Primary => None,
        Recovery::Standby => Some(primary(&others, deadline, patience)?),
    };
    if ctx.effort() == Effort::DryRun {
        let role = if primary.is_none() { "primary" } else { "standby" };
        report::info(format!("would follow node {}, a {role}", record.label()));
    }
    let course = follow_target::own_course(&mut local, &settings.data_directory).map_err(asking)?;
    // In this order: a primary that writes all the time would else seem to be behind its own standby.
    target.look_again()?;
    Ok(Facts { version: local.version(), local, own, course, nodes, target, primary })
}

/// It must be in recovery, and be the server of the data directory into which we write.
fn check_local(ctx: &Context, s: &mut Session) -> Result<()> {
    let asking = |e: PgError| e.into_error(Exit::DbQuery, "unable to read the state of this server");
    if server::recovery(s).map_err(asking)? == Recovery::Primary {
        let conninfo = ctx.own_conninfo()?;
        return Err(Error::new(Exit::BadConfig, "this node is a primary, only a standby can follow")
            .detail(format!("connection string: {conninfo}"))
            .hint("a former primary comes back with \"repmgr node rejoin\""));
    }
    let known = server::settings(s, &["data_directory"]).map_err(asking)?;
    let Some(real) = known.get("data_directory").filter(|dir| !dir.is_empty()) else { return Ok(()) };
    let configured = &ctx.settings()?.data_directory;
    let (one, two) = (std::fs::canonicalize(real), std::fs::canonicalize(configured));
    if one.is_ok() && two.is_ok() && one.ok() != two.ok() {
        return Err(Error::new(Exit::BadConfig, "\"data_directory\" is not that of this node's server")
            .detail(format!("configured is \"{}\", the server runs in \"{real}\"", configured.display()))
            .hint("correct data_directory or conninfo in the configuration file"));
    }
    Ok(())
}

/// The primary, waited for as long as was asked.
fn primary(others: &[NodeRecord], deadline: Deadline, patience: Duration) -> Result<(NodeRecord, Session)> {
    let mut told = false;
    let found = clock::poll_until(deadline, STEP, || match follow_target::primary_among(others) {
        Ok(None) => {
            if !told && !patience.is_zero() {
                report::info(format!(
                    "no primary is visible, looking for up to {} seconds",
                    patience.as_secs()
                ));
            }
            told = true;
            None
        }
        Ok(Some(found)) => Some(Ok(found)),
        Err(why) => Some(Err(why)),
    });
    found.unwrap_or_else(|| {
        let error = Error::new(Exit::Follow, "no running primary was found among the registered nodes");
        let labels: Vec<String> = others.iter().map(NodeRecord::label).collect();
        let error = error.detail(format!("looked at {}", labels.join(", ")));
        Err(if patience.is_zero() {
            error.hint("use -w/--wait to wait for one (\"primary_follow_timeout\")")
        } else {
            error.detail(format!("for {} seconds", patience.as_secs())).hint("see \"repmgr cluster show\"")
        })
    })
}

/// The node that was named, waited for as long as was asked.
fn named(id: NodeId, own: NodeId, nodes: &[NodeRecord], deadline: Deadline) -> Result<(NodeRecord, Session)> {
    let bad = |what: String| Error::new(Exit::BadConfig, what);
    let record = nodes.iter().find(|n| n.node_id == id).ok_or_else(|| {
        let known: Vec<String> = nodes.iter().map(NodeRecord::label).collect();
        bad(format!("upstream node {id} is not registered"))
            .detail(format!("registered: {}", known.join(", ")))
    })?;
    if id == own {
        return Err(bad(format!("node {id} cannot follow itself")));
    }
    if record.role == Role::Witness {
        return Err(bad(format!("node {} cannot be followed", record.label()))
            .detail("it is a witness and holds no copy of the data"));
    }
    let mut at = record;
    let mut seen = vec![id];
    while let Some(above) = at.upstream_node_id.and_then(|up| nodes.iter().find(|n| n.node_id == up)) {
        // A record may be older than a promotion; only a standby streams from us.
        if above.node_id == own && record.role == Role::Standby {
            return Err(bad(format!(
                "node {} streams from this node, directly or through others",
                record.label()
            ))
            .detail("standbys that follow each other in a ring receive nothing")
            .hint("have that node follow another one first"));
        }
        if seen.contains(&above.node_id) {
            break;
        }
        seen.push(above.node_id);
        at = above;
    }
    loop {
        match follow_target::connect(record) {
            Ok(session) => return Ok((record.clone(), session)),
            Err(why) if deadline.passed() => return Err(why),
            Err(_) => clock::pause(STEP.min(deadline.left())),
        }
    }
}

/// Whether this node can follow. A target that is a standby itself and a moment behind is waited for.
///
/// # Errors
/// [`Exit::Follow`].
pub fn footing(facts: &mut Facts) -> Result<Footing> {
    let deadline = Deadline::after(CATCH_UP);
    loop {
        match judge(&facts.course, &facts.target.course) {
            Ok(footing) => return Ok(footing),
            Err(Obstacle::Ahead) if facts.target.recovery == Recovery::Standby && !deadline.passed() => {
                clock::pause(STEP.min(deadline.left()) / 5);
                facts.target.look_again()?;
            }
            Err(obstacle) => {
                let label = facts.target.record.label();
                return Err(obstacle.into_error(&facts.course, &facts.target.course, &label));
            }
        }
    }
}
