//! `repmgr standby follow` on real servers.

use super::cluster_common::registered;
use super::one_primary::watched;
use crate::cluster::{Host, Identity, Out, PgOptions, Solo, Stop, wait_for};
use crate::compat::Pair;
use std::time::Duration;

const RECORD: &str =
    "SELECT node_id, upstream_node_id, active, node_name, type, location, priority, repluser,
    slot_name FROM repmgr.nodes ORDER BY node_id";
const EVENTS: &str = "SELECT node_id, successful, details FROM repmgr.events WHERE event = 'standby_follow'
    ORDER BY ctid";
/// Without the details, which are each program's own.
const OUTCOMES: &str = "SELECT node_id, event, successful FROM repmgr.events ORDER BY event_timestamp, event";
const SLOTS: &str =
    "SELECT string_agg(slot_name || ' ' || active, ',' ORDER BY slot_name) FROM pg_replication_slots";
const SOON: Duration = Duration::from_secs(30);

/// A registered primary with standbys, all registered, with `extra` in their configuration.
fn cluster(count: usize, extra: &str) -> Solo {
    let solo = Solo::new(count);
    let one = solo.host(1).init_primary(&PgOptions::default());
    one.write_conf(extra);
    one.repmgr(&["primary", "register"]).ok();
    for n in 2..=count {
        let host = solo.host(n).join(one);
        host.write_conf(extra);
        host.catch_up(one);
        host.repmgr(&["standby", "register"]).ok();
    }
    for n in 2..=count {
        solo.host(n).catch_up(one);
    }
    solo
}

fn attached(upstream: &Host, standby: &Host) -> bool {
    let sql = format!("SELECT count(*) FROM pg_stat_replication WHERE application_name = '{}'", standby.name);
    upstream.psql(&sql) == "1"
}

fn journal(host: &Host) -> String {
    host.path(&format!(".local/state/hg_repmgr/{}/journal.json", host.id))
}

#[test]
fn where_nothing_is_to_be_changed_codes_and_stdout_are_those_of_the_original() {
    let solo = cluster(2, "");
    let (one, two) = (solo.host(1), solo.host(2));
    let pair = Pair::run(one, &["standby", "follow"]);
    pair.same_code().same_stdout();
    pair.ours.code(1).says(
        "ERROR: this node is a primary, only a standby can follow\nDETAIL: connection string: host=127.0.0.1",
    );
    for (args, lines) in [
        (
            vec!["standby", "follow", "--dry-run"],
            vec![
                "NOTICE: looking for the primary\nINFO: would follow node \"node1\" (ID: 1), a primary\n",
                "INFO: node \"node1\" (ID: 1) takes replication connections\n",
                "INFO: both servers belong to one cluster\nDETAIL: system identifier: ",
                "INFO: both servers are on timeline 1\nDETAIL: this node's WAL ends at ",
                "INFO: would reload this server\nINFO: every check for \"standby follow\" passed\n",
            ],
        ),
        (
            vec!["standby", "follow"],
            vec![
                "NOTICE: looking for the primary\nINFO: both servers are on timeline 1\n",
                "NOTICE: attaching node \"node2\" (ID: 2) to node \"node1\" (ID: 1)\n",
                "NOTICE: standby follow complete\nDETAIL: attached to node \"node1\" (ID: 1)\n",
            ],
        ),
    ] {
        let pair = Pair::run(two, &args);
        pair.same_code().same_stdout();
        for line in lines {
            pair.ours.clone().ok().says(line);
        }
    }
    assert!(attached(one, two));
}

#[test]
fn records_events_and_slots_after_a_failover_are_those_of_the_original() {
    let rows: Vec<[String; 4]> = [Host::original, Host::repmgr]
        .into_iter()
        .map(|run: fn(&Host, &[&str]) -> Out| {
            let solo = cluster(
                3,
                "use_replication_slots=yes\nevent_notification_command='echo %n %e %s %p %a >> events.txt'",
            );
            let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
            one.stop_pg(Stop::Fast);
            watched(solo.hosts(), || {
                run(two, &["standby", "promote"]).ok();
                run(three, &["standby", "follow"]).ok();
                two.psql("CREATE TABLE t AS SELECT 7 AS a");
                three.catch_up(two);
                assert_eq!(three.psql("SELECT a FROM t"), "7");
            });
            [two.psql(RECORD), two.psql(OUTCOMES), two.psql(SLOTS), three.read(&three.path("events.txt"))]
        })
        .collect();
    assert_eq!(rows[0], rows[1]);
    assert!(rows[1][0].contains("3|2|t|node3|standby"), "{}", rows[1][0]);
    assert!(rows[1][3].contains("3 standby_follow 1 2 node2"), "{}", rows[1][3]);
}

