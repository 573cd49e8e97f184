//! The documents of users, followed line by line: every command line that they hold does here what its writer
//! saw, or says that its time has not come. What is rewritten are names of hosts, ports and paths, nothing else.

use crate::cluster::exec::Out;
use crate::cluster::{Host, Lab, PgOptions, Solo, Stop, User, wait_for};
use hg_repmgr::cli::{self, Place, Request};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

const COMMANDS: &str = include_str!("../fixtures/seeds/commands.txt");

/// One command line of a document.
struct Line {
    /// `DOCUMENT:LINE`.
    place: &'static str,
    expected: Expected,
    typed: &'static str,
}

/// See the fixture's head.
enum Expected {
    Run { host: usize, code: i32 },
    Again(&'static str),
    Later,
    Named(Option<i32>),
    Refused(&'static str),
}

fn lines() -> Vec<Line> {
    let rows = COMMANDS.lines().filter(|row| !row.is_empty() && !row.starts_with('#'));
    rows.map(|row| {
        let mut fields = row.splitn(3, " | ");
        let (place, expected, typed) =
            (fields.next().unwrap(), fields.next().unwrap(), fields.next().expect(row));
        let (word, rest) = expected.split_once(' ').unwrap_or((expected, ""));
        let expected = match word {
            "run" => {
                let (host, code) = rest.split_once(' ').unwrap();
                let host = host.strip_prefix("node").unwrap().parse().unwrap();
                Expected::Run { host, code: code.parse().unwrap() }
            }
            "again" => Expected::Again(rest),
            "later" => Expected::Later,
            "named" => Expected::Named(rest.parse().ok()),
            "refused" => Expected::Refused(rest),
            _ => panic!("{row}"),
        };
        Line { place, expected, typed }
    })
    .collect()
}

/// A cluster as a document has it: how its words are rewritten, and what its reader does between its lines.
struct Walk<'a> {
    hosts: Vec<&'a Host>,
    /// Where the programs are on each host.
    bin: String,
    rewrites: Vec<(&'static str, String)>,
}

impl Walk<'_> {
    /// Types a line of shell on a host.
    #[track_caller]
    fn typed(&self, host: usize, place: &str, line: &str) -> Out {
        let line = self.rewrites.iter().fold(line.to_owned(), |line, (from, to)| line.replace(from, to));
        let host = self.hosts[host - 1];
        let path = format!("{}:{}:/usr/bin:/bin", self.bin, host.postgres.bindir.display());
        let out = host.command(&["sh", "-c", &line]).env("PATH", &path).run();
        eprintln!("{place} | {line} | {}", out.code);
        out
    }

    /// Waits until the standby on `host` shows what the primary on node1 has written: people type more slowly.
    fn catch_up(&self, host: usize, ports: [u16; 2]) {
        let psql = |host: usize, port: u16, sql: &str| {
            let host = self.hosts[host - 1];
            let line = format!("psql -h localhost -p {port} -U repmgr -d repmgr -Atc \"{sql}\"");
            host.shell(&line).ok().stdout.trim().to_owned()
        };
        let written = psql(1, ports[0], "SELECT pg_current_wal_lsn()");
        let sql = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
        wait_for("the record on the standby", Duration::from_secs(30), || psql(host, ports[1], &sql) == "t");
    }

    /// Follows a document; `behind` is what is done after a line.
    #[track_caller]
    fn follow(&self, document: &str, behind: impl Fn(&str, &Out)) {
        for line in lines().iter().filter(|line| line.place.starts_with(document)) {
            if let Expected::Run { host, code } = line.expected {
                let out = self.typed(host, line.place, line.typed).code(code).never_says("panicked");
                behind(line.place, &out);
            }
        }
    }
}

#[test]
fn every_line_is_read_or_says_that_it_is_of_a_later_version() {
    let solo = Solo::new(1);
    let host = solo.host(1);
    let walk = Walk {
        hosts: vec![host],
        bin: host.path("bin"),
        // The daemon puts a number in the place of %n.
        rewrites: vec![
            ("/usr/pgsql-14/bin/", String::new()),
            ("/usr/pgsql-12/bin/", String::new()),
            ("%n", "1".to_owned()),
        ],
    };
    let all = lines();
    let known: BTreeSet<&str> = all.iter().map(|line| line.place).collect();
    for line in &all {
        match line.expected {
            Expected::Run { .. } | Expected::Named(_) => {
                // The daemon puts a number in the place of %n.
                let typed = line.typed.replace("%n", "1");
                let words = host.command(&["sh", "-c", &format!("printf '%s\\0' {typed}")]).run().ok();
                let args: Vec<OsString> =
                    words.stdout.trim_end_matches('\0').split('\0').skip(1).map(OsString::from).collect();
                let place = Place { cwd: Some("/".into()), program: "/usr/bin/repmgr".into() };
                match cli::parse(&args, &place).unwrap_or_else(|e| panic!("{}: {e}", line.typed)) {
                    Request::Run(invocation) => {
                        assert!(invocation.warnings.is_empty(), "{}: {:?}", line.typed, invocation.warnings);
                    }
                    Request::Print(_) => assert_eq!(line.typed, "repmgr --help"),
                }
            }
            Expected::Again(place) => assert!(known.contains(place), "{place}"),
            Expected::Later => {
                let out = walk.typed(1, line.place, line.typed).code(1).says("is not in this version");
                assert_eq!(
                    (out.stderr.lines().count(), out.stdout.as_str()),
                    (1, ""),
                    "one clear line:\n{out}"
                );
            }
            Expected::Refused(text) => {
                let out = walk.typed(1, line.place, line.typed).code(1).says(text);
                assert_eq!(out.stderr.lines().count(), 1, "one clear line:\n{out}");
            }
        }
    }
    assert!(all.len() > 90, "the list is whole: {}", all.len());
}

/// A configuration file of the documents, rewritten.
fn conf(name: &str, rewrites: &[(&str, String)]) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/seeds/");
    let text = std::fs::read_to_string(format!("{path}{name}.conf")).unwrap();
    rewrites.iter().fold(text, |text, (from, to)| text.replace(from, to))
}

