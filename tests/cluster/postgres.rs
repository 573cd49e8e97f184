//! The server of a host.

use super::exec::{self, Out, wait_for};
use super::host::{Host, User};
use super::template;
use std::time::Duration;

/// How long a server may take to start, stop, promote or catch up. Generous: two loaded cores.
const SERVER_PATIENCE: Duration = Duration::from_secs(30);

/// How a new server is to be.
#[derive(Clone, Debug, Default)]
pub struct PgOptions {
    /// More lines of postgresql.conf.
    pub conf: String,
    /// The whole `pg_hba.conf`; empty: everybody may come in.
    pub hba: String,
    /// Where its system identifier comes from.
    pub identity: Identity,
}

/// All servers copied from one template have one system identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// Copied from the template: fast.
    #[default]
    Common,
    /// Its own, by `initdb`: a stranger to all the others.
    Own,
}

/// How a server is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `pg_ctl stop -m fast`.
    Fast,
    /// `pg_ctl stop -m immediate`: crash recovery at the next start.
    Immediate,
}

impl Host {
    /// Where the server logs.
    pub fn log_path(&self) -> String {
        self.path("postgresql.log")
    }

    /// Makes a primary with the role and the database `repmgr`, and starts it.
    #[track_caller]
    pub fn init_primary(&self, options: &PgOptions) -> &Self {
        let data = self.data_directory();
        match options.identity {
            Identity::Common => self.copy_template(&data),
            Identity::Own => {
                let run = |argv: &[&str]| drop(self.run_as_postgres(argv).ok());
                template::init(&self.postgres, &data, run);
                template::create_roles(&self.postgres, &data, run);
            }
        }
        if !options.hba.is_empty() {
            self.write(&format!("{data}/pg_hba.conf"), &options.hba);
        }
        self.append(&format!("{data}/postgresql.conf"), &format!("{}\n", options.conf));
        self.place_server(&data);
        self.start_pg()
    }

    /// Makes a standby of `upstream` with `pg_basebackup` and starts it: for tests of what comes after a
    /// clone. Its `application_name` is the node's name.
    #[track_caller]
    pub fn join(&self, upstream: &Self) -> &Self {
        let data = self.data_directory();
        let from = format!("{} application_name={}", upstream.conninfo(), self.name);
        let basebackup = self.postgres.program("pg_basebackup");
        self.run_as_postgres(&[&basebackup, "-D", &data, "-d", &from, "-X", "stream", "-c", "fast", "-N"])
            .ok();
        // Not by its -R: a newer pg_basebackup names connection options that an older server does not know.
        if self.postgres.major < 12 {
            let text = format!("standby_mode = 'on'\nprimary_conninfo = '{from}'\n");
            self.write(
                &format!("{data}/recovery.conf"),
                &format!("{text}recovery_target_timeline = 'latest'\n"),
            );
        } else {
            self.write(&format!("{data}/standby.signal"), "");
            self.append(&format!("{data}/postgresql.auto.conf"), &format!("primary_conninfo = '{from}'\n"));
        }
        self.place_server(&data);
        self.start_pg();
        let sql = format!("SELECT count(*) FROM pg_stat_replication WHERE application_name='{}'", self.name);
        wait_for("the standby to stream", SERVER_PATIENCE, || upstream.psql(&sql) == "1");
        self
    }

    fn copy_template(&self, data: &str) {
        let template = template::template(&self.postgres);
        let target = self.seen_from_here(data);
        exec::run(&["cp", "-a", template.to_str().unwrap(), target.to_str().unwrap()]).ok();
    }

    /// Where the server listens; also after a clone, which brings its origin's settings.
    #[track_caller]
    pub fn place_server(&self, data: &str) {
        let sockets = self.socket_directory();
        let lines = format!("port = {}\nunix_socket_directories = '{sockets}'\n", self.port);
        self.append(&format!("{data}/postgresql.conf"), &lines);
    }

    /// Where the server's Unix socket is.
    pub fn socket_directory(&self) -> String {
        if self.in_lab() { "/run/postgresql".to_owned() } else { self.path("run") }
    }

    /// Starts the server and waits until it answers.
    #[track_caller]
    pub fn start_pg(&self) -> &Self {
        let (data, log) = (self.data_directory(), self.log_path());
        self.pg_ctl(&["-D", &data, "-l", &log, "-w", "-t", "30", "start"]).ok();
        self
    }

