//! Programs: argv, no shell, and a deadline from end to end.

use super::clock::{self, Deadline};
use super::identity::{self, AtOurDeath, Identity};
use crate::error::{Error, Result};
use crate::exit::Exit;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long a program has between SIGTERM and SIGKILL when its time is over.
const GRACE: Duration = Duration::from_secs(1);

/// How long output is awaited after the program has ended: a grandchild may hold the pipe for ever
/// (`pg_ctl start` without a log file), but what was written must have time to arrive.
const TAIL: Duration = Duration::from_millis(100);

/// How often a kernel without pidfd is asked whether the program has ended.
const STEP: Duration = Duration::from_millis(10);

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

/// A program to run. Nothing secret belongs into its arguments, which `ps` shows; use the environment.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    identity: Option<Identity>,
    at_our_death: AtOurDeath,
    cap: usize,
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
        let mut child = self.spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(OwnedFd::from);
        let stderr = child.stderr.take().map(OwnedFd::from);
        let mut run = Running {
            pid: i32::try_from(child.id()).ok().and_then(Pid::from_raw),
            child,
            stdin: stdin.map(|pipe| Feed { pipe, bytes: &self.stdin, sent: 0 }),
            streams: [
                Captured::new(Stream::Stdout, stdout, self.cap),
                Captured::new(Stream::Stderr, stderr, self.cap),
            ],
        };
        let status = run.finish(deadline, on_line);
        let [stdout, stderr] = run.streams.map(|s| s.kept);
        Ok(Output { status, stdout, stderr })
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

/// Bytes on their way into a program.
struct Feed<'a> {
    pipe: ChildStdin,
    bytes: &'a [u8],
    sent: usize,
}

/// One stream of a running program.
struct Captured {
    which: Stream,
    /// `None`: closed.
    pipe: Option<std::fs::File>,
    kept: Vec<u8>,
    line: Vec<u8>,
    cap: usize,
}

impl Captured {
    fn new(which: Stream, pipe: Option<OwnedFd>, cap: usize) -> Self {
        if let Some(pipe) = &pipe {
            make_nonblocking(pipe);
        }
        Self { which, pipe: pipe.map(std::fs::File::from), kept: Vec::new(), line: Vec::new(), cap }
    }

    /// Takes what is there, without waiting for more.
    fn drain(&mut self, on_line: &mut dyn FnMut(Stream, &str)) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut chunk = [0; 16 * 1024];
        loop {
            match pipe.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => {
                    let got = chunk.get(..n).unwrap_or_default();
                    let room = self.cap.saturating_sub(self.kept.len()).min(n);
                    self.kept.extend_from_slice(got.get(..room).unwrap_or_default());
                    for byte in got {
                        if matches!(byte, b'\n' | b'\r') || self.line.len() >= CAP {
                            emit(&mut self.line, self.which, on_line);
                        } else {
                            self.line.push(*byte);
                        }
                    }
                }
                Err(why) if why.kind() == ErrorKind::WouldBlock => return,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.pipe = None;
        emit(&mut self.line, self.which, on_line);
    }
}

fn emit(line: &mut Vec<u8>, which: Stream, on_line: &mut dyn FnMut(Stream, &str)) {
    if !line.is_empty() {
        on_line(which, &String::from_utf8_lossy(line));
        line.clear();
    }
}

fn make_nonblocking(fd: impl AsFd) {
    if let Ok(flags) = rustix::fs::fcntl_getfl(&fd) {
        rustix::fs::fcntl_setfl(&fd, flags | rustix::fs::OFlags::NONBLOCK).ok();
    }
}

struct Running<'a> {
    pid: Option<Pid>,
    child: Child,
    stdin: Option<Feed<'a>>,
    streams: [Captured; 2],
}

impl Running<'_> {
    fn finish(&mut self, deadline: Deadline, on_line: &mut dyn FnMut(Stream, &str)) -> Status {
        if let Some(feed) = &self.stdin {
            make_nonblocking(&feed.pipe);
        }
        // Kernels before 5.3 have none; then we look every STEP.
        let pidfd = self.pid.and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok());
        let status = match self.watch(deadline, pidfd.as_ref(), on_line) {
            Some(status) => told(status),
            None => {
                self.signal(Signal::TERM);
                if self.watch(Deadline::after(GRACE), pidfd.as_ref(), on_line).is_none() {
                    self.signal(Signal::KILL);
                    // A process that hangs in the kernel does not die of SIGKILL either: leave it.
                    self.watch(Deadline::after(GRACE), pidfd.as_ref(), on_line);
                } else {
                    self.signal(Signal::KILL);
                }
                Status::TimedOut
            }
        };
        let tail = Deadline::after(TAIL);
        while self.streams.iter().any(|s| s.pipe.is_some()) && !tail.passed() {
            self.wait_for_input(None, tail.left());
            self.drain(on_line);
        }
        for stream in &mut self.streams {
            emit(&mut stream.line, stream.which, on_line);
        }
        status
    }

    /// `None`: the deadline came first.
    fn watch(
        &mut self,
        deadline: Deadline,
        pidfd: Option<&OwnedFd>,
        on_line: &mut dyn FnMut(Stream, &str),
    ) -> Option<ExitStatus> {
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.drain(on_line);
                return Some(status);
            }
            let left = deadline.left();
            if left.is_zero() {
                return None;
            }
            self.wait_for_input(pidfd, if pidfd.is_some() { left } else { left.min(STEP) });
            self.feed();
            self.drain(on_line);
        }
    }

    fn wait_for_input(&self, pidfd: Option<&OwnedFd>, time: Duration) {
        let mut fds: Vec<PollFd<'_>> = Vec::with_capacity(4);
        for pipe in self.streams.iter().filter_map(|s| s.pipe.as_ref()) {
            fds.push(PollFd::new(pipe, PollFlags::IN));
        }
        if let Some(feed) = &self.stdin {
            fds.push(PollFd::new(&feed.pipe, PollFlags::OUT));
        }
        if let Some(pidfd) = pidfd {
            fds.push(PollFd::new(pidfd, PollFlags::IN));
        }
        let time = rustix::event::Timespec {
            tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: time.subsec_nanos().into(),
        };
        if rustix::event::poll(&mut fds, Some(&time)).is_err_and(|e| e != rustix::io::Errno::INTR) {
            clock::pause(STEP);
        }
    }

    fn feed(&mut self) {
        let Some(feed) = &mut self.stdin else { return };
        while let Some(rest) = feed.bytes.get(feed.sent..).filter(|r| !r.is_empty()) {
            match feed.pipe.write(rest) {
                Ok(n) => feed.sent += n,
                Err(why) if why.kind() == ErrorKind::WouldBlock => return,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.stdin = None;
    }

    fn drain(&mut self, on_line: &mut dyn FnMut(Stream, &str)) {
        for stream in &mut self.streams {
            stream.drain(on_line);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            rustix::process::kill_process_group(pid, signal).ok();
        }
    }
}

fn told(status: ExitStatus) -> Status {
    match (status.code(), status.signal()) {
        (Some(code), _) => Status::Exited(code),
        (None, Some(signal)) => Status::Signalled(signal),
        (None, None) => Status::Signalled(0),
    }
}
