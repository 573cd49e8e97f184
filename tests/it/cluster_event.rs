//! `repmgr cluster event` beside the original's, byte by byte.

use super::cluster_common::registered;
use crate::cluster::{Out, PgOptions, Solo, Stop};
use crate::compat::Pair;

/// The rows were written before: not even a time differs.
#[track_caller]
fn the_same(pair: &Pair) -> Out {
    pair.same_code();
    assert_eq!(pair.original.stdout, pair.ours.stdout);
    assert_eq!(pair.ours.stderr, "");
    pair.ours.clone()
}

/// Events of two nodes, one of which is not registered (any more).
fn with_events() -> Solo {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    host.psql(
        "INSERT INTO repmgr.events SELECT 1 + g % 2, 'repmgrd_start', g % 3 > 0,
            '2026-01-01 00:00:00+00'::timestamptz + g * '1 second'::interval,
            CASE WHEN g % 5 > 0 THEN 'detail ' || g END FROM generate_series(1, 30) g",
    );
    solo
}

#[test]
fn every_option_of_cluster_event_prints_what_the_original_prints() {
    let solo = with_events();
    let host = solo.host(1);
    for (lines, options) in [
        (20, &[][..]),
        (5, &["--limit=5"]),
        (32, &["--all"]),
        (3, &["--all", "--limit=3"]),
        (30, &["--all", "--event=repmgrd_start"]),
        (17, &["--all", "--node-id=1"]),
        (17, &["--all", "--node-name=node1"]),
        (1, &["--node-id=1", "--event=cluster_created"]),
        (0, &["--node-id=1", "--event=nothing"]),
        (0, &["--event=nothing"]),
    ] {
        for form in [None, Some("--compact"), Some("--csv")] {
            let args: Vec<&str> = ["cluster", "event"].iter().chain(options).copied().chain(form).collect();
            let ours = the_same(&Pair::run(host, &args));
            let rows = match (form, lines) {
                (_, 0) => 1,
                (Some("--csv"), n) => n,
                // Headings, a rule, and an empty line behind.
                (_, n) => n + 3,
            };
            assert_eq!(ours.stdout.lines().count(), rows, "{ours}");
        }
    }
    the_same(&Pair::run(host, &["cluster", "events"]));
}

#[test]
fn a_limit_that_is_no_number_is_refused() {
    let solo = with_events();
    for limit in ["--limit=x", "--limit=-1", "--limit="] {
        let out = solo.host(1).repmgr(&["cluster", "event", limit]).code(1);
        assert!(out.stdout.is_empty() && out.stderr.contains("--limit"), "{out}");
    }
}

#[test]
fn json_holds_every_field_and_nothing_else_is_printed() {
    let solo = with_events();
    let out = solo.host(1).repmgr(&["cluster", "event", "--json", "--limit=2"]).ok();
    let rows: serde_json::Value = serde_json::from_str(&out.stdout).expect("JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(2), "{out}");
    assert!(rows[0]["node_id"].is_i64() && rows[0]["successful"].is_boolean(), "{out}");
    let none = solo.host(1).repmgr(&["cluster", "event", "--json", "--event=nothing"]).ok();
    assert_eq!(none.stdout.trim(), "[]");
}

#[test]
fn a_node_that_is_not_registered_is_refused_unless_it_left_events() {
    let solo = with_events();
    let host = solo.host(1);
    for option in ["--node-id=77", "--node-name=nobody"] {
        let pair = Pair::run(host, &["cluster", "event", option]);
        pair.same_code().same_stdout();
        pair.ours.code(1).says(option.split('=').nth(1).unwrap());
    }
    // The original refuses here too; what an unregistered node did is still worth knowing.
    let past = host.repmgr(&["cluster", "event", "--all", "--csv", "--node-id=2"]).ok();
    assert_eq!(past.stdout.lines().count(), 15, "{past}");
}

#[test]
fn columns_stand_below_one_another_in_every_script() {
    // The original counts bytes and sets too wide; this is ours.
    let solo = with_events();
    let host = solo.host(1);
    host.psql("INSERT INTO repmgr.events VALUES (1, 'standby_failure', false, now(), '主节点 down: détail')");
    let out = host.repmgr(&["cluster", "event", "--limit=1"]).ok();
    let lines: Vec<&str> = out.stdout.lines().collect();
    assert!(lines[2].ends_with("| 主节点 down: détail") && lines[1].ends_with(&"-".repeat(21)), "{out}");
    assert!(!lines[1].ends_with(&"-".repeat(22)), "{out}");
}

#[test]
fn control_characters_of_an_event_do_not_reach_the_terminal() {
    let solo = with_events();
    let host = solo.host(1);
    host.psql(
        "INSERT INTO repmgr.events VALUES (1, 'standby_failure', false, now(), E'\\x1b[2Jgone\\nnext')",
    );
    let out = host.repmgr(&["cluster", "event", "--limit=1"]).ok();
    assert!(!out.stdout.contains('\x1b') && out.stdout.contains("gone next"), "{out}");
    assert_eq!(out.stdout.lines().count(), 4, "{out}");
}

#[test]
fn a_standby_tells_the_same_events_and_a_server_that_is_down_none() {
    let lab = registered(&[1]);
    let (primary, standby) = (lab.host(1), lab.host(2));
    the_same(&Pair::run(standby, &["cluster", "event"]));
    primary.stop_pg(Stop::Fast);
    the_same(&Pair::run(standby, &["cluster", "event", "--csv"]));
    let pair = Pair::run(primary, &["cluster", "event"]);
    pair.same_code().same_stdout();
    pair.ours.code(6).says("HINT: ");
}
