//! PostgreSQL's programs on this host: there, and of a version that fits the source.

use super::gather::Source;
use super::source_checks;
use super::wish::{Verify, Wish};
use crate::domain::version::ServerVersion;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::bindir::find_program_of;
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::exec::Program;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// For `--version`.
const PATIENCE: Duration = Duration::from_secs(20);

/// Finds pg_basebackup and compares versions: the copy has the source's format, and only a server of that
/// major version starts on it.
///
/// # Errors
/// [`Exit::BadConfig`]: a program is missing or does not fit.
pub fn find(wish: &Wish, source: &Source) -> Result<PathBuf> {
    let there = source.version;
    if there < ServerVersion::OLDEST {
        return Err(Error::new(Exit::BadConfig, "the source's version of PostgreSQL is not supported")
            .detail(format!(
                "it is {there}, {} is the oldest that this program knows",
                ServerVersion::OLDEST
            )));
    }
    let bindir = wish.settings.pg_bindir.as_deref();
    let backup = find_program_of("pg_basebackup", bindir, Some(there.major()))?;
    let server = backup.with_file_name("postgres");
    let server = if server.exists() { major_of(&server)? } else { None };
    judge(&backup, major_of(&backup)?, server, there)?;
    verification(wish, there)?;
    if source_checks::preloads_repmgr(source) && !has_library(&backup) {
        report::warning("PostgreSQL on this host will not start as the copy's settings are")
            .detail("\"shared_preload_libraries\" of the source names \"repmgr\", and this host has no repmgr.so")
            .hint("this program does not need that library: take it out of shared_preload_libraries in the copy (and on the source), or install it here");
    }
    Ok(backup)
}

fn verification(wish: &Wish, there: ServerVersion) -> Result<()> {
    if wish.verify == Verify::No {
        return Ok(());
    }
    if there.major() < 13 || wish.options.no_manifest {
        let why = if wish.options.no_manifest {
            "\"pg_basebackup_options\" has --no-manifest".to_owned()
        } else {
            format!("the source is PostgreSQL {there}, manifests came with 13")
        };
        return Err(Error::new(Exit::BadConfig, "--verify-backup needs a backup manifest").detail(why));
    }
    find_program_of("pg_verifybackup", wish.settings.pg_bindir.as_deref(), Some(there.major())).map(drop)
}

/// `15` of `pg_basebackup (PostgreSQL) 15.18 (Debian 15.18-0)`. `None`: it says something else.
fn major_of(path: &Path) -> Result<Option<u32>> {
    let output = Program::new(path).arg("--version").run(Deadline::after(PATIENCE))?;
    if !output.success() {
        return Err(Error::new(Exit::BadConfig, format!("\"{}\" cannot be used", path.display()))
            .detail(output.complaint())
            .hint("check the installation, or set \"pg_bindir\" to another one"));
    }
    Ok(major_in(&output.stdout_text()))
}

fn major_in(line: &str) -> Option<u32> {
    line.split_whitespace().find_map(|word| {
        let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    })
}

fn judge(path: &Path, backup: Option<u32>, server: Option<u32>, there: ServerVersion) -> Result<()> {
    let bad = |what: String| {
        Err(Error::new(Exit::BadConfig, "the major versions of PostgreSQL here and on the source differ")
            .detail(what)
            .hint(format!(
                "install PostgreSQL {0} here, or set \"pg_bindir\" to the programs of version {0}",
                there.major()
            )))
    };
    let dir = path.parent().unwrap_or(path).display();
    if let Some(server) = server
        && server != there.major()
    {
        return bad(format!("the source is {there}, the server in \"{dir}\" is {server}"));
    }
    if let Some(backup) = backup
        && backup < there.major()
    {
        return bad(format!("the source is {there}, pg_basebackup in \"{dir}\" is {backup}"));
    }
    Ok(())
}

/// Where packages and the sources' own installation put libraries, seen from the programs.
fn has_library(program: &Path) -> bool {
    let real = std::fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let Some(base) = real.parent().and_then(Path::parent) else { return false };
    ["lib", "lib/postgresql", "lib64", "lib64/pgsql", "lib64/postgresql"]
        .iter()
        .any(|dir| base.join(dir).join("repmgr.so").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_lines_of_any_package_are_read() {
        for (line, want) in [
            ("pg_basebackup (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some(15)),
            ("pg_basebackup (PostgreSQL) 19devel", Some(19)),
            ("postgres (HighGo Database) 12.7", Some(12)),
            ("nonsense", None),
        ] {
            assert_eq!(major_in(line), want, "{line}");
        }
    }

    #[test]
    fn only_a_server_of_the_same_major_version_starts_on_a_copy() {
        let there = ServerVersion(150_003);
        for (why, backup, server, fits) in [
            ("the same", Some(15), Some(15), true),
            ("client programs alone, newer", Some(17), None, true),
            ("client programs too old", Some(14), None, false),
            ("another server beside them", Some(16), Some(16), false),
            ("unknown", None, None, true),
        ] {
            assert_eq!(judge(Path::new("/b/pg_basebackup"), backup, server, there).is_ok(), fits, "{why}");
        }
    }
}