    /// Stops the server and waits for its end.
    #[track_caller]
    pub fn stop_pg(&self, how: Stop) -> &Self {
        let mode = match how {
            Stop::Fast => "fast",
            Stop::Immediate => "immediate",
        };
        self.pg_ctl(&["-D", &self.data_directory(), "-w", "-t", "30", "-m", mode, "stop"]).ok();
        self
    }

    /// Stops and starts it.
    #[track_caller]
    pub fn restart_pg(&self) -> &Self {
        self.stop_pg(Stop::Fast).start_pg()
    }

    /// Makes the server read its configuration again.
    #[track_caller]
    pub fn reload_pg(&self) -> &Self {
        self.psql("SELECT pg_reload_conf()");
        self
    }

    /// Runs `pg_ctl`.
    #[track_caller]
    pub fn pg_ctl(&self, args: &[&str]) -> Out {
        self.run_as_postgres(&[&[self.postgres.program("pg_ctl").as_str()], args].concat())
    }

    /// The postmaster's process number on the host; `None` when no server wrote one.
    pub fn postmaster_pid(&self) -> Option<u32> {
        let path = self.seen_from_here(&format!("{}/postmaster.pid", self.data_directory()));
        std::fs::read_to_string(path).ok()?.lines().next()?.trim().parse().ok()
    }

    /// kill -9 of the postmaster; waits until its children have noticed.
    #[track_caller]
    pub fn kill9_pg(&self) -> &Self {
        let pid = self.signal_postmaster("KILL");
        let script = format!("test ! -e /proc/{pid} && ! grep -qsx postgres /proc/[0-9]*/comm");
        if self.in_lab() {
            wait_for("the server to be gone", SERVER_PATIENCE, || self.shell(&script).code == 0);
        }
        self
    }

    /// Stops every process of the server where it stands: connections are accepted, nothing answers.
    #[track_caller]
    pub fn sigstop_pg(&self) -> &Self {
        self.signal_postmaster("STOP");
        self
    }

    /// Undoes [`Self::sigstop_pg`].
    #[track_caller]
    pub fn sigcont_pg(&self) -> &Self {
        self.signal_postmaster("CONT");
        self
    }

    /// Signals the postmaster first, then its children, by their numbers; returns the postmaster's.
    fn signal_postmaster(&self, signal: &str) -> u32 {
        let pid = self.postmaster_pid().expect("a running server");
        let script = format!(
            "kids=$(cat /proc/{pid}/task/{pid}/children); kill -{signal} {pid}; kill -{signal} $kids || :"
        );
        // The server is the user's own, but only root may read another's children in every kernel.
        let user = if self.in_lab() { User::Root } else { User::Postgres };
        self.command(&["sh", "-c", &script]).user(user).run().ok();
        pid
    }

    /// Is this a host of a [`super::Lab`]?
    pub fn in_lab(&self) -> bool {
        self.address == self.name
    }

    /// Runs SQL in the database `repmgr` over the Unix socket and returns what it printed, unaligned;
    /// stops the test on an error.
    #[track_caller]
    pub fn psql(&self, sql: &str) -> String {
        self.try_psql(sql).ok().stdout.trim_end().to_owned()
    }

    /// The same, errors included.
    #[track_caller]
    pub fn try_psql(&self, sql: &str) -> Out {
        let (psql, port) = (self.postgres.program("psql"), self.port.to_string());
        let to = ["-h", &self.socket_directory(), "-p", &port, "-U", "repmgr", "-d", "repmgr"];
        let how = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql];
        self.run_as_postgres(&[&[psql.as_str()], &to[..], &how[..]].concat())
    }

    /// Waits until this standby has replayed what `upstream` has written by now.
    #[track_caller]
    pub fn catch_up(&self, upstream: &Self) -> &Self {
        let now = upstream.psql("SELECT pg_current_wal_lsn()");
        let sql = format!("SELECT pg_last_wal_replay_lsn() >= '{now}'::pg_lsn");
        wait_for("the standby to catch up", SERVER_PATIENCE, || self.psql(&sql) == "t");
        self
    }

    /// Waits until the server is a primary that takes writes.
    #[track_caller]
    pub fn wait_for_primary(&self) -> &Self {
        wait_for("a primary", SERVER_PATIENCE, || {
            let out = self.try_psql("SELECT pg_is_in_recovery()");
            out.code == 0 && out.stdout.trim() == "f"
        });
        self
    }
}
