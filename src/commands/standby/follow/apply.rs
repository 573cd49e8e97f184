//! The change of the upstream. Each step may be done again.

use super::COMMAND;
use super::facts::Facts;
use crate::commands::context::Context;
use crate::commands::follow_attach::{self, Made, Run};
use crate::commands::journal::Journal;
use crate::commands::node::service::service_settings;
use crate::commands::notify::{self, Happening};
use crate::domain::node::NodeRecord;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::ctl::{self, Action};
use crate::pg::standby_config;
use crate::report;
use crate::sys::clock::{self, Deadline};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const EVENT: &str = "standby_follow";

/// How long having the configuration read again may take.
const RELOAD: Duration = Duration::from_mins(1);

/// How long a restart may take besides the stop: a service manager gives up later than pg_ctl.
const RESTART: Duration = Duration::from_mins(10);

/// How long a reload may need until the old connection is given up.
const SETTLE: Duration = Duration::from_millis(100);

/// What the journal keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    target: i32,
    /// Nodes that may hold a slot of ours which is of no use any more.
    left: Vec<i32>,
}

/// Carries it out.
///
/// # Errors
/// See [`super::run`].
pub fn apply(ctx: &Context, mut facts: Facts) -> Result<Exit> {
    let target = facts.target.record.clone();
    let mut noted = Noted { target: target.node_id.0, left: Vec::new() };
    noted.left.extend(facts.own.upstream_node_id.map(|id| id.0));
    let mut journal = Journal::begin(ctx, COMMAND, &noted)?;
    if let Some(earlier) = journal.earlier() {
        let before: Noted = earlier.facts()?;
        noted.left.extend(before.left);
        noted.left.push(before.target);
    }
    noted.left.sort_unstable();
    noted.left.dedup();
    noted.left.retain(|id| *id != target.node_id.0);
    journal.note(&noted)?;
    report::notice(format!("attaching node {} to node {}", facts.own.label(), target.label()));
    let done = change(ctx, &mut journal, &mut facts, &noted);
    let details = match &done {
        Ok(stamp) => {
            let details = success(&target);
            announce(
                ctx,
                &mut facts,
                &Happening::new(target.node_id, EVENT).details(details.as_str()),
                stamp.as_deref(),
            );
            details
        }
        Err(why) => {
            let details = format!("unable to follow node {}: {}", target.label(), why.message);
            announce(
                ctx,
                &mut facts,
                &Happening::new(target.node_id, EVENT).details(details.as_str()).failed(),
                None,
            );
            details
        }
    };
    // A failure has been told; what stands is seen by whoever comes next.
    journal.done()?;
    done?;
    report::notice("standby follow complete").detail(details);
    Ok(Exit::Success)
}

fn success(target: &NodeRecord) -> String {
    format!("attached to node {}", target.label())
}

/// Returns the time of the event, which stands in the table.
fn change(ctx: &Context, journal: &mut Journal, facts: &mut Facts, noted: &Noted) -> Result<Option<String>> {
    let settings = ctx.settings()?;
    let target = facts.target.record.clone();
    let slot = follow_attach::slot(ctx)?;
    let mut made = Made::Before;
    if let Some(slot) = &slot {
        journal.step("slot")?;
        made = follow_attach::make_slot(&mut facts.target, slot)?;
    }
    journal.step("settings")?;
    let wanted = follow_attach::settings(ctx, &target)?;
    if let Err(why) = standby_config::point(&settings.data_directory, facts.version, &wanted) {
        if let (Some(slot), Made::Now) = (&slot, made) {
            follow_attach::drop_slot(ctx, &target, slot);
        }
        return Err(why);
    }
    journal.step("restart or reload")?;
    take_effect(ctx, facts)?;
    journal.step("attach")?;
    follow_attach::wait_attached(&mut facts.target, &settings.node_name, settings.standby_follow_timeout)?;
    journal.step("record")?;
    let run = if journal.earlier().is_some() { Run::Again } else { Run::First };
    let own = facts.own.node_id;
    let (_, primary) = facts.primary();
    let stamp = follow_attach::enter(primary, own, target.node_id, EVENT, &success(&target), run)?;
    journal.step("old slot")?;
    if let Some(slot) = &slot {
        for node in facts.nodes.iter().filter(|n| noted.left.contains(&n.node_id.0)) {
            follow_attach::drop_slot(ctx, node, slot);
        }
    }
    Ok(stamp)
}

/// Has the server take the new settings.
fn take_effect(ctx: &Context, facts: &mut Facts) -> Result<()> {
    let settings = ctx.settings()?;
    let service = service_settings(settings);
    if !facts.version.follows_by_reload() || settings.standby_follow_restart {
        report::notice("restarting the server for its new upstream");
        let deadline = Deadline::after(settings.shutdown_check_timeout + RESTART);
        ctl::run_service(Action::Restart, &service, deadline)?;
        facts.local = ctx.local().map_err(|why| Error { exit: Exit::NoRestart, ..why })?;
        return Ok(());
    }
    let by_command = service.configured(Action::Reload).is_some();
    let asked = !by_command && facts.local.batch("SELECT pg_catalog.pg_reload_conf()").is_ok();
    if !asked {
        ctl::run_service(Action::Reload, &service, Deadline::after(RELOAD))
            .map_err(|why| Error { exit: Exit::NoRestart, ..why })?;
    }
    // A walsender of the same name may still be the one from before.
    clock::pause(SETTLE);
    Ok(())
}

/// The row of a failure is written here; that of a success stands already.
fn announce(ctx: &Context, facts: &mut Facts, happening: &Happening, stamp: Option<&str>) {
    let own = facts.own.node_id;
    let (record, session) = facts.primary();
    let mut happening = happening.clone().about(record.node_id, &record.node_name, record.shown_conninfo());
    happening.node_id = own;
    if happening.successful {
        notify::announce(ctx, &happening, stamp);
    } else {
        notify::event(ctx, Some(session).filter(|s| s.is_usable()), &happening);
    }
}
