//! pg_rewind: how it is called, tried without effect, and run.

use super::guard::cannot;
use crate::cli::args::NodeRejoin;
use crate::cli::choices::RewindProgram;
use crate::commands::context::Context;
use crate::commands::follow_target::{Target, parsed};
use crate::commands::standby::clone::progress_of;
use crate::config::Settings;
use crate::domain::lsn::Lsn;
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::bindir;
use crate::pg::session::PgError;
use crate::report;
use crate::sys::clock::{self, Deadline};
use crate::sys::exec::{Output, Program, Stream};
use crate::sys::identity::Identity;
use crate::sys::leftover;
use crate::sys::progress::{Display, Progress};
use std::path::Path;
use std::time::Duration;

/// A terabyte over a slow line; pg_rewind ends by itself when its connection is dead.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// What a checkpoint of the primary may take.
const CHECKPOINT: Duration = Duration::from_secs(30 * 60);

/// Where we may not ask for one: how long we wait for the one after its promotion.
const SOMEBODY_ELSES: Duration = Duration::from_secs(5 * 60);

/// Reading a setting starts a program that does nothing else.
const ASKING: Duration = Duration::from_secs(30);

/// How long a pg_rewind that outlived us has to end.
const LEFTOVER: Duration = Duration::from_secs(30);

/// How many of its last lines are shown when it fails.
const LINES_TOLD: usize = 6;

/// The pg_rewind to be run, with what it needs to be told.
///
/// # Errors
/// [`Exit::Rejoin`]: there is no such program; [`Exit::BadConfig`].
pub fn program(ctx: &Context, args: &NodeRejoin, target: &Target, version: ServerVersion) -> Result<Program> {
    let settings = ctx.settings()?;
    let data_dir = &settings.data_directory;
    let failed = |error: Error| Error { exit: Exit::Rejoin, ..error };
    let find = |name| bindir::find_program_of(name, settings.pg_bindir.as_deref(), Some(version.major()));
    let path = match &args.force_rewind {
        Some(RewindProgram::At(path)) if path.is_file() => path.clone(),
        Some(RewindProgram::At(path)) => {
            return Err(Error::new(Exit::Rejoin, format!("\"{}\" is not a program", path.display()))
                .hint("--force-rewind alone takes the pg_rewind of this PostgreSQL"));
        }
        Some(RewindProgram::Found) | None => find("pg_rewind").map_err(failed)?,
    };
    let owner = Identity::owner_of(data_dir).map_err(|why| cannot("look at", data_dir, &why))?;
    let source = parsed(&target.record)?;
    let mut program =
        Program::new(path).arg(target_argument(data_dir)).arg(format!("--source-server={source}"));
    if restore_command(settings, version, &owner) {
        program = program.arg("--restore-target-wal");
        if let (Some(folder), true) = (&settings.config_directory, version.major() >= 15) {
            program = program.arg(format!("--config-file={}", folder.join("postgresql.conf").display()));
        }
    }
    if let Some(password) = source.get("password") {
        program = program.env("PGPASSWORD", password);
    }
    // Its messages are read below.
    Ok(program.env("LC_ALL", "C").run_as(owner).ends_with_us())
}

/// One word, by which a pg_rewind of this directory is known.
fn target_argument(data_dir: &Path) -> String {
    format!("--target-pgdata={}", data_dir.display())
}

/// Ends a pg_rewind that outlived an earlier run of ours.
///
/// # Errors
/// [`Exit::Rejoin`]: it does not end.
pub fn end_leftovers(data_dir: &Path) -> Result<()> {
    let argument = target_argument(data_dir);
    let left = leftover::end(&leftover::with_argument(&argument), &argument, Deadline::after(LEFTOVER));
    match left.first() {
        None => Ok(()),
        Some(pid) => Err(Error::new(Exit::Rejoin, "a pg_rewind of this data directory is still running")
            .detail(format!("process {pid}"))
            .hint("wait for its end, then run the command again")),
    }
}

/// Whether WAL that is not there any more can be fetched from an archive. Asked of the configuration that
/// pg_rewind would ask.
fn restore_command(settings: &Settings, version: ServerVersion, owner: &Identity) -> bool {
    let find = bindir::find_program_of("postgres", settings.pg_bindir.as_deref(), Some(version.major()));
    let usable = version.major() >= 15 || settings.config_directory.is_none();
    let (13.., true, Ok(postgres)) = (version.major(), usable, find) else { return false };
    let mut program = Program::new(postgres).arg("-D").arg(&settings.data_directory);
    if let Some(folder) = &settings.config_directory {
        program = program.arg("-c").arg(format!("config_file={}", folder.join("postgresql.conf").display()));
    }
    let program = program.args(["-C", "restore_command"]).run_as(owner.clone());
    let output = program.run(Deadline::after(ASKING));
    output.is_ok_and(|output| output.success() && !output.stdout_text().is_empty())
}

