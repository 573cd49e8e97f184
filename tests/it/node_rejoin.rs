//! `repmgr node rejoin` on real servers.

use super::one_primary::watched;
use crate::cluster::{Host, Identity, Out, PgOptions, Solo, Stop, wait_for};
use crate::compat::Pair;
use std::time::Duration;

const RECORD: &str =
    "SELECT node_id, upstream_node_id, active, node_name, type, location, priority, repluser,
    slot_name FROM repmgr.nodes ORDER BY node_id";
const EVENTS: &str =
    "SELECT node_id, successful, details FROM repmgr.events WHERE event = 'node_rejoin' ORDER BY ctid";
const FILES: &str = "--config-files=postgresql.conf,postgresql.auto.conf,pg_hba.conf";
/// begin, two in each of nine steps, and the end of the journal.
const LAST: usize = 20;
const SOON: Duration = Duration::from_secs(30);

/// The original or ours.
type Repmgr = fn(&Host, &[&str]) -> Out;

/// A registered primary and a standby, with `extra` in their configuration.
fn pair(extra: &str, conf: &str) -> Solo {
    cluster(2, extra, conf)
}

fn cluster(count: usize, extra: &str, conf: &str) -> Solo {
    let solo = Solo::new(count);
    let options = PgOptions {
        conf: format!("wal_log_hints = on\nwal_keep_size = 512MB\n{conf}"),
        ..PgOptions::default()
    };
    let one = solo.host(1).init_primary(&options);
    one.write_conf(&extra_of(one, extra));
    one.repmgr(&["primary", "register"]).ok();
    for n in 2..=count {
        let host = solo.host(n).join(one);
        host.write_conf(&extra_of(host, extra));
        host.catch_up(one);
        host.repmgr(&["standby", "register"]).ok();
    }
    for n in 2..=count {
        solo.host(n).catch_up(one);
    }
    solo
}

fn extra_of(host: &Host, extra: &str) -> String {
    format!("pg_ctl_options='-l {}'\n{extra}", host.log_path())
}

/// The standby is cut off, the primary goes on writing and stops, and the standby is promoted without that.
fn diverge(solo: &Solo, how: Stop) {
    let (one, two) = (solo.host(1), solo.host(2));
    two.stop_pg(Stop::Fast);
    one.psql("CREATE TABLE lost AS SELECT generate_series(1, 5000) AS a");
    one.stop_pg(how);
    two.start_pg();
    two.repmgr(&["standby", "promote"]).ok();
    two.psql("CREATE TABLE won AS SELECT 7 AS a");
}

fn rejoin<'a>(to: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["node", "rejoin", "-d", to], more].concat()
}

fn attached(upstream: &Host, standby: &Host) -> bool {
    let sql = format!("SELECT count(*) FROM pg_stat_replication WHERE application_name = '{}'", standby.name);
    upstream.psql(&sql) == "1"
}

fn journal(host: &Host) -> String {
    host.path(&format!(".local/state/hg_repmgr/{}/journal.json", host.id))
}

/// The default below /tmp is every test's.
fn archive(host: &Host) -> String {
    format!("--config-archive-dir={}", host.path("archive"))
}

fn start_by_hand(host: &Host) -> Out {
    let (data, log) = (host.data_directory(), host.log_path());
    host.pg_ctl(&["-D", &data, "-l", &log, "-w", "-t", "20", "start"])
}

