//! The place of the copy: what lies there, whose it is, who uses it.

use super::marker::{self, Unfinished};
use super::wish::Wish;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::{control_file, postmaster};
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::files::{self, DirState};
use crate::sys::identity::Identity;
use crate::sys::leftover;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For a process to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(10);

/// What lies at the place of the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub state: State,
    /// Whose programs run there: the owner of the directory, or of what is above it.
    pub owner: Identity,
    /// Processes of a clone that was killed: they still copy WAL into its folder.
    pub orphans: Vec<u32>,
    /// Folders that its symbolic links lead to: tablespaces and WAL of what is to be replaced.
    pub linked: Vec<PathBuf>,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing, or an empty directory.
    Free,
    /// A clone that did not come to its end.
    Unfinished(Unfinished),
    /// A PostgreSQL data directory. `system`: whose copy it is; `None`: its control file tells nothing.
    Postgres {
        /// The cluster's number.
        system: Option<u64>,
    },
    /// Something else.
    Other,
}

/// Looks at the place.
///
/// # Errors
/// [`Exit::BadConfig`]: a server runs there, or nothing can be made there.
pub fn look(wish: &Wish) -> Result<Target> {
    let dir = &wish.data_dir;
    let unusable = |why: &str| {
        Error::new(Exit::BadConfig, format!("directory \"{}\" cannot be used", dir.display())).detail(why)
    };
    if !dir.is_absolute() || dir.parent().is_none() {
        return Err(unusable("it must be an absolute path below the root directory"));
    }
    let owner = owner(dir)?;
    if let Some(running) = postmaster::find(dir)? {
        return Err(running_there(dir, &format!("process {} is its server", running.pid)));
    }
    if dir.exists() {
        drop(marker::hold(dir)?);
    }
    let orphans = leftover::with_argument(&marker::folder(dir).to_string_lossy());
    let users = users_of(dir);
    if !users.is_empty() {
        return Err(running_there(dir, &format!("processes that use it: {}", users.join(", "))));
    }
    let state = match (files::dir_state(dir), marker::find(dir)) {
        (DirState::NotADirectory, _) => return Err(unusable("it is not a directory")),
        (DirState::Unreadable(why), _) => {
            return Err(unusable(&why).hint("run this as the user that is to own PostgreSQL's data"));
        }
        (DirState::Missing | DirState::Empty, _) => State::Free,
        (DirState::PostgresDirectory { .. } | DirState::NotEmpty, Some(unfinished))
            if control_file::read(dir).is_err() =>
        {
            State::Unfinished(unfinished)
        }
        (DirState::PostgresDirectory { .. }, _) => {
            State::Postgres { system: control_file::read(dir).ok().map(|c| c.system_identifier) }
        }
        (DirState::NotEmpty, None) if marker::is_half_written(dir) => {
            State::Unfinished(Unfinished::default())
        }
        (DirState::NotEmpty, _) => State::Other,
    };
    Ok(Target { state, owner, orphans, linked: linked(dir) })
}

fn running_there(dir: &Path, detail: &str) -> Error {
    Error::new(Exit::BadConfig, format!("a PostgreSQL server is running in \"{}\"", dir.display()))
        .detail(detail)
        .hint("stop it first, if this directory is to be replaced; -F/--force does not override this")
}

/// Refuses to replace what lies there, unless that was asked for; then says what will go.
///
/// # Errors
/// [`Exit::BadConfig`].
pub fn allow(target: &Target, wish: &Wish, source_system: Option<u64>) -> Result<()> {
    let dir = wish.data_dir.display();
    let (what, detail) = match &target.state {
        State::Free => return Ok(()),
        State::Unfinished(unfinished) => (
            format!("\"{dir}\" holds an unfinished clone"),
            if unfinished.begun.is_empty() {
                "it was cut before anything was copied".to_owned()
            } else {
                format!("begun {}, copied from {}", unfinished.begun, unfinished.source)
            },
        ),
        State::Postgres { system } => (
            format!("\"{dir}\" is a PostgreSQL data directory"),
            match (system, source_system) {
                (Some(here), Some(there)) if *here != there => {
                    format!("it belongs to another cluster: system identifier {here}, the source has {there}")
                }
                (Some(here), Some(_)) => format!("it belongs to the same cluster (system identifier {here})"),
                (Some(here), None) => format!("its system identifier is {here}"),
                (None, _) => "its control file is missing or cannot be read".to_owned(),
            },
        ),
        State::Other => {
            (format!("directory \"{dir}\" is not empty"), "it does not look like PostgreSQL's".to_owned())
        }
    };
    if wish.forced() {
        report::warning(what).detail(detail).detail("-F/--force: its contents will be removed");
        return Ok(());
    }
    Err(Error::new(Exit::BadConfig, what)
        .detail(detail)
        .hint("use -F/--force to remove its contents and clone in its place"))
}

