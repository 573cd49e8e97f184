//! A real server: found, started, stopped, killed, made a standby.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests may panic")]

use hg_repmgr::domain::version::ServerVersion;
use hg_repmgr::exit::Exit;
use hg_repmgr::pg::bindir;
use hg_repmgr::pg::control_file::{self, ClusterState};
use hg_repmgr::pg::ctl::{Action, ServiceSettings, StopWait, run_service};
use hg_repmgr::pg::postmaster::{self, Phase, ServerState};
use hg_repmgr::pg::standby_config::{self, StandbySettings};
use hg_repmgr::sys::clock::{Deadline, poll_until};
use hg_repmgr::sys::exec::{Output, Program};
use hg_repmgr::sys::files;
use hg_repmgr::sys::identity::Identity;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// A cluster in a directory of its own, stopped and removed at the end.
struct Cluster {
    home: PathBuf,
    settings: ServiceSettings,
    version: ServerVersion,
}

impl Cluster {
    /// `None`: there is no PostgreSQL on this machine.
    fn new(name: &str) -> Option<Self> {
        let Some(initdb) = bindir::find_program("initdb", None).ok().and_then(|p| p.canonicalize().ok())
        else {
            eprintln!("left out: no initdb on this machine");
            return None;
        };
        let home = std::env::temp_dir().join(format!("server-{}-{name}", std::process::id()));
        fs::create_dir_all(&home).expect("dir");
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&home, Some(postgres_uid()?), None).expect("chown");
        }
        let data = home.join("data");
        let settings = ServiceSettings {
            data_directory: data.clone(),
            pg_bindir: initdb.parent().map(Path::to_owned),
            ..ServiceSettings::default()
        };
        let mut cluster = Self { home, settings, version: ServerVersion(0) };
        cluster.ok("initdb", &["-D", &data.to_string_lossy(), "-A", "trust", "-N"]);
        let major = fs::read_to_string(data.join("PG_VERSION")).expect("version");
        let own = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\n",
            cluster.home.display()
        );
        fs::write(data.join("own.conf"), own).expect("conf");
        let conf = fs::read_to_string(data.join("postgresql.conf")).expect("conf");
        fs::write(data.join("postgresql.conf"), conf + "\ninclude 'own.conf'\n").expect("conf");
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(data.join("own.conf"), Some(postgres_uid()?), None).expect("chown");
        }
        cluster.version = ServerVersion(major.trim().parse::<u32>().expect("number") * 10_000);
        Some(cluster)
    }

    fn data(&self) -> &Path {
        &self.settings.data_directory
    }

    fn program(&self, name: &str, args: &[&str]) -> Output {
        let path = bindir::find_program(name, self.settings.pg_bindir.as_deref()).expect("program");
        let who = Identity::owner_of(&self.home).expect("owner");
        Program::new(path).args(args).env("LC_ALL", "C").run_as(who).run(soon()).expect("start")
    }

    fn ok(&self, name: &str, args: &[&str]) -> String {
        let out = self.program(name, args);
        assert!(out.success(), "{name}: {}", out.complaint());
        out.stdout_text()
    }

    fn sql(&self, sql: &str) -> String {
        self.ok("psql", &["-h", &self.home.to_string_lossy(), "-XAtc", sql, "postgres"])
    }

    fn does(&self, action: Action) {
        run_service(action, &self.settings, soon()).unwrap_or_else(|why| panic!("{action:?}: {why}"));
    }

    fn down(&self) -> ClusterState {
        match postmaster::state(self.data()).expect("state") {
            ServerState::Down(control) => control.state,
            ServerState::Running(server) => panic!("running: {server:?}"),
        }
    }

    fn running(&self) -> postmaster::Postmaster {
        match postmaster::state(self.data()).expect("state") {
            ServerState::Running(server) => server,
            ServerState::Down(control) => panic!("down: {control:?}"),
        }
    }

    /// Ours beside what pg_controldata says.
    fn compare_control_file(&self, data: &Path) {
        let ours = control_file::read(data).expect("control file");
        let text = self.ok("pg_controldata", &["-D", &data.to_string_lossy()]);
        let theirs: HashMap<&str, &str> =
            text.lines().filter_map(|l| l.split_once(':')).map(|(k, v)| (k, v.trim())).collect();
        let lsn = ours.min_recovery.map_or_else(|| "0/0".to_owned(), |(lsn, _)| lsn.to_string());
        for (key, value) in [
            ("pg_control version number", ours.control_version.to_string()),
            ("Catalog version number", ours.catalog_version.to_string()),
            ("Database system identifier", ours.system_identifier.to_string()),
            ("Database cluster state", ours.state.to_string()),
            ("Latest checkpoint location", ours.checkpoint.to_string()),
            ("Latest checkpoint's REDO location", ours.redo.to_string()),
            ("Latest checkpoint's TimeLineID", ours.timeline.to_string()),
            ("Latest checkpoint's PrevTimeLineID", ours.previous_timeline.to_string()),
            ("Minimum recovery ending location", lsn),
            ("Min recovery ending loc's timeline", ours.min_recovery.map_or(0, |(_, t)| t.0).to_string()),
            ("Backup start location", ours.backup_start.map_or_else(|| "0/0".to_owned(), |l| l.to_string())),
            ("max_connections setting", ours.max_connections.to_string()),
            ("max_worker_processes setting", ours.max_worker_processes.to_string()),
            ("max_wal_senders setting", ours.max_wal_senders.unwrap_or(0).to_string()),
            ("max_prepared_xacts setting", ours.max_prepared_transactions.to_string()),
            ("max_locks_per_xact setting", ours.max_locks_per_transaction.to_string()),
            ("Bytes per WAL segment", ours.wal_segment_size.to_string()),
            ("Data page checksum version", ours.data_checksum_version.to_string()),
        ] {
            assert_eq!(theirs.get(key).copied(), Some(value.as_str()), "{key}");
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.settings.stop = None;
        if let Ok(Some(server)) = postmaster::find(self.data()) {
            run_service(Action::Stop(StopWait::Yes), &self.settings, soon()).ok();
            postmaster::wait_gone(self.data(), &server, soon()).ok();
        }
        fs::remove_dir_all(&self.home).ok();
    }
}

