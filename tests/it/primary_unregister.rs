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

#[test]
fn after_two_promotions_each_inactive_record_goes_by_its_number() {
    let solo = Solo::new(3);
    let (one, two, three) = (solo.host(1), solo.host(2), solo.host(3));
    one.init_primary(&PgOptions::default()).write_conf("");
    one.repmgr(&["primary", "register"]).ok();
    for host in [two, three] {
        host.join(one).catch_up(one).write_conf("");
        host.repmgr(&["standby", "register"]).ok();
    }
    three.catch_up(one);
    two.catch_up(one);
    one.stop_pg(Stop::Fast);
    two.repmgr(&["standby", "promote"]).ok();
    // Node 3 still names the old primary as its upstream: that record is needed.
    two.repmgr(&["primary", "unregister", "--node-id=1", "-F"]).code(1).says("node3 (ID: 3)");
    three.repmgr(&["standby", "follow"]).ok();
    three.catch_up(two);
    let pair = Pair::run(three, &["primary", "unregister", "--node-id=1", "--dry-run"]);
    pair.same_code().ours.clone().ok();
    two.stop_pg(Stop::Fast);
    three.repmgr(&["standby", "promote"]).ok();
    let nodes = "SELECT node_id, type, active FROM repmgr.nodes ORDER BY 1";
    assert_eq!(three.psql(nodes), "1|primary|f\n2|primary|f\n3|primary|t");
    three.repmgr(&["primary", "unregister", "--node-id=2"]).ok();
    three.repmgr(&["primary", "unregister", "--node-id=1"]).ok();
    assert_eq!(three.psql(nodes), "3|primary|t");
    three
        .repmgr(&["primary", "unregister", "--node-id=1"])
        .code(1)
        .says("(given with --node-id) is not registered");
    let events = "SELECT details FROM repmgr.events WHERE event = 'primary_unregister' ORDER BY ctid";
    assert_eq!(
        three.psql(events),
        "node \"node2\" (ID: 2) unregistered from node \"node3\" (ID: 3)\n\
         node \"node1\" (ID: 1) unregistered from node \"node3\" (ID: 3)"
    );
}
