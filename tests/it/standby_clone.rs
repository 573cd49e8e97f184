//! `repmgr standby clone`: what it makes, what it refuses. How it may be cut off: `standby_clone_cut.rs`.

use crate::cluster::{Host, Identity, Lab, Out, PgOptions, Solo, Stop, User, wait_for};
use std::time::Duration;

/// A server that answers after a start, two loaded cores.
const SOON: Duration = Duration::from_secs(30);

/// A running, registered primary.
pub fn primary<'a>(host: &'a Host, options: &PgOptions) -> &'a Host {
    host.init_primary(options);
    host.write_conf("use_replication_slots=yes");
    host.repmgr(&["primary", "register"]).ok();
    host
}

/// `repmgr -h … -p … -U repmgr -d repmgr standby clone -c …` on `host`.
pub fn clone(host: &Host, source: &Host, more: &[&str]) -> Out {
    host.repmgr_command(&words(source, more).iter().map(String::as_str).collect::<Vec<_>>()).run()
}

/// The words of that command line.
pub fn words(source: &Host, more: &[&str]) -> Vec<String> {
    let port = source.port.to_string();
    let head = ["-h", &source.address, "-p", &port, "-U", "repmgr", "-d", "repmgr", "standby", "clone", "-c"];
    head.iter().chain(more).map(|&w| w.to_owned()).collect()
}

/// Starts a clone on its own port and waits until it streams from `upstream`.
pub fn starts_as_standby(host: &Host, upstream: &Host) {
    host.place_server(&host.data_directory());
    host.start_pg();
    assert_eq!(host.psql("SELECT pg_is_in_recovery()"), "t");
    let sql = format!("SELECT count(*) FROM pg_stat_replication WHERE application_name = '{}'", host.name);
    wait_for("the standby to stream", SOON, || upstream.psql(&sql) == "1");
}

/// What its settings file says.
fn auto_conf(host: &Host) -> String {
    host.read(&format!("{}/postgresql.auto.conf", host.data_directory()))
}

#[test]
fn a_clone_streams_from_its_upstream_by_its_slot_and_is_recorded() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.write_conf("use_replication_slots=yes\nrecovery_min_apply_delay='10ms'");
    let dry = clone(two, one, &["--dry-run"]).ok();
    dry.says("every check for \"standby clone\" passed").says("-X stream -S repmgr_slot_2");
    assert!(!two.exists(&two.data_directory()), "a dry run makes nothing");
    assert_eq!(one.psql("SELECT count(*) FROM pg_replication_slots"), "0");

    clone(two, one, &[]).ok().says("is whole");
    let conf = auto_conf(two);
    assert!(conf.contains("application_name=node2'"), "{conf}");
    assert!(conf.contains("primary_slot_name = 'repmgr_slot_2'"), "{conf}");
    assert!(conf.contains("recovery_min_apply_delay = '10ms'"), "{conf}");
    assert!(!conf.contains("dbname"), "{conf}");
    let mode = two.shell(&format!("stat -c %a {0}; ls -A {0}", two.data_directory())).ok().stdout;
    assert!(mode.starts_with("700\n"), "{mode}");
    assert!(!mode.to_lowercase().contains("unfinished"), "{mode}");
    starts_as_standby(two, one);
    assert_eq!(one.psql("SELECT slot_name, active FROM pg_replication_slots"), "repmgr_slot_2|t");
    assert_eq!(
        one.psql("SELECT node_id, successful, details FROM repmgr.events WHERE event = 'standby_clone'"),
        format!(
            "2|t|cloned from host \"127.0.0.1\", port {}; backup method: pg_basebackup; --force: N",
            one.port
        )
    );
}

