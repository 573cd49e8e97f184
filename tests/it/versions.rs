//! The version matrix: the same walk with each major version of PostgreSQL.
//!
//! A version that cannot be fetched is a failure, not a skip.

use crate::cluster::{PgOptions, Postgres, Program, Solo};

/// A primary and a standby that streams.
fn walk(major: u32) {
    let solo = Solo::with(2, &Postgres::version(major), &Program::under_test());
    let primary = solo.host(1).init_primary(&PgOptions::default());
    let standby = solo.host(2).join(primary);
    primary.psql("CREATE TABLE t AS SELECT 7 AS a");
    assert_eq!(standby.catch_up(primary).psql("SELECT a FROM t"), "7");
    let says = primary.psql("SHOW server_version_num");
    assert_eq!(says.parse::<u32>().unwrap() / 10_000, major);
}

macro_rules! with_each_version {
    ($($name:ident $major:literal)*) => { $(
        #[test]
        fn $name() {
            walk($major);
        }
    )* };
}

with_each_version! {
    postgresql_10 10
    postgresql_11 11
    postgresql_12 12
    postgresql_13 13
    postgresql_14 14
    postgresql_15 15
    postgresql_16 16
    postgresql_17 17
    postgresql_18 18
}
