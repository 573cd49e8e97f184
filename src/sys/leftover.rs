//! Processes that outlived the program that had started them: found by an argument that nobody else has.

use super::clock::{self, Deadline};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::path::Path;
use std::time::Duration;

/// How often we look whether they are gone.
const STEP: Duration = Duration::from_millis(20);

/// Processes that have exactly this argument on their command line, our own left out.
#[must_use]
pub fn with_argument(argument: &str) -> Vec<u32> {
    let ours = std::process::id();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| *pid != ours && has(*pid, argument)).collect()
}

/// Empty for a zombie, which has let go of everything.
fn has(pid: u32, argument: &str) -> bool {
    let line = std::fs::read(Path::new("/proc").join(pid.to_string()).join("cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
}

/// Ends them by SIGTERM and waits until they are gone. Returns those that are not.
#[must_use]
pub fn end(pids: &[u32], argument: &str, deadline: Deadline) -> Vec<u32> {
    for pid in pids {
        let Some(id) = i32::try_from(*pid).ok().and_then(Pid::from_raw) else { continue };
        match rustix::process::pidfd_open(id, PidfdFlags::empty()) {
            // The number was looked up before: it is checked again now that it cannot change hands.
            Ok(pidfd) if has(*pid, argument) => {
                rustix::process::pidfd_send_signal(&pidfd, Signal::TERM).ok();
            }
            // A kernel without pidfd.
            Err(rustix::io::Errno::NOSYS) if has(*pid, argument) => {
                rustix::process::kill_process(id, Signal::TERM).ok();
            }
            Ok(_) | Err(_) => {}
        }
    }
    let left = || pids.iter().copied().filter(|pid| has(*pid, argument)).collect::<Vec<_>>();
    clock::poll_until(deadline, STEP, || left().is_empty().then_some(()));
    left()
}
