//! Programs that do not care for our pipes. This file is a process of its own: it takes the signal of closed pipes
//! as the program does.

use hg_repmgr::sys::clock::{Deadline, now};
use hg_repmgr::sys::exec::{Program, Status};
use hg_repmgr::sys::signals;
use std::time::Duration;

#[test]
fn a_program_that_never_stops_writing_is_ended_at_its_deadline() {
    let began = now();
    let out = Program::new("/bin/sh")
        .args(["-c", "yes & yes & exec yes"])
        .run(Deadline::after(Duration::from_millis(300)))
        .unwrap();
    assert_eq!(out.status, Status::TimedOut);
    assert!(now().since(began) < Duration::from_secs(4), "{:?}", now().since(began));
}

#[test]
fn a_program_that_does_not_read_its_input_ends_itself_and_not_us() {
    signals::end_on_closed_pipe();
    let out = Program::new("/bin/sh")
        .args(["-c", "exec <&-; sleep 0.1; exit 3"])
        .stdin(vec![b'x'; 1 << 20])
        .run(Deadline::after(Duration::from_secs(10)))
        .unwrap();
    assert_eq!(out.status, Status::Exited(3));
}
