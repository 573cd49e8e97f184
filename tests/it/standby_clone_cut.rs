//! A clone that is cut off: at every point PostgreSQL refuses the directory, or it is whole; and -F mends it.

use super::standby_clone::{clone, primary, starts_as_standby, words};
use crate::cluster::exec::strace_is_here;
use crate::cluster::{Host, Out, PgOptions, Running, Solo, Stop, wait_for};
use rustix::process::Signal;
use std::time::Duration;

/// What changes a directory.
const CALLS: &[&str] = &["rename", "unlink", "rmdir"];

const SOON: Duration = Duration::from_secs(30);

fn start(host: &Host, source: &Host, more: &[&str]) -> Running {
    let words = words(source, more);
    host.repmgr_command(&words.iter().map(String::as_str).collect::<Vec<_>>()).start()
}

/// True when PostgreSQL takes the directory for a server's; it is stopped again.
fn postgresql_starts(host: &Host) -> bool {
    let (data, log) = (host.data_directory(), host.log_path());
    let out = host.pg_ctl(&["-D", &data, "-l", &log, "-w", "-t", "20", "start"]);
    if out.code == 0 {
        assert_eq!(host.psql("SELECT pg_is_in_recovery()"), "t", "never a second primary");
        host.stop_pg(Stop::Fast);
    }
    out.code == 0
}

/// What is left after the cut: a directory that says what it is or is whole.
fn look_after_the_cut(host: &Host, why: &str) {
    let data = host.data_directory();
    // Killed while the note is written, before anything else is: its own file beside it at the most.
    if !host.exists(&data)
        || host.shell(&format!("test -z \"$(ls -A {data} | grep -v REPMGR_CLONE.*tmp)\"")).code == 0
    {
        return;
    }
    if host.exists(&format!("{data}/PG_VERSION")) {
        host.place_server(&data);
    }
    if postgresql_starts(host) {
        return;
    }
    assert!(host.exists(&format!("{data}/REPMGR_CLONE_UNFINISHED")), "{why}: it must say what it is");
}

fn mends(host: &Host, source: &Host) -> Out {
    let again = clone(host, source, &["-F"]).ok();
    starts_as_standby(host, source);
    host.stop_pg(Stop::Fast);
    again
}

#[test]
fn killed_in_the_middle_of_the_copy_the_directory_says_so_and_force_mends_it() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    let space = one.path("space");
    one.shell(&format!("mkdir {space}")).ok();
    one.psql(&format!("CREATE TABLESPACE space LOCATION '{space}'"));
    one.psql("CREATE TABLE t TABLESPACE space AS SELECT repeat('x', 500) FROM generate_series(1, 20000)");
    let new = two.path("space2");
    let conf = format!("use_replication_slots=yes\ntablespace_mapping='{space}={new}'");
    let data = two.data_directory();
    for (why, slow, appears) in [
        ("in the tablespace", "-r 2M", new.clone()),
        ("in the data directory", "-r 8M", format!("{data}/.repmgr_clone_unfinished/base/1")),
    ] {
        two.write_conf(&format!("{conf}\npg_basebackup_options='{slow}'"));
        let mut running = start(two, one, &["-F"]);
        let there = format!("test -n \"$(ls -A {appears} 2>/dev/null)\"");
        wait_for(why, SOON, || two.shell(&there).code == 0);
        assert!(running.alive(), "{why}");
        running.signal(Signal::KILL);
        drop(running.wait(SOON));
        look_after_the_cut(two, why);
        assert!(two.exists(&format!("{data}/REPMGR_CLONE_UNFINISHED")), "{why}");
        let note = two.read(&format!("{data}/REPMGR_CLONE_UNFINISHED"));
        assert!(note.contains("127.0.0.1") && note.contains(&new), "{note}");
        clone(two, one, &[]).code(1).says("holds an unfinished clone").says("-F/--force");
    }
    assert!(copying(two) > 0, "pg_basebackup's second process does not notice that the first is gone");
    assert_eq!(one.psql("SELECT active FROM pg_replication_slots"), "t");
    two.write_conf(&conf);
    mends(two, one).says("unfinished clone").says("repmgr_slot_2");
    assert!(!two.exists(&format!("{data}/REPMGR_CLONE_UNFINISHED")));
}