/// A server whose checkpoints do not take their time, as the documents clone without `--fast-checkpoint`; it keeps
/// the WAL that these would remove before a standby on a loaded machine has read it.
fn hurried() -> PgOptions {
    PgOptions {
        conf: "checkpoint_completion_target = 0\nwal_keep_size = 256MB".into(),
        ..PgOptions::default()
    }
}

/// Writes a file below /etc of a host, where only root may.
#[track_caller]
fn write_etc(host: &Host, path: &str, text: &str) {
    let script = format!("mkdir -p \"$(dirname {path})\" && cat >{path} && chmod 644 {path}");
    host.command(&["sh", "-c", &script]).user(User::Root).input(text).run().ok();
}

/// The document's virtual address, in the lab's network.
const VIRTUAL_IP: &str = "10.79.0.96";

#[test]
fn document_000_sets_up_highgos_cluster_and_makes_a_standby_anew() {
    let lab = Lab::new(3);
    let primary = lab.host(1).init_primary(&hurried());
    let (home, bindir) = (primary.path("HighGo5.6.5-X"), primary.postgres.bindir.display().to_string());
    let roles = "CREATE ROLE sysdba SUPERUSER LOGIN; CREATE ROLE highgo SUPERUSER LOGIN;
                 CREATE ROLE hgrepmgr SUPERUSER LOGIN";
    primary.psql(roles);
    primary.psql("CREATE DATABASE highgo");
    primary.append(&format!("{}/postgresql.conf", primary.data_directory()), "port = 5866\n");
    primary.restart_pg();
    for host in lab.hosts() {
        let rewrites = [
            ("/opt/HighGo5.6.5-X/data", host.data_directory()),
            ("pg_bindir='/opt/HighGo5.6.5-X/bin'", format!("pg_bindir='{bindir}'")),
            ("/opt/HighGo5.6.5-X", home.clone()),
            ("192.168.90.96", VIRTUAL_IP.to_owned()),
            ("ens33", "eth0".to_owned()),
        ];
        // The document refers to a page on sudoers.
        write_etc(host, "/etc/sudoers.d/hg", "postgres ALL=(root) NOPASSWD: /sbin/ip addr *\n");
        host.shell(&format!("mkdir -p {home}/bin {home}/conf && ln -s ~/bin/repmgr.bin {home}/bin/repmgr"))
            .ok();
        let text = conf(&format!("000_{}", host.name), &rewrites);
        host.write(&format!("{home}/conf/hg_repmgr.conf"), &text);
    }
    let rewrites = vec![("主节点IP", "node1".to_owned()), ("-p 5433", "-p 5866".to_owned())];
    let walk = Walk { hosts: lab.hosts().iter().collect(), bin: format!("{home}/bin"), rewrites };
    walk.follow("000", |place, out| match place {
        // "WARNING: … unknown name/value pair", twice for each command, was hg_repmgr's answer to the values
        // broken over two lines; they are joined here.
        "000:199" => {
            out.clone().says("promote_command: the value runs over 2 lines").never_says("unknown");
            lab.host(1).shell(&format!("ip -4 addr show dev eth0 | grep -q 'inet {VIRTUAL_IP}/32'")).ok();
        }
        "000:210" => {
            drop(out.clone().says("node1").says("* running").says("| Replication lag | Last replayed LSN"))
        }
        "000:283" => drop(lab.host(2).start_pg()),
        "000:375" => drop(lab.host(3).start_pg()),
        "000:336" => drop(out.clone().says("node2 | standby |   running | node1")),
        "000:384" => drop(out.clone().says("node3 | standby |   running | node1")),
        "000:319" | "000:501" => walk.catch_up(2, [5866, 5866]),
        "000:382" => walk.catch_up(3, [5866, 5866]),
        "000:496" => {
            lab.host(2).stop_pg(Stop::Fast);
            lab.host(2).shell("mv data data.old").ok();
        }
        "000:499" => drop(lab.host(2).start_pg()),
        "000:502" => drop(out.clone().says("node2 | standby |   running | node1")),
        _ => {}
    });
}