#[test]
fn refusals_and_the_plan_are_those_of_the_original() {
    let solo = pair("", "");
    let (one, two) = (solo.host(1), solo.host(2));
    let to = two.conninfo();
    let none = Pair::run(one, &["node", "rejoin"]);
    none.same_code();
    none.ours.code(1).says("needs a running node of the cluster");
    let running = Pair::run(one, &rejoin(&to, &["--force-rewind"]));
    running.same_code();
    running.ours.code(24).says("ERROR: the server of this node runs");
    diverge(&solo, Stop::Fast);
    let archive = format!("--config-archive-dir={}", one.path("archive"));
    one.shell(&format!("mkdir -p {}", one.path("archive"))).ok();
    watched(solo.hosts(), || {
        let diverged = Pair::run(one, &rejoin(&to, &[]));
        diverged.same_code();
        diverged
            .ours
            .clone()
            .code(24)
            .says("NOTICE: rejoin target is node \"node2\" (ID: 2)\n")
            .says("this node cannot follow node 2 as it is\nDETAIL: the target's timeline 2 left this server's timeline 1 at ")
            .says("HINT: with --force-rewind pg_rewind discards it");
        diverged.ours.says("would be lost, the fork is at ");
        let dry = Pair::run(one, &rejoin(&to, &["--force-rewind", FILES, &archive, "--dry-run"]));
        dry.same_code();
        dry.ours
            .ok()
            .says("INFO: replication connections to the target are accepted\nINFO: both servers are copies of one cluster\nDETAIL: system identifier is ")
            .says("NOTICE: this node follows node 2 only after pg_rewind\nDETAIL: the target's timeline 2 left this server's timeline 1")
            .says("INFO: pg_rewind can do its work\nINFO: would save \"postgresql.conf\" as ")
            .says("INFO: would run pg_rewind\nDETAIL: command: ")
            .says("INFO: every check for \"node rejoin\" passed");
        assert!(
            !one.exists(&journal(one)) && !one.exists(&format!("{}/standby.signal", one.data_directory()))
        );
    });
}

#[test]
fn records_and_data_after_a_rewind_are_those_of_the_original_and_the_loss_is_told_and_kept() {
    let rows: Vec<[String; 2]> = [Host::original as Repmgr, Host::repmgr]
        .into_iter()
        .enumerate()
        .map(|(ours, run): (usize, Repmgr)| {
            let solo = pair("use_replication_slots=yes", "");
            let (one, two) = (solo.host(1), solo.host(2));
            diverge(&solo, Stop::Fast);
            let to = two.conninfo();
            let archive = format!("--config-archive-dir={}", one.path("archive"));
            one.shell(&format!("mkdir -p {}", one.path("archive"))).ok();
            watched(solo.hosts(), || {
                let out = run(one, &rejoin(&to, &["--force-rewind", FILES, &archive])).ok();
                if ours == 1 {
                    out.says("NOTICE: running pg_rewind\nDETAIL: command: ")
                        .says("NOTICE: node 1 becomes a standby of node 2\n")
                        .says("NOTICE: this node is back as a standby\nDETAIL: node 1 is now attached to node 2");
                }
                one.catch_up(two);
            });
            assert_eq!(one.psql("SELECT a FROM won"), "7");
            assert_eq!(one.psql("SELECT count(*) FROM pg_class WHERE relname = 'lost'"), "0");
            assert_eq!(two.psql("SELECT slot_name, active FROM pg_replication_slots"), "repmgr_slot_1|t");
            if ours == 1 {
                let told = two.psql(EVENTS);
                assert!(told.contains("of timeline 1 (") && told.contains("kept in \""), "{told}");
                let kept = one.shell(&format!("ls {}.lost-wal/*", one.data_directory())).ok().stdout;
                assert!(kept.contains("000000010000000000000"), "{kept}");
                let dump = one.postgres.program("pg_waldump");
                one.shell(&format!(
                    "{dump} -q {}.lost-wal/*/00000001000000000000000? | head -3",
                    one.data_directory()
                ))
                .ok();
                assert!(!one.exists(&one.path("archive/repmgr-config-archive-node1")));
                assert!(!one.exists(&journal(one)));
            }
            [two.psql(RECORD), two.psql(EVENTS).split(';').next().unwrap_or_default().to_owned()]
        })
        .collect();
    assert_eq!(rows[0], rows[1]);
}

#[test]
fn a_clean_hand_over_is_followed_without_a_rewind_also_when_one_is_allowed() {
    for more in [&[][..], &["--force-rewind", "-W"]] {
        let solo = pair("", "");
        let (one, two) = (solo.host(1), solo.host(2));
        one.stop_pg(Stop::Fast);
        two.repmgr(&["standby", "promote"]).ok();
        watched(solo.hosts(), || {
            let to = two.conninfo();
            one.repmgr(&rejoin(&to, &[more, &["--dry-run"]].concat())).ok().never_says("would run pg_rewind");
            let out = one.repmgr(&rejoin(&to, more)).ok();
            out.says("node 1 is now attached to node 2").never_says("running pg_rewind");
        });
        wait_for("the standby", SOON, || attached(two, one));
        assert!(two.psql(RECORD).contains("1|2|t|node1|standby"), "{}", two.psql(RECORD));
        one.stop_pg(Stop::Fast);
        one.repmgr(&rejoin(&two.conninfo(), &[])).ok().says("this node is back as a standby");
    }
}

