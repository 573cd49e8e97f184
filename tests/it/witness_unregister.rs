//! `repmgr witness unregister` on real servers.

use super::witness_register::{at, call, cluster};
use crate::cluster::{Host, Out, Stop};

const NODES: &str = "SELECT node_id, type FROM repmgr.nodes ORDER BY node_id";
const EVENTS: &str = "SELECT node_id, event, successful, details FROM repmgr.events ORDER BY ctid";

#[test]
fn records_events_and_codes_are_those_of_the_original() {
    let seen: Vec<Vec<String>> = [Host::original, Host::repmgr]
        .into_iter()
        .map(|run: fn(&Host, &[&str]) -> Out| {
            let solo = cluster();
            let (one, three) = (solo.host(1), solo.host(3));
            let mut seen = Vec::new();
            run(three, &["witness", "unregister"]).code(1);
            call(run, three, &at(one, &["witness", "register"])).ok();
            for (why, host, args, code) in [
                ("the primary is none", one, vec!["witness", "unregister"], 1),
                ("a standby is none", one, vec!["witness", "unregister", "--node-id=2"], 1),
                ("nobody", one, vec!["witness", "unregister", "--node-id=9"], 1),
                ("dry run", three, vec!["witness", "unregister", "--dry-run"], 0),
                ("dry run from elsewhere", one, vec!["witness", "unregister", "--node-id=3", "--dry-run"], 0),
                ("on its own host", three, vec!["witness", "unregister"], 0),
                ("again", one, vec!["witness", "unregister", "--node-id=3"], 1),
            ] {
                assert_eq!(run(host, &args).code, code, "{why}");
                seen.push(format!("{why}: {}", one.psql(NODES)));
            }
            call(run, three, &at(one, &["witness", "register", "-F"])).ok();
            three.stop_pg(Stop::Fast);
            run(three, &["witness", "unregister"]).code(1);
            call(run, three, &at(one, &["witness", "unregister"])).code(1);
            call(run, three, &at(one, &["witness", "unregister", "-F", "--dry-run"])).ok();
            assert_eq!(one.psql("SELECT count(*) FROM repmgr.nodes"), "3");
            call(run, three, &at(one, &["witness", "unregister", "-F"])).ok();
            seen.extend([NODES, EVENTS].map(|sql| one.psql(sql)));
            three.start_pg();
            call(run, three, &at(one, &["witness", "register", "-F"])).ok();
            three.stop_pg(Stop::Fast);
            run(one, &["witness", "unregister", "--node-id=3"]).ok();
            seen.extend([NODES, EVENTS].map(|sql| one.psql(sql)));
            seen
        })
        .collect();
    for (original, ours) in seen[0].iter().zip(&seen[1]) {
        assert_eq!(original, ours);
    }
    let last = seen[1].last().unwrap();
    assert!(last.ends_with("3|witness_unregister|t|witness unregistration succeeded"), "{last}");
}

#[test]
fn the_record_goes_from_the_witnesss_own_copy_too_where_that_is_reached() {
    let solo = cluster();
    let (one, three) = (solo.host(1), solo.host(3));
    for (host, args) in [
        (three, vec!["witness", "unregister"]),
        (one, vec!["witness", "unregister", "--node-id=3"]),
        (solo.host(2), vec!["witness", "unregister", "--node-id=3"]),
    ] {
        call(Host::repmgr, three, &at(one, &["witness", "register", "-F"])).ok();
        solo.host(2).catch_up(one);
        host.repmgr(&args).ok().never_says("WARNING");
        for database in [one, three] {
            assert_eq!(database.psql(NODES), "1|primary\n2|standby");
        }
    }
}

#[test]
fn what_is_wrong_is_said_and_the_record_stands() {
    let solo = cluster();
    let (one, three) = (solo.host(1), solo.host(3));
    three.repmgr(&["witness", "unregister"]).code(1).says("holds no repmgr metadata").says("HINT");
    call(Host::repmgr, three, &at(one, &["witness", "register"])).ok();
    one.repmgr(&["witness", "unregister"]).code(1).says("see \"repmgr primary unregister\"");
    one.repmgr(&["witness", "unregister", "--node-id=9"])
        .code(1)
        .says("given with --node-id) is not registered");
    one.psql("UPDATE repmgr.nodes SET upstream_node_id = 3 WHERE node_id = 2");
    three.repmgr(&["witness", "unregister"]).code(1).says("\"node2\" (ID: 2)");
    one.psql("UPDATE repmgr.nodes SET upstream_node_id = 1 WHERE node_id = 2");
    three.stop_pg(Stop::Fast);
    three.repmgr(&["witness", "unregister"]).code(1).says("-F/--force").says("--node-id");
    three.repmgr(&["witness", "unregister", "-F"]).code(1).says("no connection options of the primary");
    assert_eq!(one.psql("SELECT count(*) FROM repmgr.nodes"), "3");
    one.repmgr(&["witness", "unregister", "--node-id=3"]).ok().says("its own copy of the records stays");
    // Its copy still lists it: registering it again asks for nothing.
    three.start_pg();
    call(Host::repmgr, three, &at(one, &["witness", "register"])).ok();
    assert_eq!(one.psql(NODES), three.psql(NODES));
}

#[test]
fn a_copy_that_hangs_does_not_hold_the_cluster_up() {
    let solo = cluster();
    let (one, three) = (solo.host(1), solo.host(3));
    call(Host::repmgr, three, &at(one, &["witness", "register"])).ok();
    three.sigstop_pg();
    let out = one.repmgr(&["witness", "unregister", "--node-id=3"]);
    three.sigcont_pg();
    out.ok().within(std::time::Duration::from_secs(15)).says("cannot be reached");
    assert_eq!(one.psql(NODES), "1|primary\n2|standby");
}
