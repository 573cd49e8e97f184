//! Schemas `repmgr` and `hg_repmgr` on real servers.

use crate::cluster::{Host, Identity, PgOptions, Postgres, Program, Solo, wait_for};
use std::time::Duration;

/// A role that owns the database but is no superuser: the extension is out of its reach.
const OWNER: &str = "CREATE ROLE plain LOGIN CONNECTION LIMIT 10; ALTER DATABASE repmgr OWNER TO plain;
    GRANT pg_read_all_stats, pg_read_all_settings TO plain";

/// A primary whose conninfo names `plain`.
fn plain_primary(solo: &Solo) -> &Host {
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.psql(OWNER);
    write_plain_conf(host);
    host
}

fn write_plain_conf(host: &Host) {
    let conninfo = host.conninfo().replace("user=repmgr", "user=plain");
    host.write_conf(&format!("conninfo='{conninfo}'\nreplication_user=repmgr"));
}

fn schemas(host: &Host) -> String {
    host.psql("SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname ~ 'repmgr'")
}

/// Tables and views with their columns and types.
const SHAPE: &str = "SELECT c.relname, c.relkind, a.attname, a.atttypid::regtype, a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'repmgr'::regnamespace AND c.relkind IN ('r', 'v')
    ORDER BY c.relname, a.attnum";
/// Constraints, indexes and rules.
const RULES: &str = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'repmgr'::regnamespace
    UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'repmgr'
    UNION ALL SELECT rulename, definition FROM pg_rules WHERE schemaname = 'repmgr' ORDER BY 1";

#[test]
fn plain_sql_makes_the_tables_that_the_extension_makes() {
    let solo = Solo::new(2);
    let plain = plain_primary(&solo);
    plain.repmgr(&["primary", "register"]).ok().says("without an extension");
    let stock = solo.host(2).init_primary(&PgOptions::default());
    stock.psql("CREATE EXTENSION repmgr");
    for sql in [SHAPE, RULES] {
        assert_eq!(plain.psql(sql), stock.psql(sql));
    }
    assert_eq!(
        plain.psql("SELECT nspname, nspowner::regrole FROM pg_namespace WHERE nspname ~ 'repmgr' ORDER BY 1"),
        "hg_repmgr|plain\nrepmgr|plain"
    );
}

/// Makes what version `version` of the extension makes. The library of this machine's package lacks the C
/// functions of the older scripts, so those are put in by hand, with functions that do nothing.
fn make_extension(host: &Host, version: &str) {
    let control = host.postgres.bindir.join("../../../../share/postgresql/15/extension");
    let script = std::fs::read_to_string(control.join(format!("repmgr--{version}.sql"))).unwrap();
    if host.try_psql(&format!("CREATE EXTENSION repmgr VERSION '{version}'")).code == 0 {
        return;
    }
    let kept: Vec<&str> =
        script.lines().filter(|l| !l.starts_with('\\') && !l.contains("pg_extension_config_dump")).collect();
    let mut sql = kept.join("\n");
    while let Some(at) = sql.find("AS 'MODULE_PATHNAME'") {
        let end = at + sql[at..].find('\n').unwrap();
        sql.replace_range(at..end, "AS 'BEGIN RETURN; END'");
    }
    let sql = sql.replace("LANGUAGE C", "LANGUAGE plpgsql");
    host.psql(&format!(
        "CREATE SCHEMA repmgr; SET search_path = repmgr; SET check_function_bodies = off; {sql};
         INSERT INTO pg_catalog.pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
         VALUES (99999, 'repmgr', 10, 'repmgr'::pg_catalog.regnamespace, false, '{version}')"
    ));
}

#[test]
fn each_version_of_the_extension_is_adopted_as_it_is() {
    for version in ["4.0", "4.1", "4.2", "4.4", "5.0", "5.2", "5.3"] {
        let solo = Solo::new(1);
        let host = solo.host(1).init_primary(&PgOptions::default());
        make_extension(host, version);
        host.psql(
            "INSERT INTO repmgr.nodes VALUES (7, NULL, false, 'old', 'primary', 'x', 1, 'host=127.0.0.1 port=1', 'r', NULL, '/f');
             INSERT INTO repmgr.events VALUES (7, 'cluster_created', true, now(), NULL)",
        );
        host.write_conf("");
        host.repmgr(&["primary", "register"]).ok().never_says("WARNING");
        host.repmgr(&["cluster", "event"]).ok().says("cluster_created");
        assert_eq!(
            host.psql("SELECT node_id, node_name FROM repmgr.nodes ORDER BY 1"),
            "1|node1\n7|old",
            "{version}"
        );
        assert_eq!(host.psql("SELECT extversion FROM pg_extension WHERE extname = 'repmgr'"), version);
        host.psql("DROP EXTENSION repmgr");
        assert!(schemas(host).starts_with("hg_repmgr"), "{version}: ours is not in its way");
    }
}

