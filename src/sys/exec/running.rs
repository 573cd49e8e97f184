//! A running program: fed, listened to, and ended when its time is over.

use super::{Heard, Output, Status, Stream};
use crate::sys::clock::{self, Deadline};
use crate::sys::signals::{self, Interruption};
use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ExitStatus};
use std::time::Duration;

/// A line longer than this is handed on in pieces.
const LONGEST_LINE: usize = 1 << 20;

/// How often a kernel without pidfd is asked whether the program has ended.
const STEP: Duration = Duration::from_millis(10);

/// How long output is awaited after the program has ended: a grandchild may hold the pipe for ever
/// (`pg_ctl start` without a log file), but what was written must have time to arrive.
const TAIL: Duration = Duration::from_millis(100);

/// How late a signal to us is heeded at the most: it interrupts the wait, unless another thread took it.
const HEED: Duration = Duration::from_millis(250);

/// How many chunks of one stream are taken at a time: a program that writes without a pause must not keep us from
/// looking at the deadline. The rest waits in the pipe for the next turn.
const CHUNKS: usize = 64;

/// How long a program has between SIGTERM and SIGKILL when its time is over.
const GRACE: Duration = Duration::from_secs(1);

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
    fn drain(&mut self, on: &mut dyn FnMut(Heard<'_>)) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut chunk = [0; 16 * 1024];
        let mut closed = false;
        for _ in 0..CHUNKS {
            match pipe.read(&mut chunk) {
                Ok(0) => {
                    closed = true;
                    break;
                }
                Ok(n) => {
                    let got = chunk.get(..n).unwrap_or_default();
                    let room = self.cap.saturating_sub(self.kept.len()).min(n);
                    self.kept.extend_from_slice(got.get(..room).unwrap_or_default());
                    for byte in got {
                        let ends = matches!(byte, b'\n' | b'\r');
                        if ends || self.line.len() >= LONGEST_LINE {
                            emit(&mut self.line, self.which, on);
                        }
                        if !ends {
                            self.line.push(*byte);
                        }
                    }
                }
                Err(why) if why.kind() == ErrorKind::WouldBlock => return,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    closed = true;
                    break;
                }
            }
        }
        if closed {
            self.pipe = None;
            emit(&mut self.line, self.which, on);
        }
    }
}

fn emit(line: &mut Vec<u8>, which: Stream, on: &mut dyn FnMut(Heard<'_>)) {
    if !line.is_empty() {
        on(Heard::Line(which, &String::from_utf8_lossy(line)));
        line.clear();
    }
}

fn make_nonblocking(fd: impl AsFd) {
    if let Ok(flags) = rustix::fs::fcntl_getfl(&fd) {
        rustix::fs::fcntl_setfl(&fd, flags | rustix::fs::OFlags::NONBLOCK).ok();
    }
}

/// A program between its start and its end.
pub(super) struct Running<'a> {
    pid: Option<Pid>,
    child: Child,
    stdin: Option<Feed<'a>>,
    streams: [Captured; 2],
    interruption: &'a Interruption,
}

impl<'a> Running<'a> {
    pub(super) fn new(mut child: Child, input: &'a [u8], cap: usize, interruption: &'a Interruption) -> Self {
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().map(OwnedFd::from);
        let stderr = child.stderr.take().map(OwnedFd::from);
        Self {
            pid: i32::try_from(child.id()).ok().and_then(Pid::from_raw),
            child,
            interruption,
            stdin: stdin.map(|pipe| Feed { pipe, bytes: input, sent: 0 }),
            streams: [Captured::new(Stream::Stdout, stdout, cap), Captured::new(Stream::Stderr, stderr, cap)],
        }
    }

    /// Waits for its end, or brings it about at the deadline.
    pub(super) fn finish(mut self, deadline: Deadline, on: &mut dyn FnMut(Heard<'_>)) -> Output {
        if let Some(feed) = &self.stdin {
            make_nonblocking(&feed.pipe);
        }
        // Kernels before 5.3 have none; then we look every STEP.
        let pidfd = self.pid.and_then(|pid| rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok());
        let status = match self.watch(deadline, pidfd.as_ref(), on) {
            Some(status) => told(status),
            None => {
                self.signal(Signal::TERM);
                if self.watch(Deadline::after(GRACE), pidfd.as_ref(), on).is_none() {
                    self.signal(Signal::KILL);
                    // A process that hangs in the kernel does not die of SIGKILL either: leave it.
                    self.watch(Deadline::after(GRACE), pidfd.as_ref(), on);
                } else {
                    self.signal(Signal::KILL);
                }
                Status::TimedOut
            }
        };
        let tail = Deadline::after(TAIL);
        while self.streams.iter().any(|s| s.pipe.is_some()) && !tail.passed() {
            self.wait_for_input(None, tail.left());
            self.drain(on);
        }
        for stream in &mut self.streams {
            emit(&mut stream.line, stream.which, on);
        }
        let [stdout, stderr] = self.streams.map(|s| s.kept);
        Output { status, stdout, stderr }
    }

    /// `None`: the deadline came first.
    fn watch(
        &mut self,
        deadline: Deadline,
        pidfd: Option<&OwnedFd>,
        on: &mut dyn FnMut(Heard<'_>),
    ) -> Option<ExitStatus> {
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.drain(on);
                return Some(status);
            }
            let left = deadline.left();
            // While it is being ended, each further wait is short anyway.
            if left.is_zero() || (self.interruption.asked() && left > GRACE) {
                return None;
            }
            self.wait_for_input(pidfd, left.min(if pidfd.is_some() { HEED } else { STEP }));
            self.feed();
            self.drain(on);
            on(Heard::Runs);
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
            match signals::without_pipe_signal(|| feed.pipe.write(rest)) {
                Ok(n) => feed.sent += n,
                Err(why) if why.kind() == ErrorKind::WouldBlock => return,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.stdin = None;
    }

    fn drain(&mut self, on: &mut dyn FnMut(Heard<'_>)) {
        for stream in &mut self.streams {
            stream.drain(on);
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
