//! Configuration files outside the source's data directory, copied with rsync over ssh.

use super::gather::Source;
use super::wish::Wish;
use crate::cli::choices::ExternalFiles;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::peer::ssh::Ssh;
use crate::report;
use crate::sys::clock::Deadline;
use crate::sys::files;
use crate::sys::identity::Identity;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// To see whether ssh works.
const REACH: Duration = Duration::from_secs(30);

/// For one small file.
const COPY: Duration = Duration::from_secs(5 * 60);

/// What will be copied. `None`: nothing.
pub struct External {
    ssh: Ssh,
    files: Vec<PathBuf>,
    to: ExternalFiles,
}

/// Decides what will be copied and tests the way there.
///
/// # Errors
/// [`Exit::Ssh`]: the source's host cannot be reached; [`Exit::BadConfig`]: a place here cannot be written.
pub fn prepare(wish: &Wish, source: &Source, remote_user: Option<&str>) -> Result<Option<External>> {
    if source.setting("config_file").is_none_or(str::is_empty) {
        report::info("whether the source has configuration files outside its data directory is not known")
            .detail("this role may not see where they are (it lacks pg_read_all_settings)");
        return Ok(None);
    }
    if source.external.is_empty() {
        return Ok(None);
    }
    let list: Vec<String> = source.external.iter().map(|p| format!("\"{}\"", p.display())).collect();
    let list = list.join(", ");
    let Some(to) = wish.external else {
        report::warning("the source has configuration files outside its data directory; they are not copied")
            .detail(list)
            .hint("make such files here, or use --copy-external-config-files");
        return Ok(None);
    };
    let host = wish.source.get("host").or_else(|| wish.source.get("hostaddr")).unwrap_or_default();
    let host = host.split(',').next().unwrap_or_default();
    let host = if host.starts_with('/') { "localhost" } else { host };
    let ssh = Ssh::new(host, remote_user, &wish.settings.ssh_options)?;
    ssh.reach(Deadline::after(REACH))
        .map_err(|e| e.hint("configuration files outside the data directory are copied through ssh"))?;
    if to == ExternalFiles::SamePath {
        source.external.iter().try_for_each(|file| writable(file))?;
    }
    report::info(format!("configuration files come from {}", ssh.target())).detail(list);
    Ok(Some(External { ssh, files: source.external.clone(), to }))
}

fn writable(file: &Path) -> Result<()> {
    let place = file.ancestors().skip(1).find(|d| d.exists()).unwrap_or(Path::new("/"));
    let at = if file.exists() { file } else { place };
    match rustix::fs::access(at, rustix::fs::Access::WRITE_OK) {
        Ok(()) => Ok(()),
        Err(why) => Err(Error::new(
            Exit::BadConfig,
            format!("unable to write configuration file \"{}\"", file.display()),
        )
        .detail(format!("\"{}\": {why}", at.display()))
        .hint("make its directory writable here, or use --copy-external-config-files=pgdata")),
    }
}

/// When files are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// To their own paths.
    BeforeTheCopy,
    /// Into the data directory.
    AfterTheCopy,
}

/// Copies what is due.
///
/// # Errors
/// [`Exit::Rsync`], unless `-F` was given: then a warning.
pub fn copy(external: Option<&External>, wish: &Wish, when: When, owner: &Identity) -> Result<()> {
    let Some(External { ssh, files, to }) = external else { return Ok(()) };
    let due = match to {
        ExternalFiles::SamePath => When::BeforeTheCopy,
        ExternalFiles::PgData => When::AfterTheCopy,
    };
    if due != when {
        return Ok(());
    }
    for file in files {
        let local = match to {
            ExternalFiles::SamePath => file.clone(),
            ExternalFiles::PgData => wish.data_dir.join(file.file_name().unwrap_or_default()),
        };
        match one(ssh, wish, file, &local, owner) {
            Ok(()) => drop(report::info(format!("copied \"{}\" to \"{}\"", file.display(), local.display()))),
            Err(why) if wish.forced() => report::setback(&why),
            Err(why) => return Err(why),
        }
    }
    Ok(())
}

fn one(ssh: &Ssh, wish: &Wish, file: &Path, local: &Path, owner: &Identity) -> Result<()> {
    let failed = |why: std::io::Error| {
        Error::new(Exit::Rsync, format!("unable to copy to \"{}\"", local.display())).detail(why.to_string())
    };
    if let Some(dir) = local.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    let options = wish.settings.rsync_options.as_deref().unwrap_or_default();
    ssh.rsync_from(options, &file.to_string_lossy(), local, Deadline::after(COPY))?;
    if owner.differs_from_us() {
        std::os::unix::fs::chown(local, Some(owner.uid), Some(owner.gid)).map_err(failed)?;
    }
    local.parent().map_or(Ok(()), |dir| files::sync_dir(dir).map_err(failed))
}
