//! The metadata of a site, which may not be as repmgr has made it.

mod session_support;

use hg_repmgr::pg::metadata::{EventFilter, all_nodes, list_events};
use hg_repmgr::pg::session::Failure;
use session_support::{Cluster, connect};

const TABLES: &str = "CREATE SCHEMA repmgr;
    CREATE TABLE repmgr.nodes (node_id int, upstream_node_id int, active bool, node_name text, type text,
        location text, priority int, conninfo text, repluser text, slot_name text, config_file text);
    CREATE TABLE repmgr.events (node_id int, event text, successful bool, event_timestamp timestamptz,
        details text);
    INSERT INTO repmgr.nodes VALUES (1, NULL, true, 'n1', 'primary', 'x', 100, 'host=n1', 'r', NULL, '/c');
    INSERT INTO repmgr.events VALUES (1, 'standby_clone', true, 'infinity', NULL)";

#[test]
fn columns_of_another_type_are_errors_and_do_not_end_the_program() {
    let Some(cluster) =
        Cluster::start("metadata", "", "local all all trust\nhost all all 127.0.0.1/32 trust")
    else {
        return;
    };
    cluster.psql(TABLES);
    let mut s = connect(&cluster.tcp()).unwrap();
    assert_eq!(all_nodes(&mut s).unwrap().len(), 1);
    assert_eq!(
        list_events(&mut s, &EventFilter::default()).unwrap()[0].timestamp,
        "",
        "infinity has no date"
    );

    for (why, change, column) in [
        ("a number that is wider", "ALTER TABLE repmgr.nodes ALTER priority TYPE bigint", "priority"),
        ("NULL where none is expected", "UPDATE repmgr.nodes SET priority = 1, conninfo = NULL", "conninfo"),
    ] {
        cluster.psql(change);
        // A plan of the old type is no longer good.
        let mut s = connect(&cluster.tcp()).unwrap();
        let error = all_nodes(&mut s).expect_err(why);
        assert!(error.is(Failure::Sql), "{why}: {error:?}");
        cluster.psql("ALTER TABLE repmgr.nodes ALTER priority TYPE int");
        assert!(error.message.contains(&format!("\"{column}\"")), "{why}: {error}");
    }
    cluster.psql("UPDATE repmgr.events SET node_id = NULL");
    assert!(list_events(&mut s, &EventFilter::default()).is_err());
}