#[test]
fn a_cascaded_clone_has_its_slot_on_the_upstream_alone() {
    let solo = Solo::new(3);
    let one = primary(solo.host(1), &PgOptions::default());
    let (two, three) = (solo.host(2), solo.host(3));
    for host in [two, three] {
        host.write_conf("use_replication_slots=yes");
    }
    clone(two, one, &[]).ok();
    starts_as_standby(two, one);
    insert_record(one, two, 1);
    two.catch_up(one);
    clone(three, one, &["--upstream-node-id=2", "--verify-backup"]).ok().says("node \"node2\" (ID: 2)");
    starts_as_standby(three, two);
    assert_eq!(one.psql("SELECT slot_name FROM pg_replication_slots"), "repmgr_slot_2");
    assert_eq!(two.psql("SELECT slot_name, active FROM pg_replication_slots"), "repmgr_slot_3|t");
    // A standby can be the source as well; the record of the event goes to the primary.
    three.stop_pg(Stop::Fast);
    clone(three, two, &["-F"]).ok();
    assert!(
        auto_conf(three).contains(&format!("port={}", one.port)),
        "the primary is the upstream by default"
    );
    assert_eq!(one.psql("SELECT count(*) FROM repmgr.events WHERE event = 'standby_clone'"), "3");
}

fn insert_record(primary: &Host, node: &Host, upstream: usize) {
    primary.psql(&format!(
        "INSERT INTO repmgr.nodes (node_id, upstream_node_id, active, node_name, type, location, priority,
         conninfo, repluser, slot_name, config_file)
         VALUES ({id}, {upstream}, true, '{}', 'standby', 'default', 100, '{}', 'repmgr', 'repmgr_slot_{id}', '{}')",
        node.name,
        node.conninfo(),
        node.conf_path(),
        id = node.id,
    ));
}

#[test]
fn what_lies_there_is_replaced_only_when_asked_and_never_while_it_runs() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.init_primary(&PgOptions { identity: Identity::Own, ..PgOptions::default() });
    // The node's own configuration may lie in the data directory, and the source's must not take its place.
    one.append(&format!("{}/repmgr.conf", one.data_directory()), "node_id=1\n");
    let conf = format!("{}/repmgr.conf", two.data_directory());
    two.write_conf("");
    two.shell(&format!("mv {} {conf}; ln -s {conf} {}", two.conf_path(), two.conf_path())).ok();
    let run = |more: &[&str]| {
        let mut argv = vec![two.path("bin/repmgr"), "-f".to_owned(), conf.clone()];
        argv.extend(words(one, more));
        two.run_as_postgres(&argv.iter().map(String::as_str).collect::<Vec<_>>())
    };
    run(&["-F"]).code(1).says("is running").says("does not override");
    two.stop_pg(Stop::Fast);
    run(&[]).code(1).says("is a PostgreSQL data directory").says("-F/--force");
    run(&["-F", "--dry-run"]).ok().says("another cluster").says("will be removed");
    assert!(two.exists(&format!("{}/global/pg_control", two.data_directory())), "a dry run removes nothing");
    run(&["-F"]).ok().says("stays");
    assert!(two.read(&conf).contains("node_id=2"));
    starts_as_standby(two, one);

    two.stop_pg(Stop::Fast);
    two.shell(&format!("rm -rf {0}; mkdir {0}; touch {0}/precious", two.data_directory())).ok();
    two.shell(&format!("rm {}", two.conf_path())).ok();
    two.write_conf("");
    clone(two, one, &[]).code(1).says("is not empty");
    assert!(two.exists(&format!("{}/precious", two.data_directory())));
    clone(two, one, &["-F"]).ok();
    assert!(!two.exists(&format!("{}/precious", two.data_directory())));
}

