//! The journal of a command that changes roles: what it set out to do and how far it came, so that it can be
//! run again after a crash. Also the lock that keeps two such commands on one node apart.
//!
//! ```text
//! let mut journal = Journal::begin(ctx, "standby promote", &facts)?;
//! let facts: Facts = match journal.earlier() { Some(e) => e.facts()?, None => facts };
//! journal.step("promote")?;   // on disk before the effect
//! …the effect, safe to do again…
//! journal.done()?;
//! ```
//! Whoever returns early with nothing left half-done calls [`Journal::done`]; a dropped journal stays and is
//! found by the next run.

use super::context::Context;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report;
use crate::sys::clock;
use crate::sys::files;
use crate::sys::state::{self, Locked};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Far more than any journal holds.
const LIMIT: u64 = 1 << 20;

/// The step of a journal whose command has not touched anything yet.
const BEGUN: &str = "begin";

/// Names the step of the test at which we kill ourselves; see [`Journal::step`].
const KILL_AT: &str = "HG_REPMGR_KILL_AT";

/// What stands in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    command: String,
    /// Local time, for people.
    started: String,
    /// Whose journal it is: two clusters on one host may use a number twice.
    data_directory: PathBuf,
    step: String,
    facts: Value,
}

/// A command that did not come to its end.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// Its words: `standby promote`.
    pub command: String,
    /// When it was begun, in local time.
    pub started: String,
    /// The step before whose effect, or in whose middle, it stopped.
    pub step: String,
    facts: Value,
    path: PathBuf,
}

impl Earlier {
    /// What that run had found out before it changed anything.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: the facts are of another shape, from another version of this program.
    pub fn facts<T: DeserializeOwned>(&self) -> Result<T> {
        T::deserialize(&self.facts).map_err(|why| unreadable(&self.path, &why.to_string()))
    }

    /// Whether it stopped before its first effect.
    #[must_use]
    pub fn untouched(&self) -> bool {
        self.step == BEGUN
    }
}

/// The journal of the command that runs.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    entry: Entry,
    earlier: Option<Earlier>,
    points: u32,
    /// Held as long as we live.
    _lock: File,
}

impl Journal {
    /// Begins the journal of a command, or takes up the one that an earlier run of the same command left:
    /// then [`Journal::earlier`] tells of it, and its facts stay in force until [`Journal::note`].
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: another command runs on this node, or has not come to its end; the journal cannot
    /// be read; no state folder can be written.
    pub fn begin<T: Serialize>(ctx: &Context, command: &str, facts: &T) -> Result<Self> {
        Self::begin_over(ctx, command, facts, &[])
    }

    /// [`Journal::begin`], which also replaces what an unfinished run of one of `weaker` left: commands whose
    /// remains this one makes void.
    ///
    /// # Errors
    /// As there.
    pub fn begin_over<T: Serialize>(
        ctx: &Context,
        command: &str,
        facts: &T,
        weaker: &[&str],
    ) -> Result<Self> {
        let settings = ctx.settings()?;
        let folder = writable(&places(settings), &settings.data_directory)?;
        let lock = take_lock(&folder.join("lock"), command)?;
        let path = folder.join("journal.json");
        let found = match Place::find(settings)? {
            Some(other) if other.path != path => {
                // Left by a run that had to write elsewhere.
                report::debug(format!("the journal stands in \"{}\"", other.path.display()));
                Some(other)
            }
            found => found,
        };
        let facts = serde_json::to_value(facts).map_err(|why| {
            Error::new(Exit::Internal, "unable to note what was found").detail(why.to_string())
        })?;
        let mut journal = Self {
            entry: Entry {
                command: command.to_owned(),
                started: clock::local_stamp(),
                data_directory: settings.data_directory.clone(),
                step: BEGUN.to_owned(),
                facts,
            },
            path,
            earlier: None,
            points: 0,
            _lock: lock,
        };
        if let Some(found) = found {
            let same = found.entry.command == command;
            let earlier = found.earlier();
            if !same && !earlier.untouched() && !weaker.contains(&earlier.command.as_str()) {
                return Err(unfinished(ctx, &earlier));
            }
            if same && !earlier.untouched() {
                report::notice(format!(
                    "taking up \"{command}\", begun at {} and not finished",
                    earlier.started
                ))
                .detail(format!("it had come to \"{}\"", earlier.step));
                journal.entry = found.entry;
                journal.earlier = Some(earlier);
            }
            journal.path = found.path;
        }
        journal.write()?;
        journal.kill_point();
        Ok(journal)
    }