#[test]
fn the_original_reads_what_we_wrote_and_we_read_what_it_wrote() {
    let solo = Solo::new(2);
    let host = plain_primary(&solo);
    host.repmgr(&["primary", "register"]).ok();
    let standby = solo.host(2).join(host);
    write_plain_conf(standby);
    standby.catch_up(host).repmgr(&["standby", "register"]).ok();
    standby.catch_up(host);
    let show = host.original(&["cluster", "show"]);
    show.ok().says("| standby |   running | node1");
    host.original(&["cluster", "event"]).ok().says("cluster_created").says("standby_register");

    let theirs = Solo::with(2, &Postgres::installed(), &Program::under_test());
    let host = theirs.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    host.repmgr(&["primary", "register"]).code(1).says("has a record already");
    assert_eq!(schemas(host), "hg_repmgr,repmgr", "a refused registration may have brought our own schema");
    host.repmgr(&["cluster", "event"]).ok().says("cluster_created");
    host.repmgr(&["primary", "register", "-F"]).ok();
}

#[test]
fn views_and_functions_answer_or_say_what_took_their_place() {
    let solo = Solo::new(2);
    let host = plain_primary(&solo);
    host.repmgr(&["primary", "register"]).ok();
    let standby = solo.host(2).join(host);
    write_plain_conf(standby);
    standby.catch_up(host).repmgr(&["standby", "register", "--wait-sync=20"]).ok();
    host.psql(
        "INSERT INTO repmgr.monitoring_history VALUES (1, 2, now(), now(), '0/3000000', '0/2000000', 16777216, 0)",
    );
    standby.catch_up(host);
    assert_eq!(
        host.psql("SELECT node_name, upstream_node_name FROM repmgr.show_nodes ORDER BY 1"),
        "node1|\nnode2|node1"
    );
    let status = "SELECT standby_name, replication_lag, apply_lag, communication_time_lag IS NOT NULL FROM repmgr.replication_status";
    for host in [host, standby] {
        assert_eq!(host.psql(status), "node2|16 MB|0 bytes|t");
    }
    for (host, sql, want) in [
        (host, "SELECT repmgr.get_local_node_id()", "1"),
        (standby, "SELECT repmgr.get_local_node_id()", "2"),
        (standby, "SELECT repmgr.get_upstream_node_id()", "1"),
        (standby, "SELECT repmgr.get_wal_receiver_pid() > 0", "t"),
        (standby, "SELECT repmgr.standby_get_last_updated() > now() - interval '1 hour'", "t"),
        (standby, "SELECT repmgr.get_upstream_last_seen() BETWEEN 0 AND 60", "t"),
        (host, "SELECT repmgr.get_upstream_last_seen()", "-1"),
        (host, "DELETE FROM repmgr.voting_term; SELECT term FROM repmgr.voting_term", "1"),
    ] {
        assert_eq!(host.psql(sql), want, "{} {sql}", host.name);
    }
    for name in ["repmgrd_is_running", "repmgrd_is_paused", "get_repmgrd_pid"] {
        let out = host.try_psql(&format!("SELECT repmgr.{name}()"));
        assert!(out.code != 0 && out.stderr.contains("the daemons hold their state"), "{out}");
    }
}