fn postgres_uid() -> Option<u32> {
    let passwd = fs::read_to_string("/etc/passwd").expect("passwd");
    let line = passwd.lines().find(|l| l.starts_with("postgres:"))?;
    line.split(':').nth(2)?.parse().ok()
}

#[test]
fn a_server_is_started_and_stopped_and_its_state_is_known_at_every_step() {
    let Some(cluster) = Cluster::new("cycle") else { return };
    assert_eq!(cluster.down(), ClusterState::ShutDown);
    cluster.compare_control_file(cluster.data());

    // Without -l the server keeps our pipe open: the start must come back all the same.
    cluster.does(Action::Start);
    let first = cluster.running();
    assert_eq!((first.phase, first.socket_dir.as_deref()), (Phase::Ready, Some(cluster.home.as_path())));
    cluster.compare_control_file(cluster.data());
    let again = run_service(Action::Start, &cluster.settings, soon()).expect_err("it runs already");
    assert_eq!(again.exit, Exit::NoRestart);
    assert!(again.detail.concat().contains("pg_ctl"), "the command is named: {again}");

    cluster.does(Action::Reload);
    assert_eq!(cluster.running().pid, first.pid);
    cluster.does(Action::Restart);
    assert_ne!(cluster.running().pid, first.pid);
    cluster.does(Action::Stop(StopWait::No));
    assert_eq!(cluster.down(), ClusterState::ShutDown);
    cluster.compare_control_file(cluster.data());
}

