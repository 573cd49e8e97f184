//! `repmgr standby register`

mod gather;
mod plan;
mod sync;

use crate::cli::args::StandbyRegister;
use crate::cli::choices::{Mode as Effort, WaitSync};
use crate::commands::context::{Context, connect_deadline};
use crate::commands::notify::{self, Happening};
use crate::commands::registration::{
    about, connected_as, failed, own_record, store_address, tell_of_address,
};
use crate::domain::node::{NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata::{self, Insert};
use crate::pg::server;
use crate::pg::session::{Failure, PgError, Session};
use crate::report;
use crate::sys::clock::{self, Deadline};
use gather::{Around, Server, check_same_cluster, gather};
use plan::{Facts, Plan, Remark, plan};
use std::time::Duration;
use sync::wait_for_record;

/// repmgr's default of `--wait-start`.
const WAIT_START: Duration = Duration::from_secs(30);

/// Between two attempts to connect to a standby that starts.
const START_STEP: Duration = Duration::from_secs(1);

/// Runs `standby register`.
///
/// # Errors
/// [`Exit::BadConfig`]: a check says no, or this node or the primary cannot be reached; [`Exit::DbQuery`]: a
/// query failed; in both cases nothing is registered. [`Exit::RegistrationSync`]: registered, but the record
/// did not arrive in time.
pub fn run(ctx: &Context, args: &StandbyRegister) -> Result<Exit> {
    report::info(format!("opening a session on node {}", ctx.label()?));
    let mut local = local(ctx, args)?;
    if let Some(s) = &mut local {
        check_local(ctx, s)?;
    }
    report::info("looking for the primary");
    let (mut primary, primary_record) = primary(ctx, local.as_mut())?;
    check_same_cluster(ctx, local.as_mut(), &mut primary)?;
    let role = connected_as(local.as_mut().unwrap_or(&mut primary))
        .map_err(|e| failed(e, "unable to tell the session's user"))?;
    let upstream = args.upstream_node_id.unwrap_or(primary_record.node_id);
    let user = args.replication_user.as_deref();
    let record = own_record(ctx, Role::Standby, Some(upstream), user, &role)?;
    let server = if local.is_some() { Server::Running } else { Server::Down };
    let around = gather(args, server, &mut primary, &primary_record, &record)?;
    if ctx.effort() == Effort::DryRun {
        say(&plan(&facts(ctx, &record, &around.nodes, &around))?);
        report::notice(format!("would register node {} as standby of node {upstream}", record.label()));
        report::info("every check for \"standby register\" passed");
        return Ok(Exit::Success);
    }
    write(ctx, &mut primary, &primary_record, &record, &around)?;
    if let Some(wait) = args.wait_sync.filter(|wait| *wait != WaitSync::UpTo(Duration::ZERO)) {
        match &mut local {
            Some(local) => wait_for_record(ctx, wait, local, &mut primary, &primary_record, &record)?,
            None => drop(report::warning("--wait-sync has no effect: the standby is not running")),
        }
    }
    report::notice(format!("registered standby {}", record.label()));
    tell_of_address(ctx.settings()?);
    Ok(Exit::Success)
}

/// A session on this node; waits for one that starts. `None`: it is down, and the user knows.
fn local(ctx: &Context, args: &StandbyRegister) -> Result<Option<Session>> {
    let conninfo = ctx.own_conninfo()?;
    let connect = || Session::connect(&conninfo, connect_deadline(&conninfo));
    let began = clock::now();
    let patience = if ctx.forced() { Duration::ZERO } else { args.wait_start.unwrap_or(WAIT_START) };
    let mut waited = false;
    let deadline = Deadline::after(patience);
    let last = loop {
        match connect() {
            Ok(s) => {
                if waited {
                    let seconds = clock::now().since(began).as_secs();
                    report::info(format!("node {} answers after {seconds} s", ctx.label()?));
                }
                return Ok(Some(s));
            }
            Err(e) if deadline.passed() || !may_pass(&e) => break e,
            Err(e) => {
                if !waited {
                    let seconds = patience.as_secs();
                    report::info(format!("this node does not answer yet; trying for {seconds} s"))
                        .detail(e.message);
                }
                waited = true;
                clock::pause(START_STEP.min(deadline.left()));
            }
        }
    };
    let what = format!("cannot connect to local node {}", ctx.label()?);
    if ctx.forced() && ctx.general.names_a_server() {
        report::warning(format!("{what}, registering it as a node that is down")).detail(last.message);
        return Ok(None);
    }
    let error = last.into_error(Exit::BadConfig, what).detail(format!("connection string: {conninfo}"));
    Err(error.hint(if ctx.forced() {
        "for a standby that is down, add the primary's connection options"
    } else {
        "for a standby that is down, add -F/--force and the primary's connection options"
    }))
}

/// Whether a server that starts may answer otherwise a moment later.
fn may_pass(e: &PgError) -> bool {
    match e.failure {
        Failure::Refused | Failure::TimedOut | Failure::Rejecting | Failure::Lost | Failure::Lookup => true,
        Failure::Denied => e.has_sqlstate("53300"),
        Failure::BadConnInfo | Failure::Tls | Failure::Sql => false,
    }
}

fn check_local(ctx: &Context, s: &mut Session) -> Result<()> {
    if ctx.general.names_a_server() {
        report::warning("connection options are for a standby that is down; this one runs").detail(
            "the standby is reached by \"conninfo\" of the configuration file, the primary by its record",
        );
    }
    let recovery = server::recovery(s)
        .map_err(|e| e.into_error(Exit::DbConn, "unable to tell whether this server is in recovery"))?;
    match recovery {
        Recovery::Standby => Ok(()),
        Recovery::Primary => {
            let conninfo = ctx.own_conninfo()?;
            Err(Error::new(Exit::BadConfig, "this server is a primary, not a standby")
                .detail(format!("pg_is_in_recovery() is false; connection string: {conninfo}"))
                .hint("register it with \"repmgr primary register\", or clone it from the primary first"))
        }
    }
}

/// The primary: by the records that this standby holds, else through the server that the options name.
fn primary(ctx: &Context, local: Option<&mut Session>) -> Result<(Session, NodeRecord)> {
    let unable = |e: Error| {
        Error { exit: Exit::BadConfig, ..e }.hint("register the primary first: \"repmgr primary register\"")
    };
    let given = ctx.given()?;
    if let Some(local) = local {
        let found = metadata::require(local).and_then(|_| ctx.primary(local));
        match (found, &given) {
            (Err(_), Some(_)) => {}
            (found, _) => return found.map_err(unable),
        }
    }
    let Some(conninfo) = given else {
        return Err(Error::new(Exit::BadConfig, "no connection options of the primary are given"));
    };
    let mut s = ctx.connect(&conninfo, "the primary database").map_err(unable)?;
    metadata::require(&mut s)?;
    let recovery = server::recovery(&mut s)
        .map_err(|e| e.into_error(Exit::DbConn, "unable to tell whether the server is in recovery"))?;
    if recovery == Recovery::Standby {
        return ctx.primary(&mut s).map_err(unable);
    }
    let record = metadata::active_primary(&mut s)
        .map_err(|e| failed(e, "unable to read the record of the primary"))?;
    let record =
        record.ok_or_else(|| unable(Error::new(Exit::BadConfig, "no active primary is registered")))?;
    Ok((s, record))
}

fn facts<'a>(
    ctx: &Context,
    record: &'a NodeRecord,
    nodes: &'a [NodeRecord],
    around: &'a Around,
) -> Facts<'a> {
    Facts {
        record,
        nodes,
        primary: around.primary,
        asked: around.asked,
        upstream: &around.upstream,
        force: ctx.general.force(),
    }
}

