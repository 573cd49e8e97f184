//! `repmgr cluster show` where the way to the data is barred: passwords, `pg_hba.conf`, metadata, no file.

use super::cluster_common::{registered, shows_alike};
use crate::cluster::{Host, PgOptions, Solo};
use crate::compat::Pair;

/// A registered primary on loopback.
fn primary() -> Solo {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    solo
}

/// Makes the server ask by other rules.
fn hba(host: &Host, text: &str) {
    host.write(&format!("{}/pg_hba.conf", host.data_directory()), &format!("local all all trust\n{text}\n"));
    host.reload_pg();
}

#[test]
fn a_node_that_turns_us_away_is_shown_as_by_the_original() {
    let lab = registered(&[1]);
    let (primary, standby) = (lab.host(1), lab.host(2));
    // Replication goes on: it is the questions that are refused.
    for (why, rules, cause) in [
        ("no entry", "host replication all all trust", "no pg_hba.conf entry"),
        ("rejected", "host replication all all trust\nhost all all all reject", "rejects connection"),
        (
            "a password is asked for",
            "host replication all all trust\nhost all all all scram-sha-256",
            "password",
        ),
    ] {
        hba(standby, rules);
        shows_alike(why, primary, &[]).code(25).says("? running");
        primary.repmgr(&["cluster", "show", "-v"]).code(25).says(cause);
    }
    primary.psql("UPDATE repmgr.nodes SET active = false WHERE node_id = 2");
    shows_alike("rejecting and inactive", primary, &[]).code(25).says("! running");
    primary.psql("UPDATE repmgr.nodes SET active = true WHERE node_id = 2");
    hba(standby, "host all,replication all all trust");
    standby.catch_up(primary);
    primary.psql("ALTER ROLE repmgr CONNECTION LIMIT 0; ALTER ROLE repmgr NOSUPERUSER");
    Pair::run(primary, &["cluster", "show"]).same_code().same_stdout();
    assert_eq!(primary.repmgr(&["cluster", "show"]).code, 6);
}

#[test]
fn a_wrong_password_ends_with_6_and_is_not_printed() {
    let solo = primary();
    let host = solo.host(1);
    hba(host, "host all all all scram-sha-256");
    let conf = host.write_conf("");
    let set = |conninfo: &str| {
        let text = host.read(&conf);
        let text: Vec<_> = text.lines().filter(|l| !l.starts_with("conninfo")).collect();
        host.write(&conf, &format!("{}\nconninfo='{conninfo}'\n", text.join("\n")));
    };
    for password in ["", "password=sesame-wrong"] {
        set(&format!("{} {password}", host.conninfo()));
        for args in
            [&["cluster", "show"][..], &["cluster", "event"], &["cluster", "matrix"], &["cluster", "cleanup"]]
        {
            let pair = Pair::run(host, args);
            pair.same_stdout();
            assert_eq!(pair.ours.code, 6, "{pair:?}");
            assert!(!pair.ours.stderr.contains("sesame"), "{}", pair.ours);
            assert!(
                pair.ours.stderr.contains("DETAIL") && pair.ours.stderr.contains("password"),
                "{}",
                pair.ours
            );
        }
        Pair::run(host, &["cluster", "show"]).same_code();
    }
    host.psql("ALTER ROLE repmgr PASSWORD 'sesame'");
    set(&format!("{} password=sesame", host.conninfo()));
    // The record has none, so that the node itself is not let in.
    shows_alike("no password in the record", host, &[]).code(25).says("? running").never_says("sesame");
}

#[test]
fn a_password_file_that_is_missing_wrong_or_open_to_all_is_told_of() {
    let solo = primary();
    let host = solo.host(1);
    hba(host, "host all all all scram-sha-256");
    host.psql("ALTER ROLE repmgr PASSWORD 'sesame'");
    let file = host.path("passfile");
    host.write_conf(&format!("conninfo='{} passfile={file}'", host.conninfo()));
    for (why, make, code, says) in [
        ("missing", "true".to_owned(), 6, "no password supplied"),
        (
            "wrong",
            format!("echo '*:*:*:*:sesame-wrong' > {file}; chmod 600 {file}"),
            6,
            "authentication failed",
        ),
        (
            "open to all",
            format!("echo '*:*:*:*:sesame' > {file}; chmod 644 {file}"),
            6,
            "group or world access",
        ),
        ("not for us", format!("chmod 000 {file}"), 6, "no password supplied"),
        ("right", format!("chmod 600 {file}"), 0, "primary_register"),
    ] {
        host.shell(&make).ok();
        let out = host.repmgr(&["cluster", "event"]).never_says("sesame");
        assert!(out.code == code && format!("{}{}", out.stdout, out.stderr).contains(says), "{why}: {out}");
        assert!(code == 0 || out.stderr.contains("HINT"), "{why}: {out}");
    }
}

