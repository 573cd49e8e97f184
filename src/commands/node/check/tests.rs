use super::evaluate::*;
use super::render;
use crate::commands::node::shared::{Attachment, Child};
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};
use std::time::Duration;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn child(id: i32, attachment: Attachment) -> Child {
    Child { id: NodeId(id), name: format!("h{id}"), attachment }
}

fn record() -> NodeRecord {
    NodeRecord {
        node_id: NodeId(2),
        upstream_node_id: Some(NodeId(1)),
        active: true,
        node_name: "h2".to_owned(),
        role: Role::Standby,
        location: "default".to_owned(),
        priority: 100,
        conninfo: "host=h2".to_owned(),
        repluser: "repmgr".to_owned(),
        slot_name: None,
        config_file: "/etc/repmgr.conf".to_owned(),
        virtual_ip: None,
        network_card: None,
    }
}

#[test]
fn a_server_must_run_as_what_it_is_registered_as() {
    use Recovery::{Primary as Out, Standby as In};
    for (registered, running, status, text) in [
        (Role::Primary, Out, Status::Ok, "node is primary"),
        (Role::Primary, In, Status::Critical, "node is registered as primary but running as standby"),
        (Role::Standby, In, Status::Ok, "node is standby"),
        (Role::Standby, Out, Status::Critical, "node is registered as standby but running as primary"),
        (Role::Witness, Out, Status::Ok, "node is witness"),
        (Role::Witness, In, Status::Critical, "node is registered as witness but running as standby"),
    ] {
        let found = role(registered, running);
        assert_eq!((found.status, found.text.as_str()), (status, text));
        assert_eq!(render::single_text(&found), format!("{} ({text})\n", status.word()));
        assert_eq!(render::nagios(&found), format!("REPMGR_SERVER_ROLE {}: {text}\n", status.word()));
    }
}

#[test]
fn lag_is_critical_when_the_limit_is_reached_and_a_warning_only_beyond_it() {
    for (why, lag, text, nagios, opt) in [
        (
            "a primary has none",
            Lag::NotApplicable,
            "OK (N/A - node is primary)",
            "OK: 0 seconds | lag=0;300;600",
            "--status=OK --lag=0",
        ),
        ("none", Lag::Seconds(0), "OK (0 seconds)", "OK: 0 seconds | lag=0;300;600", "--status=OK --lag=0"),
        (
            "at the warning threshold",
            Lag::Seconds(300),
            "OK (300 seconds)",
            "OK: 300 seconds | lag=300;300;600",
            "--status=OK --lag=300",
        ),
        (
            "beyond it; the second parenthesis is repmgr's",
            Lag::Seconds(301),
            "WARNING (301 seconds, warning threshold: 300))",
            "WARNING: 301 seconds | lag=301;300;600",
            "--status=WARNING --lag=301 --threshold=300",
        ),
        (
            "at the critical threshold",
            Lag::Seconds(600),
            "CRITICAL (600 seconds, critical threshold: 600))",
            "CRITICAL: 600 seconds | lag=600;300;600",
            "--status=CRITICAL --lag=600 --threshold=600",
        ),
        (
            "nobody knows",
            Lag::Unknown,
            "UNKNOWN (unable to query replication lag)",
            "UNKNOWN: unable to query replication lag",
            "--status=UNKNOWN ",
        ),
    ] {
        let found = replication_lag(Role::Standby, lag, secs(300), secs(600));
        assert_eq!(render::single_text(&found), format!("{text}\n"), "{why}");
        assert_eq!(render::nagios(&found), format!("REPMGR_REPLICATION_LAG {nagios}\n"), "{why}");
        assert_eq!(render::optformat(&found), format!("{opt}\n"), "{why}");
    }
    let witness = replication_lag(Role::Witness, Lag::NotApplicable, secs(300), secs(600));
    assert_eq!(witness.text, "N/A - node is witness");
}

