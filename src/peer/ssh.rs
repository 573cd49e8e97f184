//! Commands on another host, through ssh.

use crate::domain::shell;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sys::clock::Deadline;
use crate::sys::exec::{Output, Program, Status};
use std::path::{Path, PathBuf};

/// ssh ends with this code when ssh itself failed, not the command.
const SSH_FAILED: i32 = 255;

/// How rsync copies unless `rsync_options` says otherwise.
const RSYNC_DEFAULT: [&str; 3] = ["--archive", "--checksum", "--compress"];

/// The way to one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssh {
    host: String,
    user: Option<String>,
    options: Vec<String>,
    program: PathBuf,
}

impl Ssh {
    /// The way to `host` as `user` (`None`: the same as here, or as ssh's configuration says), with
    /// `ssh_options` as they stand in the configuration file.
    ///
    /// # Errors
    /// [`Exit::BadConfig`]: unbalanced quotes, or a host or user that ssh would take for an option.
    pub fn new(host: &str, user: Option<&str>, ssh_options: &str) -> Result<Self> {
        let options = shell::split(ssh_options)
            .map_err(|why| Error::new(Exit::BadConfig, "invalid \"ssh_options\"").detail(why.to_string()))?;
        let user = user.filter(|u| !u.is_empty());
        for name in user.into_iter().chain([host]) {
            if name.is_empty() || name.starts_with('-') || name.contains(char::is_whitespace) {
                return Err(Error::new(Exit::BadConfig, format!("\"{name}\" cannot be reached through ssh"))
                    .detail("it is no host's or user's name")
                    .hint("ssh goes to the \"host\" of the node's conninfo"));
            }
        }
        let program = PathBuf::from("ssh");
        Ok(Self { host: host.to_owned(), user: user.map(str::to_owned), options, program })
    }

    /// Takes another program than the `ssh` in PATH.
    #[must_use]
    pub fn with_program(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.program);
        self
    }

    /// `user@host`, or the host alone.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.user {
            Some(user) => format!("{user}@{}", self.host),
            None => self.host.clone(),
        }
    }

    fn program(&self, command: &str) -> Program {
        Program::new(&self.program)
            .args(["-o", "Batchmode=yes"])
            .args(&self.options)
            .arg(self.target())
            .arg(command)
            .ends_with_us()
    }

    /// The command line, for messages.
    #[must_use]
    pub fn shown(&self, command: &str) -> String {
        self.program(command).shown()
    }

    /// Runs a command line in the other host's shell. Its exit code and output are the caller's to judge;
    /// quote what goes into it ([`RemoteRepmgr`] does).
    ///
    /// # Errors
    /// [`Exit::Ssh`]: ssh is missing, could not connect or log in, or the deadline came first.
    pub fn run(&self, command: &str, deadline: Deadline) -> Result<Output> {
        let output =
            self.program(command).run(deadline).map_err(|error| Error { exit: Exit::Ssh, ..error })?;
        let failed = || {
            Error::new(Exit::Ssh, format!("unable to run a command on \"{}\" through ssh", self.target()))
                .detail(format!("command was: {}", self.shown(command)))
        };
        match output.status {
            Status::Exited(SSH_FAILED) => Err(failed().detail(output.complaint()).hint(
                "ssh must work from here without a password; check its keys, known_hosts and \"ssh_options\"",
            )),
            Status::TimedOut => Err(failed()
                .detail("no answer in time")
                .hint("check the host, the network and \"ssh_options\" (ConnectTimeout)")),
            Status::Signalled(_) => Err(failed().detail(output.complaint())),
            Status::Exited(_) => Ok(output),
        }
    }

    /// Tests whether commands can be run there.
    ///
    /// # Errors
    /// [`Exit::Ssh`] when not.
    pub fn reach(&self, deadline: Deadline) -> Result<()> {
        // Whatever `true` answers, or that it is elsewhere: a shell there has answered.
        self.run("/bin/true", deadline).map(drop)
    }

    /// Copies a file or directory from there with rsync, through this way.
    ///
    /// # Errors
    /// [`Exit::Rsync`] when it fails; [`Exit::BadConfig`] for `rsync_options` with unbalanced quotes.
    pub fn rsync_from(
        &self,
        rsync_options: &str,
        remote: &str,
        local: &Path,
        deadline: Deadline,
    ) -> Result<()> {
        let mut options = shell::split(rsync_options).map_err(|why| {
            Error::new(Exit::BadConfig, "invalid \"rsync_options\"").detail(why.to_string())
        })?;
        if options.is_empty() {
            options = RSYNC_DEFAULT.map(str::to_owned).to_vec();
        }
        // rsync splits this at blanks and knows quotes.
        let way = [self.program.to_string_lossy().into_owned(), "-o".to_owned(), "Batchmode=yes".to_owned()];
        let way: Vec<String> = way.iter().chain(&self.options).map(|w| shell::quoted(w)).collect();
        let program = Program::new("rsync")
            .args(options)
            .args(["--protect-args", &format!("--rsh={}", way.join(" ")), "--"])
            .arg(format!("{}:{remote}", self.target()))
            .arg(local)
            .ends_with_us();
        let failed = |error: Error| error.detail(format!("command was: {}", program.shown()));
        let output = program.run(deadline).map_err(|error| failed(Error { exit: Exit::Rsync, ..error }))?;
        if output.success() {
            return Ok(());
        }
        let what = format!("unable to copy \"{remote}\" from \"{}\" with rsync", self.target());
        Err(failed(Error::new(Exit::Rsync, what).detail(output.complaint())))
    }
}

