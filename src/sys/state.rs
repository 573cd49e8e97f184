//! The state folder: where a command notes how far it is, and keeps a second one of its kind out.

use super::users;
use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Below the home of a user, as the XDG base directory specification has it.
const XDG_DEFAULT: &str = ".local/state";

/// The name of our folder there.
const OURS: &str = "hg_repmgr";

/// The places that may hold the state of the server of `data_dir`, the configured one first, then the
/// XDG state folder of the user who owns it.
///
/// Root looks where the server's owner would, so that both find the same notes.
#[must_use]
pub fn places(configured: &Path, data_dir: &Path) -> Vec<PathBuf> {
    let mut places = vec![configured.to_owned()];
    let us = rustix::process::geteuid();
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let below = |home: PathBuf| home.join(XDG_DEFAULT);
    let owner = std::fs::metadata(data_dir).ok().map(|meta| meta.uid());
    let account = |uid| users::by_uid(uid).map(|account| account.home);
    let fallback = match owner {
        Some(uid) if us.is_root() && uid != 0 => account(uid).map(below),
        Some(_) | None => absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(below))
            .or_else(|| account(us.as_raw()).map(below)),
    };
    places.extend(fallback.map(|folder| folder.join(OURS)));
    places
}

/// Makes the folder with all above it, readable by its owner alone; root gives what it makes to the owner
/// of `data_dir`. A folder that is there stays as it is.
///
/// # Errors
/// What the system said.
pub fn make_folder(folder: &Path, data_dir: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above, data_dir)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(why) if why.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(why) => return Err(why),
    }
    let like = std::fs::metadata(data_dir).ok().filter(|_| rustix::process::geteuid().is_root());
    if let Some(like) = like {
        std::os::unix::fs::lchown(folder, Some(like.uid()), Some(like.gid()))?;
    }
    Ok(())
}

/// What came of an attempt to be the only one.
#[derive(Debug)]
pub enum Locked {
    /// We are, until the file is closed; the kernel closes it when we die.
    Ours(File),
    /// Another process is.
    Taken,
}

/// Takes the lock of a file, which is made if need be. Links are not followed.
///
/// # Errors
/// What the system said.
pub fn lock(path: &Path) -> io::Result<Locked> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(rustix::fs::open(path, flags, Mode::from_raw_mode(0o600))?);
    if rustix::process::geteuid().is_root()
        && let Some(folder) = path.parent()
    {
        let like = std::fs::metadata(folder)?;
        std::os::unix::fs::fchown(&file, Some(like.uid()), Some(like.gid()))?;
    }
    match file.try_lock() {
        Ok(()) => Ok(Locked::Ours(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(Locked::Taken),
        Err(std::fs::TryLockError::Error(why)) => Err(why),
    }
}

/// Ends this process as a power cut would: nothing more is written, nobody is told. For tests of what
/// comes after.
pub fn die() -> ! {
    loop {
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_closed_and_a_lock_is_held_by_one() {
        let top = std::env::temp_dir().join(format!("state-{}", std::process::id()));
        let folder = top.join("a/b");
        make_folder(&folder, Path::new("/")).unwrap();
        make_folder(&folder, Path::new("/")).unwrap();
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let path = folder.join("lock");
        let first = lock(&path).unwrap();
        assert!(matches!(first, Locked::Ours(_)));
        assert!(matches!(lock(&path).unwrap(), Locked::Taken));
        drop(first);
        assert!(matches!(lock(&path).unwrap(), Locked::Ours(_)));
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(lock(&path).is_err(), "a link is not followed");
        std::fs::remove_dir_all(&top).unwrap();
    }

    #[test]
    fn the_configured_place_comes_first() {
        let places = places(Path::new("/srv/state"), Path::new("/nowhere"));
        assert_eq!(places[0], Path::new("/srv/state"));
        assert!(places.iter().all(|p| p.is_absolute()));
    }
}
