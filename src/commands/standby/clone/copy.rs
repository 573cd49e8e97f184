//! The copy itself: the place made ready, pg_basebackup run, its progress shown.

use super::folders::{Content, Folder};
use super::marker;
use super::plan::Backup;
use super::target::{State, Target};
use super::wish::{Checkpoint, Wish};
use crate::domain::time::Moment;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report;
use crate::sys::clock::{self, Deadline};
use crate::sys::exec::{Heard, Output, Program, Stream};
use crate::sys::files;
use crate::sys::identity::Identity;
use crate::sys::progress::{Display, Progress};
use crate::sys::signals::Interruption;
use std::ffi::OsString;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// There is no end to a copy that makes progress: terabytes over a slow line take days. A month is no copy.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// How many lines of pg_basebackup's complaints an error repeats.
const LINES_TOLD: usize = 12;

/// What stays in a data directory that is replaced: our own configuration file, should it lie there.
#[must_use]
pub fn kept(wish: &Wish) -> Vec<OsString> {
    let mut kept: Vec<OsString> = ["lost+found"].map(OsString::from).to_vec();
    let below = wish.config_file.as_ref().and_then(|file| file.strip_prefix(&wish.data_dir).ok());
    kept.extend(below.and_then(|path| path.components().next()).map(|c| c.as_os_str().to_owned()));
    kept
}

/// Makes the directory where it is missing, with whatever is missing above it. Returns the topmost one made.
///
/// # Errors
/// [`Exit::BadConfig`].
pub fn make_directory(dir: &Path, owner: &Identity) -> Result<Option<PathBuf>> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|d| !d.exists()).collect();
    for path in missing.iter().rev() {
        let made = DirBuilder::new().mode(0o700).create(path).and_then(|()| give(path, owner));
        made.map_err(|why| cannot("create", path, &why))?;
    }
    if let Some(parent) = missing.last().and_then(|top| top.parent()) {
        files::sync_dir(parent).map_err(|why| cannot("sync", parent, &why))?;
    }
    Ok(missing.last().map(|path| (*path).to_owned()))
}

fn give(path: &Path, owner: &Identity) -> io::Result<()> {
    if !owner.differs_from_us() {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(owner.uid), Some(owner.gid))
}

/// Empties the directory, but for `keep` and the note. What makes it startable goes first, so that a cut
/// leaves nothing that looks whole.
///
/// # Errors
/// [`Exit::BadConfig`].
pub fn empty(dir: &Path, keep: &[OsString]) -> Result<()> {
    let control = dir.join("global").join("pg_control");
    files::remove_file(&control)
        .or_else(|why| if why.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(why) })
        .map_err(|why| cannot("remove", &control, &why))?;
    let entries = std::fs::read_dir(dir).map_err(|why| cannot("read", dir, &why))?;
    for entry in entries {
        let entry = entry.map_err(|why| cannot("read", dir, &why))?;
        let name = entry.file_name();
        if name == marker::NOTE || keep.contains(&name) {
            continue;
        }
        remove(&entry.path())?;
    }
    files::sync_dir(dir).map_err(|why| cannot("sync", dir, &why))
}

