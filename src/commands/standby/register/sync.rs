//! `--wait-sync`: until the record has arrived on the standby.

use crate::cli::choices::WaitSync;
use crate::commands::context::Context;
use crate::commands::notify::{self, Happening};
use crate::commands::registration::{about, failed};
use crate::domain::node::NodeRecord;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::metadata;
use crate::pg::session::Session;
use crate::report;
use crate::sys::clock::{self, Deadline};
use std::time::Duration;

/// Between two looks.
const STEP: Duration = Duration::from_millis(200);

/// The longest that one look may take: a standby that hangs must not hold us beyond the user's limit by more.
const ONE_LOOK: Duration = Duration::from_secs(5);

/// Waits until every field of the record on the standby is as on the primary, and writes the event
/// `standby_register_sync`.
///
/// # Errors
/// [`Exit::RegistrationSync`]: it is not in time, or the primary has no such record.
pub fn wait_for_record(
    ctx: &Context,
    wait: WaitSync,
    local: &mut Session,
    primary: &mut Session,
    primary_record: &NodeRecord,
    record: &NodeRecord,
) -> Result<()> {
    let id = record.node_id;
    let wanted = metadata::node(primary, id)
        .map_err(|e| Error {
            exit: Exit::RegistrationSync,
            ..failed(e, "unable to read the node record from the primary")
        })?
        .ok_or_else(|| {
            Error::new(Exit::RegistrationSync, "the node record is not on the primary any more")
        })?;
    let began = clock::now();
    let arrived = wait_until(ctx, wait, local, &wanted);
    let event = |text: &str| about(Happening::new(id, "standby_register_sync").details(text), primary_record);
    if arrived {
        let text = format!("the record arrived after {} s", clock::now().since(began).as_secs());
        notify::event(ctx, Some(primary), &event(&text));
        report::info("the standby has its record from the primary").detail(text);
        return Ok(());
    }
    let seconds = match wait {
        WaitSync::UpTo(limit) => limit.as_secs(),
        WaitSync::Forever => clock::now().since(began).as_secs(),
    };
    let text = format!("the record has not arrived on the standby within {seconds} s");
    notify::event(ctx, Some(primary), &event(&text).failed());
    Err(Error::new(Exit::RegistrationSync, text)
        .detail("the primary has it: the node is registered")
        .hint("check that the standby streams and replays: \"repmgr node status\", pg_stat_wal_receiver"))
}

/// False: the time is over.
fn wait_until(ctx: &Context, wait: WaitSync, local: &mut Session, wanted: &NodeRecord) -> bool {
    let deadline = match wait {
        WaitSync::UpTo(limit) => Some(Deadline::after(limit)),
        WaitSync::Forever => None,
    };
    loop {
        let left = deadline.map_or(ONE_LOOK, Deadline::left);
        local.set_limit(left.clamp(STEP, ONE_LOOK));
        if look(ctx, local, wanted) {
            return true;
        }
        if deadline.is_some_and(Deadline::passed) {
            return false;
        }
        clock::pause(deadline.map_or(STEP, |d| STEP.min(d.left())));
    }
}

/// A standby that restarts meanwhile is connected to anew.
fn look(ctx: &Context, local: &mut Session, wanted: &NodeRecord) -> bool {
    if !local.is_usable() {
        let Ok(again) = ctx.local() else { return false };
        *local = again;
    }
    matches!(metadata::node(local, wanted.node_id), Ok(Some(seen)) if seen == *wanted)
}