#[test]
fn each_thing_that_is_wrong_with_the_source_is_said_and_nothing_is_changed() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.write_conf("use_replication_slots=yes");
    let refused = |more: &[&str], code: i32, says: &str| {
        clone(two, one, more).code(code).says(says);
        assert!(!two.exists(&two.data_directory()), "{says}: nothing is made");
        assert_eq!(one.psql("SELECT count(*) FROM pg_replication_slots WHERE slot_name LIKE 'repmgr%'"), "0");
    };
    refused(&["--upstream-node-id=9"], 1, "upstream node 9 is not registered");
    refused(&["--upstream-node-id=2"], 1, "its own upstream");
    refused(&["--upstream-node-id=1", "--upstream-conninfo=host=x"], 1, "exclude each other");
    refused(&["-d", "postgres"], 1, "no repmgr metadata");
    refused(&["-U", "nobody"], 6, "cannot connect to the source node");
    one.psql("UPDATE repmgr.nodes SET node_name = 'node2' WHERE node_id = 1");
    refused(&[], 1, "has the name \"node2\" already");
    one.psql("UPDATE repmgr.nodes SET node_name = 'node1'");
    two.write_conf("use_replication_slots=yes\ntablespace_mapping='/nowhere=/x'");
    refused(&[], 1, "where the source has no tablespace");
    two.write_conf("use_replication_slots=yes\nbarman_host='b'\nbarman_server='s'");
    refused(&[], 19, "--without-barman");
    refused(&["--without-barman", "--replication-user=weak"], 1, "replication connections");
    two.write_conf("use_replication_slots=yes");
    for n in 0..10 {
        one.psql(&format!("SELECT pg_create_physical_replication_slot('s{n}')"));
    }
    refused(&[], 1, "no replication slot is free");
    one.psql("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots");
    one.append(&format!("{}/postgresql.conf", one.data_directory()), "max_wal_senders=1\nhot_standby=off\n");
    one.restart_pg();
    let out = clone(two, one, &[]).code(1);
    out.says("\"hot_standby\" is not on").says("not enough walsenders").says("by at least 1");
    one.append(&format!("{}/postgresql.conf", one.data_directory()), "max_wal_senders=4\nhot_standby=on\n");
    one.append(&format!("{}/postgresql.conf", one.data_directory()), "shared_preload_libraries='repmgr'\n");
    one.restart_pg();
    clone(two, one, &["--dry-run"]).ok().never_says("repmgr.so");
    // Client programs alone, with no library beside them.
    let bare = two.path("bare/bin");
    two.shell(&format!("mkdir -p {bare}; cp {} {bare}", two.postgres.program("pg_basebackup"))).ok();
    two.write_conf(&format!("pg_bindir='{bare}'"));
    clone(two, one, &["--dry-run"]).ok().says("will not start").says("repmgr.so");
    two.write_conf("use_replication_slots=yes");
    one.append(&format!("{}/postgresql.conf", one.data_directory()), "shared_preload_libraries=''\n");
    one.restart_pg();
    one.sigstop_pg();
    let out = clone(two, one, &[]).code(6).within(Duration::from_secs(5));
    one.sigcont_pg();
    out.says("timeout expired");
    one.stop_pg(Stop::Fast);
    clone(two, one, &[]).code(6).says("cannot connect to the source node").says("server is running");
}

