//! Programs with a deadline, seen from outside.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may panic")]

use hg_repmgr::exit::Exit;
use hg_repmgr::sys::clock::{Deadline, now, poll_until};
use hg_repmgr::sys::exec::{Heard, Program, Status, Stream};
use hg_repmgr::sys::identity::Identity;
use std::path::Path;
use std::time::Duration;

fn sh(script: &str) -> Program {
    Program::new("/bin/sh").args(["-c", script])
}

fn within(seconds: u64) -> Deadline {
    Deadline::after(Duration::from_secs(seconds))
}

#[test]
fn a_program_ends_as_it_ends() {
    for (why, script, status, stdout, stderr) in [
        ("all is well", "echo out; echo err >&2", Status::Exited(0), "out", "err"),
        ("its own exit code", "exit 7", Status::Exited(7), "", ""),
        ("a signal", "kill -9 $$", Status::Signalled(9), "", ""),
        ("nothing to read", "cat", Status::Exited(0), "", ""),
    ] {
        let out = sh(script).run(within(10)).expect(why);
        assert_eq!(
            (out.status, out.stdout_text().as_str(), out.stderr_text().as_str()),
            (status, stdout, stderr),
            "{why}"
        );
    }
}

#[test]
fn a_silent_program_is_heard_to_run() {
    let (mut lines, mut ticks) = (0, 0);
    let out = sh("sleep 1.2; echo end").watch(within(10), &mut |heard| match heard {
        Heard::Line(..) => lines += 1,
        Heard::Runs if lines == 0 => ticks += 1,
        Heard::Runs => {}
    });
    assert_eq!(out.expect("run").status, Status::Exited(0));
    assert!(lines == 1 && ticks >= 3, "{lines} {ticks}");
}

#[test]
fn a_line_that_is_too_long_comes_in_pieces_and_loses_nothing() {
    let mut pieces = Vec::new();
    let out = sh("head -c 2500000 /dev/zero | tr '\\0' x")
        .stream(within(20), &mut |_, line| pieces.push(line.len()));
    assert_eq!(out.expect("run").status, Status::Exited(0));
    assert_eq!((pieces.len(), pieces.iter().sum::<usize>()), (3, 2_500_000));
}

#[test]
fn debug_shows_no_secret() {
    let program = sh("true").env("PGPASSWORD", "s3cret").stdin("s3cret");
    let shown = format!("{program:?}");
    assert!(shown.contains("PGPASSWORD") && !shown.contains("s3cret"), "{shown}");
    let hook = hg_repmgr::sys::hook::Hook::verbatim("PGPASSWORD=s3cret psql");
    assert!(!format!("{hook:?}").contains("s3cret"));
}

#[test]
fn a_missing_program_is_named() {
    for (why, program, word) in [
        ("by path", "/nonexistent/pg_basebackup", "no such program"),
        ("by name", "pg_basebackup_of_nobody", "no such program"),
        ("not executable", "/etc/passwd", "denied"),
        ("a directory", "/etc", "denied"),
    ] {
        let error = Program::new(program).run(within(5)).expect_err(why);
        assert_eq!(error.exit, Exit::LocalCommand, "{why}");
        assert!(error.message.contains(program), "{why}: {error}");
        assert!(error.detail.concat().contains(word), "{why}: {error}");
    }
    let error = sh("true").dir("/nonexistent").run(within(5)).expect_err("no directory");
    assert!(error.detail.concat().contains("/nonexistent"), "{error}");
}

#[test]
fn more_input_and_output_than_a_pipe_holds_does_not_block() {
    let input = vec![b'x'; 3_000_000];
    let out = Program::new("cat").stdin(input.clone()).cap(10_000_000).run(within(20)).expect("cat");
    assert!(out.stdout == input, "{} bytes came back", out.stdout.len());
    let out = Program::new("cat").stdin(input).cap(1000).run(within(20)).expect("cat");
    assert_eq!((out.status, out.stdout.len()), (Status::Exited(0), 1000), "the cap holds, the program ends");
    let out = Program::new("true").stdin(vec![0; 1 << 20]).run(within(20)).expect("true");
    assert_eq!(out.status, Status::Exited(0), "a program that does not read its input");
}

