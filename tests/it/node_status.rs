//! `repmgr node status`: what the original does not have. The rest is compared in `node_check.rs`.

use crate::cluster::{PgOptions, Solo};

#[test]
fn a_node_is_shown_to_programs_and_what_is_wrong_with_it_ends_with_25() {
    let solo = Solo::new(2);
    let conf = "shared_preload_libraries = 'repmgr'".to_owned();
    let primary = solo.host(1).init_primary(&PgOptions { conf, ..PgOptions::default() });
    let standby = solo.host(2).join(primary);
    for host in solo.hosts() {
        host.write_conf("");
    }
    primary.original(&["primary", "register"]).ok();
    standby.catch_up(primary);
    standby.original(&["standby", "register", "--upstream-node-id=1"]).ok();
    standby.catch_up(primary);

    let text = standby.repmgr(&["node", "status", "--json"]).ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for (key, want) in [
        ("node_name", "node2".into()),
        ("type", "standby".into()),
        ("in_recovery", true.into()),
        ("active", true.into()),
        ("upstream_node_name", "node1".into()),
        ("max_wal_senders", 10.into()),
        ("issues", serde_json::json!([])),
    ] {
        assert_eq!(json[key], want, "{key} in {text}");
    }
    assert_eq!(json["replay"]["paused"], false);
    standby.psql("SELECT pg_wal_replay_pause()");
    let paused = standby.repmgr(&["node", "status", "--json"]).ok().stdout;
    assert!(paused.contains("\"paused\": true"), "{paused}");
    standby.psql("SELECT pg_wal_replay_resume()");

    primary.psql("SELECT pg_create_physical_replication_slot('idle')");
    primary
        .repmgr(&["node", "status"])
        .code(25)
        .says("WARNING: issues found: ")
        .says("- 1 physical replication slot(s) not in use:")
        .says("HINT: \"repmgr node check\"");
    primary.repmgr(&["node", "status", "--terse"]).code(25).never_says("WARNING");
    primary.repmgr(&["node", "status", "--json"]).code(25).says("\"idle\"");

    let text = primary.repmgr(&["node", "check", "--json"]).code(25).stdout;
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["ok"], false);
    assert_eq!(json["checks"][5]["check"], "slots");
    assert_eq!(json["checks"][5]["inactive"], 1);
    assert_eq!(json["beside"][0]["check"], "repmgrd");

    let secret = format!("conninfo='{} password=hidden'", primary.conninfo());
    primary.write_conf(&secret);
    primary.psql("UPDATE repmgr.nodes SET conninfo = conninfo || ' password=hidden' WHERE node_id = 1");
    for form in [&["node", "status"][..], &["node", "status", "--csv"], &["node", "status", "--json"]] {
        primary.repmgr(form).code(25).never_says("hidden").says("host=");
    }
}

#[test]
fn a_node_that_is_not_registered_is_told_what_to_look_at() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    host.write_conf("node_id=42");
    for command in [&["node", "status"][..], &["node", "check"], &["node", "check", "--role"]] {
        host.repmgr(command).code(1).says("ERROR: node 42 is not registered").says("HINT: check \"node_id\"");
    }
}
