//! From a copy in its folder to a data directory: checked, told whom to follow, moved up.

use super::copy::{self, cannot};
use super::marker;
use super::wish::Wish;
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::bindir::find_program_of;
use crate::pg::standby_config::{self, StandbySettings};
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::exec::Program;
use crate::sys::files;
use crate::sys::identity::Identity;
use crate::sys::signals::Interruption;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// The folder whose arrival makes a data directory whole: it holds pg_control, without which PostgreSQL
/// does not start.
const LAST: &str = "global";

/// Reading a copy of many terabytes takes long.
const VERIFY_PATIENCE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Compares the copy with its manifest (`--verify-backup`).
///
/// # Errors
/// [`Exit::BaseBackup`]: the copy is not what the source sent.
pub fn verify(
    wish: &Wish,
    version: ServerVersion,
    owner: &Identity,
    interruption: &Interruption,
) -> Result<()> {
    let folder = marker::folder(&wish.data_dir);
    let path = find_program_of("pg_verifybackup", wish.settings.pg_bindir.as_deref(), Some(version.major()))?;
    report::notice("comparing the copy with its manifest (pg_verifybackup)");
    let mut program = Program::new(path).arg("-q").run_as(owner.clone()).env("LC_ALL", "C").ends_with_us();
    if !wish.streams() {
        program = program.arg("--no-parse-wal");
    }
    let output = program.arg(&folder).interrupted_by(interruption).run(Deadline::after(VERIFY_PATIENCE))?;
    copy::heed(interruption)?;
    if output.success() {
        report::info("the copy is what its manifest says");
        return Ok(());
    }
    Err(Error::new(Exit::BaseBackup, "the copy is not what its manifest says")
        .detail(output.complaint())
        .hint("check the disks and the memory of both hosts, then run the clone again with -F/--force"))
}

/// Tells the copy whom to follow, while it cannot be started yet: a base backup without its signal file
/// would start as a second primary.
///
/// # Errors
/// [`Exit::BadConfig`] when a file cannot be written.
pub fn settings(wish: &Wish, version: ServerVersion, settings: &StandbySettings) -> Result<()> {
    standby_config::write(&marker::folder(&wish.data_dir), version, settings)
}

/// Moves everything up, `global` last; each step is on disk before the next, and doing it again after a cut
/// is not needed: the note is there until the end, and -F begins anew.
///
/// # Errors
/// [`Exit::BadConfig`].
pub fn move_up(dir: &Path, keep: &[OsString]) -> Result<()> {
    let folder = marker::folder(dir);
    copy::same_mode(dir)?;
    let entries = std::fs::read_dir(&folder).map_err(|why| cannot("read", &folder, &why))?;
    for entry in entries {
        let entry = entry.map_err(|why| cannot("read", &folder, &why))?;
        let name = entry.file_name();
        if name == LAST {
            continue;
        }
        let to = dir.join(&name);
        if keep.contains(&name) && to.exists() {
            report::notice(format!("\"{}\" of this node stays, the source's is left out", to.display()));
            copy::remove(&entry.path())?;
        } else {
            rename(&entry.path(), &to)?;
        }
    }
    sync(dir)?;
    sync(&folder)?;
    rename(&folder.join(LAST), &dir.join(LAST))?;
    sync(dir)?;
    sync(&folder)?;
    std::fs::remove_dir(&folder).map_err(|why| cannot("remove", &folder, &why))?;
    let note = dir.join(marker::NOTE);
    files::remove_file(&note).map_err(|why| cannot("remove", &note, &why))
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|why| cannot("move up", from, &why))
}

fn sync(dir: &Path) -> Result<()> {
    files::sync_dir(dir).map_err(|why| cannot("sync", dir, &why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_moves_up_and_our_own_configuration_stays() {
        let dir = std::env::temp_dir().join(format!("clone-move-{}", std::process::id()));
        let folder = marker::folder(&dir);
        std::fs::create_dir_all(folder.join("global")).unwrap();
        std::fs::create_dir_all(folder.join("base/1")).unwrap();
        for (path, text) in [
            (folder.join("global/pg_control"), "c"),
            (folder.join("PG_VERSION"), "15"),
            (folder.join("repmgr.conf"), "node_id=1"),
            (dir.join("repmgr.conf"), "node_id=2"),
            (dir.join(marker::NOTE), "x"),
        ] {
            std::fs::write(path, text).unwrap();
        }
        move_up(&dir, &["repmgr.conf".into()]).unwrap();
        assert_eq!(std::fs::read_to_string(dir.join("repmgr.conf")).unwrap(), "node_id=2");
        assert!(dir.join("global/pg_control").exists() && dir.join("base/1").exists());
        assert!(!folder.exists() && !dir.join(marker::NOTE).exists());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
