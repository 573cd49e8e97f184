//! `repmgr node check`: is this node well? Every finding by itself, or all of them.

mod connection;
mod evaluate;
mod gather;
mod render;
#[cfg(test)]
mod tests;

use crate::cli::args::NodeCheck;
use crate::cli::choices::{Check, CheckOutput};
use crate::cli::table;
use crate::commands::context::Context;
use crate::error::{Error, Result};
use crate::exit::Exit;
use evaluate::Finding;
use gather::{BESIDE, LIST, Look};
use serde_json::json;

/// Runs it.
///
/// # Errors
/// [`Exit::BadConfig`], [`Exit::DbConn`], [`Exit::DbQuery`]: nothing could be found out. What was found is not an
/// error but the exit code: 0 to 3 of a single check, [`Exit::NodeStatus`] of the list.
pub fn run(ctx: &Context, args: &NodeCheck) -> Result<Exit> {
    match args.check {
        Some(Check::HasPassfile) => has_passfile(ctx, args.output),
        Some(Check::ReplicationConnection) => replication_connection(ctx, args),
        Some(check) => {
            fits(check, args.output)?;
            single(ctx, check, args.output)
        }
        None => list(ctx, args.output),
    }
}

/// Refuses an output that a check does not have.
fn fits(check: Check, output: CheckOutput) -> Result<()> {
    let refuse = |option: &str, why: &str| {
        Err(Error::new(Exit::BadConfig, format!("\"{option}\" {why}"))
            .hint("see \"repmgr node check --help\""))
    };
    match (check, output) {
        (Check::ReplicationConfigOwner, CheckOutput::Text | CheckOutput::Nagios | CheckOutput::Csv) => {
            refuse("--replication-config-owner", "goes only with \"--optformat\" or \"--json\"")
        }
        (_, CheckOutput::Nagios) if render::service(check).is_none() => {
            refuse("--nagios", "does not go with this check")
        }
        (_, CheckOutput::Csv) => refuse("--csv", "does not go with a single check"),
        (_, CheckOutput::Text | CheckOutput::Nagios | CheckOutput::OptFormat | CheckOutput::Json) => Ok(()),
    }
}

fn single(ctx: &Context, check: Check, output: CheckOutput) -> Result<Exit> {
    let finding = match check {
        Check::DbConnection => connection::db_connection(ctx)?,
        Check::Role
        | Check::ReplicationLag
        | Check::ArchiveReady
        | Check::Upstream
        | Check::Downstream
        | Check::Slots
        | Check::MissingSlots
        | Check::Repmgrd
        | Check::DataDirectoryConfig
        | Check::ReplicationConfigOwner
        | Check::HasPassfile
        | Check::ReplicationConnection => open(ctx, output)?.check(check)?,
    };
    table::print(&match output {
        CheckOutput::Text | CheckOutput::Csv => render::single_text(&finding),
        CheckOutput::Nagios => render::nagios(&finding),
        CheckOutput::OptFormat => render::optformat(&finding),
        CheckOutput::Json => table::json(&render::json(&finding)),
    })?;
    Ok(finding.status.exit())
}

fn list(ctx: &Context, output: CheckOutput) -> Result<Exit> {
    let mut look = open(ctx, output)?;
    let findings = LIST.iter().map(|check| look.check(*check)).collect::<Result<Vec<Finding>>>()?;
    let beside = match output {
        CheckOutput::Json => {
            BESIDE.iter().map(|check| look.check(*check)).collect::<Result<Vec<Finding>>>()?
        }
        CheckOutput::Text | CheckOutput::Csv | CheckOutput::Nagios | CheckOutput::OptFormat => Vec::new(),
    };
    let record = &look.record;
    table::print(&match output {
        CheckOutput::Text | CheckOutput::Nagios => render::list(record, &findings),
        CheckOutput::Csv => render::csv(record, &findings),
        CheckOutput::OptFormat => render::optformat_list(record, &findings),
        CheckOutput::Json => table::json(&render::json_list(record, &findings, &beside)),
    })?;
    if let Some(unreachable) = look.unreachable {
        return Err(unreachable);
    }
    Ok(if render::all_ok(&findings) { Exit::Success } else { Exit::NodeStatus })
}

/// Connects. A program of another node that asked with `--optformat` is told on stdout why that failed.
fn open(ctx: &Context, output: CheckOutput) -> Result<Look<'_>> {
    let told = |error: Error| {
        let word = if error.exit == Exit::DbConn {
            Some("DB_CONNECTION")
        } else {
            ctx.own_conninfo().is_err().then_some("CONNINFO_PARSE")
        };
        match word.filter(|_| output == CheckOutput::OptFormat) {
            Some(word) => table::print(&format!("--error={word}\n")).map_or_else(|e| e, |()| error),
            None => error,
        }
    };
    Look::open(ctx, output).map_err(told)
}

/// 0: passwords may come from a password file. That libpq could not was possible before version 10; this program can.
fn has_passfile(ctx: &Context, output: CheckOutput) -> Result<Exit> {
    if output == CheckOutput::Json {
        let file = connection::passfile(ctx);
        let there = file.as_ref().is_some_and(|file| file.is_file());
        table::print(&table::json(&json!({ "check": "has-passfile", "passfile": file, "exists": there })))?;
    }
    Ok(Exit::Success)
}

fn replication_connection(ctx: &Context, args: &NodeCheck) -> Result<Exit> {
    let found = connection::replication_connection(ctx, args)?.word();
    table::print(&match args.output {
        CheckOutput::Json => table::json(&json!({ "check": "replication-connection", "connection": found })),
        CheckOutput::Text | CheckOutput::Csv | CheckOutput::Nagios | CheckOutput::OptFormat => {
            format!("--connection={found}\n")
        }
    })?;
    Ok(Exit::Success)
}
