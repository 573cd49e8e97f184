//! `repmgr node check`, beside the original in good and in bad states.

use crate::cluster::{Host, Identity, PgOptions, Postgres, Program, Solo, Stop, wait_for};
use crate::compat::{Pair, diff, normalise};
use std::fmt::Write;
use std::time::Duration;

/// Longer than one loaded machine needs for anything here.
const PATIENCE: Duration = Duration::from_secs(30);

const SINGLE: [&str; 9] = [
    "--role",
    "--replication-lag",
    "--archive-ready",
    "--upstream",
    "--downstream",
    "--slots",
    "--missing-slots",
    "--repmgrd",
    "--data-directory-config",
];

/// Which forms are compared.
#[derive(Clone, Copy)]
enum Forms {
    /// Every form of both commands.
    All,
    /// The lists, and these single checks.
    Of(&'static [&'static str]),
}

fn forms(wanted: Forms) -> Vec<Vec<&'static str>> {
    match wanted {
        Forms::All => every_form(),
        Forms::Of(checks) => {
            let list = [vec!["node", "check"], vec!["node", "check", "--csv"], vec!["node", "status"]];
            let single = checks.iter().flat_map(|&check| {
                [&[][..], &["--nagios"], &["--optformat"]]
                    .map(|more| [&["node", "check", check], more].concat())
            });
            list.into_iter().chain([vec!["node", "status", "--csv"]]).chain(single).collect()
        }
    }
}

fn every_form() -> Vec<Vec<&'static str>> {
    let mut forms: Vec<Vec<&str>> = vec![
        vec!["node", "check"],
        vec!["node", "check", "--csv"],
        vec!["node", "check", "--optformat"],
        vec!["node", "check", "--nagios"],
        vec!["node", "check", "--db-connection"],
        vec!["node", "check", "--db-connection", "--optformat"],
        vec!["node", "check", "--db-connection", "--nagios"],
        vec!["node", "check", "--replication-config-owner", "--optformat"],
        vec!["node", "check", "--replication-config-owner"],
        vec!["node", "check", "--replication-connection"],
        vec!["node", "check", "--replication-connection", "--remote-node-id=1"],
        vec!["node", "check", "--replication-connection", "--remote-node-id=77"],
        vec!["node", "check", "--has-passfile"],
        vec!["node", "status"],
        vec!["node", "status", "--verbose"],
        vec!["node", "status", "--csv"],
        vec!["node", "status", "--is-shutdown-cleanly"],
    ];
    for check in SINGLE {
        forms.push(vec!["node", "check", check]);
        forms.extend(["--nagios", "--optformat", "--csv"].map(|output| vec!["node", "check", check, output]));
    }
    forms
}

/// The lag of a paused standby grows between two looks.
fn without_lag(text: &str) -> String {
    let mut out = String::new();
    for word in normalise(text).split_inclusive([' ', '\n', ';', '"', '(', '=']) {
        let digits = word.chars().take_while(char::is_ascii_digit).count();
        let lag = out.ends_with("lag=") || out.ends_with("Replication lag: ") || out.ends_with("OK: ");
        let seconds = digits > 0 && word[digits..].starts_with(' ');
        if digits > 0 && (lag || seconds) {
            out.push('N');
            out.push_str(&word[digits..]);
        } else {
            out.push_str(word);
        }
    }
    out
}

/// Runs every form with both programs; stops the test with all differences.
fn compare(why: &str, hosts: &[&Host], wanted: Forms) {
    compare_but(why, hosts, wanted, |_| false);
}

/// The same without the forms that differ on purpose.
fn compare_but(why: &str, hosts: &[&Host], wanted: Forms, differs: impl Fn(&str) -> bool) {
    let mut found = String::new();
    for host in hosts {
        for form in forms(wanted).into_iter().filter(|form| !differs(&form.join(" "))) {
            let pair = Pair::run(host, &form);
            let (theirs, ours) = (without_lag(&pair.original.stdout), without_lag(&pair.ours.stdout));
            if theirs != ours || pair.original.code != pair.ours.code {
                writeln!(
                    found,
                    "== {} {} (codes {} and {})\n{}{}",
                    host.name,
                    form.join(" "),
                    pair.original.code,
                    pair.ours.code,
                    diff(&theirs, &ours),
                    pair.ours.stderr
                )
                .unwrap();
            }
        }
    }
    assert!(found.is_empty(), "{why}:\n{found}");
}

