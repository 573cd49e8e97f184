//! `repmgr standby unregister` on real servers.

use crate::cluster::{PgOptions, Solo, Stop};
use crate::compat::Pair;

#[test]
fn a_standby_goes_by_itself_by_number_or_by_name_and_the_server_is_left_alone() {
    let solo = Solo::new(3);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("use_replication_slots=yes");
    host.repmgr(&["primary", "register"]).ok();
    let standby = solo.host(2).join(host);
    standby.write_conf("use_replication_slots=yes");
    standby.catch_up(host).repmgr(&["standby", "register"]).ok();
    solo.host(3).join(host).write_conf("");
    let cascaded = solo.host(3);
    cascaded.repmgr(&["standby", "register", "--upstream-node-id=2", "-F", "--wait-sync=20"]).ok();
    standby.catch_up(host);

    for (args, says) in [
        (vec!["standby", "unregister"], "node 1 stays registered: it is not a standby"),
        (vec!["standby", "unregister", "--node-id=99"], "node 99 (given with --node-id) is not registered"),
        (
            vec!["standby", "unregister", "--node-name=zz"],
            "node \"zz\" (given with --node-name) is not registered",
        ),
    ] {
        let pair = Pair::run(host, &args);
        pair.same_code().same_stdout();
        pair.ours.code(1).says(says);
    }
    let needed = Pair::run(host, &["standby", "unregister", "--node-id=2"]);
    needed.same_code();
    needed.ours.code(1).says("\"node3\" (ID: 3)");

    host.repmgr(&["standby", "unregister", "--node-name=node3", "--dry-run"]).ok().says("would unregister");
    assert_eq!(host.psql("SELECT count(*) FROM repmgr.nodes"), "3");
    host.repmgr(&["standby", "unregister", "--node-name=node3"]).ok().says("unregistered node \"node3\"");
    host.psql("SELECT pg_create_physical_replication_slot('repmgr_slot_2')");
    standby
        .catch_up(host)
        .repmgr(&["standby", "unregister"])
        .ok()
        .says("pg_drop_replication_slot('repmgr_slot_2')");
    assert_eq!(host.psql("SELECT node_id FROM repmgr.nodes"), "1");
    assert_eq!(standby.psql("SELECT pg_is_in_recovery()"), "t", "the server goes on");
    let events =
        "SELECT node_id, event, successful, details IS NULL FROM repmgr.events ORDER BY ctid DESC LIMIT 2";
    assert_eq!(host.psql(events), "2|standby_unregister|t|t\n3|standby_unregister|t|t");

    standby.stop_pg(Stop::Fast);
    standby.repmgr(&["standby", "unregister"]).code(6);
}

#[test]
fn without_a_primary_nothing_is_unregistered() {
    let solo = Solo::new(2);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.repmgr(&["primary", "register"]).ok();
    let standby = solo.host(2).join(host);
    standby.write_conf("");
    standby.catch_up(host).repmgr(&["standby", "register", "--wait-sync=20"]).ok();
    host.stop_pg(Stop::Fast);
    let pair = Pair::run(standby, &["standby", "unregister"]);
    pair.same_code();
    pair.ours.code(1).says("\"node1\" (ID: 1)");
}