#[test]
fn a_role_without_the_right_to_replicate_is_told_what_to_grant() {
    let solo = Solo::new(2);
    let hba = "local all,replication all trust\nhost all repmgr,weak,pw 127.0.0.1/32 trust\n\
               host replication repmgr,weak 127.0.0.1/32 trust\nhost replication pw 127.0.0.1/32 scram-sha-256\n";
    let one = primary(solo.host(1), &PgOptions { hba: hba.to_owned(), ..PgOptions::default() });
    one.psql("CREATE ROLE weak LOGIN");
    one.psql("CREATE ROLE pw LOGIN REPLICATION PASSWORD 'geheim'");
    one.psql("CREATE ROLE stranger LOGIN REPLICATION");
    let two = solo.host(2);
    two.write_conf("");
    clone(two, one, &["--replication-user=weak"]).code(1).says("ALTER ROLE \"weak\" REPLICATION");
    clone(two, one, &["--replication-user=stranger"]).code(1).says("pg_hba.conf").says("stranger");
    clone(two, one, &["--replication-user=pw"]).code(1).says("password");
    let with_password = |password: &str| {
        let args: Vec<String> = words(one, &["--replication-user=pw"]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        two.repmgr_command(&args).env("PGPASSWORD", password).run().never_says(password)
    };
    with_password("falsch").code(1).says("password authentication failed");
    assert!(!two.exists(&two.data_directory()));
    with_password("geheim").ok();
    let conf = auto_conf(two);
    assert!(conf.contains("user=pw") && !conf.contains("geheim"), "{conf}");
    two.write_conf("use_primary_conninfo_password=yes");
    two.shell(&format!("rm -rf {}", two.data_directory())).ok();
    with_password("geheim").ok();
    assert!(auto_conf(two).contains("password=geheim"));
    // The password as part of -d goes to the program by its environment.
    two.write_conf("");
    let conninfo = format!("host=127.0.0.1 port={} user=pw password=geheim dbname=repmgr", one.port);
    let out = two.repmgr(&["-d", &conninfo, "standby", "clone", "-c", "-F", "--replication-user=pw"]);
    out.code(7).never_says("geheim").says("permission denied for schema repmgr");
    one.psql("GRANT USAGE ON SCHEMA repmgr, hg_repmgr TO pw");
    one.psql("GRANT SELECT ON ALL TABLES IN SCHEMA repmgr, hg_repmgr TO pw");
    let out = two.repmgr(&["-d", &conninfo, "standby", "clone", "-c", "-F", "--replication-user=pw"]);
    out.ok().never_says("geheim");
}

#[test]
fn what_a_plain_role_may_not_see_a_named_superuser_sees() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    one.psql("CREATE ROLE plain LOGIN REPLICATION; GRANT USAGE ON SCHEMA repmgr, hg_repmgr TO plain");
    one.psql("GRANT SELECT ON ALL TABLES IN SCHEMA repmgr, hg_repmgr TO plain");
    let two = solo.host(2);
    two.write_conf("");
    let dry = |more: &[&str]| clone(two, one, &[&["--dry-run", "-U", "plain"], more].concat());
    dry(&[]).ok().says("is not known").says("pg_read_all_settings");
    dry(&["-S", "repmgr"]).ok().never_says("is not known");
    dry(&["-S", "plain"]).code(1).says("role \"plain\" is not a superuser");
    dry(&["-S", "nobody"]).code(6).says("as superuser \"nobody\"");
    assert!(!two.exists(&two.data_directory()));
}

#[test]
fn tablespaces_go_where_they_are_mapped() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    let (old, new, wal) = (one.path("space"), two.path("space2"), two.path("wal"));
    one.shell(&format!("mkdir {old}")).ok();
    one.psql(&format!("CREATE TABLESPACE space LOCATION '{old}'"));
    one.psql("CREATE TABLE t TABLESPACE space AS SELECT 7 AS a");
    two.write_conf("");
    clone(two, one, &[]).code(1).says("is not empty").says("tablespace_mapping");
    two.write_conf(&format!("tablespace_mapping='{old}={}'\npg_basebackup_options='--waldir={wal}'", new));
    two.shell(&format!("mkdir '{new}'; touch '{new}/mine'")).ok();
    clone(two, one, &["-F"]).code(1).says("does not belong to the copy");
    assert!(two.exists(&format!("{new}/mine")), "not even -F empties a stranger's folder");
    two.shell(&format!("rm '{new}/mine'")).ok();
    clone(two, one, &[]).ok();
    starts_as_standby(two, one);
    assert_eq!(two.psql("SELECT a FROM t"), "7");
    assert_eq!(two.shell(&format!("readlink {}/pg_wal", two.data_directory())).ok().stdout.trim(), wal);
    two.stop_pg(Stop::Fast);
    clone(two, one, &[]).code(1);
    // After pg_upgrade the cluster of the older version may still live there.
    two.shell(&format!("mkdir {new}/PG_14_202107181")).ok();
    clone(two, one, &["-F"]).code(1).says("\"PG_14_202107181\" in it does not");
    assert!(two.exists(&format!("{new}/PG_14_202107181")));
    assert!(two.exists(&format!("{}/global/pg_control", two.data_directory())), "nothing was removed");
    two.shell(&format!("rmdir {new}/PG_14_202107181")).ok();
    clone(two, one, &["-F"]).ok();
    starts_as_standby(two, one);
    assert_eq!(two.psql("SELECT a FROM t"), "7");
}

