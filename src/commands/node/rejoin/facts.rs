//! What `node rejoin` looks at: the stopped server here, and the primary.

use super::plan::{self, Asked};
use crate::commands::context::Context;
use crate::commands::follow_footing::Course;
use crate::commands::follow_target as target;
use crate::commands::follow_target::Target;
use crate::commands::registration::failed;
use crate::domain::lsn::Lsn;
use crate::domain::node::{NodeRecord, Role};
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::control_file::{ClusterState, ControlFile};
use crate::pg::metadata;
use crate::pg::postmaster::{self, ServerState};
use crate::pg::standby_config;
use crate::report;
use crate::sys::files::{self, DirState};
use std::path::Path;

/// The server of this host.
#[derive(Clone, Debug)]
pub struct Local {
    /// Its major version.
    pub version: ServerVersion,
    /// What its control file says.
    pub control: ControlFile,
    /// How far it is.
    pub course: Course,
    /// Its last known record.
    pub end: Lsn,
    /// Whether it is to be recovered first, when it is to be rewound.
    pub condition: Condition,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It was stopped.
    Clean,
    /// A standby that was not: it goes on from its last restart point.
    CrashedStandby,
    /// A primary that was not.
    Crashed,
}

/// Everything that decides.
#[derive(Debug)]
pub struct Facts {
    /// The record of this node, as the primary has it.
    pub own: NodeRecord,
    /// Every record.
    pub nodes: Vec<NodeRecord>,
    /// The primary.
    pub target: Target,
}

/// Looks at the server here.
///
/// # Errors
/// [`Exit::Rejoin`]: it runs; [`Exit::BadConfig`]: there is no data directory that can be read.
pub fn local(data_dir: &Path) -> Result<Local> {
    let version = version(data_dir)?;
    let control = match postmaster::state(data_dir)? {
        ServerState::Down(control) => *control,
        ServerState::Running(server) => return Err(running(server.pid)),
    };
    let history = target::local_history(data_dir, control.last_timeline());
    let condition = match control.state {
        state if state.is_clean() => Condition::Clean,
        ClusterState::InArchiveRecovery if standby_config::is_standby(data_dir, version) => {
            Condition::CrashedStandby
        }
        ClusterState::StartingUp
        | ClusterState::ShutDown
        | ClusterState::ShutDownInRecovery
        | ClusterState::ShuttingDown
        | ClusterState::InCrashRecovery
        | ClusterState::InArchiveRecovery
        | ClusterState::InProduction => Condition::Crashed,
    };
    Ok(Local {
        version,
        course: plan::course(&control, history),
        end: control.last_position(),
        control,
        condition,
    })
}

/// The refusal of a server that runs.
pub fn running(pid: u32) -> Error {
    Error::new(Exit::Rejoin, "the server of this node runs")
        .detail(format!("process {pid} is its server"))
        .hint("stop it first, for example with \"repmgr node service --action=stop\"")
}

/// The refusal of a server that was not stopped.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn check_clean(local: &Local, asked: Asked) -> Result<()> {
    match (local.condition, asked) {
        (Condition::Clean, _) | (Condition::CrashedStandby | Condition::Crashed, Asked::Yes) => Ok(()),
        (Condition::CrashedStandby | Condition::Crashed, Asked::No) => {
            Err(Error::new(Exit::Rejoin, "the server of this node was not stopped in order")
                .detail(format!("its state is \"{}\"", local.control.state))
                .hint("with --force-rewind it is recovered first"))
        }
    }
}

/// The version that wrote the data directory.
///
/// # Errors
/// [`Exit::BadConfig`].
pub fn version(data_dir: &Path) -> Result<ServerVersion> {
    let bad = |what: &str| {
        Error::new(Exit::BadConfig, format!("\"{}\" {what}", data_dir.display()))
            .hint("check \"data_directory\"; a node without data is made with \"repmgr standby clone\"")
    };
    let DirState::PostgresDirectory { version } = files::dir_state(data_dir) else {
        return Err(bad("is not a PostgreSQL data directory"));
    };
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
    let version = ServerVersion(major.saturating_mul(10_000));
    if version < ServerVersion::OLDEST {
        return Err(bad("is of a PostgreSQL version that is not supported"));
    }
    Ok(version)
}

/// Looks at the cluster: the server of `-d` leads to the registered primary.
///
/// # Errors
/// [`Exit::DbConn`]: one of them cannot be reached; [`Exit::Rejoin`]: there is no primary, or more than one,
/// or it is not registered as such; [`Exit::BadConfig`]: this node is not registered.
pub fn gather(ctx: &Context) -> Result<Facts> {
    let given = ctx.given()?.ok_or_else(no_server)?;
    let mut there = ctx.connect(&given, "the server given with -d")?;
    metadata::require(&mut there)?;
    let nodes = metadata::all_nodes(&mut there).map_err(|e| failed(e, "unable to read the node records"))?;
    let id = ctx.node_id()?;
    let others: Vec<NodeRecord> = nodes.into_iter().filter(|n| n.node_id != id).collect();
    let (record, mut session) = target::primary_among(&others).map_err(as_rejoin)?.ok_or_else(|| {
        let labels: Vec<String> = others.iter().map(NodeRecord::label).collect();
        Error::new(Exit::Rejoin, "no running primary was found among the registered nodes")
            .detail(format!("looked at {}", labels.join(", ")))
            .hint("promote a standby first; see \"repmgr cluster show\"")
    })?;
    let nodes =
        metadata::all_nodes(&mut session).map_err(|e| failed(e, "unable to read the node records"))?;
    let record = nodes.iter().find(|n| n.node_id == record.node_id).cloned().unwrap_or(record);
    if record.role != Role::Primary || !record.active {
        return Err(Error::new(
            Exit::Rejoin,
            format!("node {} is not the registered primary", record.label()),
        )
        .detail(format!("it takes writes and is registered as {}", record.role))
        .hint("if it was promoted on purpose, run \"repmgr primary register --force\" there"));
    }
    let own = nodes.iter().find(|n| n.node_id == id).cloned().ok_or_else(|| {
        Error::new(Exit::BadConfig, format!("this node (ID: {id}) is not registered"))
            .detail(format!("looked for on node {}", record.label()))
            .hint("enter it with \"repmgr standby register --force\"")
    })?;
    report::notice(format!("rejoin target is node {}", record.label()));
    let target = target::open(ctx.settings()?, &record, session)?;
    Ok(Facts { own, nodes, target })
}

/// `-d` is missing.
pub fn no_server() -> Error {
    let what = "\"node rejoin\" needs a running node of the cluster";
    Error::new(Exit::BadConfig, what).hint("name one with -d/--dbname, as a connection string")
}

/// An error of what is shared with `standby follow`, as one of ours.
#[must_use]
pub fn as_rejoin(error: Error) -> Error {
    if error.exit != Exit::Follow {
        return error;
    }
    let detail = error.detail.iter().map(|d| d.replace("standby_follow_timeout", "node_rejoin_timeout"));
    Error { exit: Exit::Rejoin, detail: detail.collect(), ..error }
}
