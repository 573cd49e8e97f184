//! Files as people have them: found, read, checked.

mod config_support;

use config_support::{Folder, HEAD, load, warnings};
use hg_repmgr::config::{
    self, ConnectionCheckType, Failover, LogFacility, LogLevel, Mode, ReplicationType, dump_json, dump_text,
};
use hg_repmgr::exit::Exit;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn seed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/seeds").join(name)
}

const PROSE: &str = "this line is not a setting; ignored";
const BLOCK: &str = "\"/* */\" does not make a comment in this file; taken as one, use \"#\"";
const SLASHES: &str = "\"//\" does not begin a comment in this file; taken as one, use \"#\"";
const BEHIND: &str = "what follows the value is taken as a comment; a comment begins with \"#\" in this file";
const PROMOTE: &str = "promote_command: the value runs over 2 lines; they are joined";
const FOLLOW: &str = "follow_command: the value runs over 2 lines; they are joined";
const QUOTES: &str = "typographic quotes are taken as quotes; use '…'";

/// `file:line: text` of each warning, and the other lines that it is for.
fn remarks(loaded: &config::Loaded, name: &str) -> Vec<String> {
    let detail = |w: &config::Warning| w.detail.as_ref().map(|d| format!(" ({d})")).unwrap_or_default();
    let text = |w: &config::Warning| {
        let (_, text) = w.text.split_once(name).unwrap_or(("", &w.text));
        format!("{}{}", text.trim_start_matches(':'), detail(w))
    };
    loaded.warnings.iter().map(text).collect()
}

