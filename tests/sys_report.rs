//! Messages as they arrive on stderr and in a file.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may panic")]

use hg_repmgr::error::Error;
use hg_repmgr::exit::Exit;
use hg_repmgr::report::{self, Colour, Config, Destination, Extras, Level};
use hg_repmgr::sys::clock::Deadline;
use hg_repmgr::sys::exec::Program;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// The writer is one for the process: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

fn scratch(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{name}"));
    std::fs::remove_dir_all(&dir).ok();
    std::fs::create_dir_all(&dir).expect("dir");
    dir
}

fn to_file(path: &Path) -> Config {
    Config { destination: Destination::File(path.to_owned()), level: Level::Debug, ..Config::default() }
}

/// Not a test of its own: run again by the others in a process whose stderr is a pipe.
#[test]
fn child() {
    let Ok(part) = std::env::var("REPORT_PART") else { return };
    let say = || {
        report::debug("looking");
        report::info("doing");
        report::notice("done").detail("in 3 steps").hint("look at it");
        report::failure(
            &Error::new(Exit::DbConn, "unable to connect")
                .detail("refused\n")
                .detail("twice")
                .hint("start it"),
        );
    };
    match part.as_str() {
        "before" => {}
        "terse" => report::init(&Config { extras: Extras::Hidden, ..Config::default() }),
        "quiet" => report::init(&Config { level: Level::Error, ..Config::default() }),
        "debug" => report::init(&Config { level: Level::Debug, ..Config::default() }),
        "nofile" => report::init(&Config {
            destination: Destination::File("/nonexistent/x.log".into()),
            ..Config::default()
        }),
        other => panic!("{other}"),
    }
    log::warn!(target: "rustls", "not ours");
    say();
}

fn stderr_of(part: &str) -> String {
    let me = std::env::current_exe().expect("exe");
    let out = Program::new(me)
        .args(["--exact", "child", "--nocapture", "--quiet"])
        .env("REPORT_PART", part)
        .run(Deadline::after(Duration::from_secs(20)))
        .expect("run");
    out.stderr_text()
}

#[test]
fn stderr_carries_level_detail_and_hint() {
    let error = "ERROR: unable to connect\nDETAIL: refused\nDETAIL: twice\nHINT: start it";
    let notice = "NOTICE: done\nDETAIL: in 3 steps\nHINT: look at it";
    for (why, part, want) in [
        ("before anything was configured", "before", format!("INFO: doing\n{notice}\n{error}")),
        ("terse", "terse", "INFO: doing\nNOTICE: done\nERROR: unable to connect".to_owned()),
        ("quiet", "quiet", error.to_owned()),
        ("debug", "debug", format!("DEBUG: looking\nINFO: doing\n{notice}\n{error}")),
    ] {
        assert_eq!(stderr_of(part), want, "{why}");
    }
    let told = stderr_of("nofile");
    assert!(told.starts_with("WARNING: unable to open log file \"/nonexistent/x.log\""), "{told}");
    assert!(told.ends_with(error), "it goes on: {told}");
}

#[test]
fn a_file_carries_time_and_level_and_is_reopened() {
    let _turn = TURN.lock();
    let dir = scratch("file");
    let path = dir.join("repmgr.log");
    report::init(&to_file(&path));
    report::warning("first").detail("why").hint("what");
    std::fs::rename(&path, dir.join("repmgr.log.1")).expect("rotate");
    report::notice("still the old file");
    report::reopen();
    report::crit("the new file");
    let old = std::fs::read_to_string(dir.join("repmgr.log.1")).expect("old");
    let new = std::fs::read_to_string(&path).expect("new");
    let shapes: Vec<&str> = old.lines().map(|l| l.get(21..).expect("stamp")).collect();
    assert_eq!(
        shapes,
        ["[WARNING] first", "[DETAIL] why", "[HINT] what", "[NOTICE] still the old file"]
            .map(|s| format!(" {s}"))
    );
    assert!(new.ends_with(" [CRIT] the new file\n") && new.lines().count() == 1, "{new}");
    let stamp = old.get(..21).expect("stamp");
    let digits = stamp.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    assert_eq!(digits, "[0000-00-00 00:00:00]");
}

#[test]
fn threads_do_not_tear_a_message_apart() {
    let _turn = TURN.lock();
    let path = scratch("threads").join("log");
    report::init(&Config { colour: Colour::Never, ..to_file(&path) });
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..200 {
                    report::error(format!("m {thread} {n}"))
                        .detail(format!("d {thread} {n}"))
                        .hint(format!("h {thread} {n}"));
                }
            });
        }
    });
    let text = std::fs::read_to_string(&path).expect("log");
    let lines: Vec<&str> = text.lines().filter_map(|l| l.get(22..)).collect();
    assert_eq!(lines.len(), 4 * 200 * 3);
    for message in lines.chunks(3) {
        let of = |word: &str, n: usize| message[n].strip_prefix(word).map(str::to_owned);
        let first = of("[ERROR] m ", 0);
        assert!(
            first.is_some() && first == of("[DETAIL] d ", 1) && first == of("[HINT] h ", 2),
            "{message:?}"
        );
    }
}
