//! `repmgr primary unregister` on real servers.

use crate::cluster::{PgOptions, Solo, Stop};
use crate::compat::Pair;

#[test]
fn a_primary_goes_when_nobody_needs_it_and_says_what_the_original_says() {
    let solo = Solo::new(2);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.repmgr(&["primary", "register"]).ok();
    let standby = solo.host(2).join(host);
    standby.write_conf("");
    standby.catch_up(host).repmgr(&["standby", "register"]).ok();
    standby.catch_up(host);

    for (args, says) in [
        (vec!["primary", "unregister"], "stays registered: it is the upstream of other nodes"),
        (vec!["primary", "unregister", "-F"], "node2 (ID: 2)"),
        (
            vec!["primary", "unregister", "--node-id=2"],
            "node \"node2\" (ID: 2) stays registered: it is a standby",
        ),
        (vec!["primary", "unregister", "--node-id=99"], "node 99 (given with --node-id) is not registered"),
    ] {
        let pair = Pair::run(host, &args);
        pair.same_code().same_stdout();
        pair.ours.code(1).says(says);
    }

    standby.repmgr(&["standby", "unregister"]).ok();
    Pair::run(host, &["primary", "unregister"]).same_code().ours.clone().says("it is the current primary");
    Pair::run(host, &["primary", "unregister", "--dry-run"]).same_code();
    Pair::run(host, &["primary", "unregister", "--dry-run", "-F"])
        .same_code()
        .ours
        .clone()
        .says("would unregister node");
    assert_eq!(host.psql("SELECT count(*) FROM repmgr.nodes"), "1");
    host.repmgr(&["primary", "unregister", "-F"]).ok().says("unregistered node \"node1\" (ID: 1)");
    assert_eq!(host.psql("SELECT count(*) FROM repmgr.nodes"), "0");
    let last = "SELECT event, successful, details FROM repmgr.events ORDER BY ctid DESC LIMIT 1";
    assert_eq!(host.psql(last), "primary_unregister|t|node \"node1\" (ID: 1) unregistered");
}

#[test]
fn a_former_primary_is_removed_from_another_node() {
    let solo = Solo::new(2);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.repmgr(&["primary", "register"]).ok();
    let standby = solo.host(2).join(host);
    standby.write_conf("");
    standby.catch_up(host).repmgr(&["standby", "register"]).ok();
    standby.catch_up(host);
    host.stop_pg(Stop::Fast);
    standby.repmgr(&["primary", "unregister", "--node-id=1"]).code(6).says("HINT");
    standby.psql("SELECT pg_promote()");
    standby.wait_for_primary();
    standby.repmgr(&["primary", "register", "-F"]).ok();
    standby.repmgr(&["primary", "unregister", "--node-id=1"]).ok();
    assert_eq!(standby.psql("SELECT node_id FROM repmgr.nodes"), "2");
    let last = "SELECT node_id, event, details FROM repmgr.events ORDER BY ctid DESC LIMIT 1";
    let want = "2|primary_unregister|node \"node1\" (ID: 1) unregistered from node \"node2\" (ID: 2)";
    assert_eq!(standby.psql(last), want);
}