#[test]
fn archiving_is_judged_by_what_exceeds_the_limits() {
    for (files, text, nagios, opt) in [
        (
            Some(16),
            "OK (16 pending archive ready files)",
            "OK: 16 pending archive ready files | files=16;16;128",
            "--status=OK --files=16",
        ),
        (
            Some(17),
            "WARNING (17 pending archive ready files (threshold: 16))",
            "WARNING: 17 pending archive ready files | files=17;16;128",
            "--status=WARNING --files=17 --threshold=16",
        ),
        (
            Some(129),
            "CRITICAL (129 pending archive ready files, critical threshold: 128)",
            "CRITICAL: 129 pending archive ready files | files=129;16;128",
            "--status=CRITICAL --files=129 --threshold=128",
        ),
        (
            None,
            "UNKNOWN (unable to check archive_status directory)",
            "UNKNOWN: unable to check archive_status directory",
            "--status=UNKNOWN ",
        ),
    ] {
        let found = archive_ready(files, 16, 128);
        assert_eq!(render::single_text(&found), format!("{text}\n"));
        assert_eq!(render::nagios(&found), format!("REPMGR_ARCHIVE_READY {nagios}\n"));
        assert_eq!(render::optformat(&found), format!("{opt}\n"));
    }
}

#[test]
fn a_standby_must_hang_on_its_own_upstream() {
    let (own, label) = ("\"h2\" (ID: 2)", "\"h1\" (ID: 1)".to_owned());
    for (seen, text) in [
        (Upstream::Witness, "OK (N/A - node is a witness)"),
        (Upstream::NoRecord(Recovery::Primary), "OK (N/A - node is primary)"),
        (
            Upstream::NoRecord(Recovery::Standby),
            "CRITICAL (node \"h2\" (ID: 2) is a standby but no upstream record found)",
        ),
        (
            Upstream::Asked { label: label.clone(), attached: true },
            "OK (node \"h2\" (ID: 2) is attached to expected upstream node \"h1\" (ID: 1))",
        ),
        (
            Upstream::Asked { label, attached: false },
            "CRITICAL (node \"h2\" (ID: 2) is not attached to expected upstream node \"h1\" (ID: 1))",
        ),
    ] {
        assert_eq!(render::single_text(&upstream(own, &seen)), format!("{text}\n"));
    }
}

#[test]
fn children_that_do_not_stream_are_named() {
    let (here, gone) = (|id| child(id, Attachment::Attached), |id| child(id, Attachment::Detached));
    for (why, children, text, nagios) in [
        (
            "no children",
            vec![],
            "OK (this node has no downstream nodes)",
            "OK: this node has no downstream nodes | attached=0, missing=0",
        ),
        (
            "all there",
            vec![here(2), here(3)],
            "OK (2 of 2 downstream nodes attached)",
            "OK: 2 of 2 downstream nodes attached | attached=2, missing=0",
        ),
        (
            "one gone",
            vec![here(2), gone(3)],
            "CRITICAL (1 of 2 downstream nodes not attached; missing: h3 (ID: 3))",
            "CRITICAL: 1 of 2 downstream nodes not attached (missing: h3 (ID: 3)) | attached=1, missing=1",
        ),
        (
            "one catches up, one is gone: neither streams",
            vec![child(2, Attachment::InState("catchup".into())), gone(3)],
            "CRITICAL (2 of 2 downstream nodes not attached; missing: h2 (ID: 2), h3 (ID: 3))",
            "CRITICAL: 2 of 2 downstream nodes not attached (missing: h2 (ID: 2), h3 (ID: 3)) | attached=0, missing=2",
        ),
    ] {
        let found = downstream(Role::Primary, &children);
        assert_eq!(render::single_text(&found), format!("{text}\n"), "{why}");
        assert_eq!(render::nagios(&found), format!("REPMGR_DOWNSTREAM_SERVERS {nagios}\n"), "{why}");
        assert_eq!(render::optformat(&found), "", "{why}");
    }
    assert_eq!(downstream(Role::Witness, &[]).text, "N/A - node is a witness");
}

#[test]
fn slots_need_a_receiver_and_must_exist() {
    for (total, inactive, text, perfdata) in [
        (0, 0, "OK (node has no physical replication slots)", "slots=0;0"),
        (2, 0, "OK (2 of 2 physical replication slots are active)", "slots=2;0"),
        (2, 1, "CRITICAL (1 of 2 physical replication slots are inactive)", "slots=2;1"),
    ] {
        let found = slots(total, inactive);
        assert_eq!(render::single_text(&found), format!("{text}\n"));
        assert!(render::nagios(&found).ends_with(&format!(" | {perfdata}\n")));
    }
    let names = ["repmgr_slot_2".to_owned(), "repmgr_slot_3".to_owned()];
    let found = missing_slots(&names);
    assert_eq!(
        render::nagios(&found),
        "REPMGR_MISSING_SLOTS CRITICAL: 2 physical replication slots are missing: repmgr_slot_2, repmgr_slot_3 \
         | missing_slots=2;repmgr_slot_2,repmgr_slot_3\n"
    );
    assert_eq!(
        render::nagios(&missing_slots(&[])),
        "REPMGR_MISSING_SLOTS OK: node has no missing physical replication slots | missing_slots=0\n"
    );
}

