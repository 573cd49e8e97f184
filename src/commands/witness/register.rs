//! `repmgr witness register`

use super::shared::copy::copy_nodes;
use super::shared::given::{connect, given};
use super::shared::plan::{self, Facts};
use crate::cli::args::WitnessRegister;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::commands::notify::{self, Happening};
use crate::commands::registration::{connected_as, failed, own_record, store_address};
use crate::domain::node::{NodeRecord, Recovery, Role};
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata::{self, Event, Insert, Installed, OurSchema, Recorded, State};
use crate::pg::server;
use crate::pg::session::Session;
use crate::report;
use std::time::Duration;

/// How long a query on the witness may take: the cluster's node records are locked meanwhile.
const WITNESS_LIMIT: Duration = Duration::from_secs(15);

/// Runs `witness register`.
///
/// # Errors
/// [`Exit::BadConfig`]: a check says no, or one of the two servers cannot be reached; [`Exit::DbQuery`]: a query
/// failed. In each case the cluster has no new record.
pub fn run(ctx: &Context, _args: &WitnessRegister) -> Result<Exit> {
    let Some(given) = given(ctx)? else {
        return Err(Error::new(Exit::BadConfig, "the host of the cluster's primary is not given")
            .hint("give it with -h/--host, or in the connection string of -d"));
    };
    report::info(format!("connecting to witness node {}", ctx.label()?));
    let mut local = ctx.local().map_err(|e| Error { exit: Exit::BadConfig, ..e })?;
    local.set_limit(WITNESS_LIMIT);
    check_witness(&mut local)?;
    report::info("connecting to primary node");
    let (mut primary, recovery) = connect(ctx, &given)?;
    let upstream = check_primary(&mut primary, recovery)?;
    check_apart(&mut local, &mut primary)?;
    let role = connected_as(&mut local).map_err(|e| failed(e, "unable to tell the session's user"))?;
    let record =
        NodeRecord { priority: 0, ..own_record(ctx, Role::Witness, Some(upstream.node_id), None, &role)? };
    let state = usable(ctx, &mut local)?;
    match ctx.effort() {
        Effort::DryRun => {
            if let State::Ready { .. } = state {
                say(&plan(ctx, &mut primary, &mut local, &record)?);
            } else {
                say(&decide(ctx, &mut primary, &record, &[])?);
                report::notice("would now create the repmgr metadata in the witness's database");
            }
            report::notice(format!("would now register node {} as witness", record.label()));
            report::info("every check for \"witness register\" passed");
        }
        Effort::Apply => {
            // What cannot be registered is to leave no schema behind.
            if !matches!(state, State::Ready { .. }) {
                decide(ctx, &mut primary, &record, &[])?;
            }
            install(ctx, &mut local, &role)?;
            write(ctx, &mut primary, &mut local, &record)?;
            report::info("witness registration complete");
            report::notice(format!("witness node {} successfully registered", record.label()));
        }
    }
    Ok(Exit::Success)
}

fn check_witness(s: &mut Session) -> Result<()> {
    if s.version() < ServerVersion::OLDEST {
        return Err(Error::new(Exit::BadConfig, "this server is too old")
            .detail(format!("it is PostgreSQL {}, needed is 10 or later", s.version())));
    }
    let recovery = server::recovery(s)
        .map_err(|e| e.into_error(Exit::DbQuery, "unable to determine whether this server is in recovery"))?;
    match recovery {
        Recovery::Primary => Ok(()),
        Recovery::Standby => Err(Error::new(Exit::BadConfig, "this node is a standby")
            .detail("pg_is_in_recovery() is true")
            .hint("a witness runs on a server of its own, which is not in recovery")),
    }
}

/// The record of the given server, as far as can be told: that of the active primary.
fn check_primary(s: &mut Session, recovery: Recovery) -> Result<NodeRecord> {
    if recovery == Recovery::Standby {
        return Err(Error::new(Exit::BadConfig, "the server given as the primary is a standby")
            .detail("pg_is_in_recovery() is true")
            .hint("give the connection options of the cluster's primary"));
    }
    metadata::require(s)?;
    let primary =
        metadata::active_primary(s).map_err(|e| failed(e, "unable to read the record of the primary"))?;
    primary.ok_or_else(|| {
        Error::new(Exit::BadConfig, "the cluster has no known primary")
            .detail("no record says active primary")
            .hint("register it with \"repmgr primary register --force\"")
    })
}

/// A witness that goes down with the primary is none.
fn check_apart(witness: &mut Session, primary: &mut Session) -> Result<()> {
    let unable = |e| failed(e, "unable to read the system identifier");
    let (own, theirs) = (
        server::system_identifier(witness).map_err(unable)?,
        server::system_identifier(primary).map_err(unable)?,
    );
    if own != theirs {
        return Ok(());
    }
    Err(Error::new(Exit::BadConfig, "the witness cannot be a server of the cluster itself")
        .detail(format!("this node and the primary have the same system identifier, {own}"))
        .hint("a witness runs on a server of its own, made by initdb"))
}

