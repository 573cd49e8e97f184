//! The harness itself: does a lab give what its documentation says?

use crate::cluster::{Lab, PgOptions, Solo, wait_for};
use std::time::{Duration, Instant};

/// What a lab of three servers may take on two loaded cores; about 2 s on idle ones.
const THREE_UP: Duration = Duration::from_secs(20);

#[test]
fn a_lab_of_three_streams_and_its_hosts_have_names_addresses_and_ssh() {
    let started = Instant::now();
    let lab = Lab::new(3);
    eprintln!("hosts after {:?}", started.elapsed());
    let primary = lab.host(1).init_primary(&PgOptions::default());
    eprintln!("primary after {:?}", started.elapsed());
    lab.host(2).join(primary);
    lab.host(3).join(primary);
    eprintln!("three up after {:?}", started.elapsed());
    assert!(started.elapsed() < THREE_UP, "{:?}", started.elapsed());

    primary.psql("CREATE TABLE t AS SELECT 7 AS a");
    lab.host(3).catch_up(primary);
    assert_eq!(lab.host(3).psql("SELECT a FROM t"), "7");
    assert_eq!(
        lab.host(2).shell("hostname; id -un; cat /etc/hostname").ok().stdout,
        "node2\npostgres\nnode2\n"
    );
    let over_ssh = lab.host(1).run_as_postgres(&["ssh", "node3", "hostname; whoami"]).ok();
    assert_eq!(over_ssh.stdout, "node3\npostgres\n");
    assert_eq!(
        lab.host(2).run_as_postgres(&["ssh", lab.host(1).ip().as_str(), "hostname"]).ok().stdout,
        "node1\n"
    );
}

#[test]
fn faults_of_the_network_do_what_they_say_and_can_be_undone() {
    let lab = Lab::new(3);
    let reach = |from: usize, to: usize| {
        let to = lab.host(to).ip();
        lab.host(from).shell(&format!("timeout 0.5 bash -c ': </dev/tcp/{to}/22'")).code == 0
    };
    assert!(reach(1, 2) && reach(2, 3) && reach(3, 1));

    lab.black_hole(lab.host(2));
    assert!(!reach(1, 2) && !reach(2, 3) && reach(1, 3), "only node2 is cut off");
    lab.heal(lab.host(2));
    assert!(reach(1, 2));

    lab.cut(lab.host(1), lab.host(2));
    assert!(!reach(1, 2) && !reach(2, 1) && reach(1, 3) && reach(3, 2), "only the way between them is cut");
    lab.mend(lab.host(1), lab.host(2));
    assert!(reach(1, 2));

    lab.unplug(lab.host(3));
    assert!(!reach(1, 3));
    assert_eq!(lab.host(3).read("/sys/class/net/eth0/carrier").trim(), "0");
    lab.plug_in(lab.host(3));
    wait_for("the card to work again", Duration::from_secs(10), || reach(1, 3));

    lab.refuse_port(lab.host(1), 22);
    let refused = lab.host(2).shell("timeout 5 bash -c ': </dev/tcp/node1/22'");
    assert!(refused.code != 0 && refused.code != 124 && refused.stderr.contains("refused"), "{refused}");
}

#[test]
fn a_server_in_a_lab_can_be_stopped_frozen_and_killed() {
    let lab = Lab::new(1);
    let host =
        lab.host(1).init_primary(&PgOptions { conf: "work_mem = '5MB'".into(), ..PgOptions::default() });
    assert_eq!(host.psql("SHOW work_mem"), "5MB");
    let answers = || host.shell("timeout 0.5 psql -h node1 -U repmgr -Atc 'SELECT 1'").code == 0;
    // On a busy machine a look may come too late; a server that never answers is caught all the same.
    let answers_again = || wait_for("an answer", Duration::from_secs(20), answers);
    answers_again();
    host.sigstop_pg();
    assert!(!answers());
    host.sigcont_pg();
    answers_again();
    host.kill9_pg();
    assert!(!answers());
    host.start_pg();
    answers_again();
    host.restart_pg();
    answers_again();
}

#[test]
fn nothing_of_a_lab_is_left_when_it_is_dropped() {
    let lab = Lab::new(1);
    let holder = lab.host(1).seen_from_here("/etc/hostname");
    lab.host(1).init_primary(&PgOptions::default());
    assert!(holder.exists());
    drop(lab);
    assert!(!holder.exists());
}

#[test]
fn a_solo_pair_streams_on_loopback_as_an_unprivileged_user() {
    let solo = Solo::new(2);
    let primary = solo.host(1).init_primary(&PgOptions::default());
    let standby = solo.host(2).join(primary);
    assert_eq!(standby.psql("SELECT pg_is_in_recovery()"), "t");
    assert_ne!(primary.shell("id -u").ok().stdout, "0\n");
}
