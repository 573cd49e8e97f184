//! Where PostgreSQL's programs are.

use crate::error::{Error, Result};
use crate::exit::Exit;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Where packages put the programs of one major version: before and after its number.
const VERSIONED: [(&str, &str, &str); 2] = [("/usr/lib/postgresql", "", "bin"), ("/usr", "pgsql-", "bin")];

/// Finds a program of PostgreSQL: in `bindir` when one is configured, and nowhere else then; else beside
/// our own program, in the `bin` of `$HGDB_HOME` and `$PGHOME`, in PATH, and where packages put them (the
/// highest version).
///
/// # Errors
/// [`Exit::BadConfig`] when it is nowhere; the places looked at are in the detail.
pub fn find_program(name: &str, bindir: Option<&Path>) -> Result<PathBuf> {
    find_program_of(name, bindir, None)
}

/// As [`find_program`]; a package's directory of the major version `wanted` comes before all others, since
/// a data directory works with programs of its own version only.
///
/// # Errors
/// [`Exit::BadConfig`] when it is nowhere.
pub fn find_program_of(name: &str, bindir: Option<&Path>, wanted: Option<u32>) -> Result<PathBuf> {
    let places = match bindir {
        Some(dir) => vec![dir.to_owned()],
        None => places(wanted),
    };
    if let Some(found) = places.iter().map(|dir| dir.join(name)).find(|path| is_program(path)) {
        return Ok(found);
    }
    let looked: Vec<String> = places.iter().map(|dir| dir.display().to_string()).collect();
    Err(Error::new(Exit::BadConfig, format!("unable to find program \"{name}\""))
        .detail(format!("looked in {}", looked.join(", ")))
        .hint("install PostgreSQL's programs, or set \"pg_bindir\" to the directory that holds them"))
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn places(wanted: Option<u32>) -> Vec<PathBuf> {
    let mut packaged: Vec<(u32, PathBuf)> = VERSIONED.iter().flat_map(versions_in).collect();
    packaged.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    let mut places: Vec<PathBuf> = Vec::new();
    places.extend(packaged.iter().filter(|(major, _)| Some(*major) == wanted).map(|(_, dir)| dir.clone()));
    places.extend(std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned)));
    for home in ["HGDB_HOME", "PGHOME"] {
        places.extend(std::env::var_os(home).filter(|h| !h.is_empty()).map(|h| Path::new(&h).join("bin")));
    }
    places
        .extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths).filter(|p| p.is_absolute()));
    places.extend(packaged.into_iter().map(|(_, dir)| dir));
    let mut seen = std::collections::HashSet::new();
    places.retain(|dir| seen.insert(dir.clone()));
    places
}

fn versions_in((base, prefix, bin): &(&str, &str, &str)) -> Vec<(u32, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(base) else { return Vec::new() };
    let version = |name: &std::ffi::OsStr| name.to_str()?.strip_prefix(prefix)?.parse::<u32>().ok();
    entries
        .flatten()
        .filter_map(|entry| version(&entry.file_name()).map(|major| (major, entry.path().join(bin))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_directory_is_the_only_place() {
        let error = find_program("sh", Some(Path::new("/nonexistent"))).unwrap_err();
        assert_eq!(error.exit, Exit::BadConfig);
        assert_eq!(error.detail, ["looked in /nonexistent"]);
        assert_eq!(find_program("sh", Some(Path::new("/bin"))), Ok(PathBuf::from("/bin/sh")));
    }

    #[test]
    fn without_one_path_is_searched_and_every_place_is_named() {
        assert!(find_program("sh", None).is_ok());
        let error = find_program("no_such_program", None).unwrap_err();
        assert!(error.detail.concat().contains("/usr/bin"), "{error}");
        assert!(find_program("passwd", Some(Path::new("/etc"))).is_err(), "not executable");
    }
}