/// What stands in the witness's database, when it can be used or completed.
fn usable(ctx: &Context, s: &mut Session) -> Result<State> {
    let state = metadata::state(s).map_err(|e| failed(e, "unable to look at the metadata"))?;
    match &state {
        State::Newer(_) => Err(metadata::refuse(&state)),
        State::HalfMade(_) if !ctx.forced() => Err(Error {
            hint: vec!["use option -F/--force to complete it".to_owned()],
            ..metadata::refuse(&state)
        }),
        State::HalfMade(_) | State::Ready { .. } | State::Absent => Ok(state),
    }
}

/// Creates, completes or upgrades the metadata on the witness.
fn install(ctx: &Context, s: &mut Session, owner: &str) -> Result<()> {
    let mut admin = match &ctx.general.superuser {
        Some(name) => {
            let conninfo = ctx.superuser(&ctx.own_conninfo()?);
            let what = format!("local node {} as superuser \"{name}\"", ctx.label()?);
            Some(ctx.connect(&conninfo, &what)?)
        }
        None => None,
    };
    let (done, ours) = metadata::install(admin.as_mut().unwrap_or(s), owner)?;
    if let OurSchema::NotAllowed(e) = ours {
        report::warning("unable to create or upgrade schema \"hg_repmgr\", going on without it")
            .detail(e.to_string())
            .hint("name a superuser with -S/--superuser, or GRANT this user CREATE on the database");
    }
    match done {
        Installed::Created(_) => {
            report::notice("repmgr metadata created in the witness's database");
            let row = event(&Happening::new(ctx.node_id()?, "cluster_created"));
            metadata::record_event(s, &row).map_err(|e| failed(e, "unable to record an event"))?;
        }
        Installed::Completed => drop(report::notice("repmgr metadata completed")),
        Installed::Upgraded { .. } | Installed::Present(_) => {
            report::info("the repmgr metadata exists already");
        }
    }
    Ok(())
}

fn event(happening: &Happening) -> Event {
    Event {
        node_id: happening.node_id,
        event: happening.event.to_owned(),
        successful: happening.successful,
        details: happening.details.clone(),
    }
}

/// Decides with what both databases hold.
fn plan(
    ctx: &Context,
    primary: &mut Session,
    local: &mut Session,
    record: &NodeRecord,
) -> Result<Vec<String>> {
    let copy = metadata::all_nodes(local)
        .map_err(|e| failed(e, "unable to read the node records of the witness"))?;
    decide(ctx, primary, record, &copy)
}

fn decide(
    ctx: &Context,
    primary: &mut Session,
    record: &NodeRecord,
    copy: &[NodeRecord],
) -> Result<Vec<String>> {
    let nodes = metadata::all_nodes(primary).map_err(|e| failed(e, "unable to read the node records"))?;
    plan::register(&Facts { record, nodes: &nodes, copy, force: ctx.general.force() })
}

fn say(warnings: &[String]) {
    for text in warnings {
        report::warning(text);
    }
}

/// One transaction on the primary, in which the witness gets its copy: when it fails nothing is registered. Cut
/// off between the two commits, the copy tells that it was, and the command is run again.
fn write(ctx: &Context, primary: &mut Session, local: &mut Session, record: &NodeRecord) -> Result<()> {
    let what = "unable to write the node record";
    let upstream = record.upstream_node_id.map(|id| id.to_string()).unwrap_or_default();
    let text = |outcome: &str| format!("witness registration {outcome}; upstream node ID is {upstream}");
    let happening = Happening::new(record.node_id, "witness_register");
    let good = happening.clone().details(text("succeeded"));
    let written = primary.transaction(|s| {
        metadata::lock_nodes(s).map_err(|e| failed(e, what))?;
        let warnings = plan(ctx, s, local, record)?;
        metadata::save_node(s, record, Insert::OrUpdate).map_err(|e| failed(e, what))?;
        store_address(s, record).map_err(|e| failed(e, what))?;
        let row = metadata::record_event(s, &event(&good)).map_err(|e| failed(e, what))?;
        copy_nodes(s, local)?;
        Ok::<(Vec<String>, Recorded), Error>((warnings, row))
    });
    match written {
        Ok((warnings, row)) => {
            say(&warnings);
            notify::announce(ctx, &good, Some(&row.timestamp));
            Ok(())
        }
        Err(error) => {
            if error.exit == Exit::DbQuery {
                notify::event(ctx, Some(primary), &happening.failed().details(text("failed")));
            }
            Err(error)
        }
    }
}
