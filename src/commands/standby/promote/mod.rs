//! `repmgr standby promote`

mod apply;
mod facts;
mod plan;
mod siblings;

pub use apply::{checkpoint, promote_server, record};
pub use facts::{Seen, look_around, way};
pub use plan::Way;
pub use siblings::{check_siblings, siblings_follow};

use crate::cli::args::StandbyPromote;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::commands::journal::{self, Journal};
use crate::commands::vip;
use crate::domain::node::Recovery;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report;
use facts::{Facts, Followers};
use plan::{Noted, Plan};

/// The command's words, by which its journal knows it.
const COMMAND: &str = "standby promote";

/// Commands whose remains a promotion makes void.
const WEAKER: [&str; 1] = ["standby follow"];

/// Runs `standby promote`.
///
/// # Errors
/// [`Exit::Promotion`]: refused, with nothing changed, or the server did not become a primary in time;
/// [`Exit::Ssh`]: a sibling that is to follow cannot be reached; [`Exit::DbConn`], [`Exit::DbQuery`].
pub fn run(ctx: &Context, args: &StandbyPromote) -> Result<Exit> {
    let earlier = match ctx.effort() {
        Effort::Apply => journal::unfinished_run(ctx)?,
        Effort::DryRun => journal::rehearse(ctx, COMMAND)?,
    };
    let earlier = earlier.filter(|earlier| earlier.command == COMMAND && !earlier.untouched());
    let noted = earlier.map(|earlier| earlier.facts::<Noted>()).transpose()?;
    let wanted = args.siblings_follow || noted.as_ref().is_some_and(|noted| !noted.followers.is_empty());
    let mut facts = facts::gather(ctx, if wanted { Followers::Siblings } else { Followers::None })?;
    let plan = match (facts.recovery, &noted) {
        (Recovery::Standby, None) => plan::plan(&facts)?,
        (Recovery::Standby, Some(noted)) => match plan::plan(&facts) {
            Err(_) if noted.server_start != facts.server_start => return void(ctx, &facts),
            plan => plan.map_err(still_pending)?,
        },
        (Recovery::Primary, Some(noted)) => {
            facts.no_other_primary()?;
            plan::resumed(&facts, noted)
        }
        (Recovery::Primary, None) => return Err(facts.not_a_standby()),
    };
    if ctx.effort() == Effort::DryRun {
        if facts.recovery == Recovery::Standby {
            report::info(format!("node {} is a standby", plan.own.label()));
            report::info("no node that can be reached runs as a primary");
        }
        plan.tell(Effort::DryRun);
        vip::foresee(ctx);
        report::info("every check for \"standby promote\" passed");
        return Ok(Exit::Success);
    }
    let journal = begin(ctx, &plan)?;
    if facts.recovery == Recovery::Standby
        && let Err(why) = facts.keep_others_out()
    {
        if journal.earlier().is_some() {
            return Err(still_pending(why));
        }
        journal.done()?;
        return Err(why);
    }
    plan.tell(Effort::Apply);
    apply::apply(ctx, journal, &plan, facts)
}

/// An earlier run was stopped when it promoted the server, which has been restarted since: nothing of it is
/// left, and a promotion is out of place now.
fn void(ctx: &Context, facts: &Facts) -> Result<Exit> {
    let refused = plan::plan(facts).map(|plan| plan.tell(ctx.effort()));
    if ctx.effort() == Effort::Apply {
        Journal::begin(ctx, COMMAND, &())?.done()?;
        report::notice(
            "an earlier promotion of this server was cut off and is void, the server was restarted",
        );
    }
    refused.map(|()| Exit::Success)
}

fn begin(ctx: &Context, plan: &Plan) -> Result<Journal> {
    let mut journal = Journal::begin_over(ctx, COMMAND, &plan.noted(), &WEAKER)
        .map_err(|why| Error { exit: Exit::Promotion, ..why })?;
    if journal.earlier().is_some() {
        journal.note(&plan.noted())?;
    }
    Ok(journal)
}

/// The earlier run may have asked the server already, and nothing takes that back but its restart.
fn still_pending(why: Error) -> Error {
    why.detail("an earlier run was stopped when it promoted this server, which may still become a primary").hint(
        "if this node is to stay a standby, restart its server first: that ends a promotion that was asked for",
    )
}
