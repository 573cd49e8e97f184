//! The command line: what users, scripts and other nodes' programs type, and what the commands get.

#![expect(clippy::panic, reason = "a test ends where something is not as it should be")]

use hg_repmgr::cli::args::*;
use hg_repmgr::cli::choices::{
    Action, Check, CheckOutput, ExternalFiles, FollowWait, Force, Mode, Output, Rows, WaitSync,
};
use hg_repmgr::cli::options::{Home, OPTIONS, Value};
use hg_repmgr::cli::verbs::{LATER, VERBS};
use hg_repmgr::cli::{Command, Invocation, Place, Request, parse};
use hg_repmgr::domain::node::NodeId;
use hg_repmgr::exit::Exit;
use proptest::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn place() -> Place {
    Place { cwd: Some(PathBuf::from("/home/postgres")), program: PathBuf::from("/usr/bin/repmgr") }
}

/// Splits as a shell does, as far as these tests need it: blanks, '…' and "…".
fn words(line: &str) -> Vec<OsString> {
    let (mut out, mut word, mut open, mut quote) = (Vec::new(), String::new(), false, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            (c, Some(_)) => word.push(c),
            ('\'' | '"', None) => (quote, open) = (Some(c), true),
            (' ', None) if open || !word.is_empty() => {
                out.push(std::mem::take(&mut word).into());
                open = false;
            }
            (' ', None) => {}
            (c, None) => word.push(c),
        }
    }
    if open || !word.is_empty() {
        out.push(word.into());
    }
    out
}

fn asked(line: &str) -> Result<Request, hg_repmgr::error::Error> {
    parse(&words(line), &place())
}

fn run(line: &str) -> Invocation {
    match asked(line) {
        Ok(Request::Run(inv)) => *inv,
        other => panic!("{line}: {other:?}"),
    }
}

fn clean(line: &str) -> Invocation {
    let inv = run(line);
    assert_eq!(inv.warnings, Vec::<String>::new(), "{line}");
    inv
}

fn refusal(line: &str) -> String {
    match asked(line) {
        Err(e) => {
            assert_eq!(e.exit, Exit::BadConfig, "{line}");
            assert!(e.detail.is_empty() && e.hint.is_empty() && !e.message.contains('\n'), "one line: {e:?}");
            e.message
        }
        Ok(other) => panic!("{line}: {other:?}"),
    }
}