#[test]
fn at_the_deadline_the_whole_group_is_ended() {
    let began = now();
    let out = sh("sleep 300 & echo $!; wait").run(Deadline::after(Duration::from_millis(300))).expect("sh");
    assert_eq!(out.status, Status::TimedOut);
    assert!(now().since(began) < Duration::from_secs(2));
    let grandchild = format!("/proc/{}", out.stdout_text());
    let gone = poll_until(within(5), Duration::from_millis(20), || (!alive(&grandchild)).then_some(()));
    assert!(gone.is_some(), "{grandchild} is still there");
}

/// A zombie that nobody has reaped yet does not count.
fn alive(proc: &str) -> bool {
    std::fs::read_to_string(format!("{proc}/stat")).is_ok_and(|s| !s.contains(") Z "))
}

#[test]
fn a_program_that_ignores_the_first_signal_gets_the_second() {
    let began = now();
    let out = sh("trap '' TERM; while :; do sleep 1; done")
        .run(Deadline::after(Duration::from_millis(200)))
        .expect("sh");
    assert_eq!(out.status, Status::TimedOut);
    let took = now().since(began);
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_grandchild_that_keeps_the_pipe_does_not_hold_us() {
    let began = now();
    let out = sh("echo before; setsid sleep 5 & exit 0").run(within(20)).expect("sh");
    assert_eq!((out.status, out.stdout_text().as_str()), (Status::Exited(0), "before"));
    assert!(now().since(began) < Duration::from_secs(2));
}

#[test]
fn lines_come_as_they_are_written() {
    let mut seen = Vec::new();
    let began = now();
    let script = "printf '1/3\\r2/3\\r3/3\\n' >&2; sleep 0.5; printf 'done'";
    let mut first = None;
    let out = sh(script)
        .stream(within(10), &mut |stream, line| {
            first.get_or_insert_with(|| now().since(began));
            seen.push((stream, line.to_owned()));
        })
        .expect("sh");
    assert!(out.success());
    assert!(first.is_some_and(|t| t < Duration::from_millis(450)), "{first:?}");
    let want =
        [(Stream::Stderr, "1/3"), (Stream::Stderr, "2/3"), (Stream::Stderr, "3/3"), (Stream::Stdout, "done")];
    assert_eq!(seen, want.map(|(s, l)| (s, l.to_owned())));
}

#[test]
fn the_environment_is_ours_with_the_changes_asked_for() {
    let out =
        sh("echo \"$A|$HOME|${PATH:+path}\"").env("A", "a b").env_remove("HOME").run(within(5)).expect("sh");
    assert_eq!(out.stdout_text(), "a b||path");
}

#[test]
fn root_can_run_a_program_as_another_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: not root");
        return;
    }
    let nobody = Identity { uid: 65534, gid: 65534, groups: vec![65534, 100], account: None };
    let out =
        sh("id -u; id -g; id -G; pwd").run_as(nobody.clone()).ends_with_us().run(within(5)).expect("sh");
    assert_eq!(out.stdout_text(), "65534\n65534\n65534 100\n/");
    let out =
        sh("echo 0 > /proc/self/oom_score_adj; cat /etc/shadow").run_as(nobody).run(within(5)).expect("sh");
    assert!(!out.success(), "root's files stay shut");
    let root = Identity::owner_of(Path::new("/")).expect("root");
    assert_eq!(sh("id -u").run_as(root).run(within(5)).expect("sh").stdout_text(), "0");
}

#[test]
fn a_program_starts_and_ends_without_a_pause() {
    let began = now();
    for _ in 0..20 {
        Program::new("true").run(within(5)).expect("true");
    }
    assert!(now().since(began) < Duration::from_secs(2), "{:?}", now().since(began));
}

#[test]
fn the_shown_command_line_is_quoted() {
    let program = Program::new("/bin/pg_ctl").args(["-D", "/srv/my data", "stop"]);
    assert_eq!(program.shown(), "/bin/pg_ctl -D '/srv/my data' stop");
}
