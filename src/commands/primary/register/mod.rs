//! `repmgr primary register`

pub mod plan;

use crate::cli::args::PrimaryRegister;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::{Context, connect_node};
use crate::commands::notify::{self, Happening};
use crate::commands::registration::{connected_as, failed, own_record, store_address};
use crate::commands::vip;
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata::{self, Activity, Insert, Installed, Origin, OurSchema, State};
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::report;
use crate::sys::parallel::in_parallel;
use plan::{Change, Facts, Plan, Probe, plan};
use std::collections::BTreeMap;

/// Runs `primary register`.
///
/// # Errors
/// [`Exit::DbConn`]: no connection; [`Exit::BadConfig`]: a check says no, with what was seen;
/// [`Exit::DbQuery`]: a query failed. In each case nothing is registered.
pub fn run(ctx: &Context, args: &PrimaryRegister) -> Result<Exit> {
    report::info(format!("opening a session on node {}", ctx.label()?));
    let mut s = ctx.local()?;
    check_server(&mut s)?;
    let role = connected_as(&mut s).map_err(|e| failed(e, "unable to tell the session's user"))?;
    let record = own_record(ctx, Role::Primary, None, args.replication_user.as_deref(), &role)?;
    let state = metadata::state(&mut s).map_err(|e| failed(e, "unable to look at the metadata"))?;
    if let State::Newer(_) = &state {
        return Err(metadata::refuse(&state));
    }
    if let State::HalfMade(_) = &state
        && !ctx.forced()
    {
        return Err(metadata::refuse(&state));
    }
    vip::prospect(ctx)?;
    match ctx.effort() {
        Effort::DryRun => dry_run(ctx, &mut s, &record, &state),
        Effort::Apply => {
            let had = install(ctx, &mut s, &role)?;
            register(ctx, &mut s, &record, had)
        }
    }
}

fn check_server(s: &mut Session) -> Result<()> {
    if s.version() < ServerVersion::OLDEST {
        return Err(Error::new(Exit::BadConfig, "this server is too old")
            .detail(format!("it is PostgreSQL {}, needed is 10 or later", s.version())));
    }
    let recovery = server::recovery(s)
        .map_err(|e| e.into_error(Exit::DbConn, "unable to tell whether this server is in recovery"))?;
    match recovery {
        Recovery::Primary => Ok(()),
        Recovery::Standby => Err(Error::new(Exit::BadConfig, "this server is a standby, not a primary")
            .detail("pg_is_in_recovery() is true")
            .hint("register it with \"repmgr standby register\"")),
    }
}

/// What `--dry-run` can tell: without metadata nobody else is registered.
fn dry_run(ctx: &Context, s: &mut Session, record: &NodeRecord, state: &State) -> Result<Exit> {
    match state {
        State::Absent | State::HalfMade(_) => {
            let mut admin = superuser_session(ctx)?;
            let how = metadata::how_created(admin.as_mut().unwrap_or(s))
                .map_err(|e| failed(e, "unable to look for the extension"))?;
            let made = match (state, how) {
                (State::HalfMade(missing), _) => {
                    format!("complete the repmgr metadata: {}", missing.join(", "))
                }
                (_, Origin::Extension(version)) => format!("install extension \"repmgr\" {version}"),
                (_, Origin::Plain) => "create schema \"repmgr\" without an extension".to_owned(),
            };
            report::notice(format!("would {made}"));
        }
        State::Ready { .. } | State::Newer(_) => {
            report::info("the repmgr metadata exists already");
            let plan = look(ctx, s, record)?;
            warn(&plan);
            for (node, _) in &plan.retire {
                report::notice(format!("would set the record of node {} to inactive", node.label()));
            }
        }
    }
    report::notice(format!("would register node {} as primary", record.label()));
    report::info("every check for \"primary register\" passed");
    Ok(Exit::Success)
}

/// A session as the superuser of `-S`. `None`: that was not given.
fn superuser_session(ctx: &Context) -> Result<Option<Session>> {
    let Some(name) = &ctx.general.superuser else { return Ok(None) };
    let conninfo = ctx.superuser(&ctx.own_conninfo()?);
    let mut s = ctx.connect(&conninfo, &format!("local node {} as superuser \"{name}\"", ctx.label()?))?;
    let is =
        server::is_superuser(&mut s).map_err(|e| failed(e, "unable to look at the role's privileges"))?;
    if is {
        return Ok(Some(s));
    }
    Err(Error::new(Exit::BadConfig, format!("role \"{name}\" is not a superuser"))
        .hint("name a superuser with -S/--superuser"))
}

