//! `repmgr cluster cleanup`: what is deleted, what is not, and who is told.

use super::cluster_common::registered;
use crate::cluster::{Host, Lab, PgOptions, Solo, Stop, wait_for};
use std::time::Duration;

/// A script that writes down its arguments, one a line, and what it finds in its environment.
const SCRIPT: &str = "#!/bin/sh\nfor word in \"$@\"; do printf '<%s>\\n' \"$word\"; done >>told\n\
                      env | grep ^HG_REPMGR_ | sort >>told\n";

/// A registered primary on loopback, whose history holds a row a day for each of two standbys.
fn with_history() -> Solo {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    fill(host);
    solo
}

fn fill(host: &Host) {
    host.psql(
        "INSERT INTO repmgr.monitoring_history
         SELECT 1, s, now() - g * '1 day'::interval - '1 hour'::interval, now(), '0/1', '0/1', 0, 0
         FROM generate_series(0, 9) g, (VALUES (1), (2)) AS v (s)",
    );
}

fn rows(host: &Host) -> String {
    host.psql(
        "SELECT string_agg(n::text, ' ' ORDER BY s) FROM (SELECT standby_node_id AS s, count(*) AS n
        FROM repmgr.monitoring_history GROUP BY 1) q",
    )
}

fn told(host: &Host) -> String {
    if host.exists(&host.path("told")) { host.read(&host.path("told")) } else { String::new() }
}

/// Makes the host's file call `command`, and `more`.
fn with_script(host: &Host, command: &str, more: &str) {
    host.write(&host.path("script"), SCRIPT);
    host.shell("chmod +x script; rm -f told").ok();
    host.write_conf(&format!("event_notification_command='{command}'\n{more}"));
}

#[test]
fn the_same_rows_go_as_with_the_original() {
    let solo = with_history();
    let host = solo.host(1);
    let events = "SELECT count(*) FROM repmgr.events WHERE event = 'cluster_cleanup' AND successful";
    for (why, options, left, event) in [
        ("all", &[][..], "", true),
        ("zero days is all", &["--keep-history=0"], "", true),
        ("older than five days", &["-k", "5"], "5 5", true),
        ("older than three days, of one", &["-k3", "--node-id=1"], "3 10", true),
        ("all of one", &["--node-id=1"], "10", true),
        ("nothing is that old", &["-k", "100"], "10 10", false),
    ] {
        let mut results = Vec::new();
        for ours in [false, true] {
            host.psql("TRUNCATE repmgr.monitoring_history, repmgr.events");
            fill(host);
            let args = [&["cluster", "cleanup"], options].concat();
            let out = if ours { host.repmgr(&args) } else { host.original(&args) };
            results.push((out.code, out.stdout.clone(), rows(host), host.psql(events)));
            assert!(!ours || out.stderr.contains("INFO: looking for the primary"), "{out}");
        }
        assert_eq!(results[0], results[1], "{why}");
        assert_eq!(
            results[1],
            (0, String::new(), left.to_owned(), if event { "1" } else { "0" }.to_owned()),
            "{why}"
        );
    }
    for (why, options, code) in [
        ("no such node", &["--node-id=77"][..], 1),
        ("no number", &["-k", "x"], 1),
        ("below nothing", &["-k", "-1"], 1),
    ] {
        let args = [&["cluster", "cleanup"], options].concat();
        let (theirs, ours) = (host.original(&args), host.repmgr(&args));
        assert_eq!((theirs.code, ours.code, ours.stdout.as_str()), (code, code, ""), "{why}: {ours}");
    }
    assert_eq!(rows(host), "10 10");
}

#[test]
fn a_dry_run_deletes_nothing_and_tells_nobody() {
    let solo = with_history();
    let host = solo.host(1);
    with_script(host, "./script %e", "");
    host.psql("TRUNCATE repmgr.events");
    for options in [&["--dry-run"][..], &["--dry-run", "-k", "5"], &["-q", "--dry-run"]] {
        let out = host.repmgr(&[&["cluster", "cleanup"], options].concat()).ok();
        assert_eq!((rows(host).as_str(), out.stdout.as_str()), ("10 10", ""), "{out}");
        if !options.contains(&"-q") {
            assert!(out.stderr.contains("would delete "), "{out}");
        }
    }
    host.repmgr(&["cluster", "cleanup", "--dry-run", "-k5", "-LERROR"]).ok().says("would delete 10 ");
    assert_eq!(host.psql("SELECT count(*) FROM repmgr.events"), "0");
    assert_eq!(told(host), "");
}

#[test]
fn the_table_is_vacuumed_after_rows_went() {
    let solo = with_history();
    let host = solo.host(1);
    host.psql("ALTER TABLE repmgr.monitoring_history SET (autovacuum_enabled = off)");
    let count =
        || host.psql("SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = 'monitoring_history'");
    host.repmgr(&["cluster", "cleanup", "-k", "100"]).ok();
    assert_eq!(count(), "0", "nothing went");
    host.repmgr(&["cluster", "cleanup", "-k", "5"]).ok();
    wait_for("the vacuum to be counted", Duration::from_secs(10), || count() == "1");
}

