//! `repmgr cluster matrix` and `repmgr cluster crosscheck` beside the original's.
//!
//! Whatever runs on another host is this program, as `repmgr_bindir` says: the original reads what it prints.

use super::cluster_common::registered;
use crate::cluster::{Host, Out, PgOptions, Solo, Stop};
use crate::compat::Pair;

/// Both commands in both forms have to be alike; returns our four answers.
#[track_caller]
fn alike(why: &str, host: &Host) -> [Out; 4] {
    [("matrix", None), ("matrix", Some("--csv")), ("crosscheck", None), ("crosscheck", Some("--csv"))].map(
        |(command, form)| {
            let args: Vec<&str> = ["cluster", command].into_iter().chain(form).collect();
            let pair = Pair::run(host, &args);
            assert_eq!(pair.original.stdout, pair.ours.stdout, "{why}\n{}{}", pair.original, pair.ours);
            assert_eq!(pair.original.code, pair.ours.code, "{why}\n{}{}", pair.original, pair.ours);
            pair.ours
        },
    )
}

fn codes(outs: &[Out; 4]) -> [i32; 4] {
    [outs[0].code, outs[1].code, outs[2].code, outs[3].code]
}

#[test]
fn who_reaches_whom_is_shown_as_by_the_original() {
    let lab = registered(&[1, 1]);
    let (one, two, three) = (lab.host(1), lab.host(2), lab.host(3));
    let whole = alike("all is well", one);
    assert_eq!(codes(&whole), [0, 0, 0, 0]);
    assert_eq!(whole[1].stdout, "1,1,0\n1,2,0\n1,3,0\n2,1,0\n2,2,0\n2,3,0\n3,1,0\n3,2,0\n3,3,0\n");
    alike("seen by a standby", three);
    for command in ["matrix", "crosscheck"] {
        let compact = Pair::run(one, &["cluster", command, "--compact"]);
        assert_eq!(compact.original.stdout, compact.ours.stdout, "{command} --compact");
    }

    lab.refuse_port(two, 22);
    assert_eq!(codes(&alike("ssh to one node is refused", one)), [12, 25, 12, 12]);
    let told = one.repmgr(&["cluster", "crosscheck"]).code(12).stderr;
    assert_eq!(told.matches("WARNING").count(), 1, "a failure is told once:\n{told}");
    assert!(told.contains("\"node2\"") && told.contains("HINT: "), "{told}");
    lab.heal(two);

    // The way between two of them is closed to PostgreSQL, not to ssh.
    two.run_as_root(&[
        "nft",
        &format!(
            "table inet lab_fault {{ chain in {{ type filter hook input priority -300;
             ip saddr != {} tcp dport 5432 reject with tcp reset\n}}\n}}",
            two.ip()
        ),
    ])
    .ok();
    let cut = alike("nobody reaches the server of node2, but it itself", one);
    assert_eq!(codes(&cut), [25, 25, 25, 25]);
    assert!(cut[3].stdout.contains("2,2,0") && cut[1].stdout.contains("2,2,-2"), "{}{}", cut[1], cut[3]);
    lab.heal(two);

    two.stop_pg(Stop::Fast);
    let down = alike("a node is down", one);
    assert_eq!(codes(&down), [25, 25, 25, 25]);
    for out in &down {
        assert!(out.stderr.contains("WARNING: unable to connect to the server of node \"node2\""), "{out}");
        assert!(out.stderr.contains("Connection refused"), "the cause: {out}");
    }
    two.start_pg();
    one.stop_pg(Stop::Fast);
    assert_eq!(codes(&alike("the primary is down", three)), [25, 25, 25, 25]);
    for command in ["matrix", "crosscheck"] {
        Pair::run(one, &["cluster", command]).same_code().same_stdout();
    }
}

#[test]
fn a_host_out_of_reach_costs_its_time_once() {
    let lab = registered(&[1, 1, 1]);
    let one = lab.host(1);
    lab.black_hole(lab.host(2));
    lab.drop_port(lab.host(3), 5432);
    let pair = Pair::run(one, &["cluster", "matrix", "--csv"]);
    pair.same_code().same_stdout();
    let (theirs, ours) = (pair.original.took, pair.ours.took);
    eprintln!("bench: matrix of 4, one host and one server silent: original {theirs:?}, ours {ours:?}");
    // Here 2 s, and at the node that is asked 2 s more; one after the other it is 8 s.
    assert!(ours.as_secs_f64() < 7.0, "{ours:?}");
}