fn printed(line: &str) -> String {
    match asked(line) {
        Ok(Request::Print(text)) => text,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn every_form_of_getopt_says_the_same() {
    let want = clean("--config-file /etc/repmgr.conf --force --verbose standby clone");
    assert_eq!(want.general.config_file.as_deref(), Some(Path::new("/etc/repmgr.conf")));
    for (why, line) in [
        ("short options", "-f /etc/repmgr.conf -F -v standby clone"),
        ("value attached", "-f/etc/repmgr.conf -F -v standby clone"),
        ("value after =", "--config-file=/etc/repmgr.conf -F -v standby clone"),
        ("flags bundled", "-vF -f /etc/repmgr.conf standby clone"),
        ("a bundle that ends with a value", "-vFf /etc/repmgr.conf standby clone"),
        ("a bundle with its value attached", "-vFf/etc/repmgr.conf standby clone"),
        ("options between the words", "standby -vF -f /etc/repmgr.conf clone"),
        ("options behind the words", "standby clone -f /etc/repmgr.conf -F -v"),
        ("a shortened long option", "standby clone --config-file=/etc/repmgr.conf -F --verb"),
        ("words in capitals", "-f /etc/repmgr.conf -F -v STANDBY Clone"),
        ("the last one wins", "-f /tmp/x -f /etc/repmgr.conf -F -F -v standby clone"),
        ("the end of options", "-f /etc/repmgr.conf -F -v -- standby clone"),
        ("the end of options between the words", "-f /etc/repmgr.conf -F -v standby -- clone"),
    ] {
        assert_eq!(run(line), want, "{why}: {line}");
    }
    let relative = clean("-f ../etc/./repmgr.conf cluster show").general.config_file;
    assert_eq!(relative, Some(PathBuf::from("/home/postgres/../etc/repmgr.conf")));
}

#[test]
fn a_value_that_looks_like_an_option_is_a_value() {
    let inv = clean("standby clone -h --force -U --help --dbname --version");
    assert_eq!(inv.general.host.as_deref(), Some("--force"));
    assert_eq!(inv.general.username.as_deref(), Some("--help"));
    assert_eq!(inv.general.dbname.as_deref(), Some("--version"));
    assert_eq!(inv.general.force(), Force::No);
    let want = ClusterEvent { event: Some("--all".into()), ..ClusterEvent::default() };
    assert_eq!(clean("cluster event --event=--all").command, Command::ClusterEvent(want));
    assert_eq!(clean("standby clone -- --force").general.host.as_deref(), Some("--force"), "behind --");
}

#[test]
fn an_optional_value_is_taken_with_an_equals_sign_only() {
    let sync = |line: &str| {
        let Command::StandbyRegister(r) = clean(line).command else { panic!("{line}") };
        r.wait_sync
    };
    let up_to = |s| Some(WaitSync::UpTo(Duration::from_secs(s)));
    assert_eq!(sync("standby register"), None);
    assert_eq!(sync("standby register --wait-sync"), Some(WaitSync::Forever));
    assert_eq!(sync("standby register --wait-sync=60"), up_to(60));
    assert_eq!(sync("standby register --wait-sync=0"), up_to(0));
    assert_eq!(
        sync("--wait-sync=60 standby register --wait-sync"),
        Some(WaitSync::Forever),
        "the last one wins"
    );
    assert!(refusal("standby register --wait-sync 60").contains("\"60\""), "60 is a word of its own");
    assert!(refusal("standby register --wait-start").contains("needs a value"), "this one is not optional");

    let files = |line: &str| {
        let Command::StandbyClone(c) = clean(line).command else { panic!("{line}") };
        c.copy_external_config_files
    };
    assert_eq!(files("standby clone"), None);
    assert_eq!(files("standby clone --copy-external-config-files"), Some(ExternalFiles::SamePath));
    assert_eq!(files("standby clone --copy-external-config-files=samepath"), Some(ExternalFiles::SamePath));
    assert_eq!(files("standby clone --copy-external-config-files=pgdata"), Some(ExternalFiles::PgData));
    assert!(refusal("standby clone --copy-external-config-files=x").contains("samepath, pgdata"));
}

#[test]
fn every_option_of_standby_clone_arrives() {
    let inv = clean(
        "standby clone node1 --dry-run -c --copy-external-config-files=pgdata --no-upstream-connection \
         --replication-user=rep --replication-conf-only --upstream-conninfo='host=u password=x' \
         --upstream-node-id=2 --recovery-min-apply-delay=5min --verify-backup --without-barman -S postgres -F \
         -D data -R pg -U repmgr -d repmgr -p 5433 -b /usr/pgsql/bin/ -L debug --log-to-file -q -t -v",
    );
    let g = &inv.general;
    assert_eq!((g.mode(), g.force()), (Mode::DryRun, Force::Yes));
    assert_eq!(g.host.as_deref(), Some("node1"), "standby clone HOST");
    assert_eq!(g.pgdata.as_deref(), Some(Path::new("/home/postgres/data")));
    assert_eq!(g.pg_bindir.as_deref(), Some(Path::new("/usr/pgsql/bin")));
    assert_eq!(g.port.as_deref(), Some("5433"));
    assert_eq!(g.log_level.as_deref(), Some("DEBUG"));
    assert_eq!((g.remote_user.as_deref(), g.superuser.as_deref()), (Some("pg"), Some("postgres")));
    assert!(g.log_to_file && g.quiet && g.terse && g.verbose && g.names_a_server());
    let want = StandbyClone {
        fast_checkpoint: true,
        copy_external_config_files: Some(ExternalFiles::PgData),
        no_upstream_connection: true,
        replication_user: Some("rep".into()),
        replication_conf_only: true,
        upstream_conninfo: Some("host=u password=x".into()),
        upstream_node_id: Some(NodeId(2)),
        recovery_min_apply_delay: Some("5min".into()),
        verify_backup: true,
        without_barman: true,
    };
    assert_eq!(inv.command, Command::StandbyClone(want));
}

#[test]
fn the_command_lines_of_the_compatibility_list_are_understood() {
    type Is = fn(&Command) -> bool;
    let rows: &[(&str, Is)] = &[
        ("primary register --dry-run -F -S postgres", |c| matches!(c, Command::PrimaryRegister(_))),
        ("master register --force --superuser=postgres", |c| matches!(c, Command::PrimaryRegister(_))),
        ("primary unregister --dry-run -F --node-id=1", |c| matches!(c, Command::PrimaryUnregister(_))),
        ("standby clone --recovery-conf-only", |c| {
            matches!(c, Command::StandbyClone(StandbyClone { replication_conf_only: true, .. }))
        }),
        ("standby register --dry-run -F --upstream-node-id 1 --wait-start=30 --wait-sync=20", |c| {
            matches!(c, Command::StandbyRegister(r)
                if r.upstream_node_id == Some(NodeId(1)) && r.wait_start == Some(Duration::from_secs(30)))
        }),
        ("standby unregister --node-id=3 --node-name=n3", |c| matches!(c, Command::StandbyUnregister(_))),
        ("node status --csv", |c| matches!(c, Command::NodeStatus(s) if s.output == Output::Csv)),
        ("primary status --json", |c| matches!(c, Command::NodeStatus(s) if s.output == Output::Json)),
        (
            "standby status --is-shutdown-cleanly",
            |c| matches!(c, Command::NodeStatus(s) if s.is_shutdown_cleanly),
        ),
        ("node check", |c| matches!(c, Command::NodeCheck(k) if *k == NodeCheck::default())),
        ("standby check --csv", |c| matches!(c, Command::NodeCheck(k) if k.output == CheckOutput::Csv)),
        ("primary check --role", |c| matches!(c, Command::NodeCheck(k) if k.check == Some(Check::Role))),
        ("node check --remote-node-id=2 --replication-connection -S pg", |c| {
            matches!(c, Command::NodeCheck(k)
                if k.check == Some(Check::ReplicationConnection) && k.remote_node_id == Some(NodeId(2)))
        }),
        (
            "node service --action=stop --list-actions",
            |c| matches!(c, Command::NodeService(s) if s.action == Some(Action::Stop) && s.list_actions),
        ),
        (
            "node service --checkpoint --action=stop --dry-run -S pg",
            |c| matches!(c, Command::NodeService(s) if s.checkpoint),
        ),
        ("cluster show --compact -v --terse", |c| matches!(c, Command::ClusterShow(s) if s.compact)),
        (
            "cluster show --csv --terse -L NOTICE",
            |c| matches!(c, Command::ClusterShow(s) if s.output == Output::Csv),
        ),
        ("cluster show -d 'host=n1 dbname=repmgr' -U repmgr -p 5432 -h n1", |c| {
            matches!(c, Command::ClusterShow(_))
        }),
        ("cluster matrix --csv --terse --node-id=1 --compact", |c| matches!(c, Command::ClusterMatrix(_))),
        ("cluster crosscheck --csv --node-id=1", |c| matches!(c, Command::ClusterCrosscheck(_))),
        ("cluster events --all", |c| matches!(c, Command::ClusterEvent(e) if e.rows() == Rows::All)),
        ("cluster event", |c| matches!(c, Command::ClusterEvent(e) if e.rows() == Rows::AtMost(20))),
        (
            "cluster event --all --limit=5 --event=x --node-id=2 --node-name=n --compact",
            |c| matches!(c, Command::ClusterEvent(e) if e.rows() == Rows::AtMost(5)),
        ),
        ("cluster event --node=2", |c| matches!(c, Command::ClusterEvent(_))),
        ("cluster cleanup", |c| matches!(c, Command::ClusterCleanup(k) if k.keep_history.is_none())),
        (
            "cluster cleanup -k 30 --node-id=1 --dry-run",
            |c| matches!(c, Command::ClusterCleanup(k) if k.keep_history == Some(30)),
        ),
        ("vip status --json", |c| matches!(c, Command::VipStatus(s) if s.output == Output::Json)),
        ("VIP Announce", |c| matches!(c, Command::VipAnnounce(_))),
        ("--dump-config -f x.conf", |c| matches!(c, Command::DumpConfig)),
    ];
    for (line, is) in rows {
        let inv = clean(line);
        assert!(is(&inv.command), "{line}: {:?}", inv.command);
        assert_eq!(inv.program, Path::new("/usr/bin/repmgr"));
    }
    for (long, check) in Check::ALL {
        let inv = clean(&format!("node check --{long} --optformat"));
        let want = NodeCheck { check: Some(check), output: CheckOutput::OptFormat, ..NodeCheck::default() };
        assert_eq!(inv.command, Command::NodeCheck(want), "--{long}");
    }
}

#[test]
fn the_command_lines_that_change_roles_are_understood() {
    type Is = fn(&Command) -> bool;
    let rows: &[(&str, Is)] = &[
        (
            "standby promote --dry-run -F --siblings-follow -R pg",
            |c| matches!(c, Command::StandbyPromote(p) if p.siblings_follow),
        ),
        ("standby follow --dry-run --upstream-node-id=2 -w=5", |c| {
            matches!(c, Command::StandbyFollow(f)
                if f.upstream_node_id == Some(NodeId(2)) && f.wait == Some(FollowWait::UpTo(Duration::from_secs(5))))
        }),
        (
            "standby follow -w",
            |c| matches!(c, Command::StandbyFollow(f) if f.wait == Some(FollowWait::AsConfigured)),
        ),
        ("standby follow -W", |c| matches!(c, Command::StandbyFollow(f) if f.no_wait && f.wait.is_none())),
        ("witness register -h n1 -U repmgr -d repmgr -p 5432 -F --dry-run -S pg", |c| {
            matches!(c, Command::WitnessRegister(_))
        }),
        ("witness unregister --node-id=4 -F --dry-run -h n1", |c| matches!(c, Command::WitnessUnregister(_))),
        (
            "node control --disable-wal-receiver -S pg",
            |c| matches!(c, Command::NodeControl(n) if n.disable_wal_receiver && !n.enable_wal_receiver),
        ),
        (
            "node control --enable-wal-receiver",
            |c| matches!(c, Command::NodeControl(n) if n.enable_wal_receiver && !n.disable_wal_receiver),
        ),
    ];
    for (line, is) in rows {
        let inv = clean(line);
        assert!(is(&inv.command), "{line}: {:?}", inv.command);
    }
}

#[test]
fn the_command_lines_of_real_users_are_understood() {
    for line in [
        "primary register",
        "primary register -F",
        "cluster show",
        "-h node1 -U highgo -d highgo standby clone",
        "-h 192.168.6.10 -U highgo -d highgo standby clone",
        "-h 192.168.6.11 -U hgrepmgr -d highgo -p 5433 standby clone",
        "standby register",
        "standby register -F",
        "-f /etc/repmgr.conf primary register",
        "-f /etc/repmgr.conf cluster show",
        "-h 10.79.21.30 -U repmgr -d repmgr -f /etc/repmgr.conf standby clone --dry-run",
        "-f /etc/repmgr.conf standby register",
        "-f repmgr_primary.conf primary register",
        "-h localhost -p 5432 -d repmgr -f repmgr_standby.conf  standby clone ",
        "standby -f repmgr_standby.conf register",
        "cluster show -f repmgr_primary.conf",
        "-h 10.77.0.77 -U postgres -d \"dbname=repmgr connect_timeout=2\" -f /srv/r.conf standby clone --dry-run",
        "-h 10.77.0.1 -U postgres -d repmgr -f /srv/r.conf standby clone --fast-checkpoint --force --verbose",
        "-f /srv/r.conf standby register --wait-sync=20 --upstream-node-id=1",
        "-f /srv/r.conf cluster show --verbose",
        "-f /srv/r.conf cluster event --compact --limit=5",
        "-f /srv/r.conf cluster cleanup --keep-history=1",
        "-f /srv/r.conf node check --missing-slots --nagios",
        "-f /srv/r.conf node service --action=stop --list-actions",
        "-f /srv/r.conf primary unregister --node-id=99",
    ] {
        clean(line);
    }
}

#[test]
fn a_wrong_command_line_is_refused_in_one_line_that_names_the_fault() {
    for (line, wanted) in [
        ("-f /srv/r.conf", "no command given; see \"repmgr --help\""),
        ("cluster", "no action given for \"cluster\" (one of show, matrix, crosscheck, event, cleanup)"),
        ("cluster show extra", "too many words after \"cluster show\", the first is \"extra\""),
        ("cluster frobnicate", "unknown command \"cluster frobnicate\""),
        ("cluster shwo", "unknown command \"cluster shwo\"; did you mean \"cluster show\"?"),
        ("frobnicate show", "unknown command \"frobnicate show\""),
        ("frobnicate", "unknown command \"frobnicate\""),
        ("clutser show", "unknown command \"clutser show\"; did you mean \"cluster\"?"),
        ("crosschek", "unknown command \"crosschek\"; did you mean \"cluster crosscheck\"?"),
        ("cluster show -f", "option \"-f\" needs a value"),
        ("cluster show --config-file", "option \"--config-file\" needs a value"),
        ("cluster show --csv=1", "option \"--csv\" takes no value"),
        ("cluster show --frobnicate", "unknown option \"--frobnicate\""),
        ("cluster show --compcat", "unknown option \"--compcat\"; did you mean \"--compact\"?"),
        ("cluster show -Z", "unknown option \"-Z\""),
        ("cluster show -vZ", "unknown option \"-Z\""),
        ("cluster event --node-=1", "option \"--node-\" is ambiguous: --node-id, --node-name"),
        ("cluster show --csv --json", "\"--csv\" and \"--json\" exclude each other"),
        ("node check --role --nagios --optformat", "\"--nagios\" and \"--optformat\" exclude each other"),
        ("cluster show -w -W", "\"--wait\" and \"--no-wait\" exclude each other"),
        ("node check --nagios", "\"--nagios\" needs a single check, such as \"--replication-lag\""),
        ("node check --role --csv", "\"--csv\" does not go with a single check"),
        ("standby clone -h a b", "host given twice: with \"--host\" and as \"b\""),
        ("standby clone a b", "too many words after \"standby clone\", the first is \"b\""),
        (
            "standby clone a 'host=b password=secret'",
            "too many words after \"standby clone\", the first is \"(connection string)\"",
        ),
        ("cluster show --dump-config", "\"--dump-config\" goes without a command, \"cluster\" was given"),
        ("cluster show -f ''", "an empty path was given"),
        ("cluster \"a\x1b[2J\nb\"", "unknown command \"cluster a\\u{1b}[2J\\nb\""),
    ] {
        assert_eq!(refusal(line), wanted, "{line}");
    }
    assert!(refusal("cluster show --=x").starts_with("option \"--\" is ambiguous: --help, "));
    refusal("'' show");
}

#[test]
fn a_wrong_value_is_refused_with_what_is_allowed() {
    let number = |option: &str, value: &str, least: i32| {
        format!(
            "option \"{option}\": invalid value \"{value}\" (a whole number, {least} or greater, is needed)"
        )
    };
    let range = |option: &str, value: &str, least: i32, most: i32| {
        format!(
            "option \"{option}\": invalid value \"{value}\" (a whole number from {least} to {most} is needed)"
        )
    };
    let choice = |option: &str, value: &str, words: &str| {
        format!("option \"{option}\": invalid value \"{value}\" (one of {words} is needed)")
    };
    for (line, wanted) in [
        ("cluster event --limit=abc", number("--limit", "abc", 1)),
        ("cluster event --limit=0", number("--limit", "0", 1)),
        ("cluster event --limit=", number("--limit", "", 1)),
        ("cluster cleanup -k -1", number("-k", "-1", 0)),
        ("cluster event --node-id=99999999999", range("--node-id", "99999999999", 1, i32::MAX)),
        ("cluster show -p 65536", range("-p", "65536", 1, 65_535)),
        (
            "cluster event --limit=9999999999999999999999",
            range("--limit", "9999999999999999999999", 1, i32::MAX),
        ),
        ("cluster show -p abc", number("-p", "abc", 1)),
        ("cluster show --wait-sync=x", number("--wait-sync", "x", 0)),
        (
            "standby clone --recovery-min-apply-delay=5x",
            "option \"--recovery-min-apply-delay\": invalid value \"5x\" \
             (a number with one of the units ms, s, min, h, d is needed)"
                .into(),
        ),
        (
            "cluster show -L loud",
            choice("-L", "loud", "DEBUG, INFO, NOTICE, WARNING, ERROR, ALERT, CRIT, EMERG"),
        ),
        ("node service --action=jump", choice("--action", "jump", "start, stop, restart, reload, promote")),
    ] {
        assert_eq!(refusal(line), wanted, "{line}");
    }
}

#[test]
fn an_option_that_does_not_belong_gives_a_warning_and_has_no_effect() {
    let inv = run("cluster show --dry-run --siblings-follow -w=5 -F");
    let want = ["--dry-run", "-F", "-w", "--siblings-follow"];
    assert_eq!(inv.warnings, want.map(|o| format!("option \"{o}\" has no effect with \"cluster show\"")));
    assert!(!inv.general.dry_run && !inv.general.force);
    assert_eq!(
        run("cluster show --check-upstream-config -Cx").warnings,
        [
            "option \"--check-upstream-config\" has no effect: use --dry-run",
            "option \"-C\" has no effect: it is no longer needed",
        ]
    );
    let inv = run("node check --slots --role --optformat");
    assert_eq!(
        inv.warnings,
        ["option \"--slots\" has no effect beside \"--role\""],
        "the order typed does not count"
    );
    assert!(matches!(inv.command, Command::NodeCheck(k) if k.check == Some(Check::Role)));
    assert_eq!(run("primary register --csv").warnings.len(), 1);
    assert_eq!(run("--dump-config --csv").warnings.len(), 1);
}

#[test]
fn every_option_of_the_table_reaches_every_command_it_belongs_to() {
    for v in VERBS {
        for o in OPTIONS.iter().filter(|o| o.belongs_to(v.verb)) {
            if matches!(o.home, Home::Meta) || o.long == "nagios" {
                continue;
            }
            let value = match (o.long, o.value) {
                (_, Value::None) => "",
                ("log-level", _) => "=INFO",
                ("action", _) => "=stop",
                ("copy-external-config-files", _) => "=pgdata",
                (_, Value::Required(_) | Value::Optional(_)) => "=1",
            };
            let line = format!("{} --{}{value}", v.phrase(), o.long);
            assert_ne!(clean(&line), run(&v.phrase()), "{line} arrives");
        }
    }
}

#[test]
fn commands_of_later_versions_are_named_as_such_and_not_in_the_help() {
    for (group, verbs) in LATER {
        for verb in *verbs {
            let line = format!("{group} {}", verb.to_uppercase());
            assert_eq!(refusal(&line), format!("command \"{line}\" is not in this version"));
        }
    }
    assert_eq!(refusal("node startup --help"), "command \"node startup\" is not in this version");
    assert_eq!(refusal("daemon --help"), "command \"daemon\" is not in this version");
    let help = printed("standby --help");
    for word in ["switchover", "rewind", "always-promote"] {
        assert!(!help.contains(word), "{word} in the help");
    }
}

#[test]
fn help_is_there_at_every_level_and_fits_a_terminal() {
    let mut lines = vec!["--help".to_owned(), "-?".into(), "help".into(), "-vF? cluster show".into()];
    for v in VERBS {
        lines.extend([format!("{} --help", v.group), format!("{} --help", v.phrase())]);
        assert_eq!(printed(&format!("help {}", v.phrase())), printed(&format!("{} -?", v.phrase())));
        assert_eq!(printed(&format!("{} HELP", v.group)), printed(&format!("{} -?", v.group)));
        for example in v.examples {
            clean(example.strip_prefix("repmgr ").unwrap());
        }
    }
    for line in &lines {
        let help = printed(line);
        for part in ["Usage:", "Options", "Exit codes:", "Example"] {
            assert!(help.contains(part), "{line}: {part}");
        }
        for l in help.lines() {
            assert!(l.chars().count() <= 100 && l == l.trim_end(), "{line}: {l:?}");
        }
    }
    assert!(printed("--help").contains("-h, --host=HOST"), "-h is the host");
    assert!(printed("standby clone --help").contains("--copy-external-config-files[=samepath|pgdata]"));
    assert!(!printed("cluster show --help").contains("--fast-checkpoint"));
}

#[test]
fn the_version_is_what_other_nodes_read() {
    for line in ["--version", "-V", "-V cluster show"] {
        assert_eq!(printed(line), format!("repmgr 5.5.0 (hg_repmgr {})\n", env!("CARGO_PKG_VERSION")));
    }
    assert_eq!(printed("--version-number"), "50500\n");
}

#[test]
fn an_argument_that_is_not_utf8_is_refused_by_name() {
    let args = ["cluster".into(), "show".into(), OsString::from_vec(b"-fa\xff".to_vec())];
    let e = parse(&args, &place()).unwrap_err();
    assert_eq!(e.message, "argument is not UTF-8: \"-fa\u{fffd}\"");
}

#[test]
fn without_a_working_directory_only_absolute_paths_are_taken() {
    let nowhere = Place { cwd: None, ..place() };
    assert!(parse(&words("cluster show -f /x"), &nowhere).is_ok());
    assert!(
        parse(&words("cluster show -f x"), &nowhere).unwrap_err().message.contains("no working directory")
    );
}

fn argument() -> impl Strategy<Value = OsString> {
    let longs: Vec<&str> = OPTIONS.iter().map(|o| o.long).collect();
    let shorts: Vec<char> = OPTIONS.iter().filter_map(|o| o.short).collect();
    let known: Vec<&str> =
        VERBS.iter().flat_map(|v| [v.group, v.word]).chain(["master", "help", "--", "-", ""]).collect();
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..12).prop_map(OsString::from_vec),
        proptest::sample::select(known).prop_map(OsString::from),
        (proptest::sample::select(longs), 0usize..30, "(=.{0,6})?").prop_map(|(l, n, v)| format!(
            "--{}{v}",
            &l[..n.min(l.len())]
        )
        .into()),
        (proptest::collection::vec(proptest::sample::select(shorts), 1..4), ".{0,4}")
            .prop_map(|(s, v)| format!("-{}{v}", s.into_iter().collect::<String>()).into()),
        "\\PC{0,8}".prop_map(OsString::from),
        "[0-9]{1,12}".prop_map(OsString::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_command_line_makes_it_panic_or_complain_in_two_lines(args in proptest::collection::vec(argument(), 0..8)) {
        if let Err(e) = parse(&args, &place()) {
            prop_assert_eq!(e.exit, Exit::BadConfig);
            prop_assert!(!e.message.contains('\n'), "{}", e.message);
            prop_assert!(!e.message.contains("Error parsing option") && !e.message.contains("Unrecognized argument"),
                "argh's own words: {}", e.message);
        }
    }
}