#[test]
fn document_001_sets_up_two_nodes_and_every_command_that_002_names_works_there() {
    let lab = Lab::new(2);
    let primary = lab.host(1).init_primary(&hurried());
    primary.psql("ALTER ROLE repmgr CONNECTION LIMIT 10");
    primary.psql("ALTER ROLE repmgr SET search_path TO repmgr, \"$user\", public");
    for host in lab.hosts() {
        let rewrites = [
            ("10.79.21.30", lab.host(1).ip()),
            ("10.79.21.29", lab.host(2).ip()),
            ("/home/storage/pgsql/data", host.data_directory()),
        ];
        write_etc(host, "/etc/repmgr.conf", &conf(&format!("001_{}", host.name), &rewrites));
    }
    let rewrites = vec![("10.79.21.30", primary.ip())];
    let walk = Walk { hosts: lab.hosts().iter().collect(), bin: primary.path("bin"), rewrites };
    walk.follow("001", |place, out| match place {
        "001:164" => drop(out.clone().says("| primary | * running |")),
        "001:191" => {
            assert!(!lab.host(2).exists(&lab.host(2).data_directory()), "a dry run leaves nothing");
        }
        "001:219" => drop(lab.host(2).start_pg()),
        "001:245" => walk.catch_up(2, [5432, 5432]),
        "001:253" => drop(out.clone().says("| standby |   running | node1")),
        _ => {}
    });
    for line in lines() {
        if let Expected::Named(Some(code)) = line.expected {
            walk.typed(1, line.place, line.typed).code(code);
        }
    }
}

#[test]
fn document_002_runs_two_servers_on_one_machine_from_files_beside_each_other() {
    let lab = Lab::new(1);
    let host = lab.host(1).init_primary(&hurried());
    let (home, standby) = (host.path("").trim_end_matches('/').to_owned(), host.path("pgdata_standby"));
    for name in ["primary", "standby"] {
        let rewrites = [
            ("/home/postgres/pgdata_standby", standby.clone()),
            ("/home/postgres/pgdata", host.data_directory()),
            ("repmgr_bindir='/usr/pgsql-14/bin'", format!("repmgr_bindir='{home}/bin'")),
            ("/usr/pgsql-14/bin", host.postgres.bindir.display().to_string()),
            ("/home/postgres", home.clone()),
        ];
        host.write(&format!("{home}/repmgr_{name}.conf"), &conf(&format!("002_{name}"), &rewrites));
    }
    let walk = Walk { hosts: vec![host], bin: host.path("bin"), rewrites: Vec::new() };
    walk.follow("002", |place, out| match place {
        "002:133" => drop(out.clone().says("primary_node | primary | * running")),
        "002:206" => {
            host.append(&format!("{standby}/postgresql.conf"), "port = 5433\n");
            host.pg_ctl(&["-D", "pgdata_standby/", "-l", "standby.log", "-w", "start"]).ok();
        }
        "002:210" => walk.catch_up(1, [5432, 5433]),
        "002:211" => drop(out.clone().says("standby_node | standby |   running | primary_node")),
        "002:219" => drop(host.stop_pg(Stop::Fast)),
        "002:224" | "002:229" => drop(out.clone().says("cannot connect")),
        "002:226" => drop(out.clone().says("primary_node").says("standby_node")),
        _ => {}
    });
}

#[test]
fn document_004_finds_the_file_of_its_version_without_being_told() {
    let lab = Lab::new(3);
    let primary = lab.host(1).init_primary(&hurried());
    for host in lab.hosts() {
        let rewrites = [
            ("192.168.0.29", lab.host(1).ip()),
            ("192.168.0.9", lab.host(2).ip()),
            ("192.168.0.7", lab.host(3).ip()),
            ("/var/lib/pgsql/12/data", host.data_directory()),
            ("/usr/pgsql-12/bin", host.postgres.bindir.display().to_string()),
        ];
        write_etc(host, "/etc/repmgr/12/repmgr.conf", &conf(&format!("004_{}", host.name), &rewrites));
    }
    let walk = Walk { hosts: lab.hosts().iter().collect(), bin: primary.path("bin"), rewrites: Vec::new() };
    // How its standbys came to be, the document does not say.
    walk.follow("004", |place, out| match place {
        "004:143" => drop(lab.host(2).join(primary)),
        "004:171" => walk.catch_up(2, [5432, 5432]),
        "004:200" => walk.catch_up(3, [5432, 5432]),
        "004:172" => {
            lab.host(3).join(primary);
            drop(out.clone().says("| standby |   running | node1    | default  | 90       |"));
        }
        "004:201" => drop(out.clone().says("node3 | standby |   running | node1    | default  | 80       |")),
        _ => {}
    });
}
