//! `repmgr cluster show` beside the original's, on healthy and on broken clusters.

use super::cluster_common::{
    OURS, SOON, issues, registered, shows_alike, wait_attached, wait_detached, without,
};
use crate::cluster::{Identity, Lab, PgOptions, Solo, Stop, wait_for};
use crate::compat::Pair;

/// What takes the way to its upstream from a standby.
const CUT: &str = "ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'";

#[test]
fn a_healthy_cluster_with_a_cascade_is_shown_as_by_the_original() {
    let lab = registered(&[1, 2]);
    for host in lab.hosts() {
        let ours = shows_alike("healthy", host, &[]);
        assert_eq!((ours.code, ours.stderr.as_str()), (0, ""));
    }
    let csv = Pair::run(lab.host(1), &["cluster", "show", "--csv"]);
    assert_eq!(csv.original.stdout, csv.ours.stdout, "CSV byte by byte");
    assert_eq!(csv.ours.stdout, "1,0,0\n2,0,1\n3,0,1\n");
    let verbose = lab.host(1).repmgr(&["cluster", "show", "-v"]).ok();
    assert!(verbose.stderr.contains("INFO: asking every registered node"), "{verbose}");
    assert!(verbose.stderr.contains(&lab.host(1).conf_path()), "{verbose}");
}

#[test]
fn our_own_columns_tell_lag_and_position_of_standbys_only() {
    let lab = registered(&[1]);
    let (primary, standby) = (lab.host(1), lab.host(2));
    standby.psql("SELECT pg_wal_replay_pause()");
    primary.psql("CREATE TABLE t AS SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g");
    let at = standby.psql("SELECT pg_last_wal_replay_lsn()");
    let shown = primary.repmgr(&["cluster", "show"]).ok().stdout;
    let lag = |line: &str| line.split('|').rev().nth(1).unwrap().trim().to_owned();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        (lag(lines[2]), lines[2].ends_with("| none             ")),
        ("n/a".to_owned(), true),
        "{shown}"
    );
    assert!(lag(lines[3]).ends_with(" kB"), "{shown}");
    assert!(lines[3].trim_end().ends_with(&format!("| {at}")), "{shown}");
    standby.psql("SELECT pg_wal_replay_resume()");
    standby.catch_up(primary);
    primary.repmgr(&["cluster", "show"]).ok().says("| 0 bytes");

    let json = primary.repmgr(&["cluster", "show", "--json"]).ok().stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["nodes"][0]["replication_lag_bytes"], serde_json::Value::Null);
    assert_eq!(json["nodes"][1]["replication_lag_bytes"], 0);
    assert_eq!(json["nodes"][1]["upstream"], "node1");
    assert_eq!(json["nodes"][1]["in_recovery"], true);
    assert_eq!(json["issues"], serde_json::json!([]));

    for host in lab.hosts() {
        let hg = host.write_conf("compatibility=hg");
        let shown = host.command(&[&host.path("bin/repmgr"), "-f", &hg, "cluster", "show"]).run().ok().stdout;
        let headings: Vec<&str> = shown.lines().next().unwrap().split('|').map(str::trim).collect();
        assert_eq!(
            headings,
            [
                "ID",
                "Name",
                "Role",
                "Status",
                "Upstream",
                "Location",
                "Priority",
                "Replication lag",
                "Last replayed LSN"
            ]
        );
    }
}