#[test]
fn a_crashed_primary_is_recovered_and_rewound_and_a_crashed_standby_just_goes_on() {
    let solo = pair("", "");
    let (one, two) = (solo.host(1), solo.host(2));
    diverge(&solo, Stop::Immediate);
    let (to, here) = (two.conninfo(), archive(one));
    watched(solo.hosts(), || {
        let clean = Pair::run(one, &rejoin(&to, &["--dry-run"]));
        clean.same_code();
        clean
            .ours
            .code(24)
            .says("ERROR: the server of this node was not stopped in order")
            .says("HINT: with --force-rewind it is recovered first");
        one.repmgr(&rejoin(&to, &["--force-rewind", FILES, &here, "--dry-run"]))
            .ok()
            .says("single-user mode");
        one.repmgr(&rejoin(&to, &["--force-rewind", FILES, &here]))
            .ok()
            .says("this node is back as a standby");
        one.catch_up(two);
        one.stop_pg(Stop::Immediate);
        one.repmgr(&rejoin(&to, &[])).code(24);
        let out = one.repmgr(&rejoin(&to, &["--force-rewind", FILES, &here])).ok();
        out.never_says("single-user").never_says("running pg_rewind");
    });
    assert!(attached(two, one));
    let auto = one.read(&format!("{}/postgresql.auto.conf", one.data_directory()));
    assert!(!auto.contains("listen_addresses"), "{auto}");
}

/// Kills the command at each point, each time with a fresh pair, and tries to start the server by hand before
/// the command is run again.
fn killed_at_each_point(how: Stop, points: std::ops::RangeInclusive<usize>) {
    let solo = pair("use_replication_slots=yes\nevent_notification_command='echo %e %s >> events.txt'", "");
    let mut kept = 0;
    for point in points.clone() {
        // Back and forth: the primary of one round is the former primary of the next.
        let (old, new) = if point % 2 == 1 { (1, 2) } else { (2, 1) };
        let (old, new) = (solo.host(old), solo.host(new));
        new.stop_pg(Stop::Fast);
        old.psql("DELETE FROM repmgr.events; DROP TABLE IF EXISTS lost; CREATE TABLE lost AS SELECT generate_series(1, 5000) AS a");
        old.stop_pg(how);
        new.start_pg();
        new.repmgr(&["standby", "promote"]).ok();
        new.psql(&format!(
            "DELETE FROM repmgr.events; DROP TABLE IF EXISTS lost; CREATE TABLE won{point} AS SELECT 7 AS a"
        ));
        let (to, here) = (new.conninfo(), archive(old));
        let args = rejoin(&to, &["--force-rewind", FILES, &here]);
        let first = watched(solo.hosts(), || {
            let first = old.repmgr_command(&args).env("HG_REPMGR_KILL_AT", &point.to_string()).run();
            if first.code != 0 {
                assert!(old.exists(&journal(old)), "point {point}: {first}");
                let step = old.read(&journal(old));
                // Whoever starts it now: from the settings on it is never a primary.
                let settled = !["\"begin\"", "\"recover\"", "\"keep\"", "\"slot\"", "\"settings\""]
                    .iter()
                    .any(|s| step.contains(s));
                if settled && start_by_hand(old).code == 0 {
                    kept += 1;
                    assert_eq!(old.psql("SELECT pg_is_in_recovery()"), "t", "point {point}: {step}");
                    old.stop_pg(Stop::Fast);
                }
                old.repmgr(&args).ok();
            }
            first
        });
        assert!(!old.exists(&journal(old)), "point {point}");
        old.catch_up(new);
        assert_eq!(old.psql(&format!("SELECT a FROM won{point}")), "7", "point {point}");
        assert!(attached(new, old), "point {point}");
        let told = new.psql(EVENTS);
        assert_eq!(told.lines().count(), 1, "point {point}: {told}");
        assert_eq!(first.code == 0, point == LAST + 1, "point {point}: {first}");
    }
    eprintln!("killed at {points:?}, started by hand as a standby at {kept}");
}

