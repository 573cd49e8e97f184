//! `--config-files`: files of the data directory that outlast a rewind.

use super::guard::cannot;
use crate::cli::args::NodeRejoin;
use crate::commands::follow_attach::Run;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report;
use crate::sys::{files, state};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Nobody's configuration file is larger.
const LIMIT: u64 = 16 << 20;

/// The names that were given, those that are there: relative to the data directory.
///
/// # Errors
/// [`Exit::Rejoin`]: a name leads out of the data directory.
pub fn wanted(args: &NodeRejoin, data_dir: &Path) -> Result<Vec<String>> {
    let given = args.config_files.as_deref().unwrap_or_default();
    let mut names = Vec::new();
    for name in given.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            return Err(Error::new(Exit::Rejoin, format!("\"{name}\" is not a file of the data directory"))
                .hint("--config-files takes names within it; files elsewhere are not touched by a rewind"));
        }
        if data_dir.join(name).is_file() {
            names.push(name.to_owned());
        } else {
            report::warning(format!("file \"{name}\" given with --config-files is not there"));
        }
    }
    Ok(names)
}

/// Where they are kept meanwhile.
#[must_use]
pub fn archive(args: &NodeRejoin, settings: &Settings) -> PathBuf {
    let above = args.config_archive_dir.clone().unwrap_or_else(|| PathBuf::from("/tmp"));
    above.join(format!("repmgr-config-archive-{}", settings.node_name.replace('/', "_")))
}

/// Copies them there. What lies there already is another node's of this name, unless `run` is a second one.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn save(data_dir: &Path, archive: &Path, names: &[String], run: Run) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    if run == Run::First && std::fs::read_dir(archive).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::new(Exit::Rejoin, format!("\"{}\" is in use", archive.display()))
            .detail("files of another rejoin lie there, of a node of the same name")
            .hint("remove it if nobody needs it, or name another place with --config-archive-dir"));
    }
    state::make_folder(archive, data_dir).map_err(|why| cannot("make", archive, &why))?;
    let meta = std::fs::symlink_metadata(archive).map_err(|why| cannot("look at", archive, &why))?;
    let owner = files::ownership(data_dir).map_err(|why| cannot("look at", data_dir, &why))?.uid;
    let ours = [owner, rustix::process::geteuid().as_raw()].contains(&meta.uid());
    if !meta.is_dir() || !ours || meta.mode() & 0o022 != 0 {
        return Err(Error::new(Exit::Rejoin, format!("\"{}\" cannot be used", archive.display()))
            .detail("it is not a folder that only the owner of the data directory can write")
            .hint("remove it, or name another place with --config-archive-dir"));
    }
    copy(data_dir, archive, names)
}

/// Puts them back.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn put_back(data_dir: &Path, archive: &Path, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    copy(archive, data_dir, names)?;
    let files = if names.len() == 1 { "file" } else { "files" };
    report::notice(format!("{} {files} copied to {}", names.len(), data_dir.display()));
    Ok(())
}

/// Takes the copies away; what else lies there stays.
pub fn discard(archive: &Path, names: &[String]) {
    for name in names {
        std::fs::remove_file(archive.join(name)).ok();
    }
    std::fs::remove_dir(archive).ok();
}

fn copy(from: &Path, to: &Path, names: &[String]) -> Result<()> {
    for name in names {
        let (source, target) = (from.join(name), to.join(name));
        let real = std::fs::canonicalize(&source).map_err(|why| cannot("find", &source, &why))?;
        let bytes = files::read_small(&real, LIMIT).map_err(|why| cannot("read", &source, &why))?;
        if let Some(above) = target.parent() {
            state::make_folder(above, from).map_err(|why| cannot("make", above, &why))?;
        }
        files::write_atomic(&target, &bytes, 0o600).map_err(|why| cannot("write", &target, &why))?;
    }
    Ok(())
}
