//! `repmgr standby register` on real servers.

use crate::cluster::{Host, Identity, PgOptions, Solo, Stop};
use crate::compat::Pair;
use std::time::Duration;

const RECORD: &str =
    "SELECT node_id, upstream_node_id, active, node_name, type, location, priority, repluser,
    slot_name FROM repmgr.nodes ORDER BY node_id";
/// Of the details what scripts look for; the rest is prose.
const EVENTS: &str = "SELECT node_id, event, successful, substring(details from 'upstream node ID is [0-9]+')
    FROM repmgr.events ORDER BY ctid";

/// A registered primary, and standbys that are not.
fn cluster(count: usize) -> Solo {
    let solo = Solo::new(count);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.repmgr(&["primary", "register"]).ok();
    for n in 2..=count {
        solo.host(n).join(host).catch_up(host).write_conf("");
    }
    solo
}

fn down(host: &Host) -> &Host {
    host.stop_pg(Stop::Fast)
}

#[test]
fn rows_and_events_are_those_of_the_original() {
    let rows: Vec<[String; 2]> = [Host::original, Host::repmgr]
        .into_iter()
        .map(|run: fn(&Host, &[&str]) -> crate::cluster::Out| {
            let solo = cluster(3);
            let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
            two.append(&two.conf_path(), "use_replication_slots=yes\npriority=0\nlocation=far\n");
            run(two, &["standby", "register", "--dry-run"]).ok();
            assert_eq!(one.psql("SELECT count(*) FROM repmgr.nodes"), "1", "nothing is changed by a dry run");
            run(two, &["standby", "register"]).ok();
            two.catch_up(one);
            run(two, &["standby", "register"]).code(1).says("-F/--force");
            run(two, &["standby", "register", "--force"]).ok();
            run(three, &["standby", "register", "--upstream-node-id=2"]).code(1).says("-F/--force");
            run(three, &["standby", "register", "--upstream-node-id=9"]).code(1).says("-F/--force");
            run(three, &["standby", "register", "--upstream-node-id=3"]).code(1);
            run(three, &["standby", "register", "--upstream-node-id=2", "-F", "--wait-sync=20"]).ok();
            [one.psql(RECORD), one.psql(EVENTS)]
        })
        .collect();
    assert_eq!(rows[0][0], rows[1][0]);
    assert_eq!(rows[0][1], rows[1][1]);
    assert!(rows[1][0].contains("2|1|t|node2|standby|far|0|repmgr|repmgr_slot_2\n3|2|t"), "{}", rows[1][0]);
}

#[test]
fn what_changes_nothing_ends_with_the_codes_of_the_original() {
    let solo = cluster(2);
    for (host, args, code, says) in [
        (solo.host(1), vec!["standby", "register"], 1, "this server is a primary, not a standby"),
        (
            solo.host(2),
            vec!["standby", "register", "--dry-run"],
            0,
            "every check for \"standby register\" passed",
        ),
        (
            solo.host(2),
            vec!["standby", "register", "--dry-run"],
            0,
            "without --upstream-node-id the upstream is the primary, node 1",
        ),
    ] {
        let pair = Pair::run(host, &args);
        pair.same_code().same_stdout();
        pair.ours.code(code).says(says);
    }
}

#[test]
fn a_standby_that_is_down_is_registered_by_force_through_the_primary() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    down(two);
    let port = one.port.to_string();
    let to_primary = ["-h", "127.0.0.1", "-p", &port, "-U", "repmgr", "-d", "repmgr"];
    let began = two.repmgr(&["standby", "register", "--wait-start=1"]).code(1).within(Duration::from_secs(8));
    began.says("cannot connect to local node \"node2\" (ID: 2)").says("-F/--force");
    two.repmgr(&["standby", "register", "-F"]).code(1).says("connection options");
    two.repmgr(&[&["standby", "register", "--wait-start=0"], &to_primary[..]].concat()).code(1);
    let args =
        [&["standby", "register", "-F", "--upstream-node-id=9", "--wait-sync=5"], &to_primary[..]].concat();
    two.repmgr(&args)
        .ok()
        .says("upstream node 9 is not registered, it gets a placeholder")
        .says("--wait-sync has no effect");
    assert_eq!(
        one.psql("SELECT node_id, upstream_node_id, active, type FROM repmgr.nodes ORDER BY 1"),
        "1||t|primary\n2|9|t|standby\n9|1|f|standby"
    );

    two.start_pg().catch_up(one);
    let back = two.repmgr(&["standby", "register", "-F", "--wait-sync=20"]).ok();
    back.says("the record named node 9 as upstream").says("the standby has its record from the primary");
    one.repmgr(&["standby", "unregister", "--node-id=9"]).ok();
}