#[test]
fn a_standby_down_inactive_or_detached_is_shown_as_by_the_original() {
    let lab = registered(&[1, 2]);
    let (primary, middle, last) = (lab.host(1), lab.host(2), lab.host(3));
    let active = |value: &str| {
        primary.psql(&format!("UPDATE repmgr.nodes SET active = {value} WHERE node_id = 3"));
        middle.catch_up(primary);
    };
    last.stop_pg(Stop::Fast);
    shows_alike("a standby is down", primary, &[]).code(25).says("? unreachable | ? node2");
    shows_alike("a standby is down, seen by another", middle, &[]).code(25);
    active("false");
    shows_alike("down and inactive", primary, &[]).code(25).says("- failed");
    last.start_pg();
    wait_attached(last, middle);
    last.catch_up(primary);
    shows_alike("up and inactive", primary, &[]).code(25).says("! running");
    shows_alike("up and inactive, seen by itself", last, &[]).code(25);
    active("true");
    last.catch_up(primary);
    shows_alike("well again", primary, &[]).code(0);

    last.psql(CUT);
    last.reload_pg();
    wait_detached(last, middle);
    shows_alike("detached", primary, &[]).code(25).says("! node2");
    primary.psql("UPDATE repmgr.nodes SET upstream_node_id = 1 WHERE node_id = 3");
    middle.catch_up(primary);
    shows_alike("registered below another than it believes", primary, &[]).code(25).says("! node2");
    last.psql("ALTER SYSTEM RESET primary_conninfo");
    middle.stop_pg(Stop::Fast);
    shows_alike("the upstream that it believes in is down", primary, &[]).code(25);
    primary.psql("UPDATE repmgr.nodes SET upstream_node_id = 2 WHERE node_id = 3");
    shows_alike("the upstream is down", primary, &[]).code(25).says("? node2");
}

#[test]
fn a_primary_down_and_two_primaries_are_shown_as_by_the_original() {
    let lab = registered(&[1, 1]);
    let (primary, two, three) = (lab.host(1), lab.host(2), lab.host(3));
    primary.stop_pg(Stop::Immediate);
    for host in [two, three] {
        shows_alike("the primary is down", host, &[]).code(25).says("? unreachable | ? ");
    }
    Pair::run(primary, &["cluster", "show"]).same_code().same_stdout();
    assert_eq!(primary.repmgr(&["cluster", "show"]).code, 6, "the own node is down");
    two.psql("SELECT pg_promote()");
    two.wait_for_primary().psql("CHECKPOINT");
    shows_alike("promoted by hand, the primary is down", two, &[]).code(25).says("! running as primary");
    shows_alike("promoted by hand, seen by a sibling", three, &["Timeline"]).code(25);
    two.psql("UPDATE repmgr.nodes SET active = false WHERE node_id = 1");
    two.psql("UPDATE repmgr.nodes SET type = 'primary', upstream_node_id = NULL WHERE node_id = 2");
    shows_alike("the record of the failed primary is inactive", two, &["Timeline"]).code(25).says("- failed");
    primary.start_pg();
    for host in [primary, two, three] {
        shows_alike("two primaries", host, &["Timeline"]).code(25);
    }
    assert!(two.repmgr(&["cluster", "show"]).stderr.contains("its record says inactive"));
}

#[test]
fn a_registered_primary_that_runs_as_a_standby_is_shown_as_by_the_original() {
    let lab = registered(&[1]);
    let (primary, standby) = (lab.host(1), lab.host(2));
    primary.stop_pg(Stop::Fast);
    primary.write(&format!("{}/standby.signal", primary.data_directory()), "");
    primary.start_pg();
    wait_attached(standby, primary);
    shows_alike("all are standbys", primary, &[]).code(25).says("! running as standby");
    standby.psql("SELECT pg_promote()");
    standby.wait_for_primary().psql("CHECKPOINT");
    for host in [primary, standby] {
        shows_alike("the roles are exchanged", host, &[]).code(25).says("! running as primary");
    }
}

#[test]
fn the_timeline_is_the_one_of_now_where_the_original_tells_the_last_checkpoints() {
    let lab = registered(&[1]);
    let standby = lab.host(2);
    lab.host(1).stop_pg(Stop::Fast);
    // Promotion by itself makes no checkpoint that has to be over at once.
    standby.psql("SELECT pg_promote()");
    standby.wait_for_primary();
    let shown = standby.repmgr(&["cluster", "show", "--json"]).code(25).stdout;
    let json: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(json["nodes"][1]["timeline"], 2, "{shown}");
}

