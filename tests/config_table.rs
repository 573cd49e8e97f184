//! The table agrees with itself, with the sample file and with the manual. `BLESS=1` writes the two anew.

#![expect(clippy::unwrap_used, reason = "a test that cannot write its files has failed")]

mod config_support;

use config_support::{Folder, load};
use hg_repmgr::config::settings::{Origin, Preset, TABLE, Taken};
use hg_repmgr::config::{Mode, manual, sample};
use std::collections::BTreeSet;
use std::path::Path;

fn in_step(name: &str, want: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, want).unwrap();
    }
    let have = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        have == want,
        "{name} is not what the table says; BLESS=1 cargo test --test config_table writes it anew"
    );
}

#[test]
fn the_sample_file_is_in_step_with_the_table() {
    in_step("scripts/repmgr.conf.sample", &sample::render());
}

#[test]
fn the_manual_is_in_step_with_the_table() {
    in_step("man/repmgr.conf.5", &manual::render());
}

#[test]
fn the_sample_file_names_every_key_once_and_loads_without_a_warning() {
    let text = sample::render();
    for row in TABLE {
        let set = |line: &&str| line.trim_start_matches('#').starts_with(&format!("{}=", row.name));
        assert_eq!(text.lines().filter(set).count(), 1, "{}", row.name);
    }
    let folder = Folder::new();
    let as_it_is = folder.load("repmgr.conf", &text).unwrap();
    assert_eq!(as_it_is.warnings, []);
    // Every default taken in, but for what is not set and the two halves of Barman's pair.
    let bare: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase()) => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .filter(|line| !line.starts_with("tablespace_mapping"))
        .collect();
    let written_out = folder.load("repmgr.conf", &bare).unwrap();
    assert_eq!(written_out.settings, as_it_is.settings, "the defaults it shows are the defaults");
    assert_eq!(written_out.warnings, []);
}

#[test]
fn every_default_is_a_value_of_its_kind() {
    for row in TABLE {
        for mode in [Mode::Repmgr, Mode::Hg] {
            if let Some(text) = row.default(mode) {
                assert!(row.kind.canonical(text, mode).is_ok(), "{}: {text}", row.name);
            }
        }
        if let Preset::Same(other) = row.preset {
            assert!(TABLE.iter().any(|row| row.name == other), "{}", row.name);
        }
        assert!(row.help.iter().all(|line| line.trim().len() > 3), "{}", row.name);
    }
}

#[test]
fn no_key_stands_twice_and_every_section_is_in_the_sample() {
    let names: BTreeSet<&str> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), TABLE.len());
    let text = sample::render();
    for row in TABLE {
        assert!(text.contains(&format!("# {}\n", row.section.title())), "{}", row.section.title());
    }
}

/// The keys as COMPAT and FAILOVER name them.
#[test]
fn the_keys_of_all_three_families_are_there() {
    let of = |origin: Origin| {
        TABLE.iter().filter(|row| row.origin == origin).map(|row| row.name).collect::<BTreeSet<_>>()
    };
    let list = |text: &'static str| text.split_whitespace().collect::<BTreeSet<_>>();
    assert_eq!(
        of(Origin::Repmgr),
        list(
            "node_id node_name conninfo data_directory replication_user config_directory pg_bindir repmgr_bindir \
             replication_type log_level log_facility log_file log_status_interval use_replication_slots \
             pg_basebackup_options restore_command tablespace_mapping recovery_min_apply_delay \
             archive_cleanup_command use_primary_conninfo_password passfile promote_check_timeout \
             promote_check_interval primary_follow_timeout standby_follow_timeout standby_follow_restart \
             shutdown_check_timeout standby_reconnect_timeout wal_receive_check_timeout node_rejoin_timeout \
             archive_ready_warning archive_ready_critical replication_lag_warning replication_lag_critical \
             witness_sync_interval failover location priority promote_command follow_command \
             monitor_interval_secs reconnect_attempts reconnect_interval monitoring_history \
             degraded_monitoring_timeout async_query_timeout primary_notification_timeout \
             repmgrd_standby_startup_timeout repmgrd_pid_file repmgrd_exit_on_inactive_node \
             standby_disconnect_on_failover sibling_nodes_disconnect_timeout connection_check_type \
             connection_check_query primary_visibility_consensus always_promote failover_validation_command \
             election_rerun_interval child_nodes_check_interval child_nodes_disconnect_min_count \
             child_nodes_connected_min_count child_nodes_connected_include_witness \
             child_nodes_disconnect_timeout child_nodes_disconnect_command pg_ctl_options service_start_command \
             service_stop_command service_restart_command service_reload_command service_promote_command \
             repmgrd_service_start_command repmgrd_service_stop_command event_notification_command \
             event_notifications barman_host barman_server barman_config rsync_options ssh_options failover_delay \
             promote_delay reconnect_loop_sync pg_backupapi_backup_id pg_backupapi_host pg_backupapi_node_name \
             pg_backupapi_remote_ssh_command bdr_local_monitoring_only bdr_recovery_timeout"
        )
    );
    assert_eq!(
        of(Origin::HgRepmgr),
        list(
            "virtual_ip network_card device_check_timeout device_check_times standby_wait_timeout check_brain_split"
        )
    );
    assert_eq!(
        of(Origin::Ours),
        list(
            "compatibility failover_quorum trusted_servers maximum_lag_on_failover primary_crash_action \
             primary_start_timeout startup_wait_timeout auto_rejoin rejoin_fallback rejoin_keep_wal_dir \
             sync_degrade sync_degrade_timeout sync_restore_lag http_port http_listen_addresses http_address \
             http_tls_cert http_tls_key http_tls_ca state_directory watchdog_device vip_up_command \
             vip_down_command vip_announce_command carrier_grace"
        )
    );
}

#[test]
fn what_repmgrd_takes_on_sighup_is_what_compat_says() {
    let have: BTreeSet<&str> = TABLE
        .iter()
        .filter(|row| row.origin == Origin::Repmgr && row.taken == Taken::Reload)
        .map(|row| row.name)
        .collect();
    let want: BTreeSet<&str> =
        "async_query_timeout child_nodes_check_interval child_nodes_disconnect_min_count \
        child_nodes_connected_min_count child_nodes_connected_include_witness child_nodes_disconnect_timeout \
        child_nodes_disconnect_command connection_check_type conninfo degraded_monitoring_timeout \
        event_notification_command event_notifications failover failover_validation_command follow_command \
        promote_command log_level log_facility log_file log_status_interval monitor_interval_secs \
        monitoring_history primary_notification_timeout primary_visibility_consensus always_promote \
        reconnect_attempts reconnect_interval repmgrd_standby_startup_timeout \
        sibling_nodes_disconnect_timeout standby_disconnect_on_failover"
            .split_whitespace()
            .collect();
    assert_eq!(have, want);
}

#[test]
fn mandoc_finds_nothing_to_say_about_the_manual() {
    // Not every build host has mandoc; the lint tier does.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/repmgr.conf.5");
    #[expect(clippy::disallowed_methods, reason = "a test runs a tool of the build host")]
    let Ok(out) = std::process::Command::new("mandoc").arg("-Tlint").arg(&path).output() else {
        eprintln!("left out: mandoc is not installed");
        return;
    };
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    assert!(out.stdout.is_empty(), "{}", String::from_utf8_lossy(&out.stdout));
}

#[test]
fn the_sample_file_is_where_the_makefile_installs_it_from() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/repmgr.conf.sample");
    let loaded = load(&path).unwrap();
    assert_eq!(loaded.settings.node_id, 1);
}
