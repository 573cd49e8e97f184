//! What keeps a server from starting while its files are neither those of a standby nor of one moment. Both
//! bars are on disk, so they hold when we are killed.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sys::files;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// PostgreSQL of every version refuses a data directory that others may enter.
const BAR: u32 = 0o001;

/// Far more than any such file holds.
const LIMIT: u64 = 16 << 20;

/// A server that is to listen nowhere does not start; one in single-user mode listens nowhere anyway.
const DEAF: &str = "# \"repmgr node rejoin\" was cut off while it recovered this server: run it again\n\
                    listen_addresses = ''\nunix_socket_directories = ''\n";

/// Bars the directory: neither a server nor single-user mode starts in it.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn close(data_dir: &Path) -> Result<()> {
    set(data_dir, |mode| mode | BAR)
}

/// Takes that bar away.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn open(data_dir: &Path) -> Result<()> {
    set(data_dir, |mode| mode & !BAR)
}

fn set(data_dir: &Path, change: impl Fn(u32) -> u32) -> Result<()> {
    let apply = || -> io::Result<()> {
        let mode = std::fs::metadata(data_dir)?.permissions().mode() & 0o7777;
        std::fs::set_permissions(data_dir, PermissionsExt::from_mode(change(mode)))?;
        files::sync_dir(data_dir)
    };
    apply().map_err(|why| cannot("change the permissions of", data_dir, &why))
}

/// Bars the directory for all but single-user mode.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn deafen(data_dir: &Path) -> Result<()> {
    edit(data_dir, |text| {
        let text = text.strip_suffix(DEAF).unwrap_or(text);
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        format!("{text}{end}{DEAF}")
    })
}

/// Takes that bar away; where there is none nothing is changed.
///
/// # Errors
/// [`Exit::Rejoin`].
pub fn hear(data_dir: &Path) -> Result<()> {
    edit(data_dir, |text| text.replace(DEAF, ""))
}

fn edit(data_dir: &Path, change: impl Fn(&str) -> String) -> Result<()> {
    let path = data_dir.join("postgresql.auto.conf");
    let apply = || -> io::Result<()> {
        // A site may keep it elsewhere and link to it.
        let real = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        let old = match files::read_small(&real, LIMIT) {
            Ok(bytes) => {
                String::from_utf8(bytes).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?
            }
            Err(why) if why.kind() == io::ErrorKind::NotFound => String::new(),
            Err(why) => return Err(why),
        };
        let new = change(&old);
        if new == old { Ok(()) } else { files::write_atomic(&path, new.as_bytes(), 0o600) }
    };
    apply().map_err(|why| cannot("change", &path, &why))
}

/// An error about a path.
#[must_use]
pub fn cannot(what: &str, path: &Path, why: &io::Error) -> Error {
    Error::new(Exit::Rejoin, format!("unable to {what} \"{}\"", path.display()))
        .detail(why.to_string())
        .hint("check its owner and permissions, and the room on its file system, then run the command again")
}
