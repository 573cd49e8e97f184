//! `cluster cleanup`: deletes old rows of repmgr.monitoring_history.

use crate::cli::args::ClusterCleanup;
use crate::cli::choices::Mode as Effort;
use crate::commands::context::Context;
use crate::commands::notify::{self, Happening};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata;
use crate::pg::session::PgError;
use crate::report;
use std::time::Duration;

/// Deleting and vacuuming years of history takes longer than other queries may.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Runs it.
///
/// # Errors
/// [`Exit::BadConfig`], [`Exit::DbConn`], [`Exit::DbQuery`].
pub fn run(ctx: &Context, args: &ClusterCleanup) -> Result<Exit> {
    let days = i32::try_from(args.keep_history.unwrap_or(0))
        .map_err(|_| Error::new(Exit::BadConfig, "the number of days for -k/--keep-history is too large"))?;
    let failed = |e: PgError| e.into_error(Exit::DbQuery, "unable to clean up the monitoring history");
    let mut local = ctx.local()?;
    metadata::require(&mut local)?;
    report::info("looking for the primary");
    let (mut primary, _) = ctx.primary(&mut local)?;
    let node = ctx.general.node_id;
    if let Some(id) = node
        && metadata::node(&mut primary, id).map_err(failed)?.is_none()
    {
        return Err(Error::new(
            Exit::BadConfig,
            format!("node {id} (given with --node-id) is not registered"),
        )
        .hint("\"repmgr cluster show\" lists the registered nodes"));
    }
    primary.set_limit(PATIENCE);
    let count = metadata::count_history(&mut primary, days, node).map_err(failed)?;
    if count == 0 {
        report::info("monitoring history: nothing to delete");
        return Ok(Exit::Success);
    }
    if ctx.effort() == Effort::DryRun {
        report::info(format!("monitoring history: would delete {count} record(s)"));
        return Ok(Exit::Success);
    }
    report::info(format!("monitoring history: deleting {count} record(s)"));
    let gone = match metadata::delete_history(&mut primary, days, node) {
        Ok(gone) => gone,
        Err(e) => {
            let happening = Happening::new(ctx.node_id()?, "cluster_cleanup").failed().details(e.to_string());
            notify::event(ctx, Some(&mut primary), &happening);
            return Err(failed(e));
        }
    };
    let vacuum = if gone > 0 { metadata::vacuum_history(&mut primary) } else { Ok(()) };
    if let Err(e) = vacuum {
        report::warning("unable to vacuum repmgr.monitoring_history")
            .detail(e.to_string())
            .hint("the records are deleted; autovacuum, or VACUUM by hand, makes their room usable again");
    }
    let kept = if days > 0 { format!("; the last {days} day(s) kept") } else { String::new() };
    let text = format!("monitoring history deleted: {gone} record(s){kept}");
    report::notice(&text);
    // The VACUUM may have cost us the session.
    let mut again =
        if primary.is_usable() { Some(primary) } else { ctx.primary(&mut local).ok().map(|(s, _)| s) };
    notify::event(ctx, again.as_mut(), &Happening::new(ctx.node_id()?, "cluster_cleanup").details(text));
    Ok(Exit::Success)
}