#[test]
fn a_witness_is_shown_as_by_the_original() {
    let lab = Lab::new(3);
    let (primary, standby, witness) = (lab.host(1), lab.host(2), lab.host(3));
    primary.init_primary(&PgOptions::default()).write_conf("");
    witness.init_primary(&PgOptions { identity: Identity::Own, ..PgOptions::default() });
    standby.join(primary).write_conf("");
    witness.write_conf("");
    primary.original(&["primary", "register"]).ok();
    standby.catch_up(primary);
    standby.original(&["standby", "register"]).ok();
    witness.original(&["witness", "register", "-h", "node1", "-U", "repmgr", "-d", "repmgr"]).ok();
    standby.catch_up(primary);
    for host in [primary, standby, witness] {
        shows_alike("with a witness", host, &[]).code(0).says("| witness | * running | node1");
    }
    witness.stop_pg(Stop::Fast);
    shows_alike("the witness is down", primary, &[]).code(25).says("? unreachable | ? node1");
    primary.psql("UPDATE repmgr.nodes SET active = false WHERE node_id = 3");
    shows_alike("the witness is down and inactive", primary, &[]).code(25).says("- failed");
    witness.start_pg();
    // The original ends with 25 here and names no reason; ours does.
    Pair::run(primary, &["cluster", "show", "--csv"]).same_code().same_stdout();
    primary
        .repmgr(&["cluster", "show"])
        .code(25)
        .says("| witness | ! running")
        .says("its record says inactive");
    let hba = format!("{}/pg_hba.conf", witness.data_directory());
    let open = witness.read(&hba);
    witness.write(&hba, "local all all trust\n");
    witness.reload_pg();
    shows_alike("an inactive witness turns us away", primary, &[]).code(25).says("! failed");
    primary.psql("UPDATE repmgr.nodes SET active = true WHERE node_id = 3");
    shows_alike("a witness turns us away", primary, &[]).code(25).says("? rejected");
    witness.write(&hba, &open);
    witness.reload_pg();
    witness.psql("UPDATE repmgr.nodes SET upstream_node_id = 2 WHERE node_id = 3");
    shows_alike("the witness believes in another upstream", primary, &[]).code(25).says("! node2");
    witness.psql("UPDATE repmgr.nodes SET upstream_node_id = NULL WHERE node_id = 3");
    let none = Pair::run(primary, &["cluster", "show", "--csv"]);
    none.same_code().same_stdout();
    // Alike but for the words: the original says the same of a standby in ours.
    let none = Pair::run(primary, &["cluster", "show"]);
    assert!(
        none.ours.stdout.contains("| * running | !  ") && none.original.stdout.contains("| * running | !  ")
    );
    assert_eq!((issues(&none.original).len(), issues(&none.ours).len()), (1, 1), "{none:?}");
    witness.psql("DELETE FROM repmgr.nodes WHERE node_id = 3");
    shows_alike("the witness does not know itself", primary, &[]).says("? node1");
    witness.psql(&format!(
        "INSERT INTO repmgr.nodes VALUES (3, 1, true, 'node3', 'witness', 'default', 0, '{}', 'repmgr', NULL, '/x')",
        witness.conninfo()
    ));
    primary.stop_pg(Stop::Fast);
    for host in [standby, witness] {
        shows_alike("the primary is down, a witness is there", host, &[]).code(25);
    }
}

#[test]
fn a_server_that_takes_no_connections_is_shown_as_by_the_original() {
    let lab = registered(&[1]);
    let (primary, standby) = (lab.host(1), lab.host(2));
    // A standby that may not be asked, and waits for WAL that nobody has, stays in its start-up.
    standby.stop_pg(Stop::Immediate);
    standby.append(&format!("{}/postgresql.conf", standby.data_directory()), "hot_standby = off\n");
    let (data, log) = (standby.data_directory(), standby.log_path());
    standby.pg_ctl(&["-D", &data, "-l", &log, "-W", "start"]).ok();
    let ready = standby.postgres.program("pg_isready");
    wait_for("a server that rejects", SOON, || {
        standby.run_as_postgres(&[&ready, "-h", "node2"]).stdout.contains("rejecting")
    });
    wait_attached(standby, primary);
    shows_alike("starting", primary, &[]).code(25).says("? unreachable");
    primary.psql("UPDATE repmgr.nodes SET active = false WHERE node_id = 2");
    shows_alike("starting and inactive", primary, &[]).code(25).says("- failed");
    primary.repmgr(&["cluster", "show", "-v"]).code(25).says("the database system is ");
    Pair::run(standby, &["cluster", "show"]).same_code().same_stdout();
}