#[test]
fn killed_before_each_move_the_directory_never_looks_whole_before_it_is() {
    if !strace_is_here() {
        return;
    }
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.write_conf("");
    let strace = |what: &[&str]| {
        let (program, conf) = (two.path("bin/repmgr"), two.conf_path());
        let clone = words(one, &["-F"]);
        let clone: Vec<&str> = clone.iter().map(String::as_str).collect();
        two.run_as_postgres(&[&["strace"], what, &[program.as_str(), "-f", &conf], &clone[..]].concat())
    };
    let cut = |call: &str, n: usize| {
        let inject = format!("inject={call}:signal=KILL:when={n}");
        strace(&["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &inject]);
        look_after_the_cut(two, &format!("{call} {n}"));
    };
    // What a whole clone changes in its directory: note, settings, signal file, some thirty moves, the folder.
    let seen = two.path("changes");
    strace(&["-o", &seen, "-e", &format!("trace={}", CALLS.join(","))]).ok();
    let text = two.read(&seen);
    for call in CALLS {
        let last = text.lines().filter(|line| line.starts_with(&format!("{call}("))).count();
        eprintln!("{call}: {last} times");
        assert!(*call != "rename" || last > 20, "the moves are renames");
        // The beginning, the end, and one in five between.
        for n in (1..=last).filter(|n| *n <= 4 || *n + 6 > last || n % 5 == 0) {
            two.shell(&format!("rm -rf {}", two.data_directory())).ok();
            cut(call, n);
        }
    }
    mends(two, one);
    // Over a directory that was whole: removing comes first.
    for (call, n) in
        [("rename", 1), ("unlink", 1), ("unlink", 3), ("unlinkat", 1), ("unlinkat", 300), ("rename", 9)]
    {
        cut(call, n);
        if !two.exists(&format!("{}/global/pg_control", two.data_directory())) {
            assert!(!postgresql_starts(two), "{call} {n}");
        }
        mends(two, one);
    }
}

/// Processes that copy into the host's data directory.
fn copying(host: &Host) -> usize {
    // The brackets keep grep from finding itself.
    let folder = format!("{}/[.]repmgr_clone_unfinished", host.data_directory());
    let script = format!("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -cx '{folder}'");
    host.shell(&script).stdout.trim().parse().unwrap()
}

#[test]
fn asked_to_end_it_leaves_no_process_no_slot_and_no_directory() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    let (space, mapped, wal) = (one.path("space"), two.path("space2"), two.path("wal"));
    one.shell(&format!("mkdir {space}")).ok();
    one.psql(&format!("CREATE TABLESPACE space LOCATION '{space}'"));
    one.psql("CREATE TABLE t TABLESPACE space AS SELECT 7 AS a");
    two.write_conf(&format!(
        "use_replication_slots=yes\npg_basebackup_options='-r 4M --waldir={wal}'\ntablespace_mapping='{space}={mapped}'"
    ));
    for signal in [Signal::TERM, Signal::INT] {
        let running = start(two, one, &[]);
        wait_for("the copy to begin", SOON, || {
            two.exists(&format!("{}/.repmgr_clone_unfinished/base", two.data_directory()))
        });
        assert!(copying(two) > 0);
        running.signal(signal);
        running.wait(Duration::from_secs(10)).code(14).says("interrupted").says("dropped on the source node");
        assert_eq!(copying(two), 0);
        assert!(!two.exists(&two.data_directory()));
        assert_eq!(two.shell(&format!("ls -A {mapped} {wal} | grep -v :$ | grep .")).stdout, "");
        assert_eq!(one.psql("SELECT count(*) FROM pg_replication_slots"), "0");
    }
}

#[test]
fn a_clone_under_nohup_outlives_its_terminal() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.write_conf("pg_basebackup_options='-r 8M'");
    let (program, conf) = (two.path("bin/repmgr"), two.conf_path());
    let mut argv = vec!["nohup".to_owned(), program, "-f".to_owned(), conf];
    argv.extend(words(one, &[]));
    let running = two.command(&argv.iter().map(String::as_str).collect::<Vec<_>>()).start();
    wait_for("the copy to begin", SOON, || {
        two.exists(&format!("{}/.repmgr_clone_unfinished/base", two.data_directory()))
    });
    running.signal(Signal::HUP);
    running.wait(SOON).ok();
}

#[test]
fn a_second_clone_waits_for_nobody_and_is_refused() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.write_conf("pg_basebackup_options='-r 4M'");
    let running = start(two, one, &[]);
    wait_for("the copy to begin", SOON, || {
        two.exists(&format!("{}/.repmgr_clone_unfinished/base", two.data_directory()))
    });
    clone(two, one, &["-F"]).code(1).says("another \"standby clone\" is at work");
    running.wait(Duration::from_secs(60)).ok();
    starts_as_standby(two, one);
}

#[test]
fn a_source_that_dies_during_the_copy_ends_it_and_leaves_nothing() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.write_conf("use_replication_slots=yes\npg_basebackup_options='-r 4M'");
    let running = start(two, one, &[]);
    wait_for("the copy to begin", SOON, || {
        two.exists(&format!("{}/.repmgr_clone_unfinished/base", two.data_directory()))
    });
    one.stop_pg(Stop::Immediate);
    running.wait(SOON).code(14).says("base backup").says("is left behind on");
    assert!(!two.exists(&two.data_directory()), "as it was before");
    one.start_pg();
    two.write_conf("use_replication_slots=yes");
    clone(two, one, &[]).ok().says("is on the source node already");
}