/// A primary, a standby, and a standby of that standby, registered by the original.
fn cascade(solo: &Solo) -> [&Host; 3] {
    let options = PgOptions {
        conf: "shared_preload_libraries = 'repmgr'\narchive_mode = on\narchive_command = 'false'".to_owned(),
        ..PgOptions::default()
    };
    let primary = solo.host(1).init_primary(&options);
    let (middle, last) = (solo.host(2).join(primary), solo.host(3));
    last.join(middle);
    for host in solo.hosts() {
        host.write_conf("");
    }
    primary.original(&["primary", "register"]).ok();
    middle.catch_up(primary);
    middle.original(&["standby", "register", "--upstream-node-id=1"]).ok();
    last.catch_up(primary);
    last.original(&["standby", "register", "--upstream-node-id=2"]).ok();
    last.catch_up(primary);
    [primary, middle, last]
}

fn set(primary: &Host, others: &[&Host], sql: &str) {
    primary.psql(sql);
    for host in others {
        host.catch_up(primary);
    }
}

#[test]
fn slots_archiving_and_lag_read_as_with_the_original() {
    let solo = Solo::with(3, &Postgres::installed(), &Program::under_test());
    let [primary, middle, last] = cascade(&solo);
    compare("all well", &[primary, middle, last], Forms::All);

    set(primary, &[middle, last], "UPDATE repmgr.nodes SET active = false WHERE node_id = 2");
    compare("an inactive record", &[middle], Forms::Of(&["--role"]));

    primary.psql("SELECT pg_create_physical_replication_slot('idle')");
    set(
        primary,
        &[middle, last],
        "UPDATE repmgr.nodes SET slot_name = 'repmgr_slot_' || node_id WHERE node_id > 1",
    );
    compare("a slot inactive, slots missing", &[primary, middle], Forms::Of(&["--slots", "--missing-slots"]));

    let archive = format!("{}/pg_wal/archive_status", primary.data_directory());
    for (count, why) in [(17, "beyond the warning"), (140, "beyond the limit")] {
        primary
            .shell(&format!("for i in $(seq {count}); do : >{archive}/$(printf %024d $i).ready; done"))
            .ok();
        compare(&format!("archive backlog {why}"), &[primary], Forms::Of(&["--archive-ready"]));
    }
    primary.shell(&format!("rm -f {archive}/0000000000000000*.ready")).ok();

    middle.psql("SELECT pg_wal_replay_pause()");
    primary.psql("CREATE TABLE t AS SELECT 1 AS a");
    let written = primary.psql("SELECT pg_current_wal_flush_lsn()");
    wait_for("the lag to grow", PATIENCE, || {
        middle.psql(&format!(
            "SELECT pg_last_wal_receive_lsn() >= '{written}' AND now() - pg_last_xact_replay_timestamp() > '2 s'"
        )) == "t"
    });
    middle.write_conf("replication_lag_warning=1\nreplication_lag_critical=600");
    compare("lag beyond the warning", &[middle], Forms::Of(&["--replication-lag"]));
    middle.write_conf("replication_lag_warning=1\nreplication_lag_critical=2");
    compare("lag beyond the limit", &[middle], Forms::Of(&["--replication-lag"]));
    middle.psql("SELECT pg_wal_replay_resume()");
}

