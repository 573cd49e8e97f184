//! `repmgr standby promote` on real servers.

use super::cluster_common::registered;
use super::one_primary::watched;
use crate::cluster::{Host, Lab, Out, PgOptions, Solo, Stop, wait_for};
use crate::compat::Pair;
use std::time::Duration;

const RECORD: &str =
    "SELECT node_id, upstream_node_id, active, node_name, type, location, priority, repluser,
    slot_name FROM repmgr.nodes ORDER BY node_id";
const EVENTS: &str = "SELECT node_id, successful, details FROM repmgr.events WHERE event = 'standby_promote'
    ORDER BY ctid";
/// Without the details, which are each program's own.
const OUTCOMES: &str = "SELECT node_id, event, successful FROM repmgr.events ORDER BY event_timestamp, event";
const SOON: Duration = Duration::from_secs(30);

/// A registered primary with standbys, all registered.
fn cluster(count: usize) -> Solo {
    let solo = Solo::new(count);
    let one = solo.host(1).init_primary(&PgOptions::default());
    one.write_conf("");
    one.repmgr(&["primary", "register"]).ok();
    for n in 2..=count {
        let host = solo.host(n).join(one);
        host.write_conf("promote_check_timeout=30\nfollow_command='true'\n");
        host.catch_up(one);
        host.repmgr(&["standby", "register"]).ok();
    }
    for n in 2..=count {
        solo.host(n).catch_up(one);
    }
    solo
}

fn is_primary(host: &Host) -> bool {
    host.psql("SELECT pg_is_in_recovery()") == "f"
}

fn journal(host: &Host) -> String {
    host.path(&format!(".local/state/hg_repmgr/{}/journal.json", host.id))
}

#[test]
fn refusals_have_the_codes_of_the_original_and_a_dry_run_tells_the_plan() {
    let solo = cluster(3);
    let (one, two) = (solo.host(1), solo.host(2));
    watched(solo.hosts(), || {
        for (host, args, says) in [
            (two, vec!["standby", "promote", "--dry-run"], "ERROR: this cluster has a primary\n"),
            (two, vec!["standby", "promote"], "DETAIL: node \"node1\" (ID: 1) runs as a primary\n"),
            (
                two,
                vec!["standby", "promote", "--force"],
                "DETAIL: node \"node1\" (ID: 1) runs as a primary\n",
            ),
            (
                one,
                vec!["standby", "promote"],
                "ERROR: this node is a primary, only a standby can be promoted\n",
            ),
        ] {
            let pair = Pair::run(host, &args);
            pair.same_code().same_stdout();
            pair.ours.code(8).says(says);
        }
        one.stop_pg(Stop::Fast);
        let pair = Pair::run(two, &["standby", "promote", "--dry-run"]);
        pair.same_code();
        for line in [
            "INFO: node \"node2\" (ID: 2) is a standby\nINFO: no node that can be reached runs as a primary\n",
            "WARNING: without --siblings-follow, nodes that keep their old upstream: 1\n",
            "DETAIL: node \"node3\" (ID: 3)\n",
            "INFO: walsenders needed: 0, free: 10\n",
            "INFO: would promote this server by pg_promote()\n",
            "INFO: every check for \"standby promote\" passed\n",
        ] {
            pair.ours.clone().ok().says(line);
        }
        assert!(!is_primary(two) && !two.exists(&journal(two)), "a dry run changes nothing");
    });
}

#[test]
fn records_and_events_are_those_of_the_original() {
    let rows: Vec<[String; 3]> = [Host::original, Host::repmgr]
        .into_iter()
        .map(|run: fn(&Host, &[&str]) -> Out| {
            let solo = cluster(3);
            let (one, two) = (solo.host(1), solo.host(2));
            one.stop_pg(Stop::Fast);
            watched(solo.hosts(), || {
                run(two, &["standby", "promote"]).ok();
                run(two, &["standby", "promote"]).code(8);
            });
            [two.psql(RECORD), two.psql(OUTCOMES), two.psql("SELECT pg_is_in_recovery()")]
        })
        .collect();
    assert_eq!(rows[0], rows[1]);
    assert!(
        rows[1][0].contains("1||f|node1|primary") && rows[1][0].contains("2||t|node2|primary"),
        "{}",
        rows[1][0]
    );
}

