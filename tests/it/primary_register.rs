//! `repmgr primary register` on real servers.

use crate::cluster::{Host, Identity, PgOptions, Solo, Stop};
use std::time::Duration;

/// Every column but those that name ports and folders.
const RECORD: &str =
    "SELECT node_id, upstream_node_id, active, node_name, type, location, priority, repluser,
    slot_name FROM repmgr.nodes ORDER BY node_id";
const EVENTS: &str = "SELECT node_id, event, successful FROM repmgr.events ORDER BY ctid";

fn primary(solo: &Solo) -> &Host {
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host
}

#[test]
fn rows_and_events_are_those_of_the_original() {
    let (theirs, ours) = (Solo::new(1), Solo::new(1));
    let rows: Vec<[String; 4]> = [&theirs, &ours]
        .into_iter()
        .map(|solo| {
            let host = primary(solo);
            host.append(&host.conf_path(), "use_replication_slots=yes\npriority=7\nlocation=x\n");
            let run = |args: &[&str]| {
                if std::ptr::eq(solo, &theirs) { host.original(args) } else { host.repmgr(args) }
            };
            run(&["primary", "register"]).ok();
            run(&["primary", "register"]).code(1).says("-F/--force");
            run(&["primary", "register", "--force"]).ok();
            let file = host.psql("SELECT config_file, conninfo FROM repmgr.nodes");
            assert_eq!(file, format!("{}|{}", host.conf_path(), host.conninfo()));
            [
                host.psql(RECORD),
                host.psql(EVENTS),
                host.psql("SELECT term FROM repmgr.voting_term"),
                host.psql("SELECT extversion FROM pg_extension WHERE extname = 'repmgr'"),
            ]
        })
        .collect();
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[1][0], "1||t|node1|primary|x|7|repmgr|repmgr_slot_1");
    assert!(rows[1][1].starts_with("1|cluster_created|t\n1|primary_register|t\n"), "{}", rows[1][1]);
}

#[test]
fn a_dry_run_says_what_would_happen_and_changes_nothing() {
    let solo = Solo::new(1);
    let host = primary(&solo);
    let out = host.repmgr(&["primary", "register", "--dry-run"]).ok();
    out.says("would install extension \"repmgr\"").says("every check for \"primary register\" passed");
    assert_eq!(host.psql("SELECT count(*) FROM pg_namespace WHERE nspname ~ 'repmgr'"), "0");
    host.repmgr(&["primary", "register"]).ok();
    host.repmgr(&["primary", "register", "--dry-run"]).code(1).says("has a record already");
    host.append(&host.conf_path(), "priority=7\n");
    host.repmgr(&["primary", "register", "--dry-run", "-F"]).ok().says("would register");
    assert_eq!(host.psql("SELECT priority FROM repmgr.nodes"), "100");
    assert_eq!(host.psql("SELECT count(*) FROM repmgr.events"), "2");
}

#[test]
fn a_standby_is_refused_and_so_is_a_second_primary_that_runs() {
    let solo = Solo::new(3);
    let host = primary(&solo);
    host.repmgr(&["primary", "register"]).ok();
    let standby = solo.host(2).join(host);
    standby.write_conf("");
    standby.repmgr(&["primary", "register"]).code(1).says("this server is a standby, not a primary");

    // A copy that was promoted by hand: its metadata still name node1, which runs.
    standby.psql("SELECT pg_promote()");
    standby.wait_for_primary();
    let refused = standby.repmgr(&["primary", "register", "-F"]).code(1);
    refused.says("this cluster has a running primary: node \"node1\" (ID: 1)");
    assert_eq!(standby.psql("SELECT count(*) FROM repmgr.nodes"), "1");

    host.stop_pg(Stop::Fast);
    standby.repmgr(&["primary", "register"]).ok().says("set to inactive").says("registered");
    assert_eq!(standby.psql("SELECT node_id, active FROM repmgr.nodes ORDER BY 1"), "1|f\n2|t");
}

