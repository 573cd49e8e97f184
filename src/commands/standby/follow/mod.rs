//! `repmgr standby follow`

mod apply;
mod facts;

use crate::cli::args::StandbyFollow;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::commands::follow_attach;
use crate::commands::follow_footing::Footing;
use crate::commands::journal;
use crate::error::Result;
use crate::exit::Exit;
use crate::report;
use facts::Facts;

/// The command's words, by which its journal knows it.
const COMMAND: &str = "standby follow";

/// Runs `standby follow`.
///
/// # Errors
/// [`Exit::BadConfig`]: this server is no standby, or the target is none that can be followed; [`Exit::DbConn`]:
/// this node, the target or the primary cannot be reached; [`Exit::Follow`]: it cannot follow, or did not
/// attach in time; [`Exit::NoRestart`]: it could not be restarted or reloaded.
pub fn run(ctx: &Context, args: &StandbyFollow) -> Result<Exit> {
    if ctx.effort() == Effort::DryRun {
        journal::rehearse(ctx, COMMAND)?;
    }
    let mut facts = facts::gather(ctx, args)?;
    check(ctx, &mut facts)?;
    match ctx.effort() {
        Effort::DryRun => {
            facts.tell(ctx)?;
            report::info("every check for \"standby follow\" passed");
            Ok(Exit::Success)
        }
        Effort::Apply => apply::apply(ctx, facts),
    }
}

/// Whether this node can follow, with room for it there.
fn check(ctx: &Context, facts: &mut Facts) -> Result<()> {
    let dry = ctx.effort() == Effort::DryRun;
    let label = facts.target.record.label();
    if dry {
        report::info(format!("node {label} takes replication connections"));
    }
    let footing = facts::footing(facts)?;
    let (own, target) = (&facts.course, &facts.target.course);
    if dry {
        report::info("both servers belong to one cluster")
            .detail(format!("system identifier: {}", own.system));
    }
    match footing {
        Footing::SameTimeline => {
            drop(report::info(format!("both servers are on timeline {}", own.timeline)).detail(format!(
                "this node's WAL ends at {}, that of node {label} at {}",
                own.position, target.position
            )))
        }
        Footing::Forked(fork) => drop(
            report::info(format!(
                "timeline {} of node {label} goes on from this node's timeline {}",
                target.timeline, own.timeline
            ))
            .detail(format!("it forked off at {fork}, this node's WAL ends at {}", own.position)),
        ),
    }
    let slot = follow_attach::slot(ctx)?;
    follow_attach::check_room(&mut facts.target, &facts.own.node_name, slot.as_deref())
}
