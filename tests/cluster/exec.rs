//! Programs with a deadline, and waiting for a condition.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a program may run unless the test says otherwise. Generous: two loaded cores.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// What a program ended with.
#[derive(Clone, Debug)]
pub struct Out {
    /// What was run, for messages.
    pub command: String,
    /// The exit code; 128 + N when signal N ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    /// From start to end.
    pub took: Duration,
}

impl Out {
    /// Stops the test unless the exit code is 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }

    /// Stops the test unless the exit code is `want`.
    #[track_caller]
    pub fn code(self, want: i32) -> Self {
        assert_eq!(self.code, want, "exit code of\n{self}");
        self
    }

    /// Stops the test unless stdout or stderr holds `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "no {text:?} in\n{self}");
        self
    }

    /// Stops the test if stdout or stderr holds `text`.
    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text) && !self.stderr.contains(text), "{text:?} in\n{self}");
        self
    }

    /// Stops the test if it took longer than `limit`.
    #[track_caller]
    pub fn within(self, limit: Duration) -> Self {
        assert!(self.took <= limit, "took {:?}, more than {limit:?}:\n{self}", self.took);
        self
    }
}

impl std::fmt::Display for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "$ {}", self.command)?;
        writeln!(f, "(exit code {}, {:.3} s)", self.code, self.took.as_secs_f64())?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "--- {name}\n{}", text.trim_end())?;
            }
        }
        Ok(())
    }
}

/// A program that runs beside the test. It is killed when this is dropped.
pub struct Running {
    command: String,
    child: Child,
    started: Instant,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts `command` in a process group of its own; `input` is its standard input.
    pub fn start(mut command: Command, input: &str) -> Self {
        let shown = show(&command);
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot run {shown}: {e}"));
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // A program that does not read its input closes the pipe: not an error here.
        std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let stdout = child.stdout.take().map(collect);
        let stderr = child.stderr.take().map(collect);
        Self { command: shown, child, started, stdout, stderr }
    }

    /// True until it has ended.
    pub fn alive(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }

    /// Sends `signal` to the program and what it started (not to daemons, which have left its group).
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        // It may have ended in this instant.
        kill_process_group(pid, signal).unwrap_or_default();
    }

    /// Waits for its end; kills it and stops the test when `patience` is over.
    #[track_caller]
    pub fn wait(mut self, patience: Duration) -> Out {
        while self.alive() {
            if self.started.elapsed() > patience {
                self.signal(Signal::KILL);
                drop(self.child.wait());
                panic!("still running after {patience:?}: {}", self.command);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        let took = self.started.elapsed();
        let status = self.child.wait().expect("wait");
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        let text =
            |reader: Option<JoinHandle<String>>| reader.map_or_else(String::new, |r| r.join().unwrap());
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        Out { command: self.command.clone(), code, stdout, stderr, took }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.alive() {
            self.signal(Signal::KILL);
            drop(self.child.wait());
        }
    }
}

/// Reads a pipe to its end beside the test, so that a talkative program does not block.
fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        drop(pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The command line as a person would type it; the way into a host is left out.
fn show(command: &Command) -> String {
    let words: Vec<_> = command.get_args().map(|a| a.to_string_lossy().into_owned()).collect();
    let start = words.iter().position(|w| w == super::host::EXEC).map_or(0, |at| at + 2);
    let program = command.get_program().to_string_lossy().into_owned();
    if start > 0 { words[start..].join(" ") } else { format!("{program} {}", words.join(" ")) }
}

/// Runs `argv` here, as this process's user.
#[track_caller]
pub fn run(argv: &[&str]) -> Out {
    run_with(argv, "")
}

/// Runs `argv` here with a standard input.
#[track_caller]
pub fn run_with(argv: &[&str], input: &str) -> Out {
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]);
    Running::start(command, input).wait(PATIENCE)
}

/// Runs `argv` here as the user that may run a server: `postgres` if this process is root, else itself.
#[track_caller]
pub fn run_as_server_user(argv: &[&str]) -> Out {
    let mut words = server_user_prefix();
    words.extend_from_slice(argv);
    run(&words)
}

/// The words before a command line that make it run as the user that may run a server.
pub fn server_user_prefix() -> Vec<&'static str> {
    if is_root() {
        vec!["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
    } else {
        Vec::new()
    }
}

/// Whether strace is here. A test that needs it fails without it, unless HG_REPMGR_TESTS_WITHOUT_STRACE says that
/// it may be left out.
pub fn strace_is_here() -> bool {
    if run(&["sh", "-c", "command -v strace"]).code == 0 {
        return true;
    }
    assert!(
        std::env::var_os("HG_REPMGR_TESTS_WITHOUT_STRACE").is_some(),
        "strace is not here: scripts/setup.sh test installs it; HG_REPMGR_TESTS_WITHOUT_STRACE=1 leaves its tests out"
    );
    eprintln!("LEFT OUT: strace is not here");
    false
}

/// Is this process root?
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Waits until `condition` holds, looking every few milliseconds; stops the test, naming `what`, when
/// `patience` is over. Returns how long it took.
#[track_caller]
pub fn wait_for(what: &str, patience: Duration, mut condition: impl FnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < patience, "waited {patience:?} in vain for: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
    started.elapsed()
}