    /// The run of the same command that did not come to its end. `None`: this is the first, or the earlier
    /// one had not changed anything.
    #[must_use]
    pub const fn earlier(&self) -> Option<&Earlier> {
        self.earlier.as_ref()
    }

    /// Notes, durably, that the effect of this name comes next. In a build for tests the process kills itself
    /// where `HG_REPMGR_KILL_AT` says: points are counted from 1, one after the journal is begun, two in each
    /// step (before and after the note) and one before the journal is removed.
    ///
    /// # Errors
    /// [`Exit::System`]: it cannot be noted; then the effect must not happen.
    pub fn step(&mut self, name: &str) -> Result<()> {
        self.kill_point();
        name.clone_into(&mut self.entry.step);
        self.write()?;
        self.kill_point();
        Ok(())
    }

    /// Replaces the facts; written with them at once.
    ///
    /// # Errors
    /// As [`Journal::step`].
    pub fn note<T: Serialize>(&mut self, facts: &T) -> Result<()> {
        self.entry.facts = serde_json::to_value(facts).map_err(|why| {
            Error::new(Exit::Internal, "unable to note what was found").detail(why.to_string())
        })?;
        self.write()
    }

    /// The command has come to its end, or nothing of it is left half-done.
    ///
    /// # Errors
    /// [`Exit::System`]: the journal cannot be removed.
    pub fn done(mut self) -> Result<()> {
        self.kill_point();
        files::remove_file(&self.path).map_err(|why| {
            Error::new(Exit::System, format!("unable to remove \"{}\"", self.path.display()))
                .detail(why.to_string())
                .hint(format!("\"{}\" is complete: remove that file", self.entry.command))
        })
    }

    fn write(&self) -> Result<()> {
        let failed = |why: String| {
            Error::new(Exit::System, format!("unable to write \"{}\"", self.path.display()))
                .detail(why)
                .hint("check the owner of the folder and the room on its file system; \"state_directory\" names another")
        };
        let text = serde_json::to_vec_pretty(&self.entry).map_err(|why| failed(why.to_string()))?;
        // The folder may belong to a user who is not us.
        if self.path.is_symlink() {
            return Err(failed("it is a link".to_owned()));
        }
        files::write_atomic(&self.path, &text, 0o600).map_err(|why| failed(why.to_string()))
    }

    fn kill_point(&mut self) {
        self.points += 1;
        if cfg!(debug_assertions) && std::env::var(KILL_AT).is_ok_and(|at| at.parse() == Ok(self.points)) {
            state::die();
        }
    }
}

/// What a dry run says of the journal: a folder that cannot be written is a warning, what stands in the way a
/// warning too. Changes nothing. Returns the unfinished run, of whichever command.
///
/// # Errors
/// [`Exit::BadConfig`]: no configuration, or a journal that cannot be read.
pub fn rehearse(ctx: &Context, command: &str) -> Result<Option<Earlier>> {
    let settings = ctx.settings()?;
    let places = places(settings);
    let usable = |place: &PathBuf| {
        let above = place.ancestors().find(|folder| folder.exists());
        above.is_some_and(|folder| rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok())
    };
    if !places.iter().any(usable) {
        report::setback(&no_folder(
            &places.iter().map(|p| (p.clone(), "not writable".to_owned())).collect::<Vec<_>>(),
        ));
    }
    let found = unfinished_run(ctx)?;
    if let Some(earlier) = found.as_ref().filter(|e| e.command != command && !e.untouched()) {
        report::setback(&unfinished(ctx, earlier));
    }
    Ok(found)
}

/// The command on this node that did not come to its end, or that runs now. `None`: there is none.
///
/// # Errors
/// [`Exit::BadConfig`]: no configuration, or a journal that cannot be read.
pub fn unfinished_run(ctx: &Context) -> Result<Option<Earlier>> {
    Ok(Place::find(ctx.settings()?)?.map(|place| place.earlier()))
}

/// A journal that was found.
struct Place {
    path: PathBuf,
    entry: Entry,
}

impl Place {
    fn find(settings: &Settings) -> Result<Option<Self>> {
        for folder in places(settings) {
            let path = folder.join("journal.json");
            let bytes = match files::read_small(&path, LIMIT) {
                Ok(bytes) => bytes,
                Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
                // Somebody else's folder: we could not have written there.
                Err(why) if why.kind() == ErrorKind::PermissionDenied => continue,
                Err(why) => return Err(unreadable(&path, &why.to_string())),
            };
            let entry: Entry =
                serde_json::from_slice(&bytes).map_err(|why| unreadable(&path, &why.to_string()))?;
            if entry.data_directory != settings.data_directory {
                return Err(stranger(&path, &entry, settings));
            }
            return Ok(Some(Self { path, entry }));
        }
        Ok(None)
    }

