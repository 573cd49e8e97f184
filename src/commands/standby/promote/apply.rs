//! The promotion itself. Each step may be done again.

use super::facts::Facts;
use super::plan::{Plan, Way};
use super::siblings::siblings_follow;
use crate::commands::context::Context;
use crate::commands::journal::Journal;
use crate::commands::node::service::service_settings;
use crate::commands::notify::{self, Happening};
use crate::commands::registration::failed;
use crate::commands::vip;
use crate::domain::node::{NodeRecord, Recovery, Role};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::ctl::{self, Action};
use crate::pg::metadata::{self, Event};
use crate::pg::server;
use crate::pg::session::{Failure, PgError, Session};
use crate::report;
use crate::sys::clock::{self, Deadline};
use crate::sys::parallel::in_parallel;
use std::time::Duration;

/// The first wait between two looks at a server that is being promoted; each is twice as long, up to
/// promote_check_interval. Most promotions take less than promote_check_interval's second.
const FIRST_LOOK: Duration = Duration::from_millis(20);

/// How long we wait for a checkpoint; it goes on without us.
const CHECKPOINT: Duration = Duration::from_secs(5);

const EVENT: &str = "standby_promote";

/// Carries the plan out, beginning where the journal says.
///
/// # Errors
/// [`Exit::Promotion`]; [`Exit::DbConn`], [`Exit::DbQuery`] when the record cannot be written: then this
/// server is the primary, and running the command again writes it.
pub fn apply(ctx: &Context, mut journal: Journal, plan: &Plan, facts: Facts) -> Result<Exit> {
    let Facts { session: mut s, others, .. } = facts;
    let label = plan.own.label();
    journal.step("promote")?;
    if let Err(why) = promote_server(ctx, &mut s, &plan.own, &plan.way) {
        let details = format!("unable to promote node {label}");
        notify::event(ctx, None, &Happening::new(plan.own.node_id, EVENT).details(details).failed());
        return Err(why.hint("run the command again: it goes on where this one stopped"));
    }
    // From here on the others see a primary: their promotions need no lock to be refused.
    drop(others);
    journal.step("record")?;
    let details = format!("node {label} is the primary now");
    let stamp = record(&mut s, &plan.own, EVENT, &details).map_err(|why| {
        why.hint("this server is the primary now; run the command again to enter it as such")
    })?;
    report::notice("standby promote complete").detail(details.as_str());
    // Only a server that has just written its record has the address.
    journal.step("address")?;
    vip::arrive(ctx);
    journal.step("announce")?;
    let happening = Happening::new(plan.own.node_id, EVENT).details(details);
    notify::announce(ctx, &happening, stamp.as_deref());
    journal.step("followers")?;
    // pg_rewind of the old primary looks at this server's last checkpoint.
    let mut tasks = vec![Task::Checkpoint];
    tasks.extend((!plan.followers.is_empty()).then_some(Task::Followers));
    in_parallel(tasks, |task| match task {
        Task::Checkpoint => checkpoint(ctx),
        Task::Followers => drop(siblings_follow(ctx, &plan.followers, &plan.own)),
    });
    journal.done()?;
    Ok(Exit::Success)
}

enum Task {
    Checkpoint,
    Followers,
}

/// Makes this server a primary, and waits until it is one; one that is already is left alone. `s` is a
/// session on it, replaced when the promotion ended it.
///
/// # Errors
/// [`Exit::Promotion`]: the command failed, or promote_check_timeout passed.
pub fn promote_server(ctx: &Context, s: &mut Session, own: &NodeRecord, way: &Way) -> Result<()> {
    let settings = ctx.settings()?;
    if matches!(server::recovery(s), Ok(Recovery::Primary)) {
        return Ok(());
    }
    let by = match way {
        Way::Function => "pg_promote()".to_owned(),
        Way::Command(line) | Way::PgCtl(line) => format!("\"{line}\""),
    };
    report::notice(format!("promoting node {}", own.label())).detail(format!("by {by}"));
    let patience = settings.promote_check_timeout;
    let deadline = Deadline::after(patience);
    let asked = match way {
        Way::Function => call_promote(s),
        Way::Command(_) | Way::PgCtl(_) => {
            ctl::run_service(Action::Promote, &service_settings(settings), deadline).map(drop)
        }
    };
    // What the command said counts less than what the server is.
    let asked = match asked {
        Err(why) if is_primary(ctx, s) => {
            report::setback(&why);
            Ok(())
        }
        asked => asked,
    };
    asked.map_err(|why| Error { exit: Exit::Promotion, ..why })?;
    report::notice("waiting until the server takes writes")
        .detail(format!("for at most {} seconds (\"promote_check_timeout\")", patience.as_secs()));
    let mut step = FIRST_LOOK.min(settings.promote_check_interval);
    loop {
        if is_primary(ctx, s) {
            return Ok(());
        }
        if deadline.passed() {
            break;
        }
        clock::pause(step.min(deadline.left()));
        step = (step * 2).min(settings.promote_check_interval);
    }
    Err(Error::new(Exit::Promotion, "the server was not promoted in time")
        .detail(format!("after {} seconds (\"promote_check_timeout\") it is in recovery", patience.as_secs()))
        .hint("it may still become a primary; look at PostgreSQL's log and at \"repmgr cluster show\""))
}

