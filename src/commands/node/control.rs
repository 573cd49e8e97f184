//! `repmgr node control`: the WAL receiver of this standby off and on. For other commands; every step may be
//! done again.

use crate::cli::args::NodeControl;
use crate::commands::context::Context;
use crate::domain::node::Recovery;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::server;
use crate::pg::session::{PgError, Session};
use crate::pg::walreceiver::{self, DAY, SETTING};
use crate::report;
use crate::sys::clock::{self, Deadline};
use std::time::Duration;

/// How long the WAL receiver may take to end for good, and to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long none may have been seen before it counts as ended for good: the startup process looks about it
/// when one ends, and every five seconds.
const SETTLED: Duration = Duration::from_secs(6);

/// Between two looks.
const STEP: Duration = Duration::from_millis(100);

/// Runs it.
///
/// # Errors
/// [`Exit::BadConfig`]: nothing was asked for, the server is no standby, this role may not do it, or the WAL
/// receiver does not end or does not start; [`Exit::DbConn`]: no session; [`Exit::DbQuery`]: a query failed.
pub fn run(ctx: &Context, args: &NodeControl) -> Result<Exit> {
    if !args.disable_wal_receiver && !args.enable_wal_receiver {
        return Err(Error::new(Exit::BadConfig, "\"node control\" needs to know what to do")
            .hint("give --disable-wal-receiver or --enable-wal-receiver"));
    }
    let conninfo = ctx.superuser(&ctx.own_conninfo()?);
    let mut s = ctx.connect(&conninfo, &format!("local node {}", ctx.label()?))?;
    check(&mut s)?;
    if args.disable_wal_receiver {
        disable(ctx, &mut s)?
    } else {
        enable(&mut s)?
    }
    Ok(Exit::Success)
}

fn unable(e: PgError) -> Error {
    e.into_error(Exit::DbQuery, "unable to control the WAL receiver")
}

fn check(s: &mut Session) -> Result<()> {
    if server::recovery(s).map_err(unable)? == Recovery::Primary {
        return Err(Error::new(Exit::BadConfig, "node is not in recovery")
            .detail("only a standby has a WAL receiver"));
    }
    if server::is_superuser(s).map_err(unable)? {
        return Ok(());
    }
    Err(Error::new(Exit::BadConfig, "this role is not a superuser")
        .detail(format!("ALTER SYSTEM is needed to change \"{SETTING}\""))
        .hint("name a superuser with -S/--superuser"))
}

fn disable(ctx: &Context, s: &mut Session) -> Result<()> {
    let interval = walreceiver::interval(s).map_err(unable)?;
    if interval.current < DAY {
        let longer = interval.undisturbed().unwrap_or(interval.current) + DAY;
        report::notice(format!("setting \"{SETTING}\" to {longer} ms"));
        walreceiver::set_interval(s, Some(longer)).map_err(unable)?;
        in_force(s, |current| current >= DAY)?;
    }
    let data_directory = &ctx.settings()?.data_directory;
    let deadline = Deadline::after(PATIENCE);
    let mut ended = None;
    let mut quiet = Deadline::after(SETTLED);
    while !quiet.passed() {
        if let Some(pid) = walreceiver::pid(s).map_err(unable)? {
            if deadline.passed() {
                return Err(Error::new(
                    Exit::BadConfig,
                    format!("the WAL receiver (process {pid}) still runs"),
                )
                .hint("run the same command again"));
            }
            if ended != Some(pid) {
                report::notice(format!("ending the WAL receiver (process {pid})"));
                walreceiver::end(data_directory, pid)?;
                ended = Some(pid);
            }
            quiet = Deadline::after(SETTLED);
        }
        clock::pause(STEP);
    }
    report::info("the WAL receiver is disabled");
    Ok(())
}

fn enable(s: &mut Session) -> Result<()> {
    let interval = walreceiver::interval(s).map_err(unable)?;
    match interval.undisturbed() {
        None => report::info(format!("\"{SETTING}\" is {} ms, not changed", interval.current)),
        Some(value) if !interval.configured && (value == interval.default || value == 0) => {
            walreceiver::set_interval(s, None).map_err(unable)?;
            report::notice(format!("\"{SETTING}\" reset"))
        }
        Some(value) => {
            walreceiver::set_interval(s, Some(value)).map_err(unable)?;
            report::notice(format!("\"{SETTING}\" set to {value} ms"))
        }
    };
    in_force(s, |current| current < DAY)?;
    let mut failed = None;
    let started = clock::poll_until(Deadline::after(PATIENCE), STEP, || match walreceiver::pid(s) {
        Ok(pid) => pid.map(Some),
        Err(e) => {
            failed = Some(e);
            Some(None)
        }
    });
    if let Some(e) = failed {
        return Err(unable(e));
    }
    let Some(pid) = started.flatten() else {
        return Err(Error::new(Exit::BadConfig, "no WAL receiver has started")
            .detail(format!("waited {} seconds for it", PATIENCE.as_secs()))
            .hint("see the server's log, and check primary_conninfo and the upstream"));
    };
    report::info(format!("the WAL receiver runs (process {pid})"));
    Ok(())
}

/// Waits until a reload has reached this session, and with it, soon, the others.
fn in_force(s: &mut Session, wanted: impl Fn(i64) -> bool) -> Result<()> {
    let deadline = Deadline::after(PATIENCE);
    loop {
        if wanted(walreceiver::interval(s).map_err(unable)?.current) {
            return Ok(());
        }
        if deadline.passed() {
            return Err(Error::new(Exit::BadConfig, format!("the new \"{SETTING}\" is not in force"))
                .detail("the server was told to read its configuration files, and has not taken it over")
                .hint("see the server's log; does its command line or a role set it?"));
        }
        clock::pause(STEP);
    }
}
