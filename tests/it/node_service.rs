//! `repmgr node service`, beside the original; and `node status --is-shutdown-cleanly`, which tells of its outcome.

use crate::cluster::{PgOptions, Solo, Stop, wait_for};
use crate::compat::Pair;
use std::time::Duration;

/// Longer than one loaded machine needs for anything here.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn actions_are_listed_as_the_original_lists_them() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    for extra in [
        "",
        "pg_ctl_options='-l /tmp/some.log -t 20'",
        "service_stop_command='sudo systemctl stop postgresql'\nservice_promote_command='/bin/promote it'",
        "config_directory='/etc/postgresql/15 main'",
    ] {
        let bindir = host.postgres.bindir.display();
        host.write_conf(&format!("pg_bindir='{bindir}'\n{extra}"));
        Pair::run(host, &["node", "service", "--list-actions"]).same_code().same_stdout();
        for action in ["start", "stop", "restart", "reload", "promote"] {
            let action = format!("--action={action}");
            Pair::run(host, &["node", "service", "--list-actions", &action]).same_code().same_stdout();
            Pair::run(host, &["node", "service", "--dry-run", &action]).same_code().same_stdout();
        }
    }
    let json = host.repmgr(&["node", "service", "--list-actions", "--json"]).ok();
    assert!(json.stdout.contains("\"reload\": "), "{json}");
    Pair::run(host, &["node", "service", "--list-actions", "--action=dance"]).same_code();
    host.repmgr(&["node", "service"]).code(1).says("HINT: give --action=");
}

#[test]
fn a_server_is_stopped_started_restarted_reloaded_and_promoted() {
    let solo = Solo::new(2);
    let primary = solo.host(1).init_primary(&PgOptions::default());
    let standby = solo.host(2).join(primary);
    for host in [primary, standby] {
        host.write_conf(&format!("pg_ctl_options='-l {}'", host.log_path()));
    }
    let state = |host: &crate::cluster::Host| {
        let pair = Pair::run(host, &["node", "status", "--is-shutdown-cleanly"]);
        pair.same_code();
        assert_eq!(pair.original.stdout, pair.ours.stdout);
        pair.ours.stdout
    };
    assert_eq!(state(standby), "--state=UP\n");
    let old = standby.postmaster_pid().expect("a server");
    standby
        .repmgr(&["node", "service", "--action=stop", "--dry-run", "--checkpoint"])
        .ok()
        .says("would run CHECKPOINT");
    assert_eq!(standby.postmaster_pid(), Some(old), "a dry run changes nothing");
    standby
        .repmgr(&["node", "service", "--action=stop", "--checkpoint"])
        .ok()
        .says("NOTICE: CHECKPOINT on node");
    let command_line = std::fs::read_to_string(format!("/proc/{old}/cmdline")).unwrap_or_default();
    assert_eq!(command_line, "", "gone when the command comes back, be it not yet buried");
    assert!(state(standby).starts_with("--state=SHUTDOWN --last-checkpoint-lsn=0/"));
    standby.repmgr(&["node", "service", "--action=stop"]).code(5).says("ERROR: ").says("HINT: ");
    standby.repmgr(&["node", "service", "--action=stop", "--checkpoint"]).code(6);

    standby.repmgr(&["node", "service", "--action=start"]).ok();
    assert_eq!(standby.psql("SELECT pg_is_in_recovery()"), "t");
    standby.append(&format!("{}/postgresql.conf", standby.data_directory()), "work_mem = '7MB'\n");
    standby.repmgr(&["node", "service", "--action=reload"]).ok();
    wait_for("the new setting", PATIENCE, || standby.psql("SHOW work_mem") == "7MB");
    let before = standby.postmaster_pid();
    standby.repmgr(&["node", "service", "--action=restart"]).ok();
    assert_ne!(standby.postmaster_pid(), before);
    standby.repmgr(&["node", "service", "--action=promote"]).ok();
    standby.wait_for_primary();
    standby.repmgr(&["node", "service", "--action=promote"]).code(5);

    standby.kill9_pg();
    wait_for("the killed server to be noticed", PATIENCE, || {
        standby.repmgr(&["node", "status", "--is-shutdown-cleanly"]).stdout == "--state=UNCLEAN_SHUTDOWN\n"
    });
    assert_eq!(state(standby), "--state=UNCLEAN_SHUTDOWN\n");
    primary.stop_pg(Stop::Fast);
    assert!(state(primary).starts_with("--state=SHUTDOWN --last-checkpoint-lsn=0/"));
    primary
        .shell(&format!("mv {0}/global/pg_control {0}/global/pg_control.away", primary.data_directory()))
        .ok();
    assert_eq!(state(primary), "--state=UNKNOWN\n");
    primary.write_conf("data_directory='/nowhere'");
    assert_eq!(state(primary), "--state=UNKNOWN\n");
}

#[test]
fn a_checkpoint_is_for_those_who_may_and_a_superuser_can_be_named() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.psql("CREATE ROLE plain LOGIN");
    host.write_conf(&format!("conninfo='{}'", host.conninfo().replace("user=repmgr", "user=plain")));
    let stop = ["node", "service", "--action=stop", "--checkpoint", "--dry-run"];
    host.repmgr(&stop).ok().says("WARNING: would leave the CHECKPOINT out").says("-S/--superuser");
    host.repmgr(&[&stop[..], &["-S", "repmgr"]].concat())
        .ok()
        .says("would run CHECKPOINT")
        .never_says("leave the CHECKPOINT");
}

#[test]
fn a_stop_command_that_stops_nothing_is_found_out() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("service_stop_command='true'\nshutdown_check_timeout=2");
    host.repmgr(&["node", "service", "--action=stop"])
        .code(5)
        .says("is still running")
        .says("HINT: a service manager stops only a server that it has started itself");
    host.write_conf("service_stop_command='exit 7'");
    host.repmgr(&["node", "service", "--action=stop"]).code(5);
}
