use super::picture::{Archiving, Facts, Replay};
use super::print;
use crate::commands::node::shared::{Attachment, Child, MissingSlot, Stats};
use crate::domain::lsn::Lsn;
use crate::domain::node::{NodeId, NodeRecord, Recovery, Role};

/// The primary of the recorded samples.
fn primary() -> Facts {
    Facts {
        record: NodeRecord {
            node_id: NodeId(1),
            upstream_node_id: None,
            active: true,
            node_name: "h1".to_owned(),
            role: Role::Primary,
            location: "default".to_owned(),
            priority: 100,
            conninfo: "host=10.77.0.1 user=postgres dbname=repmgr connect_timeout=1".to_owned(),
            repluser: "postgres".to_owned(),
            slot_name: None,
            config_file: "/etc/repmgr.conf".to_owned(),
            virtual_ip: None,
            network_card: None,
        },
        upstream_name: None,
        version: "15.18".to_owned(),
        size: "29 MB".to_owned(),
        system_identifier: None,
        stats: Stats {
            max_wal_senders: 10,
            wal_senders: 2,
            max_slots: 10,
            slots: 0,
            active_slots: 0,
            recovery: Recovery::Primary,
        },
        inactive_slots: vec![],
        missing_slots: vec![],
        archiving: Archiving { mode: "off".to_owned(), command: String::new(), ready: Some(0) },
        children: vec![],
        replay: None,
    }
}

fn standby() -> Facts {
    let mut facts = primary();
    facts.record.role = Role::Standby;
    facts.record.upstream_node_id = Some(NodeId(1));
    facts.upstream_name = Some("h1".to_owned());
    facts.stats.recovery = Recovery::Standby;
    facts.replay =
        Some(Replay { lag: 12, received: Lsn(0x901_C000), replayed: Lsn(0x901_B998), paused: false });
    facts
}

#[test]
fn a_primary_is_shown_as_in_the_samples() {
    assert_eq!(
        print::text(&primary()),
        "Node \"h1\":\n\tPostgreSQL version: 15.18\n\tTotal data size: 29 MB\n\
         \tConninfo: host=10.77.0.1 user=postgres dbname=repmgr connect_timeout=1\n\tRole: primary\n\
         \tWAL archiving: off\n\tArchive command: (none)\n\tReplication connections: 2 (of maximal 10)\n\
         \tReplication slots: 0 physical (of maximal 10; 0 missing)\n\tReplication lag: n/a\n\n"
    );
    let csv = print::csv(&primary());
    assert!(csv.contains("\"Upstream node\",\"(none)\"\n\"Replication lag\",\"n/a\"\n"), "{csv}");
    assert!(csv.ends_with("\"inactive_replication_slots\",0\n\"missing_replication_slots\",0\n"), "{csv}");
    assert!(primary().issues().is_empty());
}

#[test]
fn a_standby_is_shown_as_in_the_samples() {
    let text = print::text(&standby());
    assert!(
        text.ends_with(
            "\tUpstream node: h1 (ID: 1)\n\tReplication lag: 12 seconds\n\tLast received LSN: 0/901C000\n\
             \tLast replayed LSN: 0/901B998\n\n"
        ),
        "{text}"
    );
    assert!(standby().issues().is_empty());
}

#[test]
fn a_password_in_the_record_is_not_shown() {
    let mut facts = primary();
    for conninfo in ["host=h1 password=secret user=u", "postgresql://u:secret@h1/repmgr"] {
        conninfo.clone_into(&mut facts.record.conninfo);
        for out in [print::text(&facts), print::csv(&facts), print::json(&facts, &[]).to_string()] {
            assert!(!out.contains("secret") && out.contains("h1"), "{out}");
        }
    }
}

#[test]
fn archiving_is_worded_by_mode_and_role() {
    for (mode, recovery, want) in [
        ("off", Recovery::Standby, "off"),
        ("on", Recovery::Primary, "enabled"),
        (
            "on",
            Recovery::Standby,
            "disabled (on standbys \"archive_mode\" must be set to \"always\" to be effective)",
        ),
        ("always", Recovery::Standby, "enabled"),
    ] {
        let archiving = Archiving { mode: mode.to_owned(), command: "x".to_owned(), ready: Some(3) };
        assert_eq!(archiving.words(recovery), want);
    }
    let mut facts = primary();
    facts.archiving = Archiving { mode: "on".to_owned(), command: "false".to_owned(), ready: Some(3) };
    assert!(print::text(&facts).contains(
        "\tWAL archiving: enabled\n\tArchive command: false\n\tWALs pending archiving: 3 pending files\n"
    ));
    assert!(print::csv(&facts).contains("\"WALs pending archiving\",\"3\"\n"));
    facts.archiving.ready = None;
    assert!(!print::text(&facts).contains("pending"));
    assert_eq!(facts.issues(), ["- folder archive_status could not be read"]);
}

#[test]
fn what_is_wrong_is_listed() {
    let mut facts = primary();
    facts.stats.recovery = Recovery::Standby;
    facts.stats.slots = 2;
    facts.stats.active_slots = 1;
    facts.inactive_slots = vec!["old".to_owned()];
    facts.missing_slots =
        vec![MissingSlot { id: NodeId(3), node: "h3".to_owned(), slot: "repmgr_slot_3".to_owned() }];
    facts.children = vec![
        Child { id: NodeId(2), name: "h2".to_owned(), attachment: Attachment::Attached },
        Child { id: NodeId(3), name: "h3".to_owned(), attachment: Attachment::Detached },
    ];
    facts.system_identifier = Some(None);
    assert_eq!(
        facts.issues(),
        [
            "- pg_control could not be read: no system identifier",
            "- runs as standby; its record says primary",
            "- 1 of 2 downstream nodes do not stream from here:",
            "  - h3 (ID: 3)",
            "- no replication slot is there for 1 node(s):",
            "  - h3 (ID: 3, slot name: \"repmgr_slot_3\")",
            "- 1 physical replication slot(s) not in use:",
            "  - old",
        ]
    );
    assert_eq!(facts.slots(), "2 physical (of maximal 10; 1 missing); 1 inactive");
    let csv = print::csv(&facts);
    assert!(csv.contains(
        "\"inactive_replication_slots\",1,\"old\"\n\"missing_replication_slots\",1,\"repmgr_slot_3\"\n"
    ));
}