#[test]
fn a_vacuum_that_fails_is_a_warning_for_the_records_are_gone() {
    let solo = with_history();
    let host = solo.host(1);
    host.psql("ALTER ROLE repmgr SET lock_timeout = '300ms'");
    let psql = format!(
        "{} -h {} -p {} -U repmgr -d repmgr -Xqc 'BEGIN; LOCK TABLE repmgr.monitoring_history IN SHARE UPDATE EXCLUSIVE MODE; SELECT pg_sleep(25)'",
        host.postgres.program("psql"),
        host.socket_directory(),
        host.port
    );
    let holder = host.command(&["sh", "-c", &psql]).start();
    wait_for("the lock", Duration::from_secs(10), || {
        host.psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") == "1"
    });
    let out = host.repmgr(&["cluster", "cleanup", "-k", "5"]).ok();
    out.says("WARNING: unable to vacuum repmgr.monitoring_history")
        .says("lock timeout")
        .never_says("unable to clean up");
    assert_eq!(rows(host), "5 5");
    assert_eq!(
        host.psql("SELECT successful FROM repmgr.events WHERE event = 'cluster_cleanup' ORDER BY 1"),
        "t"
    );
    drop(holder);
}

#[test]
fn a_standby_cleans_up_on_the_primary_and_without_one_nothing_is_done() {
    let lab = registered(&[1]);
    let (primary, standby) = (lab.host(1), lab.host(2));
    fill(primary);
    standby.repmgr(&["cluster", "cleanup", "-k", "5"]).ok();
    assert_eq!(rows(primary), "5 5");
    assert_eq!(
        primary.psql("SELECT node_id FROM repmgr.events WHERE event = 'cluster_cleanup'"),
        "2",
        "the node that did it"
    );
    primary.stop_pg(Stop::Fast);
    assert_eq!(standby.original(&["cluster", "cleanup"]).code, 6);
    let out = standby.repmgr(&["cluster", "cleanup"]).code(6);
    assert!(out.stderr.contains("node1") && out.stderr.contains("refused"), "{out}");
    assert_eq!(primary.repmgr(&["cluster", "cleanup"]).code, 6);
}

#[test]
fn a_role_that_is_no_superuser_cleans_up_where_it_may() {
    let solo = with_history();
    let host = solo.host(1);
    host.psql(
        "CREATE ROLE plain LOGIN;
         UPDATE repmgr.nodes SET conninfo = replace(conninfo, 'user=repmgr', 'user=plain')",
    );
    let conf = host.read(&host.conf_path()).replace("user=repmgr", "user=plain");
    host.write(&host.conf_path(), &conf);
    let out = host.repmgr(&["cluster", "cleanup"]);
    assert!(out.code != 0 && out.stderr.contains("permission denied"), "{out}");
    assert_eq!(rows(host), "10 10");
    assert_eq!(host.original(&["cluster", "cleanup"]).code, out.code, "{out}");
    host.psql("GRANT USAGE ON SCHEMA repmgr TO plain; GRANT SELECT ON ALL TABLES IN SCHEMA repmgr TO plain");
    let out = host.repmgr(&["cluster", "cleanup"]);
    assert!(out.code == 7 && out.stderr.contains("permission denied"), "{out}");
    assert_eq!(rows(host), "10 10");
    host.psql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA repmgr TO plain");
    host.repmgr(&["cluster", "cleanup", "-k5"]).ok();
    assert_eq!(rows(host), "5 5");
}

#[test]
fn the_users_command_gets_every_value_as_one_word_and_in_its_environment() {
    let solo = with_history();
    let host = solo.host(1);
    // Bare, in double and in single quotes; the file doubles a single quote.
    with_script(host, "./script %n %e %s \"%t\" \"%d\" ''%d'' %p %c %a %%", "");
    let out = host.repmgr(&["cluster", "cleanup", "-k", "5"]).ok();
    let seen = told(host);
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(&lines[..3], ["<1>", "<cluster_cleanup>", "<1>"], "{out}{seen}");
    let stamp = host.psql("SELECT event_timestamp FROM repmgr.events WHERE event = 'cluster_cleanup'");
    assert_eq!(lines[3], format!("<{stamp}>"), "the time of the row");
    assert!(lines[4].contains("day(s)") && lines[4] == lines[5], "{seen}");
    assert!(
        seen.contains("\nHG_REPMGR_EVENT=cluster_cleanup\n") && seen.contains("\nHG_REPMGR_NODE_ID=1\n"),
        "{seen}"
    );
    assert!(seen.contains("\nHG_REPMGR_SUCCESSFUL=1\n") && seen.contains("HG_REPMGR_DETAILS="), "{seen}");
}

