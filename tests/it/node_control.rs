//! `repmgr node control` on real servers.

use crate::cluster::{Host, PgOptions, Solo, wait_for};
use std::time::Duration;

const INTERVAL: &str = "SELECT setting FROM pg_settings WHERE name = 'wal_retrieve_retry_interval'";
const RECEIVER: &str = "SELECT count(*) FROM pg_stat_wal_receiver WHERE pid IS NOT NULL";
const DISABLE: [&str; 3] = ["node", "control", "--disable-wal-receiver"];
const ENABLE: [&str; 3] = ["node", "control", "--enable-wal-receiver"];

fn pair() -> Solo {
    let solo = Solo::new(2);
    let (one, two) = (solo.host(1), solo.host(2));
    one.init_primary(&PgOptions::default()).write_conf("");
    one.repmgr(&["primary", "register"]).ok();
    two.join(one).catch_up(one).write_conf("");
    solo
}

fn filed(host: &Host) -> String {
    host.psql("SELECT setting FROM pg_file_settings WHERE name = 'wal_retrieve_retry_interval' ORDER BY seqno DESC LIMIT 1")
}

#[test]
fn the_wal_receiver_stays_away_until_it_is_enabled_again() {
    let solo = pair();
    let (one, two) = (solo.host(1), solo.host(2));
    two.repmgr(&DISABLE).ok().says("ending the WAL receiver");
    assert_eq!(two.psql(INTERVAL), "86405000");
    assert_eq!(two.psql(RECEIVER), "0");
    one.psql("CREATE TABLE later (a int)");
    two.repmgr(&DISABLE).ok().never_says("ending");
    assert_eq!(two.psql(RECEIVER), "0");
    assert_eq!(two.psql("SELECT to_regclass('later') IS NULL"), "t", "it falls behind");
    two.repmgr(&ENABLE).ok().says("reset").within(Duration::from_secs(15));
    assert_eq!(two.psql(INTERVAL), "5000");
    assert_eq!(filed(two), "", "nothing of it is left in the files");
    two.catch_up(one);
    two.repmgr(&ENABLE).ok().says("not changed");
}

#[test]
fn the_original_enables_what_we_disabled_and_our_own_value_comes_back() {
    let solo = pair();
    let two = solo.host(2);
    two.psql("ALTER SYSTEM SET wal_retrieve_retry_interval = '700ms'");
    two.reload_pg();
    wait_for("the reload", Duration::from_secs(10), || two.psql(INTERVAL) == "700");
    two.repmgr(&DISABLE).ok();
    two.repmgr(&ENABLE).ok().says("700 ms");
    assert_eq!(two.psql(INTERVAL), "700");
    // As the original leaves it.
    two.psql("ALTER SYSTEM SET wal_retrieve_retry_interval = 86400700");
    two.reload_pg();
    two.repmgr(&ENABLE).ok();
    assert_eq!(two.psql(INTERVAL), "700");
}

#[test]
fn cut_off_after_any_step_either_command_can_be_run() {
    let solo = pair();
    let two = solo.host(2);
    // Cut off before the reload, then enabled: nothing waits in the file for the next reload.
    two.psql("ALTER SYSTEM SET wal_retrieve_retry_interval = 86405000");
    two.repmgr(&ENABLE).ok().says("reset");
    assert_eq!(filed(two), "");
    // The same, then disabled.
    two.psql("ALTER SYSTEM SET wal_retrieve_retry_interval = 86405000");
    two.repmgr(&DISABLE).ok();
    assert_eq!(two.psql(INTERVAL), "86405000");
    assert_eq!(two.psql(RECEIVER), "0");
    // Cut off after the reload, before the process was ended; and enabling cut off before its reload.
    two.psql("ALTER SYSTEM RESET wal_retrieve_retry_interval");
    two.repmgr(&ENABLE).ok();
    assert_eq!(two.psql(INTERVAL), "5000");
    assert_eq!(two.psql(RECEIVER), "1");
}

#[test]
fn what_it_cannot_do_it_says() {
    let solo = pair();
    let (one, two) = (solo.host(1), solo.host(2));
    one.repmgr(&DISABLE).code(1).says("not in recovery");
    assert_eq!(one.original(&DISABLE).code, 1);
    two.repmgr(&["node", "control"]).code(1).says("--enable-wal-receiver");
    two.repmgr(&["node", "control", "--disable-wal-receiver", "--enable-wal-receiver"]).code(1);
    one.psql("CREATE ROLE plain LOGIN");
    two.catch_up(one);
    let plain = two.conninfo().replace("user=repmgr", "user=plain");
    two.append(&two.conf_path(), &format!("conninfo='{plain}'\n"));
    two.repmgr(&DISABLE).code(1).says("not a superuser").says("-S/--superuser");
    assert_eq!(two.psql(INTERVAL), "5000");
    two.repmgr(&[&DISABLE[..], &["-S", "repmgr"]].concat()).ok();
    two.repmgr(&[&ENABLE[..], &["-S", "repmgr"]].concat()).ok();
    // A data directory that is not the server's: no process is signalled.
    two.append(
        &two.conf_path(),
        &format!("conninfo='{}'\ndata_directory='{}'\n", two.conninfo(), one.data_directory()),
    );
    two.repmgr(&DISABLE).code(1).says("it is no process of the server in");
    assert_eq!(two.psql(RECEIVER), "1");
    two.repmgr(&ENABLE).ok();
}
