//! The virtual address at `repmgr standby promote`.

use super::cluster_common::registered;
use super::vip_common::{IP, addresses, hardware, has, neighbour, talk, with_capabilities};
use crate::cluster::{Host, Out, PgOptions, Solo, Stop};

const PROMOTE: [&str; 2] = ["standby", "promote"];

#[test]
fn the_clients_follow_the_address_to_the_promoted_host_also_when_it_was_cut_off_there() {
    let lab = registered(&[1, 1]);
    let (one, two, client) = (lab.host(1), lab.host(2), lab.host(3));
    for host in [one, two] {
        host.append(&host.conf_path(), &format!("virtual_ip='{IP}/24'\nnetwork_card=eth0\n"));
    }
    let run = |host: &Host, words: &[&str], kill_at: &str| -> Out {
        let (program, conf) = (with_capabilities(host), host.conf_path());
        host.command(&[&[&program, "-f", &conf], words].concat()).env("HG_REPMGR_KILL_AT", kill_at).run()
    };
    run(one, &["vip", "bind"], "").ok();
    talk(client, IP);
    assert_eq!(neighbour(client, IP), hardware(one), "the client knows it");
    lab.unplug(one);

    run(two, &["standby", "promote", "--dry-run"], "")
        .ok()
        .says("INFO: would take up address 10.79.0.100/24");
    assert!(!has(two, "10.79.0.100/24"), "{}", addresses(two));
    // Two points each: begun, promote, record, address. A build that ships does not know how to kill itself.
    if std::env::var_os("HG_REPMGR_UNDER_TEST").is_none() {
        assert_ne!(run(two, &PROMOTE, "7").code, 0);
        assert_eq!(two.psql("SELECT type FROM repmgr.nodes WHERE node_id = 2"), "primary");
        assert!(!has(two, "10.79.0.100/24"), "it was cut off before: {}", addresses(two));
        assert_eq!(neighbour(client, IP), hardware(one), "nobody has told the client");
        let again = run(two, &PROMOTE, "8");
        assert_ne!(again.code, 0);
        again.says("NOTICE: address 10.79.0.100/24 on \"eth0\" is up");
    }
    run(two, &PROMOTE, "").ok().says("on \"eth0\" is up").never_says("WARNING: address");
    assert!(has(two, "10.79.0.100/24"), "{}", addresses(two));
    assert_eq!(neighbour(client, IP), hardware(two), "the client was told");
    talk(client, IP);
    assert_eq!(neighbour(client, IP), hardware(two), "and is answered");
}

#[test]
fn an_address_that_cannot_be_taken_up_is_a_warning_and_the_promotion_stands() {
    let solo = Solo::new(2);
    let one = solo.host(1).init_primary(&PgOptions::default());
    one.write_conf("");
    one.repmgr(&["primary", "register"]).ok();
    let two = solo.host(2).join(one);
    two.write_conf("");
    two.catch_up(one);
    two.repmgr(&["standby", "register"]).ok();
    two.catch_up(one);
    one.stop_pg(Stop::Fast);
    for (lines, says) in [
        (format!("virtual_ip='{IP}'\nnetwork_card=nosuch\n"), "there is no network card \"nosuch\""),
        (format!("virtual_ip='{IP}'\nnetwork_card=''\n"), "no network card is named"),
    ] {
        two.write_conf(&lines);
        two.repmgr(&["standby", "promote", "--dry-run"])
            .ok()
            .says("WARNING: ")
            .says(says)
            .says("DETAIL: the promotion would go on without the address");
    }
    two.write_conf(&format!("virtual_ip='{IP}'\nnetwork_card=nosuch\n"));
    two.repmgr(&PROMOTE)
        .ok()
        .says("WARNING: there is no network card \"nosuch\"")
        .says("HINT: then take the address up with \"repmgr vip bind\"");
    assert_eq!(two.psql("SELECT pg_is_in_recovery()"), "f");
}