#[test]
fn a_name_and_a_number_belong_to_one_node() {
    let solo = Solo::new(1);
    let host = primary(&solo);
    host.repmgr(&["primary", "register"]).ok();
    host.append(&host.conf_path(), "node_id=2\n");
    host.repmgr(&["primary", "register", "-F"]).code(1);
    host.psql("UPDATE repmgr.nodes SET type = 'standby'");
    host.repmgr(&["primary", "register", "-F"]).code(1).says("node_name \"node1\" belongs to node 1");
    host.append(&host.conf_path(), "node_id=1\nnode_name=other\n");
    host.repmgr(&["primary", "register"]).code(1).says("the record of node 1 has the name \"node1\"");
    host.repmgr(&["primary", "register", "-F"]).ok().says("WARNING");
    assert_eq!(host.psql(RECORD), "1||t|other|primary|default|100|repmgr|");
}

#[test]
fn of_two_at_once_one_registers_and_the_other_gets_a_clear_error() {
    let solo = Solo::new(1);
    let host = primary(&solo);
    let runs: Vec<_> = (0..4).map(|_| host.repmgr_command(&["primary", "register"]).start()).collect();
    let outs: Vec<_> = runs.into_iter().map(|r| r.wait(Duration::from_secs(60))).collect();
    let good = outs.iter().filter(|o| o.code == 0).count();
    assert_eq!(good, 1, "{outs:#?}");
    for out in outs.into_iter().filter(|o| o.code != 0) {
        out.code(1).says("has a record already");
    }
    assert_eq!(host.psql("SELECT count(*) FROM repmgr.nodes"), "1");
    assert_eq!(
        host.psql("SELECT event FROM repmgr.events ORDER BY event"),
        "cluster_created\nprimary_register"
    );
    assert_eq!(host.psql("SELECT version FROM hg_repmgr.version ORDER BY 1"), "1\n2");
}

#[test]
fn the_address_of_hg_is_recorded() {
    let solo = Solo::new(1);
    let host = primary(&solo);
    host.append(&host.conf_path(), "compatibility=hg\nvirtual_ip='192.0.2.9/24'\nnetwork_card=lab9\n");
    host.repmgr(&["primary", "register"]).code(1).says("no network card \"lab9\"").says("--force");
    host.append(&host.conf_path(), "vip_up_command=true\nvip_down_command=true\nvip_announce_command=true\n");
    host.repmgr(&["primary", "register"]).ok().says("address 192.0.2.9/24 on \"lab9\" is up");
    let sql = "SELECT virtual_ip, network_card FROM hg_repmgr.node_address";
    assert_eq!(host.psql(sql), "192.0.2.9/24|lab9");
    // hg_repmgr's own table has columns for it, perhaps without NULL.
    host.psql(
        "ALTER EXTENSION repmgr DROP TABLE repmgr.nodes;
         ALTER TABLE repmgr.nodes ADD virtual_ip text NOT NULL DEFAULT '', ADD network_card text NOT NULL DEFAULT ''",
    );
    host.repmgr(&["primary", "register", "-F"]).ok();
    assert_eq!(host.psql("SELECT virtual_ip, network_card FROM repmgr.nodes"), "192.0.2.9/24|lab9");
    host.append(&host.conf_path(), "virtual_ip=''\nnetwork_card=''\n");
    host.repmgr(&["primary", "register", "-F"]).ok().says("address 192.0.2.9/24 on \"lab9\" is down");
    assert_eq!(host.psql("SELECT virtual_ip, network_card FROM repmgr.nodes"), "|");
}

#[test]
fn the_users_command_is_told_also_of_what_failed() {
    let solo = Solo::new(1);
    let host = primary(&solo);
    let script = format!("event_notification_command='echo %n %e %s \"%d\" >>{}'\n", host.path("told"));
    host.append(&host.conf_path(), &script);
    host.repmgr(&["primary", "register"]).ok();
    assert_eq!(host.read(&host.path("told")), "1 cluster_created 1 \n1 primary_register 1 \n");
    host.psql("ALTER TABLE repmgr.nodes ADD CONSTRAINT c CHECK (priority < 500)");
    host.append(&host.conf_path(), "priority=501\n");
    host.repmgr(&["primary", "register", "-F"])
        .code(7)
        .says("unable to write the node record")
        .says("violates check");
    assert!(
        host.read(&host.path("told")).contains("1 primary_register 0 "),
        "{}",
        host.read(&host.path("told"))
    );
    assert_eq!(host.psql("SELECT priority FROM repmgr.nodes"), "100");
}

