//! A small server of the test's own: temporary directory, loopback, a free port, gone when the test ends.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::disallowed_methods, reason = "tests start servers and OpenSSL themselves")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of tests may fail like one"
)]

use hg_repmgr::domain::conninfo::ConnInfo;
use hg_repmgr::pg::environment::Environment;
use hg_repmgr::pg::session::{PgError, Session};
use hg_repmgr::sys::clock::Deadline;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

/// Set to leave the tests with a real server out.
const WITHOUT: &str = "HG_REPMGR_TESTS_WITHOUT_POSTGRES";

pub struct Cluster {
    pub dir: PathBuf,
    pub port: u16,
    bin: PathBuf,
    stopped: Option<u32>,
}

fn find_bin() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::env::var_os("PG_BINDIR").map(PathBuf::from).into_iter().collect();
    for (root, tail) in [("/usr/lib/postgresql", "bin"), ("/usr", "bin")] {
        for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if root != "/usr" || name.starts_with("pgsql-") {
                found.push(entry.path().join(tail));
            }
        }
    }
    found.into_iter().find(|p| p.join("initdb").exists())
}

/// A program as the user postgres when we are root (a server refuses to run as root).
pub fn as_postgres(program: &Path, args: &[&str]) -> Output {
    let mut command = if rustix::process::geteuid().is_root() {
        let mut c = Command::new("setpriv");
        c.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"]).arg(program);
        c
    } else {
        Command::new(program)
    };
    command.args(args).env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/tmp");
    command.output().expect("program runs")
}

impl Cluster {
    /// `None`: the tests were told to do without.
    pub fn start(name: &str, conf: &str, hba: &str) -> Option<Self> {
        let Some(bin) = find_bin() else {
            assert!(
                std::env::var_os(WITHOUT).is_some(),
                "no PostgreSQL server found; set {WITHOUT}=1 to leave this out"
            );
            eprintln!("LEFT OUT: {name}: no PostgreSQL server, and {WITHOUT} is set");
            return None;
        };
        let dir = std::env::temp_dir().join(format!("session-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        if rustix::process::geteuid().is_root() {
            let out = Command::new("chown").arg("postgres").arg(&dir).output().unwrap();
            assert!(out.status.success());
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let cluster = Self { dir, port, bin, stopped: None };
        let data = cluster.data().to_string_lossy().into_owned();
        let out = as_postgres(
            &cluster.bin.join("initdb"),
            &["-D", &data, "-U", "postgres", "-A", "trust", "-N", "--no-locale", "-E", "UTF8"],
        );
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let mut text = std::fs::read_to_string(cluster.data().join("postgresql.conf")).unwrap();
        text += &format!(
            "\nlisten_addresses='127.0.0.1'\nport={port}\nunix_socket_directories='{}'\nfsync=off\nshared_buffers=16MB\nmax_wal_senders=4\n{conf}\n",
            cluster.dir.display()
        );
        std::fs::write(cluster.data().join("postgresql.conf"), text).unwrap();
        cluster.write_hba(hba);
        cluster.boot();
        Some(cluster)
    }

    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub fn write_hba(&self, hba: &str) {
        std::fs::write(self.data().join("pg_hba.conf"), hba).unwrap();
    }

    pub fn boot(&self) {
        let log = self.dir.join("log");
        self.ctl(&["-l", &log.to_string_lossy(), "-w", "start"]);
    }

    pub fn restart(&self) {
        let log = self.dir.join("log");
        self.ctl(&["-l", &log.to_string_lossy(), "-w", "-m", "fast", "restart"]);
    }

    pub fn ctl(&self, args: &[&str]) {
        let data = self.data();
        let mut all = vec!["-D", data.to_str().unwrap()];
        all.extend(args);
        let out = as_postgres(&self.bin.join("pg_ctl"), &all);
        let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        assert!(out.status.success(), "{args:?} {} {log}", String::from_utf8_lossy(&out.stderr));
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    pub fn postmaster(&self) -> u32 {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    /// Stops the postmaster and all its children: a server that hangs.
    pub fn freeze(&mut self) {
        self.signal("STOP");
        self.stopped = Some(self.postmaster());
    }

    pub fn thaw(&mut self) {
        if self.stopped.take().is_some() {
            self.signal("CONT");
        }
    }

    fn signal(&self, signal: &str) {
        let pid = self.postmaster().to_string();
        let children = Command::new("pgrep").args(["-P", &pid]).output().unwrap();
        let children = String::from_utf8_lossy(&children.stdout).into_owned();
        for pid in std::iter::once(pid.as_str()).chain(children.split_whitespace()) {
            let _ = Command::new("kill").args([&format!("-{signal}"), pid]).output();
        }
    }

    /// Over TCP as postgres.
    pub fn tcp(&self) -> String {
        format!("host=127.0.0.1 port={} user=postgres dbname=postgres", self.port)
    }

    /// Over the socket as postgres.
    pub fn socket(&self) -> String {
        format!("host={} port={} user=postgres dbname=postgres", self.dir.display(), self.port)
    }

    pub fn psql(&self, sql: &str) -> String {
        let out = as_postgres(
            &self.bin.join("psql"),
            &["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &self.socket(), "-c", sql],
        );
        assert!(out.status.success(), "{sql}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.thaw();
        let data = self.data();
        as_postgres(
            &self.bin.join("pg_ctl"),
            &["-D", data.to_str().unwrap(), "-m", "immediate", "-w", "stop"],
        );
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

/// An environment without anything of this machine's but what is named.
pub fn env(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Environment { variables, user: Some("nobody".to_owned()), home: Some("/nonexistent".into()) }
}

pub fn info(text: &str) -> ConnInfo {
    ConnInfo::parse(text).unwrap()
}

pub fn seconds(n: u64) -> Deadline {
    Deadline::after(Duration::from_secs(n))
}

pub fn connect(text: &str) -> Result<Session, PgError> {
    Session::connect_in(&info(text), env(&[]), seconds(10))
}

/// The first field of the first row.
pub fn ask(session: &mut Session, sql: &str) -> String {
    session.simple_query(sql).unwrap().remove(0).remove(0).unwrap_or_default()
}