fn say(plan: &Plan) {
    for remark in &plan.remarks {
        match remark {
            Remark::Notice(text) => drop(report::notice(text)),
            Remark::Warning(text) => drop(report::warning(text)),
        }
    }
}

/// Decides anew with what stands under the lock, and writes.
fn write(
    ctx: &Context,
    primary: &mut Session,
    primary_record: &NodeRecord,
    record: &NodeRecord,
    around: &Around,
) -> Result<()> {
    let what = "unable to write the node record";
    let written = primary.transaction(|s| {
        metadata::lock_nodes(s).map_err(|e| failed(e, what))?;
        let nodes = metadata::all_nodes(s).map_err(|e| failed(e, what))?;
        let plan = plan(&facts(ctx, record, &nodes, around))?;
        if let Some(placeholder) = &plan.placeholder {
            metadata::save_node(s, placeholder, Insert::IfAbsent).map_err(|e| failed(e, what))?;
        }
        metadata::save_node(s, record, Insert::OrUpdate).map_err(|e| failed(e, what))?;
        store_address(s, record).map_err(|e| failed(e, what))?;
        Ok::<Plan, Error>(plan)
    });
    let upstream = around.asked.id();
    let forced = if ctx.forced() { "; with -F/--force" } else { "" };
    let happening = |text: String| {
        about(Happening::new(record.node_id, "standby_register").details(text), primary_record)
    };
    match written {
        Ok(plan) => {
            say(&plan);
            let text = format!("standby registration succeeded; upstream node ID is {upstream}{forced}");
            notify::event(ctx, Some(primary), &happening(text));
            Ok(())
        }
        Err(error) => {
            if error.exit == Exit::DbQuery {
                let text = format!("standby registration failed; upstream node ID: {upstream}{forced}");
                notify::event(ctx, Some(primary), &happening(text).failed());
            }
            Err(error)
        }
    }
}