#[test]
fn a_dump_restores_into_a_stock_extension() {
    let solo = Solo::new(2);
    let host = plain_primary(&solo);
    host.repmgr(&["primary", "register"]).ok();
    let dump = format!(
        "{} -h {} -p {} -U repmgr -d repmgr --data-only -n repmgr >dump.sql",
        host.postgres.program("pg_dump"),
        host.socket_directory(),
        host.port
    );
    host.shell(&dump).ok();
    let stock = solo.host(2).init_primary(&PgOptions::default());
    stock.psql("CREATE EXTENSION repmgr");
    let restore = format!(
        "{} -h {} -p {} -U repmgr -d repmgr -Xq -v ON_ERROR_STOP=1 -f {}",
        stock.postgres.program("psql"),
        stock.socket_directory(),
        stock.port,
        host.path("dump.sql")
    );
    stock.shell(&restore).ok();
    for sql in
        ["SELECT * FROM repmgr.nodes", "SELECT * FROM repmgr.events", "SELECT * FROM repmgr.voting_term"]
    {
        assert_eq!(stock.psql(sql), host.psql(sql));
    }
    stock.psql("DROP EXTENSION repmgr");
}

#[test]
fn half_made_metadata_are_completed_by_force_or_refused() {
    let solo = Solo::new(1);
    let host = plain_primary(&solo);
    host.psql("CREATE SCHEMA repmgr AUTHORIZATION plain");
    host.repmgr(&["cluster", "event"]).code(1).says("no repmgr metadata");
    host.repmgr(&["primary", "register"]).ok().says("without an extension");
    host.psql("DROP VIEW repmgr.show_nodes; DROP TABLE repmgr.voting_term");

    let refused = host.repmgr(&["primary", "register"]).code(1);
    refused.says("incomplete").says("repmgr.voting_term, repmgr.show_nodes").says("--force");
    host.repmgr(&["cluster", "event"]).code(1).says("incomplete");
    host.repmgr(&["primary", "unregister", "-F"]).code(1).says("incomplete");
    host.repmgr(&["primary", "register", "-F", "--dry-run"]).ok().says("would complete");
    host.repmgr(&["primary", "register", "-F"]).ok().says("completed");
    assert_eq!(host.psql("SELECT node_name FROM repmgr.show_nodes"), "node1");
    assert_eq!(host.psql("SELECT term FROM repmgr.voting_term"), "1");

    host.psql("ALTER TABLE repmgr.nodes RENAME config_file TO other");
    host.repmgr(&["primary", "register", "-F"]).code(1).says("repmgr.nodes.config_file");
}

#[test]
fn metadata_of_a_newer_version_are_left_alone() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.repmgr(&["primary", "register"]).ok();
    for (newer, older, says) in [
        (
            "INSERT INTO hg_repmgr.version VALUES (99)",
            "DELETE FROM hg_repmgr.version WHERE version = 99",
            "schema \"hg_repmgr\" version 99",
        ),
        (
            "UPDATE pg_extension SET extversion = '6.0' WHERE extname = 'repmgr'",
            "UPDATE pg_extension SET extversion = '5.3' WHERE extname = 'repmgr'",
            "extension \"repmgr\" 6.0",
        ),
    ] {
        host.psql(newer);
        for args in [
            vec!["primary", "register", "-F"],
            vec!["primary", "register", "-F", "--dry-run"],
            vec!["cluster", "event"],
        ] {
            host.repmgr(&args)
                .code(1)
                .says("made by a newer version")
                .says(says)
                .says("same version of this program");
        }
        host.psql(older);
    }
    assert_eq!(host.psql("SELECT count(*) FROM repmgr.events"), "2");
    host.repmgr(&["primary", "register", "-F"]).ok();
}

#[test]
fn a_column_of_another_type_is_an_error_and_no_panic() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.repmgr(&["primary", "register"]).ok();
    host.psql("ALTER TABLE hg_repmgr.version ALTER version TYPE bigint");
    host.repmgr(&["primary", "register", "-F"])
        .code(7)
        .says("cannot be read")
        .says("schemas \"repmgr\" and \"hg_repmgr\"")
        .never_says("panicked");
    host.psql(
        "ALTER TABLE hg_repmgr.version ALTER version TYPE int;
         ALTER TABLE repmgr.events ALTER event_timestamp DROP NOT NULL;
         CREATE FUNCTION timeless() RETURNS trigger LANGUAGE plpgsql AS
         'BEGIN NEW.event_timestamp = NULL; RETURN NEW; END';
         CREATE TRIGGER timeless BEFORE INSERT ON repmgr.events FOR EACH ROW EXECUTE FUNCTION timeless()",
    );
    host.repmgr(&["primary", "register", "-F"]).ok().never_says("panicked");
}