#[test]
fn roles_and_data_directories_read_as_with_the_original() {
    let solo = Solo::with(3, &Postgres::installed(), &Program::under_test());
    let [primary, middle, last] = cascade(&solo);
    let elsewhere = middle.path("elsewhere");
    middle.shell(&format!("mkdir -p {elsewhere}/pg_wal/archive_status")).ok();
    middle.write_conf(&format!("data_directory='{elsewhere}'"));
    compare("another data directory", &[middle], Forms::Of(&["--data-directory-config", "--archive-ready"]));
    middle.write_conf(&format!("data_directory='{}/none'", middle.home.display()));
    compare("a data directory that is not there", &[middle], Forms::All);
    middle.write_conf("");

    set(
        primary,
        &[middle, last],
        "UPDATE repmgr.nodes SET type = 'primary', upstream_node_id = NULL WHERE node_id = 2",
    );
    compare(
        "registered as primary, running as standby",
        &[middle],
        Forms::Of(&["--role", "--upstream", "--replication-lag"]),
    );
    set(
        primary,
        &[middle, last],
        "UPDATE repmgr.nodes SET type = 'standby', upstream_node_id = 1 WHERE node_id = 2",
    );

    set(primary, &[middle, last], "UPDATE repmgr.nodes SET upstream_node_id = NULL WHERE node_id = 3");
    compare("a standby without an upstream", &[last], Forms::Of(&["--upstream"]));
    set(primary, &[middle, last], "UPDATE repmgr.nodes SET upstream_node_id = 2 WHERE node_id = 3");

    last.psql("SELECT pg_promote()");
    compare(
        "registered as standby, running as primary; two primaries",
        &[last, middle, primary],
        Forms::Of(&["--role", "--upstream", "--downstream", "--replication-lag"]),
    );
    last.write_conf("node_id=42");
    compare("not registered", &[last], Forms::Of(&["--role"]));
    last.write_conf("");
    last.stop_pg(Stop::Fast);
    // Ours refuses a wrong command line before it connects, and does not list what libpq fills in by itself.
    compare_but("down", &[last], Forms::All, |form| {
        let wrong = form.contains("check --nagios")
            || form.ends_with("-owner")
            || form.contains(" --csv") && form.contains("check --") && !form.ends_with("check --csv");
        wrong || form.ends_with("--db-connection")
    });
    compare("its child is gone", &[middle], Forms::Of(&["--downstream"]));
}

#[test]
fn a_witness_and_a_standby_whose_upstream_is_down_read_as_with_the_original() {
    let solo = Solo::with(3, &Postgres::installed(), &Program::under_test());
    let [primary, middle, _] = cascade(&solo);
    primary.stop_pg(Stop::Immediate);
    // The original prints half of this list before it gives up.
    compare_but("the upstream is down", &[middle], Forms::All, |form| form == "node check --optformat");
    middle.repmgr(&["node", "check", "--json"]).code(6).says("cannot connect to upstream node");

    let witness = solo.host(3);
    witness.stop_pg(Stop::Fast);
    witness.shell(&format!("rm -rf {}", witness.data_directory())).ok();
    let options = PgOptions {
        conf: "shared_preload_libraries = 'repmgr'".to_owned(),
        identity: Identity::Own,
        ..PgOptions::default()
    };
    witness.init_primary(&options);
    witness.psql("CREATE EXTENSION repmgr");
    witness.psql(&format!(
        "INSERT INTO repmgr.nodes VALUES (1, NULL, true, 'node1', 'primary', 'default', 100, '{}', 'repmgr', NULL, 'x'),
         (3, 1, true, 'node3', 'witness', 'default', 0, '{}', 'repmgr', NULL, 'x')",
        primary.conninfo(),
        witness.conninfo()
    ));
    compare("a witness", &[witness], Forms::All);
}

#[test]
fn without_metadata_the_reason_is_told_in_words() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    for command in ["check", "status"] {
        host.repmgr(&["node", command])
            .code(1)
            .says("ERROR: this database holds no repmgr metadata")
            .says("HINT: ")
            .never_says("relation");
    }
    host.repmgr(&["node", "check", "--db-connection"]).ok().says("OK ()");
}