/// Creates, completes or upgrades the metadata and says so; the event `cluster_created` the first time.
fn install(ctx: &Context, s: &mut Session, owner: &str) -> Result<Metadata> {
    let mut admin = superuser_session(ctx)?;
    let (done, ours) = metadata::install(admin.as_mut().unwrap_or(s), owner)?;
    if let OurSchema::NotAllowed(e) = ours {
        report::warning("unable to create or upgrade schema \"hg_repmgr\", going on without it")
            .detail(e.to_string())
            .hint("name a superuser with -S/--superuser, or GRANT CREATE on the database to this role");
    }
    match &done {
        Installed::Created(origin) => {
            match origin {
                Origin::Extension(version) => {
                    report::notice(format!("extension \"repmgr\" {version} installed"))
                }
                Origin::Plain => report::notice("repmgr metadata created")
                    .detail("schema \"repmgr\", without an extension"),
            };
            notify::event(ctx, Some(s), &Happening::new(ctx.node_id()?, "cluster_created"));
            return Ok(Metadata::New);
        }
        Installed::Completed => report::notice("repmgr metadata completed"),
        Installed::Upgraded { from, to } => {
            report::notice(format!("schema \"hg_repmgr\" upgraded from version {from} to {to}"))
        }
        Installed::Present(_) => report::info("the repmgr metadata exists already"),
    };
    Ok(Metadata::Old)
}

/// Whether this run made the metadata.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Metadata {
    New,
    Old,
}

/// Reads the records and asks the other registered primaries, all at once.
fn look(ctx: &Context, s: &mut Session, record: &NodeRecord) -> Result<Plan> {
    let nodes = metadata::all_nodes(s).map_err(|e| failed(e, "unable to read the node records"))?;
    let probes = probe(&nodes, record.node_id);
    plan(&Facts { record, nodes: &nodes, probes: &probes, force: ctx.general.force() })
}

fn probe(nodes: &[NodeRecord], own: NodeId) -> BTreeMap<NodeId, Probe> {
    let others: Vec<NodeRecord> =
        nodes.iter().filter(|n| n.role == Role::Primary && n.node_id != own).cloned().collect();
    let asked = in_parallel(others, |n| {
        let seen = match connect_node(&n).and_then(|mut s| server::recovery(&mut s)) {
            Ok(recovery) => Probe::Answers(recovery),
            Err(e) => Probe::Unreachable(e.to_string()),
        };
        (n.node_id, seen)
    });
    asked.into_iter().collect()
}

/// Others are asked before the transaction, which then plans anew with what it finds under its lock.
fn register(ctx: &Context, s: &mut Session, record: &NodeRecord, had: Metadata) -> Result<Exit> {
    let nodes = metadata::all_nodes(s).map_err(|e| failed(e, "unable to read the node records"))?;
    let old = vip::recorded(s, record.node_id).map_err(|e| failed(e, "unable to read the old address"))?;
    let probes = probe(&nodes, record.node_id);
    let force = ctx.general.force();
    let written = s.transaction(|s| {
        metadata::lock_nodes(s)?;
        let nodes = metadata::all_nodes(s)?;
        let plan = plan(&Facts { record, nodes: &nodes, probes: &probes, force })?;
        metadata::init_voting_term(s)?;
        for (node, _) in &plan.retire {
            metadata::set_active(s, node.node_id, Activity::Inactive)?;
        }
        metadata::save_node(s, record, Insert::OrUpdate)?;
        store_address(s, record)?;
        Ok::<Plan, Failed>(plan)
    });
    let plan = match written {
        Ok(plan) => plan,
        Err(Failed::Refused(error)) => return Err(error),
        Err(Failed::Query(e)) => {
            let error = failed(e, "unable to write the node record");
            let happening = Happening::new(record.node_id, "primary_register").failed();
            notify::event(ctx, Some(s), &happening.details(error.to_string()));
            return Err(error);
        }
    };
    tell(ctx, s, record, &plan, had)?;
    vip::follow_record(ctx, &old)?;
    Ok(Exit::Success)
}

fn tell(ctx: &Context, s: &mut Session, record: &NodeRecord, plan: &Plan, had: Metadata) -> Result<()> {
    warn(plan);
    for (node, _) in &plan.retire {
        report::notice(format!("record of node {} set to inactive", node.label()));
    }
    let mut happening = Happening::new(record.node_id, "primary_register");
    let word = match plan.change {
        Change::Create => "registered",
        Change::Replace => {
            happening = happening.details("record of the primary replaced");
            "updated the record of"
        }
    };
    notify::event(ctx, Some(s), &happening);
    report::notice(format!("{word} primary {}", record.label()));
    if had == Metadata::New {
        report::info("standbys can be registered now with \"repmgr standby register\"");
    }
    Ok(())
}

fn warn(plan: &Plan) {
    for text in &plan.warnings {
        report::warning(text);
    }
}

/// Why nothing was written.
enum Failed {
    Refused(Error),
    Query(PgError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<PgError> for Failed {
    fn from(e: PgError) -> Self {
        Self::Query(e)
    }
}
