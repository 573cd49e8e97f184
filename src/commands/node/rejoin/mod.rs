//! `repmgr node rejoin`

mod apply;
mod config_files;
mod facts;
mod guard;
mod keep;
mod plan;
mod recover;
mod rewind;
mod steps;

use crate::cli::args::NodeRejoin;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::commands::follow_attach as attach;
use crate::commands::follow_footing::Footing;
use crate::commands::journal;
use crate::commands::standby::clone::shown;
use crate::error::Result;
use crate::exit::Exit;
use crate::pg::control_file::{self, ClusterState};
use crate::pg::postmaster;
use crate::report;
use apply::{From, Noted, Step};
use facts::{Condition, Facts, Local};
use plan::{Asked, Loss, Way};

/// The command's words, by which its journal knows it.
const COMMAND: &str = "node rejoin";

/// Runs `node rejoin`.
///
/// # Errors
/// [`Exit::Rejoin`]: refused with nothing changed, a step failed, or the server did not attach in time;
/// [`Exit::NoRestart`]: it did not start; [`Exit::DbConn`], [`Exit::DbQuery`], [`Exit::BadConfig`].
pub fn run(ctx: &Context, args: &NodeRejoin) -> Result<Exit> {
    if !ctx.general.names_a_server() {
        return Err(facts::no_server());
    }
    let earlier = match ctx.effort() {
        Effort::Apply => journal::unfinished_run(ctx)?,
        Effort::DryRun => journal::rehearse(ctx, COMMAND)?,
    };
    let earlier = earlier.filter(|earlier| earlier.command == COMMAND && !earlier.untouched());
    let noted = earlier.as_ref().map(|earlier| earlier.facts::<Noted>()).transpose()?;
    let reached = earlier.as_ref().and_then(|earlier| Step::from_words(&earlier.step));
    let data_dir = &ctx.settings()?.data_directory;
    let running = postmaster::find(data_dir)?;
    let from = match (reached, noted) {
        (Some(step), Some(noted)) if step >= Step::Rewind => {
            let rewound =
                step > Step::Rewind || control_file::read(data_dir)?.state == ClusterState::InArchiveRecovery;
            match running {
                Some(_) if step >= Step::Start => Some((From::Attach, noted)),
                Some(server) => return Err(facts::running(server.pid)),
                None if rewound => Some((From::Restore, noted)),
                None => Some((From::Rewind, noted)),
            }
        }
        (Some(_) | None, _) => None,
    };
    match from {
        Some((from, noted)) => {
            let facts = facts::gather(ctx)?;
            if ctx.effort() == Effort::DryRun {
                report::info(format!("would go on where an earlier run stopped, at \"{}\"", from.words()));
                return Ok(Exit::Success);
            }
            apply::apply(ctx, args, facts, from, noted)
        }
        None => fresh(ctx, args),
    }
}

/// Whether the user lets pg_rewind run.
const fn asked(args: &NodeRejoin) -> Asked {
    if args.force_rewind.is_some() { Asked::Yes } else { Asked::No }
}

/// From the beginning.
fn fresh(ctx: &Context, args: &NodeRejoin) -> Result<Exit> {
    let settings = ctx.settings()?;
    let data_dir = &settings.data_directory;
    if ctx.effort() == Effort::Apply {
        rewind::end_leftovers(data_dir)?;
    }
    let local = facts::local(data_dir)?;
    facts::check_clean(&local, asked(args))?;
    let mut facts = facts::gather(ctx)?;
    let way = plan::way(&local.course, &facts.target.course, local.end, &facts.target.record.label())?;
    tell(ctx, &local, &facts, &way);
    let slot = attach::slot(ctx)?;
    attach::check_room(&mut facts.target, &facts.own.node_name, slot.as_deref()).map_err(facts::as_rejoin)?;
    let files = config_files::wanted(args, data_dir)?;
    if let Way::Rewind(loss) = &way {
        let id = facts.target.record.node_id.to_string();
        plan::allow(loss, &local.control, asked(args), &id)?;
        required(loss, &id);
    }
    if ctx.effort() == Effort::DryRun {
        dry_run(ctx, args, &mut facts, &local, &way, &files)?;
        report::info("every check for \"node rejoin\" passed");
        return Ok(Exit::Success);
    }
    let noted = Noted::new(&facts, config_files::archive(args, settings), files, keep::place(settings));
    apply::apply(ctx, args, facts, From::Beginning { local: Box::new(local), way }, noted)
}

/// Why pg_rewind is needed, and what it will take away.
fn required(loss: &Loss, target: &str) {
    report::notice(format!("this node follows node {target} only after pg_rewind"))
        .detail(loss.fork_text())
        .detail(format!("{} will be discarded", loss.range()));
}

/// What was found.
fn tell(ctx: &Context, local: &Local, facts: &Facts, way: &Way) {
    if ctx.effort() == Effort::DryRun {
        report::info("replication connections to the target are accepted");
        report::info("both servers are copies of one cluster")
            .detail(format!("system identifier is {}", local.course.system));
    }
    let (end, target) = (local.end, &facts.target);
    match way {
        Way::AsItIs(Footing::SameTimeline) => drop(
            report::info("both are on one timeline, and the target is not behind")
                .detail(format!("this node ends at {end}, the target is at {}", target.course.position)),
        ),
        Way::AsItIs(Footing::Forked(fork)) => drop(
            report::info(format!(
                "node {} can follow node {} as it is",
                facts.own.node_id, target.record.node_id
            ))
            .detail(format!("this node ends at {end}, the timelines forked at {fork}")),
        ),
        Way::Rewind(_) => {}
    }
}

/// What would be done.
fn dry_run(
    ctx: &Context,
    args: &NodeRejoin,
    facts: &mut Facts,
    local: &Local,
    way: &Way,
    files: &[String],
) -> Result<()> {
    let settings = ctx.settings()?;
    if needs_recovery(local, way) {
        report::info("would first make the data directory consistent, in single-user mode");
    }
    if let Way::Rewind(_) = way {
        let program = rewind::program(ctx, args, &facts.target, local.version)?;
        if local.condition == Condition::Clean && rewind::is_settled(&mut facts.target) {
            rewind::rehearse(&program)?;
        }
        report::info("pg_rewind can do its work");
        let archive = config_files::archive(args, settings);
        for name in files {
            let to = archive.join(name);
            report::info(format!("would save \"{name}\" as \"{}\"", to.display()));
        }
        report::info(format!("would keep the WAL in \"{}\"", keep::place(settings).display()));
        report::info("would run pg_rewind").detail(format!("command: {}", program.shown()));
    }
    if let Some(slot) = attach::slot(ctx)? {
        let label = facts.target.record.label();
        report::info(format!("would use replication slot \"{slot}\" on node {label}"));
    }
    let mut message = report::info("would write these settings and start the server as a standby:");
    for line in shown(&attach::settings(ctx, &facts.target.record)?) {
        message = message.detail(line);
    }
    drop(message);
    Ok(())
}

/// A crashed standby that can follow goes on from its restart point; all else is recovered before anything
/// can be said about it.
fn needs_recovery(local: &Local, way: &Way) -> bool {
    match (local.condition, way) {
        (Condition::Clean, _) | (Condition::CrashedStandby, Way::AsItIs(_)) => false,
        (Condition::CrashedStandby, Way::Rewind(_)) | (Condition::Crashed, _) => true,
    }
}