#[test]
fn killed_at_each_point_and_run_again_it_finishes_and_says_it_once() {
    if std::env::var_os("HG_REPMGR_UNDER_TEST").is_some() {
        // A build that ships does not know how to kill itself.
        return;
    }
    let solo = cluster(3, "use_replication_slots=yes");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    three.repmgr(&["standby", "follow"]).ok();
    let mut point = 0;
    watched(solo.hosts(), || {
        loop {
            point += 1;
            one.psql("DELETE FROM repmgr.events");
            let (to, from) = if point % 2 == 1 { (two, one) } else { (one, two) };
            let args = ["standby", "follow", &format!("--upstream-node-id={}", to.id)];
            let first = three.repmgr_command(&args).env("HG_REPMGR_KILL_AT", &point.to_string()).run();
            if first.code != 0 {
                assert!(three.exists(&journal(three)), "point {point}: {first}");
                three.repmgr(&args).ok();
            }
            assert!(!three.exists(&journal(three)), "point {point}");
            assert!(attached(to, three), "point {point}");
            assert_eq!(
                one.psql(EVENTS),
                format!("3|t|attached to node \"{}\" (ID: {})", to.name, to.id),
                "point {point}"
            );
            assert_eq!(
                one.psql("SELECT upstream_node_id FROM repmgr.nodes WHERE node_id = 3"),
                to.id.to_string()
            );
            assert_eq!(to.psql(SLOTS), "repmgr_slot_3 true", "point {point}");
            assert_eq!(from.psql(SLOTS), "", "point {point}: no slot is left behind");
            if first.code == 0 {
                break;
            }
        }
    });
    eprintln!("killed at {} points", point - 1);
    assert!(point > 12, "every step is a point: {point}");
}

#[test]
fn a_node_past_the_fork_is_refused_with_both_positions() {
    let solo = cluster(3, "");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    two.stop_pg(Stop::Fast);
    one.psql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS a");
    three.catch_up(one);
    one.stop_pg(Stop::Immediate);
    two.start_pg();
    watched(solo.hosts(), || {
        two.repmgr(&["standby", "promote"]).ok();
        let before = three.read(&format!("{}/postgresql.auto.conf", three.data_directory()));
        let pair = Pair::run(three, &["standby", "follow"]);
        pair.same_code();
        let out = pair.ours.code(23);
        out.says("it forked off at ").says("this node's WAL ends at ").says("node rejoin");
        assert_eq!(three.read(&format!("{}/postgresql.auto.conf", three.data_directory())), before);
        assert!(!three.exists(&journal(three)));
    });
}

#[test]
fn two_promotions_to_the_same_timeline_number_are_told_apart() {
    let solo = cluster(3, "");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    two.stop_pg(Stop::Fast);
    one.psql("CREATE TABLE t AS SELECT generate_series(1, 1000) AS a");
    three.catch_up(one);
    one.stop_pg(Stop::Immediate);
    // The third one, which has more, is promoted by hand while the second one is down, and made a standby again.
    three.pg_ctl(&["-D", &three.data_directory(), "promote", "-w"]).ok();
    three.psql("CHECKPOINT");
    three.stop_pg(Stop::Fast);
    three.write(&format!("{}/standby.signal", three.data_directory()), "");
    two.start_pg();
    two.repmgr(&["standby", "promote"]).ok();
    two.psql("CREATE TABLE other AS SELECT generate_series(1, 5000) AS a");
    three.start_pg();
    three.repmgr(&["standby", "follow"]).code(23).says("different timelines of one number").says("rejoin");
}

#[test]
fn a_primary_that_is_not_there_yet_is_waited_for_when_asked() {
    let solo = cluster(3, "primary_follow_timeout=2");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    one.stop_pg(Stop::Fast);
    three
        .repmgr(&["standby", "follow"])
        .within(Duration::from_secs(8))
        .code(23)
        .says("no running primary")
        .says("--wait");
    three.repmgr(&["standby", "follow", "-w"]).within(Duration::from_secs(12)).code(23).says("for 2 seconds");
    let waiting = three.repmgr_command(&["standby", "follow", "--wait=40"]).start();
    std::thread::sleep(Duration::from_millis(500));
    two.repmgr(&["standby", "promote"]).ok();
    waiting
        .wait(Duration::from_secs(50))
        .ok()
        .says("no primary is visible")
        .says("INFO: timeline 2 of node \"node2\" (ID: 2) goes on from this node's timeline 1\nDETAIL: it forked off at ");
    assert!(attached(two, three));
}

