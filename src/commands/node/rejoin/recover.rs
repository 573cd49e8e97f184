//! Crash recovery without a server that anybody could connect to: PostgreSQL's single-user mode.

use super::guard;
use crate::config::Settings;
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::{bindir, control_file};
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::exec::{Program, Status};
use crate::sys::files;
use crate::sys::identity::Identity;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Recovery replays at most what lies between two checkpoints, and what a slot or an archiver held back.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

/// What it complained of last.
const LINES_TOLD: usize = 6;

/// The file that makes a standby, which single-user mode refuses, and where it waits meanwhile.
fn signal(data_dir: &Path, version: ServerVersion) -> [PathBuf; 2] {
    let name = if version.uses_recovery_conf() { "recovery.conf" } else { "standby.signal" };
    [data_dir.join(name), data_dir.join(format!("{name}.rejoin"))]
}

/// Makes the directory consistent. Until it is, and what makes it a standby is back, no server starts in it.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn recover(settings: &Settings, version: ServerVersion) -> Result<()> {
    let data_dir = &settings.data_directory;
    guard::open(data_dir)?;
    guard::deafen(data_dir)?;
    let [there, aside] = signal(data_dir, version);
    rename(&there, &aside)?;
    let done =
        if control_file::read(data_dir)?.state.is_clean() { Ok(()) } else { single(settings, version) };
    settle(data_dir, version)?;
    done
}

/// Takes back what [`recover`] does around the recovery itself, as far as it is there.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn settle(data_dir: &Path, version: ServerVersion) -> Result<()> {
    let [there, aside] = signal(data_dir, version);
    rename(&aside, &there)?;
    guard::hear(data_dir)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        return Ok(());
    }
    let dir = from.parent().unwrap_or(from);
    let renamed = std::fs::rename(from, to).and_then(|()| files::sync_dir(dir));
    renamed.map_err(|why| guard::cannot("rename", from, &why))
}

fn single(settings: &Settings, version: ServerVersion) -> Result<()> {
    let data_dir = &settings.data_directory;
    report::notice("making the data directory consistent")
        .detail("crash recovery runs in single-user mode, nobody can connect");
    let failed = |error: Error| Error { exit: Exit::Rejoin, ..error };
    let postgres = bindir::find_program_of("postgres", settings.pg_bindir.as_deref(), Some(version.major()))
        .map_err(failed)?;
    let owner = Identity::owner_of(data_dir).map_err(|why| guard::cannot("look at", data_dir, &why))?;
    let mut program = Program::new(postgres).arg("--single").arg("-D").arg(data_dir);
    if let Some(folder) = &settings.config_directory {
        program = program.arg("-c").arg(format!("config_file={}", folder.join("postgresql.conf").display()));
    }
    let program = program.arg("template1").env("LC_ALL", "C").run_as(owner).ends_with_us();
    let output = program.run(Deadline::after(LONGEST)).map_err(failed)?;
    let state = control_file::read(data_dir).map_err(failed)?.state;
    if output.success() && state.is_clean() {
        return Ok(());
    }
    let mut error = Error::new(Exit::Rejoin, "crash recovery of this server failed")
        .detail(format!("command was: {}", program.shown()))
        .detail(match output.status {
            Status::TimedOut => format!("ended by us after {} hours", LONGEST.as_secs() / 3600),
            Status::Exited(_) | Status::Signalled(_) => format!("{}, state \"{state}\"", output.status),
        });
    let said = output.stderr_text();
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    error.detail.extend(lines.iter().skip(lines.len().saturating_sub(LINES_TOLD)).map(|l| (*l).to_owned()));
    Err(error.hint("mend what it says and run the command again, or clone this node anew"))
}