#[test]
fn killed_at_each_point_and_run_again_it_finishes_and_says_it_once() {
    if std::env::var_os("HG_REPMGR_UNDER_TEST").is_some() {
        // A build that ships does not know how to kill itself.
        return;
    }
    let mut point = 0;
    loop {
        point += 1;
        let solo = cluster(2);
        let (one, two) = (solo.host(1), solo.host(2));
        two.append(&two.conf_path(), "event_notification_command='echo %e %s >> events.txt'\n");
        one.stop_pg(Stop::Immediate);
        let killed = watched(solo.hosts(), || {
            let at = point.to_string();
            let first = two.repmgr_command(&["standby", "promote"]).env("HG_REPMGR_KILL_AT", &at).run();
            if first.code == 0 {
                return false;
            }
            assert!(two.exists(&journal(two)), "point {point}: {first}");
            let again = two.repmgr(&["standby", "promote"]).ok();
            again.clone().says("NOTICE: standby promote complete\n");
            assert!(!two.exists(&journal(two)), "point {point}: {again}");
            two.repmgr(&["standby", "promote"]).code(8);
            true
        });
        assert!(is_primary(two));
        assert_eq!(two.psql(EVENTS), "2|t|node \"node2\" (ID: 2) is the primary now", "point {point}");
        assert!(
            two.psql(RECORD).contains("1||f|node1|primary")
                && two.psql(RECORD).contains("2||t|node2|primary")
        );
        assert!(two.read(&two.path("events.txt")).contains("standby_promote 1"), "point {point}");
        if !killed {
            break;
        }
    }
    eprintln!("killed at {} points", point - 1);
    assert!(point > 8, "every step is a point: {point}");
}

#[test]
fn two_at_once_one_wins() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    one.stop_pg(Stop::Fast);
    // As long as the first one waits for the server, the second one is there.
    two.append(
        &two.conf_path(),
        &format!(
            "service_promote_command='sleep 2; {} -D {} promote'\n",
            two.postgres.program("pg_ctl"),
            two.data_directory()
        ),
    );
    watched(solo.hosts(), || {
        let first = two.repmgr_command(&["standby", "promote"]).start();
        wait_for("the first to begin", SOON, || two.exists(&journal(two)));
        two.repmgr(&["standby", "promote"])
            .code(8)
            .says("another command is changing this node")
            .says("\"standby promote\" runs as process");
        first.wait(SOON).ok().says("NOTICE: promoting node \"node2\" (ID: 2)\nDETAIL: by \"sleep 2;");
    });
    assert_eq!(two.psql(EVENTS).lines().count(), 1);
}

#[test]
fn two_nodes_at_once_one_is_let_through() {
    let solo = cluster(3);
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    one.stop_pg(Stop::Fast);
    let slow = |host: &Host| {
        let (pg_ctl, data) = (host.postgres.program("pg_ctl"), host.data_directory());
        host.append(
            &host.conf_path(),
            &format!("service_promote_command='sleep 1; {pg_ctl} -D {data} promote'\n"),
        );
    };
    slow(two);
    slow(three);
    watched(solo.hosts(), || {
        let runs = [two, three].map(|host| host.repmgr_command(&["standby", "promote"]).start());
        let outs = runs.map(|run| run.wait(SOON));
        let mut codes = outs.clone().map(|out| out.code);
        codes.sort_unstable();
        assert_eq!(codes, [0, 8], "{outs:?}");
        assert!(
            outs.iter().any(|out| out.stderr.contains("another node of this cluster is being promoted")),
            "{outs:?}"
        );
    });
    assert!(is_primary(two) != is_primary(three));
}

#[test]
fn a_promotion_that_fails_or_hangs_is_exit_8_and_can_be_run_again() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    one.stop_pg(Stop::Fast);
    let conf = two.conf_path();
    two.append(&conf, "event_notification_command='echo %e %s >> events.txt'\n");
    let whole = two.read(&conf);
    watched(solo.hosts(), || {
        two.append(&conf, "service_promote_command='echo broken >&2; exit 3'\n");
        two.repmgr(&["standby", "promote"]).code(8).says("broken");
        two.append(&conf, "service_promote_command='true'\npromote_check_timeout=2\n");
        let late = two.repmgr(&["standby", "promote"]).within(Duration::from_secs(10)).code(8);
        late.says("not promoted in time");
        two.append(&conf, "service_promote_command='sleep 60'\n");
        two.repmgr(&["standby", "promote"]).within(Duration::from_secs(10)).code(8);
        two.write(&conf, &whole);
        two.repmgr(&["standby", "promote"]).ok().says("taking up");
    });
    assert_eq!(
        two.read(&two.path("events.txt")),
        "standby_promote 0\nstandby_promote 0\nstandby_promote 0\nstandby_promote 1\n"
    );
}