#[test]
fn what_a_host_answers_wrongly_is_told_and_not_taken_for_an_answer() {
    let lab = registered(&[1]);
    let (one, two) = (lab.host(1), lab.host(2));
    for (why, conf, hint) in [
        ("no program there", "repmgr_bindir='/nowhere'", "HINT: check \"repmgr_bindir\" here"),
        (
            "a program that talks",
            "repmgr_bindir='/var/lib/postgresql/talk'",
            "HINT: run \"repmgr cluster show\" on that host",
        ),
    ] {
        two.shell("mkdir -p talk; printf '#!/bin/sh\\necho hello; echo 1; echo 1,x,2\\n' >talk/repmgr; chmod +x talk/repmgr")
            .ok();
        one.write_conf("");
        one.append(&one.conf_path(), &format!("{conf}\n"));
        let out = one.repmgr(&["cluster", "matrix", "--csv"]);
        assert_eq!(out.stdout, "1,1,0\n1,2,0\n2,1,-2\n2,2,-2\n", "{why}: {out}");
        assert!([12, 25].contains(&out.code) && out.stderr.contains("gave no answer"), "{why}: {out}");
        assert!(out.stderr.contains(hint), "{why}: {out}");
    }
    let text = one.repmgr(&["cluster", "matrix"]).stdout;
    assert!(text.contains(" node2 | 2  | ? | ? "), "{text}");
}

#[test]
fn ssh_goes_to_the_host_of_the_record_with_the_options_of_the_file() {
    let lab = registered(&[1]);
    let (one, two) = (lab.host(1), lab.host(2));
    // A port where nobody listens shows that the options are used.
    one.append(&one.conf_path(), "ssh_options='-q -p 2222'\n");
    one.repmgr(&["cluster", "matrix"]).code(12).says("-p 2222");
    one.write_conf("ssh_options='-q -o \"unbalanced'");
    let out = one.repmgr(&["cluster", "matrix"]);
    assert!(out.code != 0 && out.stderr.contains("ssh_options"), "{out}");
    one.write_conf("");
    // By a socket nobody knows the host.
    one.psql("UPDATE repmgr.nodes SET conninfo = 'host=/run/postgresql user=repmgr dbname=repmgr' WHERE node_id = 2");
    two.catch_up(one);
    one.repmgr(&["cluster", "matrix"]).code(12).says("no host is known for node \"node2\"");
}

#[test]
fn json_of_a_matrix_holds_every_pair() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    for command in ["matrix", "crosscheck"] {
        let out = host.repmgr(&["cluster", command, "--json"]).ok();
        let json: serde_json::Value = serde_json::from_str(&out.stdout).expect("JSON");
        assert_eq!(json["links"], serde_json::json!([{ "from": 1, "to": 1, "link": "ok" }]), "{out}");
        assert_eq!(json["whole"], true);
    }
}

#[test]
fn without_a_file_the_own_number_is_an_option() {
    let solo = Solo::new(1);
    let host = solo.host(1).init_primary(&PgOptions::default());
    host.write_conf("");
    host.original(&["primary", "register"]).ok();
    let (ours, original) = (host.path("bin/repmgr"), host.postgres.program("repmgr"));
    let run = |program: &str, words: &str| {
        let server = format!("-h 127.0.0.1 -p {} -U repmgr -d repmgr", host.port);
        host.shell(&format!("cd run && exec '{program}' {server} cluster {words}"))
    };
    let (theirs, own) = (run(&original, "matrix --node-id=1 --csv"), run(&ours, "matrix --node-id=1 --csv"));
    assert_eq!((theirs.code, theirs.stdout.as_str()), (own.code, own.stdout.as_str()), "{theirs}{own}");
    assert_eq!(own.stdout, "1,1,0\n");
    // Nobody knows who asks: every row is a stranger's, reached through ssh.
    for command in ["matrix", "crosscheck"] {
        let out = run(&ours, command);
        assert!(out.code == 12 || out.code == 25, "{out}");
    }
}
