//! What signals do to this process.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::{ErrorKind, Result};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code when a second signal comes before the first was heeded; a shell's for SIGINT.
const IMPATIENT: i32 = 130;

/// Whether somebody asked this process to end. Clones share the answer.
#[derive(Clone, Debug, Default)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Makes SIGINT, SIGTERM and SIGHUP a question instead of an end, so that what was begun can be tidied
    /// up; a second one ends the process at once. One that is ignored stays so (`nohup`, a shell's `&`).
    #[must_use]
    pub fn watch() -> Self {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)) {
            // In this order: the second signal finds the flag set.
            let ends =
                signal_hook::flag::register_conditional_shutdown(signal, IMPATIENT, Arc::clone(&asked));
            if ends.is_ok() {
                signal_hook::flag::register(signal, Arc::clone(&asked)).ok();
            }
        }
        Self(asked)
    }

    /// True once such a signal has come.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn is_ignored(signal: i32) -> bool {
    let mut now = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: with a null pointer in the place of a new action, sigaction only fills `now`, which is all zeroes
    // (a valid action) should it fail.
    let now = unsafe {
        libc::sigaction(signal, ptr::null(), now.as_mut_ptr());
        now.assume_init()
    };
    now.sa_sigaction == libc::SIG_IGN
}

/// Lets a write to a closed pipe end the process, as any other command does (`repmgr cluster show | head`).
/// Rust's runtime ignores SIGPIPE, and printing then fails. Not for a process that must outlive its readers.
pub fn end_on_closed_pipe() {
    // SAFETY: SIGPIPE is a valid signal and SIG_DFL a valid disposition; no handler of ours is replaced, and the
    // call touches no memory. It cannot fail for these arguments, so that its result says nothing.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// Keeps what became of our children, also when whoever started us ignores SIGCHLD: the kernel would forget how
/// they ended, and nobody could wait for them.
pub fn remember_children() {
    // SAFETY: as above, for SIGCHLD.
    unsafe {
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
    }
}

/// Runs one write to a program's standard input: a program that has gone without reading it is an error of that
/// write and not the end of this process, whatever [`end_on_closed_pipe`] has set.
///
/// # Errors
/// Those of `write`.
pub fn without_pipe_signal<T>(write: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut pipe_only = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset makes the set whole before sigaddset and pthread_sigmask read it; the mask is this
    // thread's own, and pthread_sigmask fills `before`.
    unsafe {
        libc::sigemptyset(pipe_only.as_mut_ptr());
        libc::sigaddset(pipe_only.as_mut_ptr(), libc::SIGPIPE);
        libc::pthread_sigmask(libc::SIG_BLOCK, pipe_only.as_ptr(), before.as_mut_ptr());
    }
    let done = write();
    if done.as_ref().is_err_and(|why| why.kind() == ErrorKind::BrokenPipe) {
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the set was made above; a null pointer for the details is allowed. A write raises the signal for
        // the thread that writes, so that it is taken here before the mask goes back.
        unsafe { libc::sigtimedwait(pipe_only.as_ptr(), ptr::null_mut(), &raw const at_once) };
    }
    // SAFETY: `before` was filled by the call above, which cannot fail for these arguments.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    done
}