#[test]
fn steps_that_are_lacking_are_made_once_by_two_at_once() {
    let solo = Solo::new(1);
    let host = plain_primary(&solo);
    host.repmgr(&["primary", "register"]).ok();
    for steps in [
        "DELETE FROM hg_repmgr.version WHERE version > 1; DROP TABLE hg_repmgr.node_address",
        "DROP SCHEMA hg_repmgr CASCADE",
    ] {
        host.psql(steps);
        let runs: Vec<_> =
            (0..3).map(|_| host.repmgr_command(&["primary", "register", "-F"]).start()).collect();
        for run in runs {
            run.wait(Duration::from_secs(60)).ok();
        }
        assert_eq!(host.psql("SELECT version FROM hg_repmgr.version ORDER BY 1"), "1\n2");
    }
}

#[test]
fn without_the_right_to_our_own_schema_repmgrs_part_works() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.psql(
        "CREATE ROLE plain LOGIN; CREATE EXTENSION repmgr; GRANT USAGE ON SCHEMA repmgr TO plain;
         GRANT ALL ON ALL TABLES IN SCHEMA repmgr TO plain",
    );
    write_plain_conf(host);
    host.append(
        &host.conf_path(),
        "virtual_ip=192.0.2.9\nnetwork_card=lab9\nvip_up_command=true\nvip_down_command=true\n",
    );
    host.repmgr(&["primary", "register"])
        .ok()
        .says("going on without it")
        .says("registered primary \"node1\" (ID: 1)");
    host.repmgr(&["primary", "unregister", "-F"]).ok();
    host.psql("REVOKE ALL ON ALL TABLES IN SCHEMA repmgr FROM plain");
    host.repmgr(&["primary", "register"]).code(7).says("permission denied").says("GRANT");
    host.psql("REVOKE ALL ON SCHEMA repmgr FROM plain");
    host.repmgr(&["primary", "register"]).code(7).says("permission denied").says("GRANT");
    host.repmgr(&["primary", "unregister", "-F"]).code(7).says("permission denied").says("GRANT");
}

#[test]
fn a_server_process_that_dies_in_the_middle_leaves_nothing_half_made() {
    let solo = Solo::new(1);
    let host = plain_primary(&solo);
    // Each command that makes a view waits.
    host.psql(
        "CREATE FUNCTION public.slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(30); END';
         CREATE EVENT TRIGGER slow ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION public.slow()",
    );
    let run = host.repmgr_command(&["primary", "register"]).start();
    let seen = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'plain' AND wait_event = 'PgSleep'";
    wait_for("the view to be made", Duration::from_secs(20), || host.psql(seen) == "1");
    host.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plain'");
    run.wait(Duration::from_secs(20)).code(7).says("unable to create the repmgr metadata");
    assert_eq!(schemas(host), "");
    host.psql("DROP EVENT TRIGGER slow");
    host.repmgr(&["primary", "register"]).ok();
}

#[test]
fn the_search_path_of_a_role_leads_nowhere() {
    let solo = Solo::new(1);
    let host = plain_primary(&solo);
    host.psql(
        "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO plain;
         CREATE FUNCTION evil.boom(int, int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''taken in''; END';
         CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.boom);
         CREATE FUNCTION evil.booms(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''taken in''; END';
         CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.booms);
         ALTER ROLE plain SET search_path = evil, pg_catalog",
    );
    for args in
        [vec!["primary", "register"], vec!["primary", "register", "-F"], vec!["primary", "unregister", "-F"]]
    {
        host.repmgr(&args).ok().never_says("taken in");
    }
}

#[test]
fn oldest_and_newest_servers_take_the_plain_tables() {
    for major in [10, 18] {
        let postgres = Postgres::version(major);
        let solo = Solo::with(1, &postgres, &Program::under_test());
        let host = solo.host(1).init_primary(&PgOptions { identity: Identity::Own, ..PgOptions::default() });
        host.write_conf("");
        host.repmgr(&["primary", "register"]).ok().says("without an extension");
        assert_eq!(host.psql("SELECT repmgr.get_local_node_id()"), "1");
        assert_eq!(host.psql("SELECT count(*) FROM repmgr.replication_status"), "0");
        host.repmgr(&["primary", "register", "-F"]).ok();
        host.repmgr(&["primary", "unregister", "-F"]).ok();
    }
}
