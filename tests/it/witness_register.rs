//! `repmgr witness register` on real servers.

use crate::cluster::{Host, Identity, Out, PgOptions, Solo, Stop, wait_for};
use crate::compat::{Pair, normalise};
use rustix::process::Signal;
use std::time::Duration;

const RECORDS: &str =
    "SELECT node_id, upstream_node_id, active, node_name, type, location, priority, repluser,
    slot_name FROM repmgr.nodes ORDER BY node_id";
const EVENTS: &str = "SELECT node_id, event, successful, details FROM repmgr.events ORDER BY ctid";

/// A primary (1), a standby (2), both registered, and a server of its own (3).
pub fn cluster() -> Solo {
    let solo = Solo::new(3);
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    one.init_primary(&PgOptions::default()).write_conf("");
    one.repmgr(&["primary", "register"]).ok();
    two.join(one).catch_up(one).write_conf("");
    two.repmgr(&["standby", "register"]).ok();
    three.init_primary(&PgOptions { identity: Identity::Own, ..PgOptions::default() });
    three.write_conf("use_replication_slots=yes\npriority=50\nlocation=far\n");
    solo
}

/// `args` with the connection options of `host`. Only where it registers does the original take user and
/// database from conninfo.
pub fn at(host: &Host, args: &[&str]) -> Vec<String> {
    let port = host.port.to_string();
    let to = ["-h", "127.0.0.1", "-p", &port, "-U", "repmgr", "-d", "repmgr"];
    let to = if args.contains(&"register") { &to[..4] } else { &to };
    args.iter().chain(to).map(|word| (*word).to_owned()).collect()
}