#[test]
fn a_pid_file_that_a_crash_left_is_not_believed() {
    let Some(cluster) = Cluster::new("crash") else { return };
    cluster.does(Action::Start);
    let server = cluster.running();
    let pid = rustix::process::Pid::from_raw(i32::try_from(server.pid).expect("pid")).expect("pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("kill");
    postmaster::wait_gone(cluster.data(), &server, soon()).expect("gone");
    assert!(cluster.data().join("postmaster.pid").exists());
    assert_eq!(cluster.down(), ClusterState::InProduction, "not stopped cleanly");
    // The number belongs to somebody else now: to us.
    let file = cluster.data().join("postmaster.pid");
    let text = fs::read_to_string(&file).expect("pid file");
    fs::write(&file, text.replacen(&server.pid.to_string(), &std::process::id().to_string(), 1))
        .expect("write");
    assert_eq!(postmaster::find(cluster.data()), Ok(None), "a stranger with the same number");
    fs::write(&file, text).expect("write");
    let running = poll_until(soon(), Duration::from_millis(100), || {
        run_service(Action::Start, &cluster.settings, soon()).ok()
    });
    assert!(running.is_some(), "it starts again when its orphans have gone");
}

#[test]
fn a_stop_command_that_stops_nothing_is_noticed() {
    let Some(mut cluster) = Cluster::new("liar") else { return };
    cluster.does(Action::Start);
    cluster.settings.stop = Some("true".to_owned());
    let short = Deadline::after(Duration::from_millis(300));
    let error = run_service(Action::Stop(StopWait::No), &cluster.settings, short).expect_err("it still runs");
    assert_eq!(error.exit, Exit::LocalCommand);
    assert!(error.message.contains("still running"), "{error}");
}

#[test]
fn postgresql_reads_the_settings_as_they_were_meant() {
    let Some(cluster) = Cluster::new("settings") else { return };
    let wanted = StandbySettings {
        primary_conninfo: r"host=n1 user=repmgr password='it\'s a \\ ü' application_name=n2".to_owned(),
        primary_slot_name: Some("repmgr_slot_2".to_owned()),
        recovery_min_apply_delay: Some("5min".to_owned()),
        restore_command: Some(r#"cp '/mnt/a b/%f' "%p""#.to_owned()),
        archive_cleanup_command: None,
    };
    let auto = standby_config::settings_file(cluster.data(), cluster.version);
    if auto.ends_with("postgresql.auto.conf") {
        let text = fs::read_to_string(&auto).expect("auto.conf");
        fs::write(&auto, text + "work_mem = '7MB'\nprimary_conninfo = 'host=old'\n").expect("write");
    }
    standby_config::write(cluster.data(), cluster.version, &wanted).expect("write");
    let data = cluster.data().to_string_lossy().into_owned();
    for (name, want) in [
        ("primary_conninfo", wanted.primary_conninfo.as_str()),
        ("primary_slot_name", "repmgr_slot_2"),
        ("recovery_min_apply_delay", "300000"),
        ("restore_command", r#"cp '/mnt/a b/%f' "%p""#),
        ("work_mem", "7168"),
    ] {
        assert_eq!(cluster.ok("postgres", &["-D", &data, "-C", name]), want, "{name}");
    }
    assert!(standby_config::is_standby(cluster.data(), cluster.version));
    let read = standby_config::read_primary_conninfo(cluster.data(), cluster.version).expect("read");
    assert_eq!(read, Some(wanted.primary_conninfo));
    let signal = files::ownership(&cluster.data().join("standby.signal")).expect("signal");
    assert_eq!(signal.uid, files::ownership(cluster.data()).expect("data").uid);

    standby_config::remove(cluster.data(), cluster.version).expect("remove");
    assert!(!standby_config::is_standby(cluster.data(), cluster.version));
    assert_eq!(cluster.ok("postgres", &["-D", &data, "-C", "primary_conninfo"]), "");
    assert_eq!(cluster.ok("postgres", &["-D", &data, "-C", "work_mem"]), "7168");
}

#[test]
fn a_directory_that_we_made_a_standby_streams_and_is_promoted() {
    let Some(primary) = Cluster::new("primary") else { return };
    primary.does(Action::Start);
    let Some(standby) = Cluster::new("standby") else { return };
    fs::remove_dir_all(standby.data()).expect("empty");
    let source = primary.home.to_string_lossy().into_owned();
    let target = standby.data().to_string_lossy().into_owned();
    primary.ok("pg_basebackup", &["-h", &source, "-D", &target, "-c", "fast", "-X", "stream"]);
    let conf = standby.data().join("own.conf");
    let text = fs::read_to_string(&conf).expect("conf").replace("primary'", "standby'");
    fs::write(&conf, text).expect("conf");
    let settings = StandbySettings {
        primary_conninfo: format!("host={source} application_name=n2"),
        ..StandbySettings::default()
    };
    standby_config::write(standby.data(), standby.version, &settings).expect("write");
    standby.does(Action::Start);
    let streams = poll_until(soon(), Duration::from_millis(100), || {
        (primary.sql("select application_name from pg_stat_replication where state = 'streaming'") == "n2")
            .then_some(())
    });
    assert!(streams.is_some(), "it never came to stream");
    assert_eq!(standby.running().phase, Phase::Ready, "a hot standby takes connections");
    standby.compare_control_file(standby.data());

    standby.does(Action::Stop(StopWait::Yes));
    assert_eq!(standby.down(), ClusterState::ShutDownInRecovery);
    standby.compare_control_file(standby.data());
    let (ours, theirs) = (control_file::read(standby.data()), control_file::read(primary.data()));
    let (ours, theirs) = (ours.expect("ours"), theirs.expect("theirs"));
    assert_eq!(ours.system_identifier, theirs.system_identifier);
    assert!(ours.last_position() >= theirs.redo, "{ours:?}");

    standby.does(Action::Start);
    standby.does(Action::Promote);
    assert_eq!(standby.sql("select pg_is_in_recovery()"), "f");
    standby.sql("checkpoint");
    standby.compare_control_file(standby.data());
    let promoted = control_file::read(standby.data()).expect("promoted");
    assert_eq!((promoted.timeline.0, promoted.min_recovery), (2, None));
}