#[test]
fn servers_that_are_down_hang_or_refuse_are_told_apart_and_no_password_is_shown() {
    let solo = Solo::new(1);
    let hba = "local all all trust\nhost repmgr denied 127.0.0.1/32 reject\nhost all all 127.0.0.1/32 scram-sha-256\n";
    let host = solo.host(1).init_primary(&PgOptions { hba: hba.to_owned(), ..PgOptions::default() });
    let conf = |user: &str, password: &str| {
        let conninfo = format!(
            "host=127.0.0.1 port={} user={user} dbname=repmgr password='{password}' connect_timeout=2",
            host.port
        );
        host.write_conf(&format!("conninfo='{}'", conninfo.replace('\'', "''")));
    };
    let register = || host.repmgr(&["primary", "register"]).never_says("hidden").never_says("repmgr secret");

    conf("repmgr", "hidden");
    register().code(6).says("password authentication failed").says("HINT");
    conf("denied", "hidden");
    register().code(6).says("pg_hba.conf rejects connection");
    conf("nobody", "hidden");
    register().code(6).says("HINT");

    conf("repmgr", "repmgr secret");
    host.shell("chmod 644 repmgr.conf").ok();
    register().ok().says("others can get at the file").says("chmod 600");
    assert!(
        host.psql("SELECT conninfo FROM repmgr.nodes").contains("repmgr secret"),
        "it is stored as it is"
    );

    host.sigstop_pg();
    let hung = host.repmgr(&["primary", "register", "-F"]).within(Duration::from_secs(10));
    host.sigcont_pg();
    hung.code(6).says("timeout expired");
    host.stop_pg(Stop::Fast);
    register().code(6).says("Connection refused").says("listen_addresses");
}

#[test]
fn a_strangers_database_needs_no_extension_and_no_superuser() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions { identity: Identity::Own, ..PgOptions::default() });
    host.psql("CREATE ROLE plain LOGIN CONNECTION LIMIT 10; GRANT CONNECT ON DATABASE repmgr TO plain");
    let conninfo = host.conninfo().replace("user=repmgr", "user=plain");
    host.write_conf(&format!("conninfo='{conninfo}'"));

    let denied = host.repmgr(&["primary", "register"]).code(7);
    denied.says("permission denied for database").says("GRANT CREATE ON DATABASE").says("-S/--superuser");
    assert_eq!(host.psql("SELECT count(*) FROM pg_namespace WHERE nspname ~ 'repmgr'"), "0");
    host.repmgr(&["primary", "register", "-S", "plain"]).code(1).says("role \"plain\" is not a superuser");

    host.repmgr(&["primary", "register", "-S", "repmgr"]).ok().says("extension \"repmgr\" 5.3 installed");
    host.repmgr(&["primary", "register", "-F"]).ok().never_says("WARNING: unable");
    assert_eq!(host.psql("SELECT repluser FROM repmgr.nodes"), "plain");
    let owner = "SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'hg_repmgr'";
    assert_eq!(host.psql(owner), "plain");

    host.psql("DROP EXTENSION repmgr; DROP SCHEMA IF EXISTS repmgr; DROP SCHEMA hg_repmgr CASCADE; GRANT CREATE ON DATABASE repmgr TO plain");
    host.repmgr(&["primary", "register"]).ok().says("without an extension");
    host.repmgr(&["cluster", "event"]).ok().says("primary_register");
}

#[test]
fn nobody_waits_for_a_synchronous_standby_that_is_still_to_come() {
    let solo = Solo::new(1);
    let host = primary(&solo);
    host.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    host.reload_pg();
    crate::cluster::wait_for("the setting", Duration::from_secs(10), || {
        host.psql("SHOW synchronous_standby_names") == "*"
    });
    host.repmgr(&["primary", "register"]).ok().within(Duration::from_secs(20));
    assert_eq!(host.psql("SELECT count(*) FROM repmgr.events WHERE event = 'primary_register'"), "1");
}