#[test]
fn cut_off_and_overtaken_by_another_primary_it_says_what_stands() {
    let solo = cluster(3);
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    one.stop_pg(Stop::Fast);
    watched(solo.hosts(), || {
        // Noted, and not yet asked for.
        let cut = two.repmgr_command(&["standby", "promote"]).env("HG_REPMGR_KILL_AT", "3").run();
        assert_ne!(cut.code, 0);
        three.repmgr(&["standby", "promote"]).ok();
        two.repmgr(&["standby", "promote"])
            .code(8)
            .says("\"node3\" (ID: 3) runs as a primary")
            .says("restart its server");
        assert!(two.exists(&journal(two)));
        two.restart_pg();
        two.repmgr(&["standby", "promote"]).code(8).says("is void");
        assert!(!two.exists(&journal(two)));
        two.repmgr(&["standby", "promote"])
            .code(8)
            .says("\"node3\" (ID: 3) runs as a primary")
            .never_says("void");
    });
    assert!(!is_primary(two));
}

#[test]
fn a_primary_that_hangs_is_not_visible_and_a_paused_replay_ends() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    two.psql("SELECT pg_wal_replay_pause()");
    one.psql("CREATE TABLE t AS SELECT 7 AS a");
    let lsn = one.psql("SELECT pg_current_wal_lsn()");
    wait_for("the WAL", SOON, || two.psql(&format!("SELECT pg_last_wal_receive_lsn() >= '{lsn}'")) == "t");
    one.stop_pg(Stop::Immediate);
    let out = two.repmgr(&["standby", "promote"]).ok();
    out.says("replay is paused").says("to go");
    assert_eq!(two.psql("SELECT a FROM t"), "7");
}

#[test]
fn a_synchronous_setting_inherited_from_the_primary_does_not_hold_the_record_up() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    two.append(&format!("{}/postgresql.conf", two.data_directory()), "synchronous_standby_names = '*'\n");
    two.reload_pg();
    one.stop_pg(Stop::Fast);
    two.repmgr(&["standby", "promote"]).within(Duration::from_secs(15)).ok();
}

#[test]
fn a_role_that_may_not_call_pg_promote_promotes_by_pg_ctl() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    one.psql("CREATE ROLE plain LOGIN; GRANT ALL ON SCHEMA repmgr, hg_repmgr TO plain; GRANT ALL ON ALL TABLES IN SCHEMA repmgr, hg_repmgr TO plain; GRANT pg_monitor TO plain");
    two.catch_up(one);
    let conf = two.read(&two.conf_path()).replacen("user=repmgr", "user=plain", 1);
    two.write(&two.conf_path(), &conf);
    one.stop_pg(Stop::Fast);
    two.repmgr(&["standby", "promote", "--dry-run"]).ok().says("pg_ctl");
    two.repmgr(&["standby", "promote"]).ok().says("pg_ctl");
    assert_eq!(two.psql(EVENTS).lines().count(), 1);
}

#[test]
fn no_state_folder_is_told_before_anything_is_changed() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    one.stop_pg(Stop::Fast);
    let closed = |args: &[&str]| {
        let call = two.repmgr_command(args).env("XDG_STATE_HOME", "/proc/nowhere");
        call.run()
    };
    two.append(&two.conf_path(), "state_directory=/proc/nowhere\n");
    closed(&["standby", "promote", "--dry-run"]).ok().says("state_directory").says("every check for");
    closed(&["standby", "promote"]).code(8).says("HINT: make \"state_directory\"");
    assert!(!is_primary(two));
}

/// Three nodes over ssh.
fn lab() -> Lab {
    registered(&[1, 1])
}

#[test]
fn siblings_out_of_reach_of_ssh_stop_it_unless_forced() {
    let lab = lab();
    let (one, two, three) = (lab.host(1), lab.host(2), lab.host(3));
    one.stop_pg(Stop::Fast);
    watched(lab.hosts(), || {
        let pair = Pair::run(two, &["standby", "promote", "--siblings-follow", "--dry-run"]);
        pair.same_code();
        for line in
            ["INFO: ssh reaches every node that is to follow\n", "INFO: walsenders needed: 1, free: 10\n"]
        {
            pair.ours.clone().ok().says(line);
        }
        lab.refuse_port(three, 22);
        two.repmgr(&["standby", "promote", "--siblings-follow"])
            .code(12)
            .says("ssh does not reach 1 of 1 nodes");
        assert!(!is_primary(two));
        two.repmgr(&["standby", "promote", "--siblings-follow", "-F"]).ok().says("does not reach");
    });
    assert!(is_primary(two));
}
