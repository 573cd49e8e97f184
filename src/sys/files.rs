//! Files and directories: written whole or not at all, and looked at before they are touched.

use rustix::fs::{Mode, OFlags};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Puts `contents` into `path` so that a reader, or a crash, meets the old contents or the new, never a
/// part: a file beside it is written, synced and renamed over it, and the directory is synced.
///
/// An existing file keeps its mode and owner; a link to it stays a link. A new file gets `mode_if_new`
/// and, where we are root, the owner of its directory.
///
/// # Errors
/// What the system said; `path` is as it was before then.
pub fn write_atomic(path: &Path, contents: &[u8], mode_if_new: u32) -> io::Result<()> {
    let path = match std::fs::canonicalize(path) {
        Ok(real) => real,
        Err(why) if why.kind() == ErrorKind::NotFound => path.to_owned(),
        Err(why) => return Err(why),
    };
    let dir = parent(&path);
    let (mode, like) = match std::fs::metadata(&path) {
        Ok(old) => (old.mode() & 0o7777, old),
        Err(why) if why.kind() == ErrorKind::NotFound => (mode_if_new, std::fs::metadata(&dir)?),
        Err(why) => return Err(why),
    };
    let name = path.file_name().ok_or_else(|| io::Error::from(ErrorKind::InvalidInput))?;
    let temporary = dir.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    let written = fill(&temporary, contents, mode, &like).and_then(|()| std::fs::rename(&temporary, &path));
    if written.is_err() {
        std::fs::remove_file(&temporary).ok();
    }
    written?;
    sync_dir(&dir)
}

fn fill(path: &Path, contents: &[u8], mode: u32, like: &std::fs::Metadata) -> io::Result<()> {
    // What a process of the same number left behind when it was killed.
    std::fs::remove_file(path).or_else(
        |why| {
            if why.kind() == ErrorKind::NotFound { Ok(()) } else { Err(why) }
        },
    )?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    give_to_owner_of(&file, like)?;
    file.set_permissions(PermissionsExt::from_mode(mode))?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Gives an open file the owner of `like`, if it has another and we may (root only).
fn give_to_owner_of(file: &File, like: &std::fs::Metadata) -> io::Result<()> {
    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (like.uid(), like.gid()) {
        return Ok(());
    }
    match std::os::unix::fs::fchown(file, Some(like.uid()), Some(like.gid())) {
        // Not root: the file is ours then, as it would be by any editor.
        Err(why) if why.kind() == ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Makes what was created, renamed or removed in a directory survive a power cut.
///
/// # Errors
/// What the system said.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Removes a file and syncs its directory. No file there is fine.
///
/// # Errors
/// What the system said.
pub fn remove_file(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => sync_dir(&parent(path)),
        Err(why) if why.kind() == ErrorKind::NotFound => Ok(()),
        Err(why) => Err(why),
    }
}

/// Reads a file without following a link at its end and without ever waiting (a FIFO, a device).
///
/// # Errors
/// What the system said; a file larger than `limit` bytes is an error too.
pub fn read_small(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let mut contents = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, limit + 1), &mut contents)?;
    if contents.len() as u64 > limit {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("larger than {limit} bytes")));
    }
    Ok(contents)
}

/// Reads a plain file without ever waiting; links are followed.
///
/// # Errors
/// What the system said; what is no plain file (a FIFO, a directory, a device) is an error too.
pub fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a plain file"));
    }
    let mut contents = Vec::new();
    io::Read::read_to_end(&mut file, &mut contents)?;
    Ok(contents)
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// What lies at the place of a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirState {
    /// Nothing.
    Missing,
    /// A directory with nothing in it but what a fresh file system has (`lost+found`).
    Empty,
    /// A directory with PostgreSQL's `PG_VERSION` in it.
    PostgresDirectory {
        /// `15`; the first line of `PG_VERSION` as it stands there.
        version: String,
    },
    /// A directory that holds something else.
    NotEmpty,
    /// Not a directory.
    NotADirectory,
    /// It cannot be looked at.
    Unreadable(String),
}

/// Looks what lies at `path`.
#[must_use]
pub fn dir_state(path: &Path) -> DirState {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(why) if why.kind() == ErrorKind::NotFound => return DirState::Missing,
        Err(why) if why.kind() == ErrorKind::NotADirectory => return DirState::NotADirectory,
        Err(why) => return DirState::Unreadable(why.to_string()),
    };
    if let Ok(version) = std::fs::read_to_string(path.join("PG_VERSION")) {
        let version = version.lines().next().unwrap_or_default().trim().to_owned();
        return DirState::PostgresDirectory { version };
    }
    for entry in entries {
        match entry {
            Ok(entry) if entry.file_name() == "lost+found" => {}
            Ok(_) => return DirState::NotEmpty,
            Err(why) => return DirState::Unreadable(why.to_string()),
        }
    }
    DirState::Empty
}

/// Who owns a path, and what others may do with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Permission bits.
    pub mode: u32,
}

/// Who owns `path`; links are followed.
///
/// # Errors
/// What the system said.
pub fn ownership(path: &Path) -> io::Result<Ownership> {
    let meta = std::fs::metadata(path)?;
    Ok(Ownership { uid: meta.uid(), gid: meta.gid(), mode: meta.mode() & 0o7777 })
}

/// Room on the file system that holds, or would hold, `path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes that we may still write.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// The device's number: two paths with one number share their room.
    pub device: u64,
}

/// Room for `path`; where it is missing, for the nearest directory above it that exists.
///
/// # Errors
/// What the system said.
pub fn room(path: &Path) -> io::Result<Room> {
    let mut at = path;
    loop {
        match std::fs::metadata(at) {
            Ok(meta) => {
                let stat = rustix::fs::statvfs(at)?;
                let unit = stat.f_frsize;
                return Ok(Room {
                    free: stat.f_bavail.saturating_mul(unit),
                    total: stat.f_blocks.saturating_mul(unit),
                    device: meta.dev(),
                });
            }
            Err(why) if why.kind() == ErrorKind::NotFound => {
                at = match at.parent() {
                    Some(up) if !up.as_os_str().is_empty() => up,
                    Some(_) => Path::new("."),
                    None => return Err(why),
                };
            }
            Err(why) => return Err(why),
        }
    }
}

/// Bytes in the files under `path`, links not followed. What vanishes while we look counts nothing.
///
/// # Errors
/// When `path` itself cannot be looked at.
pub fn size_under(path: &Path) -> io::Result<u64> {
    let top = std::fs::symlink_metadata(path)?;
    let mut bytes = if top.is_dir() { 0 } else { top.len() };
    let mut todo = if top.is_dir() { vec![path.to_owned()] } else { Vec::new() };
    while let Some(dir) = todo.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(meta) if meta.is_dir() => todo.push(entry.path()),
                Ok(meta) => bytes += meta.len(),
                Err(_) => {}
            }
        }
    }
    Ok(bytes)
}
