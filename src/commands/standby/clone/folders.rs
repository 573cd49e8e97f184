//! Folders outside the data directory: tablespaces, and WAL where it lies apart. Whether they are free,
//! whether they may be emptied, and whether everything fits.

use super::copy;
use super::gather::Source;
use super::marker;
use super::target::{State, Target};
use super::wish::Wish;
use crate::domain::size;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::{self, Level};
use crate::sys::files::{self, DirState};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What the copy needs beyond the databases: configuration, statistics, a WAL segment or two.
const SLACK: u64 = 64 << 20;

/// A folder of the copy outside the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Where it will be on this host.
    pub path: PathBuf,
    /// Bytes that come into it. `None`: not known to this role.
    pub bytes: Option<u64>,
    /// What lies there now.
    pub content: Content,
}

/// What lies in such a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Free,
    /// The copy that is being replaced; to be removed.
    Replaced,
}

/// Where each tablespace goes: by the mapping, else where it is on the source.
///
/// # Errors
/// [`Exit::BadConfig`]: a mapping names a place where the source has no tablespace, or two go to one place.
pub fn places(source: &Source, wish: &Wish) -> Result<Vec<(PathBuf, Option<u64>)>> {
    for (old, new) in &wish.mapping {
        if !source.tablespaces.iter().any(|t| t.location == *old) {
            let known: Vec<String> = source
                .tablespaces
                .iter()
                .map(|t| format!("\"{}\" ({})", t.location.display(), t.name))
                .collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let what = format!(
                "\"tablespace_mapping\" maps \"{}\", where the source has no tablespace",
                old.display()
            );
            return Err(Error::new(Exit::BadConfig, what)
                .detail(format!("tablespaces of the source: {known}"))
                .hint("correct \"tablespace_mapping\" (OLD=NEW, both absolute paths)"));
        }
        if !new.is_absolute() {
            return Err(Error::new(
                Exit::BadConfig,
                format!("\"tablespace_mapping\" maps to \"{}\"", new.display()),
            )
            .detail("it is not an absolute path"));
        }
    }
    let mut out: Vec<(PathBuf, Option<u64>)> = Vec::new();
    for tablespace in &source.tablespaces {
        let mapped = wish.mapping.iter().rev().find(|(old, _)| *old == tablespace.location);
        let place = mapped.map_or_else(|| tablespace.location.clone(), |(_, new)| new.clone());
        if out.iter().any(|(taken, _)| *taken == place) {
            return Err(Error::new(
                Exit::BadConfig,
                format!("two tablespaces would go to \"{}\"", place.display()),
            )
            .hint("correct \"tablespace_mapping\""));
        }
        out.push((place, tablespace.bytes));
    }
    Ok(out)
}

/// Looks at each folder.
///
/// # Errors
/// [`Exit::BadConfig`]: one holds something that is not the copy being replaced.
pub fn look(source: &Source, wish: &Wish, target: &Target) -> Result<Vec<Folder>> {
    let mut folders = Vec::new();
    for (path, bytes) in places(source, wish)? {
        let content = content(&path, Holds::Tablespace, source, wish, target)?;
        folders.push(Folder { content, path, bytes });
    }
    if let Some(path) = &wish.options.wal_dir {
        let content = content(path, Holds::Wal, source, wish, target)?;
        folders.push(Folder { content, path: path.clone(), bytes: Some(0) });
    }
    Ok(folders)
}

/// What a folder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    Tablespace,
    Wal,
}

impl Holds {
    const fn word(self) -> &'static str {
        match self {
            Self::Tablespace => "tablespace",
            Self::Wal => "WAL",
        }
    }

    /// Whether a copy of one of these major versions has such a name in such a folder. A folder of tablespaces may
    /// serve clusters of several versions, after pg_upgrade for instance.
    fn owns(self, name: &str, majors: &[String]) -> bool {
        match self {
            Self::Tablespace => majors.iter().any(|major| name.starts_with(&format!("PG_{major}_"))),
            Self::Wal => copy::is_wal(name) || name.starts_with("xlogtemp."),
        }
    }
}

/// The first name in a folder that is not of the copy which would be replaced. `None`: all are.
fn stranger(path: &Path, holds: Holds, source: &Source, wish: &Wish) -> Option<String> {
    let mut majors = vec![source.version.major().to_string()];
    for dir in [wish.data_dir.clone(), marker::folder(&wish.data_dir)] {
        if let DirState::PostgresDirectory { version } = files::dir_state(&dir) {
            majors.push(version);
        }
    }
    let names = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.find(|name| name != "lost+found" && !holds.owns(name, &majors))
}