#[test]
fn a_standby_that_starts_is_waited_for() {
    let solo = cluster(2);
    let two = solo.host(2);
    down(two);
    let waiting = two.repmgr_command(&["standby", "register", "--wait-start=30"]).start();
    std::thread::sleep(Duration::from_millis(1500));
    two.start_pg();
    waiting.wait(Duration::from_secs(40)).ok().says("node \"node2\" (ID: 2) answers after");
}

#[test]
fn a_record_that_does_not_arrive_in_time_is_exit_20_and_an_event() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    two.psql("SELECT pg_wal_replay_pause()");
    let late = two.repmgr(&["standby", "register", "--wait-sync=2"]).code(20).within(Duration::from_secs(10));
    late.says("the record has not arrived on the standby within 2 s");
    let last = "SELECT node_id, event, successful, details FROM repmgr.events ORDER BY ctid DESC LIMIT 1";
    assert_eq!(
        one.psql(last),
        "2|standby_register_sync|f|the record has not arrived on the standby within 2 s"
    );
    two.repmgr(&["standby", "register", "-F", "--wait-sync=0"]).ok();
    let forever = two.repmgr_command(&["standby", "register", "-F", "--wait-sync"]).start();
    std::thread::sleep(Duration::from_millis(700));
    two.psql("SELECT pg_wal_replay_resume()");
    forever.wait(Duration::from_secs(20)).ok().says("the standby has its record from the primary");
}

#[test]
fn strangers_are_refused() {
    let solo = Solo::new(3);
    let one = solo.host(1).init_primary(&PgOptions { identity: Identity::Own, ..PgOptions::default() });
    one.write_conf("");
    one.repmgr(&["primary", "register"]).ok();
    let two = solo.host(2).join(one);
    two.catch_up(one);
    // Metadata that name another cluster's server as the primary.
    let three = solo.host(3).init_primary(&PgOptions::default());
    one.psql(&format!("UPDATE repmgr.nodes SET conninfo = '{}'", three.conninfo()));
    two.catch_up(one).write_conf("");
    two.repmgr(&["standby", "register"]).code(1).says("belongs to another cluster").says("system identifier");
    down(two);
    three.write_conf("node_id=1");
    three.repmgr(&["primary", "register"]).ok();
    let port = three.port.to_string();
    let forced = two.repmgr(&[
        "standby",
        "register",
        "-F",
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-U",
        "repmgr",
        "-d",
        "repmgr",
    ]);
    forced.code(1).says("belongs to another cluster");
    assert_eq!(three.psql("SELECT count(*) FROM repmgr.nodes"), "1");
}

#[test]
fn a_hanging_primary_is_told_within_its_timeout() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    one.sigstop_pg();
    let out = two.repmgr(&["standby", "register"]);
    one.sigcont_pg();
    out.within(Duration::from_secs(10)).code(1).says("timeout expired");
    assert_eq!(one.psql("SELECT count(*) FROM repmgr.nodes"), "1");
}

