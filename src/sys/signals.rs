//! What signals do to this process.

/// Lets a write to a closed pipe end the process, as any other command does (`repmgr cluster show | head`).
/// Rust's runtime ignores SIGPIPE, and printing then fails. Not for a process that must outlive its readers.
pub fn end_on_closed_pipe() {
    // SAFETY: SIGPIPE is a valid signal and SIG_DFL a valid disposition; no handler of ours is replaced, and the
    // call touches no memory. It cannot fail for these arguments, so that its result says nothing.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}