#[test]
fn killed_at_each_early_point_and_run_again_it_finishes() {
    killed_at_each_point(Stop::Fast, 1..=12);
}

#[test]
fn killed_at_each_late_point_and_run_again_it_finishes_and_never_starts_as_a_primary() {
    killed_at_each_point(Stop::Fast, 13..=LAST + 1);
}

#[test]
fn killed_at_each_point_around_crash_recovery_and_run_again_it_finishes() {
    killed_at_each_point(Stop::Immediate, 1..=6);
}

#[test]
fn a_rewind_that_is_cut_off_half_way_leaves_nothing_that_starts_and_is_finished_by_the_next_run() {
    let solo = pair("", "");
    let (one, two) = (solo.host(1), solo.host(2));
    diverge(&solo, Stop::Fast);
    let data = one.data_directory();
    // What pg_rewind may have done when it is killed: the signal file and WAL of ours are gone, the settings
    // are the primary's.
    let wrapper = one.path("pg_rewind");
    let real = one.postgres.program("pg_rewind");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--dry-run*) exec {real} \"$@\";; esac\n\
         if test ! -e {data}/../cut; then touch {data}/../cut; rm -f {data}/standby.signal {data}/pg_wal/00000001*; \
         cp {}/postgresql.auto.conf {data}/; kill -KILL $PPID; exit 1; fi\nexec {real} \"$@\"\n",
        two.data_directory()
    );
    one.write(&wrapper, &script);
    one.shell(&format!("chmod 755 {wrapper}")).ok();
    let (to, here) = (two.conninfo(), archive(one));
    let force = format!("--force-rewind={wrapper}");
    watched(solo.hosts(), || {
        let cut = one.repmgr(&rejoin(&to, &[&force, FILES, &here]));
        assert!(cut.code != 0 && one.exists(&journal(one)), "{cut}");
        assert!(!one.exists(&format!("{data}/standby.signal")));
        assert_ne!(start_by_hand(one).code, 0, "a half rewound directory starts");
        one.repmgr(&["standby", "follow"]);
        one.repmgr(&rejoin(&to, &[&force, FILES, &here]))
            .ok()
            .says("taking up")
            .says("this node is back as a standby");
        one.catch_up(two);
    });
    assert_eq!(one.psql("SELECT a FROM won"), "7");
    assert_eq!(one.shell(&format!("stat -c %a {data}")).ok().stdout.trim(), "700");
}

#[test]
fn what_stands_in_the_way_is_told_and_nothing_is_changed() {
    let solo = cluster(3, "node_rejoin_timeout=3", "");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    let to = two.conninfo();
    one.stop_pg(Stop::Fast);
    // Both are standbys: nobody takes writes.
    one.repmgr(&rejoin(&to, &[])).code(24).says("no running primary was found");
    two.repmgr(&["standby", "promote"]).ok();
    let nowhere = "host=127.0.0.1 port=1 user=repmgr dbname=repmgr connect_timeout=1";
    one.repmgr(&rejoin(nowhere, &[])).code(6).says("to the server given with -d");
    one.repmgr(&rejoin(&to, &["--config-files=../x"])).code(24).says("not a file of the data directory");
    assert!(!one.exists(&journal(one)));
    // Two at once.
    let conf = one.read(&one.conf_path());
    let start = format!(
        "service_start_command='sleep 3; {} -D {} -l {} start'\n",
        one.postgres.program("pg_ctl"),
        one.data_directory(),
        one.log_path()
    );
    one.append(&one.conf_path(), &start);
    watched(solo.hosts(), || {
        let args = rejoin(&to, &[]);
        let first = one.repmgr_command(&args).start();
        wait_for("the first to begin", SOON, || one.exists(&journal(one)));
        one.repmgr(&args).code(24).says("another command is changing this node");
        first.wait(SOON).ok();
    });
    // It does not start: 4, and the next run goes on.
    one.stop_pg(Stop::Fast);
    one.write(&one.conf_path(), &format!("{conf}\nservice_start_command='exit 9'\n"));
    one.repmgr(&rejoin(&to, &[])).code(4).says("unable to start PostgreSQL");
    one.repmgr(&["standby", "follow"]).says("local node");
    one.write(&one.conf_path(), &conf);
    // Led there by a standby that follows the primary by now.
    three.repmgr(&["standby", "follow"]).ok();
    one.repmgr(&rejoin(&three.conninfo(), &[]))
        .ok()
        .says("taking up")
        .says("node 1 is now attached to node 2");
    assert!(attached(two, one));
}

