//! Programs: argv, no shell, and a deadline from end to end.

mod running;

use super::clock::Deadline;
use super::identity::{self, AtOurDeath, Identity};
use super::signals::Interruption;
use crate::error::{Error, Result};
use crate::exit::Exit;
use running::Running;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// How much of each stream is kept unless told otherwise.
const CAP: usize = 1 << 20;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// It was ended by us, because its time was over.
    TimedOut,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Signalled(number) => write!(f, "ended by signal {number}"),
            Self::TimedOut => f.write_str("ended by us, its time was over"),
        }
    }
}

/// What a program left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: Status,
    /// Standard output, up to the cap.
    pub stdout: Vec<u8>,
    /// Standard error, up to the cap.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status == Status::Exited(0)
    }

    /// Standard output as text, without white space at its end.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// Standard error as text, without white space at its end.
    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim_end().to_owned()
    }

    /// How it ended and what it complained of, for a DETAIL line.
    #[must_use]
    pub fn complaint(&self) -> String {
        let said = self.stderr_text();
        let said = if said.is_empty() { self.stdout_text() } else { said };
        if said.is_empty() { self.status.to_string() } else { format!("{}: {said}", self.status) }
    }
}

/// Which of the two streams a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// What is heard of a running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A line of one of its streams.
    Line(Stream, &'a str),
    /// It runs still; comes several times a second, whether it says something or not.
    Runs,
}

/// A program to run. Nothing secret belongs into its arguments, which `ps` shows; use the environment or standard
/// input, which `Debug` leaves out.
#[derive(Clone)]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    identity: Option<Identity>,
    at_our_death: AtOurDeath,
    interruption: Interruption,
    cap: usize,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.env.iter().map(|(key, _)| key).collect();
        f.debug_struct("Program")
            .field("command", &self.shown())
            .field("env", &keys)
            .field("dir", &self.dir)
            .field("identity", &self.identity)
            .field("at_our_death", &self.at_our_death)
            .finish_non_exhaustive()
    }
}

impl Program {
    /// A program by its path, or by a name that PATH is searched for.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            dir: None,
            stdin: Vec::new(),
            identity: None,
            at_our_death: AtOurDeath::GoesOn,
            interruption: Interruption::default(),
            cap: CAP,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<T: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets a variable of its environment; the rest is ours.
    #[must_use]
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Takes a variable out of its environment.
    #[must_use]
    pub fn env_remove(mut self, key: impl AsRef<OsStr>) -> Self {
        self.env.push((key.as_ref().to_owned(), None));
        self
    }

    /// Sets the directory it starts in. Unset: ours, or / when it runs as somebody else.
    #[must_use]
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Sets what it reads from standard input. Unset: nothing.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it as another user, when we are not that user already.
    #[must_use]
    pub fn run_as(mut self, identity: Identity) -> Self {
        self.identity = identity.differs_from_us().then_some(identity);
        self
    }

    /// Ends it (SIGTERM) when we die, by ^C for instance: a copy that nobody waits for is of no use.
    #[must_use]
    pub fn ends_with_us(mut self) -> Self {
        self.at_our_death = AtOurDeath::Ends;
        self
    }

    /// Ends it as at its deadline when this process is asked to end; the status is the deadline's too.
    #[must_use]
    pub fn interrupted_by(mut self, interruption: &Interruption) -> Self {
        self.interruption = interruption.clone();
        self
    }

    /// Sets how many bytes of each stream are kept; the rest is read and dropped. Unset: 1 MiB.
    #[must_use]
    pub fn cap(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// The command line, for messages. Quoted as a shell would want it.
    #[must_use]
    pub fn shown(&self) -> String {
        let words = std::iter::once(self.path.as_os_str()).chain(self.args.iter().map(OsString::as_os_str));
        words.map(|w| crate::domain::shell::quoted(&w.to_string_lossy())).collect::<Vec<_>>().join(" ")
    }

    /// Runs it to its end, or to the deadline's: then SIGTERM goes to its process group, and SIGKILL a
    /// second later.
    ///
    /// # Errors
    /// [`Exit::LocalCommand`] when it cannot be started. A program that fails is not an error here: look
    /// at the status.
    pub fn run(&self, deadline: Deadline) -> Result<Output> {
        self.stream(deadline, &mut |_, _| {})
    }

    /// As [`Program::run`], and hands each line to `on_line` as it comes; a carriage return ends a line too.
    ///
    /// # Errors
    /// [`Exit::LocalCommand`] when it cannot be started.
    pub fn stream(&self, deadline: Deadline, on_line: &mut dyn FnMut(Stream, &str)) -> Result<Output> {
        self.watch(deadline, &mut |heard| match heard {
            Heard::Line(stream, line) => on_line(stream, line),
            Heard::Runs => {}
        })
    }

    /// As [`Program::stream`], for who must notice its silence too.
    ///
    /// # Errors
    /// [`Exit::LocalCommand`] when it cannot be started.
    pub fn watch(&self, deadline: Deadline, on: &mut dyn FnMut(Heard<'_>)) -> Result<Output> {
        let running = Running::new(self.spawn()?, &self.stdin, self.cap, &self.interruption);
        Ok(running.finish(deadline, on))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that starts programs")]
    fn spawn(&self) -> Result<Child> {
        let mut command = Command::new(&self.path);
        command.args(&self.args).process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        if let Some(who) = &self.identity {
            command.envs(who.environment()).current_dir("/");
        }
        for (key, value) in &self.env {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        identity::prepare(&mut command, self.identity.as_ref(), self.at_our_death);
        command.spawn().map_err(|why| self.cannot_start(&why))
    }

    fn cannot_start(&self, why: &std::io::Error) -> Error {
        let error = Error::new(Exit::LocalCommand, format!("unable to run \"{}\"", self.path.display()));
        if why.kind() == ErrorKind::PermissionDenied {
            return error
                .detail(why.to_string())
                .hint("check its permissions, and under which user this runs");
        }
        if why.kind() != ErrorKind::NotFound {
            return error.detail(why.to_string());
        }
        match &self.dir {
            Some(dir) if !dir.is_dir() => error.detail(format!("no directory \"{}\"", dir.display())),
            Some(_) | None => {
                error.detail("no such program").hint("install it, or name its directory (pg_bindir, PATH)")
            }
        }
    }
}