#[test]
fn nodes_that_do_not_answer_are_waited_for_at_the_same_time() {
    let lab = registered(&[1, 1, 1]);
    let primary = lab.host(1);
    lab.host(2).sigstop_pg();
    lab.black_hole(lab.host(3));
    lab.drop_port(lab.host(4), 5432);
    let pair = Pair::run(primary, &["cluster", "show", "--csv"]);
    pair.same_code().same_stdout();
    let ours = primary.repmgr(&["cluster", "show"]).code(25).says("? unreachable");
    eprintln!("bench: three silent nodes of connect_timeout=2: original {:?}", pair.original.took);
    eprintln!("bench: three silent nodes of connect_timeout=2: ours {:?}", ours.took);
    assert!(ours.took.as_secs_f64() < 4.0, "less than two of them, one after the other:\n{ours}");
    lab.host(2).sigcont_pg();
}

#[test]
fn causes_and_issues_are_told_as_asked_for() {
    let solo = Solo::new(2);
    let primary = solo.host(1).init_primary(&PgOptions::default());
    primary.write_conf("");
    primary.original(&["primary", "register"]).ok();
    primary.psql(
        "INSERT INTO repmgr.nodes VALUES (2, 1, true, 'node2', 'standby', 'default', 100,
            'host=127.0.0.1 port=1 user=repmgr dbname=repmgr password=hush', 'repmgr', NULL, '/x')",
    );
    let show = |more: &[&str]| primary.repmgr(&[&["cluster", "show"], more].concat()).code(25);
    let plain = show(&[]).never_says("hush").never_says("refused");
    assert!(plain.stderr.contains("HINT: add -v/--verbose"), "{plain}");
    let verbose = show(&["--verbose"]).never_says("hush");
    assert!(
        verbose.stderr.contains("Connection refused") && !verbose.stderr.contains("--verbose"),
        "{verbose}"
    );
    for quiet in ["-t", "-q", "--terse", "--quiet"] {
        assert_eq!(show(&[quiet]).stderr, "", "{quiet}");
        assert_eq!(primary.original(&["cluster", "show", quiet]).stderr, "", "{quiet}");
    }
    assert_eq!(show(&["--csv"]).stderr, "");
    assert!(!show(&["--json"]).never_says("hush").stdout.contains("\"issues\": []"));
}

#[test]
fn colours_are_for_terminals_of_people_who_want_them() {
    let solo = Solo::new(1);
    let primary = solo.host(1).init_primary(&PgOptions::default());
    let conf = primary.write_conf("");
    primary.original(&["primary", "register"]).ok();
    primary.psql("UPDATE repmgr.nodes SET active = false");
    let on_terminal = |environment: &str| {
        let program = primary.path("bin/repmgr");
        let line = format!("{environment} {program} -f {conf} cluster show");
        primary.run_as_postgres(&["script", "-qec", &line, "/dev/null"]).code(25).stdout
    };
    let coloured = on_terminal("TERM=xterm");
    assert!(coloured.contains("\x1b[31m! running"), "{coloured:?}");
    for environment in ["TERM=xterm NO_COLOR=1", "TERM=dumb"] {
        let plain = on_terminal(environment);
        assert!(plain.contains("! running") && !plain.contains('\x1b'), "{environment}: {plain:?}");
    }
    let piped = primary.command(&[&primary.path("bin/repmgr"), "-f", &conf, "cluster", "show"]);
    assert!(!piped.env("TERM", "xterm").run().stdout.contains('\x1b'));
    let without_ours = without(&primary.repmgr(&["cluster", "show"]).stdout, &OURS);
    assert!(without_ours.starts_with(" ID | Name "), "{without_ours}");
}
