//! `repmgr standby clone`, and the commands around it, with each major version of PostgreSQL: before 12 the settings
//! stand in recovery.conf.
//!
//! A version that cannot be fetched is a failure, not a skip.

use super::standby_clone::{clone, primary, starts_as_standby};
use crate::cluster::{PgOptions, Postgres, Program, Solo, Stop};

fn clones(major: u32) {
    let solo = Solo::with(2, &Postgres::version(major), &Program::under_test());
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.write_conf("use_replication_slots=yes");
    let space = one.path("space");
    one.shell(&format!("mkdir {space}")).ok();
    one.psql(&format!("CREATE TABLESPACE space LOCATION '{space}'"));
    one.psql("CREATE TABLE t TABLESPACE space AS SELECT 7 AS a");
    two.write_conf(&format!("use_replication_slots=yes\ntablespace_mapping='{space}={}'", two.path("space")));
    clone(two, one, &[]).ok();
    let data = two.data_directory();
    assert_eq!(two.exists(&format!("{data}/recovery.conf")), major < 12);
    assert_eq!(two.exists(&format!("{data}/standby.signal")), major >= 12);
    starts_as_standby(two, one);
    assert_eq!(two.psql("SELECT a FROM t"), "7");
    assert_eq!(one.psql("SELECT slot_name, active FROM pg_replication_slots"), "repmgr_slot_2|t");
    two.repmgr(&["standby", "register", "--wait-sync=20"]).ok();
    for host in [one, two] {
        host.repmgr(&["cluster", "show"]).ok().says("| standby |   running | node1");
        host.repmgr(&["node", "status"]).ok().says(&format!("PostgreSQL version: {major}"));
        host.repmgr(&["node", "check"]).ok().says("Server role: OK");
    }
    two.stop_pg(Stop::Fast);
    clone(two, one, &["--replication-conf-only", "--recovery-min-apply-delay=1s"]).ok();
    clone(two, one, &["-F"]).ok().says("the same cluster");
    starts_as_standby(two, one);
}

macro_rules! with_each_version {
    ($($name:ident $major:literal)*) => { $(
        #[test]
        fn $name() {
            clones($major);
        }
    )* };
}

with_each_version! {
    postgresql_10 10
    postgresql_11 11
    postgresql_12 12
    postgresql_13 13
    postgresql_14 14
    postgresql_16 16
    postgresql_17 17
    postgresql_18 18
}

#[test]
fn a_copy_that_no_server_here_would_start_on_is_refused() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.write_conf("");
    let other = Postgres::version(16);
    two.write_conf(&format!("pg_bindir='{}'", other.bindir.display()));
    clone(two, one, &[]).code(1).says("major versions").says("pg_bindir");
    assert!(!two.exists(&two.data_directory()));
}