fn call_promote(s: &mut Session) -> Result<()> {
    let what = "pg_promote() failed";
    let row = s
        .query_opt("SELECT pg_catalog.pg_promote(false)", &[])
        .map_err(|e| e.into_error(Exit::Promotion, what))?;
    match row.is_some_and(|row| row.get(0)) {
        true => Ok(()),
        false => Err(Error::new(Exit::Promotion, what).detail("the server could not be told")),
    }
}

/// Whether it is a primary by now. A server that does not answer is not, as far as we know.
fn is_primary(ctx: &Context, s: &mut Session) -> bool {
    if !s.is_usable()
        && let Ok(fresh) = ctx.local()
    {
        *s = fresh;
    }
    matches!(server::recovery(s), Ok(Recovery::Primary))
}

/// Enters `own` as the active primary, every other primary as inactive, and the event, in one transaction.
/// A record that says so already is left alone, event included. Returns the event's time, where it was
/// written.
///
/// # Errors
/// [`Exit::DbConn`], [`Exit::DbQuery`].
pub fn record(s: &mut Session, own: &NodeRecord, event: &str, details: &str) -> Result<Option<String>> {
    let what = "unable to write the record of the new primary";
    let row = Event {
        node_id: own.node_id,
        event: event.to_owned(),
        successful: true,
        details: Some(details.to_owned()),
    };
    let unable = |e: PgError| {
        let gone = e.is(Failure::Lost) || e.is(Failure::TimedOut);
        if gone { e.into_error(Exit::DbConn, what) } else { failed(e, what) }
    };
    s.transaction(|s| {
        // A standby's synchronous_standby_names is that of the old primary: nobody may be there to confirm.
        s.batch("SET LOCAL synchronous_commit = local")?;
        metadata::lock_nodes(s)?;
        let stands = metadata::all_nodes(s)?.iter().all(|n| {
            if n.node_id == own.node_id {
                n.role == Role::Primary && n.active && n.upstream_node_id.is_none()
            } else {
                !(n.role == Role::Primary && n.active)
            }
        });
        if stands {
            return Ok(None);
        }
        metadata::become_primary(s, own.node_id)?;
        s.batch("SAVEPOINT event")?;
        match metadata::record_event(s, &row) {
            Ok(recorded) => Ok(Some(recorded.timestamp)),
            Err(e) if s.is_usable() => {
                report::warning(format!("unable to record event \"{event}\"")).detail(e.to_string());
                s.batch("ROLLBACK TO SAVEPOINT event")?;
                Ok(None)
            }
            Err(e) => Err(e),
        }
    })
    .map_err(unable)
}

/// Asks for a checkpoint, where this role may, and waits a moment for it.
pub fn checkpoint(ctx: &Context) {
    let asked = ctx.own_conninfo().map(|own| ctx.superuser(&own)).and_then(|own| {
        let mut s = ctx.connect(&own, "this server")?;
        s.set_limit(CHECKPOINT);
        Ok(s.batch("CHECKPOINT"))
    });
    match asked {
        Ok(Ok(())) => {}
        Ok(Err(e)) if e.is(Failure::TimedOut) || e.has_sqlstate("57014") => {
            report::info("a checkpoint goes on in the background")
                .hint("pg_rewind of the old primary needs it to be complete");
        }
        Ok(Err(e)) => {
            report::info("no checkpoint could be asked for").detail(e.to_string());
        }
        Err(why) => report::setback(&why),
    }
}