    fn earlier(&self) -> Earlier {
        let Entry { command, started, step, facts, .. } = self.entry.clone();
        Earlier { command, started, step, facts, path: self.path.clone() }
    }
}

/// The folders of this node's state, the preferred one first.
fn places(settings: &Settings) -> Vec<PathBuf> {
    let places = state::places(&settings.state_directory, &settings.data_directory);
    places.into_iter().map(|place| place.join(settings.node_id.to_string())).collect()
}

/// The first of them in which files can be made.
fn writable(places: &[PathBuf], data_dir: &Path) -> Result<PathBuf> {
    let mut seen = Vec::new();
    for folder in places {
        let tried = state::make_folder(folder, data_dir)
            .and_then(|()| Ok(rustix::fs::access(folder, rustix::fs::Access::WRITE_OK)?));
        match tried {
            Ok(()) => return Ok(folder.clone()),
            Err(why) => seen.push((folder.clone(), why.to_string())),
        }
    }
    Err(no_folder(&seen))
}

fn take_lock(path: &Path, command: &str) -> Result<File> {
    let failed = |why: std::io::Error| {
        Error::new(Exit::BadConfig, format!("unable to lock \"{}\"", path.display())).detail(why.to_string())
    };
    match state::lock(path).map_err(failed)? {
        Locked::Ours(mut file) => {
            // Only for the message below: that it cannot be written is no reason to stop.
            drop(file.set_len(0).and_then(|()| writeln!(file, "{} {command}", std::process::id())));
            Ok(file)
        }
        Locked::Taken => {
            let text = files::read_small(path, LIMIT).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let error = Error::new(Exit::BadConfig, "another command is changing this node")
                .hint("wait for its end, then look at \"repmgr cluster show\"");
            Err(match text.trim().split_once(' ') {
                Some((pid, words)) => error.detail(format!("\"{words}\" runs as process {pid}")),
                None => error.detail(format!("it holds the lock of \"{}\"", path.display())),
            })
        }
    }
}

fn no_folder(seen: &[(PathBuf, String)]) -> Error {
    let mut error = Error::new(Exit::BadConfig, "there is no folder to note in how far this command is")
        .hint("make \"state_directory\" (default: /var/lib/hg_repmgr) a folder that this user can write");
    error.detail = seen.iter().map(|(path, why)| format!("\"{}\": {why}", path.display())).collect();
    error
}

fn unreadable(path: &Path, why: &str) -> Error {
    Error::new(Exit::BadConfig, format!("the journal \"{}\" cannot be read", path.display()))
        .detail(why)
        .detail("it tells of a command on this node that did not come to its end")
        .hint("look at \"repmgr cluster show\"; when all nodes are as they should be, remove the file and run the command again")
}

fn stranger(path: &Path, entry: &Entry, settings: &Settings) -> Error {
    Error::new(Exit::BadConfig, format!("the journal \"{}\" is another node's", path.display()))
        .detail(format!("it is about \"{}\"", entry.data_directory.display()))
        .detail(format!("\"data_directory\" of this node is \"{}\"", settings.data_directory.display()))
        .hint("two nodes of one number on this host need two \"state_directory\"; if the data were moved, remove the file")
}