/// Who is to own the copy. An error: somebody else than us, and we are not root.
fn owner(dir: &Path) -> Result<Identity> {
    let existing = dir.ancestors().find(|d| d.exists()).unwrap_or(Path::new("/"));
    let unusable = |why: String| {
        Error::new(Exit::BadConfig, format!("directory \"{}\" cannot be used", dir.display())).detail(why)
    };
    let who = Identity::owner_of(existing).map_err(|why| unusable(why.to_string()))?;
    let us = rustix::process::geteuid();
    if us.is_root() {
        if who.uid == 0 {
            return Err(unusable(format!("\"{}\" belongs to root, which PostgreSQL refuses", existing.display()))
                .hint("create the data directory and give it to PostgreSQL's user (chown), or run this as that user"));
        }
        return Ok(who);
    }
    if existing == dir && who.uid != us.as_raw() {
        let name = who.account.as_ref().map_or_else(|| who.uid.to_string(), |a| a.name.clone());
        return Err(unusable(format!("it belongs to user \"{name}\", not to us (uid {})", us.as_raw()))
            .hint("run this as that user, or give the directory to this one"));
    }
    if rustix::fs::access(existing, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_err() {
        return Err(unusable(format!(
            "we may not write into \"{}\" (uid {})",
            existing.display(),
            us.as_raw()
        ))
        .hint("create the data directory and give it to this user, or run this as PostgreSQL's user"));
    }
    let ours = Identity { uid: us.as_raw(), gid: rustix::process::getegid().as_raw(), ..who };
    Ok(ours)
}

/// Ends what a killed clone left running: pg_basebackup's second process, which copies WAL, does not notice
/// that the first is gone, and holds the slot.
///
/// # Errors
/// [`Exit::BadConfig`]: it does not end.
pub fn end_orphans(target: &Target, wish: &Wish) -> Result<()> {
    if target.orphans.is_empty() {
        return Ok(());
    }
    let shown = |pids: &[u32]| pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    report::notice("ending what the unfinished clone left running")
        .detail(format!("pg_basebackup, process {}", shown(&target.orphans)));
    let folder = marker::folder(&wish.data_dir);
    let left = leftover::end(&target.orphans, &folder.to_string_lossy(), Deadline::after(PATIENCE));
    if left.is_empty() {
        return Ok(());
    }
    Err(Error::new(Exit::BadConfig, "a process of the unfinished clone does not end")
        .detail(format!("pg_basebackup, process {}", shown(&left)))
        .hint("end it by hand, then run the clone again"))
}

/// Processes that serve from the directory: a postmaster's orphans.
fn users_of(dir: &Path) -> Vec<String> {
    let Ok(real) = std::fs::canonicalize(dir) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let proc = entry.path();
        let command = std::fs::read(proc.join("comm")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).trim().to_owned();
        // A server's processes work in its data directory; a shell that stands there does not matter.
        let serves = command.starts_with("postgres")
            && std::fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd == real);
        if serves {
            found.push(format!("{pid} ({command})"));
        }
    }
    found
}

/// Where the links of a data directory, or of the unfinished copy in it, lead: pg_tblspc and pg_wal.
fn linked(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for base in [dir.to_owned(), marker::folder(dir)] {
        let links = std::fs::read_dir(base.join("pg_tblspc")).into_iter().flatten().flatten();
        let links = links.map(|entry| entry.path()).chain([base.join("pg_wal")]);
        found.extend(links.filter_map(|link| std::fs::read_link(link).ok()).filter(|to| to.is_absolute()));
    }
    found.extend(marker::find(dir).into_iter().flat_map(|unfinished| unfinished.folders));
    found.sort();
    found.dedup();
    found
}
