//! What signals do to this process.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code when a second signal comes before the first was heeded; a shell's for SIGINT.
const IMPATIENT: i32 = 130;

/// Whether somebody asked this process to end. Clones share the answer.
#[derive(Clone, Debug, Default)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Makes SIGINT, SIGTERM and SIGHUP a question instead of an end, so that what was begun can be tidied
    /// up; a second one ends the process at once. Signals that cannot be caught stay as they are.
    #[must_use]
    pub fn watch() -> Self {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
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

/// Lets a write to a closed pipe end the process, as any other command does (`repmgr cluster show | head`).
/// Rust's runtime ignores SIGPIPE, and printing then fails. Not for a process that must outlive its readers.
pub fn end_on_closed_pipe() {
    // SAFETY: SIGPIPE is a valid signal and SIG_DFL a valid disposition; no handler of ours is replaced, and the
    // call touches no memory. It cannot fail for these arguments, so that its result says nothing.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
