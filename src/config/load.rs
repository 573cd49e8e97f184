//! All of it together: find the file, read it, check it.

use super::check::{self, check};
use super::include;
use super::search::{Found, Search};
use super::settings::{Settings, find};
use super::{Item, Mode, Warning};
use crate::domain::conninfo::ConnInfo;
use crate::error::{Error, Result};
use crate::exit::Exit;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A configuration that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Every setting, given or by default.
    pub settings: Settings,
    /// The file, absolute; it goes into `nodes.config_file`. `None` only in [`defaults`].
    pub file: Option<PathBuf>,
    /// What was accepted and should be mended.
    pub warnings: Vec<Warning>,
    /// Every place that was looked at, in order; with `-f` that file alone.
    pub searched: Vec<PathBuf>,
    /// Which original decides where they differ.
    pub compatibility: Mode,
    /// What the files say, in order: where each value comes from.
    pub items: Vec<Item>,
    /// The file and what it includes.
    pub files: Vec<PathBuf>,
}

impl Loaded {
    /// The line that set a key. `None`: the file does not name it, the default holds.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<&Item> {
        self.items.iter().rev().find(|item| item.key == key)
    }

    /// The longest outage that is ridden out without a failover: reconnect_attempts × reconnect_interval as
    /// the file has them, six seconds when it names neither.
    #[must_use]
    pub fn failover_window(&self) -> Duration {
        /// Quick enough for people who set nothing; repmgr's sixty seconds are for those who ask for them.
        const UNASKED: Duration = Duration::from_secs(6);
        if self.origin("reconnect_attempts").is_none() && self.origin("reconnect_interval").is_none() {
            return UNASKED;
        }
        self.settings.reconnect_interval.saturating_mul(self.settings.reconnect_attempts)
    }

    /// What the daemon needs beyond a valid file.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: failover is automatic and promote_command or follow_command is not set.
    pub fn check_for_daemon(&self) -> Result<()> {
        check::check_for_daemon(&self.settings)
    }
}

/// Finds and reads the file.
///
/// # Errors
/// [`Exit::BadConfig`]: there is none (the places are listed), it cannot be read, or it has mistakes (all of
/// them are listed).
pub fn load(search: &Search) -> Result<Loaded> {
    let found = search.find()?;
    match &found.file {
        Some(file) => read(file, &found),
        None => Err(found.none()),
    }
}

/// The same for commands that work without a file: `None` when there is none and none was named.
///
/// # Errors
/// [`Exit::BadConfig`], as [`load`], but for a file that is not there and that nobody named.
pub fn load_optional(search: &Search) -> Result<Option<Loaded>> {
    let found = search.find()?;
    match &found.file {
        Some(file) => read(file, &found).map(Some),
        None => Ok(None),
    }
}

/// What holds for a command that works without a file: every default; node_id is 0, and node_name, conninfo
/// and data_directory are empty.
///
/// # Errors
/// None in practice: a default that is no value of its kind, which a test rules out.
pub fn defaults() -> Result<Loaded> {
    Ok(Loaded {
        settings: check::defaults()?,
        file: None,
        warnings: Vec::new(),
        searched: Vec::new(),
        compatibility: Mode::Repmgr,
        items: Vec::new(),
        files: Vec::new(),
    })
}

fn read(file: &Path, found: &Found) -> Result<Loaded> {
    let bytes = include::bytes(file).map_err(|why| {
        let message = format!("the configuration file \"{}\" cannot be read", file.display());
        let denied = std::fs::File::open(file).is_err_and(|e| e.kind() == ErrorKind::PermissionDenied);
        let error = Error::new(Exit::BadConfig, message).detail(why);
        if denied {
            error.hint("run the program as the user that owns PostgreSQL, or let that user read the file")
        } else {
            error
        }
    })?;
    let read = include::read(file, &bytes);
    let checked = check(file, &read.items, read.faults)
        .map_err(|error| foreign(remarks(error, &read.warnings), &read.items))?;
    let mut warnings = found.warnings.clone();
    warnings.extend(read.warnings);
    warnings.extend(checked.warnings);
    warnings.extend(exposed(&read.items));
    Ok(Loaded {
        settings: checked.settings,
        file: Some(file.to_owned()),
        warnings,
        searched: found.searched.clone(),
        compatibility: checked.mode,
        items: read.items,
        files: read.files,
    })
}

/// What else there is to say about a file that cannot be used: a line that was passed over may be the very one
/// that is missed.
pub(super) fn remarks(error: Error, warnings: &[Warning]) -> Error {
    warnings.iter().fold(error, |error, warning| {
        let hint = warning.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        error.detail(format!("{}{hint}", warning.text))
    })
}

/// A file without a single key of ours was probably meant for another program.
fn foreign(error: Error, items: &[Item]) -> Error {
    if items.is_empty() || items.iter().any(|item| find(&item.key).is_some()) {
        return error;
    }
    error.hint("no line of it sets anything of repmgr's; is it another program's file?")
}

/// One warning for each file that holds a password and that others can get at.
fn exposed(items: &[Item]) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    for item in items.iter().filter(|item| item.key == "conninfo") {
        let has_password = ConnInfo::parse(&item.value).is_ok_and(|c| c.get("password").is_some());
        let mode = std::fs::metadata(&item.file).map_or(0, |meta| meta.mode() & 0o777);
        if has_password && mode & 0o077 != 0 {
            let shown = item.file.display();
            let text = format!("{}: conninfo holds a password, and others can get at the file", item.place());
            let warning = Warning::new(text)
                .detail(format!("the permissions of \"{shown}\" are {mode:04o}"))
                .hint(format!("chmod 600 '{shown}', or move the password to a passfile"));
            if !warnings.iter().any(|known| known.detail == warning.detail) {
                warnings.push(warning);
            }
        }
    }
    warnings
}