#[test]
fn two_standbys_at_once_both_get_in_and_two_of_one_name_do_not() {
    let solo = cluster(3);
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    let runs = [two, three].map(|host| host.repmgr_command(&["standby", "register"]).start());
    for run in runs {
        run.wait(Duration::from_secs(30)).ok();
    }
    assert_eq!(
        one.psql("SELECT node_id, node_name FROM repmgr.nodes ORDER BY 1"),
        "1|node1\n2|node2\n3|node3"
    );
    one.repmgr(&["standby", "unregister", "--node-id=2"]).ok();
    one.repmgr(&["standby", "unregister", "--node-id=3"]).ok();
    three.append(&three.conf_path(), "node_name=node2\n");
    // Both have looked at the records before either may write.
    let holder = hold_nodes(one);
    let runs = [two, three].map(|host| host.repmgr_command(&["standby", "register", "-F"]).start());
    crate::cluster::wait_for("both to want the table", Duration::from_secs(9), || {
        one.psql("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'repmgr.nodes'::regclass")
            == "2"
    });
    one.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    let codes: Vec<_> = runs.into_iter().map(|run| run.wait(Duration::from_secs(30)).code).collect();
    drop(holder);
    assert_eq!(codes.iter().sum::<i32>(), 1, "one gets in, one is refused: {codes:?}");
    assert_eq!(one.psql("SELECT count(*) FROM repmgr.nodes WHERE node_name = 'node2'"), "1");
}

/// Somebody who keeps the records from being written.
fn hold_nodes(host: &Host) -> crate::cluster::Running {
    let psql = format!(
        "{} -h {} -p {} -U repmgr -d repmgr -Xqc 'BEGIN; LOCK TABLE repmgr.nodes IN SHARE MODE; SELECT pg_sleep(25)'",
        host.postgres.program("psql"),
        host.socket_directory(),
        host.port
    );
    let holder = host.command(&["sh", "-c", &psql]).start();
    crate::cluster::wait_for("the lock", Duration::from_secs(10), || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        host.psql(sql) == "1"
    });
    holder
}

#[test]
fn a_lock_that_somebody_keeps_is_not_waited_for_for_ever() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    let holder = hold_nodes(one);
    let out = two.repmgr(&["standby", "register"]).within(Duration::from_secs(20)).code(7);
    out.says("lock timeout").says("another registration is under way");
    drop(holder);
}

#[test]
fn a_server_that_takes_no_connections_counts_as_one_that_starts() {
    let solo = cluster(2);
    let two = solo.host(2);
    two.append(&format!("{}/postgresql.conf", two.data_directory()), "hot_standby = off\n");
    down(two);
    // pg_ctl -w is content with a server that rejects connections.
    two.start_pg();
    let out = two.repmgr(&["standby", "register", "--wait-start=2"]).within(Duration::from_secs(10)).code(1);
    out.says("trying for 2 s").says("not accepting connections").says("HINT");
}

#[test]
fn the_users_command_learns_who_the_primary_is_but_no_password() {
    let solo = cluster(2);
    let (one, two) = (solo.host(1), solo.host(2));
    let secret = one.conninfo() + " password=hidden";
    one.append(&one.conf_path(), &format!("conninfo='{secret}'\n"));
    one.shell("chmod 600 repmgr.conf").ok();
    one.repmgr(&["primary", "register", "-F"]).ok().never_says("hidden");
    two.catch_up(one);
    let uri = format!("postgresql://repmgr:hidden@127.0.0.1:{}/repmgr?connect_timeout=2", two.port);
    let script = format!("event_notification_command='echo \"%e|%s|%p|%a|%c\" >>{}'\n", two.path("told"));
    two.append(&two.conf_path(), &format!("conninfo='{uri}'\n{script}"));
    two.repmgr(&["standby", "register", "--wait-sync=20"]).ok().never_says("hidden");
    let primary = one.conninfo();
    let want = format!("standby_register|1|1|node1|{primary}\nstandby_register_sync|1|1|node1|{primary}\n");
    assert_eq!(two.read(&two.path("told")), want);
    assert_eq!(
        one.psql("SELECT conninfo, repluser FROM repmgr.nodes WHERE node_id = 2"),
        format!("{uri}|repmgr")
    );
    assert_eq!(one.psql("SELECT count(*) FROM repmgr.events WHERE details ~ 'hidden'"), "0");
}

#[test]
fn a_placeholder_is_the_originals() {
    let rows = [Host::original, Host::repmgr].map(|run: fn(&Host, &[&str]) -> crate::cluster::Out| {
        let solo = cluster(2);
        run(solo.host(2), &["standby", "register", "-F", "--upstream-node-id=9"]).ok();
        solo.host(1).psql("SELECT * FROM repmgr.nodes WHERE node_id = 9")
    });
    assert_eq!(rows[0], rows[1]);
}