#[test]
fn servers_that_pg_rewind_cannot_help_are_refused_with_another_way() {
    let solo = Solo::new(2);
    let (one, two) = (solo.host(1).init_primary(&PgOptions::default()), solo.host(2));
    one.write_conf("");
    one.repmgr(&["primary", "register"]).ok();
    two.join(one).write_conf("");
    two.catch_up(one);
    two.repmgr(&["standby", "register"]).ok();
    two.catch_up(one);
    one.psql("ALTER SYSTEM SET wal_log_hints = off");
    one.restart_pg();
    diverge(&solo, Stop::Fast);
    let to = two.conninfo();
    let before = one.shell(&format!("ls {}", one.data_directory())).ok().stdout;
    let hints = one
        .shell(&format!(
            "{} -D {} | grep -E 'wal_log_hints|checksum'",
            one.postgres.program("pg_controldata"),
            one.data_directory()
        ))
        .ok()
        .stdout;
    if hints.contains("checksum version:           0") {
        one.repmgr(&rejoin(&to, &["--force-rewind"])).code(24).says("wal_log_hints").says("standby clone");
    }
    assert_eq!(one.shell(&format!("ls {}", one.data_directory())).ok().stdout, before);
    // Promoted by itself: another timeline of the same number.
    one.write(&format!("{}/standby.signal", one.data_directory()), "");
    one.start_pg();
    one.pg_ctl(&["-D", &one.data_directory(), "promote", "-w"]).ok();
    one.psql("CHECKPOINT");
    one.stop_pg(Stop::Fast);
    one.repmgr(&rejoin(&to, &["--force-rewind"]))
        .code(24)
        .says("different timelines of one number")
        .says("would be lost");
}

#[test]
fn missing_wal_and_a_stranger_are_refused_before_anything_changes() {
    let solo = cluster(3, "", "");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    three.stop_pg(Stop::Fast);
    two.stop_pg(Stop::Fast);
    one.psql("CREATE TABLE lost AS SELECT 1 AS a; CHECKPOINT; SELECT pg_switch_wal()");
    one.psql("CREATE TABLE lost2 AS SELECT 1 AS a; CHECKPOINT; SELECT pg_switch_wal()");
    one.psql("CHECKPOINT");
    one.stop_pg(Stop::Fast);
    two.start_pg();
    two.repmgr(&["standby", "promote"]).ok();
    let data = one.data_directory();
    one.shell(&format!("cd {data}/pg_wal && mkdir ../../archive && for f in $(ls 0000* | head -n -1); do mv $f ../../archive/; done")).ok();
    let (to, here) = (two.conninfo(), archive(one));
    watched(solo.hosts(), || {
        one.repmgr(&rejoin(&to, &["--force-rewind", FILES, &here]))
            .code(24)
            .says("pg_rewind")
            .says("restore_command");
        assert!(!one.exists(&format!("{data}/standby.signal")) && !one.exists(&journal(one)));
        one.append(
            &format!("{data}/postgresql.conf"),
            &format!("restore_command = 'cp {} %p'\n", one.path("archive/%f")),
        );
        let out = one.repmgr(&rejoin(&to, &["--force-rewind", FILES, &here])).ok();
        out.says("--restore-target-wal").says("this node is back as a standby");
        one.catch_up(two);
    });
    // A data directory of another cluster in its place.
    three.shell(&format!("rm -rf {}", three.data_directory())).ok();
    three.init_primary(&PgOptions { identity: Identity::Own, ..PgOptions::default() });
    three.stop_pg(Stop::Fast);
    three.repmgr(&rejoin(&to, &["--force-rewind"])).code(24).says("the target belongs to another cluster");
}
