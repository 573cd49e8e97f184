//! One host: what can be run on it.

use super::exec::{self, Out, PATIENCE, Running};
use super::lab::{self, Holder};
use super::programs::{Postgres, Program};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Marks in the words to be run where the way into the host ends.
pub const EXEC: &str = "exec \"$@\"";

/// Where a host is.
pub enum Place {
    /// In namespaces of its own.
    Namespaces(Holder),
    /// On this machine, in a folder of its own.
    Here,
}

/// Who runs a program on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum User {
    Root,
    Postgres,
}

/// One host with at most one server. Paths are as its own programs see them.
pub struct Host {
    /// 1, 2, …: also its `node_id`.
    pub id: usize,
    /// node1, node2, …: its hostname in a lab, and its `node_name`.
    pub name: String,
    /// What a connection string says as `host`.
    pub address: String,
    /// What a connection string says as `port`.
    pub port: u16,
    /// The home of the server's user: all files of the host are below.
    pub home: PathBuf,
    /// The server's programs.
    pub postgres: Postgres,
    place: Place,
}

/// A command line in the making.
pub struct Call<'a> {
    host: &'a Host,
    argv: Vec<String>,
    user: User,
    env: Vec<(String, String)>,
    input: String,
    patience: Duration,
}

impl Host {
    pub(super) fn new(
        id: usize,
        name: &str,
        address: &str,
        port: u16,
        home: &Path,
        postgres: &Postgres,
        place: Place,
    ) -> Self {
        let (name, address) = (name.to_owned(), address.to_owned());
        Self { id, name, address, port, home: home.to_owned(), postgres: postgres.clone(), place }
    }

    /// A command line to run on the host, as the user postgres unless said otherwise.
    pub fn command(&self, argv: &[&str]) -> Call<'_> {
        Call {
            host: self,
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            user: User::Postgres,
            env: Vec::new(),
            input: String::new(),
            patience: PATIENCE,
        }
    }

    /// Runs a program as the user postgres.
    #[track_caller]
    pub fn run_as_postgres(&self, argv: &[&str]) -> Out {
        self.command(argv).run()
    }

    /// Runs a program as root; only in a lab.
    #[track_caller]
    pub fn run_as_root(&self, argv: &[&str]) -> Out {
        self.command(argv).user(User::Root).run()
    }

    /// Runs a line of shell as the user postgres, in its home.
    #[track_caller]
    pub fn shell(&self, script: &str) -> Out {
        self.run_as_postgres(&["bash", "-c", script])
    }

    /// `repmgr -f THE-HOST'S-CONF …` with the program under test.
    pub fn repmgr_command(&self, args: &[&str]) -> Call<'_> {
        let (program, conf) = (self.path("bin/repmgr"), self.conf_path());
        self.command(&[&[program.as_str(), "-f", &conf], args].concat())
    }

    /// Runs `repmgr -f THE-HOST'S-CONF …` with the program under test.
    #[track_caller]
    pub fn repmgr(&self, args: &[&str]) -> Out {
        self.repmgr_command(args).run()
    }

    /// Runs `repmgr -f THE-HOST'S-CONF …` with the original.
    #[track_caller]
    pub fn original(&self, args: &[&str]) -> Out {
        let (program, conf) = (Program::original(), self.conf_path());
        self.run_as_postgres(&[&[program.0.to_str().unwrap(), "-f", &conf], args].concat())
    }

    /// A path below the host's home, as its programs see it.
    pub fn path(&self, below_home: &str) -> String {
        self.home.join(below_home).to_str().unwrap().to_owned()
    }

    /// Where its `repmgr.conf` is.
    pub fn conf_path(&self) -> String {
        self.path("repmgr.conf")
    }

    /// Where its server's data directory is (or will be).
    pub fn data_directory(&self) -> String {
        self.path("data")
    }

    /// The numeric address of a host in a lab.
    pub fn ip(&self) -> String {
        match self.place {
            Place::Namespaces(_) => lab::address(self.id),
            Place::Here => self.address.clone(),
        }
    }

    /// How its node is reached: what its `repmgr.conf` says.
    pub fn conninfo(&self) -> String {
        let Self { address, port, .. } = self;
        format!("host={address} port={port} user=repmgr dbname=repmgr connect_timeout=2")
    }

    /// Where the test itself finds a file of the host.
    pub fn seen_from_here(&self, path: &str) -> PathBuf {
        match &self.place {
            Place::Namespaces(holder) => PathBuf::from(format!("/proc/{}/root{path}", holder.pid)),
            Place::Here => PathBuf::from(path),
        }
    }

    /// The words that lead into the host.
    fn way_in(&self, user: User) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        let mut add = |more: &[&str]| words.extend(more.iter().map(|&w| w.to_owned()));
        match (&self.place, user) {
            (Place::Namespaces(holder), _) => {
                add(&["nsenter", "-t", &holder.pid.to_string(), "-n", "-m", "-u", "-i", "-p", "--"]);
                if user == User::Postgres {
                    add(&exec::server_user_prefix());
                }
            }
            (Place::Here, User::Postgres) => add(&exec::server_user_prefix()),
            (Place::Here, User::Root) => panic!("only a lab's hosts have a root of their own"),
        }
        words
    }
}

impl Call<'_> {
    /// Who runs it.
    pub fn user(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    /// An environment variable of the program; nothing of the test's own environment gets there.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its standard input; nothing without this.
    pub fn input(mut self, text: &str) -> Self {
        text.clone_into(&mut self.input);
        self
    }

    /// How long it may run before the test stops.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Out {
        let patience = self.patience;
        self.start().wait(patience)
    }

    /// Starts it beside the test.
    #[track_caller]
    pub fn start(self) -> Running {
        let mut words = self.host.way_in(self.user);
        let home = self.host.home.to_str().unwrap();
        words.extend(["env", "-i", "-C", home, "LANG=C.UTF-8"].map(str::to_owned));
        words.push(format!("HOME={home}"));
        words.push("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
        words.extend(self.env.iter().map(|(name, value)| format!("{name}={value}")));
        // For messages: what follows is what a person would have typed.
        words.extend(["sh", "-c", EXEC, "--"].map(str::to_owned));
        words.extend(self.argv);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        Running::start(command, &self.input)
    }
}