fn content(path: &Path, holds: Holds, source: &Source, wish: &Wish, target: &Target) -> Result<Content> {
    let what = holds.word();
    let refuse = |why: &str| {
        Err(Error::new(
            Exit::BadConfig,
            format!("unable to use \"{}\" for the copy's {what}", path.display()),
        )
        .detail(why))
    };
    match files::dir_state(path) {
        DirState::Missing | DirState::Empty => Ok(Content::Free),
        DirState::NotADirectory => refuse("it is not a directory"),
        DirState::Unreadable(why) => refuse(&why),
        DirState::PostgresDirectory { .. } => refuse("it is a PostgreSQL data directory"),
        DirState::NotEmpty if target.linked.iter().any(|p| p == path) && wish.forced() => {
            match stranger(path, holds, source, wish) {
                None => Ok(Content::Replaced),
                Some(name) => refuse(&format!(
                    "it belonged to the copy that would be replaced, but \"{name}\" in it does not"
                ))
                .map_err(|e: Error| e.hint("empty this folder by hand, or use another one")),
            }
        }
        DirState::NotEmpty => refuse(
            "it is not empty, and does not belong to the copy that would be replaced",
        )
        .map_err(|e: Error| {
            e.hint(
                "map the tablespace to another folder with \"tablespace_mapping\", or empty this one by hand",
            )
        }),
    }
}

/// One file system: what must fit, what there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Load {
    paths: Vec<PathBuf>,
    needed: u64,
    free: u64,
    freed: u64,
}

/// Compares sizes with the room on each file system; what will be removed counts as room.
///
/// # Errors
/// [`Exit::BadConfig`]: something does not fit.
pub fn fits(source: &Source, wish: &Wish, target: &Target, folders: &[Folder]) -> Result<()> {
    let Some(base) = source.base_bytes else {
        report::info("the room on the target file systems is not compared with the source's size")
            .detail("this role may not see the sizes of all databases (it lacks pg_read_all_stats)");
        return Ok(());
    };
    let mut loads: BTreeMap<u64, Load> = BTreeMap::new();
    let mut add = |path: &Path, bytes: u64, replaced: bool| -> Result<()> {
        let room = files::room(path).map_err(|why| {
            Error::new(
                Exit::BadConfig,
                format!("unable to look at the file system of \"{}\"", path.display()),
            )
            .detail(why.to_string())
        })?;
        let load = loads.entry(room.device).or_default();
        load.paths.push(path.to_owned());
        load.free = room.free;
        load.needed = load.needed.saturating_add(bytes);
        if replaced {
            load.freed = load.freed.saturating_add(files::size_under(path).unwrap_or(0));
        }
        Ok(())
    };
    add(&wish.data_dir, base.saturating_add(SLACK), target.state != State::Free)?;
    for folder in folders {
        add(&folder.path, folder.bytes.unwrap_or(0), folder.content == Content::Replaced)?;
    }
    for load in loads.values() {
        judge(wish.met, load)?;
    }
    Ok(())
}

fn judge(met: Level, load: &Load) -> Result<()> {
    let room = load.free.saturating_add(load.freed);
    let paths: Vec<String> = load.paths.iter().map(|p| format!("\"{}\"", p.display())).collect();
    let paths = paths.join(", ");
    let amounts = format!("{} needed, {} free", size::pretty(load.needed), size::pretty(room));
    if room >= load.needed {
        report::say(met, format!("there is enough room for {paths}")).detail(amounts);
        return Ok(());
    }
    let freed = if load.freed > 0 { ", counting what would be removed" } else { "" };
    Err(Error::new(Exit::BadConfig, format!("there is not enough room for {paths}"))
        .detail(format!("{amounts}{freed}"))
        .hint("make room, take another file system, or map tablespaces elsewhere (\"tablespace_mapping\")"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_copy_puts_there_is_its_own() {
        let majors = ["15".to_owned()];
        for (why, holds, name, want) in [
            ("its version", Holds::Tablespace, "PG_15_202209061", true),
            ("another version's cluster", Holds::Tablespace, "PG_14_202107181", false),
            ("somebody's file", Holds::Tablespace, "notes.txt", false),
            ("a segment", Holds::Wal, "000000010000000000000003", true),
            ("a history", Holds::Wal, "00000002.history", true),
            ("a folder of WAL's", Holds::Wal, "archive_status", true),
            ("somebody's file", Holds::Wal, "notes.txt", false),
        ] {
            assert_eq!(holds.owns(name, &majors), want, "{why}: {name}");
        }
    }

    #[test]
    fn what_is_removed_counts_as_room() {
        let load = |needed, free, freed| Load { paths: vec!["/d".into()], needed, free, freed };
        for (why, load, fits) in [
            ("fits", load(10, 10, 0), true),
            ("does not", load(11, 10, 0), false),
            ("only when the old copy is gone", load(11, 10, 1), true),
        ] {
            assert_eq!(judge(Level::Debug, &load).is_ok(), fits, "{why}");
        }
    }
}