/// Has the primary write a checkpoint of its timeline: pg_rewind believes its control file.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn checkpoint(target: &mut Target) -> Result<()> {
    let label = target.record.label();
    report::info(format!("asking node {label} for a checkpoint"));
    target.session.set_limit(CHECKPOINT);
    let done = target.session.batch("CHECKPOINT");
    let failed = |e: PgError| {
        e.into_error(Exit::Rejoin, format!("node {label} did not make a checkpoint"))
            .hint("pg_rewind needs one that was made after the promotion: run CHECKPOINT there")
    };
    match done {
        Ok(()) => Ok(()),
        Err(e) if e.has_sqlstate("42501") => {
            let wanted = target.course.timeline.0;
            let look = || has_checkpoint(target).ok().filter(|timeline| *timeline == wanted);
            let seen = clock::poll_until(Deadline::after(SOMEBODY_ELSES), Duration::from_secs(1), look);
            seen.map(drop).ok_or_else(|| failed(e))
        }
        Err(e) => Err(failed(e)),
    }
}

/// The timeline of the primary's last checkpoint.
fn has_checkpoint(target: &mut Target) -> Result<u32, PgError> {
    let sql = "SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()";
    let row = target.session.query_opt(sql, &[])?;
    Ok(row.map_or(0, |row| u32::try_from(row.get::<_, i32>(0)).unwrap_or(0)))
}

/// True when pg_rewind would see the primary's timeline as it is.
#[must_use]
pub fn is_settled(target: &mut Target) -> bool {
    let wanted = target.course.timeline.0;
    has_checkpoint(target).is_ok_and(|timeline| timeline == wanted)
}

/// Lets pg_rewind do everything but write. Returns the checkpoint from which it needs WAL.
///
/// # Errors
/// [`Exit::Rejoin`]: it would fail, or would do nothing.
pub fn rehearse(program: &Program) -> Result<Lsn> {
    let trial = program.clone().arg("--dry-run");
    let output =
        trial.run(Deadline::after(LONGEST)).map_err(|error| Error { exit: Exit::Rejoin, ..error })?;
    if !output.success() {
        return Err(
            failed(&trial, &output, "pg_rewind cannot rewind this server").hint("nothing was changed")
        );
    }
    let said = format!("{}\n{}", output.stderr_text(), output.stdout_text());
    let words = said.split_once("last common checkpoint at ").map(|(_, rest)| rest);
    let from = words.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse().ok());
    from.ok_or_else(|| {
        failed(&trial, &output, "pg_rewind sees nothing to rewind, though this node cannot follow as it is")
            .hint("clone this node anew with \"repmgr standby clone --force\"")
    })
}

/// Runs it.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn run(program: &Program, display: Display) -> Result<()> {
    report::notice("running pg_rewind").detail(format!("command: {}", program.shown()));
    let program = program.clone().arg("--progress");
    let say = |text: String| drop(report::info(text));
    let mut progress = Progress::new(0, display, &say);
    let output = program.stream(Deadline::after(LONGEST), &mut |stream, line| {
        if stream == Stream::Stderr
            && let Some((done, total)) = progress_of(line)
        {
            progress.set(done, total);
        }
    });
    progress.finish();
    let output = output.map_err(|error| Error { exit: Exit::Rejoin, ..error })?;
    if output.success() {
        return Ok(());
    }
    Err(failed(&program, &output, "pg_rewind failed")
        .detail("the server cannot be started until it has been run to its end")
        .hint("mend what it says and run the command again, or clone this node anew"))
}

fn failed(program: &Program, output: &Output, what: &str) -> Error {
    let said = format!("{}\n{}", output.stdout_text(), output.stderr_text());
    let telling = |line: &&str| !line.trim().is_empty() && progress_of(line).is_none();
    let lines: Vec<&str> = said.split(['\n', '\r']).filter(telling).collect();
    let mut error = Error::new(Exit::Rejoin, what).detail(format!("pg_rewind: {}", output.status));
    let last = lines.iter().skip(lines.len().saturating_sub(LINES_TOLD));
    error.detail.extend(last.map(|line| line.trim().to_owned()));
    let error = error.detail(format!("command was: {}", program.shown()));
    match hint(&said) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(said: &str) -> Option<&'static str> {
    [
        ("No space left on device", "make room on the file system of the data directory"),
        (
            "could not find previous WAL record",
            "WAL that it needs is gone: put it back into pg_wal, set restore_command, or clone this node anew",
        ),
        (
            "could not open file",
            "if WAL is missing put it back into pg_wal, set restore_command, or clone this node anew",
        ),
        ("wal_log_hints", "set wal_log_hints, or enable checksums, on both servers; this time clone"),
        ("permission denied for function", "give the user of the primary's conninfo the functions that pg_rewind calls (see its manual), or make it a superuser"),
    ]
    .into_iter()
    .find(|(seen, _)| said.contains(seen))
    .map(|(_, hint)| hint)
}
