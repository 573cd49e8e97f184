//! What comes before every `repmgr cluster …`: the file, the user, where messages go, which primary it is.

use super::cluster_common::registered;
use crate::cluster::{Host, Lab, PgOptions, Solo, User};
use crate::compat::Pair;

fn primary() -> Solo {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    solo
}

/// A node's record below node1 that nobody answers for.
fn with_a_dead_node(host: &Host) {
    host.psql(
        "INSERT INTO repmgr.nodes VALUES (2, 1, true, 'node2', 'standby', 'default', 100,
            'host=127.0.0.1 port=1 user=repmgr dbname=repmgr', 'repmgr', NULL, '/x')",
    );
}

#[test]
fn root_is_refused_as_by_the_original_but_not_where_hg_repmgr_allowed_it() {
    let lab = Lab::new(1);
    let host = lab.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    let (conf, original) = (host.conf_path(), host.postgres.program("repmgr"));
    let theirs = host.run_as_root(&[&original, "-f", &conf, "cluster", "show"]);
    let ours = host.repmgr_command(&["cluster", "show"]).user(User::Root).run();
    assert_eq!((theirs.code, ours.code, ours.stdout.as_str()), (1, 1, ""), "{theirs}{ours}");
    assert!(ours.stderr.contains("root") && ours.stderr.contains("HINT: "), "{ours}");
    host.repmgr_command(&["--version"]).user(User::Root).run().ok();
    host.write_conf("compatibility=hg");
    host.repmgr_command(&["cluster", "show"]).user(User::Root).run().ok();
}

#[test]
fn a_file_that_is_missing_or_wrong_is_named() {
    let solo = primary();
    let host = solo.host(1);
    for (why, text, says) in [
        ("not there", None, "repmgr.conf"),
        ("empty", Some(""), "node_id"),
        ("a bad number", Some("node_id=x\nnode_name=a\nconninfo='host=a'\ndata_directory='/x'\n"), "node_id"),
        (
            "a bad connection string",
            Some("node_id=1\nnode_name=a\nconninfo='a b'\ndata_directory='/x'\n"),
            "conninfo",
        ),
    ] {
        match text {
            Some(text) => host.write(&host.conf_path(), text),
            None => drop(host.shell("rm repmgr.conf").ok()),
        }
        for args in [&["cluster", "show"][..], &["cluster", "event"], &["cluster", "cleanup"]] {
            let pair = Pair::run(host, args);
            pair.same_stdout();
            assert_eq!(pair.ours.code, 1, "{why}: {}", pair.ours);
            assert!(pair.ours.stderr.contains(says), "{why}: {}", pair.ours);
        }
    }
}

#[test]
fn the_level_comes_from_the_command_line_then_from_the_file() {
    let solo = primary();
    let host = solo.host(1);
    for (file, options, shown) in [
        ("", &[][..], true),
        ("log_level=ERROR", &[], false),
        ("log_level=ERROR", &["-L", "INFO"], true),
        ("", &["-LWARNING"], false),
        ("log_level=DEBUG", &["-q"], false),
        ("log_level=ERROR", &["--dry-run"], true),
    ] {
        host.write_conf(file);
        let out = host.repmgr(&[&["cluster", "cleanup"], options].concat()).ok();
        assert_eq!(out.stderr.contains("INFO: looking for the primary"), shown, "{file} {options:?}: {out}");
    }
    host.write_conf("");
    let out = host.repmgr(&["-L", "LOUD", "cluster", "cleanup"]).code(1);
    assert!(out.stderr.contains("LOUD"), "{out}");
}

#[test]
fn messages_go_into_the_log_file_where_that_is_asked_for_and_data_does_not() {
    let solo = primary();
    let host = solo.host(1);
    with_a_dead_node(host);
    let log = host.path("repmgr.log");
    host.write_conf(&format!("log_file='{log}'"));
    host.repmgr(&["cluster", "show"]).code(25).says("issues found: ");
    assert!(!host.exists(&log), "stderr unless asked");
    let out = host.repmgr(&["--log-to-file", "cluster", "show"]).code(25);
    assert!(out.stderr.is_empty() && out.stdout.contains("node2"), "{out}");
    let written = host.read(&log);
    assert!(written.starts_with('[') && written.contains("] [WARNING] issues found"), "{written}");
    host.write_conf("log_file='/nowhere/repmgr.log'");
    let out = host.repmgr(&["--log-to-file", "cluster", "show"]).code(25);
    assert!(
        out.stderr.contains("/nowhere/repmgr.log") && out.stderr.contains("node2"),
        "nothing is lost: {out}"
    );
}

#[test]
fn of_two_primaries_the_registered_one_is_written_to() {
    let lab = registered(&[1, 1]);
    let (one, two, three) = (lab.host(1), lab.host(2), lab.host(3));
    one.psql("UPDATE repmgr.nodes SET priority = 1");
    two.psql("SELECT pg_promote()");
    two.wait_for_primary();
    let history = "INSERT INTO repmgr.monitoring_history VALUES (1, 3, now(), now(), '0/1', '0/1', 0, 0)";
    let count = "SELECT count(*) FROM repmgr.monitoring_history";
    for host in [one, two] {
        host.psql(history);
    }
    three.repmgr(&["cluster", "cleanup"]).ok();
    assert_eq!((one.psql(count), two.psql(count)), ("0".to_owned(), "1".to_owned()));
    // Registered or not, a primary that was promoted by hand is better than none.
    one.kill9_pg();
    three.repmgr(&["cluster", "cleanup"]).ok();
    assert_eq!(two.psql(count), "0");
}