#[test]
fn a_server_that_hangs_is_given_up_after_the_time_to_connect() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.sigstop_pg();
    let limit = Duration::from_secs(6);
    host.repmgr(&["node", "check"]).code(6).within(limit).says("ERROR: cannot connect to local node");
    host.repmgr(&["node", "status"]).code(6).within(limit);
    host.repmgr(&["node", "check", "--role", "--optformat"])
        .code(6)
        .within(limit)
        .says("--error=DB_CONNECTION");
    host.repmgr(&["node", "check", "--db-connection"])
        .code(2)
        .within(limit)
        .says("CRITICAL (connection parameters");
    host.repmgr(&["node", "status", "--is-shutdown-cleanly"]).ok().within(limit).says("--state=UP");
    host.sigcont_pg();
}

#[test]
fn a_role_that_may_see_little_gets_what_can_be_told() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    host.psql(
        "CREATE ROLE meek LOGIN; GRANT USAGE ON SCHEMA repmgr TO meek; GRANT SELECT ON repmgr.nodes TO meek",
    );
    let conninfo = host.conninfo().replace("user=repmgr", "user=meek");
    host.write_conf(&format!("conninfo='{conninfo}'"));
    let check = &["node", "check", "--data-directory-config"];
    host.repmgr(check).ok().says("OK (configured").says("HINT: use -S/--superuser");
    host.repmgr(&[&check[..], &["-S", "repmgr"]].concat()).ok().never_says("HINT");
    compare("a role without privileges", &[host], Forms::All);
}

#[test]
fn the_daemon_is_asked_for_through_the_extension() {
    let solo = Solo::new(1);
    let conf = "shared_preload_libraries = 'repmgr'".to_owned();
    let host = solo.host(1).init_primary(&PgOptions { conf, ..PgOptions::default() });
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    let pid = host.postmaster_pid().expect("a server");
    let forms = Forms::Of(&["--repmgrd"]);
    compare("no daemon", &[host], forms);
    // A process that is there stands for the daemon.
    host.psql(&format!("SELECT repmgr.set_repmgrd_pid({pid}, '/tmp/x')"));
    compare("it runs", &[host], forms);
    host.repmgr(&["node", "check", "--repmgrd", "--nagios"]).ok().says("REPMGRD OK: repmgrd running");
    host.psql("SELECT repmgr.repmgrd_pause(true)");
    compare("it is paused", &[host], forms);
    host.repmgr(&["node", "check", "--repmgrd"]).code(1).says("WARNING (repmgrd running but paused)");
    host.psql("ALTER EXTENSION repmgr DROP FUNCTION repmgr.repmgrd_is_running(); DROP FUNCTION repmgr.repmgrd_is_running()");
    host.repmgr(&["node", "check", "--repmgrd"]).code(3).says("UNKNOWN (repmgrd status unknown)");
}

#[test]
fn without_the_extension_everything_is_told_but_the_state_of_the_daemon() {
    let solo = Solo::new(2);
    let primary = solo.host(1).init_primary(&PgOptions::default());
    primary
        .psql("CREATE ROLE plain LOGIN REPLICATION IN ROLE pg_monitor; ALTER DATABASE repmgr OWNER TO plain");
    let standby = solo.host(2).join(primary);
    for host in [primary, standby] {
        let conninfo = host.conninfo().replace("user=repmgr", "user=plain");
        host.write_conf(&format!("conninfo='{conninfo}'"));
    }
    primary.repmgr(&["primary", "register"]).ok();
    standby.catch_up(primary);
    standby.repmgr(&["standby", "register"]).ok();
    standby.catch_up(primary);
    for host in [primary, standby] {
        assert_eq!(host.psql("SELECT count(*) FROM pg_extension WHERE extname = 'repmgr'"), "0");
        host.repmgr(&["node", "check"]).ok().says("Server role: OK").says("data_directory\" is \"");
        host.repmgr(&["node", "status"]).ok().says("Role: ");
        host.repmgr(&["node", "check", "--repmgrd"]).code(3).says("UNKNOWN (repmgrd status unknown)");
    }
    primary.sigstop_pg();
    let limit = Duration::from_secs(6);
    standby.repmgr(&["node", "check", "--upstream"]).code(6).within(limit).says("upstream node \"node1\"");
    standby.repmgr(&["node", "check"]).code(6).within(limit);
    standby.repmgr(&["node", "check", "--role"]).ok();
    primary.sigcont_pg();
}