#[test]
fn targets_that_make_no_sense_are_refused_before_anything_changes() {
    let solo = cluster(3, "");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    three.repmgr(&["standby", "follow", "--upstream-node-id=2"]).ok();
    wait_for("the record", SOON, || {
        two.psql("SELECT upstream_node_id FROM repmgr.nodes WHERE node_id=3") == "2"
    });
    for (id, code, says) in [
        ("2", 1, "cannot follow itself"),
        ("3", 1, "streams from this node"),
        ("9", 1, "upstream node 9 is not registered"),
    ] {
        two.repmgr(&["standby", "follow", &format!("--upstream-node-id={id}")]).code(code).says(says);
    }
    three.stop_pg(Stop::Fast);
    two.repmgr(&["standby", "follow"]).ok();
    three.repmgr(&["standby", "follow"]).code(6).says("cannot connect to local node");
    assert!(attached(one, two));
}

#[test]
fn another_cluster_is_refused() {
    let solo = Solo::new(3);
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    one.init_primary(&PgOptions { identity: Identity::Own, ..PgOptions::default() });
    one.write_conf("");
    one.repmgr(&["primary", "register"]).ok();
    two.join(one).write_conf("");
    two.catch_up(one).repmgr(&["standby", "register"]).ok();
    three.init_primary(&PgOptions::default());
    one.psql(&format!("UPDATE repmgr.nodes SET conninfo = '{}' WHERE node_id = 1", three.conninfo()));
    two.catch_up(one);
    two.repmgr(&["standby", "follow"]).code(23).says("different clusters");
}

#[test]
fn failures_of_restart_and_attachment_have_their_codes_and_events() {
    let solo = cluster(3, "standby_follow_timeout=2");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    let conf = three.read(&three.conf_path());
    let last = "SELECT successful, details FROM repmgr.events WHERE event = 'standby_follow' ORDER BY ctid DESC LIMIT 1";
    let args = ["standby", "follow", "--upstream-node-id=2"];
    three.append(&three.conf_path(), "service_reload_command='true'\n");
    three.repmgr(&args).code(23).within(Duration::from_secs(12)).says("did not attach");
    assert!(one.psql(last).starts_with("f|unable to follow node \"node2\" (ID: 2)"), "{}", one.psql(last));
    three.write(
        &three.conf_path(),
        &format!("{conf}\nstandby_follow_restart=yes\nservice_restart_command='exit 9'\n"),
    );
    three.repmgr(&args).code(4).says("unable to restart PostgreSQL");
    assert!(!three.exists(&journal(three)));
    let log = three.log_path();
    three.write(
        &three.conf_path(),
        &format!(
            "{conf}\nstandby_follow_restart=yes\npg_ctl_options='-l {log}'\nstandby_follow_timeout=30\n"
        ),
    );
    let pid = three.postmaster_pid();
    three.repmgr(&args).ok().says("restarting");
    assert_ne!(three.postmaster_pid(), pid);
    assert!(attached(two, three));
    three.write(&three.conf_path(), &format!("{conf}\nstandby_follow_timeout=30\n"));
    let pid = three.postmaster_pid();
    three.repmgr(&["standby", "follow"]).ok();
    assert_eq!(three.postmaster_pid(), pid, "from 13 on no restart is needed");
    assert!(attached(one, three));
}

#[test]
fn no_room_on_the_target_is_told() {
    let solo = cluster(3, "use_replication_slots=yes");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    for n in 0..10 {
        two.psql(&format!("SELECT pg_create_physical_replication_slot('s{n}')"));
    }
    three
        .repmgr(&["standby", "follow", "--upstream-node-id=2"])
        .code(23)
        .says("has no free replication slot");
    assert!(attached(one, three));
}

#[test]
fn with_two_primaries_it_does_not_choose() {
    let solo = cluster(3, "");
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    two.pg_ctl(&["-D", &two.data_directory(), "promote", "-w"]).ok();
    three.repmgr(&["standby", "follow"]).code(23).says("more than one node is a primary").says("node2");
    assert!(attached(one, three));
}

#[test]
fn siblings_follow_over_ssh_after_a_promotion() {
    let lab = registered(&[1, 1]);
    let (one, two, three) = (lab.host(1), lab.host(2), lab.host(3));
    one.stop_pg(Stop::Fast);
    watched(lab.hosts(), || {
        let out = two.repmgr(&["standby", "promote", "--siblings-follow"]).ok();
        out.says("node \"node3\" (ID: 3) follows the new primary");
    });
    assert!(attached(two, three));
    assert_eq!(two.psql("SELECT upstream_node_id FROM repmgr.nodes WHERE node_id = 3"), "2");
    assert_eq!(two.psql(EVENTS), "3|t|attached to node \"node2\" (ID: 2)");
}
