//! `repmgr node service`: the server's start, stop, restart, reload and promotion, by the configured commands.

use crate::cli::args::NodeService;
use crate::cli::choices::{Action as Asked, Mode as Effort, Output};
use crate::cli::table;
use crate::commands::context::Context;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::ctl::{self, Action, ServiceSettings, StopWait};
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::report;
use crate::sys::clock::Deadline;
use serde_json::json;
use std::time::Duration;

/// How long starting or promoting may take. pg_ctl gives up by itself after a minute, a service manager later.
const LONG: Duration = Duration::from_secs(10 * 60);

/// How long having the configuration read again may take.
const SHORT: Duration = Duration::from_secs(60);

/// How long a checkpoint may take: all of shared_buffers onto a slow disk.
const CHECKPOINT: Duration = Duration::from_secs(10 * 60);

/// Runs it.
///
/// # Errors
/// [`Exit::BadConfig`]: no action, no pg_ctl; [`Exit::DbConn`]: no session for the checkpoint;
/// [`Exit::LocalCommand`]: the command failed, or the server is still there after a stop.
pub fn run(ctx: &Context, args: &NodeService) -> Result<Exit> {
    let service = service_settings(ctx.settings()?);
    if args.list_actions {
        table::print(&listed(args, &service)?)?;
        return Ok(Exit::Success);
    }
    let Some(asked) = args.action else {
        return Err(Error::new(Exit::BadConfig, "\"node service\" needs to know what to do")
            .hint("give --action=start, stop, restart, reload or promote, or --list-actions"));
    };
    let action = action(asked);
    let command = ctl::service_command(action, &service)?;
    if args.checkpoint {
        match asked {
            Asked::Stop | Asked::Restart => checkpoint(ctx)?,
            Asked::Start | Asked::Reload | Asked::Promote => {
                report::warning(format!("\"--checkpoint\" has no effect with \"{}\"", action.word()));
            }
        }
    }
    match ctx.effort() {
        Effort::DryRun => {
            report::info(format!("would run: {command}"));
        }
        Effort::Apply => {
            report::info(format!("running: {command}"));
            let deadline = Deadline::after(patience(asked, ctx.settings()?));
            ctl::run_service(action, &service, deadline)
                .map_err(|e| Error { exit: Exit::LocalCommand, ..e })?;
        }
    }
    if args.output == Output::Json {
        let done = ctx.effort() == Effort::Apply;
        table::print(&table::json(&json!({ "action": action.word(), "command": command, "done": done })))?;
    }
    Ok(Exit::Success)
}

const fn action(asked: Asked) -> Action {
    match asked {
        Asked::Start => Action::Start,
        Asked::Stop => Action::Stop(StopWait::No),
        Asked::Restart => Action::Restart,
        Asked::Reload => Action::Reload,
        Asked::Promote => Action::Promote,
    }
}

/// How long an action may take. A restart stops first.
fn patience(asked: Asked, settings: &Settings) -> Duration {
    match asked {
        Asked::Stop => settings.shutdown_check_timeout,
        Asked::Restart => settings.shutdown_check_timeout + LONG,
        Asked::Start | Asked::Promote => LONG,
        Asked::Reload => SHORT,
    }
}

/// What the configuration says about the service.
#[must_use]
pub fn service_settings(settings: &Settings) -> ServiceSettings {
    ServiceSettings {
        data_directory: settings.data_directory.clone(),
        config_directory: settings.config_directory.clone(),
        pg_bindir: settings.pg_bindir.clone(),
        pg_ctl_options: settings.pg_ctl_options.clone().unwrap_or_default(),
        start: settings.service_start_command.clone(),
        stop: settings.service_stop_command.clone(),
        restart: settings.service_restart_command.clone(),
        reload: settings.service_reload_command.clone(),
        promote: settings.service_promote_command.clone(),
    }
}

/// The command of one action alone, or all of them.
fn listed(args: &NodeService, service: &ServiceSettings) -> Result<String> {
    if let Some(asked) = args.action {
        let command = ctl::service_command(action(asked), service)?;
        return Ok(match args.output {
            Output::Json => table::json(&json!({ (action(asked).word()): command })),
            Output::Text | Output::Csv => format!("{command}\n"),
        });
    }
    let commands = Action::ALL
        .into_iter()
        .map(|action| Ok((action.word(), ctl::service_command(action, service)?)))
        .collect::<Result<Vec<(&str, String)>>>()?;
    Ok(match args.output {
        Output::Json => {
            let all = commands.iter().map(|(word, command)| ((*word).to_owned(), json!(command))).collect();
            table::json(&serde_json::Value::Object(all))
        }
        Output::Text | Output::Csv => list(&commands),
    })
}

fn list(commands: &[(&str, String)]) -> String {
    let lines: String =
        commands.iter().map(|(word, command)| format!("{word:>9}: \"{command}\"\n")).collect();
    format!("Following commands would be executed for each action:\n\n{lines}\n")
}

/// Has the server write out what it holds, so that the stop itself is short. What hinders it only lengthens the stop.
fn checkpoint(ctx: &Context) -> Result<()> {
    let conninfo = ctx.superuser(&ctx.own_conninfo()?);
    let label = ctx.label()?;
    let mut s = ctx.connect(&conninfo, &format!("local node {label}"))?;
    let may = may_checkpoint(&mut s)
        .map_err(|e| e.into_error(Exit::DbQuery, "unable to read the privileges of this role"))?;
    match (may, ctx.effort()) {
        (false, effort) => {
            let (would, is) = ("would leave the CHECKPOINT out:", "no CHECKPOINT:");
            let words = if effort == Effort::DryRun { would } else { is };
            report::warning(format!("{words} this role has no right to it")).hint(
                "name a superuser with -S/--superuser; from PostgreSQL 15 on membership in pg_checkpoint is enough",
            );
        }
        (true, Effort::DryRun) => {
            report::info(format!("would run CHECKPOINT on node {label}"));
        }
        (true, Effort::Apply) => {
            report::notice(format!("CHECKPOINT on node {label}"));
            s.set_limit(CHECKPOINT);
            if let Err(e) = s.batch("CHECKPOINT") {
                report::warning("the CHECKPOINT failed").detail(e.to_string());
            }
        }
    }
    Ok(())
}

fn may_checkpoint(s: &mut Session) -> Result<bool, PgError> {
    if server::is_superuser(s)? {
        return Ok(true);
    }
    let sql = "SELECT pg_catalog.count(*) > 0 FROM pg_catalog.pg_roles
        WHERE rolname = 'pg_checkpoint' AND pg_catalog.pg_has_role(oid, 'USAGE')";
    Ok(s.query_opt(sql, &[])?.is_some_and(|row| row.get(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_laid_out_as_the_original_lays_it_out() {
        let commands = [("start", "a -D 'b' start".to_owned()), ("restart", "c".to_owned())];
        assert_eq!(
            list(&commands),
            "Following commands would be executed for each action:\n\n    start: \"a -D 'b' start\"\n  restart: \"c\"\n\n"
        );
    }
}
