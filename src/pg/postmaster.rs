//! The server's first process: found by its pid file, and told from a stranger with the same number.

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::pg::control_file::{self, ControlFile};
use crate::sys::clock::{self, Deadline};
use crate::sys::files;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often we look whether it is gone.
const STEP: Duration = Duration::from_millis(50);

/// Far more than a pid file ever holds.
const PID_FILE_LIMIT: u64 = 64 * 1024;

/// What the pid file's last line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It starts, or recovers; connections are refused.
    Starting,
    /// It stops.
    Stopping,
    /// It takes connections, as a primary or a hot standby.
    Ready,
    /// It replays WAL and takes no connections (`hot_standby` is off).
    Standby,
    /// The line is not there yet, or holds a word we do not know.
    Unknown,
}

/// A running server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postmaster {
    /// Its process id.
    pub pid: u32,
    /// The port it listens on. `None`: not written yet.
    pub port: Option<u16>,
    /// The first directory of its Unix socket. `None`: it has none, or it is not written yet.
    pub socket_dir: Option<PathBuf>,
    /// The first address it listens on. `None`: none, or not written yet.
    pub listen: Option<String>,
    /// How far it is.
    pub phase: Phase,
}

/// What a data directory's server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerState {
    /// It runs.
    Running(Postmaster),
    /// It does not; the control file says how it ended.
    Down(Box<ControlFile>),
}

/// The running server of a data directory. `None`: there is no pid file, or the process it names is gone or
/// is not the server of this directory.
///
/// # Errors
/// [`Exit::BadConfig`] when the pid file is there and cannot be read.
pub fn find(data_dir: &Path) -> Result<Option<Postmaster>> {
    let path = data_dir.join("postmaster.pid");
    let text = match files::read_small(&path, PID_FILE_LIMIT) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(why) if matches!(why.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(why) => {
            return Err(Error::new(Exit::BadConfig, format!("unable to read \"{}\"", path.display()))
                .detail(why.to_string())
                .hint("run this as the owner of the data directory"));
        }
    };
    Ok(parse(&text).filter(|found| belongs_to(found.pid, data_dir)))
}

/// What a data directory's server does, by its pid file and its control file.
///
/// # Errors
/// [`Exit::BadConfig`] when neither can be read.
pub fn state(data_dir: &Path) -> Result<ServerState> {
    match find(data_dir)? {
        Some(running) => Ok(ServerState::Running(running)),
        None => Ok(ServerState::Down(Box::new(control_file::read(data_dir)?))),
    }
}

/// Waits until this very server is gone; one that was started anew counts as gone.
///
/// # Errors
/// [`Exit::LocalCommand`] when it is still there at the deadline.
pub fn wait_gone(data_dir: &Path, server: &Postmaster, deadline: Deadline) -> Result<()> {
    let gone = clock::poll_until(deadline, STEP, || (!belongs_to(server.pid, data_dir)).then_some(()));
    gone.ok_or_else(|| {
        Error::new(Exit::LocalCommand, format!("PostgreSQL (process {}) is still running", server.pid))
            .detail(format!("data directory \"{}\"", data_dir.display()))
            .hint("a service manager stops only a server that it has started itself; check \"service_stop_command\"")
    })
}

fn parse(text: &str) -> Option<Postmaster> {
    let mut lines = text.lines().map(str::trim);
    // A single-user server writes its number with a minus sign.
    let pid = lines.next()?.trim_start_matches('-').parse().ok().filter(|pid| *pid > 1)?;
    let word = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    let (_dir, _started) = (lines.next(), lines.next());
    let port = lines.next().and_then(|p| p.parse().ok());
    let socket_dir = word(lines.next()).map(PathBuf::from);
    let listen = word(lines.next());
    let _shared_memory = lines.next();
    let phase = match lines.next() {
        Some("starting") => Phase::Starting,
        Some("stopping") => Phase::Stopping,
        Some("ready") => Phase::Ready,
        Some("standby") => Phase::Standby,
        Some(_) | None => Phase::Unknown,
    };
    Some(Postmaster { pid, port, socket_dir, listen, phase })
}

/// True when the process is alive and is a server that works in this directory.
fn belongs_to(pid: u32, data_dir: &Path) -> bool {
    let proc = PathBuf::from(format!("/proc/{pid}"));
    let Ok(stat) = std::fs::read_to_string(proc.join("stat")) else { return false };
    let Some((name, after)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) else {
        return false;
    };
    // A zombie has let go of everything; its parent only has not asked yet.
    if matches!(after.trim_start().bytes().next(), Some(b'Z' | b'X')) {
        return false;
    }
    match std::fs::read_link(proc.join("cwd")) {
        Ok(cwd) => std::fs::canonicalize(data_dir).is_ok_and(|dir| dir == cwd),
        // Another user's process: its directory is hidden, its name is not.
        Err(_) => ["postgres", "postmaster", "hgdb", "edb-postgres"].contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pid_files_are_read_at_every_stage() {
        let whole =
            "4711\n/srv/data\n1795228910\n5433\n/run/postgresql\n127.0.0.1\n  5433001   32768\nready   \n";
        for (why, text, want) in [
            ("whole", whole, Some((4711, Some(5433), Some("127.0.0.1"), Phase::Ready))),
            ("just begun", "4711\n/srv/data\n1795228910\n", Some((4711, None, None, Phase::Unknown))),
            (
                "no socket, no address",
                "4711\n/d\n1\n5432\n\n\n\nstandby \n",
                Some((4711, Some(5432), None, Phase::Standby)),
            ),
            ("single user", "-4711\n/d\n", Some((4711, None, None, Phase::Unknown))),
            ("empty", "", None),
            ("not a number", "x\n", None),
            ("init is no server", "1\n", None),
        ] {
            let got = parse(text);
            let got = got.as_ref().map(|p| (p.pid, p.port, p.listen.as_deref(), p.phase));
            assert_eq!(got, want, "{why}");
        }
    }
}