#[test]
fn a_file_that_all_may_read_and_that_holds_a_password_is_warned_of() {
    let solo = primary();
    let host = solo.host(1);
    let conf = host.write_conf("");
    let text = host.read(&conf).replace("connect_timeout=2'", "connect_timeout=2 password=sesame'");
    host.write(&conf, &text);
    let quiet = host.repmgr(&["cluster", "show"]).ok();
    assert_eq!(quiet.stderr, "", "0600");
    host.shell(&format!("chmod 644 {conf}")).ok();
    let warned = host.repmgr(&["cluster", "show"]).ok().never_says("sesame");
    assert!(warned.stderr.starts_with("WARNING: ") && warned.stderr.contains(&conf), "{warned}");
    Pair::run(host, &["cluster", "show", "--csv"]).same_code().same_stdout();
    assert_eq!(host.repmgr(&["cluster", "show", "-q"]).ok().stderr, "");
}

#[test]
fn without_usable_metadata_every_command_says_so_and_prints_nothing() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    for (why, sql, says) in [
        ("nothing registered", "SELECT 1", "no repmgr metadata"),
        ("an empty schema", "CREATE SCHEMA repmgr", "no repmgr metadata"),
        ("half made", "CREATE TABLE repmgr.nodes (node_id int)", "incomplete"),
        (
            "newer",
            "DROP SCHEMA repmgr CASCADE; CREATE EXTENSION repmgr; CREATE SCHEMA hg_repmgr;
             CREATE TABLE hg_repmgr.version (version int); INSERT INTO hg_repmgr.version VALUES (999)",
            "newer version",
        ),
    ] {
        host.psql(sql);
        for command in ["show", "event", "matrix", "crosscheck", "cleanup"] {
            let out = host.repmgr(&["cluster", command]);
            assert_eq!((out.code, out.stdout.as_str()), (1, ""), "{why}: {out}");
            assert!(out.stderr.contains(says) && out.stderr.contains("HINT: "), "{why}: {out}");
        }
    }
    host.psql("DROP SCHEMA hg_repmgr CASCADE; DROP EXTENSION repmgr; DROP SCHEMA IF EXISTS repmgr CASCADE");
    Pair::run(host, &["cluster", "show"]).same_code().same_stdout();
}

#[test]
fn a_cluster_without_a_node_is_met_as_by_the_original() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.psql("CREATE EXTENSION repmgr");
    shows_alike("no node", host, &[]).code(1);
    for args in [
        &["cluster", "event"][..],
        &["cluster", "event", "--csv"],
        &["cluster", "matrix"],
        &["cluster", "matrix", "--csv"],
        &["cluster", "crosscheck"],
    ] {
        Pair::run(host, args).same_code().same_stdout();
    }
}

#[test]
fn a_node_that_is_not_registered_sees_the_others() {
    let lab = registered(&[1]);
    let other = lab.host(2);
    let conf = other
        .read(&other.conf_path())
        .replace("node_id=2", "node_id=9")
        .replace("node2'\nconn", "stranger'\nconn");
    other.write(&other.conf_path(), &conf);
    shows_alike("an unregistered node", other, &[]).code(0);
}

#[test]
fn without_a_file_the_options_name_the_server() {
    let solo = primary();
    let host = solo.host(1);
    let (ours, original) = (host.path("bin/repmgr"), host.postgres.program("repmgr"));
    let port = host.port.to_string();
    let conninfo = host.conninfo();
    for (why, options) in [
        ("each by itself", vec!["-h", "127.0.0.1", "-p", &port, "-U", "repmgr", "-d", "repmgr"]),
        ("a connection string", vec!["-d", &conninfo]),
    ] {
        for form in ["--csv", "--compact"] {
            let words = |program: &str| {
                let head: Vec<String> = vec![program.to_owned()];
                let tail = options.iter().map(|o| (*o).to_owned());
                let words: Vec<String> = head
                    .into_iter()
                    .chain(tail)
                    .chain(["cluster", "show", form].map(str::to_owned))
                    .collect();
                // Not at home, where a file would be found.
                let there = ["sh", "-c", "cd run && exec \"$@\"", "--"];
                let words: Vec<&str> = there.into_iter().chain(words.iter().map(String::as_str)).collect();
                host.run_as_postgres(&words)
            };
            let (theirs, own) = (words(&original), words(&ours));
            assert_eq!(theirs.code, own.code, "{why}\n{theirs}{own}");
            assert_eq!(own.code, 0, "{why}\n{own}");
            if form == "--csv" {
                assert_eq!(theirs.stdout, own.stdout, "{why}");
            }
        }
    }
    let nothing = host.shell(&format!("cd run && exec '{ours}' cluster show"));
    assert_eq!((nothing.code, nothing.stdout.as_str()), (1, ""), "{nothing}");
}

#[test]
fn options_beside_a_file_change_only_what_they_name() {
    let solo = primary();
    let host = solo.host(1);
    for (why, options) in [
        ("a database", vec!["-d", "repmgr"]),
        ("a role", vec!["-U", "repmgr"]),
        ("a host", vec!["-h", "127.0.0.1"]),
    ] {
        let args = [&options[..], &["cluster", "show", "--csv"]].concat();
        let pair = Pair::run(host, &args);
        assert_eq!(pair.ours.code, 0, "{why}: {pair:?}");
        pair.same_code().same_stdout();
    }
}