/// Our own program on another host, as a command line for its shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteRepmgr<'a> {
    /// Its directory: repmgr_bindir, else pg_bindir. `None`: PATH there.
    pub bindir: Option<&'a Path>,
    /// Its name: the one we were called under.
    pub program: &'a str,
    /// The node's configuration file there (`nodes.config_file`). Empty: none is named.
    pub config_file: &'a str,
    /// The word for `-L`. `None`: not given.
    pub log_level: Option<&'a str>,
}

impl RemoteRepmgr<'_> {
    /// The command line for these words, each quoted where it needs it.
    #[must_use]
    pub fn command<T: AsRef<str>>(&self, words: &[T]) -> String {
        let program = match self.bindir {
            Some(dir) => dir.join(self.program).to_string_lossy().into_owned(),
            None => self.program.to_owned(),
        };
        let mut line = vec![shell::quoted(&program)];
        if !self.config_file.is_empty() {
            line.extend(["-f".to_owned(), shell::quoted(self.config_file)]);
        }
        if let Some(level) = self.log_level {
            line.extend(["-L".to_owned(), level.to_owned()]);
        }
        line.extend(words.iter().map(|w| shell::quoted(w.as_ref())));
        line.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_command_lines_are_quoted() {
        let mut remote = RemoteRepmgr {
            bindir: Some(Path::new("/usr/pgsql-12/bin")),
            program: "repmgr",
            config_file: "/etc/repmgr/12/repmgr.conf",
            log_level: Some("NOTICE"),
        };
        assert_eq!(
            remote.command(&["node", "rejoin", "-d", "host=n1 user=repmgr"]),
            "/usr/pgsql-12/bin/repmgr -f /etc/repmgr/12/repmgr.conf -L NOTICE node rejoin -d 'host=n1 user=repmgr'"
        );
        remote = RemoteRepmgr { bindir: None, config_file: "", log_level: None, ..remote };
        assert_eq!(remote.command(&["--version"]), "repmgr --version");
    }

    #[test]
    fn a_host_is_never_an_option() {
        for (why, host, user) in [
            ("an option", "-oProxyCommand=id", None),
            ("nothing: a conninfo without a host", "", None),
            ("blanks", "a b", None),
            ("a user that is an option", "n1", Some("-l")),
        ] {
            assert_eq!(Ssh::new(host, user, "").unwrap_err().exit, Exit::BadConfig, "{why}");
        }
        assert!(Ssh::new("n1", None, "-o 'x").is_err(), "unbalanced quotes");
        let ssh = Ssh::new("n1", Some("postgres"), "-q -o ConnectTimeout=10").unwrap();
        assert_eq!(
            ssh.shown("echo a b"),
            "ssh -o Batchmode=yes -q -o ConnectTimeout=10 postgres@n1 'echo a b'"
        );
    }
}
