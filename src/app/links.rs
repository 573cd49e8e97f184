//! `--install-links`: the other names of this file.

use crate::error::{Error, Result};
use crate::exit::Exit;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};

/// A link that was made.
#[derive(Debug)]
pub struct Link {
    /// Where it lies.
    pub place: PathBuf,
    /// What it says: a bare name when the program lies in the same directory, else its whole path.
    pub target: PathBuf,
}

/// Makes `dir/name` a link to `program`, in the place of whatever file or link has that name.
///
/// What is in the place is replaced, never written through: the name may be a link to a program that others need
/// (Debian's /usr/bin/repmgr is a link to the wrapper that psql is too).
///
/// # Errors
/// [`Exit::BadConfig`] when `dir` is no directory, or when the place holds a directory or the program itself;
/// [`Exit::System`] when the link cannot be made.
pub fn install(program: &Path, dir: &Path, name: &str) -> Result<Link> {
    let place = dir.join(name);
    let refuse = |why: &str| {
        Error::new(Exit::BadConfig, format!("unable to make link \"{}\"", place.display())).detail(why)
    };
    let real_dir = fs::canonicalize(dir).map_err(|e| refuse(&format!("{}: {e}", dir.display())))?;
    if !real_dir.is_dir() {
        return Err(refuse(&format!("{} is not a directory", dir.display())));
    }
    let own = fs::metadata(program).map_err(|e| refuse(&format!("{}: {e}", program.display())))?;
    match fs::symlink_metadata(&place) {
        Ok(there) if there.is_dir() => return Err(refuse("a directory has this name")),
        Ok(there) if (there.dev(), there.ino()) == (own.dev(), own.ino()) => {
            return Err(refuse("this name is the program itself"));
        }
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(refuse(&e.to_string())),
    }
    let beside = program.parent().is_some_and(|p| fs::canonicalize(p).is_ok_and(|p| p == real_dir));
    let target = match program.file_name() {
        Some(file) if beside => PathBuf::from(file),
        Some(_) | None => program.to_owned(),
    };
    // A new link renamed over the place: the name is never missing, and rename follows no link.
    let fresh = dir.join(format!(".{name}.{}", std::process::id()));
    symlink(&target, &fresh).map_err(|e| system(&place, &e))?;
    if let Err(e) = fs::rename(&fresh, &place) {
        drop(fs::remove_file(&fresh));
        return Err(system(&place, &e));
    }
    Ok(Link { place, target })
}

fn system(place: &Path, e: &std::io::Error) -> Error {
    Error::new(Exit::System, format!("unable to make link \"{}\"", place.display())).detail(e.to_string())
}