#[test]
fn the_data_directory_is_compared_with_the_servers_own() {
    for (why, seen, text, nagios, opt) in [
        (
            "the same",
            DataDirectory::Actual("/data".into()),
            "OK (configured \"data_directory\" is \"/data\")",
            "OK: /data",
            "OK",
        ),
        (
            "another",
            DataDirectory::Actual("/other".into()),
            "CRITICAL (configured \"data_directory\" is \"/data\"; actual data directory is \"/other\")",
            "CRITICAL: /data | actual data directory is \"/other\"",
            "CRITICAL",
        ),
        (
            "may not ask, looks like one",
            DataDirectory::Looked { is_one: true },
            "OK (configured \"data_directory\" is \"/data\")",
            "OK: /data",
            "OK",
        ),
        (
            "may not ask, is none",
            DataDirectory::Looked { is_one: false },
            "CRITICAL (configured \"data_directory\" \"/data\" is not a PostgreSQL data directory)",
            "CRITICAL: /data | configured \"data_directory\" is not a PostgreSQL data directory",
            "CRITICAL",
        ),
    ] {
        let found = data_directory("/data", &seen);
        assert_eq!(render::single_text(&found), format!("{text}\n"), "{why}");
        assert_eq!(render::nagios(&found), format!("REPMGR_DATA_DIRECTORY {nagios}\n"), "{why}");
        assert_eq!(render::optformat(&found), format!("--configured-data-directory={opt}\n"), "{why}");
    }
}

#[test]
fn the_daemons_state_has_four_answers() {
    for (seen, line, code) in [
        (Repmgrd::Running, "REPMGRD OK: repmgrd running\n", 0),
        (Repmgrd::Paused, "REPMGRD WARNING: repmgrd running but paused\n", 1),
        (Repmgrd::NotRunning, "REPMGRD CRITICAL: repmgrd not running\n", 2),
        (Repmgrd::Unknown, "REPMGRD UNKNOWN: repmgrd status unknown\n", 3),
    ] {
        let found = repmgrd(seen);
        assert_eq!(render::nagios(&found), line);
        assert_eq!(found.status.exit().code(), code);
    }
}

#[test]
fn the_list_has_its_order_and_csv_leaves_out_what_repmgr_leaves_out() {
    let findings = [
        role(Role::Standby, Recovery::Standby),
        replication_lag(Role::Standby, Lag::Seconds(3), secs(300), secs(600)),
        archive_ready(Some(0), 16, 128),
        upstream("\"h2\" (ID: 2)", &Upstream::NoRecord(Recovery::Standby)),
        data_directory("/data", &DataDirectory::Actual("/data".into())),
    ];
    assert_eq!(
        render::list(&record(), &findings),
        "Node \"h2\":\n\tServer role: OK (node is standby)\n\tReplication lag: OK (3 seconds)\n\
         \tWAL archiving: OK (0 pending archive ready files)\n\
         \tUpstream connection: CRITICAL (node \"h2\" (ID: 2) is a standby but no upstream record found)\n\
         \tConfigured data directory: OK (configured \"data_directory\" is \"/data\")\n"
    );
    assert_eq!(
        render::csv(&record(), &findings),
        "\"Node name\",\"h2\"\n\"Node ID\",\"2\"\n\"Server role\",\"OK\",\"node is standby\"\n\
         \"Replication lag\",\"OK\"\n\"WAL archiving\",\"OK\"\n\
         \"Configured data directory\",\"OK\",\"configured \"data_directory\" is \"/data\"\"\n"
    );
    assert!(!render::all_ok(&findings));
    let json = render::json_list(&record(), &findings, &[]);
    assert_eq!(json["checks"][1]["seconds"], 3);
    assert_eq!(json["ok"], false);
}
