//! Servers side by side on loopback, as an unprivileged user; for tests that need no network of their own.

use super::exec::{self, run};
use super::host::{Host, Place};
use super::programs::{Postgres, Program};
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where all of them are; the process number in the name says whose it is. Short, because a Unix socket's
/// path is at most 107 bytes.
const SHELF: &str = "/tmp";
const PREFIX: &str = "hg_repmgr-solo-";

/// Below those that the kernel gives to outgoing connections, which would get in the way.
const PORTS: std::ops::Range<u16> = 21_000..22_000;

/// Some servers on this machine.
pub struct Solo {
    hosts: Vec<Host>,
    /// Locked as long as the ports are ours; the kernel unlocks them when this process ends, however.
    #[expect(dead_code, reason = "held, not read")]
    ports: Vec<File>,
    folder: PathBuf,
}

impl Solo {
    /// Makes `count` places for servers, with the installed PostgreSQL's programs and the program under
    /// test. No server runs yet.
    pub fn new(count: usize) -> Self {
        Self::with(count, &Postgres::installed(), &Program::under_test())
    }

    /// The same with other programs.
    pub fn with(count: usize, postgres: &Postgres, program: &Program) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        sweep();
        let serial = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = Path::new(SHELF).join(format!("{PREFIX}{}-{serial}", std::process::id()));
        let (numbers, ports): (Vec<_>, Vec<_>) = free_ports(count).into_iter().unzip();
        let hosts = numbers
            .into_iter()
            .enumerate()
            .map(|(at, port)| {
                let name = format!("node{}", at + 1);
                let home = folder.join(&name);
                lay_out(&home, program);
                Host::new(at + 1, &name, "127.0.0.1", port, &home, postgres, Place::Here)
            })
            .collect();
        if exec::is_root() {
            run(&["chown", "-R", "postgres:postgres", folder.to_str().unwrap()]).ok();
        }
        Self { hosts, ports, folder }
    }

    /// Host `n`, counted from 1.
    pub fn host(&self, n: usize) -> &Host {
        &self.hosts[n - 1]
    }

    /// All of them.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }
}

impl Drop for Solo {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.hosts.iter().for_each(Host::show_logs);
        }
        clear(&self.folder);
    }
}

/// A home with folders for programs and sockets. The program is copied, as the folders above the build may
/// be closed to the server's user.
fn lay_out(home: &Path, program: &Program) {
    for folder in ["bin", "run"] {
        std::fs::create_dir_all(home.join(folder)).unwrap();
    }
    let daemon = program.0.with_file_name("repmgrd");
    let daemon = if daemon.exists() { daemon } else { program.0.clone() };
    for (from, to, other) in [(&program.0, "repmgr", "hg_repmgr"), (&daemon, "repmgrd", "hg_repmgrd")] {
        let path = home.join("bin").join(to);
        std::fs::copy(from, &path).unwrap();
        std::os::unix::fs::symlink(to, path.with_file_name(other)).unwrap();
    }
}

/// Ports that nobody uses and no other test takes, each with the locked file that says so.
fn free_ports(count: usize) -> Vec<(u16, File)> {
    let user = rustix::process::getuid().as_raw();
    let shelf = Path::new(SHELF).join(format!("hg_repmgr-test-ports-{user}"));
    std::fs::create_dir_all(&shelf).unwrap();
    let claim = |port: u16| {
        let file = File::create(shelf.join(port.to_string())).ok()?;
        file.try_lock().ok()?;
        TcpListener::bind(("127.0.0.1", port)).is_ok().then_some((port, file))
    };
    let free: Vec<_> = PORTS.filter_map(claim).take(count).collect();
    assert_eq!(free.len(), count, "no free ports in {PORTS:?}");
    free
}

/// Removes what processes that are no more have left.
fn sweep() {
    for entry in std::fs::read_dir(SHELF).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let owner = rest.split('-').next().unwrap_or_default();
        if owner.parse::<u32>().is_ok() && !Path::new("/proc").join(owner).exists() {
            clear(&entry.path());
        }
    }
}

/// Ends the servers below `folder`, each by its exact number, and removes the folder.
fn clear(folder: &Path) {
    for home in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let data = home.path().join("data");
        let pid = std::fs::read_to_string(data.join("postmaster.pid"));
        let Some(pid) = pid.ok().and_then(|text| text.lines().next().map(|l| l.trim().to_owned())) else {
            continue;
        };
        // A server works in its data directory: a number that somebody else has by now is left alone.
        if std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data) {
            let kids =
                std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            run(&["sh", "-c", &format!("kill -KILL {pid} {kids} 2>/dev/null; :")]);
        }
    }
    drop(run(&["rm", "-rf", folder.to_str().unwrap()]));
}