#[test]
fn only_the_events_that_are_asked_for_run_the_command_and_all_are_recorded() {
    let solo = with_history();
    let host = solo.host(1);
    for (list, runs) in [
        ("standby_register", false),
        ("standby_register,cluster_cleanup", true),
        (" standby_register , cluster_cleanup ", true),
        ("cluster_clean", false),
        ("", true),
    ] {
        host.psql("TRUNCATE repmgr.events, repmgr.monitoring_history");
        fill(host);
        with_script(host, "./script %e", &format!("event_notifications='{list}'"));
        host.repmgr(&["cluster", "cleanup"]).ok();
        assert_eq!(told(host).starts_with("<cluster_cleanup>"), runs, "{list:?}");
        assert_eq!(host.psql("SELECT event FROM repmgr.events"), "cluster_cleanup", "{list:?}");
    }
}

#[test]
fn the_command_runs_also_when_the_row_cannot_be_written() {
    let solo = with_history();
    let host = solo.host(1);
    host.psql("ALTER TABLE repmgr.events ADD CONSTRAINT never CHECK (event <> 'cluster_cleanup') NOT VALID");
    with_script(host, "./script %e \"%t\"", "");
    let out = host.repmgr(&["cluster", "cleanup"]).ok();
    assert!(out.stderr.contains("WARNING: unable to record event"), "{out}");
    assert_eq!(rows(host), "");
    let seen = told(host);
    assert!(seen.starts_with("<cluster_cleanup>\n<20"), "{seen}");
}

#[test]
fn a_failure_is_recorded_and_told() {
    let solo = with_history();
    let host = solo.host(1);
    host.psql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$BEGIN RAISE EXCEPTION 'it''s \"held\"; $(touch /tmp/x) %d'; END$$;
         CREATE TRIGGER refuse BEFORE DELETE ON repmgr.monitoring_history EXECUTE FUNCTION refuse()"
            .replace("%d", "%%d")
            .as_str(),
    );
    with_script(host, "./script %s \"%d\" %d", "");
    let out = host.repmgr(&["cluster", "cleanup"]).code(7);
    assert!(out.stderr.contains("\"held\""), "{out}");
    assert_eq!(rows(host), "10 10");
    let want = "<it's \"held\"; $(touch /tmp/x) %d>";
    let seen = told(host);
    assert!(seen.starts_with("<0>\n") && seen.matches("held").count() >= 3, "{seen}");
    assert!(seen.lines().filter(|l| l.contains(want.trim_matches(['<', '>']))).count() >= 2, "{seen}");
    assert_eq!(host.psql("SELECT successful FROM repmgr.events WHERE event = 'cluster_cleanup'"), "f");
}

#[test]
fn a_command_that_fails_or_stays_does_not_change_the_outcome() {
    let solo = with_history();
    let host = solo.host(1);
    for (why, command, says) in [
        ("it fails", "echo oops >&2; exit 3", "oops"),
        ("there is no such program", "/nowhere/script %e", "not found"),
        ("it kills itself", "kill -9 $$", "WARNING"),
    ] {
        fill(host);
        host.write_conf(&format!("event_notification_command='{command}'"));
        let out = host.repmgr(&["cluster", "cleanup"]).ok();
        assert!(
            out.stderr.contains("WARNING: event_notification_command") && out.stderr.contains(says),
            "{why}: {out}"
        );
        assert_eq!(rows(host), "", "{why}");
    }
    fill(host);
    host.write_conf("event_notification_command='sleep 47 & echo started'");
    let out = host.repmgr(&["cluster", "cleanup", "-LDEBUG"]).ok().within(Duration::from_secs(20));
    let out = out.says("DEBUG: event_notification_command ended well").says("DETAIL: started");
    assert!(!out.stderr.contains("WARNING"), "what it leaves running is its own business: {out}");
}

#[test]
fn whoever_ignores_sigchld_and_starts_us_does_not_make_us_wait() {
    let solo = with_history();
    let host = solo.host(1);
    with_script(host, "./script %e", "");
    let line =
        format!("trap '' CHLD; exec {} -f {} cluster cleanup", host.path("bin/repmgr"), host.conf_path());
    let out = host.shell(&line).ok().within(Duration::from_secs(20));
    assert!(!out.stderr.contains("WARNING") && told(host).contains("<cluster_cleanup>"), "{out}");
}

#[test]
fn a_command_that_hangs_is_ended() {
    let lab = Lab::new(1);
    let host = lab.host(1).init_primary(&PgOptions::default());
    host.write_conf("event_notification_command='sleep 4711; touch survived'");
    host.original(&["--log-level=ERROR", "--version"]).ok();
    host.psql("CREATE EXTENSION repmgr");
    host.psql(&format!(
        "INSERT INTO repmgr.nodes VALUES (1, NULL, true, 'node1', 'primary', 'default', 100, '{}', 'repmgr', NULL, '/x')",
        host.conninfo()
    ));
    fill(host);
    let out = host.repmgr_command(&["cluster", "cleanup"]).patience(Duration::from_secs(100)).run().ok();
    eprintln!("a hung event_notification_command keeps a command for {:?}", out.took);
    assert!(out.stderr.contains("WARNING: event_notification_command"), "{out}");
    assert_eq!(host.shell("grep -slx sleep /proc/[0-9]*/comm").stdout, "", "it is gone");
    assert_eq!(rows(host), "");
}
