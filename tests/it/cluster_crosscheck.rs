//! `repmgr cluster crosscheck` where it differs from `cluster matrix`; what both have in common is in
//! `cluster_matrix.rs`.

use super::cluster_common::registered;
use std::time::Duration;

/// ConnectTimeout of the default ssh_options, the asking of a silent server there, and room for slow cores.
const ONE_AFTER_THE_OTHER: Duration = Duration::from_secs(24);

#[test]
fn a_silent_host_and_a_silent_server_are_waited_for_at_the_same_time() {
    let lab = registered(&[1, 1, 1]);
    lab.black_hole(lab.host(2));
    lab.drop_port(lab.host(3), 5432);
    let out = lab.host(1).repmgr(&["cluster", "crosscheck", "--csv"]).code(25).within(ONE_AFTER_THE_OTHER);
    eprintln!("bench: crosscheck of 4, one host and one server silent: {:?}", out.took);
    assert!(out.stdout.contains("4,4,0") && out.stdout.contains("3,1,-2"), "{out}");
    assert!(out.stderr.contains("\"node2\"") && out.stderr.contains("\"node3\""), "{out}");
}

#[test]
fn what_another_node_sees_beats_what_this_one_cannot() {
    let lab = registered(&[1, 1]);
    let (one, two, three) = (lab.host(1), lab.host(2), lab.host(3));
    // node1 does not reach the server of node3, so that its own matrix knows nothing of node3's row.
    three
        .run_as_root(&[
            "nft",
            &format!(
                "table inet lab_fault {{ chain in {{ type filter hook input priority -300;
                 ip saddr {} tcp dport 5432 reject with tcp reset\n}}\n}}",
                one.ip()
            ),
        ])
        .ok();
    let matrix = one.repmgr(&["cluster", "matrix", "--csv"]).code(25).stdout;
    assert!(matrix.contains("1,3,-1\n") && matrix.contains("3,2,-2\n"), "{matrix}");
    let (theirs, ours) =
        (one.original(&["cluster", "crosscheck", "--csv"]), one.repmgr(&["cluster", "crosscheck", "--csv"]));
    assert_eq!((theirs.code, &theirs.stdout), (ours.code, &ours.stdout), "{theirs}{ours}");
    assert!(ours.stdout.contains("1,3,-1\n") && ours.stdout.contains("3,2,0\n"), "{ours}");
    assert!(two.repmgr(&["cluster", "matrix", "--csv"]).code(25).stdout.contains("2,3,0\n"));
}