fn unfinished(ctx: &Context, earlier: &Earlier) -> Error {
    let Earlier { command, started, step, path, .. } = earlier;
    let file = ctx.loaded.as_ref().and_then(|loaded| loaded.file.as_ref());
    let file = file.map(|file| format!(" -f {}", file.display())).unwrap_or_default();
    Error::new(Exit::BadConfig, format!("an earlier \"{command}\" on this node did not come to its end"))
        .detail(format!("begun at {started}, it stopped at \"{step}\""))
        .hint(format!("run \"repmgr{file} {command}\" again: it finishes, or says what stands"))
        .hint(format!("if it is settled otherwise, remove \"{}\"", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::General;

    /// A node with a state folder of its own.
    fn node(name: &str) -> Context {
        let folder = std::env::temp_dir().join(format!("journal-{name}-{}", std::process::id()));
        std::fs::remove_dir_all(&folder).ok();
        std::fs::create_dir_all(folder.join("data")).unwrap();
        let mut loaded = crate::config::defaults().unwrap();
        loaded.settings.node_id = 7;
        loaded.settings.state_directory = folder.join("state");
        loaded.settings.data_directory = folder.join("data");
        Context {
            general: General::default(),
            mode: loaded.compatibility,
            loaded: Some(loaded),
            program: "repmgr".into(),
        }
    }

    fn file(ctx: &Context) -> PathBuf {
        ctx.settings().unwrap().state_directory.join("7/journal.json")
    }

    fn begin(ctx: &Context, command: &str) -> Result<Journal> {
        Journal::begin(ctx, command, &("old primary", 1))
    }

    #[test]
    fn a_journal_that_was_dropped_is_taken_up_with_its_step_and_facts() {
        let ctx = node("resume");
        let mut first = begin(&ctx, "standby promote").unwrap();
        assert!(first.earlier().is_none());
        first.step("promote").unwrap();
        drop(first);
        let again = Journal::begin(&ctx, "standby promote", &("new", 2)).unwrap();
        let earlier = again.earlier().unwrap();
        assert_eq!(earlier.step, "promote");
        assert_eq!(earlier.facts::<(String, i32)>().unwrap(), ("old primary".to_owned(), 1));
        assert!(earlier.facts::<String>().is_err(), "facts of another shape are told");
        again.done().unwrap();
        assert!(!file(&ctx).exists());
        assert!(begin(&ctx, "standby promote").unwrap().earlier().is_none());
    }

    #[test]
    fn another_commands_journal_stands_in_the_way_once_it_has_changed_something() {
        let ctx = node("other");
        drop(begin(&ctx, "standby follow").unwrap());
        let mut promote = begin(&ctx, "standby promote").unwrap();
        promote.step("promote").unwrap();
        drop(promote);
        let refused = begin(&ctx, "node rejoin").unwrap_err();
        assert_eq!(refused.exit, Exit::BadConfig);
        assert!(
            refused.message.contains("\"standby promote\"") && refused.hint[0].contains("standby promote")
        );
        assert!(rehearse(&ctx, "node rejoin").unwrap().is_some(), "a dry run goes on");
        let over = Journal::begin_over(&ctx, "node rejoin", &(), &["standby promote"]).unwrap();
        assert!(over.earlier().is_none());
        assert!(std::fs::read_to_string(file(&ctx)).unwrap().contains("node rejoin"));
    }

    #[test]
    fn one_command_at_a_time() {
        let ctx = node("lock");
        let first = begin(&ctx, "standby promote").unwrap();
        let second = begin(&ctx, "standby promote").unwrap_err();
        assert!(second.detail[0].contains(&std::process::id().to_string()), "{second}");
        drop(first);
        begin(&ctx, "standby promote").unwrap();
    }

    #[test]
    fn a_journal_that_cannot_be_read_is_told_and_left_alone() {
        let ctx = node("broken");
        begin(&ctx, "standby promote").unwrap().done().unwrap();
        for text in ["", "{", "{\"command\": 3}", "[]"] {
            std::fs::write(file(&ctx), text).unwrap();
            let error = begin(&ctx, "standby promote").unwrap_err();
            assert!(error.message.contains("cannot be read") && !error.hint.is_empty(), "{text}: {error}");
            assert_eq!(std::fs::read_to_string(file(&ctx)).unwrap(), text);
        }
        std::fs::remove_file(file(&ctx)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", file(&ctx)).unwrap();
        assert!(begin(&ctx, "standby promote").is_err(), "a link is not followed");
    }

    #[test]
    fn a_journal_of_another_data_directory_is_another_nodes() {
        let mut ctx = node("stranger");
        let mut journal = begin(&ctx, "standby promote").unwrap();
        journal.step("promote").unwrap();
        drop(journal);
        ctx.loaded.as_mut().unwrap().settings.data_directory = "/somewhere/else".into();
        assert!(begin(&ctx, "standby promote").unwrap_err().message.contains("another node's"));
    }

    #[test]
    fn no_folder_is_an_error_that_names_the_setting_and_a_warning_in_a_dry_run() {
        let mut ctx = node("closed");
        let place = ctx.settings().unwrap().state_directory.clone();
        std::fs::write(&place, "in the way").unwrap();
        let error = writable(&[place.join("7")], Path::new("/nowhere")).unwrap_err();
        assert!(error.hint[0].contains("state_directory") && error.detail[0].contains("state"), "{error}");
        ctx.loaded.as_mut().unwrap().settings.state_directory = "/proc/nothing".into();
        assert!(rehearse(&ctx, "standby promote").is_ok());
    }
}