#[test]
fn replication_settings_alone_are_written_into_a_directory_that_is_there() {
    let solo = Solo::new(3);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    two.write_conf("");
    let conf_only = |more: &[&str]| clone(two, one, &[&["--recovery-conf-only"], more].concat());
    conf_only(&[]).code(1).says("is not a PostgreSQL data directory");
    two.join(one);
    conf_only(&[]).code(1).says("is running").says("-F");
    conf_only(&["-F", "--dry-run"]).ok().says("would write");
    conf_only(&["-F", "--upstream-conninfo=host=other port=1", "--recovery-min-apply-delay=5min"]).ok();
    let conf = auto_conf(two);
    assert!(conf.contains("host=other port=1 user=repmgr application_name=node2"), "{conf}");
    assert!(conf.contains("recovery_min_apply_delay = '5min'"), "{conf}");
    two.stop_pg(Stop::Fast);
    conf_only(&[]).ok();
    assert!(auto_conf(two).contains(&format!("port={}", one.port)));
    let three = solo.host(3).init_primary(&PgOptions { identity: Identity::Own, ..PgOptions::default() });
    three.stop_pg(Stop::Fast);
    three.write_conf("");
    clone(three, one, &["--replication-conf-only"]).code(1).says("is not a copy of the source node");
}

#[test]
fn a_clone_needs_no_configuration_file_and_no_options_for_its_host() {
    let solo = Solo::new(2);
    let one = primary(solo.host(1), &PgOptions::default());
    let two = solo.host(2);
    let (program, data, port) = (two.path("bin/repmgr"), two.data_directory(), one.port.to_string());
    let bindir = two.postgres.bindir.display().to_string();
    let head = [program.as_str(), "-p", &port, "-U", "repmgr", "-d", "repmgr", "-b", &bindir, "-c"];
    let run = |more: &[&str]| two.run_as_postgres(&[&head, more].concat());
    run(&["standby", "clone", "127.0.0.1"]).code(1).says("no configuration file");
    run(&["-D", &data, "standby", "clone"]).code(1).says("no source server given");
    run(&["-D", &data, "standby", "clone", "127.0.0.1"]).ok();
    starts_without_name(two, one);
}

fn starts_without_name(host: &Host, upstream: &Host) {
    host.place_server(&host.data_directory());
    host.start_pg();
    wait_for("a standby", SOON, || upstream.psql("SELECT count(*) FROM pg_stat_replication") == "1");
}

#[test]
fn missing_programs_foreign_owners_and_full_disks_are_found_before_anything_is_changed() {
    let lab = Lab::new(2);
    let one = primary(lab.host(1), &PgOptions::default());
    let two = lab.host(2);
    let data = two.data_directory();
    two.write_conf("pg_bindir='/nonexistent'");
    clone(two, one, &[]).code(1).says("pg_basebackup");
    two.write_conf("");
    two.run_as_root(&["mkdir", &data]).ok();
    clone(two, one, &[]).code(1).says("belongs to user \"root\"");
    two.run_as_root(&["rmdir", &data]).ok();
    let closed = two.path("closed");
    two.run_as_root(&["mkdir", "-m", "700", &closed]).ok();
    two.write_conf(&format!("data_directory='{closed}/data'"));
    clone(two, one, &[]).code(1).says("cannot be used");
    two.write_conf("");
    for size in ["60m", "130m"] {
        // 60 MB are too small for the copy by the numbers; 130 MB are not, but something else fills them.
        two.run_as_root(&["mkdir", "-p", &data]).ok();
        two.run_as_root(&[
            "mount",
            "-t",
            "tmpfs",
            "-o",
            &format!("size={size},uid=postgres,gid=postgres,mode=700"),
            "none",
            &data,
        ])
        .ok();
        if size == "60m" {
            clone(two, one, &[]).code(1).says("not enough room").says("needed");
        } else {
            one.psql("CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 3000)");
            one.psql("CHECKPOINT");
            let fill = format!(
                "while [ ! -e {data}/.repmgr_clone_unfinished ]; do sleep 0.01; done; dd if=/dev/zero of={data}/fill bs=1M 2>/dev/null; sleep 5; rm -f {data}/fill"
            );
            let filler = two.command(&["bash", "-c", &fill]).start();
            let out = clone(two, one, &[]);
            assert!(
                [14, 1].contains(&out.code),
                "pg_basebackup meets it, or the settings right after it: {out}"
            );
            out.says("No space left on device").says("room");
            drop(filler);
            assert_eq!(one.psql("SELECT count(*) FROM pg_replication_slots"), "0");
        }
        two.run_as_root(&["umount", "-l", &data]).ok();
    }
}