/// Removes a file, a link or a whole directory; links are not followed.
///
/// # Errors
/// [`Exit::BadConfig`].
pub fn remove(path: &Path) -> Result<()> {
    let is_dir = std::fs::symlink_metadata(path).map(|meta| meta.is_dir());
    let removed = match is_dir {
        Ok(true) => std::fs::remove_dir_all(path),
        Ok(false) => std::fs::remove_file(path),
        Err(why) => Err(why),
    };
    match removed {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(cannot("remove", path, &why)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// An error about a path.
pub fn cannot(what: &str, path: &Path, why: &io::Error) -> Error {
    Error::new(Exit::BadConfig, format!("unable to {what} \"{}\"", path.display())).detail(why.to_string())
}

/// The program with its environment; nothing secret in its arguments.
#[must_use]
pub fn program(backup: &Backup, owner: &Identity) -> Program {
    let program = Program::new(&backup.program).args(&backup.args).run_as(owner.clone()).ends_with_us();
    // Its messages are read below.
    backup.env.iter().fold(program.env("LC_ALL", "C"), |program, (key, value)| program.env(key, value))
}

/// Runs pg_basebackup.
///
/// It has no deadline of ours: it ends by itself when its connection is dead (keepalives). What stands
/// still for long is told.
///
/// # Errors
/// [`Exit::BaseBackup`].
pub fn run(
    program: &Program,
    display: Display,
    checkpoint: Checkpoint,
    interruption: &Interruption,
) -> Result<()> {
    let program = &program.clone().interrupted_by(interruption);

    let say = |text: String| drop(report::info(text));
    let mut progress = Progress::new(0, display, &say);
    let mut stillness = Stillness { done: 0, total: 0, since: clock::now(), told: None };
    let output = program.watch(Deadline::after(LONGEST), &mut |heard| match heard {
        Heard::Line(stream, line) => {
            if stream == Stream::Stderr
                && let Some((done, total)) = progress_of(line)
            {
                progress.set(done, total);
                stillness.came(done, total, clock::now());
            } else if line.trim() == "waiting for checkpoint" {
                let message = report::info("the source makes a checkpoint");
                drop(match checkpoint {
                    Checkpoint::Spread => message.hint("-c/--fast-checkpoint makes this quicker"),
                    Checkpoint::Fast => message,
                });
            }
        }
        // A source that hangs, or a network that swallows everything, brings no line to look at.
        Heard::Runs => {
            if let Some(still) = stillness.look(clock::now()) {
                stillness.tell(still);
            }
        }
    });
    progress.finish();
    let output = output.map_err(|error| Error { exit: Exit::BaseBackup, ..error })?;
    heed(interruption)?;
    if output.success() { Ok(()) } else { Err(failed(program, &output)) }
}

/// Stops where somebody asked us to end.
///
/// # Errors
/// [`Exit::BaseBackup`].
pub fn heed(interruption: &Interruption) -> Result<()> {
    if interruption.asked() {
        return Err(Error::new(Exit::BaseBackup, "the clone was interrupted by a signal"));
    }
    Ok(())
}

/// Notices that nothing comes any more, without ending anything.
struct Stillness {
    done: u64,
    total: u64,
    since: Moment,
    told: Option<Moment>,
}

impl Stillness {
    /// Nothing new for so long is worth a warning, and again after as long.
    const LIMIT: Duration = Duration::from_secs(5 * 60);

    fn came(&mut self, done: u64, total: u64, now: Moment) {
        if done != self.done {
            *self = Self { done, total, since: now, told: None };
        }
    }

    /// How long it has been still, when that is to be told now.
    fn look(&mut self, now: Moment) -> Option<Duration> {
        if now.since(self.told.unwrap_or(self.since)) < Self::LIMIT {
            return None;
        }
        self.told = Some(now);
        Some(now.since(self.since))
    }

    fn tell(&self, still: Duration) {
        let message = report::warning(format!("nothing has come from the source for {} s", still.as_secs()))
            .detail("pg_basebackup still runs; this program does not end it");
        drop(match (self.done, self.total) {
            (0, _) => message
                .detail(
                    "the source may still be making its checkpoint (-c/--fast-checkpoint makes it quicker)",
                )
                .hint("look at the source server, its disks and the network; ^C ends the clone"),
            (done, total) if total > 0 && done >= total => message
                .detail("all files have come: it may be waiting for the last WAL, or for the disks here"),
            (_, _) => message.hint("look at the source server, its disks and the network; ^C ends the clone"),
        });
    }
}

/// Done and total of a line such as `  1234/30000 kB (4%), 0/1 tablespace`, in bytes.
#[must_use]
pub fn progress_of(line: &str) -> Option<(u64, u64)> {
    let (amounts, rest) = line.trim().split_once(" kB")?;
    if !rest.starts_with([' ', ',']) {
        return None;
    }
    let (done, total) = amounts.split_once('/').unwrap_or((amounts, "0"));
    let bytes = |text: &str| text.trim().parse::<u64>().ok().map(|kb| kb.saturating_mul(1024));
    Some((bytes(done)?, bytes(total)?))
}

fn failed(program: &Program, output: &Output) -> Error {
    let stderr = output.stderr_text();
    let lines: Vec<&str> =
        stderr.split(['\n', '\r']).filter(|l| !l.trim().is_empty() && progress_of(l).is_none()).collect();
    let mut error = Error::new(Exit::BaseBackup, "the base backup of the source failed")
        .detail(format!("pg_basebackup: {}", output.status));
    let skip = lines.len().saturating_sub(LINES_TOLD);
    error.detail.extend(lines.iter().skip(skip).map(|l| l.trim().to_owned()));
    error = error.detail(format!("command was: {}", program.shown()));
    match hint(&stderr) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn hint(stderr: &str) -> Option<&'static str> {
    [
        ("No space left on device", "make room on the target file system and run the clone again"),
        ("Disk quota exceeded", "raise the quota on the target file system and run the clone again"),
        ("all replication slots are in use", "raise max_replication_slots on the source and restart it"),
        ("max_wal_senders", "raise max_wal_senders on the source and restart it"),
        ("has already been removed", "set use_replication_slots here, or raise wal_keep_size on the source"),
        ("server closed the connection", "see the log of the source server, then run the clone again"),
        (
            "exists but is not empty",
            "empty that folder, or map the tablespace to another (\"tablespace_mapping\")",
        ),
        ("incompatible server version", "use the pg_basebackup of the source's version (\"pg_bindir\")"),
    ]
    .into_iter()
    .find(|(seen, _)| stderr.contains(seen))
    .map(|(_, hint)| hint)
}

/// Whether a folder of WAL has such names.
pub fn is_wal(name: &str) -> bool {
    let hex = name.get(..24).is_some_and(|head| head.bytes().all(|b| b.is_ascii_hexdigit()));
    hex || name.ends_with(".history") || matches!(name, "archive_status" | "summaries")
}

/// Takes out of a folder that was empty what a copy puts there, and nothing else: the tablespace's part of
/// this cluster, or WAL. pg_basebackup does this itself unless it was ended by a signal.
fn take_back(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("PG_") || is_wal(&name) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Takes away the directories that [`make_directory`] made, while they are empty.
pub fn unmake(dir: &Path, made: Option<&Path>) {
    for path in dir.ancestors().take_while(|d| made.is_some_and(|top| d.starts_with(top))) {
        std::fs::remove_dir(path).ok();
    }
}

/// Leaves the place as it was, where that is possible: where nothing lay before, nothing lies after.
pub fn tidy(wish: &Wish, target: &Target, folders: &[Folder], made: Option<&Path>) {
    let dir = &wish.data_dir;
    let free = folders.iter().filter(|f| f.content == Content::Free);
    let taken_back = free.map(|f| take_back(&f.path)).collect::<Result<Vec<()>>>();
    let outcome = taken_back.and_then(|_| remove(&marker::folder(dir))).and_then(|()| match target.state {
        State::Free => {
            remove(&dir.join(marker::NOTE))?;
            unmake(dir, made);
            Ok(())
        }
        // What lay here is gone: the note says so.
        State::Unfinished(_) | State::Postgres { .. } | State::Other => Ok(()),
    });
    if let Err(why) = outcome {
        report::setback(&why);
    }
    if dir.join(marker::NOTE).exists() {
        report::notice(format!("\"{}\" is left unfinished", dir.display()))
            .detail(format!("see \"{}\" there", marker::NOTE))
            .hint("run the clone again with -F/--force");
    }
}

/// Gives the data directory the mode that the copy has: 0700, or 0750 where the source lets its group read.
///
/// # Errors
/// [`Exit::BadConfig`].
pub fn same_mode(dir: &Path) -> Result<()> {
    let mode = files::ownership(&marker::folder(dir))
        .map_or(0o700, |o| if o.mode & 0o050 == 0o050 { 0o750 } else { 0o700 });
    std::fs::set_permissions(dir, Permissions::from_mode(mode))
        .map_err(|why| cannot("change the mode of", dir, &why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_lines_are_told_from_others() {
        for (why, line, want) in [
            ("usual", "  1234/30000 kB (4%), 0/1 tablespace", Some((1234 << 10, 30_000 << 10))),
            ("with a file", "10/20 kB (50%), 0/1 tablespace (/d/base/1/1234)", Some((10 << 10, 20 << 10))),
            ("without an estimate", " 1234 kB, 0/1 tablespace", Some((1234 << 10, 0))),
            ("another message", "pg_basebackup: error: no space", None),
            ("with the unit in it", "limit of 12 kB reached", None),
        ] {
            assert_eq!(progress_of(line), want, "{why}");
        }
    }

    #[test]
    fn silence_is_told_every_five_minutes_whether_lines_come_or_not() {
        let begin = clock::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut stillness = Stillness { done: 0, total: 0, since: begin, told: None };
        for (why, seconds, came, want) in [
            ("the checkpoint may take its time", 299, None, None),
            ("no line at all", 300, None, Some(300)),
            ("told already", 301, None, None),
            ("told again", 600, None, Some(600)),
            ("something comes", 610, Some(5), None),
            ("the same number again is nothing new", 909, Some(5), None),
            ("so it is still", 910, Some(5), Some(300)),
        ] {
            if let Some(done) = came {
                stillness.came(done, 100, at(seconds));
            }
            assert_eq!(stillness.look(at(seconds)), want.map(Duration::from_secs), "{why}");
        }
    }
}