/// Runs a program's call with connection options.
#[track_caller]
pub fn call(run: fn(&Host, &[&str]) -> Out, host: &Host, args: &[String]) -> Out {
    run(host, &args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn records_events_and_codes_are_those_of_the_original() {
    let seen: Vec<Vec<String>> = [Host::original, Host::repmgr]
        .into_iter()
        .map(|run: fn(&Host, &[&str]) -> Out| {
            let solo = cluster();
            let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
            let register = ["witness", "register"];
            let forced = ["witness", "register", "-F"];
            let mut seen = Vec::new();
            let mut step = |why: &str, code: i32, out: Out| {
                assert_eq!(out.code, code, "{why}: {out}");
                seen.push(why.to_owned());
            };
            step("no host", 1, run(three, &register));
            step("no host in -d", 1, run(three, &["witness", "register", "-d", "repmgr"]));
            step("on a standby", 1, call(run, two, &at(one, &register)));
            step("on the primary", 1, call(run, one, &at(one, &register)));
            step("the given one is a standby", 1, call(run, three, &at(two, &register)));
            step("the given one is the witness", 1, call(run, three, &at(three, &register)));
            step("dry run", 0, call(run, three, &at(one, &["witness", "register", "--dry-run"])));
            assert_eq!(one.psql("SELECT count(*) FROM repmgr.nodes"), "2", "a dry run changes nothing");
            assert_eq!(three.psql("SELECT count(*) FROM pg_namespace WHERE nspname ~ 'repmgr'"), "0");
            step("registers", 0, call(run, three, &at(one, &register)));
            let show = run(three, &["cluster", "show", "--csv"]).ok();
            let here = run(one, &["cluster", "show", "--csv"]).ok();
            assert_eq!(normalise(&show.stdout), normalise(&here.stdout));
            step("registers again", 1, call(run, three, &at(one, &register)));
            step("registers again, forced", 0, call(run, three, &at(one, &forced)));
            let whole = format!("host=127.0.0.1 port={} user=repmgr dbname=repmgr", one.port);
            step("a host in -d", 0, run(three, &["witness", "register", "-F", "-d", &whole]));
            three.append(&three.conf_path(), "node_name=node2\n");
            step("the name is taken", 1, call(run, three, &at(one, &forced)));
            three.append(&three.conf_path(), "node_name=node3\nnode_id=2\n");
            step("the number is taken", 1, call(run, three, &at(one, &forced)));
            seen.extend([RECORDS, EVENTS].map(|sql| one.psql(sql)));
            seen.extend([RECORDS, EVENTS].map(|sql| three.psql(sql)));
            seen.push(normalise(&show.stdout));
            seen
        })
        .collect();
    for (original, ours) in seen[0].iter().zip(&seen[1]) {
        assert_eq!(original, ours);
    }
    let all = seen[1].join("\n");
    assert!(all.contains("3|1|t|node3|witness|far|0|repmgr|repmgr_slot_3"), "{all}");
    assert!(
        all.contains("3|witness_register|t|witness registration succeeded; upstream node ID is 1"),
        "{all}"
    );
}

#[test]
fn what_is_shown_afterwards_is_alike_on_both_servers() {
    let solo = cluster();
    let (one, three) = (solo.host(1), solo.host(3));
    call(Host::repmgr, three, &at(one, &["witness", "register"])).ok();
    for host in [one, three] {
        let pair = Pair::run(host, &["cluster", "show"]);
        let (theirs, ours) = (pair.same_code().original.stdout.lines(), pair.ours.stdout.lines());
        assert_eq!(pair.ours.stdout.lines().count(), 5);
        // Two columns more stand at the right of ours.
        for (their, our) in theirs.zip(ours) {
            assert!(our.starts_with(their.trim_end()), "{pair:#?}");
        }
    }
    three.repmgr(&["node", "check", "--role"]).ok().says("node is witness");
}

#[test]
fn messages_say_what_is_wrong_and_nothing_is_left_behind() {
    let solo = cluster();
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    let register = ["witness", "register"];
    three.repmgr(&register).code(1).says("-h/--host");
    call(Host::repmgr, three, &at(two, &register)).code(1).says("is a standby").says("HINT");
    call(Host::repmgr, one, &at(one, &register)).code(1).says("same system identifier");
    call(Host::repmgr, two, &at(one, &register)).code(1).says("this node is a standby");
    call(Host::repmgr, three, &at(three, &register)).code(1).says("holds no repmgr metadata");
    three.repmgr(&["witness", "register", "-h", "127.0.0.1", "-p", "1"]).code(1).says("Connection refused");
    three.append(&three.conf_path(), "node_id=2\n");
    call(Host::repmgr, three, &at(one, &register)).code(1).says("says standby");
    three.append(&three.conf_path(), "node_id=3\nnode_name=node1\n");
    call(Host::repmgr, three, &at(one, &register)).code(1).says("has the name");
    assert_eq!(three.psql("SELECT count(*) FROM pg_namespace WHERE nspname ~ 'repmgr'"), "0");
    assert_eq!(one.psql("SELECT count(*) FROM repmgr.nodes"), "2");

    // A server that is the primary of another cluster does not lose that cluster's records, -F or not.
    three.append(&three.conf_path(), "node_name=node3\n");
    three.repmgr(&["primary", "register"]).ok();
    call(Host::repmgr, three, &at(one, &["witness", "register", "-F"])).code(1).says("a cluster of its own");
    assert_eq!(three.psql("SELECT type FROM repmgr.nodes"), "primary");

    three.stop_pg(Stop::Fast);
    call(Host::repmgr, three, &at(one, &register)).code(1).says("cannot connect to local node");
}

#[test]
fn of_two_at_once_one_registers_and_with_force_both_do() {
    let solo = cluster();
    let (one, three) = (solo.host(1), solo.host(3));
    for (args, good) in [(vec!["witness", "register"], 1), (vec!["witness", "register", "-F"], 3)] {
        let words = at(one, &args);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let runs: Vec<_> = (0..3).map(|_| three.repmgr_command(&words).start()).collect();
        let outs: Vec<_> = runs.into_iter().map(|run| run.wait(Duration::from_secs(60))).collect();
        assert_eq!(outs.iter().filter(|out| out.code == 0).count(), good, "{outs:#?}");
        for out in outs.into_iter().filter(|out| out.code != 0) {
            out.code(1).says("registered already");
        }
    }
    assert_eq!(one.psql(RECORDS), three.psql(RECORDS));
    let events = "SELECT count(*) FROM repmgr.events WHERE event = 'witness_register' AND successful";
    assert_eq!(one.psql(events), "4");
}

#[test]
fn cut_off_at_the_commit_on_the_primary_it_is_finished_by_running_it_again() {
    let solo = cluster();
    let (one, three) = (solo.host(1), solo.host(3));
    // The primary takes its time to commit: the witness has its copy by then.
    one.psql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $f$
            BEGIN PERFORM pg_sleep(20); RETURN NULL; END $f$;
         CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON repmgr.nodes DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION slow()",
    );
    let words = at(one, &["witness", "register"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let cut = three.repmgr_command(&words).start();
    wait_for("the copy", Duration::from_secs(20), || {
        let out = three.try_psql("SELECT count(*) FROM repmgr.nodes WHERE node_id = 3");
        out.code == 0 && out.stdout.trim() == "1"
    });
    cut.signal(Signal::KILL);
    one.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%COMMIT%' AND pid <> pg_backend_pid()");
    wait_for("the lock to be free", Duration::from_secs(30), || {
        one.psql(
            "SELECT count(*) FROM pg_locks WHERE relation = 'repmgr.nodes'::regclass AND mode LIKE 'Share%'",
        ) == "0"
    });
    assert_eq!(one.psql("SELECT count(*) FROM repmgr.nodes"), "2");
    one.psql("DROP TRIGGER slow ON repmgr.nodes");
    three.repmgr(&words).ok().says("did not come to its end");
    assert_eq!(one.psql(RECORDS), three.psql(RECORDS));
    let events = "SELECT count(*) FROM repmgr.events WHERE event = 'witness_register'";
    assert_eq!(one.psql(events), "1");
}

#[test]
fn a_witness_whose_copy_cannot_be_written_is_not_registered() {
    let solo = cluster();
    let (one, three) = (solo.host(1), solo.host(3));
    call(Host::repmgr, three, &at(one, &["witness", "register"])).ok();
    let again = at(one, &["witness", "register", "-F"]);
    one.psql("UPDATE repmgr.nodes SET location = 'moved' WHERE node_id = 2");
    three.append(&three.conf_path(), "location=further\n");
    three.psql("ALTER TABLE repmgr.nodes ADD CONSTRAINT c CHECK (location <> 'moved')");
    call(Host::repmgr, three, &again).code(7).says("to the witness").says("violates check");
    assert_eq!(one.psql("SELECT location FROM repmgr.nodes WHERE node_id = 3"), "far");
    assert_eq!(three.psql("SELECT location FROM repmgr.nodes WHERE node_id = 2"), "default");
    let last = "SELECT event, successful FROM repmgr.events ORDER BY ctid DESC LIMIT 1";
    assert_eq!(one.psql(last), "witness_register|f");
    three.psql("ALTER TABLE repmgr.nodes DROP CONSTRAINT c");
    // Records that went are gone from the copy too, and those that hang on one another arrive in any order.
    one.psql("UPDATE repmgr.nodes SET node_id = 9 WHERE node_id = 2; UPDATE repmgr.nodes SET upstream_node_id = 9 WHERE node_id = 3");
    call(Host::repmgr, three, &again).ok();
    assert_eq!(one.psql(RECORDS), three.psql(RECORDS));
}