#[test]
fn root_clones_for_the_owner_of_the_directory_where_hg_repmgr_did() {
    let lab = Lab::new(2);
    let one = primary(lab.host(1), &PgOptions::default());
    let two = lab.host(2);
    let as_root = |how: &str| {
        two.write_conf(&format!("compatibility={how}"));
        let args = words(one, &[]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        two.repmgr_command(&args).user(User::Root).run()
    };
    as_root("repmgr").code(1);
    as_root("hg").ok();
    let foreign = format!("find {} ! -user postgres", two.data_directory());
    assert_eq!(two.shell(&foreign).ok().stdout, "", "all of it belongs to PostgreSQL's user");
    starts_as_standby(two, one);
}

#[test]
fn configuration_files_elsewhere_come_along_when_asked() {
    let lab = Lab::new(2);
    let one = lab.host(1);
    let two = lab.host(2);
    primary(one, &PgOptions::default());
    let etc = one.path("etc");
    let data = one.data_directory();
    one.shell(&format!("mkdir {etc}; mv {data}/postgresql.conf {data}/pg_hba.conf {etc}/; echo \"hba_file='{etc}/pg_hba.conf'\ndata_directory='{data}'\" >> {etc}/postgresql.conf")).ok();
    one.stop_pg(Stop::Fast);
    let options = format!("-c config_file={etc}/postgresql.conf");
    one.pg_ctl(&["-D", &etc, "-o", &options, "-l", &one.log_path(), "-w", "start"]).ok();
    two.write_conf("");
    clone(two, one, &[]).ok().says("they are not copied").says(&format!("{etc}/pg_hba.conf"));
    // rsync fails when the copy is in its place already.
    two.shell("mkdir -p broken; printf '#!/bin/sh\necho no rsync today >&2; exit 23\n' >broken/rsync; chmod +x broken/rsync")
        .ok();
    let words = words(one, &["--copy-external-config-files=pgdata"]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    two.shell(&format!("rm -rf {}", two.data_directory())).ok();
    let path = format!("{}:/usr/bin:/bin", two.path("broken"));
    let out = two.repmgr_command(&words).env("PATH", &path).run().code(2);
    out.says("no rsync today")
        .says("the clone need not be made again")
        .never_says("clone (using pg_basebackup) complete");
    assert!(two.exists(&format!("{}/global/pg_control", two.data_directory())), "the copy is whole");
    assert_eq!(
        one.psql(
            "SELECT count(*) FROM repmgr.events WHERE event = 'standby_clone' AND NOT successful
                  AND details LIKE 'cloned from %no rsync today%'"
        ),
        "1"
    );
    clone(two, one, &["-F", "--copy-external-config-files=pgdata"]).ok();
    assert!(two.read(&format!("{}/pg_hba.conf", two.data_directory())).contains("trust"));
    clone(two, one, &["-F", "--copy-external-config-files"]).ok();
    assert!(two.exists(&format!("{}/pg_hba.conf", two.path("etc"))));
    lab.refuse_port(one, 22);
    clone(two, one, &["-F", "--copy-external-config-files"]).code(12).says("ssh");
    assert!(two.exists(&format!("{}/global/pg_control", two.data_directory())), "nothing was removed");
}