#[test]
fn every_whole_file_of_the_seeds_loads_with_the_warnings_it_deserves() {
    let also = |line: usize, text: &str, lines: &str| format!("{line}: {text} (also in line {lines})");
    let once = |line: usize, text: &str| format!("{line}: {text}");
    // Documents 000: comments of C, values broken over two lines. `first`: the line of the first comment.
    let documented = |first: usize| {
        let at = |lines: &[usize]| {
            lines.iter().map(|l| (l + first - 1).to_string()).collect::<Vec<_>>().join(", ")
        };
        vec![
            also(first, BLOCK, &at(&[7, 12, 18, 21])),
            also(first + 1, BEHIND, &at(&[3, 19, 20])),
            once(first + 4, SLASHES),
            once(first + 13, PROMOTE),
            once(first + 15, FOLLOW),
        ]
    };
    let titled: Vec<String> = std::iter::once(once(1, PROSE)).chain(documented(2)).collect();
    for (name, id, node_name, want) in [
        ("000_node1.conf", 1, "node1", titled),
        ("000_node1_eg.conf", 1, "hgdbt1", vec![once(1, PROSE)]),
        ("000_node2.conf", 2, "node2", documented(1)),
        ("000_node2_eg.conf", 2, "hgdbt2", vec![once(1, PROSE)]),
        ("000_node3.conf", 3, "node3", documented(1)),
        ("001_node1.conf", 1, "node1", vec![]),
        ("001_node2.conf", 2, "node2", vec![]),
        ("002_primary.conf", 1, "primary_node", vec![]),
        ("002_standby.conf", 2, "standby_node", vec![]),
        ("004_node1.conf", 1, "node1", vec![]),
        ("004_node2.conf", 2, "node2", vec![]),
        ("004_node3.conf", 3, "node3", vec![]),
    ] {
        let loaded = load(&seed(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((loaded.settings.node_id, loaded.settings.node_name.as_str()), (id, node_name), "{name}");
        assert_eq!(remarks(&loaded, name), want, "{name}");
        let keys = std::fs::read_to_string(seed(name)).unwrap();
        for item in &loaded.items {
            assert!(keys.contains(&item.key) && !item.value.is_empty(), "{name}: {item:?}");
        }
    }
}

#[test]
fn no_file_of_the_seeds_is_forgotten() {
    const FRAGMENTS: usize = 2;
    const POSTGRESQLS: usize = 1;
    const WHOLE: usize = 12;
    let files = std::fs::read_dir(seed("")).unwrap().flatten();
    let configurations = files.filter(|f| f.path().extension().is_some_and(|e| e == "conf")).count();
    assert_eq!(configurations, WHOLE + FRAGMENTS + POSTGRESQLS);
}

#[test]
fn the_values_of_the_seeds_are_what_their_writers_meant() {
    let hg = load(&seed("000_node1.conf")).unwrap().settings;
    let path = "/opt/HighGo5.6.5-X/conf/hg_repmgr.conf --log-to-file";
    assert_eq!(
        hg.promote_command,
        Some(format!("repmgr standby promote -f {path}")),
        "broken over two lines"
    );
    assert_eq!(hg.follow_command, Some(format!("repmgr standby follow -f {path}")));
    assert_eq!((hg.virtual_ip, hg.network_card), (vec!["192.168.90.96".into()], vec!["ens33".into()]));
    assert_eq!(hg.repmgrd_service_stop_command.as_deref(), Some("pkill -F /tmp/repmgrd.pid"));
    assert_eq!(
        (hg.failover, hg.log_level, hg.log_facility),
        (Failover::Automatic, LogLevel::Info, LogFacility::Stderr)
    );

    let centos = load(&seed("004_node2.conf")).unwrap().settings;
    assert_eq!(centos.data_directory, Path::new("/var/lib/pgsql/12/data"), "the slash at its end is dropped");
    assert_eq!(centos.pg_bindir.as_deref(), Some(Path::new("/usr/pgsql-12/bin")));
    assert_eq!(centos.ssh_options, r#"-q -o ConnectTimeout=10 -o "StrictHostKeyChecking no""#);
    assert!(centos.use_replication_slots && centos.priority == 90);

    let commented = load(&seed("002_primary.conf")).unwrap().settings;
    assert_eq!(commented.repmgrd_service_stop_command.as_deref(), Some("kill -9 `cat /tmp/repmgrd.pid`"));
    assert_eq!(commented.connection_check_type, ConnectionCheckType::Ping);
    assert_eq!(commented.monitor_interval_secs, Duration::from_secs(5));
    assert!(commented.monitoring_history && commented.use_replication_slots);
}

#[test]
fn the_fragments_of_the_seeds_load_within_a_file() {
    let folder = Folder::new();
    let text = format!("{HEAD}include '{}'\n", seed("000_virtual_ip.conf").display());
    let loaded = folder.load("hg_repmgr.conf", text).unwrap();
    assert_eq!(loaded.settings.virtual_ip, ["192.168.90.96"]);
    assert_eq!(loaded.settings.network_card, ["ens33"]);
    let want = [format!("1: {QUOTES} (also in line 2)"), format!("3: {PROSE}")];
    assert_eq!(remarks(&loaded, "000_virtual_ip.conf"), want);
    let text = format!("{HEAD}include '{}'\n", seed("000_switch_time.conf").display());
    let loaded = folder.load("hg_repmgr.conf", text).unwrap();
    assert_eq!(loaded.failover_window(), Duration::from_secs(300), "the five minutes that its writer wants");
    assert_eq!(remarks(&loaded, "000_switch_time.conf"), [format!("1: {PROSE} (also in line 4, 7)")]);
}

#[test]
fn postgresqls_file_of_the_same_name_is_passed_over_but_not_when_it_is_named() {
    let folder = Folder::new();
    let foreign = folder.write("cwd/repmgr.conf", std::fs::read(seed("004_postgresql_repmgr.conf")).unwrap());
    let ours = folder.write("etc/repmgr.conf", HEAD);
    let loaded = config::load(&folder.search()).unwrap();
    assert_eq!(loaded.file.as_deref(), Some(ours.as_path()));
    assert!(warnings(&loaded).contains("passed over"), "{}", warnings(&loaded));
    let error = load(&foreign).unwrap_err();
    assert!(error.hint[0].contains("another program's file"), "{error:?}");
    std::fs::remove_file(&ours).unwrap();
    let error = config::load(&folder.search()).unwrap_err();
    assert!(error.detail[0].contains("passed over"), "{error:?}");
}

#[test]
fn every_default_is_what_repmgr_has() {
    let folder = Folder::new();
    let s = folder.load("repmgr.conf", HEAD).unwrap().settings;
    let secs = Duration::from_secs;
    assert_eq!((s.priority, s.location.as_str(), s.failover), (100, "default", Failover::Manual));
    assert_eq!((s.reconnect_attempts, s.reconnect_interval), (6, secs(10)));
    assert_eq!((s.monitor_interval_secs, s.log_status_interval), (secs(2), secs(300)));
    assert_eq!((s.archive_ready_warning, s.archive_ready_critical), (16, 128));
    assert_eq!((s.replication_lag_warning, s.replication_lag_critical), (secs(300), secs(600)));
    assert_eq!(s.degraded_monitoring_timeout, None);
    assert_eq!((s.child_nodes_disconnect_min_count, s.child_nodes_connected_min_count), (None, None));
    assert_eq!(s.repmgrd_standby_startup_timeout, s.standby_reconnect_timeout);
    assert_eq!((s.standby_wait_timeout, s.startup_wait_timeout), (secs(600), secs(600)));
    assert_eq!((s.ssh_options.as_str(), s.replication_user), ("-q -o ConnectTimeout=10", None));
    assert_eq!((s.maximum_lag_on_failover, s.sync_restore_lag), (Some(1 << 20), Some(5 << 20)));
    assert_eq!((s.http_port, s.http_listen_addresses), (5445, vec!["*".to_owned()]));
    assert_eq!((s.carrier_grace, s.device_check_times), (secs(1), 3));
    assert_eq!(s.replication_type, ReplicationType::Physical);
    assert!(s.auto_rejoin && !s.sync_degrade && !s.check_brain_split);
}

#[test]
fn the_window_is_six_seconds_only_when_nobody_asked_for_another() {
    let folder = Folder::new();
    for (why, text, want) in [
        ("neither is set", "", 6_000),
        ("both are", "reconnect_attempts=3\nreconnect_interval=250ms\n", 750),
        ("attempts alone keep repmgr's interval", "reconnect_attempts=3\n", 30_000),
        ("repmgr's own values, said so", "reconnect_attempts=6\nreconnect_interval=10\n", 60_000),
    ] {
        let loaded = folder.load("repmgr.conf", format!("{HEAD}{text}")).unwrap();
        assert_eq!(loaded.failover_window(), Duration::from_millis(want), "{why}");
    }
}

#[test]
fn all_mistakes_are_reported_at_once_with_file_and_line() {
    let folder = Folder::new();
    let text = "node_id=abc\nnode_name=''\nfailover=Automatic\nuse_replication_slots=perhaps\nreconnect_attempts=-1\n\
                monitor_interval_secs=0\nlog_file='x\npriority=\narchive_ready_critical=5\n";
    let file = folder.write("repmgr.conf", text);
    let error = load(&file).unwrap_err();
    assert_eq!(error.exit, Exit::BadConfig);
    let at = |line: usize, key: &str| format!("{}:{line}: {key}: ", file.display());
    for (line, key, what) in [
        (1, "node_id", "invalid value \"abc\""),
        (2, "node_name", "is required"),
        (3, "failover", "allowed: automatic, manual"),
        (4, "use_replication_slots", "invalid value \"perhaps\""),
        (5, "reconnect_attempts", "-1 is too small"),
        (6, "monitor_interval_secs", "too small"),
        (7, "log_file", "never closed"),
        (8, "priority", "empty"),
        (9, "archive_ready_critical", "must be greater than archive_ready_warning"),
    ] {
        let found = error.detail.iter().find(|d| d.starts_with(&at(line, key)));
        assert!(found.is_some_and(|d| d.contains(what)), "{key}: {:#?}", error.detail);
    }
    for key in ["conninfo", "data_directory"] {
        assert!(error.detail.contains(&format!("{key}: is required and is not set")), "{:#?}", error.detail);
    }
    assert_eq!(error.detail.len(), 11, "{:#?}", error.detail);
}

#[test]
fn a_line_that_was_passed_over_is_named_beside_the_key_that_is_missed() {
    let folder = Folder::new();
    let text = "node-id=1\nnode_name=n1\nconninfo host=n1 user=repmgr\ndata_directory='/data'\n";
    let error = folder.load("repmgr.conf", text).unwrap_err();
    let says = error.detail.join("\n");
    for part in [
        "node_id: is required and is not set",
        ":1: node-id: unknown key; ignored; did you mean \"node_id\"?",
        "conninfo: is required and is not set",
        ":3: conninfo: there is no equals sign; the line is ignored",
    ] {
        assert!(says.contains(part), "{part}:\n{says}");
    }
}

#[test]
fn a_file_that_cannot_be_read_gets_the_advice_that_fits() {
    let folder = Folder::new();
    for (why, path, detail) in [
        ("a folder is no question of rights", folder.0.clone(), "it is a directory"),
        ("nor is a device", PathBuf::from("/dev/null"), "it is not a regular file"),
    ] {
        let error = load(&path).unwrap_err();
        assert_eq!((error.exit, error.detail[0].as_str()), (Exit::BadConfig, detail), "{why}");
        assert!(error.hint.is_empty(), "{why}: {error:?}");
    }
}

#[test]
fn a_relative_path_is_remarked_upon_as_it_depends_on_the_callers_directory() {
    let folder = Folder::new();
    let loaded = folder.load("repmgr.conf", HEAD.replace("/data", "data")).unwrap();
    assert!(warnings(&loaded).contains(":4: data_directory: the path is relative"), "{}", warnings(&loaded));
    assert!(folder.load("repmgr.conf", HEAD).unwrap().warnings.is_empty());
}

#[test]
fn ranges_are_repmgrs_and_hg_repmgr_takes_a_few_zeros_more() {
    let folder = Folder::new();
    for (line, repmgr, hg) in [
        ("node_id=0", false, false),
        ("node_id=2147483648", false, false),
        ("priority=0", true, true),
        ("priority=-1", false, false),
        ("reconnect_attempts=0", true, true),
        ("reconnect_interval=250ms", true, true),
        ("log_status_interval=0", true, true),
        ("async_query_timeout=0", true, true),
        ("primary_notification_timeout=0", true, true),
        ("sibling_nodes_disconnect_timeout=0", true, true),
        ("child_nodes_disconnect_timeout=0", true, true),
        ("repmgrd_standby_startup_timeout=0", true, true),
        ("degraded_monitoring_timeout=-1", true, true),
        ("degraded_monitoring_timeout=-2", false, false),
        ("child_nodes_disconnect_min_count=-1", true, true),
        ("child_nodes_disconnect_min_count=-2", false, false),
        ("monitor_interval_secs=0", false, false),
        ("promote_check_interval=0", false, false),
        ("child_nodes_check_interval=0", false, false),
        ("primary_follow_timeout=0", false, true),
        ("standby_follow_timeout=0", false, true),
        ("shutdown_check_timeout=0", false, true),
        ("node_rejoin_timeout=0", false, true),
        ("election_rerun_interval=0", false, true),
        ("device_check_times=0", false, true),
        ("http_port=65536", false, false),
        ("http_port=0", true, true),
        ("maximum_lag_on_failover=-1", true, true),
        ("recovery_min_apply_delay=5min", true, true),
        ("recovery_min_apply_delay=300", true, true),
        ("recovery_min_apply_delay=soon", false, false),
        ("virtual_ip='10.0.0.1/24, fd00::1/64'", true, true),
        ("virtual_ip='10.0.0.1/33'", false, false),
        ("virtual_ip='10.0.0'", false, false),
        ("network_card='a,b'\nvirtual_ip='10.0.0.1,10.0.0.2'", true, true),
        ("network_card='a,b'\nvirtual_ip='10.0.0.1'", false, false),
        ("tablespace_mapping='/a=/b'", true, true),
        ("tablespace_mapping='/a'", false, false),
        (r"tablespace_mapping='/a\=x=/b'", true, true),
        (r"tablespace_mapping='/a=/x=/b'", false, false),
        ("connection_check_type=QUERY", true, true),
        ("failover=AUTOMATIC", false, false),
        ("replication_type=bdr", true, true),
        ("location='0123456789012345678901234567890123456789012345678901234567890123'", false, false),
        ("replication_lag_warning=700", false, false),
        ("replication_lag_critical=300", false, false),
        ("standby_reconnect_timeout=30", false, false),
        ("node_rejoin_timeout=90", false, false),
        ("barman_host=a", false, false),
        ("barman_server=a", false, false),
        ("barman_host=a\nbarman_server=b", true, true),
    ] {
        for (name, want) in [("repmgr.conf", repmgr), ("hg_repmgr.conf", hg)] {
            let got = folder.load(name, format!("{HEAD}{line}\n"));
            assert_eq!(got.is_ok(), want, "{line} in {name}: {got:?}");
        }
    }
}

#[test]
fn values_come_out_in_their_types() {
    let folder = Folder::new();
    let text = format!(
        "{HEAD}degraded_monitoring_timeout=5min\nchild_nodes_connected_min_count=2\nlog_level=err\nlog_facility=local3\n\
         tablespace_mapping='/a=/b/'\ntablespace_mapping='/c\\\\=d=/e'\ntablespace_mapping='/f\\=g=/h\\=i'\nevent_notifications='standby_promote, node_rejoin'\n\
         pg_bindir=/usr/bin///\nstandby_wait_timeout=2\nmaximum_lag_on_failover=0\ntrusted_servers='10.0.0.1,10.0.0.2:53'\n\
         connection_check_query='  SELECT 2 '\nssh_options=''\n"
    );
    let s = folder.load("repmgr.conf", text).unwrap().settings;
    assert_eq!(s.degraded_monitoring_timeout, Some(Duration::from_secs(300)));
    assert_eq!(s.child_nodes_connected_min_count, Some(2));
    assert_eq!((s.log_level, s.log_facility), (LogLevel::Error, LogFacility::Local3));
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        s.tablespace_mapping,
        [pair("/a", "/b"), pair("/c=d", "/e"), pair("/f=g", "/h=i")],
        "a repeated key that collects"
    );
    assert_eq!(s.event_notifications, ["standby_promote", "node_rejoin"]);
    assert_eq!(s.pg_bindir.as_deref(), Some(Path::new("/usr/bin")));
    assert_eq!(s.standby_wait_timeout, Duration::from_secs(120), "a bare number is minutes");
    assert_eq!(s.maximum_lag_on_failover, Some(0));
    assert_eq!(s.trusted_servers, ["10.0.0.1", "10.0.0.2:53"]);
    assert_eq!(s.connection_check_query, "  SELECT 2 ", "white space within quotes survives");
    assert_eq!(s.ssh_options, "", "empty is a value where there is a default");
}

#[test]
fn the_files_name_or_the_key_says_which_original_decides() {
    let folder = Folder::new();
    for (name, line, want) in [
        ("repmgr.conf", "", Mode::Repmgr),
        ("hg_repmgr.conf", "", Mode::Hg),
        ("hg_repmgr.conf", "compatibility=repmgr", Mode::Repmgr),
        ("hg_repmgr.conf", "compatibility=auto", Mode::Hg),
        ("repmgr.conf", "compatibility=HG", Mode::Hg),
    ] {
        let loaded = folder.load(name, format!("{HEAD}{line}\n")).unwrap();
        assert_eq!(loaded.compatibility, want, "{name} {line}");
        assert_eq!(loaded.settings.sync_degrade, want == Mode::Hg, "{name} {line}");
    }
}

#[test]
fn a_warning_names_file_line_key_and_the_nearest_key() {
    let folder = Folder::new();
    for (line, want, hint) in [
        ("frobnicate=1", "frobnicate: unknown key; ignored", ""),
        ("node-nam=1", "node-nam: unknown key", "did you mean \"node_name\"?"),
        ("Log_Level=INFO", "Log_Level: unknown key", "did you mean \"log_level\"?"),
        ("loglevel=INFO", "loglevel: repmgr 3's key", "it is called \"log_level\" now"),
        ("cluster=a", "cluster: repmgr 3's key", "nothing took its place"),
        ("node_id=2", "node_id: set again", ""),
        ("log_level=CHATTY", "log_level: invalid value \"CHATTY\"; INFO is used", "allowed: DEBUG, INFO"),
        ("failover=automatic\nfollow_command=x", "promote_command: is not set", "repmgrd does not start"),
        ("Highgo用户", "not a setting", ""),
    ] {
        let loaded = folder.load("repmgr.conf", format!("{HEAD}{line}\n")).unwrap();
        let all = warnings(&loaded);
        assert_eq!(loaded.warnings.len(), 1, "{line}: {all}");
        assert!(all.contains("/repmgr.conf:5: "), "{all}");
        assert!(all.contains(want) && all.contains(hint), "{line}: {all}");
    }
}

#[test]
fn of_a_repeated_key_the_last_line_holds() {
    let folder = Folder::new();
    let loaded = folder.load("repmgr.conf", format!("{HEAD}priority=1\npriority=abc\npriority=7\n")).unwrap();
    assert_eq!(loaded.settings.priority, 7, "what was overridden is not looked at");
    assert_eq!(loaded.origin("priority").map(|item| item.line), Some(7));
}

#[test]
fn the_daemon_needs_its_commands_and_the_commands_do_not() {
    let folder = Folder::new();
    let loaded = folder.load("repmgr.conf", format!("{HEAD}failover=automatic\n")).unwrap();
    let error = loaded.check_for_daemon().unwrap_err();
    assert_eq!((error.exit, error.detail.len()), (Exit::BadConfig, 2));
    let whole = format!("{HEAD}failover=automatic\npromote_command=a\nfollow_command=b\n");
    assert!(folder.load("repmgr.conf", whole).unwrap().check_for_daemon().is_ok());
    assert!(folder.load("repmgr.conf", HEAD).unwrap().check_for_daemon().is_ok());
}

#[test]
fn includes_stand_where_their_line_is_and_are_relative_to_their_file() {
    let folder = Folder::new();
    folder.write("d/one.conf", "priority=1\ninclude 'sub/two.conf'\nlocation=one\n");
    folder.write("d/sub/two.conf", "priority=2\n");
    folder.write("d/parts/10.conf", "log_level=DEBUG\n");
    folder.write("d/parts/20.conf", "log_level=ERROR\n");
    folder.write("d/parts/.hidden.conf", "log_level=EMERG\n");
    folder.write("d/parts/30.conf.bak", "log_level=EMERG\n");
    let text = format!(
        "{HEAD}include 'd/one.conf'\ninclude_dir 'd/parts'\ninclude_if_exists 'nowhere'\nlocation=last\n"
    );
    let loaded = folder.load("repmgr.conf", text).unwrap();
    let s = &loaded.settings;
    assert_eq!((s.priority, s.location.as_str(), s.log_level), (2, "last", LogLevel::Error));
    assert_eq!(
        loaded.origin("priority").unwrap().place(),
        format!("{}:1", folder.0.join("d/sub/two.conf").display())
    );
    assert_eq!(loaded.files.len(), 5);
}

#[test]
fn includes_that_cannot_be_read_are_faults_with_their_line() {
    let folder = Folder::new();
    for n in 0..12 {
        folder.write(&format!("deep{n}.conf"), format!("include 'deep{}.conf'\n", n + 1));
    }
    folder.write("deep12.conf", "");
    for n in 0..9 {
        folder.write(&format!("fits{n}.conf"), format!("include 'fits{}.conf'\n", n + 1));
    }
    folder.write("fits9.conf", "priority=9\n");
    folder.write("loop.conf", "include 'loop.conf'\n");
    folder.write("a.conf", "include 'b.conf'\n");
    folder.write("b.conf", "include 'a.conf'\n");
    for (line, want) in [
        ("include 'missing.conf'", "No such file or directory"),
        ("include_dir 'missing'", "No such file or directory"),
        ("include ''", "empty"),
        ("include '.'", "directory"),
        ("include 'loop.conf'", "includes itself"),
        ("include 'a.conf'", "includes itself"),
        ("include 'repmgr.conf'", "includes itself"),
        ("include 'deep0.conf'", "more than 10 files deep"),
    ] {
        let error = folder.load("repmgr.conf", format!("{HEAD}{line}\n")).unwrap_err();
        assert_eq!(error.detail.len(), 1, "{line}: {error:?}");
        assert!(error.detail[0].contains(want), "{line}: {error:?}");
    }
    assert_eq!(
        folder.load("repmgr.conf", format!("{HEAD}include 'fits0.conf'\n")).unwrap().settings.priority,
        9
    );
}

#[test]
fn the_file_is_looked_for_in_its_order() {
    let folder = Folder::new();
    let places = [
        "env.conf",
        "opt/HighGo/conf/hg_repmgr.conf",
        "hgdb/conf/hg_repmgr.conf",
        "pg/conf/hg_repmgr.conf",
        "etc/repmgr/15/repmgr.conf",
        "cwd/hg_repmgr.conf",
        "cwd/repmgr.conf",
        "etc/hg_repmgr.conf",
        "etc/repmgr.conf",
        "opt/HighGo/etc/repmgr.conf",
    ];
    for place in places {
        folder.write(place, HEAD);
    }
    let mut search = folder.search();
    search.program = Some(folder.0.join("opt/HighGo/bin/repmgr"));
    search.env.insert("HG_REPMGR_CONF".into(), "../env.conf".into());
    search.env.insert("HGDB_HOME".into(), folder.0.join("hgdb").into());
    search.env.insert("PGHOME".into(), folder.0.join("pg").into());
    folder.write("cwd/x", "");
    for place in places {
        let loaded = config::load(&search).unwrap();
        let file = loaded.file.unwrap();
        assert_eq!(file.canonicalize().unwrap(), folder.0.join(place));
        assert_eq!(loaded.searched.last(), Some(&file), "every place up to it is told");
        std::fs::remove_file(&file).unwrap();
        search.env.remove("HG_REPMGR_CONF");
    }
    let error = config::load(&search).unwrap_err();
    assert_eq!(error.exit, Exit::BadConfig);
    assert_eq!(error.detail.len(), 10, "{error:#?}");
    assert_eq!(config::load_optional(&search), Ok(None));
}

#[test]
fn the_version_is_the_binarys_own_or_the_only_one() {
    let folder = Folder::new();
    let want = folder.write("etc/repmgr/12/repmgr.conf", HEAD);
    folder.write("usr/pgsql-12/bin/repmgr", "");
    folder.write("usr/lib/postgresql/13/bin/repmgr", "");
    assert_eq!(config::load(&folder.search()).unwrap().file, Some(want.clone()), "the only one");
    let other = folder.write("etc/repmgr/13/repmgr.conf", HEAD);
    let error = config::load(&folder.search()).unwrap_err();
    assert_eq!(error.detail, [want.display().to_string(), other.display().to_string()], "several");
    let mut search = folder.search();
    search.program = Some(folder.0.join("usr/pgsql-12/bin/repmgr"));
    assert_eq!(config::load(&search).unwrap().file, Some(want.clone()));
    search.program = Some("repmgr".into());
    search.env.insert("PATH".into(), folder.0.join("usr/lib/postgresql/13/bin").into());
    assert_eq!(config::load(&search).unwrap().file, Some(other), "a bare word is looked up in PATH");
    std::fs::create_dir_all(folder.0.join("bin")).unwrap();
    std::os::unix::fs::symlink(folder.0.join("usr/pgsql-12/bin/repmgr"), folder.0.join("bin/repmgr"))
        .unwrap();
    search.env.insert("PATH".into(), folder.0.join("bin").into());
    assert_eq!(config::load(&search).unwrap().file, Some(want), "a link is followed for the version");
}

#[test]
fn a_link_from_elsewhere_leads_to_the_file_beside_its_end() {
    let folder = Folder::new();
    let real = folder.write("opt/HighGo/bin/repmgr", "");
    let at_its_end = folder.write("opt/HighGo/conf/hg_repmgr.conf", HEAD);
    std::fs::create_dir_all(folder.0.join("local/bin")).unwrap();
    std::os::unix::fs::symlink(&real, folder.0.join("local/bin/repmgr")).unwrap();
    let mut search = folder.search();
    search.program = Some(folder.0.join("local/bin/repmgr"));
    assert_eq!(config::load(&search).unwrap().file, Some(at_its_end));
    let as_called = folder.write("local/conf/hg_repmgr.conf", HEAD);
    assert_eq!(config::load(&search).unwrap().file, Some(as_called), "as it was called comes first");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let folder = Folder::new();
    folder.write("etc/repmgr.conf", HEAD);
    let mut search = folder.search();
    search.explicit = Some("missing.conf".into());
    let error = config::load_optional(&search).unwrap_err();
    assert!(error.message.contains("cwd/missing.conf\" does not exist"), "{error:?}");
    search.explicit = Some(folder.0.clone());
    assert!(config::load(&search).unwrap_err().detail[0].contains("directory"));
    search.explicit = None;
    search.env.insert("HG_REPMGR_CONF".into(), "/missing.conf".into());
    assert!(config::load(&search).unwrap_err().message.contains("HG_REPMGR_CONF"));
}

#[test]
fn a_file_that_may_not_be_read_says_so() {
    let folder = Folder::new();
    let file = folder.write("repmgr.conf", HEAD);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&file).is_ok() {
        return; // root reads everything
    }
    assert_eq!(load(&file).unwrap_err().detail, ["Permission denied"]);
}

#[test]
fn a_password_that_others_can_read_is_a_warning_and_is_never_shown() {
    let folder = Folder::new();
    let conninfo = "conninfo='host=n1 user=repmgr dbname=repmgr password=hunter2'";
    let text = format!("{HEAD}{conninfo}\nevent_notification_command='PGPASSWORD=hunter2 x'\n");
    let file = folder.write("repmgr.conf", text);
    for (mode, want) in [(0o644, true), (0o640, true), (0o602, true), (0o600, false), (0o400, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let loaded = load(&file).unwrap();
        let found =
            loaded.warnings.iter().find(|w| w.hint.as_deref().is_some_and(|h| h.contains("chmod 600")));
        assert_eq!(found.is_some(), want, "{mode:o}");
        assert!(!warnings(&loaded).contains("hunter2"));
        assert!(!dump_text(&loaded).contains("hunter2"));
        assert!(!dump_json(&loaded).to_string().contains("hunter2"));
        assert!(dump_text(&loaded).contains("host=n1"), "the rest of it is shown");
    }
}

#[test]
fn the_dump_tells_where_each_value_comes_from_and_reads_back() {
    let folder = Folder::new();
    let file = folder.write(
        "hg_repmgr.conf",
        format!("{HEAD}reconnect_interval=250ms\nlog_file='it''s'\nlog_level=CHATTY\n"),
    );
    let loaded = load(&file).unwrap();
    let text = dump_text(&loaded);
    let place = file.display();
    for line in [
        format!("reconnect_interval='250ms'  # {place}:5; default: 10; unit: s"),
        format!("log_file='it''s'  # {place}:6; default: none"),
        "priority='100'  # default".to_owned(),
        "log_level='INFO'  # default".to_owned(),
        "#promote_command=  # default".to_owned(),
        "sync_degrade='yes'  # default".to_owned(),
        "repmgrd_standby_startup_timeout='60'  # default; unit: s".to_owned(),
        "startup_wait_timeout='10min'  # default; unit: s".to_owned(),
        "# compatibility: hg".to_owned(),
    ] {
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
    let again = folder.load("again/hg_repmgr.conf", &text).unwrap();
    assert_eq!(again.settings, loaded.settings);
    let json = dump_json(&loaded);
    let find =
        |name: &str| json["settings"].as_array().unwrap().iter().find(|s| s["name"] == name).unwrap().clone();
    assert_eq!(find("reconnect_interval")["origin"]["line"], 5);
    assert_eq!(find("reconnect_interval")["default"], "10");
    assert_eq!(find("priority")["origin"], "default");
    assert_eq!(find("promote_command")["value"], serde_json::Value::Null);
    assert_eq!(json["compatibility"], "hg");
}

#[test]
fn a_command_without_a_file_has_every_default() {
    let loaded = config::defaults().unwrap();
    assert_eq!(loaded.file, None);
    assert_eq!((loaded.settings.node_id, loaded.settings.node_name.as_str()), (0, ""));
    assert_eq!(loaded.settings.ssh_options, "-q -o ConnectTimeout=10");
    assert!(dump_text(&loaded).contains("priority='100'"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let folder = Folder::new();
        let _ = folder.load("repmgr.conf", [HEAD.as_bytes(), &bytes].concat());
    }

    #[test]
    fn no_value_makes_a_check_panic(
        key in 0..hg_repmgr::config::settings::TABLE.len(),
        value in "[-0-9a-zA-Z./=,:;'\\\\ %~\u{e9}]{0,24}",
    ) {
        let row = &hg_repmgr::config::settings::TABLE[key];
        for mode in [Mode::Hg, Mode::Repmgr] {
            let _ = row.kind.canonical(&value, mode);
        }
        let folder = Folder::new();
        let line = hg_repmgr::config::lexer::write(row.name, &value);
        if let Ok(loaded) = folder.load("repmgr.conf", format!("{HEAD}{line}\n")) {
            let _ = (dump_text(&loaded), dump_json(&loaded));
        }
    }
}

#[test]
fn debug_shows_no_password() {
    let folder = Folder::new();
    let text = "node_id=1\nnode_name='n1'\nconninfo='host=n1 dbname=r user=r password=s3cret'\ndata_directory='/d'\n\
                restore_command='PGPASSWORD=s3cret cp %f %p'\n";
    let loaded = folder.load("repmgr.conf", text).unwrap();
    assert!(loaded.settings.conninfo.contains("s3cret"));
    assert!(
        !format!("{loaded:?} {:?}", hg_repmgr::config::lexer::lex(text.as_bytes(), |_| true))
            .contains("s3cret")
    );
}
